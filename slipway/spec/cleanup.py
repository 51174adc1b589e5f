"""The cleanup of idle development endpoints: what counts as idle, how long it waits, and how much it removes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slipway.spec.base import Spec
from slipway.spec.scaling import At, Timezone
from slipway.spec.units import Duration, between, steps_of

_HOURS = steps_of(Duration(3600), "the cleanup counts whole hours")


class Cleanup(Spec):
    """When an endpoint without traffic goes, and what it is told before."""

    mode: Literal["delete", "report"]
    """`delete` announces and removes, in dev only; `report` says what it would do. Default: `delete` in dev, else
    `report`."""
    window: Annotated[Duration, _HOURS, between(Duration(86400), Duration(90 * 86400), "CloudWatch's hourly data")] = (
        Duration(7 * 86400)
    )
    """How long an endpoint must be without traffic, creation and update."""
    grace: Annotated[Duration, _HOURS, between(Duration(3600), Duration(30 * 86400), "time to object")] = Duration(
        86400
    )
    """From the announcement to the removal; shorter than the window."""
    most: Annotated[int, Field(ge=1, le=100)] = 10
    """Most endpoints that one run removes; those idle for longest go first."""
    revisions: Annotated[int, Field(ge=1, le=100)] = 3
    """How many retired configs of each endpoint stay, with their models."""
    at: At = "cron(0 6 * * ? *)"
    """When it runs: `cron(0 6 * * ? *)`, `rate(1 day)`; at least once in two days, or an alarm says so."""
    timezone: Timezone = "UTC"
    """An IANA name, such as `Europe/Berlin`."""
    reserved_concurrency: Annotated[int, Field(ge=1, le=1)] | None = None
    """1 keeps two runs from overlapping; new accounts cannot spare it. Default: none; overlapping runs do no harm."""
