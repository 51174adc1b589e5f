"""An endpoint that is deleted comes back as it was, or it is said how it does."""

from __future__ import annotations

import io
import os
import signal
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from slipway.cli import main
from slipway.ops import target as targets
from slipway.ops.lease import OPERATION
from slipway.ops.recreate import recreate as recreating
from slipway.ops.recreate.note import note_path, read_note
from slipway.ops.recreate.recreate import Recreator
from slipway.ops.scale.scalable import RESTORE
from slipway.ops.settling import NotSettledError
from slipway.ops.trouble import BusyError, NoEndpointError, OperationError, WrongOperation
from slipway.ops.unfinished import terminable
from slipway.spec.environment import Environment
from tests.unit.ops.answering import EXPIRED, START, THROTTLED, Aws, Refusal, denied
from tests.unit.ops.conftest import Declare

FULL = "rc-project-a-dev-iris-ep"
STACK = "rc-project-a-dev-iris"
ARN = f"arn:aws:sagemaker:eu-west-1:123456789012:endpoint/{FULL}"
RESOURCE = f"endpoint/{FULL}/variant/primary"
MISSING = Refusal("ValidationException", f'Could not find endpoint "{ARN}".')
TAKEN = Refusal("ValidationException", f'Cannot create already existing endpoint "{ARN}".')
HOURS = timedelta(hours=2)
KEYS = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": RESOURCE,
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
TRACKING = {
    "TargetValue": 70.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
}
STEPS = {
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
}
DEPLOYMENT = {
    "RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 300},
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": f"{FULL}-rollback-latency"}]},
}


