"""What acts by itself in the local AWS when its time has come, by the clock of ``clock``.

A callback gets the time, and keeps for itself when it last did what: it is called several times a second, so it looks
for what is due and returns. Inside one, ``time.time()`` is about that time.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from slipway.local.clock import CLOCK, Clock

Callback = Callable[[float], None]

_LOG = logging.getLogger(__name__)
_MINUTE = 60
# How long it waits between two rounds, in real seconds. A fast clock gets a round in each of its minutes, as far as
# that is possible.
_LONGEST_WAIT, _SHORTEST_WAIT = 0.1, 0.02
# Into how many parts an advance is divided at most; one of four hours still stops at each minute.
_STOPS = 240


@dataclass
class _Registered:
    call: Callback
    every: float
    period: float
    failure: str = ""

    def run(self, now: float) -> None:
        if self.every:
            period = now // self.every
            if period == self.period:
                return
            self.period = period
        try:
            self.call(now)
            self.failure = ""
        except Exception as error:  # noqa: BLE001 - the others are not to suffer from it
            if self.failure != repr(error):
                self.failure = repr(error)
                _LOG.exception("what the clock set off failed; it goes on")


class Ticker:
    """Calls what is registered, in that order, in one thread at a time.

    Parameters
    ----------
    clock
        By which it goes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._registered: list[_Registered] = []
        self._round = threading.RLock()
        self._ended = threading.Event()

    def register(self, callback: Callback, *, every: float = 0.0) -> None:
        """Call this as well, with the time in seconds since the epoch.

        What it raises is logged, once until it raises something else or nothing; the others are called all the same.

        Parameters
        ----------
        callback
            What to call.
        every
            Only when such a period of the clock has begun, in seconds: 60 calls it once in each minute, by default it
            is called in each round.
        """
        self._registered.append(_Registered(callback, every, self._clock.time_ns() / 1e9 // every if every else 0.0))

    def start(self) -> None:
        """Tick from now on, in a thread of its own, until the end of the process at the latest."""
        threading.Thread(target=self._loop, daemon=True, name="ticker").start()

    def stop(self) -> None:
        """Tick no more by itself."""
        self._ended.set()

    def tick(self) -> None:
        """Do what is due by now; when it returns, it is done."""
        with self._round:
            now = self._clock.time_ns() / 1e9
            for registered in tuple(self._registered):
                registered.run(now)

    def advance(self, by: timedelta) -> None:
        """Move the clock forwards, and do on the way what is due: at each full minute, and at the end.

        A day would take long by the minute, so that an advance of more than four hours has fewer stops, of which each
        is a multiple of a minute from the one before.

        Parameters
        ----------
        by
            As ``Clock.advance`` takes it.

        Raises
        ------
        ValueError
            As ``Clock.advance`` does; then the clock is where it was.
        """
        self._clock.check(by)
        pace = _MINUTE * max(1, -(-by // timedelta(minutes=_STOPS)))
        while by > timedelta():
            now = self._clock.time_ns() / 1e9
            step = timedelta(seconds=(now // pace + 1) * pace - now)
            step = min(max(step, timedelta(milliseconds=1)), by)
            self._clock.advance(step)
            self.tick()
            by -= step

    def _loop(self) -> None:
        while not self._ended.wait(min(_LONGEST_WAIT, max(_SHORTEST_WAIT, self._clock.real_seconds(_MINUTE)))):
            self.tick()


TICKER = Ticker(CLOCK)
