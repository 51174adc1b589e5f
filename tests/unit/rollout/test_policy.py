"""Reading a DeploymentConfig."""

from typing import Any

import pytest

from slipway.rollout.capacity import Size
from slipway.rollout.declared import DeclarationError
from slipway.rollout.policy import BlueGreen, Policy, Rolling, read

TRAFFIC = "BlueGreenUpdatePolicy.TrafficRoutingConfiguration"
ROLLING = "RollingUpdatePolicy"
ALARMS = "AutoRollbackConfiguration.Alarms"
CANARY: dict[str, Any] = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 600,
        },
        "TerminationWaitInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 2700,
    },
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}, {"AlarmName": "b"}]},
}


def routing(**keys: object) -> dict[str, Any]:
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": keys}}


def rolling(**keys: object) -> dict[str, Any]:
    size = {"Type": "CAPACITY_PERCENT", "Value": 25}
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 60, **keys}}


def problems(config: object) -> list[str]:
    with pytest.raises(DeclarationError) as raised:
        read(config)
    return str(raised.value).splitlines()


def test_canary() -> None:
    assert read(CANARY) == Policy(BlueGreen("CANARY", Size("INSTANCE_COUNT", 1), 600, 300, 2700), ("a", "b"))


def test_linear() -> None:
    size = {"Type": "CAPACITY_PERCENT", "Value": 20}
    policy = read(routing(Type="LINEAR", LinearStepSize=size, WaitIntervalInSeconds=60))
    assert policy == Policy(BlueGreen("LINEAR", Size("CAPACITY_PERCENT", 20), 60))
    assert policy.name == "linear"


def test_all_at_once_needs_no_wait() -> None:
    assert read(routing(Type="ALL_AT_ONCE")) == Policy()
    assert read(routing(Type="ALL_AT_ONCE")).name == "all_at_once"


def test_rolling_with_a_rollback_batch() -> None:
    policy = read(rolling(RollbackMaximumBatchSize={"Type": "COPY_COUNT", "Value": 2}))
    assert policy == Policy(Rolling(Size("CAPACITY_PERCENT", 25), 60, Size("COPY_COUNT", 2)))
    assert policy.name == "rolling"


@pytest.mark.parametrize("config", [None, {}])
def test_none_is_all_at_once(config: object) -> None:
    assert read(config) == Policy()


def test_alarms_without_a_policy_watch_an_update_all_at_once() -> None:
    assert read({"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}}) == Policy(BlueGreen(), ("a",))


def test_numbers_may_be_text() -> None:
    assert read(rolling(WaitIntervalInSeconds="120")).strategy.wait == 120


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            {**CANARY, **rolling()},
            "(top): both BlueGreenUpdatePolicy and RollingUpdatePolicy are given: write one of them",
        ),
        (
            {"BlueGreenUpdatePolicy": {}},
            f"{TRAFFIC}: is required: write Type ALL_AT_ONCE, CANARY or LINEAR",
        ),
        (
            routing(Type="SHADOW"),
            (f"{TRAFFIC}.Type: 'SHADOW' is no way to route traffic: write ALL_AT_ONCE, CANARY or LINEAR"),
        ),
        (
            routing(Type="CANARY", CanarySize={"Type": "INSTANCE_COUNT", "Value": 1}),
            (f"{TRAFFIC}.WaitIntervalInSeconds: is required: write 0 to 3600 seconds"),
        ),
        (
            routing(Type="LINEAR", WaitIntervalInSeconds=1),
            (f"{TRAFFIC}.LinearStepSize: is required: write Type INSTANCE_COUNT or CAPACITY_PERCENT, and Value"),
        ),
        (
            rolling(MaximumBatchSize={"Type": "CAPACITY_PERCENTAGE", "Value": 10}),
            (
                f"{ROLLING}.MaximumBatchSize.Type: 'CAPACITY_PERCENTAGE' is no type: write one of INSTANCE_COUNT, "
                "COPY_COUNT, CAPACITY_PERCENT (CAPACITY_PERCENTAGE is a mistake of the documentation)"
            ),
        ),
        (
            rolling(MaximumBatchSize={"Type": "CAPACITY_PERCENT", "Value": 101}),
            f"{ROLLING}.MaximumBatchSize.Value: 101 is out of range: write a whole number, 1 to 100",
        ),
        (
            rolling(WaitIntervalInSeconds={"Ref": "Wait"}),
            f"{ROLLING}.WaitIntervalInSeconds: {{'Ref': 'Wait'}} is no number",
        ),
        (
            rolling(MaximumExecutionTimeoutInSeconds=599),
            (f"{ROLLING}.MaximumExecutionTimeoutInSeconds: 599 is out of range: write a whole number, 600 to 28800"),
        ),
        (
            {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}, {"AlarmName": "a"}]}},
            f"{ALARMS}[1].AlarmName: 'a' is listed twice: leave one out",
        ),
        (
            {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": {"Ref": "Alarm"}}]}},
            (f"{ALARMS}[0].AlarmName: {{'Ref': 'Alarm'}} is no alarm's name: write 1 to 255 characters"),
        ),
        (
            {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": str(n)} for n in range(11)]}},
            f"{ALARMS}: 11 alarms are too many: write 1 to 10",
        ),
        ({"AutoRollbackConfiguration": {"Alarms": "a"}}, f"{ALARMS}: 'a' is no list"),
        ({"RollingUpdatePolicy": [1]}, f"{ROLLING}: [1] is no mapping"),
        ("canary", "(top): 'canary' is no mapping"),
    ],
)
def test_what_the_service_refuses_is_said(config: object, expected: str) -> None:
    assert expected in problems(config)


def test_all_problems_are_said_at_once() -> None:
    config = rolling(WaitIntervalInSeconds=-1, MaximumExecutionTimeoutInSeconds=1, MaximumBatchSize=None)
    assert len(problems(config)) == 3


@pytest.mark.parametrize("value", [True, 1.5, "x", "", None, float("inf"), "nan", 0, []])
def test_no_value_of_a_size_makes_a_traceback(value: object) -> None:
    assert problems(rolling(MaximumBatchSize={"Type": "INSTANCE_COUNT", "Value": value}))
