"""Events in words and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from slipway.ops.watch.events import Event, EventKind, Outcome
from slipway.ops.watch.snapshot import ALARM, AlarmSeen
from slipway.ops.watch.view import View, remaining


def event(kind: EventKind, at: datetime, text: str, /, **data: object) -> Event:
    """Something that was seen, with its data."""
    return Event(kind, at, text, data)


def warning(at: datetime, text: str) -> Event:
    """Something that people should know."""
    return Event("warning", at, text)


def finished(outcome: Outcome) -> Event:
    """The last event of a watch."""
    return event(
        "finished",
        outcome.at,
        outcome.why,
        outcome=str(outcome.kind),
        exit_code=outcome.exit_code,
        expected=outcome.expected,
        serves=outcome.serves,
        moved=outcome.moved,
        advice=list(outcome.advice),
        alarms=[{"alarm": trip.name, "at": trip.at, "reason": trip.reason} for trip in outcome.trips],
    )


def heartbeat(view: View) -> Event:
    """How it stands: the stage, the time, and what the fleets answered."""
    position = view.position
    left = remaining(position) if position is not None else ""
    text = f"{view.stage}{f', {left}' if left else ''}"
    said: dict[str, object] = {"stage": view.stage, "seconds_elapsed": view.elapsed}
    if position is not None:
        said |= {"stage_seconds_left": position.stage_left, "seconds_left": position.left}
    for fleet in view.fleets:
        found = fleet.requests
        said[fleet.side] = {"config": fleet.config.name, "instances": fleet.current, "desired": fleet.desired}
        if found is None:
            continue
        latency = f", p95 {found.latency * 1000:,.0f} ms" if found.latency is not None else ""
        text += f" · {fleet.side}: {found.requests:,.0f} requests, {found.errors}{latency}"
        said[fleet.side] = {
            "config": fleet.config.name,
            "instances": fleet.current,
            "desired": fleet.desired,
            "requests": round(found.requests),
            "errors_4xx": round(found.errors_4xx),
            "errors_5xx": round(found.errors_5xx),
            "model_errors": round(found.model_errors),
            "failures": round(found.failures),
            "p95_seconds": found.latency,
        }
    return event("metrics", view.at, text, **said)


def alarm_events(at: datetime, alarms: Sequence[AlarmSeen], known: dict[str, str]) -> Iterator[Event]:
    """What changed of alarms.

    Parameters
    ----------
    at
        Now.
    alarms
        As they are.
    known
        Their states at the last look, by name; they are brought up to date.

    Yields
    ------
    Event
        One for each that changed; of those that are seen for the first time only what does not bode well.
    """
    for alarm in alarms:
        before = known.get(alarm.name)
        known[alarm.name] = alarm.state
        why = f": {alarm.reason}" if alarm.state == ALARM and alarm.reason else ""
        if before == alarm.state:
            continue
        if before is None and alarm.state == "missing":
            yield warning(at, f"alarm {alarm.name} is to end a bad update, but does not exist")
            continue
        if before is None and alarm.state != ALARM:
            continue
        yield event(
            "alarm",
            at,
            f"alarm {alarm.name} is in ALARM already{why}" if before is None else _changed(alarm, before, why),
            alarm=alarm.name,
            state=alarm.state,
            before=before,
            reason=alarm.reason,
            since=alarm.since,
        )


def _changed(alarm: AlarmSeen, before: str, why: str) -> str:
    return f"alarm {alarm.name}: {before} → {alarm.state}{why}"
