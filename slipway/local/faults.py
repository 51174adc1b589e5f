"""What the local AWS is told to fail at: the calls that are to fail, how, and how often."""

import itertools
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from slipway.local.clock import CLOCK, Clock


class FaultKind(StrEnum):
    """How a call fails."""

    THROTTLE = "throttle"
    """Too many requests: the SDKs try again."""
    DENY = "deny"
    """No policy allows it."""
    EXPIRE = "expire"
    """The credentials are no longer valid."""
    DISCONNECT = "disconnect"
    """The connection is closed without an answer, and nothing was done."""


@dataclass
class Fault:
    """Calls that are to fail.

    Attributes
    ----------
    id
        By which it is cleared.
    kind
        How they fail.
    service, operation
        Which calls: of one service by its name in the SDKs, of one operation of it; None for any.
    left
        How many more; None for any number.
    until
        By the clock, in seconds since the epoch; None until it is cleared.
    """

    id: int
    kind: FaultKind
    service: str | None = None
    operation: str | None = None
    left: int | None = None
    until: float | None = None

    def hits(self, service: str, operation: str) -> bool:
        """Tell whether a call is one of these."""
        return self.service in (None, service) and self.operation in (None, operation)


class Faults:
    """All that there are, in the order in which they were given; the first one that hits a call decides.

    Parameters
    ----------
    clock
        By which they end.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all: list[Fault] = []
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        """Tell whether a call may fail; cheap, as each call asks."""
        return bool(self._all)

    def add(
        self,
        kind: FaultKind,
        service: str | None = None,
        operation: str | None = None,
        *,
        times: int | None = None,
        seconds: float | None = None,
    ) -> Fault:
        """Let calls fail from now on.

        Parameters
        ----------
        kind, service, operation
            As a fault has them.
        times
            How many calls, 1 or more.
        seconds
            For how long by the clock, more than none.

        Raises
        ------
        ValueError
            When a number is out of its range.
        """
        if times is not None and times < 1:
            raise ValueError(f"A fault hits 1 call or more, not {times}.")
        if seconds is not None and not seconds > 0:
            raise ValueError(f"A fault lasts longer than 0 s, not {seconds:g} s.")
        with self._lock:
            until = None if seconds is None else self._now() + seconds
            fault = Fault(next(self._ids), kind, service, operation, times, until)
            self._all.append(fault)
        return fault

    def take(self, service: str, operation: str) -> Fault | None:
        """Return the fault that hits a call, and count the call."""
        with self._lock:
            self._forget_past()
            fault = next((one for one in self._all if one.hits(service, operation)), None)
            if fault is not None and fault.left is not None:
                fault.left -= 1
                if not fault.left:
                    self._all.remove(fault)
            return fault

    def all(self) -> Iterable[Fault]:
        """Return those that may still hit something."""
        with self._lock:
            self._forget_past()
            return tuple(self._all)

    def clear(self, id: int | None = None) -> int:
        """Clear one, or all of them; return how many that were.

        Raises
        ------
        ValueError
            When there is none of this id.
        """
        with self._lock:
            self._forget_past()
            gone = [one for one in self._all if id in (None, one.id)]
            if id is not None and not gone:
                there = ", ".join(str(one.id) for one in self._all) or "none"
                raise ValueError(f"There is no fault {id}; there is {there}.")
            self._all = [one for one in self._all if one not in gone]
            return len(gone)

    def _forget_past(self) -> None:
        now = self._now()
        self._all = [one for one in self._all if one.until is None or now < one.until]

    def _now(self) -> float:
        return self._clock.time_ns() / 1e9


FAULTS = Faults(CLOCK)
