"""The way back on a local AWS whose rollouts move: alarms, stack, and what serves, before and afterwards."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.cli import main
from slipway.local import control, steering
from slipway.ops import target as targets
from slipway.ops.aws_clock import AwsClock
from slipway.ops.live import describe, same_config, stack_config
from slipway.ops.rollback.rollback import Rollback
from slipway.ops.status.inventory import Inventory
from slipway.ops.target import Target
from slipway.ops.trouble import BusyError, OperationError
from slipway.ops.watch.events import Result
from slipway.spec.environment import Environment
from slipway.spec.load import from_mapping
from tests.local import test_rollouts as moving
from tests.local.conftest import ACCOUNT, REGION, Client, LocalAws, Stack, archive
from tests.local.hosting import BUCKET, ECHO, ROLE
from tests.local.test_rollouts import CANARY, ROLLING

local_aws = moving.local_aws  # whose clock these tests move

FAILING = ECHO.replace('if data == "fail":', "if True:")
_numbers = itertools.count()


class Advancing(AwsClock):
    """Moves the local clock instead of waiting; something else happens meanwhile."""

    def __init__(self, target: Target, meanwhile: Callable[[], object]) -> None:
        super().__init__(target)
        self._url, self._meanwhile = target.environ["AWS_ENDPOINT_URL"], meanwhile

    def pause(self, seconds: float) -> None:
        self._meanwhile()
        steering.advance_clock(self._url, timedelta(seconds=seconds))


@dataclass
class Site:
    """An environment with one endpoint in a stack, as a deployment would make it."""

    aws: LocalAws
    name: str
    strategy: dict[str, Any]
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment: Environment = from_mapping(self.declaration("1")).environment
        self.full = self.environment.names.endpoint(self.name)
        where = control.environment(self.aws.url, ACCOUNT, REGION)
        self.target = Target("local", ACCOUNT, REGION, where, "here")
        self.sagemaker: Client = self.aws.client("sagemaker")
        self.cloudwatch: Client = self.aws.client("cloudwatch")
        self.stack = Stack(self.aws.client("cloudformation"), self.environment.names.stack(self.name))

    def declaration(self, version: str) -> dict[str, Any]:
        image = {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}
        hosting = {"instance_type": "ml.m5.large", "instances": 2}
        endpoint = {"version": version, "model": {"image": image}, "hosting": hosting, "sample": {"body": '"x"'}}
        place = {"company": "acme", "team": "rc", "project": "project-a", "account": ACCOUNT, "region": REGION}
        return {**place, "environment": "dev", "endpoints": {self.name: endpoint}}

    def tags(self, version: str) -> list[dict[str, str]]:
        tags = {**self.environment.own_tags, "Model": self.name, "Version": version}
        return [{"Key": key, "Value": value} for key, value in tags.items()]

    def template(self, version: str, code: str, **variant: Any) -> dict[str, Any]:
        """The stack of a version: model, config, a rollback alarm on the new fleet, endpoint."""
        key = f"{self.name}/v{version}.tar.gz"
        self.aws.client("s3").put_object(
            Bucket=BUCKET, Key=key, Body=archive({"code/inference.py": code, "name.txt": f"version {version}"})
        )
        model = {
            "PrimaryContainer": {"Image": "image", "ModelDataUrl": f"s3://{BUCKET}/{key}"},
            "ExecutionRoleArn": ROLE,
            "Tags": self.tags(version),
        }
        primary = {
            "VariantName": "primary",
            "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 2,
            "InitialVariantWeight": 1.0,
            **variant,
        }
        config = {"Fn::GetAtt": ["Config", "EndpointConfigName"]}
        dimensions = {"EndpointName": self.full, "VariantName": "primary", "EndpointConfigName": config}
        alarm = {
            "AlarmName": f"{self.full}-rollback-errors-5xx",
            "Namespace": "AWS/SageMaker",
            "MetricName": "Invocation5XXErrors",
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            "Statistic": "Average",
            "Period": 60,
            "EvaluationPeriods": 2,
            "Threshold": 0.05,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }
        endpoint = {
            "EndpointName": self.full,
            "EndpointConfigName": config,
            "DeploymentConfig": {
                **self.strategy,
                "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": {"Ref": "Alarm"}}]},
            },
            "Tags": self.tags(version),
        }
        kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
        variants = {"ProductionVariants": [primary], "Tags": self.tags(version)}
        return {
            "Model": {"Type": "AWS::SageMaker::Model", "Properties": model, **kept},
            "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": variants, **kept},
            "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
            "Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": endpoint},
        }

    def deploy(self, version: str, code: str = ECHO, **variant: Any) -> str:
        """Deploy a version, its bakes in fast motion; return the config that serves then."""
        steering.set_speed(self.aws.url, 3600)
        try:
            status = self.stack.deploy(self.template(version, code, **variant))
        finally:
            steering.set_speed(self.aws.url, 1)
        assert status.endswith("_COMPLETE"), self.stack.reasons()
        self.versions[version] = self.serves
        return self.serves

    @property
    def serves(self) -> str:
        return describe(self.sagemaker, self.full).config

    def ask(self) -> str:
        """What answers; ``error`` when it fails."""
        runtime = self.aws.client("sagemaker-runtime")
        try:
            body = runtime.invoke_endpoint(EndpointName=self.full, Body='"x"', ContentType="application/json")["Body"]
        except runtime.exceptions.ModelError:
            return "error"
        return str(json.loads(body.read())["model"])

    def trouble(self) -> None:
        """Let requests fail until the stack's own alarm is in ALARM."""
        for _ in range(3):
            assert self.ask() == "error"
            steering.advance_clock(self.aws.url, timedelta(minutes=1))
        assert self.alarms()[f"{self.full}-rollback-errors-5xx"] == "ALARM"

    def alarms(self) -> dict[str, str]:
        found = self.cloudwatch.describe_alarms(AlarmNamePrefix=f"{self.full}-rollback-")["MetricAlarms"]
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}

    def temporary(self) -> list[str]:
        return [name for name in self.alarms() if name != f"{self.full}-rollback-errors-5xx"]

    def back(self, said: list[str] | None = None) -> Rollback:
        say = said.append if said is not None else lambda _: None
        return Rollback(self.environment, self.name, self.target, say=say)

    def clock(self, meanwhile: Callable[[], object] = lambda: None) -> Advancing:
        return Advancing(self.target, meanwhile)


