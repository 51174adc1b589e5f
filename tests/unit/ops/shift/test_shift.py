"""Traffic is shifted in stages, watched, and put back whatever happens on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from slipway.ops.lease import OPERATION
from slipway.ops.settling import NotSettledError
from slipway.ops.shift.plan import Stage, advice, in_stages, to_weights
from slipway.ops.shift.shift import Shift, Shifter, Tripped
from slipway.ops.shift.weights import Weights
from slipway.ops.trouble import BusyError, NoEndpointError, OperationError, WrongOperation
from slipway.ops.unfinished import terminable
from slipway.spec.environment import Environment
from slipway.spec.units import Duration
from tests.unit.ops.answering import EXPIRED, GONE, IN_PROGRESS, START, THROTTLED, Aws, Refusal, denied
from tests.unit.ops.conftest import MODEL, Declare

FULL = "rc-project-a-dev-fraud-ep"
ARN = f"arn:aws:sagemaker:eu-west-1:123456789012:endpoint/{FULL}"
LOST = EndpointConnectionError(endpoint_url="https://api.sagemaker.eu-west-1.amazonaws.com/")
MINUTES = Duration.parse("10m")
VARIANTS = {
    name: {"model": MODEL["model"], "hosting": MODEL["hosting"], "weight": weight}
    for name, weight in (("current", 90), ("next", 10))
}


class World(Aws):
    """One endpoint with two variants, its alarms and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: dict[str, float] = {"current": 90.0, "next": 10.0}
        self.status = "InService"
        self.config = "config-1"
        self.pending = ""
        self.failure = ""
        self.tags: dict[str, str] = {}
        self.alarms: dict[str, dict[str, Any]] = {}
        self.requests: dict[str, float] = {"current": 900.0, "next": 100.0}
        self.deployment: dict[str, Any] = {}
        self.busy_for = 1
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.alarm("errors-5xx-next", VariantName="next")
        self.alarm("latency-next", VariantName="next")
        self.alarm("latency-current", VariantName="current")
        self.answers = {
            "DescribeEndpoint": lambda _: self.described(),
            "UpdateEndpointWeightsAndCapacities": self.update,
            "ListTags": lambda _: {"Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()]},
            "AddTags": lambda given: self.tags.update({tag["Key"]: tag["Value"] for tag in given["Tags"]}),
            "DeleteTags": self.untag,
            "DescribeAlarms": self.describe_alarms,
            "GetMetricData": self.metrics,
        }

    def untag(self, given: dict[str, Any]) -> None:
        for key in given["TagKeys"]:
            del self.tags[key]

    def alarm(self, what: str, metric: str = "Invocation5XXErrors", **dimensions: str) -> None:
        name = f"{FULL}-{what}"
        self.alarms[name] = {
            "AlarmName": name,
            "MetricName": metric,
            "Dimensions": [{"Name": k, "Value": v} for k, v in {"EndpointName": FULL, **dimensions}.items()],
            "StateValue": "OK",
            "StateReason": "no datapoint was greater than the threshold",
            "Period": 60,
            "EvaluationPeriods": 2,
        }

    def fire(self, what: str) -> None:
        self.alarms[f"{FULL}-{what}"] |= {"StateValue": "ALARM", "StateReason": "2 datapoints were greater than 0.001"}

    def described(self) -> dict[str, Any]:
        if self.status == "Updating" and not self.pending:
            self.busy_for -= 1
            self.status = "InService" if self.busy_for < 0 else self.status
        found: dict[str, Any] = {
            "EndpointName": FULL,
            "EndpointArn": ARN,
            "EndpointStatus": self.status,
            "EndpointConfigName": self.config,
            "LastModifiedTime": START,
            "CreationTime": START,
            "LastDeploymentConfig": self.deployment,
            "FailureReason": self.failure,
            "ProductionVariants": [
                {"VariantName": name, "DesiredWeight": weight, "CurrentWeight": weight, "CurrentInstanceCount": 2}
                for name, weight in self.weights.items()
            ],
        }
        if self.pending:
            found["PendingDeploymentSummary"] = {"EndpointConfigName": self.pending, "ProductionVariants": []}
        return found

    def update(self, given: dict[str, Any]) -> None:
        if self.status != "InService":
            raise IN_PROGRESS
        for wanted in given["DesiredWeightsAndCapacities"]:
            assert set(wanted) == {"VariantName", "DesiredWeight"}  # nothing else is to change
            self.weights[wanted["VariantName"]] = wanted["DesiredWeight"]
        self.status, self.busy_for = "Updating", 1

    def describe_alarms(self, given: dict[str, Any]) -> dict[str, Any]:
        found = [
            alarm
            for name, alarm in self.alarms.items()
            if name in given.get("AlarmNames", ()) or name.startswith(given.get("AlarmNamePrefix", "-"))
        ]
        composite = [alarm for alarm in found if "MetricName" not in alarm]
        wanted = given.get("AlarmTypes", ["MetricAlarm"])
        return {
            "MetricAlarms": [alarm for alarm in found if alarm not in composite],
            "CompositeAlarms": composite if "CompositeAlarm" in wanted else [],
        }

    def metrics(self, given: dict[str, Any]) -> dict[str, Any]:
        metric = given["MetricDataQueries"][0]["MetricStat"]["Metric"]
        dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
        assert dimensions["EndpointName"] == FULL
        assert metric["MetricName"] == "Invocations"
        values = [self.requests[dimensions["VariantName"]] / 2] * 2
        return {"MetricDataResults": [{"Id": "m0", "Timestamps": [START, START], "Values": values}]}

    def shifter(self, environment: Environment) -> Shifter:
        return Shifter(
            environment, "fraud", self.target(), clock=self.clock(), say=self.lines.append, warn=self.warnings.append
        )

    @property
    def said(self) -> str:
        return "\n".join([*self.lines, *self.warnings])

    @property
    def set_weights(self) -> list[dict[str, float]]:
        """All weights that were asked for, in their order."""
        return [
            {one["VariantName"]: one["DesiredWeight"] for one in given["DesiredWeightsAndCapacities"]}
            for given in self.of("UpdateEndpointWeightsAndCapacities")
        ]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def environment(declare: Declare) -> Environment:
    return declare(fraud={"version": 1, "variants": VARIANTS, "scaling": None})


@pytest.fixture
def plan(world: World, environment: Environment) -> Callable[..., tuple[Shifter, Shift]]:
    def planned(*percents: float, ignore: tuple[str, ...] = ()) -> tuple[Shifter, Shift]:
        shifter = world.shifter(environment)
        return shifter, shifter.plan(in_stages("next", percents or (10, 50, 100)), ignore)

    return planned


Plan = Callable[..., tuple[Shifter, Shift]]


def after(world: World, minutes: float, act: Callable[[], object]) -> None:
    """Do something once when so much time has passed since the first bake began."""
    done: list[bool] = []

    def look() -> None:
        if not done and len(world.set_weights) and world.now >= START + timedelta(minutes=minutes):
            done.append(True)
            act()

    world.on_pause.append(look)


# -- all goes well


def test_each_stage_bakes_and_the_last_one_stays(world: World, plan: Plan) -> None:
    shifter, shift = plan(25, 50, 100)
    shifter.run(shift, MINUTES)
    assert world.set_weights == [
        {"current": 75, "next": 25},
        {"current": 50, "next": 50},
        {"current": 0, "next": 100},
    ]
    assert world.now - START >= timedelta(minutes=30)
    assert world.tags == {}
    assert world.lines[:2] == [f"{FULL}: current 90%, next 10%", "watching 2 alarms of next"]
    assert "next 100%: 100 requests to next" in world.lines[-1]
    assert world.warnings == []


def test_stages_that_are_behind_are_left_out(world: World, plan: Plan) -> None:
    _, shift = plan(10, 50, 100)
    assert [stage.title for stage in shift.stages] == ["next 50%", "next 100%"]
    world.weights = {"current": 0.0, "next": 3.0}
    assert plan(10, 50, 100)[1].stages == ()
    assert [stage.title for stage in plan(10)[1].stages] == ["next 10%"]


def test_stages_may_shrink_and_then_the_others_are_watched(world: World, plan: Plan) -> None:
    world.weights = {"current": 0.0, "next": 100.0}
    _, shift = plan(50, 10, 0)
    assert [stage.weights for stage in shift.stages] == [
        {"current": 50, "next": 50},
        {"current": 90, "next": 10},
        {"current": 100, "next": 0},
    ]
    assert [guard.name for guard in shift.watched] == [f"{FULL}-latency-current"]


def test_weights_can_be_set_at_once(world: World, environment: Environment) -> None:
    shifter = world.shifter(environment)
    shifter.run(shifter.plan(to_weights({"next": 30})), Duration(0))
    assert world.set_weights == [{"current": 90, "next": 30}]
    assert "no bake, so no alarm is watched" in world.lines
    assert world.now - START < timedelta(minutes=1)


def test_weights_that_are_there_already_are_not_set(world: World, environment: Environment) -> None:
    assert world.shifter(environment).plan(to_weights({"next": 10})).stages == ()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (in_stages("nxt", (50,)), "no variant is called 'nxt', did you mean next?"),
        (to_weights({"later": 1}), "no variant is called 'later'"),
        (to_weights({"next": 0, "current": 0}), "no variant has a weight"),
    ],
    ids=["variant", "weight", "nothing"],
)
def test_what_cannot_be_is_wrong_usage(
    world: World, environment: Environment, wanted: Callable[[Weights], list[Stage]], message: str
) -> None:
    with pytest.raises(WrongOperation, match=message):
        world.shifter(environment).plan(wanted)
    assert world.set_weights == []


