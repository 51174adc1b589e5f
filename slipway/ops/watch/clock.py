"""AWS's time for a watch, which goes on while AWS does not answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from slipway.local.control import LocalAwsError

if TYPE_CHECKING:
    from slipway.ops.aws_clock import AwsClock

_SILENT = (LocalAwsError, BotoCoreError, ClientError)
#: Real seconds until a clock that does not answer is asked again.
_PAUSE = 1.0
#: A wait that is shorter tells no speed.
_TELLING = 0.05


class WatchClock:
    """Tells AWS's time, and waits by it.

    Parameters
    ----------
    clock
        AWS's time, as long as AWS answers.
    sleep, monotonic
        Of the real time, in seconds.
    """

    def __init__(
        self,
        clock: AwsClock,
        *,
        sleep: Callable[[float], object] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._sleep, self._monotonic = clock, sleep, monotonic
        self._last: tuple[datetime, float] | None = None
        #: How many seconds of AWS's time passed in one of the real time during the last wait.
        self.speed = 1.0

    def now(self) -> datetime:
        """What time it is there; while AWS does not answer, as it went on before."""
        try:
            now = self._clock.now()
        except _SILENT:
            if self._last is None:
                return datetime.now(UTC)
            now, at = self._last
            return now + timedelta(seconds=(self._monotonic() - at) * self.speed)
        self._last = now, self._monotonic()
        return now

    def answered(self, answer: Mapping[str, Any]) -> datetime:
        """Take the time from an answer.

        Parameters
        ----------
        answer
            What a call of boto3 returned.

        Returns
        -------
        datetime
            When that was.
        """
        self._clock.note(answer)
        return self.now()

    def wait(self, seconds: float) -> None:
        """Wait seconds of AWS's time, at least a moment of the real one."""
        begun, at = self.now(), self._monotonic()
        try:
            self._clock.pause(seconds)
        except _SILENT:
            self._sleep(_PAUSE)
            return
        real = self._monotonic() - at
        if real > _TELLING:
            self.speed = max(1.0, (self.now() - begun).total_seconds() / real)
