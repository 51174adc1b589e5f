"""One operator at a time: a tag on the endpoint says who changes it, and until when."""

from __future__ import annotations

import getpass
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway.ops.trouble import BusyError, is_missing
from slipway.ops.unfinished import Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_sagemaker import SageMakerClient

#: On an endpoint while a command that takes several steps works on it. The service itself guards single updates.
OPERATION = "slipway:operation"


@contextmanager
def lease(
    sagemaker: SageMakerClient,
    arn: str,
    what: str,
    duration: timedelta,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[Callable[[], None]]:
    """Keep other operators from an endpoint while several steps are taken.

    The tag is written and read again: of two that write at once, the later one wins, and the other one is told, at the
    latest before its next step. A lease that is over does not count, so one that a dead process left behind mends
    itself.

    Parameters
    ----------
    sagemaker
        The client; takes sagemaker:ListTags, AddTags and DeleteTags on the endpoint.
    arn
        Of the endpoint.
    what
        Such as ``shift``; a word.
    duration
        How long it takes at most.
    clock
        Returns the time, with its zone.

    Yields
    ------
    callable
        To be called before each further step; raises BusyError when the lease went to another operator.

    Raises
    ------
    BusyError
        When another operator works on it.
    """
    own = secrets.token_hex(4)
    until = (clock() + duration).astimezone(UTC).isoformat(timespec="seconds")
    value = f"{what} by {_operator()} until {until} {own}"
    refuse_others(sagemaker, arn, clock=clock)

    def take() -> None:
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": OPERATION, "Value": value}])

    def give_back() -> None:
        try:
            if _held(sagemaker, arn) == value:
                sagemaker.delete_tags(ResourceArn=arn, TagKeys=[OPERATION])
        except ClientError as error:
            if not is_missing(error):  # with the endpoint, its tags went
                raise

    by_hand = f"aws sagemaker delete-tags --resource-arn {arn} --tag-keys {OPERATION}, or wait until {until}"
    with Unfinished(say=_say_what_is_left) as unfinished:
        unfinished.always(f"the tag {OPERATION}", take, give_back, by_hand)

        def check() -> None:
            refuse_others(sagemaker, arn, clock=clock, own=own)

        check()
        yield check


def refuse_others(
    sagemaker: SageMakerClient, arn: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC), own: str = ""
) -> None:
    """Refuse to go on while another operator works on an endpoint.

    Raises
    ------
    BusyError
        When one does; the message says who, what and until when.
    """
    held = _held(sagemaker, arn)
    who, _, rest = held.partition(" until ")
    until, _, token = rest.partition(" ")
    if not held or (own and token == own):
        return
    try:
        over = datetime.fromisoformat(until) <= clock()
    except (ValueError, TypeError):  # no time, or one without its zone
        over = False
    if not over:
        raise BusyError(
            f"{arn.rsplit('/', 1)[-1]}: another operator works on it ({who}, until {until}): wait, or if that one is "
            f"dead remove the tag: aws sagemaker delete-tags --resource-arn {arn} --tag-keys {OPERATION}"
        )


def _say_what_is_left(line: str) -> None:
    """Leave out what was undone: that the tag is gone is nobody's concern. Standard output may be data."""
    if not line.startswith("undone"):
        print(line, file=sys.stderr, flush=True)


def _held(sagemaker: SageMakerClient, arn: str) -> str:
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    return next((tag["Value"] for page in pages for tag in page["Tags"] if tag["Key"] == OPERATION), "")


def _operator() -> str:
    """Who this is, in the characters that a tag may have."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user, as in some containers
        user = "somebody"
    name = f"{user}@{socket.gethostname()}"
    return "".join(letter if letter.isalnum() or letter in "_.:/=+-@" else "-" for letter in name)[:100]
