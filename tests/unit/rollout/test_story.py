"""From a template's own words to a rollback: a model that is slow, behind a canary."""

from time import process_time
from typing import Any

from slipway.rollout.alarm import read as read_alarm
from slipway.rollout.fleets import Update, Variant
from slipway.rollout.history import History, watch
from slipway.rollout.policy import read as read_policy
from slipway.rollout.series import Series, SeriesKey, Values
from slipway.rollout.simulation import roll_out
from slipway.rollout.stages import Outcome
from slipway.rollout.strategies import intended

DEPLOYMENT_CONFIG = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 600,
        },
        "TerminationWaitInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 2700,
    },
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "latency"}]},
}
NEW_FLEET = [("EndpointName", "e"), ("VariantName", "primary"), ("EndpointConfigName", "new")]
LATENCY: dict[str, Any] = {
    "Namespace": "AWS/SageMaker",
    "MetricName": "ModelLatency",
    "Dimensions": [{"Name": name, "Value": value} for name, value in NEW_FLEET],
    "ExtendedStatistic": "p95",
    "Period": 60,
    "EvaluationPeriods": 2,
    "Threshold": 1_000_000,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}
UPDATE = Update(read_policy(DEPLOYMENT_CONFIG), (Variant.of("primary", 4, "ml.m5.large"),))
KEY = SeriesKey.of("AWS/SageMaker", "ModelLatency", NEW_FLEET)


def histories(microseconds: float, requests_per_minute: float = 400) -> dict[str, History]:
    """What the alarm sees while the new fleet answers so slowly, with the traffic that it gets in each minute."""
    rollout = intended(UPDATE)
    series: dict[int, Values] = {}
    for minute in range(0, int(rollout.duration), 60):
        requests = requests_per_minute * rollout.at(minute).traffic.new
        if requests:
            series[minute] = Values.of({microseconds: requests})
    return watch([read_alarm("latency", LATENCY)], {KEY: Series(series)}, 0, rollout.duration)


def test_a_slow_model_is_rolled_back_from_the_canary() -> None:
    rollout = roll_out(UPDATE, histories(2_500_000))
    assert rollout.outcome is Outcome.ROLLED_BACK
    # It gets traffic after 10 minutes; two minutes of it are bad, and the second is seen a minute later.
    assert rollout.ending is not None
    assert (rollout.ending.at / 60, rollout.ending.why) == (13, "alarm latency")
    assert rollout.at(13 * 60).traffic == (1, 0)
    assert max(stage.traffic.new for stage in rollout.stages) == 0.25


def test_a_quick_model_goes_through() -> None:
    rollout = roll_out(UPDATE, histories(50_000))
    assert rollout.outcome is Outcome.UPDATED
    assert rollout.duration == 25 * 60


def test_without_requests_nothing_ends_the_update_of_a_bad_model() -> None:
    assert roll_out(UPDATE, histories(2_500_000, requests_per_minute=0)).outcome is Outcome.UPDATED


def test_a_fault_matrix_is_affordable() -> None:
    """A rollout takes about 0.1 ms and an hour of an alarm about 0.3 ms; this fails when that has grown tenfold."""
    start = process_time()
    for _ in range(50):
        roll_out(UPDATE, histories(2_500_000))
    assert (process_time() - start) / 50 < 0.01
