"""What ends an update early, and the way back."""

import pytest

from slipway.rollout.capacity import Size
from slipway.rollout.fleets import Pace, Update, Variant
from slipway.rollout.history import History, Transition
from slipway.rollout.policy import BlueGreen, Policy, Rolling
from slipway.rollout.rollback import roll_back
from slipway.rollout.simulation import roll_out
from slipway.rollout.stages import Kind, Outcome, Rollout
from slipway.rollout.strategies import intended

ONE = Size("INSTANCE_COUNT", 1)
CANARY = BlueGreen("CANARY", ONE, 600, 300)


def update(strategy: BlueGreen | Rolling, *alarms: str, count: int = 4, pace: Pace | None = None) -> Update:
    return Update(Policy(strategy, alarms), (Variant.of("primary", count, "ml.m5.large"),), pace or Pace(600))


def back(rollout: Rollout) -> list[tuple[str, float, float, float, str]]:
    """The stages of the rollback: kind, start and end in minutes, the new fleet's share, instances old + new."""
    return [
        (
            stage.kind.value,
            stage.start / 60,
            stage.end / 60,
            stage.traffic.new,
            f"{stage.running('old')}+{stage.running('new')}",
        )
        for stage in rollout.stages
        if stage.rolling_back
    ]


def alarm(*at: tuple[float, str]) -> History:
    return History("OK", tuple(Transition(time, state) for time, state in at))  # type: ignore[arg-type]


def test_blue_green_sends_all_traffic_back_at_once_and_terminates_the_new_fleet() -> None:
    rollout = roll_back(intended(update(CANARY, "latency")), 900, "alarm latency")
    assert back(rollout) == [("shift", 15, 15, 0, "4+4"), ("terminate", 15, 15, 0, "4+4")]
    assert rollout.outcome is Outcome.ROLLED_BACK
    assert rollout.duration == 900


def test_before_any_traffic_moved_the_new_fleet_just_goes() -> None:
    assert back(roll_back(intended(update(CANARY)), 60, "operator")) == [("terminate", 1, 1, 0, "4+4")]


def test_rolling_brings_all_old_instances_back_at_once_by_default() -> None:
    rollout = roll_back(intended(update(Rolling(ONE, 300), "latency")), 42 * 60, "alarm latency")
    assert rollout.stages[-4].kind is Kind.BAKE
    assert back(rollout) == [
        ("provision", 42, 52, 0.75, "4+3"),
        ("shift", 52, 52, 0, "4+3"),
        ("terminate", 52, 52, 0, "4+3"),
    ]


def test_rolling_goes_back_by_its_rollback_batch() -> None:
    rollout = roll_back(intended(update(Rolling(ONE, 300, ONE), "latency")), 40 * 60, "alarm latency")
    assert back(rollout) == [
        ("provision", 40, 50, 0.75, "3+3"),
        ("shift", 50, 50, 0.375, "3+3"),
        ("terminate", 50, 50, 0.375, "3+3"),
        ("provision", 50, 60, 0.375, "4+2"),
        ("shift", 60, 60, 0, "4+2"),
        ("terminate", 60, 60, 0, "4+2"),
    ]


def test_rolling_within_its_first_batch_only_sends_traffic_back() -> None:
    rollout = roll_back(intended(update(Rolling(ONE, 300, ONE))), 12 * 60, "operator")
    assert back(rollout) == [("shift", 12, 12, 0, "4+1"), ("terminate", 12, 12, 0, "4+1")]


def test_what_is_still_starting_is_given_up() -> None:
    rollout = roll_back(intended(update(Rolling(ONE, 300))), 20 * 60, "operator")
    assert back(rollout)[0] == ("provision", 20, 30, 0.25, "4+1")


def test_old_instances_that_are_going_have_to_be_provisioned_again() -> None:
    pace = Pace(600, 30, 120)
    intact = intended(update(BlueGreen(termination_wait=60), pace=pace))
    assert intact.stages[-1].kind is Kind.TERMINATE
    rollout = roll_back(intact, intact.duration - 1, "operator")
    assert [row[0] for row in back(rollout)] == ["provision", "shift", "terminate"]
    assert rollout.duration == intact.duration - 1 + 600 + 30 + 120


