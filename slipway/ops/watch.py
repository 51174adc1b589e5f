"""Watch an update to its end, and say what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, Self

from slipway.ops.live import IN_SERVICE, describe, same_config, stack_config
from slipway.ops.trouble import NoEndpointError
from slipway.ops.watch_events import Event, Outcome, Result

if TYPE_CHECKING:
    from types import TracebackType

    from slipway.ops.target import Target

#: Seconds that a watch lasts unless told otherwise; an update lasts eight hours at most.
TIMEOUT = 7200.0


class Show(Protocol):
    """Shows what a watch sees."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, also when interrupted."""

    def event(self, event: Event) -> None:
        """Show something that was seen."""


class Quiet:
    """Shows nothing."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""

    def event(self, event: Event) -> None:
        """Show nothing."""


def follow(
    target: Target,
    endpoint: str,
    *,
    stack: str = "",
    expect: str = "",
    begun: bool = False,
    timeout: float = TIMEOUT,
    show: Show | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Watch an endpoint until nothing is under way there any more.

    Parameters
    ----------
    target
        Where it is.
    endpoint
        Its full name.
    stack
        Name of its stack; empty when it has none.
    expect
        The endpoint config that it is to serve in the end; by default the one that its stack holds, else the one to
        which the update under way moves it.
    begun
        The caller has just begun an update, so that "nothing is under way" is not believed at the first look.
    timeout
        Seconds, by AWS's clock.
    show
        Shows it meanwhile; by default nothing does.
    sleep
        Waits real seconds.

    Returns
    -------
    Outcome
        With its exit code, and all that was seen.

    Raises
    ------
    NoEndpointError
        When there is no such endpoint to begin with.
    OperationError
        When AWS cannot be asked any more, as with expired credentials; the update goes on.
    """
    sagemaker, cloudformation = target.client("sagemaker"), target.client("cloudformation")
    until = datetime.now(UTC) + timedelta(seconds=timeout)
    moved = False
    with show or Quiet():
        while True:
            try:
                live = describe(sagemaker, endpoint)
            except NoEndpointError:
                if not moved:
                    raise
                why = "the endpoint was deleted meanwhile"
                return Outcome(Result.FAILED, endpoint, expect, "", why, datetime.now(UTC), moved=moved)
            expected = expect or (stack_config(cloudformation, stack) if stack else "")
            if live.pending and not expected:
                expected = expect = live.pending.config
            if not live.busy and (moved or not begun):
                break
            moved = moved or live.busy
            begun = begun and not live.busy
            if datetime.now(UTC) > until:
                why = f"it is still {live.status}"
                return Outcome(Result.TIMED_OUT, endpoint, expected, live.config, why, datetime.now(UTC), moved=moved)
            sleep(1.0)
    kind = Result.ROLLED_BACK if expected and not same_config(live.config, expected) else Result.DEPLOYED
    if live.status != IN_SERVICE:
        kind = Result.FAILED
    return Outcome(kind, endpoint, expected, live.config, live.failure, datetime.now(UTC), moved=moved)
