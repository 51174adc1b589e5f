"""A matrix ends with its gaps, in words that need no explanation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slipway.rehearsal.faults import Fault, matrix
from slipway.rehearsal.findings import Finding
from slipway.rehearsal.report import Report, TargetReport, report
from slipway.rehearsal.target import Target
from slipway.rehearsal.template import Declarations
from slipway.rollout.fleets import Variant
from tests.unit.rehearsal.endpoints import (
    BOTH_FLEETS,
    CANARY,
    ENDPOINT,
    ERRORS_5XX,
    GUARDS,
    LATENCY,
    MODEL_ERRORS,
    VARIANT,
    alarm,
    target,
)


def whole(of: Target, faults: Sequence[Fault] = matrix(), accepted: frozenset[str] = frozenset()) -> Report:
    return report(Declarations((of,), {}), faults, accepted=accepted)


def shown(of: Target) -> TargetReport:
    (one,) = whole(of).targets
    return one


def gaps(of: Target) -> Mapping[str, Finding]:
    one = shown(of)
    return {gap.code: gap for gap in (*one.wrong, *one.missed)}


def test_good_alarms_leave_what_shows_too_late_and_what_nobody_tries() -> None:
    assert set(gaps(target())) == {"memory-leak", "no-traffic"}


def test_a_5xx_burst_that_is_caught_by_nothing() -> None:
    gap = gaps(target([LATENCY]))["errors-5xx"]
    assert gap.text == (
        "A 5XX burst is caught by nothing: no rollback alarm watches Invocation5XXErrors or InvocationModelErrors. "
        "Nobody is told. 45 of 10,200 requests are harmed."
    )
    assert gap.faults == ("errors-5xx",)


def test_a_4xx_burst_takes_an_alarm_on_model_errors() -> None:
    assert "no rollback alarm watches InvocationModelErrors or Invocation4XXErrors" in (
        gaps(target([LATENCY, ERRORS_5XX]))["errors-4xx"].text
    )
    assert "errors-4xx" not in gaps(target([MODEL_ERRORS]))


def test_a_level_that_is_too_high_is_not_reached() -> None:
    gap = gaps(target([alarm("a", "Invocation5XXErrors", 0.5)]))["errors-5xx"]
    assert "a did not reach the level while the update baked" in gap.text


def test_a_fault_that_shows_after_the_bakes_is_too_late_for_a_rollback() -> None:
    gap = gaps(target())["memory-leak"]
    assert gap.text.startswith(
        "A memory leak is caught too late: the first request is harmed 25 min after the last bake, when no alarm ends "
        "the update any more. errors-5xx tells people 3 min after the first harmed request, and nothing is rolled back."
    )


def test_an_alarm_that_is_too_slow_says_by_how_much() -> None:
    slow = alarm("slow", "Invocation5XXErrors", 0.01, Period=300, EvaluationPeriods=4)
    gap = gaps(target([slow]))["crash"]
    assert "slow goes off 3 min after the last bake" in gap.text


def test_people_are_told_by_operating_alarms() -> None:
    operating = alarm("for-people", "Invocation5XXErrors", 0.001, BOTH_FLEETS, Period=300)
    gap = gaps(target([LATENCY], [operating]))["errors-5xx"]
    assert gap.text.startswith("A 5XX burst is caught too late: no rollback alarm watches")
    assert "for-people tells people 7 min after the first harmed request" in gap.text


def test_the_strategys_own_word_for_a_pass_without_a_request() -> None:
    def words(config: Mapping[str, Any]) -> str:
        return gaps(target(config=config))["no-traffic"].text

    def blue_green(type: str, **more: object) -> dict[str, Any]:
        routing = {"Type": type, "WaitIntervalInSeconds": 300, **more}
        return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 300}}

    size = {"Type": "INSTANCE_COUNT", "Value": 1}
    rolling = {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 300}}
    assert words(CANARY).startswith("The canary passes without a single request when nobody calls")
    assert words(blue_green("LINEAR", LinearStepSize=size)).startswith("Every step passes without a single request")
    assert words(rolling).startswith("Every batch passes without a single request")
    assert words(blue_green("ALL_AT_ONCE")).startswith("The update passes without a single request")


def test_without_rollback_alarms_there_is_one_gap_for_all_faults() -> None:
    operating = alarm("for-people", "Invocation5XXErrors", 0.001, BOTH_FLEETS, Period=300)
    found = gaps(target((), [operating]))
    assert set(found) == {"no-rollback-alarms"}
    text = found["no-rollback-alarms"].text
    assert text.startswith(f"No alarm can roll an update of {ENDPOINT} back (its DeploymentConfig names no alarm")
    assert "People are told of: 5XX burst, crashes on some inputs, memory leak, nobody calls" in text
    assert "Caught by nothing: slow from the start, slower and slower, 4XX burst, slow cold start." in text


def test_without_guardrails_the_reason_is_the_services() -> None:
    text = gaps(target(exclusion="serverless endpoints"))["no-rollback-alarms"].text
    assert "serverless endpoints have no deployment guardrails" in text


def test_an_alarm_that_trips_on_healthy_traffic_ends_every_update() -> None:
    tight = alarm("tight", "Invocations", 20, statistic="Sum")
    gap = gaps(target([*GUARDS, tight]))["healthy"]
    assert gap.alarm == "tight"
    assert gap.text.startswith("tight trips on healthy traffic and ends every update: Threshold Crossed")
    assert "--requests" in gap.text


def test_an_operating_alarm_that_trips_on_healthy_traffic_calls_people_for_nothing() -> None:
    surge = alarm("surge", "Invocations", 100, BOTH_FLEETS, statistic="Sum")
    gap = gaps(target(operating=[surge]))["healthy"]
    assert "calls people for nothing" in gap.text


def test_missing_data_that_counts_as_bad_is_the_reason_before_the_first_request() -> None:
    found = gaps(target([alarm("a", "Invocation5XXErrors", 0.001, TreatMissingData="breaching")]))
    assert "the new fleet has no data before its first request" in found["healthy"].text
    assert "Write `TreatMissingData: notBreaching`" in found["healthy"].text


def test_what_always_goes_off_catches_nothing() -> None:
    tight = alarm("tight", "Invocations", 20, statistic="Sum")
    one = shown(target([LATENCY, tight]))
    assert one.aside == ("tight",)
    assert "errors-5xx" in [gap.code for gap in one.missed]
    assert all(found.ended_by for found in one.rehearsals if found.fault.calls)


def test_an_alarm_that_never_has_data_is_named_as_such() -> None:
    blind = alarm("blind", "Invocation5XXErrors", 0.01, {"EndpointName": ENDPOINT})
    text = gaps(target([LATENCY, blind]))["errors-5xx"].text
    assert "blind would watch it, but never has data" in text


def test_a_cure_that_is_rolled_back_is_shown_with_when() -> None:
    both = alarm("both", "Invocation5XXErrors", 0.01, BOTH_FLEETS)
    found = gaps(target([both]))
    assert "In the rehearsal the cure is rolled back, 10 min after the update began." in found["both-fleets"].text
    assert "cure-rolled-back" not in found


def test_an_update_that_cannot_end_in_time_is_said_once() -> None:
    policy = {"BlueGreenUpdatePolicy": {**CANARY["BlueGreenUpdatePolicy"], "MaximumExecutionTimeoutInSeconds": 1200}}
    gap = gaps(target(config=policy))["timeout"]
    assert "it takes 25 min, and MaximumExecutionTimeoutInSeconds ends it after 20 min" in gap.text
    assert "Write more than 1500." in gap.text


def test_of_two_variants_the_one_without_alarms_is_named() -> None:
    two = (Variant.of(VARIANT, 2, "ml.m5.large"), Variant.of("other", 2, "ml.m5.large"))
    one = shown(target(variants=two))
    texts = [gap.text for gap in one.missed if gap.code == "errors-5xx"]
    assert len(texts) == 1
    assert texts[0].startswith("A 5XX burst in other is caught by nothing: errors-5xx, model-errors did not reach")


def test_gaps_can_be_accepted_by_code() -> None:
    found = whole(target(), accepted=frozenset({"memory-leak"}))
    assert [gap.code for gap in found.gaps] == ["no-traffic"]


def test_remarks_are_no_gaps() -> None:
    own = alarm("own", "Conversions", 1, BOTH_FLEETS, namespace="Shop")
    found = whole(target([*GUARDS], [own]))
    assert [remark.code for remark in found.targets[0].remarks] == ["not-followed"]
    assert "not-followed" not in [gap.code for gap in found.gaps]


def test_the_healthy_run_is_always_there() -> None:
    (one,) = whole(target(), [fault for fault in matrix() if fault.name == "crash"]).targets
    assert [found.fault.name for found in one.rehearsals] == ["healthy", "crash"]


def test_a_fault_that_takes_a_gpu_is_skipped_without_one() -> None:
    assert shown(target()).skipped == ("GPU out of memory: no GPU",)
    assert shown(target(variants=(Variant.of(VARIANT, 4, "ml.g5.xlarge"),))).skipped == ()
