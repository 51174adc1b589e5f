"""A rollout drawn as SVG: the traffic of both fleets above, their instances below, bakes and alarms marked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape

from slipway.plan import words
from slipway.plan.courses import Course
from slipway.plan.figures import clock
from slipway.rollout.stages import BAKES, Rollout, Stage

_WIDTH, _LEFT, _RIGHT = 760, 52, 12
_TOP, _HIGH, _GAP, _FOOT = 34, 110, 32, 20
_INNER = _WIDTH - _LEFT - _RIGHT
_HEIGHT = _TOP + 2 * _HIGH + _GAP + _FOOT
#: Distances between marks of the time axis, in minutes; and how many there may be.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480)
_MOST_MARKS = 12
#: A name of a band needs about this much room, in the drawing's units.
_ROOM = 44


def drawing(course: Course, rollout: Rollout) -> str:
    """Draw a rollout.

    Parameters
    ----------
    course
        What it belongs to.
    rollout
        At the counts that are to be drawn.

    Returns
    -------
    str
        An ``svg`` element without outside references, coloured by the page's classes; empty for a rollout that takes no
        time. Each stage that takes time is a ``rect`` of the class ``stage`` whose ``data-`` attributes are the stage.
    """
    stages = list(words.shown(rollout.stages))
    if not stages:
        return ""
    label = escape(f"{course.subject}: {words.course(course)}")
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" class="rollout" aria-label="{label}">',
        *_bands(stages, rollout.duration),
        *_panel(stages, rollout.duration, _TOP, "share of the traffic", _share, 1.0, ("0 %", "50 %", "100 %")),
        *_panel(
            stages,
            rollout.duration,
            _TOP + _HIGH + _GAP,
            f"{course.unit} that run",
            _running,
            _most(stages),
            _marks_of(_most(stages)),
        ),
        *_axis(rollout.duration),
        "</svg>",
    ]
    return "\n".join(parts)


def _share(stage: Stage) -> tuple[float, float]:
    return stage.traffic.old, stage.traffic.new


def _running(stage: Stage) -> tuple[float, float]:
    return stage.running("old"), stage.running("new")


def _most(stages: list[Stage]) -> float:
    return max(1.0, *(stage.running("old") + stage.running("new") for stage in stages))


def _marks_of(most: float) -> tuple[str, ...]:
    # Half an instance is none.
    return ("0", f"{most:g}") if most % 2 else ("0", f"{most / 2:g}", f"{most:g}")


def _x(seconds: float, duration: float) -> float:
    return round(_LEFT + _INNER * seconds / duration, 1)


def _bands(stages: list[Stage], duration: float) -> Iterator[str]:
    """A rectangle behind both panels for each stage; it carries the stage's data, and its name as a tip."""
    high = 2 * _HIGH + _GAP
    for stage in stages:
        left, right = _x(stage.start, duration), _x(stage.end, duration)
        kinds = ["stage", *(["bake"] if stage.kind in BAKES else []), *(["back"] if stage.rolling_back else [])]
        old, new = stage.running("old"), stage.running("new")
        said = f"{clock(stage.start)} to {clock(stage.end)}: {words.stage(stage)}; {words.traffic(stage)} new traffic; "
        yield (
            f'<rect class="{" ".join(kinds)}" x="{left}" y="{_TOP}" width="{round(right - left, 1)}" height="{high}" '
            f'data-kind="{stage.kind}" data-start="{round(stage.start / 60, 4)}" data-end="{round(stage.end / 60, 4)}" '
            f'data-new-traffic="{round(stage.traffic.new, 4)}" data-old-running="{old}" data-new-running="{new}" '
            f'data-watched="{str(stage.watched).lower()}"><title>{escape(said + words.fleets(stage))}</title></rect>'
        )
        middle = round((left + right) / 2, 1)
        if stage.kind in BAKES:
            if right - left >= _ROOM:
                yield f'<text class="band" x="{middle}" y="{_TOP - 6}">{stage.kind}</text>'
            if stage.watched:
                yield (
                    f'<g class="watch"><line x1="{left + 1}" x2="{right - 1}" y1="{_TOP - 22}" y2="{_TOP - 22}"/>'
                    f'<circle cx="{middle}" cy="{_TOP - 22}" r="4"/><title>alarms watch</title></g>'
                )


def _panel(
    stages: list[Stage],
    duration: float,
    top: int,
    title: str,
    of: Callable[[Stage], tuple[float, float]],
    most: float,
    marks: tuple[str, ...],
) -> Iterator[str]:
    """Two stepped areas, the old fleet's below the new one's."""
    bottom = top + _HIGH

    def y(value: float) -> float:
        return round(bottom - _HIGH * value / most, 1)

    for at, mark in enumerate(marks):
        height = round(bottom - _HIGH * at / (len(marks) - 1), 1)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{height}" y2="{height}"/>'
        yield f'<text class="mark end" x="{_LEFT - 6}" y="{height + 4}">{mark}</text>'
    for fleet, name in enumerate(("old", "new")):
        upper, lower = [], []
        for stage in stages:
            old, new = of(stage)
            low, high = (0.0, old) if fleet == 0 else (old, old + new)
            left, right = _x(stage.start, duration), _x(stage.end, duration)
            upper += [f"{left},{y(high)}", f"{right},{y(high)}"]
            lower += [f"{left},{y(low)}", f"{right},{y(low)}"]
        yield f'<polygon class="fleet {name}" points="{" ".join([*upper, *reversed(lower)])}"/>'
        place = _label(stages, of, fleet, duration, y)
        if place is not None:
            yield f'<text class="name {name}" x="{place[0]}" y="{place[1]}">{name} fleet</text>'
    yield f'<text class="title" x="{_LEFT}" y="{top - 6}">{escape(title)}</text>'


def _label(
    stages: list[Stage],
    of: Callable[[Stage], tuple[float, float]],
    fleet: int,
    duration: float,
    y: Callable[[float], float],
) -> tuple[float, float] | None:
    """The middle of the largest stage of a fleet's area, where its name has room."""

    def room(stage: Stage) -> float:
        return min(of(stage)[fleet], y(0) - y(of(stage)[fleet])) * stage.seconds

    best = max(stages, key=room)
    old, new = of(best)
    low, high = (0.0, old) if fleet == 0 else (old, old + new)
    wide = _x(best.end, duration) - _x(best.start, duration)
    if y(low) - y(high) < 14 or wide < _ROOM + 16:
        return None
    return round((_x(best.start, duration) + _x(best.end, duration)) / 2, 1), round((y(low) + y(high)) / 2 + 4, 1)


def _axis(duration: float) -> Iterator[str]:
    minutes = duration / 60
    step = next((step for step in _STEPS if minutes / step <= _MOST_MARKS), _STEPS[-1])
    foot = _TOP + 2 * _HIGH + _GAP
    for minute in range(0, int(minutes) + 1, step):
        x = _x(minute * 60, duration)
        yield f'<line class="tick" x1="{x}" x2="{x}" y1="{foot}" y2="{foot + 4}"/>'
        anchor = "mark end" if minute and minute + step > minutes else "mark"
        yield f'<text class="{anchor}" x="{x}" y="{foot + 16}">{clock(minute * 60)}</text>'
