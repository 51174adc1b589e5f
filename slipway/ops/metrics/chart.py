"""Metrics as a picture: a chart for each group of them, all over the same time.

matplotlib is imported here only, and only when something is drawn: it takes half a second, and few need it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.ops.metrics.measures import Measure, seconds_of, share_of
from slipway.ops.trouble import OperationError, WrongOperation

if TYPE_CHECKING:
    from datetime import datetime

    from matplotlib.axes import Axes

    from slipway.ops.metrics.key_metrics import Owner
    from slipway.ops.metrics.metrics import Figures, Found, Points
    from slipway.ops.metrics.span import Span

#: Okabe and Ito's colours, which people who see few colours can tell apart as well.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_PANEL_WIDTH, _PANEL_HEIGHT = 6.0, 2.7
#: Most columns of names above a chart, and letters beside each other.
_LEGEND_COLUMNS, _LEGEND_LETTERS = 3, 66
#: Durations of less than this are drawn in milliseconds.
_SECOND = 1.0


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes
    ----------
    label
        What it shows.
    points
        In the chart's unit.
    colour
        Which of the colours; lines of one metric share it.
    dashed
        Whether it is the p99 of a metric whose average is drawn, too.
    """

    label: str
    points: Points
    colour: int
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """A chart.

    Attributes
    ----------
    title
        What it shows.
    unit
        Of its axis; empty for plain numbers.
    lines
        Those with data; none where no metric has any.
    """

    title: str
    unit: str
    lines: tuple[Line, ...]


def check_drawable(path: Path) -> None:
    """See whether a picture can be drawn before anything is asked.

    Parameters
    ----------
    path
        Where it is to go.

    Raises
    ------
    WrongOperation
        When the library is not installed, or there is no such folder.
    """
    if find_spec("matplotlib") is None:
        raise WrongOperation("--png needs matplotlib, which is not installed: pip install 'slipway[charts]'")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise WrongOperation(f"--png {path}: write a file in a folder that exists, such as metrics.png")


def panels(found: Found) -> Iterator[Panel]:
    """Say which charts there are.

    Parameters
    ----------
    found
        The metrics.

    Yields
    ------
    Panel
        For each owner, one for each group of metrics that have a unit in common.
    """
    for section in found.sections:
        of = f", {section.owner}" if len(found.sections) > 1 else ""
        groups: dict[tuple[str, str], list[Figures]] = {}
        for one in section.figures:
            groups.setdefault((one.metric.group, _unit(one, section.owner)), []).append(one)
        for (group, unit), figures in groups.items():
            scale, said = _scale(unit, figures)
            lines = tuple(_lines(figures, section.owner, scale))
            tails = ": average, and p99 dashed" if any(line.dashed for line in lines) else ""
            yield Panel(f"{group}{of}{tails}", said, lines)


def _unit(one: Figures, owner: Owner) -> str:
    measure = one.metric.measure
    if measure.is_time:
        return "s"
    if share_of(0.0, measure, owner.machine) is not None:
        return "%"
    return {Measure.REQUESTS: "a minute", Measure.CORES: "cores", Measure.GPUS: "GPUs"}.get(measure, "")


def _scale(unit: str, figures: list[Figures]) -> tuple[float, str]:
    """By what to multiply what is drawn, and the unit that it has then."""
    if unit != "s":
        return 1.0, unit
    drawn = [
        seconds_of(value, one.metric.measure)
        for one in figures
        for points in (one.trend, one.percentiles.get("p99", {}))
        for value in points.values()
    ]
    return (1000.0, "ms") if max(drawn, default=0.0) < _SECOND else (1.0, "s")


def _lines(figures: list[Figures], owner: Owner, scale: float) -> Iterator[Line]:
    for colour, one in enumerate(figures):
        if not one.has_data:
            continue
        name, tail = one.metric.name, one.percentiles.get("p99", {})
        yield Line(name, _scaled(one.trend, one, owner, scale), colour)
        if tail:
            yield Line("p99", _scaled(tail, one, owner, scale), colour, dashed=True)


