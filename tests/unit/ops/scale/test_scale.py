"""Temporary limits end by themselves, whatever becomes of whoever set them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.cli import main
from slipway.ops import target as targets
from slipway.ops.lease import OPERATION
from slipway.ops.scale import scale as scaling
from slipway.ops.scale.part import part
from slipway.ops.scale.scalable import RESTORE
from slipway.ops.scale.scale import Scaler
from slipway.ops.settling import NotSettledError
from slipway.ops.trouble import BusyError, NoEndpointError, OperationError, WrongOperation
from slipway.ops.unfinished import terminable
from slipway.spec.environment import Environment
from slipway.spec.units import Duration
from tests.unit.ops.answering import EXPIRED, GONE, START, THROTTLED, Aws, Refusal, denied
from tests.unit.ops.conftest import MODEL, Declare

FULL = "rc-project-a-dev-iris-ep"
ARN = f"arn:aws:sagemaker:eu-west-1:123456789012:endpoint/{FULL}"
VARIANT = f"endpoint/{FULL}/variant/primary"
COMPONENT = "inference-component/rc-project-a-dev-iris--small"
HOURS = Duration.parse("2h")
SCALED = {**MODEL, "scaling": {"min": 1, "max": 4}}
CONCURRENT = Refusal(
    "ConcurrentUpdateException", "You already have a pending update to an Application Auto Scaling resource"
)
NO_ACTION = Refusal("ObjectNotFoundException", "No scheduled action found for service namespace: sagemaker")


class World(Aws):
    """One endpoint, and what Application Auto Scaling knows of it; scheduled actions happen when their time comes."""

    def __init__(self) -> None:
        super().__init__()
        self.status = "InService"
        self.copies_status = "InService"
        self.failure = ""
        self.count: int | None = 2
        self.tags: dict[str, str] = {}
        self.limits: dict[str, tuple[int, int]] = {VARIANT: (1, 4)}
        self.actions: dict[str, dict[str, Any]] = {}
        self.suspended = False
        self.provision = timedelta(minutes=4)
        self.growing: tuple[datetime, int] | None = None
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.on_pause.append(self.grow)
        self.answers = {
            "DescribeEndpoint": lambda _: self.described(),
            "DescribeInferenceComponent": lambda _: {
                "InferenceComponentName": "rc-project-a-dev-iris--small",
                "InferenceComponentArn": ARN,
                "EndpointName": FULL,
                "EndpointArn": ARN,
                "CreationTime": START,
                "LastModifiedTime": START,
                "InferenceComponentStatus": self.copies_status,
                "RuntimeConfig": {"CurrentCopyCount": self.count, "DesiredCopyCount": self.count},
            },
            "ListTags": lambda _: {"Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()]},
            "AddTags": lambda given: self.tags.update({tag["Key"]: tag["Value"] for tag in given["Tags"]}),
            "DeleteTags": self.untag,
            "DescribeScalableTargets": self.targets,
            "DescribeScheduledActions": lambda _: {"ScheduledActions": list(self.actions.values())},
            "RegisterScalableTarget": self.register,
            "PutScheduledAction": self.put,
            "DeleteScheduledAction": self.delete,
            "UpdateEndpointWeightsAndCapacities": self.resize,
        }

    def untag(self, given: dict[str, Any]) -> None:
        for key in given["TagKeys"]:
            del self.tags[key]

    def described(self) -> dict[str, Any]:
        variant = {"VariantName": "primary", "CurrentInstanceCount": self.count, "DesiredInstanceCount": self.count}
        if self.growing:
            variant["DesiredInstanceCount"] = self.growing[1]
        return {
            "EndpointName": FULL,
            "EndpointArn": ARN,
            "EndpointStatus": self.status,
            "EndpointConfigName": "config-1",
            "FailureReason": self.failure,
            "LastModifiedTime": START,
            "CreationTime": START,
            "ProductionVariants": [{key: value for key, value in variant.items() if value is not None}],
        }

    def targets(self, given: dict[str, Any]) -> dict[str, Any]:
        return {
            "ScalableTargets": [
                {
                    "ServiceNamespace": "sagemaker",
                    "ResourceId": resource,
                    "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount"
                    if resource == COMPONENT
                    else "sagemaker:variant:DesiredInstanceCount",
                    "MinCapacity": lowest,
                    "MaxCapacity": highest,
                    "RoleARN": "arn:aws:iam::123456789012:role/x",
                    "CreationTime": START,
                    "SuspendedState": {"ScheduledScalingSuspended": self.suspended},
                }
                for resource, (lowest, highest) in self.limits.items()
                if resource in given["ResourceIds"]
            ]
        }

    def register(self, given: dict[str, Any]) -> None:
        lowest, highest = given["MinCapacity"], given["MaxCapacity"]
        assert given["ResourceId"] in self.limits
        self.limits[given["ResourceId"]] = (lowest, highest)
        if self.count is not None and self.count < lowest:
            self.growing = (self.now + self.provision, lowest)

    def grow(self) -> None:
        if self.growing:
            self.status = "Updating"
            if self.now >= self.growing[0]:
                self.status, self.count, self.growing = "InService", self.growing[1], None

    def put(self, given: dict[str, Any]) -> None:
        known = self.actions.get(given["ScheduledActionName"], {"CreationTime": self.now})
        self.actions[given["ScheduledActionName"]] = {**known, **given, "ScheduledActionARN": "arn"}

    def delete(self, given: dict[str, Any]) -> None:
        if given["ScheduledActionName"] not in self.actions:
            raise NO_ACTION
        del self.actions[given["ScheduledActionName"]]

    def resize(self, given: dict[str, Any]) -> None:
        wanted = given["DesiredWeightsAndCapacities"]
        assert [set(one) for one in wanted] == [{"VariantName", "DesiredInstanceCount"}]  # the weight is to stay
        self.growing = (self.now + self.provision, wanted[0]["DesiredInstanceCount"])

    def schedule(self, name: str, at: str, lowest: int | None, highest: int | None, timezone: str = "UTC") -> None:
        limits = {"MinCapacity": lowest, "MaxCapacity": highest}
        self.actions[name] = {
            "ScheduledActionName": name,
            "ScheduledActionARN": "arn",
            "ServiceNamespace": "sagemaker",
            "ResourceId": VARIANT,
            "Schedule": at,
            "Timezone": timezone,
            "ScalableTargetAction": {key: value for key, value in limits.items() if value is not None},
            "CreationTime": START - timedelta(days=20),
        }

    def scaler(self, environment: Environment, **which: str) -> Scaler:
        return Scaler(
            environment,
            "iris",
            part(environment, "iris", **which),
            self.target(),
            clock=self.clock(),
            say=self.lines.append,
            warn=self.warnings.append,
        )

    @property
    def restore(self) -> tuple[str, int, int] | None:
        action = self.actions.get(RESTORE)
        if action is None:
            return None
        limits = action["ScalableTargetAction"]
        return action["Schedule"], limits["MinCapacity"], limits["MaxCapacity"]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def environment(declare: Declare) -> Environment:
    return declare(iris=SCALED)


@pytest.fixture
def scaler(world: World, environment: Environment) -> Scaler:
    return world.scaler(environment)


# -- for a time


def test_the_end_is_arranged_before_the_limits_change(world: World, scaler: Scaler) -> None:
    scaler.limit(4, 8, HOURS)
    assert world.limits[VARIANT] == (4, 8)
    assert world.restore == ("at(2026-12-24T14:00:00)", 1, 4)
    order = [name for name, _ in world.calls if name in ("PutScheduledAction", "RegisterScalableTarget")]
    assert order == ["PutScheduledAction", "RegisterScalableTarget"]
    assert world.tags == {}
    assert world.lines == [
        f"{FULL}, variant primary: 1 to 4 instances, 2 now",
        (
            "4 to 8 instances until 2026-12-24 14:00 UTC, then 1 to 4 again: the scheduled action slipway-restore does "
            "it, whatever becomes of this machine"
        ),
        "back before that: slipway scale iris --back",
    ]
    assert world.warnings == []


def test_limits_on_top_of_limits_keep_the_original_ones(world: World, scaler: Scaler) -> None:
    scaler.limit(4, 8, HOURS)
    scaler.limit(6, 10, Duration.parse("3h"))
    assert world.limits[VARIANT] == (6, 10)
    assert world.restore == ("at(2026-12-24T15:00:00)", 1, 4)


def test_limits_on_top_that_say_no_end_have_the_same_one(world: World, scaler: Scaler) -> None:
    scaler.limit(4, 8, HOURS)
    scaler.limit(6, 10, None)
    assert world.restore == ("at(2026-12-24T14:00:00)", 1, 4)
    assert "6 to 10 instances until 2026-12-24 14:00 UTC, then 1 to 4 again" in world.lines[-2]


def test_limits_on_top_of_some_without_an_end_bring_back_what_the_config_has(world: World, scaler: Scaler) -> None:
    scaler.limit(4, 8, None)
    scaler.limit(6, 10, HOURS)
    assert world.restore == ("at(2026-12-24T14:00:00)", 1, 4)
    assert world.warnings == ["the limits are 4 to 8 now; what comes back is 1 to 4, as the config has it"]


def test_a_scheduled_action_whose_time_has_passed_says_nothing_any_more(world: World, scaler: Scaler) -> None:
    world.schedule(RESTORE, "at(2026-12-24T11:00:00)", 3, 5)
    scaler.limit(4, 8, HOURS)
    assert world.restore == ("at(2026-12-24T14:00:00)", 1, 4)


def test_one_limit_alone_keeps_the_other(world: World, scaler: Scaler) -> None:
    scaler.limit(None, 12, HOURS)
    assert world.limits[VARIANT] == (1, 12)


def test_without_an_end_it_says_how_to_go_back(world: World, scaler: Scaler) -> None:
    scaler.limit(4, 8, None)
    assert world.restore is None
    assert world.lines[-2:] == [
        "4 to 8 instances from now on; nothing ends this by itself",
        "back: slipway scale iris --back",
    ]


def test_a_component_has_copies_and_may_have_none(world: World, declare: Declare) -> None:
    components = {
        "small": {"model": MODEL["model"], "memory": "512MB", "cpus": 1},
        "large": {"model": MODEL["model"], "memory": "512MB", "cpus": 1},
    }
    hosting = {"instance_type": "ml.m5.large", "managed_scaling": {"min": 0, "max": 4}}
    environment = declare(
        iris={"version": 1, "components": components, "hosting": hosting, "scaling": {"min": 1, "max": 4}}
    )
    world.limits = {COMPONENT: (1, 4)}
    world.scaler(environment, component="small").limit(0, 8, HOURS)
    assert world.limits == {COMPONENT: (0, 8)}
    assert "0 to 8 copies until" in world.lines[1]
    assert world.lines[-1] == "back before that: slipway scale iris --component small --back"
    world.copies_status = "Updating"
    with pytest.raises(BusyError, match="rc-project-a-dev-iris--small is Updating, and the service scales nothing"):
        world.scaler(environment, component="small").limit(1, 8, HOURS)
    with pytest.raises(WrongOperation, match="there are several: name one of small, large with --component"):
        part(environment, "iris")


# -- schedules of the config


def test_a_schedule_that_comes_first_ends_it_and_is_told(world: World, scaler: Scaler) -> None:
    world.schedule("night", "cron(0 14 * * ? *)", 1, 2, "Europe/Berlin")
    scaler.limit(4, 8, HOURS)
    # An hour from now it is two in Berlin. Later, the former limits would take the place of the night's.
    assert world.restore == ("at(2026-12-24T12:59:00)", 1, 2)
    assert world.warnings[0] == (
        "schedule night sets 1 to 2 at 2026-12-24 13:00 UTC, so this ends a minute before that, not after 2h"
    )


def test_a_schedule_that_comes_later_changes_nothing(world: World, scaler: Scaler) -> None:
    world.schedule("night", "cron(0 20 * * ? *)", 1, 2)
    scaler.limit(4, 8, HOURS)
    assert world.restore is not None
    assert world.restore[0] == "at(2026-12-24T14:00:00)"


def test_a_schedule_that_comes_at_once_is_waited_for(world: World, scaler: Scaler) -> None:
    world.schedule("noon", "cron(1 12 * * ? *)", 1, 2)
    with pytest.raises(OperationError, match="schedule noon sets 1 to 2 at 2026-12-24 12:01 UTC, which would end this"):
        scaler.limit(4, 8, HOURS)
    assert world.limits[VARIANT] == (1, 4)


def test_without_an_end_a_schedule_is_the_end(world: World, scaler: Scaler) -> None:
    world.schedule("night", "cron(0 20 * * ? *)", None, 2)
    scaler.limit(4, 8, None)
    assert world.warnings == ["schedule night sets 4 to 2 at 2026-12-24 20:00 UTC, which ends this"]


def test_suspended_schedules_would_not_end_it(world: World, scaler: Scaler) -> None:
    world.suspended = True
    with pytest.raises(OperationError, match="its scheduled actions are suspended, so nothing would end this"):
        scaler.limit(4, 8, HOURS)
    scaler.limit(4, 8, None)
    assert world.limits[VARIANT] == (4, 8)


# -- back


def test_back_sets_the_former_limits_and_removes_the_end(world: World, scaler: Scaler) -> None:
    world.limits[VARIANT] = (2, 5)  # neither the config's nor a schedule's
    world.schedule(RESTORE, "at(2026-12-24T14:00:00)", 2, 5)
    world.limits[VARIANT] = (4, 8)
    scaler.back()
    assert world.limits[VARIANT] == (2, 5)
    assert world.restore is None
    assert world.lines == [f"{FULL}, variant primary: 2 to 5 instances, instead of 4 to 8, as they were before"]


def test_back_without_a_scheduled_action_takes_what_the_config_has(world: World, scaler: Scaler) -> None:
    scaler.limit(4, 8, None)
    scaler.back()
    assert world.limits[VARIANT] == (1, 4)
    assert world.lines[-1].endswith("1 to 4 instances, instead of 4 to 8, as the config has it")
    scaler.back()
    assert world.lines[-1].endswith("1 to 4 instances already, as the config has it")


def test_back_takes_what_a_schedule_of_the_config_has_for_now(world: World, scaler: Scaler) -> None:
    world.schedule("day", "cron(0 7 ? * MON-FRI *)", 3, 6)
    world.schedule("new", "cron(0 9 ? * MON-FRI *)", 9, 9)
    world.actions["new"]["CreationTime"] = START - timedelta(hours=1)  # so that it has not happened yet
    world.schedule("night", "cron(0 20 ? * MON-FRI *)", 1, 2)
    world.limits[VARIANT] = (4, 8)
    scaler.back()
    assert world.limits[VARIANT] == (3, 6)
    assert world.lines[-1].endswith("as schedule day has it since 2026-12-24 07:00 UTC")


def test_back_works_while_an_update_runs(world: World, scaler: Scaler) -> None:
    scaler.limit(4, 8, HOURS)
    world.status = "Updating"
    scaler.back()
    assert world.limits[VARIANT] == (1, 4)
    assert world.warnings == [f"{FULL} is Updating: the number of instances follows when that is over"]


def test_there_is_no_way_back_that_nobody_knows(world: World, declare: Declare) -> None:
    scaler = world.scaler(declare(iris=MODEL))
    with pytest.raises(
        OperationError, match="the config declares no `scaling`: say them with `slipway scale iris --min"
    ):
        scaler.back()
    world.limits.clear()
    with pytest.raises(OperationError, match="is not scaled, so it has no limits to go back to"):
        scaler.back()


def test_a_scheduled_action_that_is_gone_already_is_no_trouble(world: World, scaler: Scaler) -> None:
    scaler.limit(4, 8, HOURS)
    world.next["DeleteScheduledAction"] = [NO_ACTION]
    scaler.back()
    assert world.limits[VARIANT] == (1, 4)


# -- a number of instances


@pytest.fixture
def unscaled(world: World, declare: Declare) -> Scaler:
    world.limits.clear()
    return world.scaler(declare(iris=MODEL))


def test_without_scaling_the_number_itself_is_set(world: World, unscaled: Scaler) -> None:
    unscaled.count(4)
    assert world.of("UpdateEndpointWeightsAndCapacities") == [
        {"EndpointName": FULL, "DesiredWeightsAndCapacities": [{"VariantName": "primary", "DesiredInstanceCount": 4}]}
    ]
    assert world.tags == {}
    assert world.lines == [
        f"{FULL}, variant primary: 4 instances asked for, instead of 2",
        (
            "the config and the stack hold 1, which the next update sets again. So that they agree: "
            "endpoints.iris.hosting.instances: 4"
        ),
        "back: slipway scale iris --instances 2",
    ]


def test_a_number_that_is_there_already_is_not_set(world: World, unscaled: Scaler) -> None:
    unscaled.count(2)
    assert world.of("UpdateEndpointWeightsAndCapacities") == []


def test_with_scaling_a_number_would_not_last(scaler: Scaler) -> None:
    with pytest.raises(OperationError, match=r"is scaled between 1 to 4, so autoscaling .* --min 6 --max 6`"):
        scaler.count(6)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({**MODEL, "hosting": {"serverless": {}}}, "is serverless, so it has no instances"),
        (
            {
                "version": 1,
                "components": {"small": {"model": MODEL["model"], "memory": "512MB", "cpus": 1}},
                "hosting": MODEL["hosting"],
            },
            r"component small has copies, not instances: `endpoints.iris.components.small.copies: 2` in the config",
        ),
        (MODEL, "0 instances: write 1 or more"),
    ],
    ids=["serverless", "component", "none"],
)
def test_what_has_no_number_is_wrong_usage(
    world: World, declare: Declare, declared: dict[str, object], message: str
) -> None:
    with pytest.raises(WrongOperation, match=message):
        world.scaler(declare(iris=declared)).count(0 if declared is MODEL else 2)
    assert world.calls == []


# -- waiting


def test_waiting_ends_when_the_new_instances_serve(world: World, scaler: Scaler) -> None:
    scaler.limit(4, 8, HOURS)
    scaler.wait(timedelta(minutes=30))
    assert world.lines[-1] == f"{FULL}, variant primary: 4 instances serving"
    assert START + timedelta(minutes=4) <= world.now < START + timedelta(minutes=5)


def test_waiting_for_too_long_is_timed_out(world: World, scaler: Scaler) -> None:
    world.provision = timedelta(hours=1)
    scaler.limit(4, 8, HOURS)
    with pytest.raises(NotSettledError, match=f"2 instances of 4 after 30m, {FULL} is Updating: it goes on by itself"):
        scaler.wait(timedelta(minutes=30))


# -- what is refused


@pytest.mark.parametrize(
    ("lowest", "highest", "message"),
    [
        (8, 4, "a minimum of 8 is above a maximum of 4 instances$"),
        (6, None, "a minimum of 6 is above a maximum of 4 instances: the other limit stays as it is, so say --max too"),
        (None, 0, "a minimum of 1 is above a maximum of 0 instances"),
        (0, 4, "a minimum of 0: variant primary must have at least 1; asynchronous"),
        (-1, 4, "a minimum of -1"),
    ],
)
def test_limits_that_there_cannot_be_are_wrong_usage(
    world: World, scaler: Scaler, lowest: int | None, highest: int | None, message: str
) -> None:
    with pytest.raises(WrongOperation, match=message):
        scaler.limit(lowest, highest, HOURS)
    assert world.limits[VARIANT] == (1, 4)
    assert world.restore is None


def test_an_asynchronous_endpoint_may_vanish_but_not_for_good(world: World, declare: Declare) -> None:
    scaler = world.scaler(declare(iris={**SCALED, "asynchronous": {"output": "out/"}}))
    scaler.limit(0, 4, HOURS)
    assert world.limits[VARIANT] == (0, 4)
    with pytest.raises(WrongOperation, match="a maximum of 0 instances leaves nothing that answers"):
        scaler.limit(0, 0, HOURS)


def test_a_time_that_is_too_short_is_wrong_usage(scaler: Scaler) -> None:
    with pytest.raises(WrongOperation, match="--for 4m is too short: write 5m or longer"):
        scaler.limit(4, 8, Duration.parse("4m"))


def test_what_is_not_scaled_has_no_limits(world: World, unscaled: Scaler, declare: Declare) -> None:
    with pytest.raises(
        OperationError, match="is not scaled automatically, so it has no limits: `slipway scale iris --ins"
    ):
        unscaled.limit(4, 8, HOURS)
    burst = world.scaler(declare(iris={**MODEL, "hosting": {"instance_type": "ml.t2.medium"}}))
    with pytest.raises(OperationError, match=r"ml\.t2\.medium cannot be scaled automatically"):
        burst.limit(4, 8, HOURS)
    serverless = world.scaler(declare(iris={**MODEL, "hosting": {"serverless": {}}}))
    with pytest.raises(OperationError, match="so it has no limits: declare `scaling` and deploy"):
        serverless.limit(4, 8, HOURS)


@pytest.mark.parametrize("status", ["Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"])
def test_a_busy_endpoint_is_not_scaled(world: World, scaler: Scaler, status: str) -> None:
    world.status = status
    with pytest.raises(BusyError, match=f"{FULL} is {status}, and the service scales nothing meanwhile"):
        scaler.limit(4, 8, HOURS)
    assert world.limits[VARIANT] == (1, 4)


def test_an_endpoint_that_is_not_in_service_is_not_scaled(world: World, scaler: Scaler) -> None:
    world.status, world.failure = "Failed", "no capacity"
    with pytest.raises(OperationError, match=rf"{FULL} is Failed \(no capacity\): nothing was changed"):
        scaler.limit(4, 8, HOURS)


def test_a_variant_that_is_not_deployed_yet_is_said(world: World, declare: Declare) -> None:
    variants = {name: {"model": MODEL["model"], "hosting": MODEL["hosting"]} for name in ("a", "b")}
    environment = declare(iris={"version": 1, "variants": variants})
    with pytest.raises(OperationError, match="has no variant b yet; it has primary: deploy first"):
        world.scaler(environment, variant="b").limit(4, 8, HOURS)
    with pytest.raises(WrongOperation, match="name one of a, b with --variant"):
        part(environment, "iris")
    with pytest.raises(WrongOperation, match="'c' is not declared"):
        part(environment, "iris", variant="c")


def test_no_endpoint_is_said(world: World, scaler: Scaler) -> None:
    world.next["DescribeEndpoint"] = [GONE]
    with pytest.raises(NoEndpointError, match=f"there is no endpoint {FULL}"):
        scaler.limit(4, 8, HOURS)


# -- trouble on the way


@pytest.mark.parametrize("trouble", [THROTTLED, CONCURRENT], ids=["throttled", "concurrent"])
@pytest.mark.parametrize(
    "operation", ["DescribeScalableTargets", "DescribeScheduledActions", "PutScheduledAction", "RegisterScalableTarget"]
)
def test_what_passes_is_outlasted(world: World, scaler: Scaler, operation: str, trouble: Refusal) -> None:
    world.next[operation] = [trouble, trouble]
    scaler.limit(4, 8, HOURS)
    assert world.limits[VARIANT] == (4, 8)
    assert world.restore is not None


def test_limits_that_may_not_be_set_leave_no_scheduled_action(world: World, scaler: Scaler) -> None:
    world.next["RegisterScalableTarget"] = [denied("application-autoscaling:RegisterScalableTarget")]
    with pytest.raises(OperationError, match="not allowed: User: x is not authorized"):
        scaler.limit(4, 8, HOURS)
    assert world.limits[VARIANT] == (1, 4)
    assert world.restore is None
    assert world.tags == {}


def test_an_end_that_may_not_be_arranged_leaves_the_limits(world: World, scaler: Scaler) -> None:
    world.next["PutScheduledAction"] = [denied("application-autoscaling:PutScheduledAction")]
    with pytest.raises(OperationError, match=r"put the scheduled action slipway-restore .*: not allowed"):
        scaler.limit(4, 8, HOURS)
    assert world.limits[VARIANT] == (1, 4)
    assert world.of("RegisterScalableTarget") == []


def test_credentials_that_expire_with_raised_limits_leave_their_end(world: World, scaler: Scaler) -> None:
    register = world.answers["RegisterScalableTarget"]

    def lose(given: dict[str, Any]) -> None:
        register(given)
        world.next.update({name: [EXPIRED] * 9 for name in world.answers})
        raise EXPIRED

    world.answers["RegisterScalableTarget"] = lose
    with pytest.raises(OperationError, match="the credentials have expired"):
        scaler.limit(4, 8, HOURS)
    assert world.limits[VARIANT] == (4, 8)
    assert world.restore == ("at(2026-12-24T14:00:00)", 1, 4)
    assert any(line.endswith("By hand: slipway scale iris --min 1 --max 4") for line in world.warnings)


def test_an_undone_limit_that_cannot_be_undone_keeps_its_end(world: World, scaler: Scaler) -> None:
    register = world.answers["RegisterScalableTarget"]

    def fail(given: dict[str, Any]) -> None:
        register(given)
        world.answers["RegisterScalableTarget"] = lambda _: (_ for _ in ()).throw(denied("x"))
        raise KeyboardInterrupt

    world.answers["RegisterScalableTarget"] = fail
    with pytest.raises(KeyboardInterrupt):
        scaler.limit(4, 8, HOURS)
    assert world.limits[VARIANT] == (4, 8)
    assert world.restore == ("at(2026-12-24T14:00:00)", 1, 4)
    assert "the scheduled action slipway-restore (the limits are 4 to 8, so it is still needed)" in world.warnings[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("when", ["on_call", "on_answer"])
@pytest.mark.parametrize("on_top", [False, True], ids=["first", "on top"])
def test_an_interruption_at_any_call_leaves_no_limits_without_an_end(
    environment: Environment, number: int, when: str, *, on_top: bool
) -> None:
    def begin() -> World:
        world = World()
        if on_top:
            world.schedule(RESTORE, "at(2026-12-24T13:00:00)", 1, 4)
            world.limits[VARIANT] = (3, 6)
        return world

    whole = begin()
    before = whole.limits[VARIANT], whole.restore
    whole.scaler(environment).limit(4, 8, HOURS)
    after = whole.limits[VARIANT], whole.restore
    left = set()
    for call in range(len(whole.calls)):
        world = begin()
        getattr(world, when)[call] = lambda: os.kill(os.getpid(), number)
        with terminable(), pytest.raises(KeyboardInterrupt):
            world.scaler(environment).limit(4, 8, HOURS)
        assert OPERATION not in world.tags, call
        left.add((world.limits[VARIANT], world.restore))
    assert left == {before, after}


def test_another_operator_is_told_before_anything_changes(world: World, scaler: Scaler) -> None:
    world.tags[OPERATION] = "shift by ann@example until 2026-12-24T13:00:00+00:00 1234abcd"
    act: list[Callable[[], None]] = [
        lambda: scaler.limit(4, 8, HOURS),
        lambda: scaler.limit(4, 8, None),
    ]
    for one in act:
        with pytest.raises(BusyError, match=r"another operator works on it \(shift by ann@example"):
            one()
    assert world.limits[VARIANT] == (1, 4)
    assert world.restore is None


def test_limits_that_somebody_else_set_meanwhile_are_left_alone(world: World, scaler: Scaler) -> None:
    def overtake(_: dict[str, Any]) -> None:
        world.limits[VARIANT] = (5, 5)
        raise denied("x")

    world.answers["RegisterScalableTarget"] = overtake
    with pytest.raises(OperationError):
        scaler.limit(4, 8, HOURS)
    assert world.limits[VARIANT] == (5, 5)
    assert "somebody else has set 5 to 5 meanwhile" in world.warnings[0]


def test_the_time_is_utc_whatever_the_machine_has(world: World, scaler: Scaler) -> None:
    world.now = datetime(2026, 12, 24, 23, 30, tzinfo=UTC)
    scaler.limit(4, 8, HOURS)
    assert world.restore == ("at(2026-12-25T01:30:00)", 1, 4)


# -- the command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--min", "4", "--back"], "--min and --max set limits"),
        (["--max", "4", "--instances", "2"], "--min and --max set limits"),
        (["--instances", "2", "--for", "2h"], "--for takes autoscaling, whose scheduled action sets the limits back"),
        (["--for", "2h"], "--for is how long --min and --max hold"),
        (["--back", "--json"], "--json shows the limits as they are"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_arguments_that_do_not_go_together_are_wrong_usage(
    capsys: pytest.CaptureFixture[str], root: Path, arguments: list[str], message: str
) -> None:
    assert main(["scale", "iris", *arguments, "--config", str(root / "config")]) == 2
    assert message in capsys.readouterr().err


def test_the_command_changes_shows_and_goes_back(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    monkeypatch.setattr(targets, "choose", lambda *_, **__: world.target())
    monkeypatch.setattr(scaling, "AwsClock", lambda _: world.clock())
    place = ["--config", str(root / "config")]
    world.schedule("night", "cron(0 20 * * ? *)", 1, 2)
    world.actions["night"]["CreationTime"] = START
    assert main(["scale", "iris", "--min", "4", "--max", "8", "--for", "2h", "--wait", "30m", *place]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{FULL}, variant primary: 4 instances serving"
    assert main(["scale", "iris", *place]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "here",
        f"{FULL}, variant primary: 4 instances, between 4 to 8",
        "the config has 1 to 4",
        "temporary until 2026-12-24 14:00 UTC, then 1 to 4 again",
        "schedule night sets 1 to 2 at 2026-12-24 20:00 UTC",
    ]
    assert main(["scale", "iris", "--json", *place]) == 0
    captured = capsys.readouterr()
    assert captured.err == "here\n"
    assert json.loads(captured.out) == {
        "endpoint": FULL,
        "status": "InService",
        "variant": "primary",
        "count": 4,
        "min": 4,
        "max": 8,
        "temporary_until": "2026-12-24T14:00:00+00:00",
        "then": {"min": 1, "max": 4},
        "next_schedule": {"name": "night", "at": "2026-12-24T20:00:00+00:00"},
    }
    assert main(["scale", "iris", "--back", *place]) == 0
    assert world.limits[VARIANT] == (1, 4)
    world.provision = timedelta(hours=1)
    assert main(["scale", "iris", "--min", "5", "--max", "8", "--wait", "10m", *place]) == 4
    assert main(["scale", "irsi", *place]) == 2
    assert "did you mean iris?" in capsys.readouterr().err
