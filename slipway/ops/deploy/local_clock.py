"""The local AWS's clock, sped up for a while."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from slipway.local import steering
from slipway.ops.trouble import WrongOperation
from slipway.ops.unfinished import Unfinished

if TYPE_CHECKING:
    from slipway.ops.target import Target


def speed_of(target: Target) -> float:
    """How many times as fast as the real time it runs.

    Raises
    ------
    slipway.local.control.LocalAwsError
        When the local AWS does not answer.
    """
    return steering.clock(target.environ["AWS_ENDPOINT_URL"]).speed


@contextmanager
def sped_up(target: Target, speed: float | None) -> Iterator[None]:
    """Let the clock of the local AWS run faster, and afterwards as it did, also when the block ends early.

    Parameters
    ----------
    target
        Where a command goes.
    speed
        1 to 3600 times the real time; ``None`` leaves the clock alone.

    Raises
    ------
    WrongOperation
        For an account, whose time nobody can speed up.
    slipway.local.control.LocalAwsError
        For a speed out of range, or when the local AWS does not answer.
    """
    if speed is None:
        yield
        return
    if target.kind != "local":
        raise WrongOperation("--speed is for the local AWS: in an account an update takes the time that it takes")
    url = target.environ["AWS_ENDPOINT_URL"]
    before = steering.clock(url).speed
    with Unfinished(say=_say) as unfinished:
        unfinished.always(
            "the speed of the local AWS's clock",
            lambda: steering.set_speed(url, speed),
            lambda: steering.set_speed(url, before),
            f"slipway local clock --speed {before:g}",
        )
        yield


def _say(line: str) -> None:
    """Tell what could not be undone; that the clock runs as before is nothing to tell."""
    if not line.startswith("undone"):
        print(line, file=sys.stderr, flush=True)
