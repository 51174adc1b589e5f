"""Queries for metric data: metrics first, then the expressions over them."""

from collections.abc import Sequence
from dataclasses import dataclass

from slipway.local.metrics.expressions import Evaluation, ExpressionError, Value, names
from slipway.local.metrics.series import MINUTE, Points, SeriesKey, SeriesStore


@dataclass(frozen=True)
class Query:
    """One query: a metric's statistic, or an expression over other queries.

    Attributes
    ----------
    period
        Seconds; 0 for an expression that takes the period of its metrics.
    returned
        Whether the result is wanted, or only used by expressions.
    """

    id: str
    period: int
    returned: bool = True
    label: str | None = None
    metric: SeriesKey | None = None
    statistic: str = ""
    expression: str = ""


def run(store: SeriesStore, queries: Sequence[Query], start: float, end: float) -> dict[str, Points]:
    """Return the points of every query by its id.

    Parameters
    ----------
    start, end
        Seconds since the epoch.

    Raises
    ------
    ExpressionError
        When an expression is wrong, or expressions need each other in a circle.
    UnsupportedStatisticError
        When a statistic is unknown.
    """
    values: dict[str, Value] = {
        query.id: store.points(query.metric, start, end, query.period, query.statistic)
        for query in queries
        if query.metric is not None
    }
    metrics = list(values)
    period = max([query.period for query in queries] + [MINUTE])
    grid = range(int(start // period) * period, int(end), period)
    ids = {query.id for query in queries}
    waiting = [query for query in queries if query.metric is None]
    while waiting:
        ready = [query for query in waiting if (names(query.expression) & ids) <= values.keys()]
        if not ready:
            circle = ", ".join(query.id for query in waiting)
            raise ExpressionError(f"The expressions {circle} need each other.")
        for query in ready:
            values[query.id] = Evaluation(query.expression, values, metrics, grid).result()
            waiting.remove(query)
    return {name: _as_points(value, grid) for name, value in values.items()}


def _as_points(value: Value, grid: Sequence[int]) -> Points:
    """Return a value as a series; a number stands at every period."""
    if isinstance(value, dict):
        return value
    if isinstance(value, (int, float)):
        return dict.fromkeys(grid, float(value))
    if value is None:
        return {}
    raise ExpressionError(f"An expression has to return one time series, not {value!r}.")
