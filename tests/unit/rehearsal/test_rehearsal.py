"""Faults against a canary of prod's shape: which alarm, when, how many requests, rolled back or not."""

from __future__ import annotations

from dataclasses import replace
from time import process_time

import pytest

from slipway.rehearsal.baseline import Baseline
from slipway.rehearsal.faults import Strength, matrix
from slipway.rehearsal.rehearsal import Assumptions, Rehearsal, Verdict, rehearse
from slipway.rehearsal.target import Target, closure, without
from slipway.rollout.alarm import read
from slipway.rollout.fleets import Variant
from slipway.rollout.stages import Kind, Outcome
from tests.unit.rehearsal.endpoints import (
    BOTH_FLEETS,
    CANARY,
    ERRORS_5XX,
    GUARDS,
    LATENCY,
    ROLLING,
    VARIANT,
    alarm,
    target,
)

FAULTS = {fault.name: fault for fault in matrix()}
MINUTE = 60


def run(fault: str, of: Target | None = None, assumptions: Assumptions | None = None) -> Rehearsal:
    return rehearse(of or target(), FAULTS[fault], assumptions or Assumptions())


def test_healthy_traffic_goes_through_and_nothing_goes_off() -> None:
    found = run("healthy")
    assert found.verdict is Verdict.FINE
    assert found.trips == ()
    assert (found.harmed, found.unguarded, found.began) == (0, 0, None)
    assert found.rollout.duration == 25 * MINUTE
    # The update and the hour after it.
    assert found.watched_for == 85 * MINUTE
    assert found.requests == 85 * 120


def test_a_slow_model_is_rolled_back_from_the_canary() -> None:
    found = run("latency-step")
    assert found.verdict is Verdict.ROLLED_BACK
    assert found.ended_by is not None
    # Traffic from minute 10; two bad minutes; the second is seen a minute later.
    assert (found.ended_by.alarm, found.ended_by.at) == ("latency", 13 * MINUTE)
    assert (found.ended_by.stage.kind, found.ended_by.stage.traffic.new) == (Kind.BAKE, 0.25)
    assert "2 of the last 2 datapoints" in found.ended_by.reason
    assert (found.began, found.after) == (10 * MINUTE, 3 * MINUTE)


def test_only_the_canarys_requests_are_harmed_before_the_rollback() -> None:
    slow = Baseline().latency.slowed(10)
    found = run("latency-step")
    assert found.harmed == round(3 * 30 * slow)
    # All at once and without alarms: from minute 10 until the same end.
    assert found.unguarded == round(75 * 120 * slow)


def test_a_creeping_slowness_is_rolled_back_once_it_exceeds_the_level() -> None:
    found = run("latency-ramp")
    assert found.verdict is Verdict.ROLLED_BACK
    # p95 reaches 500 ms at 3.5 times the usual: in the fifth minute of traffic; that and the next are bad.
    usual = Baseline().latency.at(0.95)
    bad = [minute for minute in range(10, 25) if usual * (1 + 9 * (minute - 9.5) / 15) > 0.5]
    assert found.rollout.duration == (bad[0] + 3) * MINUTE


def test_a_5xx_burst_is_rolled_back() -> None:
    found = run("errors-5xx")
    assert found.ended_by is not None
    assert (found.ended_by.alarm, found.ended_by.at) == ("errors-5xx", 14 * MINUTE)
    assert (found.began, found.after, found.harmed) == (11 * MINUTE, 3 * MINUTE, 27)
    assert found.unguarded == 5 * 120 * 0.3


def test_a_4xx_burst_is_a_model_error() -> None:
    found = run("errors-4xx")
    assert found.ended_by is not None
    assert found.ended_by.alarm == "model-errors"


def test_a_crash_on_some_inputs_is_rolled_back_when_two_minutes_in_a_row_have_one() -> None:
    found = run("crash")
    assert found.verdict is Verdict.ROLLED_BACK
    assert found.ended_by is not None
    assert found.ended_by.alarm == "errors-5xx"
    assert 13 * MINUTE <= found.ended_by.at < 20 * MINUTE


def test_a_memory_leak_shows_after_the_update() -> None:
    found = run("memory-leak")
    assert found.rollout.outcome is Outcome.UPDATED
    assert found.began == 50 * MINUTE
    assert found.verdict is Verdict.TOLD
    assert found.told_by is not None
    assert (found.told_by.alarm, found.told_by.at) == ("errors-5xx", 53 * MINUTE)


def test_gpu_memory_that_runs_out_is_a_5xx() -> None:
    found = run("gpu-oom", target(variants=(Variant.of(VARIANT, 4, "ml.g5.xlarge"),)))
    assert found.verdict is Verdict.ROLLED_BACK
    assert found.ended_by is not None
    assert found.ended_by.alarm == "errors-5xx"


def test_a_slow_cold_start_takes_twice_as_long_to_provision() -> None:
    found = run("cold-start")
    assert found.intended.duration == 35 * MINUTE
    assert found.ended_by is not None
    assert (found.ended_by.alarm, found.ended_by.at) == ("latency", 23 * MINUTE)


def test_a_cold_start_can_exceed_the_maximum_time() -> None:
    policy = {"BlueGreenUpdatePolicy": {**CANARY["BlueGreenUpdatePolicy"], "MaximumExecutionTimeoutInSeconds": 1800}}
    found = run("cold-start", target((), config=policy))
    assert found.verdict is Verdict.TIMED_OUT
    assert found.rollout.duration == 1800


def test_when_nobody_calls_a_bad_model_passes_and_fails_everybody_afterwards() -> None:
    found = run("no-traffic")
    assert found.rollout.outcome is Outcome.UPDATED
    assert found.requests == found.harmed == 60 * 120
    assert found.began == 25 * MINUTE
    assert found.verdict is Verdict.TOLD


