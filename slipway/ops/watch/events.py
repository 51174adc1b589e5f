"""What a watch says: events while something moves, and the outcome when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from slipway.ops.watch.snapshot import Trip

#: In the order in which they can first come; ``finished`` is the last one, once.
EventKind = Literal["started", "stage", "traffic", "alarm", "metrics", "warning", "finished"]


class Result(StrEnum):
    """How an update ended."""

    DEPLOYED = "deployed"
    """The endpoint serves what was expected."""
    FAILED = "failed"
    """It does not serve as it should, or is gone."""
    ROLLED_BACK = "rolled back"
    """It serves, but another config than the expected one."""
    TIMED_OUT = "timed out"
    """It is not over."""


_EXIT_CODES = {Result.DEPLOYED: 0, Result.FAILED: 1, Result.ROLLED_BACK: 3, Result.TIMED_OUT: 4}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was seen.

    Attributes
    ----------
    kind
        What sort of thing.
    at
        When, by AWS's clock.
    text
        In words, one line.
    data
        The same for programs.
    """

    kind: EventKind
    at: datetime
    text: str
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended.

    Attributes
    ----------
    kind
        Deployed, failed, rolled back or timed out.
    endpoint
        Full name of the endpoint, or of the inference component.
    expected, serves
        The config that was to serve, and the one that does; the specification's model for an inference component. Empty
        where there is none.
    why
        What happened, in a sentence.
    at
        When that was seen, by AWS's clock.
    advice
        What to do next, a sentence each.
    moved
        Whether an update was seen; false when nothing was under way.
    events
        All that was seen, in its order.
    trips
        The alarms that went off, when it was rolled back or failed.
    """

    kind: Result
    endpoint: str
    expected: str
    serves: str
    why: str
    at: datetime
    advice: tuple[str, ...] = ()
    moved: bool = False
    events: tuple[Event, ...] = ()
    trips: tuple[Trip, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 deployed, 1 failed, 3 rolled back, 4 timed out."""
        return _EXIT_CODES[self.kind]