class World(Aws):
    """One endpoint, which takes minutes to go and to come, and all that hangs on it."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0
        self.endpoint: dict[str, Any] | None = None
        self.models = {"model-1"}
        self.configs = {"config-1", "config-2"}
        self.tags: dict[str, str] = {"Team": "rc", "aws:cloudformation:stack-name": STACK}
        self.deletion, self.creation = timedelta(minutes=2), timedelta(minutes=6)
        self.changes: tuple[datetime, str] | None = None
        self.failure = ""
        self.weight = 1.0
        self.hosts_components = False
        self.schedules: list[str] = []
        self.scalable: dict[str, Any] | None = None
        self.target_tags: dict[str, str] = {}
        self.policies: dict[str, dict[str, Any]] = {}
        self.actions: dict[str, dict[str, Any]] = {}
        self.alarms: dict[str, dict[str, Any]] = {}
        self.generation = 0
        self.stack_config = "config-1"
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.on_pause.append(self.move)
        self.answers = {
            "DescribeEndpoint": lambda _: self.described(),
            "DeleteEndpoint": lambda _: self.delete(),
            "CreateEndpoint": self.create,
            "ListTags": lambda _: self.list_tags(),
            "AddTags": lambda given: self.tags.update({tag["Key"]: tag["Value"] for tag in given["Tags"]}),
            "DeleteTags": self.untag,
            "ListMonitoringSchedules": lambda _: {
                "MonitoringScheduleSummaries": [{"MonitoringScheduleName": name} for name in self.schedules]
            },
            "DescribeEndpointConfig": self.describe_config,
            "DescribeModel": self.describe_model,
            "DescribeScalableTargets": lambda _: {"ScalableTargets": [self.scalable] if self.scalable else []},
            "DescribeScalingPolicies": lambda _: {"ScalingPolicies": list(self.policies.values())},
            "DescribeScheduledActions": lambda _: {"ScheduledActions": list(self.actions.values())},
            "ListTagsForResource": lambda _: {"Tags": self.target_tags},
            "RegisterScalableTarget": self.register,
            "PutScalingPolicy": self.put_policy,
            "PutScheduledAction": lambda given: self.actions.update({given["ScheduledActionName"]: given}),
            "DescribeAlarms": lambda given: {
                "MetricAlarms": [
                    alarm
                    for alarm in self.alarms.values()
                    if any(action.startswith(given["ActionPrefix"]) for action in alarm["AlarmActions"])
                ]
            },
            "PutMetricAlarm": lambda given: self.alarms.update({given["AlarmName"]: given}),
            "DescribeStackResources": lambda _: {
                "StackResources": [
                    {
                        "ResourceType": "AWS::SageMaker::EndpointConfig",
                        "LogicalResourceId": "Config",
                        "PhysicalResourceId": f"{ARN.replace('endpoint/', 'endpoint-config/')}/{self.stack_config}",
                        "Timestamp": START,
                        "ResourceStatus": "CREATE_COMPLETE",
                    }
                ]
                if self.stack_config
                else []
            },
        }
        self._new("config-1", DEPLOYMENT)
        self.endpoint["EndpointStatus"] = "InService"  # type: ignore[index]
        self.changes = None

    def _new(self, config: str, deployment: dict[str, Any]) -> None:
        self.made += 1
        self.endpoint = {
            "EndpointName": FULL,
            "EndpointArn": ARN,
            "EndpointConfigName": config,
            "EndpointStatus": "Creating",
            "CreationTime": self.now + timedelta(seconds=self.made),
            "LastModifiedTime": self.now,
            "LastDeploymentConfig": deployment,
            "ProductionVariants": [{"VariantName": "primary", "CurrentWeight": self.weight, "CurrentInstanceCount": 2}],
        }
        self.changes = (self.now + self.creation, "Failed" if self.failure else "InService")

    def move(self) -> None:
        if self.changes and self.now >= self.changes[0]:
            status = self.changes[1]
            self.changes = None
            if not status:
                self.endpoint, self.tags = None, {}
            elif self.endpoint is not None:
                self.endpoint["EndpointStatus"] = status
                self.endpoint["FailureReason"] = self.failure

    def described(self) -> dict[str, Any]:
        if self.endpoint is None:
            raise MISSING
        return dict(self.endpoint)

    def list_tags(self) -> dict[str, Any]:
        if self.endpoint is None:
            raise MISSING
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()]}

    def untag(self, given: dict[str, Any]) -> None:
        for key in given["TagKeys"]:
            del self.tags[key]

    def delete(self) -> None:
        found = self.described()
        if found["EndpointStatus"] not in ("InService", "Failed"):
            raise Refusal("ValidationException", f'Cannot delete in-progress endpoint "{ARN}".')
        assert self.endpoint is not None
        self.endpoint["EndpointStatus"] = "Deleting"
        self.changes = (self.now + self.deletion, "")
        # The service deregisters what scales it.
        self.scalable, self.target_tags, self.policies, self.actions = None, {}, {}, {}

    def create(self, given: dict[str, Any]) -> None:
        if self.endpoint is not None:
            raise TAKEN
        assert given["EndpointConfigName"] in self.configs
        self._new(given["EndpointConfigName"], given.get("DeploymentConfig", {}))
        self.tags = {tag["Key"]: tag["Value"] for tag in given["Tags"]}
        assert not any(key.startswith("aws:") for key in self.tags)

    def describe_config(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given["EndpointConfigName"]
        if name not in self.configs:
            raise Refusal("ValidationException", f'Could not find endpoint configuration "{name}".')
        variant = "other" if name == "config-2" else "primary"
        return {
            "EndpointConfigName": name,
            "EndpointConfigArn": ARN,
            "CreationTime": START,
            "ProductionVariants": [
                {"VariantName": variant, **({} if self.hosts_components else {"ModelName": "model-1"})}
            ],
        }

    def describe_model(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["ModelName"] not in self.models:
            raise Refusal("ValidationException", f'Could not find model "{given["ModelName"]}".')
        return {"ModelName": given["ModelName"], "ModelArn": ARN, "CreationTime": START}

    # -- what scales it

    def scale(self) -> None:
        self.register({**KEYS, "MinCapacity": 2, "MaxCapacity": 4, "Tags": {"Team": "rc"}})
        self.put_policy(
            {**KEYS, "PolicyName": "cpu", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": STEPS}
        )
        self.put_policy(
            {
                **KEYS,
                "PolicyName": "invocations",
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": TRACKING,
            }
        )
        night = {
            "Schedule": "cron(0 20 * * ? *)",
            "Timezone": "Europe/Berlin",
            "ScalableTargetAction": {"MinCapacity": 1},
        }
        self.actions["night"] = {
            **KEYS,
            "ScheduledActionName": "night",
            "StartTime": START + timedelta(days=1),
            "CreationTime": START,
            "ScheduledActionARN": "arn",
            **night,
        }
        self.alarms["steps"] = {
            "AlarmName": "steps",
            "AlarmArn": "arn",
            "StateValue": "OK",
            "Namespace": "/aws/sagemaker/Endpoints",
            "MetricName": "CPUUtilization",
            "Dimensions": [{"Name": "EndpointName", "Value": FULL}],
            "ExtendedStatistic": "p95",
            "Period": 60,
            "EvaluationPeriods": 2,
            "Threshold": 160.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "missing",
            "AlarmActions": [self.policies["cpu"]["PolicyARN"], "arn:aws:sns:eu-west-1:123456789012:alarms"],
        }

    def register(self, given: dict[str, Any]) -> None:
        if self.scalable and "Tags" in given:
            raise Refusal("ValidationException", "The scalable target that you tried to tag already exists.")
        if not self.scalable:
            self.generation += 1
            self.target_tags = dict(given.get("Tags", {}))
        members = {key: value for key, value in given.items() if key != "Tags"}
        self.scalable = {
            "SuspendedState": {"ScheduledScalingSuspended": False},
            "RoleARN": "arn:aws:iam::123456789012:role/x",
            "CreationTime": START,
            "ScalableTargetARN": "arn:aws:application-autoscaling:eu-west-1:123456789012:scalable-target/x",
            **members,
        }

    def put_policy(self, given: dict[str, Any]) -> dict[str, Any]:
        assert self.scalable is not None
        name = given["PolicyName"]
        arn = f"arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:{self.generation}:policyName/{name}"
        self.policies[name] = {**given, "PolicyARN": arn, "CreationTime": START, "Alarms": []}
        return {"PolicyARN": arn}

    @property
    def scaled(self) -> object:
        """What scales it, without what the service gives it anew."""
        fresh = ("CreationTime", "PolicyARN", "ScheduledActionARN", "Alarms", "RoleARN", "ScalableTargetARN")
        everything = [self.scalable or {}, *self.policies.values(), *self.actions.values()]
        kept = [{key: value for key, value in one.items() if key not in fresh} for one in everything]
        for one in kept:
            if isinstance(one.get("StartTime"), str):
                one["StartTime"] = datetime.fromisoformat(one["StartTime"])
        return kept, self.target_tags


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def environment(declare: Declare) -> Environment:
    return declare()


def recreator(world: World, environment: Environment, home: Path) -> Recreator:
    return Recreator(
        environment,
        "iris",
        world.target(),
        home=home,
        clock=world.clock(),
        say=world.lines.append,
        warn=world.warnings.append,
    )


@pytest.fixture
def again(world: World, environment: Environment, tmp_path: Path) -> Recreator:
    return recreator(world, environment, tmp_path)


def serves(world: World, config: str = "config-1") -> bool:
    found = world.endpoint
    return found is not None and (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", config)


# -- all goes well


def test_it_comes_back_as_it_was(world: World, again: Recreator, tmp_path: Path) -> None:
    before = world.endpoint
    again.begin(None, HOURS)
    assert serves(world)
    assert world.endpoint is not None
    assert world.endpoint is not before
    assert world.endpoint["LastDeploymentConfig"] == DEPLOYMENT
    assert world.tags == {"Team": "rc"}
    assert not note_path(FULL, tmp_path).exists()
    assert world.lines == [
        f"{note_path(FULL, tmp_path)} holds what it takes to create {FULL} again",
        f"{FULL}: being deleted",
        f"{FULL}: gone after 2m",
        f"{FULL}: being created with config-1",
        f"{FULL}: InService after 6m",
    ]
    assert world.warnings == []


def test_what_scales_it_comes_back_as_well(world: World, again: Recreator) -> None:
    world.scale()
    before = world.scaled
    again.begin(None, HOURS)
    assert world.scaled == before
    assert world.lines[-1] == f"{RESOURCE}: scaled again, 2 to 4"


def test_alarms_fire_the_policies_of_now(world: World, again: Recreator) -> None:
    world.scale()
    alarm = dict(world.alarms["steps"])
    former = world.policies["cpu"]["PolicyARN"]
    again.begin(None, HOURS)
    arn = world.policies["cpu"]["PolicyARN"]
    assert arn != former
    assert world.alarms["steps"]["AlarmActions"] == [arn, "arn:aws:sns:eu-west-1:123456789012:alarms"]
    same = ("AlarmName", "MetricName", "ExtendedStatistic", "Threshold", "TreatMissingData", "Dimensions")
    assert {key: world.alarms["steps"][key] for key in same} == {key: alarm[key] for key in same}
    assert "knows scaling policies by former ARNs (cpu, invocations)" in world.warnings[0]
    assert "endpoints.iris.scaling: null" in world.warnings[0]


def test_temporary_limits_that_ended_meanwhile_have_ended(world: World, again: Recreator) -> None:
    world.scale()
    assert world.scalable is not None
    world.scalable |= {"MinCapacity": 4, "MaxCapacity": 8}
    for name, minutes in ((RESTORE, 5), ("later", 60)):
        world.actions[name] = {
            **KEYS,
            "ScheduledActionName": name,
            "ScheduledActionARN": "arn",
            "CreationTime": START,
            "Schedule": f"at({START + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S})",
            "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 4},
        }
    again.begin(None, HOURS)
    assert (world.scalable["MinCapacity"], world.scalable["MaxCapacity"]) == (2, 4)
    assert sorted(world.actions) == ["later", "night"]


def test_another_config_can_be_brought(world: World, again: Recreator) -> None:
    world.configs.add("config-3")
    again.begin("config-3", HOURS)
    assert serves(world, "config-3")
    assert f"the stack {STACK} holds config-1, not config-3: its next update brings that back" in world.lines[-1]


def test_weights_that_were_shifted_are_told(world: World, again: Recreator) -> None:
    assert world.endpoint is not None
    shifted = [{"VariantName": "a", "CurrentWeight": 1.0}, {"VariantName": "b", "CurrentWeight": 3.0}]
    world.endpoint["ProductionVariants"] = shifted
    again.begin(None, HOURS)
    assert "`slipway shift iris --to a=1,b=3`" in world.lines[-1]


def test_a_failed_endpoint_is_mended(world: World, again: Recreator) -> None:
    assert world.endpoint is not None
    world.endpoint |= {"EndpointStatus": "Failed", "FailureReason": "no capacity"}
    again.begin(None, HOURS)
    assert serves(world)
    assert f"{FULL} is Failed (no capacity), so that it can only be deleted" in world.lines


# -- what is refused


def test_no_endpoint_is_said_with_what_to_do(world: World, again: Recreator) -> None:
    world.endpoint = None
    with pytest.raises(NoEndpointError, match=f"there is no endpoint {FULL}: its stack {STACK} believes that there is"):
        again.begin(None, HOURS)
    world.stack_config = ""
    with pytest.raises(NoEndpointError, match=f"there is no endpoint {FULL}: `slipway deploy` makes it"):
        again.begin(None, HOURS)
    with pytest.raises(WrongOperation, match="there is nothing to go on with; there is no endpoint"):
        again.resume(HOURS)


@pytest.mark.parametrize("status", ["Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"])
def test_a_busy_endpoint_is_left_alone(world: World, again: Recreator, tmp_path: Path, status: str) -> None:
    assert world.endpoint is not None
    world.endpoint["EndpointStatus"] = status
    with pytest.raises(BusyError, match=f"{FULL} is {status}: wait for its end"):
        again.begin(None, HOURS)
    assert world.of("DeleteEndpoint") == []
    assert not note_path(FULL, tmp_path).exists()


def test_inference_components_are_their_stacks(world: World, again: Recreator) -> None:
    world.hosts_components = True
    with pytest.raises(
        WrongOperation, match=r"is a fleet for inference components.* delete-stack --stack-name rc-proj"
    ):
        again.begin(None, HOURS)
    assert world.of("DeleteEndpoint") == []


def test_monitoring_schedules_that_may_not_be_listed_are_doubted(world: World, again: Recreator) -> None:
    world.next["ListMonitoringSchedules"] = [denied("sagemaker:ListMonitoringSchedules")]
    again.begin(None, HOURS)
    assert serves(world)
    assert "list the monitoring schedules of" in world.warnings[0]


def test_monitoring_schedules_have_to_go_before(world: World, again: Recreator) -> None:
    world.schedules = ["drift"]
    with pytest.raises(WrongOperation, match=r"monitoring schedules watch it \(drift\)"):
        again.begin(None, HOURS)
    assert world.of("DeleteEndpoint") == []


def test_what_could_not_be_created_again_is_not_deleted(world: World, again: Recreator, tmp_path: Path) -> None:
    world.models.clear()
    with pytest.raises(WrongOperation, match=r"the model model-1 is not there, so .* nothing was changed"):
        again.begin(None, HOURS)
    with pytest.raises(WrongOperation, match="the endpoint config none is not there"):
        again.begin("none", HOURS)
    world.models.add("model-1")
    world.scale()
    with pytest.raises(WrongOperation, match="config-2 has no variant primary, which is scaled"):
        again.begin("config-2", HOURS)
    assert world.of("DeleteEndpoint") == []
    assert not note_path(FULL, tmp_path).exists()


def test_what_may_not_be_deleted_stays(world: World, again: Recreator, tmp_path: Path) -> None:
    world.next["DeleteEndpoint"] = [denied("sagemaker:DeleteEndpoint")]
    with pytest.raises(OperationError, match=f"delete {FULL}: not allowed"):
        again.begin(None, HOURS)
    assert serves(world)
    assert world.tags == {"Team": "rc", "aws:cloudformation:stack-name": STACK}
    assert note_path(FULL, tmp_path).exists()
    assert "is being deleted, or is as it was. `slipway recreate iris --resume` goes on" in world.warnings[-1]
    again.begin(None, HOURS)  # a note of what was not done is in nobody's way
    assert serves(world)


# -- interrupted


def quick() -> World:
    """One in which nothing is waited for more than once."""
    world = World()
    world.deletion = world.creation = timedelta(seconds=5)
    world.scale()
    return world


@pytest.mark.parametrize(
    ("number", "when"),
    [(signal.SIGINT, "on_call"), (signal.SIGTERM, "on_answer")],
    ids=["Ctrl-C before it is answered", "SIGTERM when it was answered"],
)
def test_an_interruption_at_any_call_can_be_resumed(
    environment: Environment, tmp_path: Path, number: int, when: str
) -> None:
    whole = quick()
    scaled, tags = whole.scaled, {"Team": "rc"}
    recreator(whole, environment, tmp_path / "whole").begin(None, HOURS)
    changed = False
    for call in range(len(whole.calls)):
        world, home = quick(), tmp_path / f"{call}"
        before = world.endpoint
        getattr(world, when)[call] = lambda: os.kill(os.getpid(), number)
        with terminable(), pytest.raises(KeyboardInterrupt):
            recreator(world, environment, home).begin(None, HOURS)
        assert OPERATION not in world.tags, call
        note = note_path(FULL, home)
        if world.endpoint is before and not note.exists():
            assert world.scaled == scaled, call
            assert not changed
            continue
        if note.exists():
            changed = True
            assert f"`slipway recreate iris --resume` goes on; {note} holds what it takes" in world.warnings[-1], call
            recreator(world, environment, home).resume(HOURS)
        assert serves(world), call
        assert world.scaled == scaled, call
        assert {key: value for key, value in world.tags.items() if not key.startswith("aws:")} == tags, call
        assert world.alarms["steps"]["AlarmActions"][0] == world.policies["cpu"]["PolicyARN"], call
        assert not note.exists(), call
    assert changed


@pytest.mark.parametrize("minutes", [1, 5], ids=["while it goes", "while it comes"])
def test_an_interruption_while_it_waits_says_where_it_stands(
    world: World, environment: Environment, tmp_path: Path, minutes: int
) -> None:
    def stop() -> None:
        if world.now >= START + timedelta(minutes=minutes):
            world.on_pause.remove(stop)
            raise KeyboardInterrupt

    world.on_pause.append(stop)
    with pytest.raises(KeyboardInterrupt):
        recreator(world, environment, tmp_path).begin(None, HOURS)
    assert world.warnings[-1].startswith(f"{FULL} is {'being deleted' if minutes == 1 else 'Creating'}. `slipway recr")
    world.now += timedelta(minutes=30)
    world.move()
    recreator(world, environment, tmp_path).resume(HOURS)
    assert serves(world)


def test_a_resumed_run_looks_once_more_before_it_deletes(
    world: World, again: Recreator, environment: Environment, tmp_path: Path
) -> None:
    world.next["DeleteEndpoint"] = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        again.begin(None, HOURS)
    world.models.clear()
    with pytest.raises(WrongOperation, match="the model model-1 is not there"):
        recreator(world, environment, tmp_path).resume(HOURS)
    assert serves(world)


def test_an_earlier_run_has_to_be_finished_first(world: World, again: Recreator, tmp_path: Path) -> None:
    world.next["CreateEndpoint"] = [denied("sagemaker:CreateEndpoint")]
    with pytest.raises(OperationError, match="create rc-project-a-dev-iris-ep: not allowed"):
        again.begin(None, HOURS)
    assert world.endpoint is None
    assert "there is no endpoint rc-project-a-dev-iris-ep now" in world.warnings[-1]
    with pytest.raises(OperationError, match="is not finished: `slipway recreate iris --resume`"):
        again.begin(None, HOURS)
    again.resume(HOURS)
    assert serves(world)
    assert not note_path(FULL, tmp_path).exists()


def test_a_creation_that_fails_is_tried_again(world: World, again: Recreator) -> None:
    world.failure = "Unable to provision requested ML compute capacity"
    with pytest.raises(OperationError, match=r"is Failed .Unable to provision requested ML compute capacity"):
        again.begin(None, HOURS)
    world.failure = ""
    again.resume(HOURS)
    assert serves(world)


def test_a_creation_that_takes_too_long_goes_on(world: World, again: Recreator) -> None:
    world.creation = timedelta(hours=3)
    with pytest.raises(NotSettledError, match=f"{FULL} is still Creating after 2h; a creation can take over an hour"):
        again.begin(None, HOURS)
    again.resume(HOURS)
    assert serves(world)


def test_a_note_of_another_place_or_of_none_is_refused(
    world: World, again: Recreator, environment: Environment, tmp_path: Path
) -> None:
    path = note_path(FULL, tmp_path)
    world.next["CreateEndpoint"] = [denied("sagemaker:CreateEndpoint")]
    with pytest.raises(OperationError):
        again.begin(None, HOURS)
    text = path.read_text()
    path.write_text(text.replace("aws 123456789012 eu-west-1", "local 123456789012 eu-west-1"))
    with pytest.raises(
        WrongOperation, match=r"is about .* at local 123456789012 eu-west-1, not about .* at aws 123456789"
    ):
        recreator(world, environment, tmp_path).resume(HOURS)
    for wrong in ("{", "[]", "{}", text.replace('"version": 1', '"version": 2')):
        path.write_text(wrong)
        with pytest.raises(OperationError, match=r"is no note of `slipway recreate`|is of version 2"):
            again.resume(HOURS)
    path.unlink()
    assert read_note(path) is None


# -- the command


def test_production_asks_for_the_name_before_anything_is_asked_of_aws(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    monkeypatch.setattr(targets, "choose", lambda *_, **__: world.target())
    monkeypatch.setattr("sys.stdin", io.StringIO())
    command = ["recreate", "iris", "--env", "prod", "--config", str(root / "config")]
    assert main(command) == 2
    assert "say `--confirm rc-project-a-prod-iris-ep`; nothing was changed" in capsys.readouterr().err
    assert main([*command, "--confirm", "rc-project-a-dev-iris-ep"]) == 2
    assert main([*command, "--resume"]) == 2
    assert world.calls == []


@pytest.mark.parametrize(("minutes", "code"), [(6, 0), (180, 4)], ids=["in time", "too late"])
def test_it_ends_with_0_or_when_it_takes_too_long_with_4(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: Path, minutes: int, code: int
) -> None:
    monkeypatch.setattr(targets, "choose", lambda *_, **__: world.target())
    monkeypatch.setattr(recreating, "AwsClock", lambda _: world.clock())
    monkeypatch.chdir(tmp_path)
    world.creation = timedelta(minutes=minutes)
    command = ["recreate", "iris", "--config", str(root / "config")]
    assert main(command) == code
    assert (tmp_path / ".slipway" / f"recreate-{FULL}.json").exists() == bool(code)
    if code:
        assert main([*command, "--resume"]) == 0


# -- others at work, and trouble


def test_another_operator_is_told_before_anything_changes(world: World, again: Recreator, tmp_path: Path) -> None:
    world.tags[OPERATION] = "shift by ann@example until 2026-12-24T13:00:00+00:00 1234abcd"
    with pytest.raises(BusyError, match=r"another operator works on it \(shift by ann@example"):
        again.begin(None, HOURS)
    assert world.of("DeleteEndpoint") == []
    assert not note_path(FULL, tmp_path).exists()
    assert world.warnings == [f"{FULL}: nothing was changed"]


def test_somebody_elses_endpoint_is_left_alone(world: World, again: Recreator) -> None:
    def overtake(_: dict[str, Any]) -> None:
        world._new("config-2", {})
        raise TAKEN

    world.answers["CreateEndpoint"] = overtake
    with pytest.raises(OperationError, match="somebody has created it with config-2 meanwhile, not with config-1"):
        again.begin(None, HOURS)
    assert len(world.of("DeleteEndpoint")) == 1


@pytest.mark.parametrize("operation", ["DeleteEndpoint", "CreateEndpoint"])
def test_an_answer_that_is_lost_is_no_trouble(world: World, again: Recreator, operation: str) -> None:
    answer = world.answers[operation]

    def lose(given: dict[str, Any]) -> None:
        world.answers[operation] = answer
        answer(given)
        raise ReadTimeoutError(endpoint_url="https://api.sagemaker.eu-west-1.amazonaws.com/")

    world.answers[operation] = lose
    again.begin(None, HOURS)
    assert serves(world)


def test_throttling_is_outlasted(world: World, again: Recreator) -> None:
    world.scale()
    # botocore itself repeats what is throttled; the stack is only looked at afterwards.
    once = ("AddTags", "DeleteTags", "ListTags", "DescribeStackResources")
    world.next = {name: [THROTTLED, THROTTLED] for name in world.answers if name not in once}
    again.begin(None, HOURS)
    assert serves(world)


def test_credentials_that_expire_in_the_gap_leave_words_to_mend_it_by(
    world: World, environment: Environment, tmp_path: Path
) -> None:
    def expire() -> None:
        if world.now >= START + timedelta(minutes=1):
            world.next = {name: [EXPIRED] * 9 for name in world.answers}

    world.on_pause.append(expire)
    with pytest.raises(OperationError, match="the credentials have expired"):
        recreator(world, environment, tmp_path).begin(None, HOURS)
    assert world.warnings[-1].startswith(f"{FULL} is being deleted. `slipway recreate iris --resume` goes on")
    world.on_pause.remove(expire)
    world.next = {}
    recreator(world, environment, tmp_path).resume(HOURS)
    assert serves(world)


def test_a_stack_that_may_not_be_looked_at_ends_nothing(world: World, again: Recreator) -> None:
    world.next["DescribeStackResources"] = [denied("cloudformation:DescribeStackResources")]
    again.begin(None, HOURS)
    assert serves(world)
    assert f"look at the stack {STACK}: not allowed" in world.warnings[-1]