def test_a_single_variant_has_nothing_to_shift(world: World, plan: Plan) -> None:
    world.weights = {"next": 1.0}
    with pytest.raises(WrongOperation, match=f"{FULL} has one variant, next"):
        plan(50)


# -- which alarms


def test_alarms_of_the_requests_of_autoscaling_and_of_others_are_not_watched(world: World, plan: Plan) -> None:
    world.alarm("surge-next", "Invocations", VariantName="next")
    world.alarm("scaling-cpu-next", "CPUUtilization", VariantName="next")
    world.alarm("rollback-latency-next", VariantName="next", EndpointConfigName="CONFIG-1")
    world.alarm("rollback-errors-5xx-next", VariantName="next", EndpointConfigName="config-of-a-bad-fleet")
    world.alarm("backlog")
    world.alarm("next-latency", EndpointName=f"{FULL}-next", VariantName="next")
    watched = [guard.name.removeprefix(f"{FULL}-") for guard in plan(50)[1].watched]
    assert watched == ["backlog", "errors-5xx-next", "latency-next", "rollback-latency-next"]


def test_further_alarms_that_end_updates_are_watched_too_even_composite_ones(world: World, plan: Plan) -> None:
    world.deployment = {
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "conversion-low"}, {"AlarmName": "business"}]}
    }
    world.alarms["conversion-low"] = {"AlarmName": "conversion-low", "MetricName": "Conversion", "StateValue": "OK"}
    world.alarms["business"] = {"AlarmName": "business", "StateValue": "OK"}
    shifter, shift = plan(50)
    assert {"conversion-low", "business"} <= {guard.name for guard in shift.watched}
    after(world, 3, lambda: world.alarms["business"].update(StateValue="ALARM", StateReason="conversion-low and x"))
    with pytest.raises(Tripped, match="business is in ALARM: conversion-low and x"):
        shifter.run(shift, MINUTES)


