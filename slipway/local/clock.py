"""The clock of the local AWS, which a test moves or speeds up: what is stored, measured and run here has its time."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

SPEEDS = (1.0, 3600.0)
"""The slowest and the fastest that it runs: as the real time does, and an hour a second."""

_LONGEST = timedelta(days=3650)


def check_speed(speed: float) -> None:
    """Raise a ValueError for what is no speed of a clock."""
    slowest, fastest = SPEEDS
    if not slowest <= speed <= fastest:  # which is also false of what is no number
        raise ValueError(f"The clock runs {slowest:.0f} to {fastest:.0f} times as fast as time does, not {speed:g}.")


class Clock:
    """How far this process is ahead of the real time, and how many times as fast it runs.

    The whole process follows, moto's backends included, so that what was created before an advance is older after it.
    ``time.monotonic`` and ``time.perf_counter``, by which waiting and durations are measured, stay as they are. Only
    ``reset`` lets the time jump backwards.
    """

    def __init__(self) -> None:
        # Reentrant, as the garbage collector and signals run code that may ask for the time while this thread holds it.
        self._lock = threading.RLock()
        self._real: Callable[[], int] = time.time_ns
        self._travels = False
        # How far ahead it was, in ns, at an instant of `time.monotonic_ns`; since then it has run at this speed.
        self._ahead = 0
        self._since = time.monotonic_ns()
        self._speed = SPEEDS[0]

    @property
    def ahead(self) -> timedelta:
        """How far it is ahead of the real time."""
        with self._lock:
            return timedelta(microseconds=self._ahead_ns() / 1000)

    @property
    def speed(self) -> float:
        """How many seconds pass here in one of the real time."""
        return self._speed

    def time_ns(self) -> int:
        """Return the time, as ``time.time_ns`` has it in this process."""
        with self._lock:
            return self._real() + self._ahead_ns()

    def set_speed(self, speed: float) -> None:
        """Run at another speed from now on; the present moment stays.

        Parameters
        ----------
        speed
            1 to 3600 times the real time.

        Raises
        ------
        ValueError
            For any other.
        """
        check_speed(speed)
        with self._lock:
            self._set(self._ahead_ns(), speed)

    def advance(self, by: timedelta) -> None:
        """Move the clock forwards.

        Parameters
        ----------
        by
            More than nothing; at most ten years ahead altogether.

        Raises
        ------
        ValueError
            For anything else: time does not run backwards, ``reset`` returns to the real time.
        """
        with self._lock:
            self.check(by)
            self._set(self._ahead_ns() + by // timedelta(microseconds=1) * 1000, self._speed)

    def check(self, by: timedelta) -> None:
        """Raise the ValueError with which ``advance`` would refuse, and do nothing else."""
        if by <= timedelta() or self.ahead + by > _LONGEST:
            raise ValueError(f"The clock moves forwards, up to {_LONGEST.days} days ahead of the real time.")

    def reset(self) -> None:
        """Return to the real time and its speed; what was stored meanwhile lies in the future then."""
        with self._lock:
            self._set(0, SPEEDS[0])

    def real_seconds(self, simulated: float) -> float:
        """Return how long to wait, by the real time, until so many seconds have passed here."""
        return simulated / self._speed

    def _ahead_ns(self) -> int:
        if self._speed == SPEEDS[0]:
            return self._ahead  # as it was set, to the nanosecond
        return self._ahead + round((time.monotonic_ns() - self._since) * (self._speed - SPEEDS[0]))

    def _set(self, ahead: int, speed: float) -> None:
        if not self._travels and (ahead or speed != SPEEDS[0]):
            self._travel()
        self._ahead, self._since, self._speed = ahead, time.monotonic_ns(), speed

    def _travel(self) -> None:
        """Give the process this clock's time.

        time-machine moves a process, but has no speed. For each reading it calls the traveller's method that is
        replaced here. A ``travel(…, speed=…)`` there would make that unnecessary.
        """
        import time_machine  # takes a moment, and most servers never need it

        traveller = time_machine.travel(timedelta()).start()
        self._real = time_machine.escape_hatch.time.time_ns
        traveller.time_ns = self.time_ns  # type: ignore[method-assign]
        self._travels = True


CLOCK = Clock()
