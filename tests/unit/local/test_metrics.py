"""Series, statistics, metric math."""

from typing import Any

import pytest

from slipway.local.metrics.queries import run
from slipway.local.metrics.series import RETENTION_MINUTES, SeriesStore
from slipway.rollout.expressions import ExpressionError
from slipway.rollout.queries import Query
from slipway.rollout.series import SeriesKey, UnsupportedStatisticError

NOW = 1_800_000_000.0  # a whole hour
KEY = SeriesKey.of("N", "m", [("A", "1")])


@pytest.fixture
def store() -> SeriesStore:
    return SeriesStore(clock=lambda: NOW)


def put(store: SeriesStore, *values: float, minute: int = 0, key: SeriesKey = KEY) -> None:
    for value in values:
        store.put(key, {value: 1.0}, at=NOW + 60 * minute)


def points(store: SeriesStore, statistic: str, period: int = 60) -> list[float]:
    return list(store.points(KEY, NOW, NOW + 3600, period, statistic).values())


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("Sum", 110.0),
        ("SampleCount", 10.0),
        ("Average", 11.0),
        ("Minimum", 1.0),
        ("Maximum", 65.0),
        ("p50", 5.0),
        ("p90", 9.0),
        ("p99.9", 65.0),
    ],
)
def test_statistics(store: SeriesStore, statistic: str, expected: float) -> None:
    put(store, *range(1, 10), 65)
    assert points(store, statistic) == [expected]


def test_the_order_of_dimensions_means_nothing_the_namespace_does(store: SeriesStore) -> None:
    put(store, 1, key=SeriesKey.of("N", "m", [("A", "1"), ("B", "2")]))
    put(store, 2, key=SeriesKey.of("N", "m", [("B", "2"), ("A", "1")]))
    put(store, 4, key=SeriesKey.of("Other", "m", [("B", "2"), ("A", "1")]))
    assert len(store.keys()) == 2
    found = store.points(store.keys("N")[0], NOW, NOW + 60, 60, "Sum")
    assert list(found.values()) == [3.0]


def test_periods_group_minutes_and_start_on_the_period(store: SeriesStore) -> None:
    for minute in range(10):
        put(store, 1, minute=minute)
    found = store.points(KEY, NOW + 130, NOW + 600, 300, "Sum")
    assert found == {int(NOW): 5.0, int(NOW) + 300: 5.0}


def test_a_period_as_long_as_the_whole_span_begins_with_it(store: SeriesStore) -> None:
    for minute in range(10):
        put(store, minute, minute=minute)
    assert store.points(KEY, NOW + 130, NOW + 600, 480, "Sum") == {int(NOW) + 120: 44.0}
    assert store.points(KEY, NOW + 130, NOW + 600, 3600, "p50") == {int(NOW) + 120: 5.0}


def test_a_statistic_set_counts_but_has_no_percentile(store: SeriesStore) -> None:
    store.put_set(KEY, (10.0, 4.0, 1.0, 5.0))
    assert points(store, "Average") == [2.5]
    assert points(store, "p50") == []


def test_an_unknown_statistic_is_named(store: SeriesStore) -> None:
    put(store, 1)
    with pytest.raises(UnsupportedStatisticError, match=r"value p101 .* percentile such as p99"):
        points(store, "p101")


def test_a_series_does_not_grow_without_bound(store: SeriesStore) -> None:
    for minute in range(RETENTION_MINUTES + 10):
        put(store, 1, minute=minute)
    found = store.points(KEY, NOW, NOW + 60 * (RETENTION_MINUTES + 10), 60, "Sum")
    assert len(found) == RETENTION_MINUTES
    assert min(found) == int(NOW) + 600
    other = SeriesKey.of("N", "many", [])
    for number in range(5000):
        store.put(other, {number + 0.123456: 1.0})
    stored = store._series[other].minutes[int(NOW)]
    assert len(stored.values) < 2000
    assert stored.count == 5000
    median = store.points(other, NOW, NOW + 60, 60, "p50")[int(NOW)]
    assert median == pytest.approx(2500, rel=0.01)


def test_metrics_are_found_by_any_of_their_parts(store: SeriesStore) -> None:
    put(store, 1, key=SeriesKey.of("N", "a", [("E", "1"), ("V", "x")]))
    put(store, 1, key=SeriesKey.of("N", "b", [("E", "2")]))
    put(store, 1, key=SeriesKey.of("M", "a", []))

    def found(*arguments: Any) -> int:
        return len(store.keys(*arguments))

    assert (found(), found("N"), found(None, "a"), found("N", "a")) == (3, 2, 2, 1)
    assert (found(None, None, [("E", None)]), found(None, None, [("E", "2")])) == (2, 1)


def math(store: SeriesStore, expression: str, **others: str) -> dict[int, float]:
    """Evaluate over m1 = 10, 20, -, 40 and m2 = 2, 0, 3, 4 (at one-minute periods)."""
    second = SeriesKey.of("N", "second", [])
    for minute, (first, other) in enumerate([(10, 2), (20, 0), (None, 3), (40, 4)]):
        if first is not None:
            put(store, first, minute=minute)
        put(store, other, minute=minute, key=second)
    queries = [
        Query("m1", 60, metric=KEY, statistic="Sum"),
        Query("m2", 60, metric=second, statistic="Sum"),
        *(Query(name, 0, expression=text) for name, text in others.items()),
        Query("e", 0, expression=expression),
    ]
    found = run(store, queries, NOW, NOW + 240)["e"]
    return {int((at - NOW) // 60): value for at, value in found.items()}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 + m2", {0: 12, 1: 20, 3: 44}),
        ("m1 / m2", {0: 5, 3: 10}),  # no point where it divides by zero
        ("-m1 * 2", {0: -20, 1: -40, 3: -80}),
        ("100 * (m1 - m2)", {0: 800, 1: 2000, 3: 3600}),
        ("FILL(m1, 0)", {0: 10, 1: 20, 2: 0, 3: 40}),
        ("FILL(m1, REPEAT)", {0: 10, 1: 20, 2: 20, 3: 40}),
        ("IF(m2 > 1, m2, 0)", {0: 2, 1: 0, 2: 3, 3: 4}),
        ("IF(m2 > 1, m2)", {0: 2, 2: 3, 3: 4}),
        ("IF(m2 > 1 && m1 < 40, 1, 0)", {0: 1, 1: 0, 3: 0}),
        ("m1 >= 20", {0: 0, 1: 1, 3: 1}),
        ("SUM(METRICS())", {0: 12, 1: 20, 2: 3, 3: 44}),
        ("MAX([m1, m2])", {0: 10, 1: 20, 2: 3, 3: 40}),
        ("AVG(m2)", {0: 2.25, 1: 2.25, 2: 2.25, 3: 2.25}),
        ("ABS(-m2)", {0: 2, 1: 0, 2: 3, 3: 4}),
    ],
)
def test_metric_math(store: SeriesStore, expression: str, expected: dict[int, float]) -> None:
    assert math(store, expression) == expected


def test_expressions_may_use_expressions(store: SeriesStore) -> None:
    assert math(store, "half * 4", half="m2 / 2") == {0: 4, 1: 0, 2: 6, 3: 8}


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("ANOMALY_DETECTION_BAND(m1)", "ANOMALY_DETECTION_BAND is not supported here"),
        ("m1 +", "Error in expression 'm1 \\+'"),
        ("other", "need each other"),
        ("METRICS()", "has to return one time series"),
        ("__import__('os').system('true')", "is not supported here"),
    ],
)
def test_what_an_expression_cannot_do_is_named(store: SeriesStore, expression: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        math(store, expression, other="e")
