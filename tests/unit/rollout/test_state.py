"""One evaluation of an alarm.

The tables are the CloudWatch User Guide's ("Configuring how CloudWatch alarms treat missing data"): three evaluation
periods, an evaluation range of five datapoints, X breaching, 0 not, - missing, the newest last.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.rollout.state import Missing, Rule, State, evaluate

STATES: tuple[State, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")
TREATMENTS: tuple[Missing, ...] = ("missing", "ignore", "breaching", "notBreaching")
RETAIN = "retain"
SIGNS = {"0": 1.0, "X": 9.0, "-": None}


def state(pattern: str, missing: Missing, present: State = "OK", datapoints: int = 3, periods: int = 3) -> State:
    rule = Rule("GreaterThanThreshold", 5.0, periods, datapoints, missing)
    assert len(pattern) == rule.range
    return evaluate(rule, [SIGNS[sign] for sign in pattern], present).state


THREE_OF_THREE = [
    ("0-X-X", "OK", "OK", "OK", "OK"),
    ("0----", "OK", "OK", "OK", "OK"),
    ("-----", "INSUFFICIENT_DATA", RETAIN, "ALARM", "OK"),
    ("0XX-X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("--X--", "ALARM", RETAIN, "ALARM", "OK"),
]
TWO_OF_THREE = [
    ("0-X-X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("00X0X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0-X--", "OK", "OK", "ALARM", "OK"),
    ("----0", "OK", "OK", "ALARM", "OK"),
    ("---X-", "ALARM", RETAIN, "ALARM", "OK"),
]


@pytest.mark.parametrize("present", STATES)
@pytest.mark.parametrize(
    ("datapoints", "row"), [*((3, row) for row in THREE_OF_THREE), *((2, row) for row in TWO_OF_THREE)]
)
def test_the_guide_s_tables(datapoints: int, row: tuple[str, ...], present: State) -> None:
    pattern, *expected = row
    found = [state(pattern, missing, present, datapoints) for missing in TREATMENTS]
    assert found == [present if cell == RETAIN else cell for cell in expected]


@pytest.mark.parametrize("pattern", ["----X", "---X-"])
@pytest.mark.parametrize("present", STATES)
def test_a_single_young_breach_is_not_enough_when_three_are_needed(pattern: str, present: State) -> None:
    assert state(pattern, "missing", present) == present
    assert state(pattern, "ignore", present) == present


@pytest.mark.parametrize("pattern", ["---X0", "--X-0"])
def test_a_good_datapoint_after_a_single_breach_is_ok(pattern: str) -> None:
    assert state(pattern, "missing", "ALARM") == "OK"


def test_a_breach_that_has_left_the_range_counts_no_more() -> None:
    assert state("-----", "missing", "ALARM") == "INSUFFICIENT_DATA"


def test_the_extra_datapoints_do_not_count_while_none_is_missing() -> None:
    assert state("XX0X0", "missing", datapoints=2) == "OK"


@pytest.mark.parametrize(
    ("comparison", "values", "expected"),
    [
        ("GreaterThanThreshold", (5.0, 5.1), ("OK", "ALARM")),
        ("GreaterThanOrEqualToThreshold", (4.9, 5.0), ("OK", "ALARM")),
        ("LessThanThreshold", (5.0, 4.9), ("OK", "ALARM")),
        ("LessThanOrEqualToThreshold", (5.1, 5.0), ("OK", "ALARM")),
    ],
)
def test_comparisons(comparison: str, values: tuple[float, float], expected: tuple[State, State]) -> None:
    rule = Rule(comparison, 5.0, 1, 1)
    assert tuple(evaluate(rule, [None, None, value], "OK").state for value in values) == expected


def test_the_reason_names_the_datapoints_and_the_threshold() -> None:
    verdict = evaluate(Rule("GreaterThanThreshold", 1e6, 2, 2), [None, None, 2.5e6, 3e6], "OK")
    assert verdict.reason == (
        "Threshold Crossed: 2 of the last 2 datapoints [2.5e+06, 3e+06] were greater than the threshold (1e+06); "
        "2 of 2 are needed."
    )
    assert "No datapoints" in evaluate(Rule("GreaterThanThreshold", 1e6, 2, 2), [None] * 4, "OK").reason


# -- what must hold for all

ORDER: dict[State, int] = {"OK": 0, "INSUFFICIENT_DATA": 0, "ALARM": 1}


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, int, str]:
    periods = draw(st.integers(1, 6))
    pattern = "".join(draw(st.lists(st.sampled_from("0X-"), min_size=periods + 2, max_size=periods + 2)))
    return periods, draw(st.integers(1, periods)), pattern


@given(cases(), st.data(), st.sampled_from(STATES))
def test_one_more_breach_never_ends_an_alarm(case: tuple[int, int, str], data: st.DataObject, present: State) -> None:
    periods, datapoints, pattern = case
    at = data.draw(st.integers(0, len(pattern) - 1))
    worse = pattern[:at] + "X" + pattern[at + 1 :]
    for missing in ("notBreaching", "breaching") if pattern[at] == "0" else ("notBreaching",):
        before, after = (state(p, missing, present, datapoints, periods) for p in (pattern, worse))
        assert ORDER[after] >= ORDER[before]


@given(cases(), st.sampled_from(STATES))
def test_the_treatments_are_in_order_of_severity(case: tuple[int, int, str], present: State) -> None:
    periods, datapoints, pattern = case
    mild = state(pattern, "notBreaching", present, datapoints, periods)
    severe = state(pattern, "breaching", present, datapoints, periods)
    between = state(pattern, "missing", "OK", datapoints, periods)
    assert ORDER[mild] <= ORDER[between] <= ORDER[severe]


@given(cases(), st.sampled_from(STATES))
def test_the_treatment_does_not_matter_with_enough_datapoints(case: tuple[int, int, str], present: State) -> None:
    periods, datapoints, pattern = case
    if len(pattern.replace("-", "")) >= periods:
        assert len({state(pattern, missing, present, datapoints, periods) for missing in TREATMENTS}) == 1


@given(cases())
def test_not_breaching_forgets_the_state_before(case: tuple[int, int, str]) -> None:
    periods, datapoints, pattern = case
    assert len({state(pattern, "notBreaching", present, datapoints, periods) for present in STATES}) == 1
