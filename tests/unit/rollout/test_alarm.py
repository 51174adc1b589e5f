"""Reading alarms as they are declared."""

from typing import Any

import pytest

from slipway.rollout.alarm import CompositeAlarm, MetricAlarm, read
from slipway.rollout.composite import InState
from slipway.rollout.declared import DeclarationError
from slipway.rollout.series import SeriesKey
from slipway.rollout.state import Rule

LATENCY: dict[str, Any] = {
    "AlarmName": "rollback-latency",
    "Namespace": "AWS/SageMaker",
    "MetricName": "ModelLatency",
    "Dimensions": [{"Name": "VariantName", "Value": "v"}, {"Name": "EndpointName", "Value": "e"}],
    "ExtendedStatistic": "p95",
    "Period": 60,
    "EvaluationPeriods": 2,
    "Threshold": 1_000_000,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}


def metric(name: str, **more: object) -> dict[str, Any]:
    stat = {"Metric": {"Namespace": "N", "MetricName": name}, "Period": 60, "Stat": "Sum"}
    return {"Id": name, "MetricStat": stat, "ReturnData": False, **more}


MATH: dict[str, Any] = {
    "Metrics": [metric("m1"), metric("m2"), {"Id": "e1", "Expression": "m1 / m2"}],
    "EvaluationPeriods": "3",
    "DatapointsToAlarm": "2",
    "Threshold": "0.01",
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}


def metric_alarm(properties: object) -> MetricAlarm:
    alarm = read("fallback", properties)
    assert isinstance(alarm, MetricAlarm)
    return alarm


def problems(properties: object) -> list[str]:
    with pytest.raises(DeclarationError) as raised:
        read("fallback", properties)
    return str(raised.value).splitlines()


def test_an_alarm_of_this_project() -> None:
    alarm = metric_alarm(LATENCY)
    assert alarm.name == "rollback-latency"
    assert alarm.rule == Rule("GreaterThanThreshold", 1_000_000, 2, 2, "notBreaching")
    assert (alarm.period, alarm.window) == (60, 120)
    assert alarm.watched.statistic == "p95"
    assert alarm.watched.metric == SeriesKey.of(
        "AWS/SageMaker", "ModelLatency", [("EndpointName", "e"), ("VariantName", "v")]
    )


def test_metric_math_with_numbers_as_text() -> None:
    alarm = metric_alarm(MATH)
    assert alarm.name == "fallback"
    assert alarm.rule == Rule("GreaterThanOrEqualToThreshold", 0.01, 3, 2)
    assert alarm.period == 60
    assert alarm.watched.expression == "m1 / m2"


def test_a_composite_alarm() -> None:
    assert read("c", {"AlarmRule": "ALARM(a)"}) == CompositeAlarm("c", InState("a", "ALARM"))


def test_low_samples_and_the_window_are_read() -> None:
    alarm = metric_alarm(
        {**LATENCY, "EvaluateLowSampleCountPercentile": "ignore", "EvaluationWindow": {"WallClockWindow": {}}}
    )
    assert alarm.ignores_low_samples
    assert alarm.wall_clock
    assert not metric_alarm({**LATENCY, "EvaluationWindow": {"SlidingWindow": {}}}).wall_clock


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Period": 45}, "Period: 45 is out of range: write 10, 20, 30 or a multiple of 60 seconds"),
        ({"EvaluationPeriods": 0}, "EvaluationPeriods: 0 is out of range: write a whole number, 1 or more"),
        ({"EvaluationPeriods": None}, "EvaluationPeriods: is required"),
        ({"DatapointsToAlarm": 3}, "DatapointsToAlarm: 3 is out of range: write a whole number, 1 to 2"),
        ({"EvaluationPeriods": 1441}, "EvaluationPeriods: 1441 × 60 s is out of range: at most 86400 s together"),
        ({"Threshold": {"Ref": "Level"}}, "Threshold: {'Ref': 'Level'} is no number"),
        ({"Threshold": None}, "Threshold: is required"),
        ({"ExtendedStatistic": None}, "Statistic: is required"),
        ({"MetricName": None}, "MetricName: is required"),
        ({"TreatMissingData": "bad"}, "write one of missing, ignore, breaching, notBreaching"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "'GreaterThanUpperThreshold' cannot be followed"),
        ({"ThresholdMetricId": "ad1"}, "ThresholdMetricId: cannot be followed here"),
        ({"ExtendedStatistic": "tm90"}, "The value tm90 for parameter Stat is not supported"),
        ({"Dimensions": [{"Name": "EndpointName"}]}, "Dimensions[0].Value: is required"),
        ({"Metrics": [metric("m1")]}, "Metrics: an alarm watches one of its queries, and none return data"),
        ({"Metrics": [{"Id": "e1"}]}, "Metrics[0].Expression: is required"),
        ({"AlarmRule": "ALARM("}, "AlarmRule: AlarmRule 'ALARM(' cannot be read"),
    ],
)
def test_what_cannot_be_followed_is_said(change: dict[str, object], expected: str) -> None:
    assert any(expected in problem for problem in problems({**LATENCY, **change}))


def test_metrics_of_one_alarm_have_one_period() -> None:
    slow = metric("m2")
    slow["MetricStat"]["Period"] = 300
    assert "Metrics: the metrics of an alarm have one Period: write the same one for each" in problems(
        {**MATH, "Metrics": [metric("m1"), slow, {"Id": "e1", "Expression": "m1"}]}
    )


def test_all_problems_are_said_at_once() -> None:
    assert len(problems({})) == 7


@pytest.mark.parametrize("properties", [None, [], "alarm", 7])
def test_anything_else_is_no_alarm(properties: object) -> None:
    assert "is no mapping" in problems(properties)[0]