def test_an_alarm_that_is_in_alarm_already_is_said_and_nothing_is_changed(world: World, plan: Plan) -> None:
    world.fire("errors-5xx-next")
    with pytest.raises(OperationError) as caught:
        plan(50)
    text = str(caught.value)
    assert "1 alarm of next in ALARM already, so nothing was changed" in text
    assert f"{FULL}-errors-5xx-next: 2 datapoints were greater than 0.001" in text
    assert f"--ignore {FULL}-errors-5xx-next" in text
    assert world.set_weights == []


@pytest.mark.parametrize("name", ["errors-5xx-next", f"{FULL}-errors-5xx-next"])
def test_an_alarm_can_be_ignored_by_its_name(world: World, plan: Plan, name: str) -> None:
    world.fire("errors-5xx-next")
    shifter, shift = plan(100, ignore=(name,))
    shifter.run(shift, MINUTES)
    assert world.weights == {"current": 0, "next": 100}


def test_an_alarm_to_ignore_that_is_none_is_said(plan: Plan) -> None:
    with pytest.raises(WrongOperation, match=f"--ignore errors-next: no such .* did you mean {FULL}-errors-5xx-next?"):
        plan(50, ignore=("errors-next",))


def test_a_bake_in_which_no_alarm_can_trip_is_doubted(world: World, plan: Plan) -> None:
    shifter, shift = plan(50)
    shifter.run(shift, Duration(60))
    assert "no alarm trips within 1m: the quickest needs 2m of bad data; write `--bake 2m` or longer" in world.warnings