def _scaled(points: Points, one: Figures, owner: Owner, scale: float) -> Points:
    measure = one.metric.measure

    def value(raw: float) -> float:
        if measure.is_time:
            return seconds_of(raw, measure) * scale
        share = share_of(raw, measure, owner.machine)
        return share if share is not None else raw / 100 if measure in (Measure.CORES, Measure.GPUS) else raw

    return {at: value(raw) for at, raw in points.items()}


def draw(found: Found, path: Path) -> None:
    """Draw metrics into a PNG file.

    Parameters
    ----------
    found
        The metrics.
    path
        The file; one that is there is replaced.

    Raises
    ------
    OperationError
        When it cannot be written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    charts = list(panels(found))
    columns = 2 if len(charts) > 1 else 1
    rows = math.ceil(len(charts) / columns)
    size = (columns * _PANEL_WIDTH, rows * _PANEL_HEIGHT + 0.5)
    try:
        with rc_context({"date.converter": "concise"}):
            figure = Figure(figsize=size, dpi=120, layout="constrained")
            figure.suptitle(f"{found.endpoint}\n{found.span}", x=0.01, ha="left", fontsize=11)
            grid = figure.subplots(rows, columns, squeeze=False)
            for at, (axes, chart) in enumerate(zip(grid.flat, charts, strict=False)):
                first = at - at % columns
                names = max(_names_in(one) for one in charts[first : first + columns])
                _draw(axes, chart, found.span, names)
            for axes in grid.flat[len(charts) :]:
                axes.set_axis_off()
            figure.savefig(path, format="png")
    except OSError as error:
        raise OperationError(f"cannot write {path}: {error.strerror}") from error


def _names_in(chart: Panel) -> int:
    """How many lines of names a chart has above it."""
    return math.ceil(len(chart.lines) / _columns(chart)) if chart.lines else 1


def _columns(chart: Panel) -> int:
    """In how many columns its names stand: a p99 under its metric."""
    dashed = sum(line.dashed for line in chart.lines)
    longest = max((len(line.label) for line in chart.lines), default=1)
    return dashed or max(1, min(_LEGEND_COLUMNS, len(chart.lines), _LEGEND_LETTERS // longest))


def _draw(axes: Axes, chart: Panel, span: Span, names: int) -> None:
    starts = list(span.starts)
    axes.xaxis_date()
    for line in chart.lines:
        axes.plot(
            [_day(at) for at in starts],
            [line.points.get(at, math.nan) for at in starts],  # a gap is no line
            label=line.label,
            color=_COLOURS[line.colour % len(_COLOURS)],
            linestyle="--" if line.dashed else "-",
            # Lines that coincide are seen beneath each other, the first one on top.
            linewidth=1.0 if line.dashed else 1.3 + line.colour,
            zorder=4 - 0.1 * line.colour,
            marker=".",
            markersize=3 if line.dashed else 3.5 + line.colour,
        )
    title = f"{chart.title} ({chart.unit})" if chart.unit else chart.title
    axes.set_title(title, loc="left", fontsize=10, pad=6 + 13 * names)
    if chart.lines:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(-0.01, 0.99),
            ncols=_columns(chart),
            frameon=False,
            fontsize=8,
            borderaxespad=0.0,
            columnspacing=1.2,
            handlelength=1.6,
        )
    else:
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", va="center", color="#777777")
        axes.set_yticks([])
    top = _most(line.points for line in chart.lines)
    axes.set_ylim(0, top * 1.08 if top else 1)
    axes.set_xlim(_day(span.start), _day(span.end))
    axes.tick_params(labelsize=8)
    axes.xaxis.get_offset_text().set_fontsize(8)
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _day(at: datetime) -> float:
    """A time as matplotlib counts it: days since 1970."""
    return at.timestamp() / 86400


def _most(all_points: Iterator[Mapping[datetime, float]]) -> float:
    return max((value for points in all_points for value in points.values()), default=0.0)
