from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from slipway.cli import main
from slipway.ops import target as targets
from slipway.ops.status.inventory import Inventory, Row
from slipway.ops.status.standing import Config, Standing, Standings
from slipway.ops.status.table import table
from slipway.ops.target import Target
from slipway.ops.trouble import OperationError
from tests.unit.ops.conftest import MODEL, Declare

PREFIX = "rc-project-a-dev"
IMAGE = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/iris:1"


def launch(account: Target, *endpoints: str) -> None:
    sagemaker = account.client("sagemaker")
    role = "arn:aws:iam::123456789012:role/Endpoints"
    sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=role)
    variant = {"VariantName": "main", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    for name in endpoints:
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="c")


def alarm(account: Target, endpoint: str, what: str, state: str = "OK", variant: str | None = "main") -> None:
    cloudwatch = account.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=f"{endpoint}-{what}",
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=[
            {"Name": "EndpointName", "Value": endpoint},
            *([{"Name": "VariantName", "Value": variant}] if variant else []),
        ],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=f"{endpoint}-{what}", StateValue=state, StateReason="test")


def test_the_alarms_of_a_model_whose_name_goes_on_are_not_counted(account: Target, declare: Declare) -> None:
    ours, longer = f"{PREFIX}-iris-ep", f"{PREFIX}-iris-ep-next-ep"
    launch(account, ours, longer)
    alarm(account, ours, "latency")
    alarm(account, ours, "rollback-latency")
    alarm(account, longer, "latency", "ALARM")
    alarms = {r.endpoint: r.alarms for r in Inventory(declare(iris=MODEL, **{"iris-ep-next": MODEL}), account).rows()}
    assert alarms == {ours: "2, none in ALARM", longer: "1, ALARM: latency"}


def test_a_variant_counts_its_own_alarms_and_those_of_the_whole_endpoint(account: Target, declare: Declare) -> None:
    ours = f"{PREFIX}-iris-ep"
    launch(account, ours)
    alarm(account, ours, "latency")
    alarm(account, ours, "latency-other", "ALARM", variant="other")
    alarm(account, ours, "backlog", "ALARM", variant=None)
    (row,) = Inventory(declare(iris=MODEL), account).rows()
    assert row.alarms == "2, ALARM: backlog"


