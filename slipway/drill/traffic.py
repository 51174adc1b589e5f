"""Live traffic: requests at a steady rate by AWS's clock, and what became of each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.trouble import code

if TYPE_CHECKING:
    from types import TracebackType

    from slipway.ops.target import Target

#: How far AWS's time goes between two rounds of requests, in seconds.
STEP = 5.0
_SENDERS = 4


@dataclass(frozen=True, slots=True)
class Sent:
    """One request.

    Attributes
    ----------
    at
        When, by AWS's clock.
    failed
        Whether the model failed on it.
    """

    at: datetime
    failed: bool


class Traffic:
    """Sends requests from a thread of its own until the context ends.

    Parameters
    ----------
    target
        Where the endpoint is.
    endpoint
        Its full name.
    rate
        Requests a minute of AWS's time.
    tick
        Lets time pass, and returns what AWS's clock says then: on a local AWS it moves the clock, so that nobody has to
        wait for a bake.
    """

    def __init__(self, target: Target, endpoint: str, rate: float, tick: Callable[[], datetime]) -> None:
        self._runtime = target.client("sagemaker-runtime")
        self._endpoint, self._rate, self._tick = endpoint, rate, tick
        self._sent: list[Sent] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self.trouble = ""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def sent(self, start: datetime, end: datetime) -> list[Sent]:
        """The requests of a span of time."""
        with self._lock:
            return [one for one in self._sent if start <= one.at < end]

    def _run(self) -> None:
        owed, last = 0.0, self._tick()
        with ThreadPoolExecutor(_SENDERS, thread_name_prefix="request") as pool:
            while not self._over.is_set():
                try:
                    now = self._tick()
                except Exception as error:  # noqa: BLE001 - whatever it is, the drill says it
                    self.trouble = str(error)
                    return
                owed += (now - last) / timedelta(minutes=1) * self._rate
                last, count = now, int(owed)
                owed -= count
                self._note(now, pool.map(self._ask, range(count)))

    def _note(self, at: datetime, failed: Iterable[bool | None]) -> None:
        found = [Sent(at, one) for one in failed if one is not None]
        with self._lock:
            self._sent.extend(found)

    def _ask(self, _number: int) -> bool | None:
        """Whether the model failed; ``None`` when the request did not reach it."""
        try:
            answer = self._runtime.invoke_endpoint(
                EndpointName=self._endpoint, Body=b'"drill"', ContentType="application/json"
            )
            answer["Body"].read()
        except ClientError as error:
            if code(error) == "ModelError":
                return True
            self.trouble = str(error)
            return None
        except BotoCoreError as error:
            self.trouble = str(error)
            return None
        return False
