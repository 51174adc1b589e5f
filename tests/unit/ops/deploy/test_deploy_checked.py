"""A deployment with its checklist: what stops it, what it says when it fails, is interrupted or was rolled back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from slipway.cli import main
from slipway.commands import deploy as command_module
from slipway.ops import target as targets
from slipway.ops.aws_clock import AwsClock
from slipway.ops.deploy import deploy
from slipway.ops.deploy.aftermath import RolledBack
from slipway.ops.deploy.deploy import Deployer, DeployError, UnreadyError
from slipway.ops.preflight.checklist import Scope
from slipway.ops.preflight.facts import StackState
from slipway.ops.preflight.report import Check, Finding, Report, failed, ok, warning
from slipway.ops.target import Kind
from slipway.spec.lock import read_lock
from tests.unit.ops.conftest import MODEL, Declare
from tests.unit.ops.deploy.test_deploy import CONTAINER, V1, commands, config, put, s3, script, training

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from slipway.ops.target import Target

#: Fixtures of the tests of a plain deployment.
__all__ = ["commands", "config", "s3", "training"]

STACK = "rc-project-a-dev-iris"
AT_WORK = (
    f"its output is above. CloudFormation is at work on {STACK} (UPDATE_IN_PROGRESS): wait for its end, and deploy "
    "again"
)
UPDATE_GOES_ON = (
    f"{STACK} is UPDATE_IN_PROGRESS, and CloudFormation goes on with it: `slipway watch iris --env dev --target aws` "
    f"shows how, `aws cloudformation cancel-update-stack --stack-name {STACK}` takes it back"
)
FOUNDATION = "rc-project-a-dev-foundation"
CREATION_GOES_ON = (
    f"{FOUNDATION} is CREATE_IN_PROGRESS, and CloudFormation goes on with it: `aws cloudformation describe-stacks "
    f"--stack-name {FOUNDATION}` shows how"
)


def checked(
    monkeypatch: pytest.MonkeyPatch, *findings: Finding, updates: Mapping[str, float] | None = None
) -> list[Scope]:
    """Let the checklist find something; return what it was asked to look at."""
    asked: list[Scope] = []

    def preflight(_: object, __: object, scope: Scope) -> Report:
        asked.append(scope)
        return Report((Check("iris", "alarms", findings or (ok("quiet"),)),), updates or {})

    monkeypatch.setattr(deploy, "preflight", preflight)
    return asked


@pytest.mark.usefixtures("training")
def test_a_failed_check_stops_everything_before_it_begins(
    account: Target,
    s3: S3Client,
    config: Path,
    commands: list[str],
    declare: Declare,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(s3, V1)
    checked(monkeypatch, failed("one is in ALARM", "find out why"))
    with pytest.raises(UnreadyError, match=r"1 check failed, so nothing was deployed.*--no-preflight"):
        Deployer(declare(), account, config, check=True).run()
    assert commands == []
    out = capsys.readouterr().out.splitlines()
    assert out[-4:] == [
        "iris",
        "  failed   alarms             one is in ALARM",
        "                              → find out why",
        "· preflight: 1 check: 1 failed",
    ]


def test_a_warning_is_told_and_the_deployment_goes_on(
    account: Target,
    s3: S3Client,
    config: Path,
    commands: list[str],
    declare: Declare,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(s3, V1)
    checked(monkeypatch, warning("could not be told", "look there"), ok("else"))
    Deployer(declare(), account, config, check=True).run()
    assert len(commands) == 1
    out = capsys.readouterr().out
    assert "  warning  alarms             could not be told" in out
    assert "else" not in out


@pytest.mark.usefixtures("s3")
def test_the_checklist_knows_what_the_deployment_will_publish(
    account: Target,
    config: Path,
    commands: list[str],
    declare: Declare,
    training: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script(training, "scaling")
    asked = checked(monkeypatch, failed("stop", "here"))
    other = {**MODEL, "model": {**CONTAINER, "artifact": "models/other/v2/model.tar.gz"}}
    mine = {**MODEL, "model": {**CONTAINER, "artifact": "models/scaling/v3/model.tar.gz"}}
    with pytest.raises(UnreadyError):
        Deployer(declare(iris=mine, fraud=other), account, config, check=True).run()
    (scope,) = asked
    assert (scope.names, scope.coming, scope.existing) == (("iris", "fraud"), {"models/scaling/v3/model.tar.gz"}, True)
    assert scope.hashes == read_lock(config / "models.lock.json")
    assert commands == []


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize(("kind", "speed", "said"), [("local", 1.0, True), ("local", 60.0, False), ("aws", 1.0, False)])
def test_a_long_wait_on_the_local_aws_says_how_to_shorten_it(
    account: Target,
    s3: S3Client,
    config: Path,
    declare: Declare,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: Kind,
    speed: float,
    *,
    said: bool,
) -> None:
    put(s3, V1)
    checked(monkeypatch, updates={"iris": 600.0, "fraud": 60.0})
    monkeypatch.setattr(deploy, "speed_of", lambda _: speed)
    monkeypatch.setattr(AwsClock, "now", lambda _: datetime.now(UTC))
    target = replace(account, kind=kind)
    monkeypatch.setattr(type(target), "client", lambda _, service: account_client(service))
    Deployer(declare(), target, config, check=True).run()
    line = (
        "· update iris: takes 10m here, with the bakes that it declares; `make deploy SPEED=60` or `slipway deploy "
        "--speed 60` makes that 10s"
    )
    assert (line in capsys.readouterr().out.splitlines()) is said


def account_client(service: str) -> Any:
    return boto3.client(service, region_name="eu-west-1")  # type: ignore[call-overload]


def in_progress(monkeypatch: pytest.MonkeyPatch, *states: StackState, error: Exception | None = None) -> None:
    def found(*_: object) -> list[StackState]:
        if error:
            raise error
        return list(states)

    monkeypatch.setattr(deploy, "under_way", found)


IRIS = StackState(STACK, "UPDATE_IN_PROGRESS")
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("states", "error", "end"),
    [
        ((), None, "its output is above"),
        (
            (IRIS,),
            None,
            AT_WORK,
        ),
        ((), DENIED, "its output is above"),
    ],
    ids=["a failure of its own", "somebody was faster", "nobody can tell"],
)
def test_a_deployment_that_failed_says_whether_another_one_is_at_work(
    account: Target,
    s3: S3Client,
    config: Path,
    declare: Declare,
    monkeypatch: pytest.MonkeyPatch,
    states: tuple[StackState, ...],
    error: Exception | None,
    end: str,
) -> None:
    put(s3, V1)
    monkeypatch.setattr(Deployer, "_run_cdk", lambda *_: 1)
    in_progress(monkeypatch, *states, error=error)
    with pytest.raises(DeployError) as caught:
        Deployer(declare(), account, config).run()
    assert str(caught.value) == f"endpoints: `cdk deploy --all --concurrency 4` ended with exit code 1; {end}"


def test_where_one_stack_failed_another_endpoint_that_was_rolled_back_is_told_too(
    account: Target,
    s3: S3Client,
    config: Path,
    declare: Declare,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(s3, V1)
    checked(monkeypatch)
    monkeypatch.setattr(Deployer, "_run_cdk", lambda *_: 1)
    in_progress(monkeypatch)
    monkeypatch.setattr(deploy, "rolled_back", lambda *_: iter([RolledBack("iris", "iris: rolled back")]))
    with pytest.raises(DeployError, match="ended with exit code 1"):
        Deployer(declare(), account, config, check=True).run()
    assert capsys.readouterr().err == "iris: rolled back\n"


@pytest.mark.parametrize(
    ("states", "error", "said"),
    [
        ((), None, "no stack is being changed: `slipway deploy` goes on from here"),
        (
            (IRIS,),
            None,
            UPDATE_GOES_ON,
        ),
        (
            (StackState(FOUNDATION, "CREATE_IN_PROGRESS"),),
            None,
            CREATION_GOES_ON,
        ),
        ((), DENIED, "what CloudFormation goes on with could not be told: not allowed: no"),
    ],
    ids=["nothing goes on", "an update goes on", "a creation goes on", "nobody can tell"],
)
def test_whoever_interrupts_a_deployment_is_told_what_goes_on(
    account: Target,
    s3: S3Client,
    config: Path,
    declare: Declare,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    states: tuple[StackState, ...],
    error: Exception | None,
    said: str,
) -> None:
    put(s3, V1)

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Deployer, "_run_cdk", interrupted)
    in_progress(monkeypatch, *states, error=error)
    with pytest.raises(KeyboardInterrupt):
        Deployer(declare(), account, config).run()
    assert capsys.readouterr().err == f"{said}\n"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, account: Target) -> Callable[..., int]:
    """The command, with a deployment that does nothing."""
    monkeypatch.setattr(targets, "choose", lambda *_, **__: account)
    monkeypatch.setattr(Deployer, "run", lambda _: None)
    monkeypatch.setattr(command_module, "show_status", lambda *_, **__: 0)

    def run(config: Path, *arguments: str) -> int:
        return main(["deploy", "--config", str(config), "--target", "aws", *arguments])

    return run


def test_an_update_that_was_rolled_back_ends_the_command_with_a_code_of_its_own(
    config: Path,
    command: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Deployer, "rolled_back", lambda _: [RolledBack("iris", "iris: rolled back")])
    assert command(config) == 3
    assert capsys.readouterr().err == "iris: rolled back\n"


def test_where_that_cannot_be_told_the_deployment_has_not_succeeded(
    config: Path,
    command: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object) -> None:
        raise DENIED

    monkeypatch.setattr(deploy, "rolled_back", refuse)
    assert command(config) == 1
    assert capsys.readouterr().err == "whether an update was rolled back could not be told: not allowed: no\n"


def test_leaving_the_checklist_out_is_said(
    config: Path, command: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Deployer, "rolled_back", lambda _: [])
    assert command(config, "--no-preflight") == 0
    assert "· preflight: left out, as --no-preflight says" in capsys.readouterr().out


def test_an_account_has_no_speed(config: Path, command: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert command(config, "--speed", "60") == 2
    assert "--speed is for the local AWS" in capsys.readouterr().err
