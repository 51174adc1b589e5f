"""Statistics of series, and metric math."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.rollout.expressions import Evaluation, ExpressionError, Value
from slipway.rollout.queries import Query, run
from slipway.rollout.series import (
    Points,
    Series,
    SeriesKey,
    UnsupportedStatisticError,
    Values,
    samples_needed,
    summarize,
)

GRID = (0, 60, 120)


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("Sum", 110.0),
        ("SampleCount", 10.0),
        ("Average", 11.0),
        ("Minimum", 1.0),
        ("Maximum", 65.0),
        ("p0", 1.0),
        ("p50", 5.0),
        ("p90", 9.0),
        ("p99.9", 65.0),
        ("p100", 65.0),
    ],
)
def test_statistics(statistic: str, expected: float) -> None:
    values = Values.of(dict.fromkeys([*range(1, 10), 65], 1))
    assert summarize([values], statistic) == expected


def test_a_percentile_is_over_all_periods_together() -> None:
    assert summarize([Values.of({1.0: 99}), Values.of({100.0: 1})], "p99") == 1.0
    assert summarize([Values.of({1.0: 98}), Values.of({100.0: 2})], "p99") == 100.0


def test_without_values_there_is_no_statistic() -> None:
    assert summarize([], "Average") is None
    assert summarize([Values()], "p99") is None


def test_a_statistic_set_has_no_percentiles() -> None:
    known = Values()
    known.add_set(10, 5, 1, 3)
    assert summarize([known], "Average") == 2
    assert summarize([known], "p50") is None


@pytest.mark.parametrize("statistic", ["p101", "tm90", "IQM", "", "average"])
def test_other_statistics_are_refused_also_without_values(statistic: str) -> None:
    for periods in ([], [Values.of({1.0: 1})]):
        with pytest.raises(UnsupportedStatisticError, match="is not supported"):
            summarize(periods, statistic)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=50), st.integers(1, 100))
def test_a_percentile_is_a_value_that_was_seen_and_covers_its_share(seen: list[float], percent: int) -> None:
    values = Values()
    for value in seen:
        values.add(value)
    found = summarize([values], f"p{percent}")
    assert found in seen
    assert sum(value <= found for value in seen) >= percent / 100 * len(seen) - 1e-6


def test_many_different_values_do_not_grow_without_end() -> None:
    values = Values()
    for number in range(100_000):
        values.add(1 + number / 100)
    assert len(values.values) < 4000
    assert summarize([values], "p50") == pytest.approx(501, rel=0.01)


@pytest.mark.parametrize(
    ("statistic", "needed"), [("p99", 1000), ("p95", 200), ("p50", 20), ("p10", 100), ("Average", 0), ("p100", 0)]
)
def test_how_many_samples_a_percentile_needs(statistic: str, needed: float) -> None:
    assert samples_needed(statistic) == pytest.approx(needed)


def test_only_whole_periods_are_within_a_span() -> None:
    series = Series({60 * at: Values.of({float(at): 1}) for at in range(10)})
    assert [values.total for values in series.within(90, 300)] == [2, 3, 4]
    assert series.within(61, 119) == []
    assert [values.total for values in series.within(-500, 60)] == [0]


# -- metric math


def result(expression: str, **values: Value) -> Value:
    return Evaluation(expression, values, values, GRID).result()


M1: Points = {0: 10.0, 60: 20.0, 120: 30.0}
M2: Points = {0: 2.0, 120: 0.0}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 + 1", {0: 11, 60: 21, 120: 31}),
        ("m1 * m2", {0: 20, 120: 0}),
        ("m1 / m2", {0: 5}),
        ("m1 ^ 2", {0: 100, 60: 400, 120: 900}),
        ("-m1", {0: -10, 60: -20, 120: -30}),
        ("m1 > 15", {0: 0, 60: 1, 120: 1}),
        ("m1 > 15 && m1 < 25", {0: 0, 60: 1, 120: 0}),
        ("m1 > 25 OR m1 < 15", {0: 1, 60: 0, 120: 1}),
        ("FILL(m2, 7)", {0: 2, 60: 7, 120: 0}),
        ("FILL(m2, REPEAT)", {0: 2, 60: 2, 120: 0}),
        ("IF(m1 > 15, m1)", {60: 20, 120: 30}),
        ("IF(m1 > 15, m1, 0)", {0: 0, 60: 20, 120: 30}),
        ("IF(m2 > 0, m1 / m2)", {0: 5}),
        ("SUM(METRICS())", {0: 12, 60: 20, 120: 30}),
        ("MAX([m1, m2])", {0: 10, 60: 20, 120: 30}),
        ("m1 - AVG(m1)", {0: -10, 60: 0, 120: 10}),
        ("CEIL(m1 / 3)", {0: 4, 60: 7, 120: 10}),
        ("m1 ^ 0.5 * 0 + 1", {0: 1, 60: 1, 120: 1}),
        ("(0 - m1) ^ 0.5", {}),
    ],
)
def test_expressions(expression: str, expected: Points) -> None:
    assert result(expression, m1=M1, m2=M2) == expected


def test_without_data_an_aggregate_is_nothing_and_so_is_what_uses_it() -> None:
    assert result("SUM(m1)", m1={}) is None
    assert result("m1 / SUM(m2)", m1=M1, m2={}) == {}
    assert result("1 / 0") is None


@pytest.mark.parametrize(
    "expression", ["m1 +", "SEARCH('x')", "m3 + 1", "FILL(m2, LINEAR)", "m1.real", "AVG(1)", "", "m1 if 1 else 2"]
)
def test_what_cannot_be_reckoned_is_said(expression: str) -> None:
    with pytest.raises(ExpressionError, match="Error in expression"):
        result(expression, m1=M1, m2=M2)


def test_a_large_power_takes_no_time() -> None:
    assert result("9 ^ 9 ^ 9 ^ 9") is None


def test_queries_may_use_each_other_in_any_order() -> None:
    key = SeriesKey.of("N", "m")
    queries = [
        Query("e2", 0, expression="e1 * 2"),
        Query("e1", 0, expression="m1 + 1"),
        Query("m1", 60, metric=key, statistic="Sum"),
        Query("e3", 0, expression="7"),
    ]
    found = run(queries, lambda query: M1 if query.id == "m1" else {}, GRID)
    assert found["e2"] == {0: 22, 60: 42, 120: 62}
    assert found["e3"] == dict.fromkeys(GRID, 7.0)


def test_expressions_in_a_circle_are_refused() -> None:
    queries = [Query("e1", 0, expression="e2"), Query("e2", 0, expression="e1")]
    with pytest.raises(ExpressionError, match="need each other"):
        run(queries, lambda _: {}, GRID)
