"""Wait until nothing is under way at an endpoint, through what passes, such as throttling."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.live import Live, describe
from slipway.ops.trouble import OperationError, code, explained, is_busy, is_passing

if TYPE_CHECKING:
    from types_boto3_sagemaker import SageMakerClient

    from slipway.ops.aws_clock import AwsClock

T = TypeVar("T")

#: Between two looks, in seconds of AWS's time.
LOOK = 5.0
#: How long calls may fail in passing until a command gives up.
PATIENCE = timedelta(minutes=3)
#: Application Auto Scaling is at work on the same target.
_CONCURRENT = "ConcurrentUpdateException"


class NotSettledError(OperationError):
    """What was waited for is not over; the message says what is under way. Exit code 4."""


def patiently(do: Callable[[], T], clock: AwsClock, *, what: str, within: timedelta = PATIENCE) -> T:
    """Call AWS, and again while it fails in passing.

    Parameters
    ----------
    do
        The call; one that can be repeated.
    clock
        By which to wait.
    what
        What is tried, as ``explained`` has it.
    within
        How long.

    Returns
    -------
    T
        What the call returned.

    Raises
    ------
    OperationError
        When it goes on failing, or fails for good; in words.
    """
    until = None
    while True:
        try:
            return do()
        except (BotoCoreError, ClientError) as error:
            if not (is_passing(error) or code(error) == _CONCURRENT):
                raise OperationError(explained(error, what)) from error
            now = clock.now()
            until = until or now + within
            if now >= until:
                raise OperationError(explained(error, what)) from error
        clock.pause(LOOK)


def settled(sagemaker: SageMakerClient, name: str, clock: AwsClock, *, within: timedelta) -> Live:
    """Wait until an endpoint is not being changed.

    Parameters
    ----------
    sagemaker
        The client.
    name
        Full name of the endpoint.
    clock
        By which to wait.
    within
        How long at most, of AWS's time.

    Returns
    -------
    Live
        As it is then; not necessarily in service.

    Raises
    ------
    NotSettledError
        When it still is.
    slipway.ops.trouble.NoEndpointError
        When it is gone.
    OperationError
        When AWS refuses, in words.
    """
    until = clock.now() + within
    while True:
        live = patiently(lambda: describe(sagemaker, name), clock, what=f"look at {name}")
        if not live.busy:
            return live
        if clock.now() >= until:
            raise NotSettledError(
                f"{name} is still {live.status} after {_said(within)}: it goes on by itself; look at it with "
                "`slipway status`"
            )
        clock.pause(LOOK)


def unhindered(do: Callable[[], T], sagemaker: SageMakerClient, name: str, clock: AwsClock, *, within: timedelta) -> T:
    """Change an endpoint as soon as nothing else does: autoscaling, for instance, makes it Updating for a while.

    Parameters
    ----------
    do
        The call that changes it.
    sagemaker, name, clock
        As ``settled`` has them.
    within
        How long to wait at most, of AWS's time.

    Returns
    -------
    T
        What the call returned.

    Raises
    ------
    NotSettledError
        When the endpoint is being changed all the time.
    OperationError
        When AWS refuses, in words.
    """
    until = clock.now() + within
    while True:
        settled(sagemaker, name, clock, within=until - clock.now())
        try:
            return patiently(do, clock, what=f"change {name}")
        except OperationError as error:
            # Between the look and the call somebody else came first.
            if error.__cause__ is None or not is_busy(error.__cause__) or clock.now() >= until:
                raise
        clock.pause(LOOK)


def _said(span: timedelta) -> str:
    from slipway.spec.units import Duration

    return str(Duration(span.total_seconds()))