def test_a_component_that_is_not_there_is_missing(
    account: Target, declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    component = {"model": MODEL["model"], "memory": "1GB", "cpus": 1}
    environment = declare(shared={"version": 1, "hosting": MODEL["hosting"], "components": {"one": component}})
    launch(account, f"{PREFIX}-shared-ep")
    inventory = Inventory(environment, account)

    def missing(**_: str) -> None:
        message = 'Could not find inference component "arn:…".'
        raise ClientError({"Error": {"Code": "ValidationException", "Message": message}}, "DescribeInferenceComponent")

    monkeypatch.setattr(inventory._sagemaker, "describe_inference_component", missing)
    fleet, one = inventory.rows()
    assert (fleet.component, fleet.status) == ("", "InService")
    assert (one.component, one.status) == ("one", "missing")


def test_an_endpoint_that_is_no_longer_declared_is_found_and_other_environments_are_left_alone(
    account: Target, declare: Declare
) -> None:
    other = ["rc-project-a-prod-iris-ep", "x-rc-project-a-dev-iris-ep", "rc-project-a-devs-iris-ep"]
    launch(account, f"{PREFIX}-iris-ep", f"{PREFIX}-old-ep", f"{PREFIX}-by-hand", *other)
    inventory = Inventory(declare(), account)
    found = list(inventory.undeclared())
    assert found == [
        Row(endpoint=f"{PREFIX}-by-hand", status="InService", declared=False),
        Row(endpoint=f"{PREFIX}-old-ep", status="InService", declared=False),
    ]
    by_hand, old = (inventory.remedy(row) for row in found)
    assert by_hand.startswith(f"{PREFIX}-by-hand (InService) is there but not declared: it is no endpoint of Slipway's")
    command = f"aws cloudformation delete-stack --stack-name {PREFIX}-old --region eu-west-1"
    assert old.startswith(f"{PREFIX}-old-ep (InService) is there but not declared: destroy its stack with `{command}`")


def test_status_prints_what_is_not_declared_below_the_table_and_as_json(
    account: Target, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "choose", lambda *_, **__: account)
    launch(account, f"{PREFIX}-iris-ep", f"{PREFIX}-old-ep")
    assert main(["status", "--config", str(root / "config")]) == 0
    table, line = capsys.readouterr().out.strip().rsplit("\n", 1)
    assert f"{PREFIX}-iris-ep" in table
    assert f"{PREFIX}-old-ep" not in table
    assert line.startswith(f"{PREFIX}-old-ep (InService) is there but not declared: destroy its stack")
    assert main(["status", "--json", "--config", str(root / "config")]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(r["endpoint"], r["declared"]) for r in rows] == [(f"{PREFIX}-iris-ep", True), (f"{PREFIX}-old-ep", False)]


@pytest.fixture
def status(
    account: Target, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `slipway status` there: its exit code, what it prints, and what it says besides."""
    monkeypatch.setattr(targets, "choose", lambda *_, **__: account)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["status", *arguments, "--config", str(root / "config")])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


Status = Callable[..., tuple[int, str, str]]


def standing(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> None:
    """Let every endpoint stand like this."""
    serving = Config("c", "1", FIRST, {"ProductionVariants": [{"VariantName": "main", "ModelName": "m"}]})
    made = replace(Standing("InService", serving, serving), **changed)
    monkeypatch.setattr(Standings, "of", lambda *_: made)


FIRST = datetime(2026, 11, 29, 9, tzinfo=UTC)


def test_a_rollback_is_seen_at_a_glance_and_is_the_exit_code(
    account: Target, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch(account, f"{PREFIX}-iris-ep")
    assert status()[0] == 0
    standing(monkeypatch, held=Config("d", "2", FIRST + timedelta(hours=1)))
    code, out, _ = status()
    assert code == 3
    assert "InService, rolled back" in out
    assert f"{PREFIX}-iris-ep: rolled back: serves c of version 1, the stack holds d of version 2\n" in out
    code, out, _ = status("--json")
    (row,) = json.loads(out)
    assert code == 3
    assert (row["status"], row["drift"], row["config"], row["stack_config"]) == ("InService", "rolled back", "c", "d")


@pytest.mark.parametrize("broken", ["Failed", "UpdateRollbackFailed", "OutOfService"])
def test_a_failed_endpoint_is_a_failure_whatever_else_it_is(
    account: Target, status: Status, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    launch(account, f"{PREFIX}-iris-ep")
    standing(monkeypatch, status=broken, failure="No capacity.", held=Config("d", "2"))
    code, out, _ = status()
    assert code == 1
    assert f"{PREFIX}-iris-ep: {broken}: No capacity.\n" in out


def test_a_missing_endpoint_is_a_failure(status: Status) -> None:
    code, out, _ = status()
    assert code == 1
    assert "missing" in out


def test_an_endpoint_that_is_being_created_has_a_row_although_it_has_no_variant_yet(
    account: Target, declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{PREFIX}-iris-ep"
    launch(account, name)
    inventory = Inventory(declare(iris=MODEL), account)
    described = {
        "EndpointName": name,
        "EndpointArn": "arn",
        "EndpointConfigName": "c",
        "EndpointStatus": "Creating",
        "LastModifiedTime": FIRST,
        "PendingDeploymentSummary": {"EndpointConfigName": "c", "StartTime": FIRST},
    }
    monkeypatch.setattr(inventory._sagemaker, "describe_endpoint", lambda **_: described)
    (row,) = inventory.rows()
    assert (row.endpoint, row.status, row.variant) == (name, "Creating", "")
    assert row.notes == ("Creating: since 2026-11-29 09:00 UTC",)


def test_notes_of_an_endpoint_are_said_once_however_many_variants_it_has(
    account: Target, declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{PREFIX}-iris-ep"
    launch(account, name)
    variants = [
        {"VariantName": name, "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        for name in ("a", "b")
    ]
    sagemaker = account.client("sagemaker")
    sagemaker.create_endpoint_config(EndpointConfigName="two", ProductionVariants=variants)
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="two")
    standing(monkeypatch, failure="Why.", held=Config("d", "2"))
    rows = list(Inventory(declare(iris=MODEL), account).rows())
    assert [(row.variant, row.notes, bool(row.drifted), row.drift) for row in rows] == [
        ("a", ("InService: Why.",), True, "rolled back"),
        ("b", (), False, "rolled back"),
    ]


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        ("ThrottlingException", "Rate exceeded", "AWS throttles these calls"),
        ("AccessDeniedException", "not authorized to perform: sagemaker:DescribeEndpoint", "not allowed: not auth"),
        ("ExpiredTokenException", "The security token is expired", "log in again"),
    ],
)
def test_what_aws_refuses_is_told_with_the_endpoint(
    account: Target, declare: Declare, monkeypatch: pytest.MonkeyPatch, code: str, words: str, said: str
) -> None:
    inventory = Inventory(declare(iris=MODEL), account)

    def refuse(**_: str) -> None:
        raise ClientError({"Error": {"Code": code, "Message": words}}, "DescribeEndpoint")

    monkeypatch.setattr(inventory._sagemaker, "describe_endpoint", refuse)
    with pytest.raises(OperationError, match=said) as caught:
        list(inventory.rows())
    assert str(caught.value).startswith(f"look at {PREFIX}-iris-ep: ")


def test_where_it_looks_is_said_first_and_beside_json(account: Target, status: Status) -> None:
    launch(account, f"{PREFIX}-iris-ep")
    there = replace(account, where="there")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(targets, "choose", lambda *_, **__: there)
        assert status()[1].startswith("there\n")
        _, out, err = status("--json")
    assert err == "there\n"
    assert len(json.loads(out)) == 1


def test_a_dashboard_is_only_spoken_of_where_there_is_none() -> None:
    there, none = Row("a", "InService", dashboard="a-eu-west-1"), Row("b", "InService", dashboard="none")
    assert table([there]) == (["endpoint", "status"], [["a", "InService"]])
    assert table([there, none])[1] == [["a", "InService", ""], ["b", "InService", "none"]]


def test_what_no_endpoint_has_needs_no_column_and_nothing_at_all_has_all_heads() -> None:
    assert "component" not in table([Row("a", "InService", variant="v")])[0]
    assert table([])[0][:2] == ["endpoint", "status"]
