"""What is wrong with an alarm as it is declared is said, with why and what to write instead."""

from __future__ import annotations

import pytest

from slipway.rehearsal.baseline import Baseline, Latency
from slipway.rehearsal.checks import check
from slipway.rehearsal.faults import Behaviour, Fault
from slipway.rehearsal.findings import Finding
from slipway.rehearsal.published import MACHINES
from slipway.rehearsal.rehearsal import Assumptions, rehearse
from slipway.rehearsal.target import Target
from slipway.rollout.alarm import Alarm
from slipway.rollout.fleets import Variant
from tests.unit.rehearsal.endpoints import (
    BOTH_FLEETS,
    ENDPOINT,
    GUARDS,
    NEW_FLEET,
    ROLLING,
    VARIANT,
    alarm,
    target,
)

WHOLE = {"EndpointName": ENDPOINT}
COMPONENT = {"InferenceComponentName": VARIANT}


def found(of: Target, assumptions: Assumptions | None = None) -> dict[str, Finding]:
    return {finding.code: finding for finding in check(of, assumptions or Assumptions())}


def guarding(*alarms: Alarm) -> dict[str, Finding]:
    return found(target(alarms))


def operating(*alarms: Alarm) -> dict[str, Finding]:
    return found(target((), alarms))


def test_good_alarms_have_no_findings() -> None:
    assert guarding(*GUARDS) == {}


def test_an_alarm_that_does_not_exist_is_said_with_the_nearest_that_does() -> None:
    gap = found(target(names=("latency", "eror-5xx")))["unknown-alarm"]
    assert gap.alarm == "eror-5xx"
    assert "did you mean errors-5xx?" in gap.text
    assert "Here it ends nothing" in gap.text


def test_a_name_that_only_deploying_tells_is_asked_for() -> None:
    gap = found(target(names=("⟨parameter Alarm⟩",)))["unknown-alarm"]
    assert "--parameter NAME=VALUE" in gap.text


def test_a_metric_that_is_never_emitted_is_said_by_mode() -> None:
    gap = operating(alarm("a", "Invocatoins", 1, BOTH_FLEETS))["no-such-metric"]
    assert gap.text == (
        "a never has data: an endpoint on instances does not publish Invocatoins in AWS/SageMaker (did you mean "
        "Invocations?)."
    )
    queued = found(target((), [alarm("a", "Invocations", 1, BOTH_FLEETS)], mode="asynchronous"))
    assert "an asynchronous endpoint does not publish Invocations" in queued["no-such-metric"].text


def test_a_metric_of_another_namespace_is_said_with_the_right_one() -> None:
    gap = operating(alarm("gpu", "CPUUtilization", 80, BOTH_FLEETS))["no-such-metric"]
    assert f"CPUUtilization is not in AWS/SageMaker but in {MACHINES}" in gap.text


def test_a_gpu_metric_without_a_gpu_never_has_data() -> None:
    gap = operating(alarm("gpu", "GPUUtilization", 80, BOTH_FLEETS, namespace=MACHINES))["no-such-metric"]
    assert "takes a GPU, and ml.m5.large has none" in gap.text


def test_an_alarm_on_the_endpoint_alone_has_no_data() -> None:
    gap = operating(alarm("a", dimensions=WHOLE))["wrong-dimensions"]
    assert "VariantName is missing: add it" in gap.text


def test_an_alarm_on_a_variant_that_is_not_there_has_no_data() -> None:
    gap = operating(alarm("a", dimensions={**BOTH_FLEETS, "VariantName": "AllTraffic"}))["wrong-dimensions"]
    assert "no variant is called AllTraffic: there is primary" in gap.text


def test_an_alarm_on_another_endpoint_config_has_no_data() -> None:
    gap = guarding(alarm("a", dimensions={**NEW_FLEET, "EndpointConfigName": "shop-1"}))["wrong-dimensions"]
    assert "it watches the endpoint config shop-1, and the update moves to shop-2" in gap.text


def test_a_reference_to_the_endpoint_config_is_an_arn() -> None:
    gap = guarding(alarm("a", dimensions={**NEW_FLEET, "EndpointConfigName": "⟨Config⟩"}))["wrong-dimensions"]
    assert "an ARN: write Fn::GetAtt with EndpointConfigName" in gap.text


