"""Watching an inference component: whether what was wanted of it is live."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from slipway.ops.trouble import NoEndpointError
from slipway.ops.watch.component import differences
from slipway.ops.watch.events import Outcome, Result
from slipway.ops.watch.following import follow_component
from slipway.ops.watch.showing import Lines
from tests.unit.ops.answering import START, Aws, Refusal

NAME, STACK = "rc-project-a-dev-shared--prices", "rc-project-a-dev-shared"
ARN = "arn:aws:sagemaker:eu-west-1:123456789012"
OLD, NEW = "InferenceModelprices-Old111", "InferenceModelprices-New222"
ALARM = "rc-project-a-dev-shared-ep-rollback-latency--prices"
NEEDS = {"MinMemoryRequiredInMb": 1024, "NumberOfCpuCoresRequired": 1}
DEPLOYMENT = {
    "RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 1}, "WaitIntervalInSeconds": 120},
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": ALARM}]},
}
GONE = Refusal("ValidationException", f'Could not find inference component "{ARN}:inference-component/{NAME}".')


def described(status: str = "InService", model: str = OLD, **members: Any) -> dict[str, Any]:
    return {
        "InferenceComponentName": NAME,
        "InferenceComponentStatus": status,
        "LastModifiedTime": START,
        "Specification": {"ModelName": model, "ComputeResourceRequirements": NEEDS},
        "RuntimeConfig": {"CurrentCopyCount": 2, "DesiredCopyCount": 2},
        "LastDeploymentConfig": DEPLOYMENT,
        **members,
    }


def watch(
    *moves: tuple[float, dict[str, Any] | None],
    held: str = NEW,
    status: str = "UPDATE_COMPLETE",
    tripped: bool = False,
    **options: Any,
) -> tuple[Outcome, list[str]]:
    """Watch a component that is described so from some second on; its stack wants a model."""
    aws, output = Aws(), io.StringIO()

    def second() -> float:
        return (aws.now - START).total_seconds()

    def component(_: Any) -> dict[str, Any]:
        found = [answer for since, answer in moves if since <= second()][-1]
        if found is None:
            raise GONE
        return found

    properties = {
        "InferenceComponentName": NAME,
        "Specification": {
            "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
            "ComputeResourceRequirements": {**NEEDS, "NumberOfCpuCoresRequired": "1.0"},
        },
    }
    other = {"InferenceComponentName": "another", "Specification": {"ModelName": "another"}}
    kind = "AWS::SageMaker::InferenceComponent"
    resources = {"A": {"Type": kind, "Properties": other}, "B": {"Type": kind, "Properties": properties}}
    made = {"LogicalResourceId": "Model", "ResourceType": "AWS::SageMaker::Model"}
    state = {"StateValue": "ALARM" if tripped else "OK", "StateReason": "bad", "StateUpdatedTimestamp": START}
    item = {"AlarmName": ALARM, "Timestamp": START, "HistorySummary": "Alarm updated from OK to ALARM"}
    aws.answers |= {
        "DescribeInferenceComponent": component,
        "DescribeStacks": lambda _: {"Stacks": [{"StackName": STACK, "StackStatus": status, "CreationTime": START}]},
        "DescribeStackResources": lambda _: {
            "StackResources": [{**made, "PhysicalResourceId": f"{ARN}:model/{held.lower()}"}]
        },
        "GetTemplate": lambda _: {"TemplateBody": json.dumps({"Resources": resources})},
        "DescribeAlarms": lambda _: {"MetricAlarms": [{"AlarmName": ALARM, **state}]},
        "DescribeAlarmHistory": lambda _: {"AlarmHistoryItems": [item] if tripped else []},
    }
    outcome = follow_component(
        aws.target(), NAME, show=Lines(output), clock=aws.clock(), **{"stack": STACK, "timeout": 1800.0, **options}
    )
    return outcome, output.getvalue().splitlines()


def test_it_is_deployed_when_what_the_stack_declares_is_live() -> None:
    outcome, lines = watch((0, described("Updating")), (120, described(model=NEW)))
    assert (outcome.kind, outcome.serves) == (Result.DEPLOYED, NEW)
    assert lines == [
        f"12:00:00  {NAME} is Updating, from {OLD}",
        "12:00:00  Updating, 2 of 2 copies",
        "12:01:00  Updating, 2 of 2 copies",
        f"12:02:00  deployed: {NAME} runs {NEW}, after 2m",
    ]


def test_it_is_rolled_back_when_something_else_is_live() -> None:
    outcome, lines = watch((0, described("Updating")), (60, described()), tripped=True)
    assert (outcome.kind, outcome.exit_code) == (Result.ROLLED_BACK, 3)
    assert outcome.why == (
        f"rolled back: {NAME} runs {OLD}, but ModelName is to be {NEW.lower()}, not {OLD}; AWS gives no reason"
    )
    assert lines[-1] == f"          alarm {ALARM} went off at 12:00:00 and is in ALARM still: bad"


def test_nothing_under_way_is_told_at_once() -> None:
    outcome, lines = watch((0, described(model=NEW)))
    assert (outcome.exit_code, outcome.moved) == (0, False)
    assert lines == [f"12:00:00  nothing is under way: {NAME} runs {NEW}, as its stack says"]
    assert watch((0, described()))[0].kind is Result.ROLLED_BACK
    assert "as expected" in watch((0, described()), expect=OLD.lower())[0].why
    assert "no stack says what it should run" in watch((0, described()), stack="")[0].why


def test_it_waits_for_a_stack_that_moves_and_for_an_update_just_begun() -> None:
    moving = ((0, described()), (30, described("Updating")), (60, described(model=NEW)))
    assert watch(*moving, status="UPDATE_IN_PROGRESS")[0].kind is Result.DEPLOYED
    assert watch(*moving, begun=True)[0].kind is Result.DEPLOYED


def test_it_fails_with_awss_words() -> None:
    outcome, _ = watch((0, described("Updating")), (30, described("Failed", FailureReason="No capacity.")))
    assert (outcome.kind, outcome.why) == (Result.FAILED, f"failed: {NAME} is Failed: No capacity.")
    assert outcome.advice == (f"the log group /aws/sagemaker/InferenceComponents/{NAME} has what the containers wrote",)


def test_one_that_is_deleted_meanwhile_has_failed_and_one_that_never_was_is_none() -> None:
    assert watch((0, described("Updating")), (30, None))[0].why == f"failed: {NAME} was deleted"
    with pytest.raises(NoEndpointError):
        watch((0, None))


def test_one_that_is_not_done_in_time_is_timed_out() -> None:
    outcome, _ = watch((0, described("Updating")), timeout=60.0)
    assert (outcome.kind, outcome.why) == (
        Result.TIMED_OUT,
        f"timed out: after 1m {NAME} is not done: Updating, 2 of 2 copies",
    )


MEMORY = "ComputeResourceRequirements.MinMemoryRequiredInMb"
LIVE = {
    "Container": {"DeployedImage": {"SpecifiedImage": "image:1"}, "ArtifactUrl": "s3://b/a.tar.gz"},
    "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024},
}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"Container": {"Image": "image:1"}}, []),
        ({"Container": {"Image": "image:2"}}, ["Container.Image is to be image:2, not image:1"]),
        ({"Container": {"ArtifactUrl": "b"}}, ["Container.ArtifactUrl is to be b, not s3://b/a.tar.gz"]),
        ({"Container": {"ArtifactUrl": {"Fn::ImportValue": "elsewhere"}}}, []),
        ({"ComputeResourceRequirements": {"MinMemoryRequiredInMb": "1024"}}, []),
        ({"ComputeResourceRequirements": {"MinMemoryRequiredInMb": 9}}, [f"{MEMORY} is to be 9, not 1024"]),
        ({"ModelName": "m"}, ["ModelName is to be m, not None"]),
    ],
)
def test_only_what_was_declared_is_compared(wanted: dict[str, Any], said: list[str]) -> None:
    assert list(differences([wanted], [LIVE])) == said


def test_each_instance_type_is_held_against_its_own_specification() -> None:
    wanted = [{"InstanceType": "a", "ModelName": "one"}, {"InstanceType": "b", "ModelName": "two"}]
    assert list(differences(wanted, list(reversed(wanted)))) == []
    assert list(differences(wanted, [wanted[0], {"InstanceType": "b", "ModelName": "one"}])) == [
        "ModelName is to be two, not one"
    ]