Made = Callable[..., Site]


@pytest.fixture
def site(local_aws: LocalAws) -> Made:
    return lambda strategy=CANARY: Site(local_aws, f"iris{next(_numbers)}", strategy)


@pytest.fixture
def bad(site: Made) -> Iterator[Site]:
    """An endpoint at version 2, which fails, and could go back to version 1."""
    made = site()
    made.deploy("1")
    made.deploy("2", FAILING)
    yield made
    steering.clear_flaws(made.aws.url, ACCOUNT, REGION, made.full)


@pytest.mark.parametrize("strategy", [CANARY, ROLLING], ids=["canary", "rolling"])
def test_from_a_bad_version_to_the_one_before(site: Made, strategy: dict[str, Any]) -> None:
    made = site(strategy)
    good = made.deploy("1")
    worse = made.deploy("2", FAILING)
    made.trouble()
    template = made.stack.cloudformation.get_template(StackName=made.stack.name)["TemplateBody"]
    back = made.back()
    way = back.prepare()
    assert (way.to.version, way.differs, way.held) == ("1", ("artifact",), worse)
    seen: dict[str, str] = {}
    ended = back.go(way, clock=made.clock(lambda: seen.update(made.alarms())))
    assert ended.outcome.kind is Result.DEPLOYED
    assert (made.serves, made.ask()) == (good, "version 1")
    (alarm,) = (one.name for one in way.alarms)
    assert seen[alarm] == "OK", "it was there, and saw no fault"
    assert made.temporary() == []
    tags = made.sagemaker.list_tags(ResourceArn=way.live.arn)["Tags"]
    assert "slipway:operation" not in {tag["Key"] for tag in tags}
    assert same_config(stack_config(made.stack.cloudformation, made.stack.name), worse)
    assert made.stack.cloudformation.get_template(StackName=made.stack.name)["TemplateBody"] == template
    (row,) = Inventory(made.environment, made.target).rows(ask=True)
    assert (row.status, row.version) == ("InService", "1")
    assert "version 1" in row.answer


def test_the_stack_deployed_unchanged_does_nothing_and_deployed_at_the_old_version_agrees_again(bad: Site) -> None:
    back = bad.back()
    back.go(back.prepare(), clock=bad.clock())
    updates = bad.stack.events().count(("Endpoint", "UPDATE_COMPLETE"))
    made = bad.stack.change_set(bad.template("2", FAILING))
    assert made["Status"] == "FAILED"
    assert "didn't contain changes" in made["StatusReason"]
    assert bad.ask() == "version 1"
    assert bad.stack.events().count(("Endpoint", "UPDATE_COMPLETE")) == updates
    config = bad.deploy("1")
    assert same_config(stack_config(bad.stack.cloudformation, bad.stack.name), config)
    assert config != bad.versions["2"]
    assert bad.ask() == "version 1"


def test_now_is_there_at_once(bad: Site) -> None:
    before = steering.clock(bad.aws.url).now
    back = bad.back()
    ended = back.go(back.prepare(now=True), clock=bad.clock())
    assert ended.outcome.kind is Result.DEPLOYED
    assert bad.ask() == "version 1"
    assert steering.clock(bad.aws.url).now - before < timedelta(minutes=2)
    assert bad.temporary() == []


def test_a_rollback_to_a_version_that_is_bad_too_is_ended_by_its_own_alarms(bad: Site) -> None:
    back = bad.back()
    back.go(back.prepare(), clock=bad.clock())
    ended = back.go(back.prepare("2"), clock=bad.clock(lambda: [bad.ask() for _ in range(4)]))
    assert (ended.outcome.kind, ended.outcome.exit_code) == (Result.ROLLED_BACK, 3)
    assert ended.tripped == (f"{bad.full}-rollback-errors-5xx",)
    assert bad.serves == bad.versions["1"]
    assert bad.temporary() == []