def test_machine_metrics_cannot_watch_one_fleet() -> None:
    gap = guarding(alarm("cpu", "CPUUtilization", 160, NEW_FLEET, namespace=MACHINES))["wrong-dimensions"]
    assert "CPUUtilization is not published by EndpointConfigName" in gap.text


def test_components_go_by_their_own_name() -> None:
    part = target((), [alarm("a", dimensions=BOTH_FLEETS)], mode="components", variants=(Variant.of(VARIANT, 4),))
    assert "ModelLatency comes with InferenceComponentName" in found(part)["wrong-dimensions"].text


def test_another_unit_never_has_data() -> None:
    gap = operating(alarm("a", dimensions=BOTH_FLEETS, Unit="Seconds"))["wrong-unit"]
    assert "asks for ModelLatency in Seconds, and it is published in Microseconds" in gap.text
    assert "wrong-unit" not in operating(alarm("a", dimensions=BOTH_FLEETS, Unit="Microseconds"))


def test_a_period_below_a_minute_has_no_data() -> None:
    assert "its period is 10 s" in guarding(alarm("a", Period=10))["period"].text


def test_a_metric_that_is_not_followed_is_a_remark() -> None:
    remark = operating(alarm("a", "ModelLoadingTime", 1, BOTH_FLEETS, statistic="Average"))["not-followed"]
    assert not remark.gap
    assert "it stays silent here" in remark.text


def test_a_metric_of_ones_own_is_a_remark() -> None:
    remark = operating(alarm("a", "Conversions", 1, BOTH_FLEETS, namespace="Shop"))["not-followed"]
    assert not remark.gap
    assert "a metric of your own" in remark.text


def test_cpu_of_an_unknown_type_is_a_remark() -> None:
    unknown = target(
        (),
        [alarm("cpu", "CPUUtilization", 80, BOTH_FLEETS, namespace=MACHINES)],
        variants=(Variant.of(VARIANT, 4, "x"),),
    )
    assert "without knowing the instance type" in found(unknown)["not-followed"].text


@pytest.mark.parametrize("name", ["model-errors", "failures", "5xx"])
def test_an_alarm_named_for_errors_must_measure_errors(name: str) -> None:
    assert "how long answers take" in guarding(alarm(name))["latency-is-no-error"].text
    assert "latency-is-no-error" not in guarding(alarm(name, "Invocation5XXErrors", 0.01))


def test_an_alarm_described_as_errors_must_measure_errors() -> None:
    described = target([alarm("a")], descriptions={"a": "Too many errors"})
    assert "latency-is-no-error" in found(described)


def test_a_rate_above_one_can_never_be() -> None:
    gap = guarding(alarm("a", "Invocation5XXErrors", 1))["never-trips"]
    assert "share from 0 to 1 and never above 1. For 1 % write 0.01" in gap.text
    assert "never-trips" in guarding(alarm("a", "Invocation5XXErrors", 5))


def test_a_rate_of_one_can_be_reached_and_a_sum_can_exceed_it() -> None:
    reached = alarm("a", "Invocation5XXErrors", 1, ComparisonOperator="GreaterThanOrEqualToThreshold")
    assert "never-trips" not in guarding(reached)
    assert "never-trips" not in guarding(alarm("a", "Invocation5XXErrors", 5, statistic="Sum"))


@pytest.mark.parametrize(("metric", "threshold"), [("MemoryUtilization", 100), ("CPUUtilization", 200)])
def test_a_machine_cannot_be_fuller_than_full(metric: str, threshold: float) -> None:
    gap = operating(alarm("a", metric, threshold, BOTH_FLEETS, namespace=MACHINES))["never-trips"]
    assert f"never exceeds {threshold} here" in gap.text
    assert "never-trips" not in operating(alarm("a", metric, threshold - 1, BOTH_FLEETS, namespace=MACHINES))


def test_a_latency_below_what_is_healthy_is_a_mistaken_unit() -> None:
    gap = guarding(alarm("a", threshold=1000))["microseconds"]
    assert "its threshold of 1000 is 1 ms" in gap.text
    assert "If 1 s is meant, write 1000000." in gap.text


