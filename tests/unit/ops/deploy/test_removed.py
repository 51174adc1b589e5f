"""What the cleanup removed stays away until it is woken, and a record that no longer holds is forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from slipway.cli import main
from slipway.ops import target as targets
from slipway.ops.deploy.deploy import BOOTSTRAP_PARAMETER, Deployer, DeployError
from slipway.ops.deploy.removed import Removals
from slipway.ops.status.inventory import Inventory
from slipway.ops.target import Target
from slipway.spec.environment import Environment
from tests.unit.ops.conftest import MODEL, Declare

RECORD = {"endpoint": "x", "stack": "y", "removed": "2026-11-22T06:00:10+00:00", "why": "no traffic for 7 days"}
ANNOUNCED = {**RECORD, "announced": "2026-11-21T06:00:05+00:00"}
PATH = "/slipway/rc-project-a-dev/removed"
EXTERNAL: dict[str, Any] = {**MODEL, "model": {**MODEL["model"], "artifact": "s3://elsewhere/model.tar.gz"}}  # type: ignore[dict-item]


@pytest.fixture
def environment(declare: Declare) -> Environment:
    return declare(fraud=EXTERNAL, iris=EXTERNAL)


def record(account: Target, name: str, value: str = json.dumps(ANNOUNCED)) -> None:
    account.client("ssm").put_parameter(Name=f"{PATH}/rc-project-a-dev-{name}-ep", Value=value, Type="String")


def recorded(account: Target) -> list[str]:
    found = account.client("ssm").get_parameters_by_path(Path=PATH)["Parameters"]
    return [one["Name"].removeprefix(f"{PATH}/rc-project-a-dev-").removesuffix("-ep") for one in found]


def endpoint(account: Target, name: str) -> None:
    sagemaker = account.client("sagemaker")
    role = "arn:aws:iam::123456789012:role/x"
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=role, PrimaryContainer={"Image": "i"})
    variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=f"rc-project-a-dev-{name}-ep", EndpointConfigName="c")


@pytest.fixture
def commands(account: Target, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the CDK CLI was asked for, in an account with a bucket."""
    account.client("ssm").put_parameter(Name=BOOTSTRAP_PARAMETER, Value="30", Type="String")
    account.client("s3").create_bucket(
        Bucket="acme-sm-rc-project-a-dev-eu-west-1", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    made: list[list[str]] = []

    def run(_: Deployer, verb: str, arguments: list[str]) -> int:
        made.append([verb, *arguments])
        return 0

    monkeypatch.setattr(Deployer, "_run_cdk", run)
    return made


def stacks(command: list[str]) -> list[str]:
    return [word.removeprefix("rc-project-a-dev-") for word in command if word.startswith("rc-project-a-dev-")]


# -- reading


def test_an_environment_without_records_has_none(account: Target, environment: Environment) -> None:
    assert Removals(environment, account).read() == {}


def test_a_record_tells_when_and_since_when(account: Target, environment: Environment) -> None:
    record(account, "iris")
    record(account, "not-declared")
    (found,) = Removals(environment, account).read().items()
    assert found[0] == "iris"
    assert str(found[1]) == "removed (idle since 2026-11-21)"


@pytest.mark.parametrize("value", ["away", "[]", "{}", json.dumps({"announced": None}), json.dumps({"announced": "x"})])
def test_a_record_that_somebody_wrote_by_hand_counts_as_well(
    account: Target, environment: Environment, value: str
) -> None:
    record(account, "iris", value)
    assert str(Removals(environment, account).read()["iris"]) == "removed"


def test_many_records_are_read_to_the_end(account: Target, declare: Declare) -> None:
    many = [f"m{at}" for at in range(25)]
    for name in many:
        record(account, name)
    assert list(Removals(declare(**dict.fromkeys(many, EXTERNAL)), account).read()) == many


def test_outside_development_nothing_is_asked(account: Target, environment: Environment) -> None:
    record(account, "iris")
    account.client("ssm").put_parameter(
        Name="/slipway/rc-project-a-prod/removed/rc-project-a-prod-iris-ep", Value="x", Type="String"
    )
    prod = environment.model_copy(update={"environment": "prod"})
    assert Removals(prod, account).read() == {}


# -- deploying


def test_without_records_everything_is_deployed(
    account: Target, environment: Environment, commands: list[list[str]], tmp_path: Path
) -> None:
    Deployer(environment, account, tmp_path).run()
    assert commands == [["deploy", "--all", "--concurrency", "4", "--import-existing-resources"]]


def test_a_removed_endpoint_is_left_out_and_the_cure_is_said(
    account: Target,
    environment: Environment,
    commands: list[list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record(account, "iris")
    Deployer(environment, account, tmp_path).run()
    assert [stacks(command) for command in commands] == [["foundation", "fraud", "operations"]]
    assert "--all" not in commands[0]
    assert capsys.readouterr().out.splitlines()[0] == (
        "· leave out iris: removed (idle since 2026-11-21); `make deploy WAKE=iris TARGET=aws` or "
        "`slipway deploy --wake iris --target aws` brings it back"
    )
    assert recorded(account) == ["iris"]


def test_where_all_were_removed_the_rest_is_deployed(
    account: Target, environment: Environment, commands: list[list[str]], tmp_path: Path
) -> None:
    record(account, "iris")
    record(account, "fraud")
    Deployer(environment, account, tmp_path).run()
    assert [stacks(command) for command in commands] == [["foundation", "operations"]]


def test_waking_forgets_the_record_and_deploys(
    account: Target, environment: Environment, commands: list[list[str]], tmp_path: Path
) -> None:
    record(account, "iris")
    record(account, "fraud")
    Deployer(environment, account, tmp_path, wake=["iris"]).run()
    assert [stacks(command) for command in commands] == [["foundation", "iris", "operations"]]
    assert recorded(account) == ["fraud"]


def test_waking_what_was_not_removed_says_so_and_deploys(
    account: Target,
    environment: Environment,
    commands: list[list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Deployer(environment, account, tmp_path, wake=["iris"]).run()
    assert "· wake iris: it was not removed" in capsys.readouterr().out
    assert "--all" in commands[0]


def test_a_record_of_an_endpoint_that_is_there_is_stale_and_goes(
    account: Target, environment: Environment, commands: list[list[str]], tmp_path: Path
) -> None:
    record(account, "iris")
    endpoint(account, "iris")
    Deployer(environment, account, tmp_path).run()
    assert "--all" in commands[0]
    assert recorded(account) == []


@pytest.mark.parametrize("going", ["the endpoint", "its stack"])
def test_a_record_of_an_endpoint_that_is_just_being_removed_is_not_stale(
    account: Target, environment: Environment, monkeypatch: pytest.MonkeyPatch, going: str
) -> None:
    status = "Deleting" if going == "the endpoint" else "InService"
    answers: dict[str, Any] = {
        "sagemaker": type("S", (), {"describe_endpoint": lambda _, **__: {"EndpointStatus": status}})(),
        "cloudformation": type(
            "C", (), {"describe_stacks": lambda _, **__: {"Stacks": [{"StackStatus": "DELETE_IN_PROGRESS"}]}}
        )(),
    }
    removals = Removals(environment, account)
    monkeypatch.setattr(Target, "client", lambda _, service: answers[service])
    assert not removals.is_there("iris")


def test_nothing_is_forgotten_where_something_stops_the_deployment_before_it_begins(
    account: Target, declare: Declare, commands: list[list[str]], tmp_path: Path
) -> None:
    record(account, "iris")
    (tmp_path / "models.lock.json").write_text(json.dumps({"models/iris/v1/model.tar.gz": {"sha256": "0" * 64}}))
    account.client("s3").put_object(
        Bucket="acme-sm-rc-project-a-dev-eu-west-1", Key="models/iris/v1/model.tar.gz", Body=b"other"
    )
    with pytest.raises(DeployError):
        Deployer(declare(iris=MODEL), account, tmp_path, wake=["iris"]).run()
    assert recorded(account) == ["iris"]
    assert commands == []


def test_the_artifact_of_what_is_left_out_is_not_asked_for(
    account: Target, declare: Declare, commands: list[list[str]], tmp_path: Path
) -> None:
    record(account, "iris")
    Deployer(declare(iris=MODEL), account, tmp_path).run()
    assert len(commands) == 1


def test_the_difference_leaves_out_what_a_deployment_would(
    account: Target, environment: Environment, commands: list[list[str]], tmp_path: Path
) -> None:
    assert Deployer(environment, account, tmp_path).diff() == 0
    record(account, "iris")
    Deployer(environment, account, tmp_path).diff()
    assert [stacks(command) for command in commands] == [[], ["foundation", "fraud", "operations"]]
    assert recorded(account) == ["iris"]


def test_records_that_cannot_be_read_stop_the_deployment_with_what_it_takes(
    account: Target,
    environment: Environment,
    commands: list[list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: Removals) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetParametersByPath")

    monkeypatch.setattr(Removals, "read", refuse)
    with pytest.raises(DeployError, match=f"under {PATH}, which takes ssm:GetParametersByPath"):
        Deployer(environment, account, tmp_path).run()
    assert commands == []


def test_forgetting_twice_does_no_harm(account: Target, environment: Environment) -> None:
    record(account, "iris")
    removals = Removals(environment, account)
    found = removals.read().values()
    removals.forget(found)
    removals.forget(found)
    assert recorded(account) == []


def test_waking_an_endpoint_that_is_not_declared_is_wrong_usage(
    account: Target, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(targets, "choose", lambda *_, **__: account)
    assert main(["deploy", "--config", str(root / "config"), "--wake", "irsi"]) == 2
    assert "no endpoint is called 'irsi', did you mean iris?" in capsys.readouterr().err


# -- looking


def test_the_status_of_a_removed_endpoint_says_so_instead_of_missing(account: Target, environment: Environment) -> None:
    record(account, "iris")
    found = {row.endpoint: row.status for row in Inventory(environment, account).rows()}
    assert found == {
        "rc-project-a-dev-fraud-ep": "missing",
        "rc-project-a-dev-iris-ep": "removed (idle since 2026-11-21)",
    }