def test_an_alarm_that_wants_data_ends_an_update_that_nobody_calls() -> None:
    calls = alarm(
        "calls",
        "Invocations",
        1,
        statistic="Sum",
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
    )
    found = run("no-traffic", target((*GUARDS, calls)))
    assert found.verdict is Verdict.ROLLED_BACK
    assert found.harmed == 0


def test_a_sick_old_fleet_does_not_end_the_cure_when_alarms_see_the_new_fleet_only() -> None:
    found = run("old-sick")
    assert found.verdict is Verdict.FINE
    assert found.trips == ()
    # A careful strategy leaves the sick fleet in service for longer.
    assert found.harmed > found.unguarded


def test_a_sick_old_fleet_ends_the_cure_when_an_alarm_sees_both() -> None:
    both = alarm("both", "Invocation5XXErrors", 0.01, BOTH_FLEETS)
    found = run("old-sick", target((both,)))
    assert found.verdict is Verdict.FALSE_ALARM
    assert found.ended_by is not None
    # It is in ALARM before the update, and counts from the first bake on.
    assert found.ended_by.at == 10 * MINUTE
    assert found.harmed > run("old-sick").harmed


def test_without_rollback_alarms_people_are_told_or_nobody_notices() -> None:
    operating = alarm("operating", "Invocation5XXErrors", 0.001, BOTH_FLEETS, Period=300)
    told = run("errors-5xx", target((), (operating,)))
    assert told.verdict is Verdict.TOLD
    assert told.ended_by is None
    assert told.told_by is not None
    assert told.told_by.stage.kind is Kind.BAKE
    assert run("latency-step", target((), (operating,))).verdict is Verdict.UNNOTICED


def test_a_composite_alarm_ends_an_update_when_the_alarms_in_it_do() -> None:
    both = read("both", {"AlarmRule": 'ALARM("latency") AND ALARM("errors-5xx")'})
    of = target((both,), (LATENCY, ERRORS_5XX))
    assert run("latency-step", of).verdict is not Verdict.ROLLED_BACK
    worse = replace(FAULTS["errors-5xx"], course=lambda _: replace(FAULTS["latency-step"].course(0), errors_5xx=0.5))
    assert rehearse(of, worse).ended_by is not None


def test_a_rolling_update_is_rolled_back_from_its_first_batch() -> None:
    found = run("errors-5xx", target(config=ROLLING))
    assert found.verdict is Verdict.ROLLED_BACK
    assert found.ended_by is not None
    assert found.ended_by.stage.step == 1
    assert found.ended_by.stage.traffic.new == 0.5


def test_where_the_service_has_no_guardrails_alarms_end_nothing() -> None:
    found = run("errors-5xx", target(exclusion="Marketplace containers"))
    assert found.rollout.outcome is Outcome.UPDATED
    assert found.harmed == found.unguarded


def test_one_sick_variant_of_two_harms_its_share_only() -> None:
    two = target((), variants=(Variant.of("a", 2, "ml.m5.large", weight=3), Variant.of("b", 2, "ml.m5.large")))
    all_of_them = rehearse(two, FAULTS["errors-5xx"])
    one = rehearse(two, FAULTS["errors-5xx"], variant="b")
    assert one.unguarded == all_of_them.unguarded / 4
    assert one.title == "5XX burst (b)"


def test_more_traffic_is_more_harm_and_longer_watching_too() -> None:
    busy = Assumptions(Baseline(requests=1200))
    assert run("errors-5xx", None, busy).harmed == 10 * run("errors-5xx").harmed
    assert run("no-traffic", None, Assumptions(after=600)).harmed == 10 * 120


def test_data_that_is_seen_later_ends_the_update_later() -> None:
    late = run("latency-step", None, Assumptions(visible_after=180))
    assert late.rollout.duration == 15 * MINUTE


def test_milder_faults_harm_less() -> None:
    mild = {fault.name: fault for fault in matrix(Strength(slower=2, failing=0.1, some=0.001))}
    assert rehearse(target(), mild["errors-5xx"]).harmed == 9
    assert rehearse(target(), mild["latency-step"]).verdict is Verdict.UNNOTICED


@pytest.mark.parametrize(("key", "value"), [("slower", 1.0), ("failing", 0.0), ("failing", 1.5), ("some", -0.1)])
def test_a_strength_that_is_none_is_refused(key: str, value: float) -> None:
    with pytest.raises(ValueError, match="write more than"):
        Strength(**{key: value})


def test_the_same_rehearsal_twice_is_the_same() -> None:
    assert run("crash") == run("crash")


def test_an_unknown_alarm_ends_nothing() -> None:
    of = target((), names=("gone",))
    assert run("errors-5xx", of).rollout.outcome is Outcome.UPDATED


def test_the_alarms_that_a_composite_looks_at_come_with_it() -> None:
    both = read("both", {"AlarmRule": "ALARM(latency) OR ALARM(gone)"})
    assert {one.name for one in closure(["both"], [both, LATENCY, ERRORS_5XX])} == {"both", "latency"}


def test_alarms_can_be_left_aside() -> None:
    left = without(target(), {"latency"})
    assert left.rollback_names == ("errors-5xx", "model-errors")
    assert run("latency-step", left).rollout.outcome is Outcome.UPDATED


def test_the_whole_matrix_takes_less_than_two_seconds() -> None:
    of = target(operating=[alarm(f"operating-{number}", dimensions=BOTH_FLEETS, Period=300) for number in range(9)])
    start = process_time()
    for fault in matrix():
        rehearse(of, fault)
    assert process_time() - start < 2