def test_a_variant_that_no_alarm_watches_is_doubted(world: World, plan: Plan) -> None:
    world.alarms.clear()
    shifter, shift = plan(50)
    shifter.run(shift, MINUTES)
    assert "no alarm watches next: the stages only pass" in world.warnings


def test_a_bake_without_requests_is_doubted(world: World, plan: Plan) -> None:
    world.requests["next"] = 0
    shifter, shift = plan(50)
    shifter.run(shift, MINUTES)
    assert "no request to next was seen, so its alarms could see nothing" in world.warnings[-1]


def test_metrics_that_may_not_be_read_end_nothing(world: World, plan: Plan) -> None:
    world.next["GetMetricData"] = [denied("cloudwatch:GetMetricData")]
    shifter, shift = plan(100)
    shifter.run(shift, MINUTES)
    assert world.weights["next"] == 100
    assert "count the requests of next: not allowed" in world.warnings[-1]


# -- an alarm trips


def test_an_alarm_that_trips_puts_the_weights_back(world: World, plan: Plan) -> None:
    shifter, shift = plan(50, 100)
    after(world, 14, lambda: world.fire("errors-5xx-next"))
    with pytest.raises(Tripped) as caught:
        shifter.run(shift, MINUTES)
    assert world.set_weights[-2:] == [{"current": 0, "next": 100}, {"current": 90, "next": 10}]
    assert world.weights == {"current": 90, "next": 10}
    assert caught.value.put_back
    assert f"next 100%: {FULL}-errors-5xx-next is in ALARM: 2 datapoints were greater than 0.001" in str(caught.value)
    assert "undone: the weights: current 90%, next 10%" in world.warnings
    assert world.tags == {}


def test_an_alarm_of_a_variant_that_gains_nothing_ends_nothing(world: World, plan: Plan) -> None:
    shifter, shift = plan(50, 100)
    after(world, 2, lambda: world.fire("latency-current"))
    shifter.run(shift, MINUTES)
    assert world.weights == {"current": 0, "next": 100}


