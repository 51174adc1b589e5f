"""The clock of the local AWS, which a test moves: what is stored, measured and run here has the moved time."""

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from time_machine import Traveller

_LONGEST = timedelta(days=3650)


class Clock:
    """How far this process is ahead of the real time.

    The whole process moves, moto's backends included, so that what was created before an advance is older after it.
    ``time.monotonic`` and ``time.perf_counter``, by which waiting and durations are measured, stay as they are.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traveller: Traveller | None = None
        self._ahead = timedelta()

    @property
    def ahead(self) -> timedelta:
        """How far it is ahead of the real time."""
        return self._ahead

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
            if by <= timedelta() or self._ahead + by > _LONGEST:
                raise ValueError(f"The clock moves forwards, up to {_LONGEST.days} days ahead of the real time.")
            self._shift(by)

    def reset(self) -> None:
        """Return to the real time; what was stored meanwhile lies in the future then."""
        with self._lock:
            if self._ahead:
                self._shift(-self._ahead)

    def _shift(self, by: timedelta) -> None:
        if self._traveller is None:
            import time_machine  # takes a moment, and most servers never need it

            self._traveller = time_machine.travel(timedelta()).start()
            time.time()  # from which on it ticks
        self._traveller.shift(by)
        self._ahead += by


CLOCK = Clock()
