"""What Application Auto Scaling decides: the examples of its guide, and what they leave open."""

from typing import Any

import pytest

from slipway.local.autoscaling import tracking
from slipway.local.autoscaling.adjustments import aggregated, stepped, tracked
from slipway.local.autoscaling.decision import Cooling, Limits, Move, Reason, Wish, decide

WIDE = Limits(0, 100)


def wish(capacity: int, policy: str = "policy", from_base: int | None = None, cooldown: float = 300) -> Wish:
    return Wish(policy, "alarm", capacity, capacity if from_base is None else from_base, cooldown)


def moved(decision: Move | Reason | None) -> int:
    assert isinstance(decision, Move)
    return decision.capacity


# -- adjustments


@pytest.mark.parametrize(
    ("capacity", "value", "target", "expected"),
    [
        (2, 150, 100, 3),
        (2, 151, 100, 4),
        (2, 100, 100, 2),
        (3, 70 / 3 * 3, 70, 3),  # exactly at the target, whatever floating point makes of it
        (10, 50, 100, 5),
        (10, 51, 100, 6),
        (4, 0, 100, 0),
        (0, 500, 100, 0),
        (4, 500, 0, 4),
    ],
)
def test_target_tracking_goes_to_the_next_capacity_at_which_the_metric_is_not_above_its_target(
    capacity: int, value: float, target: float, expected: int
) -> None:
    assert tracked(capacity, value, target) == expected


OUT = [
    {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 0},
    {"MetricIntervalLowerBound": 10, "MetricIntervalUpperBound": 20, "ScalingAdjustment": 10},
    {"MetricIntervalLowerBound": 20, "ScalingAdjustment": 30},
]
IN = [
    {"MetricIntervalLowerBound": -10, "MetricIntervalUpperBound": 0, "ScalingAdjustment": 0},
    {"MetricIntervalLowerBound": -20, "MetricIntervalUpperBound": -10, "ScalingAdjustment": -10},
    {"MetricIntervalUpperBound": -20, "ScalingAdjustment": -30},
]


@pytest.mark.parametrize(
    ("steps", "capacity", "breach", "expected"),
    [
        (OUT, 10, 9.9, 10),
        (OUT, 10, 10, 11),
        (OUT, 11, 20, 14),
        (IN, 14, -9.9, 14),
        (IN, 14, -10, 13),
        (IN, 13, -20, 10),
        ([OUT[1]], 10, 25, 10),  # no step is for so much
    ],
)
def test_steps_are_those_of_the_guides_example(
    steps: list[dict[str, float]], capacity: int, breach: float, expected: int
) -> None:
    configuration = {"AdjustmentType": "PercentChangeInCapacity", "StepAdjustments": steps}
    assert stepped(configuration, capacity, breach) == expected


@pytest.mark.parametrize(
    ("kind", "adjustment", "capacity", "least", "expected"),
    [
        ("ChangeInCapacity", 5, 3, None, 8),
        ("ChangeInCapacity", -2, 3, None, 1),
        ("ExactCapacity", 5, 3, None, 5),
        ("PercentChangeInCapacity", 10, 10, None, 11),
        ("PercentChangeInCapacity", 25, 4, 2, 6),
        ("PercentChangeInCapacity", 67, 1, None, 2),  # .67 is rounded to 1
        ("PercentChangeInCapacity", -58, 1, None, 0),  # -.58 is rounded to -1
        ("PercentChangeInCapacity", -50, 13, None, 7),  # -6.5 is rounded to -6
        ("PercentChangeInCapacity", -10, 10, 3, 7),
        ("PercentChangeInCapacity", 0, 10, 3, 10),
    ],
)
def test_adjustments_are_rounded_as_the_guide_says(
    kind: str, adjustment: int, capacity: int, least: int | None, expected: int
) -> None:
    configuration: dict[str, Any] = {
        "AdjustmentType": kind,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": adjustment}],
    }
    if least is not None:
        configuration["MinAdjustmentMagnitude"] = least
    assert stepped(configuration, capacity, 0) == expected


@pytest.mark.parametrize(("kind", "expected"), [("Minimum", 1), ("Maximum", 6), ("Average", 3), (None, 3)])
def test_datapoints_are_aggregated_by_the_policys_type(kind: str | None, expected: float) -> None:
    assert aggregated({"MetricAggregationType": kind} if kind else {}, [2, 6, 1]) == expected


# -- decisions


def test_whoever_wants_more_is_heard_first_and_the_most_counts() -> None:
    assert moved(decide([wish(2), wish(6), wish(9, "other")], 4, WIDE, Cooling(), 0)) == 9
    assert moved(decide([wish(1), wish(3, "other")], 4, WIDE, Cooling(), 0)) == 3