def test_weights_that_cannot_be_put_back_are_said_with_what_to_type(world: World, plan: Plan) -> None:
    shifter, shift = plan(50)

    def trip() -> None:
        world.fire("errors-5xx-next")
        world.next["UpdateEndpointWeightsAndCapacities"] = [denied("sagemaker:UpdateEndpointWeightsAndCapacities")]

    after(world, 2, trip)
    with pytest.raises(Tripped) as caught:
        shifter.run(shift, MINUTES)
    assert not caught.value.put_back
    left = world.warnings[-1]
    assert left.startswith(
        "left as it is: the weights: current 90%, next 10% (change rc-project-a-dev-fraud-ep: not all"
    )
    assert left.endswith("By hand: slipway shift fraud --to current=90,next=10")


# -- interrupted


def interrupts(number: int) -> Callable[[], object]:
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("minutes", [0, 3, 12, 21], ids=["at once", "first bake", "second bake", "third bake"])
def test_an_interruption_puts_the_weights_back(world: World, plan: Plan, number: int, minutes: int) -> None:
    shifter, shift = plan(20, 50, 100)
    after(world, minutes, interrupts(number))
    with terminable(), pytest.raises(KeyboardInterrupt):
        shifter.run(shift, MINUTES)
    assert world.weights == {"current": 90, "next": 10}
    assert world.status == "InService"
    assert world.tags == {}
    assert world.warnings[-1] == "undone: the weights: current 90%, next 10%"


def shift_to_half_and_all(world: World, environment: Environment) -> None:
    shifter = world.shifter(environment)
    shifter.run(shifter.plan(in_stages("next", (50, 100))), Duration(30))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("when", ["on_call", "on_answer"])
def test_an_interruption_at_any_call_leaves_nothing_half_done(environment: Environment, number: int, when: str) -> None:
    whole = World()
    shift_to_half_and_all(whole, environment)
    assert len(whole.calls) > 20
    left = set()
    for call in range(len(whole.calls)):
        world = World()
        getattr(world, when)[call] = interrupts(number)
        with terminable(), pytest.raises(KeyboardInterrupt):
            shift_to_half_and_all(world, environment)
        assert OPERATION not in world.tags, call
        assert world.status == "InService", call
        left.add((world.weights["current"], world.weights["next"]))
    # Only when the last bake was over the new weights stay.
    assert left == {(90, 10), (0, 100)}
    assert world.weights == {"current": 0, "next": 100}


def test_an_answer_that_is_lost_although_the_weights_were_set_is_undone_as_well(world: World, plan: Plan) -> None:
    shifter, shift = plan(50)
    update = world.answers["UpdateEndpointWeightsAndCapacities"]

    def lose(given: dict[str, Any]) -> Mapping[str, Any] | None:
        world.answers["UpdateEndpointWeightsAndCapacities"] = update
        update(given)
        raise KeyboardInterrupt

    world.answers["UpdateEndpointWeightsAndCapacities"] = lose
    with pytest.raises(KeyboardInterrupt):
        shifter.run(shift, MINUTES)
    assert world.weights == {"current": 90, "next": 10}


# -- others at work


def test_another_operator_is_told_before_anything_changes(world: World, plan: Plan) -> None:
    shifter, shift = plan(50)
    world.tags[OPERATION] = "rollback by ann@example until 2026-12-24T13:00:00+00:00 1234abcd"
    with pytest.raises(
        BusyError, match=r"another operator works on it \(rollback by ann@example, until 2026-12-24T13:00"
    ):
        shifter.run(shift, MINUTES)
    assert world.set_weights == []
    assert "1234abcd" in world.tags[OPERATION]


def test_two_shifts_at_once_tell_the_second(world: World, plan: Plan) -> None:
    first, one = plan(50)
    second, two = plan(100)

    def start() -> None:
        with pytest.raises(BusyError, match=r"another operator works on it \(shift by "):
            second.run(two, MINUTES)

    after(world, 2, start)
    first.run(one, MINUTES)
    assert world.weights == {"current": 50, "next": 50}


