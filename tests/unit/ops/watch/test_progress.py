"""Where an update stands: what was seen, found in the stages that were intended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from slipway.ops.live import Live, live_of
from slipway.ops.watch.progress import Position, Sighting, Track, sight
from slipway.rollout.fleets import Update, Variant
from slipway.rollout.policy import read
from slipway.rollout.stages import BAKES, Kind
from tests.unit.ops.answering import START
from tests.unit.ops.watch.watching import CANARY, described, updating, variant


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def live(found: dict[str, Any]) -> Live:
    return live_of(found)


def blue_green(routing: str, size: str = "", value: int = 1, wait: int = 300, final: int = 120) -> dict[str, Any]:
    sized = {size: {"Type": "INSTANCE_COUNT", "Value": value}} if size else {}
    traffic = {"Type": routing, "WaitIntervalInSeconds": wait, **sized}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic, "TerminationWaitInSeconds": final}}


LINEAR = blue_green("LINEAR", "LinearStepSize")
ROLLING = {
    "RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 300}
}


def track(policy: dict[str, Any], count: int = 3) -> Track:
    return Track(Update(read(policy), (Variant.of("primary", count),)), START)


def seen(second: float, *kinds: Kind, **told: Any) -> Sighting:
    return Sighting(later(second), kinds, **told)


def where(position: Position | None) -> tuple[str, int]:
    assert position is not None
    return str(position.stage.kind), position.stage.step


def test_a_status_and_its_message_are_read() -> None:
    words = "Baking for 600 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 instance(s)."
    found = sight(live(updating(variant(1, 3, "Baking", words, 310))), later(320))
    assert found.kinds == BAKES
    assert (found.capacity, found.seconds, found.ready, found.since) == (1, 600, 1, later(310))
    assert (found.rolling_back, found.message) == (False, words)


@pytest.mark.parametrize(
    ("old", "new", "share"),
    [((1.0, 1.0), (1.0, 1.0), None), ((0.75, 1.0), (0.25, 1.0), 0.25), ((0.0, 1.0), (1.0, 1.0), 1.0)],
    ids=["both whole", "split", "all"],
)
def test_weights_tell_a_share_only_where_they_add_up(
    old: tuple[float, float], new: tuple[float, float], share: float | None
) -> None:
    def weighing(weights: tuple[float, float]) -> dict[str, Any]:
        return {**variant(), "CurrentWeight": weights[0], "DesiredWeight": weights[1]}

    found = sight(live(updating(weighing(new), old=weighing(old))), START)
    assert found.share == share


@pytest.mark.parametrize(
    "found",
    [
        described("RollingBack", new=variant(1, 3, "Baking")),
        updating(variant(1, 3, "Deleting")),
        updating(variant(1, 3), old=variant(2, 3, "Creating")),
    ],
    ids=["the endpoint says so", "a new fleet goes", "an old fleet comes"],
)
def test_a_rollback_is_recognised(found: dict[str, Any]) -> None:
    assert sight(live(found), START).rolling_back


def test_an_old_fleet_that_goes_is_no_rollback() -> None:
    found = sight(live(updating(variant(3), old=variant(3, 3, "Deleting"))), START)
    assert (found.kinds, found.rolling_back) == ((Kind.TERMINATE,), False)


def test_stages_are_passed_in_their_order() -> None:
    canary = track(CANARY)
    assert where(canary.see(seen(5, Kind.PROVISION, since=START))) == ("provision", 0)
    assert where(canary.see(seen(600, Kind.SHIFT, since=later(600)))) == ("shift", 1)
    assert where(canary.see(seen(610, *BAKES, since=later(605)))) == ("bake", 1)
    assert where(canary.see(seen(1000, *BAKES, since=later(605)))) == ("bake", 1)
    assert where(canary.see(seen(1210, *BAKES, since=later(1206)))) == ("final bake", 0)
    assert where(canary.see(seen(1510, Kind.TERMINATE, since=later(1507)))) == ("terminate", 0)


def test_what_is_left_counts_from_when_a_stage_really_began() -> None:
    canary = track(CANARY)
    canary.see(seen(5, Kind.PROVISION, since=START))
    position = canary.see(seen(260, *BAKES, since=later(200)))
    assert position is not None
    assert (position.spent, position.stage_left, position.left) == (60, 540, 840)


def test_a_stage_without_a_time_began_when_it_was_first_seen() -> None:
    canary = track(CANARY)
    canary.see(seen(5, Kind.PROVISION))
    canary.see(seen(300, *BAKES))
    position = canary.see(seen(400, *BAKES))
    assert position is not None
    assert (position.since, position.stage_left) == (later(300), 500)


def test_a_bake_lasts_as_long_as_the_service_says() -> None:
    position = track(CANARY).see(seen(610, *BAKES, since=later(600), seconds=600, capacity=1))
    assert position is not None
    assert (where(position), position.stage_left) == (("bake", 1), 590)


@pytest.mark.parametrize(("capacity", "step"), [(1, 1), (2, 2)])
def test_one_who_comes_late_finds_the_step_by_its_capacity(capacity: int, step: int) -> None:
    # By the time alone it would be any: how long instances took is not known.
    assert where(track(LINEAR).see(seen(1500, *BAKES, capacity=capacity))) == ("bake", step)


def test_one_who_comes_late_finds_the_step_by_the_share_or_the_instances() -> None:
    assert where(track(LINEAR).see(seen(3000, *BAKES, share=1 / 3, ready=3))) == ("bake", 1)
    assert where(track(ROLLING).see(seen(700, *BAKES, ready=2))) == ("bake", 2)


def test_a_bake_that_follows_a_bake_is_told_by_its_beginning() -> None:
    linear = track(LINEAR)
    linear.see(seen(600, *BAKES, since=later(600)))
    assert where(linear.see(seen(910, *BAKES, since=later(905)))) == ("bake", 2)
    assert where(linear.see(seen(1210, *BAKES, since=later(1208)))) == ("final bake", 0)


def test_steps_that_nobody_saw_are_skipped() -> None:
    linear = track(LINEAR)
    linear.see(seen(5, Kind.PROVISION, since=START))
    assert where(linear.see(seen(1300, *BAKES, since=later(1205), capacity=3))) == ("final bake", 0)


def test_later_batches_are_expected_to_take_as_long_as_the_first_ones_did() -> None:
    rolling = track(ROLLING)
    first = rolling.see(seen(5, Kind.PROVISION, since=START))
    second = rolling.see(seen(125, *BAKES, since=later(120), ready=1))
    assert first is not None
    assert second is not None
    assert first.left == pytest.approx(3 * 600 + 3 * 300 - 5)
    assert second.left == pytest.approx(295 + 2 * (120 + 300))


def test_one_who_comes_late_to_a_stage_without_a_time_learns_no_pace() -> None:
    rolling = track(ROLLING)
    rolling.see(seen(5000, *BAKES, ready=1))
    assert rolling.rollout.update.pace.provision == 600


def test_without_any_status_the_time_tells() -> None:
    canary = track(CANARY)
    assert where(canary.see(seen(10))) == ("provision", 0)
    assert where(canary.see(seen(700))) == ("bake", 1)
    assert where(canary.see(seen(9000))) == ("bake", 1)


def test_instances_that_do_not_come_are_late() -> None:
    canary = track(CANARY)
    early, late = canary.see(seen(640, Kind.PROVISION)), canary.see(seen(700, Kind.PROVISION))
    assert early is not None
    assert late is not None
    assert (early.late, late.late) == (False, True)
    assert late.left == 900


def test_the_way_back_takes_traffic_off_the_new_fleet() -> None:
    canary = track(CANARY)
    canary.see(seen(600, *BAKES, since=later(600)))
    position = canary.see(seen(800, Kind.TERMINATE, rolling_back=True, since=later(790)))
    assert position is not None
    assert (position.stage.rolling_back, position.stage.traffic.new) == (True, 0.0)
    assert position.rollout.ending is not None
    assert position.rollout.ending.at == pytest.approx(800)


def test_the_way_back_of_a_rolling_update_brings_instances_back() -> None:
    rolling = track(ROLLING)
    for second, ready in ((600, 1), (1500, 2)):
        rolling.see(seen(second, *BAKES, since=later(second), ready=ready))
    position = rolling.see(seen(1600, Kind.PROVISION, rolling_back=True, since=later(1590)))
    assert position is not None
    assert where(position)[0] == "provision"
    assert position.stage.variants[0].old.starting == 1


def test_what_does_not_fit_leaves_it_where_it_was() -> None:
    all_at_once = track(blue_green("ALL_AT_ONCE", final=0))
    assert all_at_once.see(seen(10, *BAKES)) is None
    all_at_once.see(seen(20, Kind.PROVISION))
    assert where(all_at_once.see(seen(30, *BAKES))) == ("provision", 0)