@pytest.mark.parametrize("at", [-1, 1500, 1e9])
def test_there_is_no_rollback_outside_the_update(at: float) -> None:
    with pytest.raises(ValueError, match="nothing can be rolled back: the update runs from 0 to 1500 s"):
        roll_back(intended(update(CANARY)), at, "operator")


def test_a_rollback_is_not_rolled_back() -> None:
    rollout = roll_back(intended(update(Rolling(ONE, 300))), 40 * 60, "operator")
    with pytest.raises(ValueError, match="being rolled back already"):
        roll_back(rollout, 45 * 60, "operator")


# -- what ends an update


def test_an_alarm_ends_the_update_while_it_bakes() -> None:
    rollout = roll_out(update(CANARY, "latency"), {"latency": alarm((700, "ALARM"))})
    assert rollout.outcome is Outcome.ROLLED_BACK
    assert rollout.ending is not None
    assert (rollout.ending.at, rollout.ending.why) == (700, "alarm latency")


def test_an_alarm_before_the_bake_ends_the_update_when_the_bake_begins() -> None:
    rollout = roll_out(update(CANARY, "latency"), {"latency": alarm((100, "ALARM"))})
    assert rollout.ending is not None
    assert rollout.ending.at == 600


def test_an_alarm_that_is_over_before_the_bake_ends_nothing() -> None:
    history = alarm((100, "ALARM"), (599, "OK"))
    assert roll_out(update(CANARY, "latency"), {"latency": history}).outcome is Outcome.UPDATED


def test_an_alarm_after_the_last_bake_comes_too_late() -> None:
    assert roll_out(update(CANARY, "latency"), {"latency": alarm((1500, "ALARM"))}).outcome is Outcome.UPDATED


def test_an_alarm_that_the_config_does_not_name_ends_nothing() -> None:
    assert roll_out(update(CANARY, "latency"), {"cpu": alarm((700, "ALARM"))}).outcome is Outcome.UPDATED


def test_between_batches_an_alarm_waits_for_the_next_bake() -> None:
    rollout = roll_out(update(Rolling(ONE, 300), "latency"), {"latency": alarm((1000, "ALARM"))})
    assert rollout.ending is not None
    assert rollout.ending.at == 1500


def test_the_first_of_several_alarms_counts() -> None:
    histories = {"latency": alarm((900, "ALARM")), "errors": alarm((800, "ALARM"))}
    rollout = roll_out(update(CANARY, "latency", "errors"), histories)
    assert rollout.ending is not None
    assert rollout.ending.why == "alarm errors"


def test_the_maximum_execution_time_ends_the_update_in_any_stage() -> None:
    slow = update(BlueGreen("CANARY", ONE, 600, 300, 1000), pace=Pace(1800))
    rollout = roll_out(slow)
    assert rollout.ending is not None
    assert (rollout.ending.at, rollout.ending.why) == (1000, "maximum execution time")
    assert rollout.stages[0].kind is Kind.PROVISION
    assert back(rollout) == [("terminate", 1000 / 60, 1000 / 60, 0, "4+4")]


def test_an_update_may_take_just_its_maximum_time() -> None:
    assert roll_out(update(BlueGreen("CANARY", ONE, 600, 300, 1500))).outcome is Outcome.UPDATED
    assert roll_out(update(BlueGreen("CANARY", ONE, 600, 300, 1499))).outcome is Outcome.ROLLED_BACK


def test_an_alarm_before_the_maximum_time_counts_first() -> None:
    rollout = roll_out(update(BlueGreen("CANARY", ONE, 600, 300, 1000), "latency"), {"latency": alarm((700, "ALARM"))})
    assert rollout.ending is not None
    assert rollout.ending.why == "alarm latency"


def test_without_guardrails_no_alarm_ends_anything() -> None:
    unguarded = Update(Policy(CANARY, ("latency",)), (Variant.of("v", 4, "ml.inf1.xlarge"),))
    assert roll_out(unguarded, {"latency": alarm((0, "ALARM"))}).outcome is Outcome.UPDATED