def test_a_lease_that_went_to_another_operator_stops_it_and_its_weights_stay(world: World, plan: Plan) -> None:
    shifter, shift = plan(50, 100)
    theirs = "rollback by ann@example until 2026-12-25T13:00:00+00:00 1234abcd"
    after(world, 2, lambda: world.tags.update({OPERATION: theirs}))
    with pytest.raises(BusyError):
        shifter.run(shift, MINUTES)
    assert world.weights == {"current": 50, "next": 50}
    assert world.tags == {OPERATION: theirs}
    assert world.warnings[-1].startswith("left as it is: the weights: current 90%, next 10% (")


@pytest.mark.parametrize("minutes", [3, 10], ids=["while it bakes", "between stages"])
def test_weights_that_somebody_else_set_are_left_alone(world: World, plan: Plan, minutes: int) -> None:
    shifter, shift = plan(50, 100)
    after(world, minutes, lambda: world.weights.update(next=70.0))
    with pytest.raises(
        OperationError, match="somebody else has set current=50,next=70 meanwhile, where this had set cu"
    ):
        shifter.run(shift, MINUTES)
    assert world.weights == {"current": 50, "next": 70}
    assert "somebody else has set" in world.warnings[-1]


def test_weights_that_changed_since_the_plan_are_left_alone(world: World, plan: Plan) -> None:
    shifter, shift = plan(50)
    world.weights["next"] = 20.0
    with pytest.raises(OperationError, match="somebody else has set current=90,next=20"):
        shifter.run(shift, MINUTES)
    assert world.set_weights == []
    assert world.warnings == []


def test_a_deployment_that_begins_meanwhile_stops_it(world: World, plan: Plan) -> None:
    shifter, shift = plan(50, 100)

    def deploy() -> None:
        world.status, world.pending = "Updating", "config-2"

    after(world, 3, deploy)
    with pytest.raises(
        OperationError, match="an update to config-2 has begun meanwhile, and its config sets the weights"
    ):
        shifter.run(shift, MINUTES)
    assert world.set_weights == [{"current": 50, "next": 50}]
    assert world.now < START + timedelta(minutes=5)


def test_autoscaling_that_makes_the_endpoint_busy_is_waited_for(world: World, plan: Plan) -> None:
    shifter, shift = plan(50, 100)

    def scale() -> None:
        world.status, world.busy_for = "Updating", 200

    after(world, 9, scale)
    shifter.run(shift, MINUTES)
    assert world.weights == {"current": 0, "next": 100}


def test_a_change_that_comes_between_the_look_and_the_call_is_waited_for(world: World, plan: Plan) -> None:
    world.next["UpdateEndpointWeightsAndCapacities"] = [IN_PROGRESS, IN_PROGRESS]
    shifter, shift = plan(100)
    shifter.run(shift, MINUTES)
    assert world.weights == {"current": 0, "next": 100}


# -- the service refuses


def test_no_endpoint_is_said(world: World, plan: Plan) -> None:
    world.next["DescribeEndpoint"] = [GONE]
    with pytest.raises(NoEndpointError, match=f"there is no endpoint {FULL}"):
        plan(50)


@pytest.mark.parametrize("status", ["Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"])
def test_a_busy_endpoint_is_left_alone(world: World, plan: Plan, status: str) -> None:
    world.status, world.pending = status, "config-2"
    with pytest.raises(BusyError, match=f"{FULL} is {status}: wait for its end with `slipway watch`"):
        plan(50)


@pytest.mark.parametrize("status", ["Failed", "OutOfService", "UpdateRollbackFailed"])
def test_an_endpoint_that_is_not_in_service_is_left_alone(world: World, plan: Plan, status: str) -> None:
    world.status, world.failure = status, "no capacity"
    with pytest.raises(OperationError, match=rf"{FULL} is {status} \(no capacity\): nothing was changed"):
        plan(50)


