"""What holds for every update, at every moment, however it ends."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from slipway.rollout.fleets import Update
from slipway.rollout.policy import BlueGreen
from slipway.rollout.rollback import roll_back
from slipway.rollout.simulation import MAXIMUM_TIME, roll_out
from slipway.rollout.stages import BAKES, Kind, Outcome, Rollout, Stage
from slipway.rollout.strategies import effective, intended

from .strategies_for_updates import updates


@st.composite
def rollouts(draw: st.DrawFn) -> Rollout:
    """Updates as intended, cut by their maximum time, or rolled back at some moment."""
    rollout = roll_out(draw(updates()))
    if rollout.outcome is Outcome.ROLLED_BACK or not rollout.duration or draw(st.booleans()):
        return rollout
    at = draw(st.floats(0, 1, exclude_max=True)) * rollout.duration
    assume(at < rollout.duration)
    return roll_back(rollout, at, "alarm latency")


def carried(stage: Stage) -> list[tuple[float, float]]:
    """For each fleet of each variant: its share of the traffic, and the share of its instances that can serve."""
    found = []
    for standing in stage.variants:
        for share, fleet, whole in (
            (1 - standing.shifted, standing.old, standing.variant.old.count),
            (standing.shifted, standing.new, standing.variant.new.count),
        ):
            found.append((share, fleet.ready / whole if whole else 1.0))
    return found


@given(rollouts())
def test_stages_are_contiguous_and_cover_the_whole_time(rollout: Rollout) -> None:
    edges = [0.0, *(stage.start for stage in rollout.stages[1:]), rollout.duration]
    assert edges[:-1] == [stage.start for stage in rollout.stages] or not rollout.stages
    assert all(before.end == after.start for before, after in pairwise(rollout.stages))
    assert all(stage.start <= stage.end for stage in rollout.stages)
    assert sum(stage.seconds for stage in rollout.stages) == pytest.approx(rollout.duration)


@given(rollouts(), st.floats(-10, 100_000))
def test_traffic_adds_up_to_one_at_any_time(rollout: Rollout, time: float) -> None:
    traffic = rollout.at(time).traffic
    assert traffic.old + traffic.new == pytest.approx(1.0)
    assert 0 <= traffic.new <= 1


@given(rollouts(), st.floats(0, 1))
def test_the_stage_at_a_time_holds_that_time(rollout: Rollout, part: float) -> None:
    stage = rollout.at(part * rollout.duration)
    assert stage.start <= part * rollout.duration < stage.end


@given(rollouts())
def test_no_fleet_ever_gets_more_traffic_than_its_instances_can_carry(rollout: Rollout) -> None:
    for stage in rollout.stages:
        for share, ready in carried(stage):
            assert share <= ready + 1e-9


@given(rollouts())
def test_capacity_never_drops_below_one_whole_fleet(rollout: Rollout) -> None:
    for stage in rollout.stages:
        for standing in stage.variants:
            old, new = standing.variant.old.count, standing.variant.new.count
            if old and new:
                assert standing.old.ready / old + standing.new.ready / new >= 1 - 1e-9


@given(updates())
def test_blue_green_keeps_the_whole_old_fleet_until_it_is_terminated(update: Update) -> None:
    rollout = intended(update)
    assume(isinstance(effective(update)[0].strategy, BlueGreen))
    whole = sum(variant.old.count for variant in update.variants)
    assert all(stage.ready("old") == whole for stage in rollout.stages if stage.kind is not Kind.TERMINATE)


@given(updates(), st.floats(0, 1, exclude_max=True))
def test_a_rollback_from_any_moment_ends_on_the_old_fleet(update: Update, part: float) -> None:
    rollout = intended(update)
    at = part * rollout.duration
    assume(at < rollout.duration)
    back = roll_back(rollout, at, "operator")
    after = back.at(back.duration)
    assert after.traffic == (1.0, 0.0)
    assert [standing.old.ready for standing in after.variants] == [variant.old.count for variant in update.variants]
    assert after.running("new") == 0
    if back.stages and back.stages[-1].rolling_back:
        last = back.stages[-1]
        assert last.traffic == (1.0, 0.0)
        assert last.ready("old") == sum(variant.old.count for variant in update.variants)
        assert last.ready("new") == 0


@given(updates(), st.floats(0, 1, exclude_max=True))
def test_a_rollback_changes_nothing_that_came_before_it(update: Update, part: float) -> None:
    rollout = intended(update)
    at = part * rollout.duration
    assume(at < rollout.duration)
    back = roll_back(rollout, at, "operator")
    assert back.ending is not None
    assert back.ending.at == at
    for time in (at * share / 7 for share in range(7)):
        assume(time < at)
        assert back.at(time).variants == rollout.at(time).variants
        assert back.at(time).kind == rollout.at(time).kind
    assert all(stage.rolling_back == (stage.start >= at and stage not in rollout.stages) for stage in back.stages)


@given(updates())
def test_traffic_only_moves_forward_until_a_rollback_and_only_back_in_one(update: Update) -> None:
    rollout = roll_out(update)
    for before, after in pairwise(rollout.stages):
        if after.rolling_back:
            assert after.traffic.new <= before.traffic.new + 1e-9
        else:
            assert after.traffic.new >= before.traffic.new - 1e-9


@given(updates())
def test_no_update_goes_forward_beyond_its_maximum_time(update: Update) -> None:
    rollout = roll_out(update)
    timeout = update.policy.strategy.timeout
    guarded = not any("no deployment guardrails" in said or "exclude" in said for said in rollout.assumptions)
    if timeout is None or not guarded:
        assert rollout.outcome is Outcome.UPDATED
    elif intended(update).duration > timeout:
        assert rollout.ending is not None
        assert (rollout.ending.at, rollout.ending.why) == (timeout, MAXIMUM_TIME)
        assert all(stage.end <= timeout or stage.rolling_back for stage in rollout.stages)
    else:
        assert rollout.outcome is Outcome.UPDATED


@given(rollouts())
def test_alarms_watch_bakes_only_and_only_when_there_are_any(rollout: Rollout) -> None:
    for stage in rollout.stages:
        assert not stage.watched or (stage.kind in BAKES and rollout.update.policy.alarms and not stage.rolling_back)


@given(rollouts())
def test_the_peak_is_reached_and_never_passed(rollout: Rollout) -> None:
    seen = [rollout.at(-1), *rollout.stages, rollout.at(rollout.duration)]
    for type, most in rollout.peak.items():
        assert max(stage.by_type.get(type, 0) for stage in seen) == most


@given(rollouts())
def test_instance_hours_are_the_area_under_the_instances(rollout: Rollout) -> None:
    area = math.fsum((stage.running("old") + stage.running("new")) * stage.seconds for stage in rollout.stages)
    assert sum(rollout.instance_hours.values()) == pytest.approx(area / 3600)


@given(updates())
def test_the_same_update_unfolds_the_same_way(update: Update) -> None:
    assert roll_out(update) == roll_out(update)
