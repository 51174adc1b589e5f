"""Autoscaling of a variant's instances: a target to track, limits, and limits by the clock."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from slipway.spec.base import ShortName, Spec
from slipway.spec.units import Duration, Percent, between, steps_of

Cooldown = Annotated[
    Duration,
    steps_of(Duration(1), "cooldowns are whole seconds"),
    between(Duration(0), Duration(86400), "Application Auto Scaling"),
]
Share = Annotated[Percent, between(Percent(1), Percent(100), "a share of the machine")]
#: No quota comes near the most; every count between the limits is looked at.
Count = Annotated[int, Field(ge=1, le=10_000)]


class Schedule(Spec):
    """Other limits from a moment on, until another schedule changes them."""

    name: ShortName
    """Unique within the endpoint."""
    at: Annotated[str, Field(pattern=r"^(cron|rate|at)\(.+\)$")]
    """`cron(0 7 ? * MON-FRI *)`, `rate(1 day)` or `at(2026-12-24T08:00:00)`."""
    timezone: str = "UTC"
    """An IANA name, such as `Europe/Berlin`."""
    min: Count
    """Fewest instances from then on."""
    max: Count
    """Most instances from then on."""


class Scaling(Spec):
    """Target tracking on one or more metrics. Without any, 70 invocations a minute per instance."""

    min: Count
    """Fewest instances. Default: 2 where guarded, else 1."""
    max: Count
    """Most instances. Default: 4."""
    invocations_per_minute: Annotated[float, Field(gt=0)] | None = None
    """Average invocations a minute per instance: 70 means 70 requests a minute, not 70 % of anything."""
    concurrency: Annotated[float, Field(gt=0)] | None = None
    """Requests in flight per model copy, measured every 10 seconds."""
    cpu: Share | None = None
    """Share of all the machine's cores; 60 % of 4 cores is the metric's 240."""
    gpu: Share | None = None
    """Share of all the machine's GPUs; 60 % of 4 GPUs is the metric's 240."""
    scale_out_cooldown: Cooldown = Duration(60)
    """Rest after adding instances."""
    scale_in_cooldown: Cooldown = Duration(300)
    """Rest after removing instances."""
    schedules: tuple[Schedule, ...] = Field(default=(), strict=False)
    """Other limits at other times."""

    @property
    def tracked_invocations(self) -> float | None:
        """The invocation target, with the default where no metric is named."""
        if self.invocations_per_minute is None and not (self.concurrency or self.cpu or self.gpu):
            return 70.0
        return self.invocations_per_minute

    @property
    def lowest(self) -> int:
        """The fewest instances that can ever be live, schedules included."""
        return min([self.min, *(s.min for s in self.schedules)])

    @property
    def highest(self) -> int:
        """The most instances that can ever be live, schedules included."""
        return max([self.max, *(s.max for s in self.schedules)])