@pytest.mark.parametrize(
    "trouble", [THROTTLED, LOST, Refusal("InternalFailure", "", 500)], ids=["throttled", "lost", "500"]
)
@pytest.mark.parametrize("operation", ["DescribeEndpoint", "DescribeAlarms", "UpdateEndpointWeightsAndCapacities"])
def test_what_passes_is_outlasted(world: World, plan: Plan, operation: str, trouble: BaseException) -> None:
    shifter, shift = plan(50, 100)
    world.next[operation] = [None, trouble, trouble, trouble]
    shifter.run(shift, MINUTES)
    assert world.weights == {"current": 0, "next": 100}


def test_what_does_not_pass_puts_the_weights_back(world: World, plan: Plan) -> None:
    shifter, shift = plan(50, 100)
    after(world, 2, lambda: world.next.update(DescribeAlarms=[THROTTLED] * 50))
    with pytest.raises(OperationError, match=f"look at the alarms of {FULL}: AWS throttles these calls"):
        shifter.run(shift, MINUTES)
    assert world.weights == {"current": 90, "next": 10}


def test_credentials_that_expire_leave_words_to_mend_it_by(world: World, plan: Plan) -> None:
    shifter, shift = plan(50, 100)

    def expire() -> None:
        world.next.update({name: [EXPIRED] * 50 for name in world.answers})

    after(world, 2, expire)
    with pytest.raises(OperationError, match="the credentials have expired"):
        shifter.run(shift, MINUTES)
    assert world.weights == {"current": 50, "next": 50}
    assert "By hand: slipway shift fraud --to current=90,next=10" in world.warnings[-1]


def test_what_is_not_allowed_is_said_and_changes_nothing(world: World, plan: Plan) -> None:
    world.next["UpdateEndpointWeightsAndCapacities"] = [denied("sagemaker:UpdateEndpointWeightsAndCapacities")]
    shifter, shift = plan(50)
    with pytest.raises(OperationError, match="not allowed: User: x is not authorized"):
        shifter.run(shift, MINUTES)
    assert world.weights == {"current": 90, "next": 10}
    assert world.tags == {}


def test_an_endpoint_that_stays_busy_is_timed_out(world: World, plan: Plan) -> None:
    shifter, shift = plan(50)
    world.busy_for = 10**6

    def stuck(given: dict[str, Any]) -> None:
        world.update(given)
        world.busy_for = 10**6

    world.answers["UpdateEndpointWeightsAndCapacities"] = stuck
    with pytest.raises(NotSettledError, match=f"{FULL} is still Updating after 30m"):
        shifter.run(shift, MINUTES)
    assert "By hand: slipway shift fraud --to current=90,next=10" in world.warnings[-1]


# -- what the config says


def test_the_config_is_told_what_to_write(environment: Environment) -> None:
    assert advice(environment, "fraud", {"current": 0.0, "next": 100.0}) == [
        "the config declares current 90%, next 10%, which the next update of fraud sets again. So that it agrees:",
        "  endpoints.fraud.variants.current.weight: 0",
        "  endpoints.fraud.variants.next.weight: 100",
    ]


def test_a_config_that_agrees_is_left_alone(environment: Environment) -> None:
    assert advice(environment, "fraud", {"current": 9.0, "next": 1.0}) == ["the config declares the same shares"]


def test_a_variant_that_the_config_does_not_have_is_said(environment: Environment) -> None:
    assert "  the config has no variant later" in advice(environment, "fraud", {"current": 9.0, "later": 1.0})


def test_weights_that_updates_keep_need_no_change(declare: Declare) -> None:
    kept = declare(
        fraud={
            "version": 1,
            "variants": VARIANTS,
            "scaling": {"min": 1, "max": 4},
            "deployment": {"strategy": "all_at_once", "apply_weights": False},
        }
    )
    assert "updates of fraud keep these weights" in advice(kept, "fraud", {"current": 0.0, "next": 100.0})[0]
