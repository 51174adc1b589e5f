"""Queries for metric data, on the stored series."""

from collections.abc import Sequence

from slipway.local.metrics.series import SeriesStore, first_period
from slipway.rollout import queries
from slipway.rollout.queries import Query
from slipway.rollout.series import MINUTE, Points


def run(store: SeriesStore, wanted: Sequence[Query], start: float, end: float) -> dict[str, Points]:
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

    def points(query: Query) -> Points:
        return store.points(query.metric, start, end, query.period, query.statistic) if query.metric else {}

    period = max([query.period for query in wanted] + [MINUTE])
    return queries.run(wanted, points, range(first_period(start, end, period), int(end), period))
