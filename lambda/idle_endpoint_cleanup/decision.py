"""What becomes of an endpoint: from its tags, its state and what is known of its traffic; no AWS call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from idle_endpoint_cleanup.settings import Settings
from idle_endpoint_cleanup.tags import MARK, carries, disposable, kept_by, marked_at
from idle_endpoint_cleanup.traffic import Traffic

#: The states in which an endpoint can be deleted and nobody is at work on it.
_AT_REST = ("InService", "Failed")


class Action(Enum):
    """What to do with an endpoint."""

    KEEP = "keep"  # it is in use, or it is not known that it is not
    REPORT = "report"  # idle, but not the cleanup's to remove
    MARK = "mark"  # idle: announce the removal
    WAIT = "wait"  # idle and announced: its owner has time to object
    DELETE = "delete"  # idle, announced, and nobody objected


@dataclass(frozen=True)
class Verdict:
    """What to do, and why: a word by which to count, and a sentence for people.

    With ``unmark``, an earlier announcement no longer holds.
    """

    action: Action
    reason: str
    detail: str
    unmark: bool = False


@dataclass(frozen=True)
class State:
    """An endpoint that was looked at closely: its traffic is that of every variant and component."""

    status: str
    changed: datetime
    traffic: Traffic


def at_a_glance(tags: Mapping[str, str], seen: Traffic, settings: Settings, now: datetime) -> Verdict | None:
    """Decide without describing the endpoint, where that is enough; never to mark or to delete it.

    Parameters
    ----------
    tags
        The endpoint's.
    seen
        Traffic of those of its series that were easy to find.
    settings, now
        How, and the time with its zone.

    Returns
    -------
    Verdict or None
        ``None``: it has to be looked at closely.
    """
    verdict = _kept_by_tags(tags, settings, now) or _kept_by_traffic(tags, seen, settings)
    announced = announced_at(tags, settings, now)
    if verdict is None and announced is not None and now < announced + settings.grace:
        return _wait(announced + settings.grace)
    return verdict


def decide(tags: Mapping[str, str], state: State, settings: Settings, now: datetime) -> Verdict:
    """Decide on an endpoint that was looked at closely.

    Parameters
    ----------
    tags, state
        The endpoint's.
    settings, now
        How, and the time with its zone.

    Returns
    -------
    Verdict
        What to do.
    """
    kept = _kept_by_tags(tags, settings, now)
    if kept is not None:
        return kept
    if state.status not in _AT_REST:
        return Verdict(Action.KEEP, "not at rest", f"its status is {state.status}")
    if now - state.changed < settings.window:
        detail = f"created or updated on {state.changed:%Y-%m-%d}, less than {_span(settings.window)} ago"
        return Verdict(Action.KEEP, "young", detail, unmark=MARK in tags)
    kept = _kept_by_traffic(tags, state.traffic, settings)
    if kept is not None:
        return kept
    idle = f"no traffic for {_span(settings.window)}"
    if not disposable(tags, settings.opt_in):
        return Verdict(Action.REPORT, "not disposable", f"{idle}, but its tags do not say that it may be deleted")
    announced = announced_at(tags, settings, now)
    if announced is None:
        return Verdict(Action.MARK, "idle", idle)
    if now < announced + settings.grace:
        return _wait(announced + settings.grace)
    return Verdict(Action.DELETE, "idle", f"{idle}; announced on {announced:%Y-%m-%d}")


def announced_at(tags: Mapping[str, str], settings: Settings, now: datetime) -> datetime | None:
    """Say when the removal of an endpoint was announced, if that still holds.

    An announcement from before the window is void: between the two there may have been traffic, and the owner is to
    hear of this idle time, not of an earlier one. So is one from the future.
    """
    marked = marked_at(tags)
    return marked if marked is not None and now - settings.window <= marked <= now else None


def _kept_by_tags(tags: Mapping[str, str], settings: Settings, now: datetime) -> Verdict | None:
    if not carries(tags, settings.opt_in):
        wanted = ", ".join(f"{key}={value}" for key, value in settings.opt_in.items())
        return Verdict(Action.KEEP, "not opted in", f"its tags do not say {wanted}")
    reason = kept_by(tags, now)
    return None if reason is None else Verdict(Action.KEEP, "opted out", reason, unmark=MARK in tags)


def _kept_by_traffic(tags: Mapping[str, str], traffic: Traffic, settings: Settings) -> Verdict | None:
    if traffic is Traffic.SOME:
        detail = f"traffic in the last {_span(settings.window)}"
        return Verdict(Action.KEEP, "traffic", detail, unmark=MARK in tags)
    if traffic is Traffic.UNKNOWN:
        return Verdict(Action.KEEP, "unknown", "CloudWatch did not answer in full; unknown is never idle")
    return None


def _wait(due: datetime) -> Verdict:
    return Verdict(Action.WAIT, "announced", f"goes after {due:%Y-%m-%d %H:%M} UTC, unless it is used or kept")


def _span(length: timedelta) -> str:
    hours = length // timedelta(hours=1)
    return f"{hours // 24} days" if hours % 24 == 0 else f"{hours} hours"
