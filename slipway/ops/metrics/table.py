"""Metrics as a table for people: a row for each, its figures in units that are read easily, and its course."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.ops.metrics.measures import Measure, number, readable
from slipway.ops.metrics.sparkline import sparkline

if TYPE_CHECKING:
    from slipway.ops.metrics.metrics import Figures, Section
    from slipway.ops.metrics.span import Span

_FIGURES = ("least", "average", "p50", "p99", "most", "last", "total")
#: In the place of the figures.
NO_DATA = "no data"


def table(section: Section, span: Span) -> tuple[list[str], list[list[str]]]:
    """Write the metrics of an endpoint, a variant or a component.

    Parameters
    ----------
    section
        Its metrics.
    span
        The time.

    Returns
    -------
    tuple
        The heads, without those that say nothing, and the cells of each row.
    """
    rows = [[one.metric.name, *_figures(one, section), _course(one, span)] for one in section.figures]
    heads = ["metric", *_FIGURES, "course"]
    # "no data" stands under the second head, which stays.
    kept = [at for at in range(len(heads)) if at < 2 or any(row[at] for row in rows)]
    return [heads[at] for at in kept], [[row[at] for at in kept] for row in rows]


def _figures(one: Figures, section: Section) -> list[str]:
    if not one.has_data:
        return [NO_DATA, *[""] * (len(_FIGURES) - 1)]
    values = [one.least, one.average, one.p50, one.p99, one.most, one.last]
    machine, measure = section.owner.machine, one.metric.measure
    total = "" if one.total is None else _total(one.total, measure)
    return ["" if value is None else readable(value, measure, machine) for value in values] + [total]


def _total(total: float, measure: Measure) -> str:
    """Count what is whole; a share of an instance's requests may not be."""
    return number(round(total, 1 if measure is Measure.REQUESTS else 0))


def _course(one: Figures, span: Span) -> str:
    return sparkline([one.trend.get(at) for at in span.starts])