def test_limits_end_what_is_asked_for() -> None:
    assert moved(decide([wish(9)], 4, Limits(1, 6), Cooling(), 0)) == 6
    assert moved(decide([wish(0)], 4, Limits(2, 6), Cooling(), 0)) == 2
    assert decide([wish(9)], 6, Limits(1, 6), Cooling(), 0) is Reason.AT_MAXIMUM
    assert decide([wish(0)], 2, Limits(2, 6), Cooling(), 0) is Reason.AT_MINIMUM
    assert decide([wish(4)], 4, WIDE, Cooling(), 0) is Reason.AT_DESIRED
    assert decide([], 4, WIDE, Cooling(), 0) is None


@pytest.mark.parametrize(("asked", "present"), [(9, 8), (5, 1)])
def test_a_policy_does_not_bring_back_a_capacity_outside_the_limits(asked: int, present: int) -> None:
    limits = Limits(2, 6)
    decision = decide([wish(asked)], present, limits, Cooling(), 0)
    assert decision == (Reason.AT_MAXIMUM if present > limits.maximum else Move(5, wish(5)))


def test_while_it_cools_down_a_policy_reckons_from_what_there_was_before() -> None:
    cooling = Cooling()
    first = Move(6, wish(6))
    cooling.scaled(first, 4, now=1000)
    assert cooling.base("policy", 6, now=1299) == 4
    assert cooling.base("policy", 6, now=1300) == 6
    assert cooling.base("other", 6, now=1001) == 6
    assert decide([wish(8, from_base=6)], 6, WIDE, cooling, 1100) is None
    assert moved(decide([wish(9, from_base=7)], 6, WIDE, cooling, 1100)) == 7


def test_scaling_in_blocks_scaling_in_and_scaling_out_ends_that() -> None:
    cooling = Cooling()
    cooling.scaled(Move(4, wish(4)), 6, now=1000)
    assert decide([wish(2)], 4, WIDE, cooling, 1299) is None
    assert moved(decide([wish(2)], 4, WIDE, cooling, 1300)) == 2
    out = decide([wish(5, "other")], 4, WIDE, cooling, 1100)
    assert moved(out) == 5
    assert isinstance(out, Move)
    cooling.scaled(out, 4, now=1100)
    assert moved(decide([wish(2)], 5, WIDE, cooling, 1101)) == 2


# -- the alarms of target tracking


def test_a_predefined_metric_is_watched_with_its_statistic_and_the_dimensions_of_the_resource() -> None:
    configuration = {
        "TargetValue": 70,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }
    high, low = tracking.alarms(configuration, "endpoint/e/variant/v", "arn:policy")
    assert high["AlarmName"].startswith("TargetTracking-endpoint/e/variant/v-AlarmHigh-")
    assert low["AlarmName"].startswith("TargetTracking-endpoint/e/variant/v-AlarmLow-")
    for alarm in (high, low):
        assert (alarm["MetricName"], alarm["Statistic"], alarm["Period"]) == ("InvocationsPerInstance", "Sum", 60)
        assert alarm["Dimensions"] == [{"Name": "EndpointName", "Value": "e"}, {"Name": "VariantName", "Value": "v"}]
        assert (alarm["TreatMissingData"], alarm["AlarmActions"]) == ("missing", ["arn:policy"])
    assert (high["EvaluationPeriods"], high["Threshold"]) == (3, 70)
    assert (low["EvaluationPeriods"], low["Threshold"]) == (15, 63)


def test_a_metric_of_ones_own_is_watched_as_it_is_specified() -> None:
    own = {"Namespace": "N", "MetricName": "M", "Statistic": "Average", "Unit": "Percent"}
    found = tracking.watched({"CustomizedMetricSpecification": own}, "inference-component/c")
    assert found == {**own, "Dimensions": [], "Period": 60}
    query = {"Id": "m", "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "M"}, "Stat": "Sum"}}
    found = tracking.watched({"CustomizedMetricSpecification": {"Metrics": [query]}}, "inference-component/c")
    assert found is not None
    assert found["Metrics"][0]["MetricStat"] == {**query["MetricStat"], "Period": 60}  # type: ignore[dict-item]


def test_a_metric_of_another_service_is_not_watched() -> None:
    configuration = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}
    assert tracking.alarms({**configuration, "TargetValue": 1}, "endpoint/e/variant/v", "arn:policy") == []


def test_alarms_that_a_policy_has_keep_their_names() -> None:
    configuration = {
        "TargetValue": 70,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"},
    }
    high, low = tracking.alarms(configuration, "inference-component/c", "arn:policy", ["h", "l"])
    assert (high["AlarmName"], low["AlarmName"]) == ("h", "l")
    assert high["Dimensions"] == [{"Name": "InferenceComponentName", "Value": "c"}]
