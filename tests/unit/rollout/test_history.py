"""Alarms over time."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.rollout.alarm import CompositeAlarm, MetricAlarm
from slipway.rollout.composite import parse
from slipway.rollout.history import History, Transition, evaluate_at, metric_history, watch
from slipway.rollout.queries import Query
from slipway.rollout.series import Series, SeriesKey, Values
from slipway.rollout.state import Missing, Rule, State

KEY = SeriesKey.of("AWS/SageMaker", "ModelLatency", [("EndpointName", "e")])
CALLS = SeriesKey.of("AWS/SageMaker", "Invocations", [("EndpointName", "e")])


def minutes(pattern: str, **more: object) -> Series:
    """A series, one sign a minute from 0 on: X far above, 0 far below, - nothing."""
    value = {"X": 900.0, "0": 1.0}
    found = {60 * at: Values.of({value[sign]: 100}) for at, sign in enumerate(pattern) if sign in value}
    return Series(found, **more)  # type: ignore[arg-type]


def alarm(
    periods: int = 2,
    datapoints: int | None = None,
    *,
    period: int = 60,
    missing: Missing = "notBreaching",
    statistic: str = "p95",
    **more: bool,
) -> MetricAlarm:
    rule = Rule("GreaterThanThreshold", 100.0, periods, datapoints or periods, missing)
    return MetricAlarm("latency", rule, period, (Query("m", period, metric=KEY, statistic=statistic),), **more)


def transitions(
    one: MetricAlarm, series: Series, end: float = 1200, *, delay: float = 60, present: State = "OK"
) -> list[tuple[float, str]]:
    history = metric_history(one, {KEY: series}, 0, end, present=present, delay=delay)
    return [(transition.time, transition.state) for transition in history.transitions]


def test_an_alarm_trips_when_its_last_bad_datapoint_is_seen_and_ends_likewise() -> None:
    # Bad from minute 5 to 8. Its second datapoint ends at 7 and is seen at 8.
    assert transitions(alarm(), minutes("00000XXXX00000")) == [(480, "ALARM"), (660, "OK")]


def test_the_delay_moves_it() -> None:
    series = minutes("00000XXXX00000")
    assert transitions(alarm(), series, delay=0) == [(420, "ALARM"), (600, "OK")]
    assert transitions(alarm(), series, delay=150) == [(600, "ALARM"), (780, "OK")]


def test_a_new_alarm_has_no_state_until_it_is_evaluated() -> None:
    history = metric_history(alarm(), {}, 30, 300)
    assert history.initial == "INSUFFICIENT_DATA"
    assert [(t.time, t.state) for t in history.transitions] == [(60, "OK")]


def test_an_alarm_without_a_metric_stays_without_data() -> None:
    assert metric_history(alarm(missing="missing"), {}, 0, 600).transitions == ()


def test_a_state_is_kept_while_missing_data_is_ignored() -> None:
    assert transitions(alarm(missing="ignore"), minutes("XX------"), present="OK") == [(180, "ALARM")]
    assert transitions(alarm(missing="notBreaching"), minutes("XX------"))[-1] == (360, "OK")


def test_a_bad_fleet_s_alarm_forgets_it_only_when_the_range_has_passed() -> None:
    # EvaluationPeriods and two more datapoints: while they hold the old breaches, these are evaluated again.
    assert transitions(alarm(), minutes("00XX"), present="OK") == [(300, "ALARM"), (480, "OK")]


def test_two_of_three() -> None:
    assert transitions(alarm(3, 2), minutes("000X0X000000"))[0] == (420, "ALARM")


def test_a_long_period_slides_by_the_minute() -> None:
    # Bad from minute 7. A sum over five minutes is above the level once one bad minute is in it.
    one = alarm(1, period=300, statistic="Maximum")
    assert transitions(one, minutes("0000000XXXXXXXX"))[0] == (540, "ALARM")


def test_a_wall_clock_window_waits_for_the_end_of_the_period() -> None:
    one = alarm(1, period=300, statistic="Maximum", wall_clock=True)
    assert transitions(one, minutes("0000000XXXXXXXX"))[0] == (660, "ALARM")


def test_a_high_resolution_alarm_has_gaps_on_a_metric_that_comes_by_the_minute() -> None:
    assert transitions(alarm(period=10, missing="missing"), minutes("XXXXXXXX")) == [(0, "INSUFFICIENT_DATA")]


def test_a_high_resolution_alarm_is_evaluated_every_ten_seconds() -> None:
    series = Series({at: Values.of({900.0 if at >= 200 else 1.0: 5}) for at in range(0, 400, 10)}, resolution=10)
    assert transitions(alarm(period=10), series, 380, delay=10) == [(230, "ALARM")]


@pytest.mark.parametrize(("period", "periods", "every"), [(10, 3, 10), (60, 2, 60), (300, 288, 60), (3600, 48, 3600)])
def test_how_often_alarms_are_evaluated(period: int, periods: int, every: int) -> None:
    assert alarm(periods, period=period).every == every


def test_few_samples_leave_the_state_when_the_alarm_says_so() -> None:
    few = Series({60 * at: Values.of({900.0: 3}) for at in range(10)})
    assert transitions(alarm(), few)[0] == (180, "ALARM")
    assert transitions(alarm(ignores_low_samples=True), few) == []
    many = Series({60 * at: Values.of({900.0: 100}) for at in range(10)})
    assert transitions(alarm(ignores_low_samples=True), many, 600)[0] == (180, "ALARM")


def test_another_unit_has_no_data() -> None:
    query = Query("m", 60, metric=KEY, statistic="Average", unit="Seconds")
    one = MetricAlarm("latency", Rule("GreaterThanThreshold", 100.0, 1, 1), 60, (query,))
    data = {KEY: minutes("XXXX", unit="Microseconds")}
    assert metric_history(one, data, 0, 300).transitions == ()
    assert metric_history(one, {KEY: minutes("XXXX", unit="Seconds")}, 0, 300).transitions


def test_metric_math() -> None:
    queries = (
        Query("bad", 60, returned=False, metric=KEY, statistic="Sum"),
        Query("all", 60, returned=False, metric=CALLS, statistic="Sum"),
        Query("rate", 0, expression="IF(all > 0, 100 * FILL(bad, 0) / all)"),
    )
    one = MetricAlarm("rate", Rule("GreaterThanThreshold", 10.0, 2, 2, "notBreaching"), 60, queries)
    calls = Series({60 * at: Values.of({1.0: 50}) for at in range(10)})
    bad = Series({60 * at: Values.of({1.0: 10}) for at in range(4, 8)})
    history = metric_history(one, {KEY: bad, CALLS: calls}, 0, 900)
    assert [(t.time, t.state) for t in history.transitions] == [(0, "OK"), (420, "ALARM"), (600, "OK")]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (alarm(), [420, 480, 540, 600]),
        (alarm(period=300), [-540, -240, 60, 360]),
        (alarm(period=300, wall_clock=True), [-600, -300, 0, 300]),
        (alarm(period=10), [670, 680, 690, 700]),
    ],
)
def test_the_newest_period_ends_with_what_can_be_seen(one: MetricAlarm, expected: list[int]) -> None:
    assert list(one.grid(719)) == expected


def test_one_evaluation_is_that_of_the_history() -> None:
    data = {KEY: minutes("00000XXXX00000")}
    verdict = evaluate_at(alarm(), data, 495, "OK")
    assert verdict is not None
    assert verdict.state == "ALARM"
    assert "2 of the last 2 datapoints [900, 900] were greater than" in verdict.reason
    few = {KEY: Series({60 * at: Values.of({900.0: 3}) for at in range(10)})}
    assert evaluate_at(alarm(ignores_low_samples=True), few, 495, "OK") is None


# -- histories


def test_a_transition_counts_from_its_time_on() -> None:
    history = History("OK", (Transition(10, "ALARM"), Transition(20, "OK")))
    assert [history.at(time) for time in (-5, 9.9, 10, 19.9, 20, 99)] == ["OK", "OK", "ALARM", "ALARM", "OK", "OK"]


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, 10, None), (0, 11, 10), (12, 15, 12), (20, 99, None), (10, 10, None)]
)
def test_the_first_moment_in_alarm(start: float, end: float, expected: float | None) -> None:
    history = History("OK", (Transition(10, "ALARM"), Transition(20, "OK")))
    assert history.first_alarm(start, end) == expected


# -- composite alarms


def both(rule: str, name: str = "both") -> CompositeAlarm:
    return CompositeAlarm(name, parse(rule))


def test_a_composite_alarm_follows_its_children() -> None:
    found = watch([both("ALARM(latency) AND NOT ALARM(quiet)"), alarm()], {KEY: minutes("00000XXXX00000")}, 0, 900)
    assert [(t.time, t.state) for t in found["both"].transitions] == [(480, "ALARM"), (660, "OK")]
    assert list(found) == ["both", "latency"]


def test_composite_alarms_may_be_nested_in_any_order() -> None:
    data = {KEY: minutes("00000XXXX00000")}
    found = watch([both("ALARM(inner)", "outer"), both("ALARM(latency)", "inner"), alarm()], data, 0, 900)
    assert found["outer"].first_alarm(0, 900) == 480


def test_a_child_that_is_elsewhere_has_the_state_that_was_given() -> None:
    assert watch([both("OK(other)")], {}, 0, 60, states={"other": "OK"})["both"].at(0) == "ALARM"
    assert watch([both("OK(other)")], {}, 0, 60)["both"].at(0) == "OK"


def test_alarms_that_look_at_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="a, b look at each other in a circle"):
        watch([both("ALARM(b)", "a"), both("ALARM(a)", "b")], {}, 0, 60)


# -- what must hold for all

PATTERNS = st.text("0X-", min_size=1, max_size=30)
ALARMS = st.builds(
    alarm,
    st.integers(2, 4),
    st.integers(1, 2),
    period=st.sampled_from([60, 120, 300]),
    missing=st.sampled_from(["missing", "ignore", "breaching", "notBreaching"]),
)


@given(ALARMS, PATTERNS)
def test_each_transition_changes_the_state_and_time_moves_on(one: MetricAlarm, pattern: str) -> None:
    found = transitions(one, minutes(pattern), 3000)
    assert [time for time, _ in found] == sorted({time for time, _ in found})
    states = ["OK", *(state for _, state in found)]
    assert all(before != after for before, after in pairwise(states))


@given(PATTERNS.filter(lambda pattern: "X" not in pattern), ALARMS)
def test_good_data_never_trips_an_alarm_unless_its_absence_is_bad(pattern: str, one: MetricAlarm) -> None:
    if one.rule.missing != "breaching":
        assert all(state != "ALARM" for _, state in transitions(one, minutes(pattern), 3000))


@given(ALARMS, PATTERNS, st.integers(0, 10))
def test_the_same_data_later_trips_the_alarm_later_by_as_much(one: MetricAlarm, pattern: str, later: int) -> None:
    if one.rule.missing == "notBreaching":
        now = transitions(one, minutes(pattern), 6000)
        then = transitions(one, minutes("-" * later + pattern), 6000)
        assert [(time + 60 * later, state) for time, state in now] == then
