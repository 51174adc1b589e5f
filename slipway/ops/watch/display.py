"""A watch on a terminal: what happened above, how it stands below, and the time that goes on between two looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Self, TextIO

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from slipway.ops.watch.showing import lines
from slipway.ops.watch.snapshot import ALARM, AlarmSeen
from slipway.ops.watch.view import Fleet, View, label, lasting, share
from slipway.rollout.stages import Kind, Rollout, Stage

if TYPE_CHECKING:
    from types import TracebackType

    from slipway.ops.watch.clock import WatchClock
    from slipway.ops.watch.events import Event

#: So that a side-by-side terminal has it on a line.
_WIDEST = 100
_BAR = 24
#: Stages in the row, and how many of them are over.
_SHOWN, _BEFORE = 6, 2
#: Times a second that the clock on the display moves on.
_REFRESH = 2
#: Colours that can be read on light and on dark; none carries a meaning that no word has.
_STATES = {"OK": "green", ALARM: "bold red", "INSUFFICIENT_DATA": "magenta", "missing": "bold red"}
_OUTCOMES = {"deployed": "bold green", "failed": "bold red", "rolled back": "bold red", "timed out": "bold magenta"}


class LiveDisplay:
    """Shows a watch on a terminal.

    Parameters
    ----------
    output
        The terminal.
    """

    def __init__(self, output: TextIO) -> None:
        console = Console(file=output, highlight=False)
        self._console = Console(file=output, highlight=False, width=min(console.width, _WIDEST))
        self._view: View | None = None
        self._clock: WatchClock | None = None
        self._live = Live(self, console=self._console, refresh_per_second=_REFRESH, transient=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state on the screen, and the terminal as it was."""
        if self._view is not None and kind is not None:
            self._live.transient = False
        self._live.stop()

    def event(self, event: Event) -> None:
        """Write what happened above the display; a heartbeat is in it anyway."""
        if event.kind == "metrics":
            return
        if event.kind == "finished":
            self._view = None
        first, *further = lines(event)
        style = {"warning": "magenta", "alarm": _STATES.get(str(event.data.get("state")), "")}.get(event.kind, "")
        style = _OUTCOMES.get(str(event.data.get("outcome")), style)
        self._console.print(Text(first, style=style))
        for line in further:
            self._console.print(Text(line))

    def view(self, view: View, clock: WatchClock) -> None:
        """Show how it stands."""
        self._view, self._clock = view, clock
        self._live.refresh()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it, with the time that has passed since the last look."""
        if self._view is not None:
            passed = 0.0
            if self._clock is not None:
                passed = max(0.0, (self._clock.now() - self._view.at).total_seconds())
            yield drawn(self._view, passed)


def drawn(view: View, passed: float = 0.0) -> RenderableType:
    """Draw how an update stands.

    Parameters
    ----------
    view
        As it was at the last look.
    passed
        Seconds of AWS's time since then.

    Returns
    -------
    RenderableType
        At most 100 columns wide.
    """
    return Group(*_parts(view, passed))


def _parts(view: View, passed: float) -> Iterator[RenderableType]:
    yield Text("")
    yield Text(view.headline, style="bold")
    if view.position is not None:
        yield _strip(view.position.stage, view.position.rollout)
    yield _now(view, passed)
    if len(view.fleets) > 1 or any(fleet.instances for fleet in view.fleets):
        yield Text("")
        yield _fleets(view.fleets)
    if view.alarms is None:
        yield Text("alarms cannot be seen", style="magenta")
    elif view.alarms:
        yield Text("")
        yield _alarms(view.alarms, f"{view.endpoint}-")
        for alarm in view.alarms:
            if alarm.state == ALARM and alarm.reason:
                yield Text(alarm.reason, style=_STATES[ALARM])


def _strip(now: Stage, rollout: Rollout) -> Text:
    """The stages around the one that runs: those that are over, and those to come. Those of no length are left out."""
    stages = [stage for stage in rollout.stages if stage.seconds or stage is now or stage.kind is Kind.TERMINATE]
    at = stages.index(now)
    first = max(0, min(at - _BEFORE, len(stages) - _SHOWN))
    shown = stages[first : first + _SHOWN]
    text = Text("… " if first else "", style="dim")
    for stage in shown:
        short = str(stage.kind) + (f" {stage.step}" if stage.steps > 1 and stage.kind is not Kind.FINAL_BAKE else "")
        style, sign = ("reverse", "▶ ") if stage is now else ("dim", "✓ ") if stage.end <= now.start else ("", "")
        text.append(f" {sign}{short} ", style=style)
        text.append("›" if stage is not shown[-1] else "", style="dim")
    text.append(" …" if first + _SHOWN < len(stages) else "", style="dim")
    return text


def _now(view: View, passed: float) -> Text:
    """What happens now, with a bar, and the time that is left."""
    text = Text(f"{view.at + timedelta(seconds=passed):%H:%M:%S} UTC  ", style="dim")
    position = view.position
    stage = "waiting" if view.stage == view.headline else view.stage
    text.append(label(position.stage, position.rollout) if position is not None else stage, style="bold")
    if position is None:
        text.append(f"  for {_exact(view.elapsed + passed)}")
        return text
    spent = position.spent + passed
    if position.seconds:
        full = min(_BAR, round(_BAR * spent / position.seconds))
        text.append(f"  {'━' * full}", style="green")
        text.append("─" * (_BAR - full), style="dim")
    left = max(0.0, position.seconds - spent)
    if position.baking:
        text.append(f"  {_exact(left)} left")
    elif position.late:
        text.append(f"  for {_exact(spent)}, longer than the {lasting(position.seconds)} assumed", style="magenta")
    total = left + position.rollout.duration - position.stage.end
    beyond = total - (left if position.baking else 0.0)
    text.append(f"  · all done in about {lasting(total)}" if beyond >= 1 else "")
    return text


def _fleets(fleets: tuple[Fleet, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("fleet")
    table.add_column("endpoint config", overflow="ellipsis", no_wrap=True, max_width=36)
    for head in ("traffic", "instances", "requests"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("errors", max_width=30)
    table.add_column("p95", justify="right", no_wrap=True)
    for fleet in fleets:
        found = fleet.requests
        bad = found is not None and found.errors != "no errors"
        table.add_row(
            fleet.side,
            escape(str(fleet.config)),
            share(fleet.share) if fleet.share is not None else "",
            fleet.instances,
            f"{found.requests:,.0f}" if found is not None else "",
            Text(found.errors if found is not None else "", style="bold red" if bad else ""),
            f"{found.latency * 1000:,.0f} ms" if found is not None and found.latency is not None else "",
        )
    return table


def _alarms(alarms: tuple[AlarmSeen, ...], prefix: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("rollback alarm", overflow="ellipsis", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("since", no_wrap=True)
    for alarm in alarms:
        table.add_row(
            escape(alarm.name.removeprefix(prefix)),
            Text(alarm.state, style=_STATES.get(alarm.state, "")),
            f"{alarm.since:%H:%M:%S}" if alarm.since is not None else "",
        )
    return table


def _exact(seconds: float) -> str:
    """A duration that goes down by the second: ``4:07``, ``1:00:00``."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