def test_the_second_operator_is_told_and_the_first_gets_there(bad: Site) -> None:
    refused: list[str] = []
    first, second = bad.back(), bad.back()
    late = second.prepare()

    def meanwhile() -> None:
        if not refused:
            for attempt in (second.prepare, lambda: second.go(late, clock=bad.clock()), second.clean):
                with pytest.raises(BusyError) as caught:
                    attempt()
                refused.append(str(caught.value))

    way = first.prepare()
    assert first.go(way, clock=bad.clock(meanwhile)).outcome.kind is Result.DEPLOYED
    assert "No call stops it" in refused[0]
    assert way.alarms[0].name in refused[0], "the alarm that ends this one"
    assert "Cannot update in-progress endpoint" in refused[1]
    assert "so they stay until it is over" in refused[2]
    assert bad.ask() == "version 1"
    assert bad.temporary() == []


def test_interrupted_while_watching_it_goes_on_and_its_alarms_are_removed_later(bad: Site) -> None:
    said: list[str] = []
    back = bad.back(said)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back.go(back.prepare(), clock=bad.clock(interrupt))
    assert len(bad.temporary()) == 1
    assert "goes on without this command" in said[0]
    assert f"By hand: slipway rollback {bad.name} --clean, when the update is over" in said[1]
    steering.advance_clock(bad.aws.url, timedelta(hours=1))
    assert bad.ask() == "version 1"
    assert len(back.clean()) == 1
    assert bad.temporary() == []


def test_what_has_timed_out_keeps_its_alarms_until_it_is_over(bad: Site) -> None:
    steering.give_flaw(bad.aws.url, ACCOUNT, REGION, bad.full, "stuck")
    back = bad.back()
    ended = back.go(back.prepare(), timeout=600.0, clock=bad.clock())
    assert (ended.outcome.kind, ended.outcome.exit_code) == (Result.TIMED_OUT, 4)
    assert len(bad.temporary()) == 1


def test_from_a_mixture_of_two_configs_a_rollback_is_the_way_out(bad: Site) -> None:
    back = bad.back()
    back.go(back.prepare(), clock=bad.clock())
    steering.give_flaw(bad.aws.url, ACCOUNT, REGION, bad.full, "rollback-fails")
    ended = back.go(back.prepare("2"), clock=bad.clock(lambda: [bad.ask() for _ in range(4)]))
    assert (ended.outcome.kind, ended.outcome.exit_code) == (Result.FAILED, 1)
    assert bad.temporary() == []
    assert describe(bad.sagemaker, bad.full).status == "UpdateRollbackFailed"
    steering.clear_flaws(bad.aws.url, ACCOUNT, REGION, bad.full)
    with pytest.raises(OperationError, match="Say which one it is to have with --to"):
        back.prepare()
    assert back.go(back.prepare("1"), clock=bad.clock()).outcome.kind is Result.DEPLOYED
    assert bad.ask() == "version 1"


def test_another_instance_type_of_a_scaled_variant_is_refused_before_the_service_does(bad: Site) -> None:
    bad.deploy("3", InstanceType="ml.m5.xlarge")
    bad.aws.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId=f"endpoint/{bad.full}/variant/primary",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=1,
        MaxCapacity=4,
    )
    with pytest.raises(OperationError, match=r"runs primary on ml\.m5\.large instead of ml\.m5\.xlarge"):
        bad.back().prepare()
    assert bad.serves == bad.versions["3"]


def test_live_counts_stay(bad: Site) -> None:
    bad.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=bad.full, DesiredWeightsAndCapacities=[{"VariantName": "primary", "DesiredInstanceCount": 5}]
    )
    steering.advance_clock(bad.aws.url, timedelta(minutes=10))
    back = bad.back()
    back.go(back.prepare(), clock=bad.clock())
    (variant,) = describe(bad.sagemaker, bad.full).variants
    assert variant.count == 5


def test_as_it_is_typed(
    bad: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(targets, "choose", lambda *_, **__: bad.target)
    declared = bad.declaration("2")
    overlay = {key: declared.pop(key) for key in ("account", "region", "environment")}
    (tmp_path / "base.yaml").write_text(json.dumps(declared, indent=2), encoding="utf-8")
    (tmp_path / "dev.yaml").write_text(json.dumps(overlay), encoding="utf-8")
    lock = {f"models/{bad.name}/v2/model.tar.gz": {"sha256": "0" * 64}}
    (tmp_path / "models.lock.json").write_text(json.dumps(lock), encoding="utf-8")
    steering.set_speed(bad.aws.url, 300)
    try:
        assert main(["rollback", bad.name, "--config", str(tmp_path)]) == 0
    finally:
        steering.set_speed(bad.aws.url, 1)
    out = capsys.readouterr().out
    assert "how: canary, 1 first, 10m bake, 5m with both fleets at the end" in out
    assert bad.serves == bad.versions["1"]
    assert f"the stack {bad.stack.name} still holds version 2 ({bad.versions['2']})" in out
    assert f"base.yaml:7: endpoints.{bad.name}.version: 2 → 1" in out
    assert bad.temporary() == []
