"""Show a watch: plain lines for a log, JSON for programs; on a terminal ``slipway.ops.watch.display``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from types import TracebackType

    from slipway.ops.watch.clock import WatchClock
    from slipway.ops.watch.events import Event
    from slipway.ops.watch.following import Show
    from slipway.ops.watch.view import View

#: Of the JSON events; it grows when a key changes its meaning or goes.
SCHEMA = 1


def chosen(*, as_json: bool, output: TextIO | None = None) -> Show:
    """Choose how to show a watch.

    Parameters
    ----------
    as_json
        As JSON, whatever the output is.
    output
        Where; standard output by default.

    Returns
    -------
    Show
        A live display on a terminal, lines in a log.
    """
    output = output or sys.stdout
    if as_json:
        return JsonLines(output)
    if output.isatty():
        from slipway.ops.watch.display import LiveDisplay

        return LiveDisplay(output)
    return Lines(output)


class Lines:
    """One line for each event, with AWS's time.

    Parameters
    ----------
    output
        Where to write.
    """

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""

    def event(self, event: Event) -> None:
        """Write a line, and below the last one what to do next."""
        for line in lines(event):
            print(line, file=self._output, flush=True)

    def view(self, view: View, clock: WatchClock) -> None:
        """Nothing: what matters is an event as well."""


class JsonLines(Lines):
    """One JSON object a line for each event."""

    def event(self, event: Event) -> None:
        """Write it."""
        print(json.dumps(as_json(event), ensure_ascii=False), file=self._output, flush=True)


def lines(event: Event) -> list[str]:
    """An event as lines for people.

    Parameters
    ----------
    event
        Any.

    Returns
    -------
    list of str
        One, and for the last event one for each advice.
    """
    sign = "warning: " if event.kind == "warning" else ""
    advice = event.data.get("advice") if event.kind == "finished" else None
    further = [f"          {one}" for one in advice if one] if isinstance(advice, list) else []
    return [f"{event.at:%H:%M:%S}  {sign}{event.text}", *further]


def as_json(event: Event) -> dict[str, object]:
    """An event as plain data.

    Parameters
    ----------
    event
        Any.

    Returns
    -------
    dict
        ``schema``, ``event``, ``at`` and ``text``, and what the kind of event has.
    """
    data = {key: _plain(value) for key, value in event.data.items()}
    return {"schema": SCHEMA, "event": event.kind, "at": _plain(event.at), "text": event.text, **data}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value
