"""The check of credentials: whose they are, where they lead, and how long they last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from slipway.ops.preflight.report import Finding, failed, ok, warning
from slipway.plan.figures import clock

if TYPE_CHECKING:
    from types_boto3_sts import STSClient

    from slipway.ops.target import Target

#: How botocore calls credentials from the environment's variables: nothing renews them.
_GIVEN = "env"


def credentials(target: Target, sts: STSClient, longest: float, now: datetime | None = None) -> Iterator[Finding]:
    """Ask whose the credentials are.

    Parameters
    ----------
    target
        Where the command goes.
    sts
        The client.
    longest
        Seconds that the longest update takes.
    now
        The time, with its zone; the machine's by default.

    Yields
    ------
    Finding
        One.
    """
    found = sts.get_caller_identity()
    who = f"{found['Arn']} in {target.region}"
    if found["Account"] != target.account:
        yield failed(
            f"{found['Arn']} belongs to account {found['Account']}, the environment to {target.account}",
            "log in to that account, and name the profile in AWS_PROFILE",
        )
        return
    # boto3 has no public word for this; what is not there is not known.
    own: Any = getattr(getattr(sts, "_request_signer", None), "_credentials", None)
    expiry: datetime | None = getattr(own, "_expiry_time", None)
    if expiry is None:
        yield ok(who)
        return
    until = f"{who}, until {expiry.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if getattr(own, "method", "") == _GIVEN and expiry < (now or datetime.now(UTC)) + timedelta(seconds=longest):
        yield warning(
            f"{until}: before an update that takes about {clock(longest)} is over",
            "log in anew first: an update goes on without credentials, but nobody can follow it",
        )
        return
    yield ok(until if getattr(own, "method", "") == _GIVEN else f"{until}, then renewed")
