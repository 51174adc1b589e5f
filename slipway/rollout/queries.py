"""Queries for metric data: metrics first, then the expressions over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slipway.rollout.expressions import Evaluation, ExpressionError, Value, names
from slipway.rollout.series import Points, SeriesKey


@dataclass(frozen=True, slots=True)
class Query:
    """One query: a metric's statistic, or an expression over other queries.

    Attributes
    ----------
    id
        By which expressions name it.
    period
        Seconds; 0 for an expression that takes the period of its metrics.
    returned
        Whether the result is wanted, or only used by expressions.
    label
        How a graph names it.
    metric, statistic
        Of a metric's query.
    unit
        The only unit that it accepts; ``None`` for any.
    expression
        Of an expression's query.
    """

    id: str
    period: int
    returned: bool = True
    label: str | None = None
    metric: SeriesKey | None = None
    statistic: str = ""
    unit: str | None = None
    expression: str = ""


def run(queries: Sequence[Query], points: Callable[[Query], Points], grid: Sequence[int]) -> dict[str, Points]:
    """Run queries that may use each other.

    Parameters
    ----------
    queries
        In any order.
    points
        Returns the points of a metric's query, by the start of each period that has data.
    grid
        The starts of all periods asked for, in seconds.

    Returns
    -------
    dict
        The points of every query by its id.

    Raises
    ------
    ExpressionError
        When an expression is wrong, or expressions need each other in a circle.
    UnsupportedStatisticError
        When a statistic is unknown.
    """
    values: dict[str, Value] = {query.id: points(query) for query in queries if query.metric is not None}
    metrics = list(values)
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
    """A value as a series; a number stands at every period."""
    if isinstance(value, dict):
        return value
    if isinstance(value, (int, float)):
        return dict.fromkeys(grid, float(value))
    if value is None:
        return {}
    raise ExpressionError(f"An expression has to return one time series, not {value!r}.")
