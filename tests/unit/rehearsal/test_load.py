"""Who answers what: no request is lost or made up, and only the fault harms."""

from __future__ import annotations

import pytest

from slipway.rehearsal.baseline import Baseline
from slipway.rehearsal.faults import HEALTHY_RUN, Behaviour, Fault, matrix
from slipway.rehearsal.load import Minute, first_traffic, minutes
from slipway.rollout.fleets import Pace, Update, Variant
from slipway.rollout.policy import read
from slipway.rollout.rollback import roll_back
from slipway.rollout.stages import Rollout
from slipway.rollout.strategies import intended
from tests.unit.rehearsal.endpoints import CANARY, ROLLING

FAILING = Fault("failing", "", "", lambda _: Behaviour(errors_5xx=0.5))
OLD_FAILING = Fault("failing", "", "", lambda _: Behaviour(errors_5xx=0.5), side="old")
AGEING = Fault("ageing", "", "", lambda age: Behaviour(slower=1 + age / 60))


def rollout(config: object = CANARY, count: int = 4, pace: Pace | None = None) -> Rollout:
    return intended(Update(read(config), (Variant.of("primary", count, "ml.m5.large"),), pace or Pace()))


def follow(of: Rollout, fault: Fault = HEALTHY_RUN, *, requests: float = 120, start: int = -600) -> list[Minute]:
    return minutes(of, 0, Baseline(requests=requests, errors_4xx=0), fault, sick=True, start=start, end=3600)


@pytest.mark.parametrize("config", [CANARY, ROLLING, None])
@pytest.mark.parametrize("requests", [120, 7, 0.4, 1234.5])
def test_every_request_is_answered_once(config: object, requests: float) -> None:
    seen = follow(rollout(config), requests=requests)
    answered = sum(fleet.requests for minute in seen for fleet in minute.fleets)
    # Each fleet may hold back less than one.
    assert answered == pytest.approx(requests * len(seen), abs=2)


def test_the_canary_gets_its_share_of_every_minute() -> None:
    seen = {minute.start // 60: minute for minute in follow(rollout())}
    assert (seen[9].old.requests, seen[9].new.requests) == (120, 0)
    assert (seen[10].old.requests, seen[10].new.requests) == (90, 30)
    assert (seen[19].old.requests, seen[19].new.requests) == (90, 30)
    assert (seen[20].old.requests, seen[20].new.requests) == (0, 120)
    assert (seen[59].old.requests, seen[59].new.requests) == (0, 120)


def test_traffic_that_moves_within_a_minute_is_split_by_time() -> None:
    seen = {minute.start: minute for minute in follow(rollout(pace=Pace(provision=630)))}
    # Half of the minute from 600 s on a quarter of 120.
    assert (seen[600].old.requests, seen[600].new.requests) == (105, 15)


def test_few_requests_come_one_by_one_rather_than_in_parts() -> None:
    counts = [minute.old.requests for minute in follow(rollout(), requests=0.25)[:8]]
    assert counts == [0, 0, 0, 1, 0, 0, 0, 1]


def test_a_healthy_run_harms_nobody() -> None:
    assert sum(minute.harmed for minute in follow(rollout())) == 0


def test_a_fault_of_the_new_fleet_harms_its_requests_only() -> None:
    seen = follow(rollout(), FAILING)
    assert all(minute.harmed == minute.new.requests / 2 for minute in seen)
    assert sum(minute.new.errors_5xx for minute in seen) == sum(minute.new.requests for minute in seen) / 2
    assert sum(minute.old.errors_5xx for minute in seen) == 0


def test_a_fault_of_the_old_fleet_ends_with_it() -> None:
    seen = {minute.start // 60: minute for minute in follow(rollout(), OLD_FAILING)}
    assert seen[-5].harmed == 60
    assert seen[15].harmed == 45
    assert seen[21].harmed == 0


def test_another_variants_fault_is_not_this_ones() -> None:
    seen = minutes(rollout(), 0, Baseline(), FAILING, sick=False, start=0, end=3600)
    assert sum(minute.harmed for minute in seen) == 0


def test_after_a_rollback_the_old_fleet_answers_all() -> None:
    seen = {minute.start // 60: minute for minute in follow(roll_back(rollout(), 13 * 60, "test"), FAILING)}
    assert seen[12].new.requests == 30
    assert (seen[13].old.requests, seen[13].new.requests, seen[13].harmed) == (120, 0, 0)
    assert seen[13].new.mix == ()


def test_a_fault_goes_by_the_age_of_the_fleet() -> None:
    seen = {minute.start // 60: minute for minute in follow(rollout(), AGEING)}
    assert [part for part, _ in seen[20].new.mix] == [0.25, 0.75]
    # In the middle of the minute that begins ten minutes after the first request.
    assert [now.slower for _, now in seen[20].new.mix] == [11.5, 11.5]


def test_a_fault_of_each_instance_goes_by_its_own_age() -> None:
    each = Fault("each", "", "", AGEING.course, each_instance=True)
    seen = {minute.start // 60: minute for minute in follow(rollout(), each)}
    assert [(part, now.slower) for part, now in seen[20].new.mix] == [(0.25, 11.5), (0.75, 1.5)]


def test_healthy_failures_are_spread_and_counted() -> None:
    baseline = Baseline(requests=100, errors_4xx=0.005)
    seen = minutes(rollout(), 0, baseline, HEALTHY_RUN, sick=True, start=0, end=1200)
    assert sum(fleet.errors_4xx for minute in seen for fleet in minute.fleets) in (9, 10)
    assert max(fleet.errors_4xx for minute in seen for fleet in minute.fleets) == 1
    assert sum(minute.harmed for minute in seen) == 0


def test_no_fleet_fails_more_requests_than_it_gets() -> None:
    everything = Fault("all", "", "", lambda _: Behaviour(errors_4xx=1, errors_5xx=1))
    baseline = Baseline(requests=9, errors_4xx=0.5, errors_5xx=0.5)
    for minute in minutes(rollout(), 0, baseline, everything, sick=True, start=0, end=3600):
        assert minute.new.errors_4xx + minute.new.errors_5xx <= minute.new.requests
        assert 0 <= minute.harmed <= minute.new.requests + minute.old.requests


def test_instances_without_requests_are_idle_and_the_others_as_busy_as_usual() -> None:
    seen = {minute.start // 60: minute for minute in follow(rollout())}
    assert (seen[15].new.ready, seen[15].new.idle) == (4, 3)
    assert seen[15].new.load == pytest.approx(1)
    # The old fleet stays whole, and three quarters of the traffic keep three of its four busy.
    assert seen[5].new.ready == 0


def test_calls_that_come_back_come_back_at_that_time() -> None:
    seen = minutes(rollout(), 0, Baseline(), HEALTHY_RUN, sick=True, start=0, end=1800, calls_from=1500)
    assert next(minute.start for minute in seen if minute.old.requests + minute.new.requests) == 1500


def test_the_first_request_of_the_new_fleet_is_when_traffic_moves() -> None:
    assert first_traffic(rollout()) == 600
    assert first_traffic(rollout(None)) == 600


def test_the_fault_matrix_has_the_faults_that_are_promised() -> None:
    assert [fault.name for fault in matrix()] == [
        "healthy",
        "latency-step",
        "latency-ramp",
        "errors-5xx",
        "errors-4xx",
        "crash",
        "memory-leak",
        "gpu-oom",
        "cold-start",
        "no-traffic",
        "old-sick",
    ]