def test_what_is_healthy_can_be_said() -> None:
    slow = Assumptions(Baseline(latency=Latency(2, 4)))
    assert "microseconds" in found(target(), slow)
    assert "microseconds" not in found(target([alarm("a", threshold=5_000_000)]), slow)


def test_a_level_far_above_what_is_assumed_is_a_remark() -> None:
    remark = guarding(alarm("a", threshold=30_000_000))["baseline"]
    assert not remark.gap
    assert "say so with --latency" in remark.text


def test_cpu_counts_each_core() -> None:
    sixteen = (Variant.of(VARIANT, 4, "ml.m5.4xlarge"),)
    busy = alarm("cpu", "CPUUtilization", 80, BOTH_FLEETS, namespace=MACHINES)
    gap = found(target((), [busy], variants=sixteen))["per-core"]
    assert "is 5 % of a machine of 16 cores" in gap.text
    assert "write 1280" in gap.text


def test_a_guard_that_sees_both_fleets_is_said_to_end_the_cure() -> None:
    gap = guarding(alarm("a", dimensions=BOTH_FLEETS))["both-fleets"]
    assert "it ends the very update that would cure it" in gap.text
    assert "shop-2" in gap.text


def test_a_guard_on_the_machine_cannot_see_one_fleet() -> None:
    gap = guarding(alarm("a", "MemoryUtilization", 80, BOTH_FLEETS, namespace=MACHINES))["both-fleets"]
    assert "leave the alarm out of the DeploymentConfig" in gap.text


def test_operating_alarms_may_see_both() -> None:
    assert "both-fleets" not in operating(alarm("a", dimensions=BOTH_FLEETS))


def test_a_window_that_does_not_fit_in_the_canary_is_said_with_what_traffic_it_takes() -> None:
    gap = guarding(alarm("a", EvaluationPeriods=10))["window"]
    assert "a looks at 10 × 1 min, 1 min late: it goes off 11 min after the first bad answer at the soonest" in gap.text
    assert "the first bake lasts 10 min: it ends the update only when 100 % of the traffic is on the new" in gap.text
    assert "window" not in guarding(alarm("a", EvaluationPeriods=8))


def test_a_window_that_is_longer_than_the_update_never_ends_it() -> None:
    gap = guarding(alarm("a", Period=300, EvaluationPeriods=4))["window"]
    assert "the update is over 15 min after the new fleet's first request" in gap.text
    assert "Let the bake last longer than 17 min" in gap.text


@pytest.mark.parametrize("periods", range(1, 18))
@pytest.mark.parametrize("period", [60, 180, 300])
def test_a_window_is_said_to_be_too_long_exactly_when_a_model_that_is_bad_at_once_is_not_caught_by_the_canary(
    period: int, periods: int
) -> None:
    of = target([alarm("a", "Invocation5XXErrors", 0.5, Period=period, EvaluationPeriods=periods)])
    bad = Fault("bad", "", "", lambda _: Behaviour(errors_5xx=1))
    ended = rehearse(of, bad).ended_by
    caught = ended is not None and ended.stage.traffic.new < 1
    assert ("window" in found(of)) is not caught


def test_a_guard_without_a_bake_is_never_heeded() -> None:
    at_once = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE"}}}
    gap = found(target(config=at_once))["window"]
    assert "the update has no bake" in gap.text
    assert "Write a TerminationWaitInSeconds of 180 or more" in gap.text


def test_the_window_of_a_rolling_update_is_reckoned_from_its_first_traffic() -> None:
    assert "window" not in found(target(config=ROLLING))
    gap = found(target([alarm("a", EvaluationPeriods=6)], config=ROLLING))["window"]
    assert "only when 100 %" in gap.text


def test_alarms_that_ignore_missing_data_end_the_next_update() -> None:
    assert "notBreaching" in guarding(alarm("a", TreatMissingData="ignore"))["stale-alarm"].text
    assert "stale-alarm" not in operating(alarm("a", TreatMissingData="ignore"))


def test_alarms_that_the_service_does_not_heed_are_not_held_to_a_bake() -> None:
    assert found(target([alarm("a", dimensions=BOTH_FLEETS)], exclusion="Marketplace containers")) == {}
