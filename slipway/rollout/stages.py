"""The stages of an update: when each starts and ends, and what runs and gets traffic meanwhile."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import Literal, NamedTuple

from slipway.rollout.fleets import Update, Variant

Side = Literal["old", "new"]
HOUR = 3600


class Kind(StrEnum):
    """What happens in a stage."""

    STEADY = "steady"
    """Nothing: before the update, or after it."""
    PROVISION = "provision"
    """Instances start; they get no traffic yet."""
    SHIFT = "shift"
    """Traffic moves."""
    BAKE = "bake"
    """Part of the traffic is on the new fleet, and alarms watch."""
    FINAL_BAKE = "final bake"
    """All traffic is on the new fleet, the old one still runs, and alarms watch."""
    TERMINATE = "terminate"
    """Instances go; they get no traffic any more."""


BAKES = (Kind.BAKE, Kind.FINAL_BAKE)


@dataclass(frozen=True, slots=True)
class Capacity:
    """Instances, or copies, of one fleet of one variant.

    Attributes
    ----------
    ready
        Those that can serve.
    starting, stopping
        Those that cannot yet, or not any more. They are taken to cost like the others.
    """

    ready: int = 0
    starting: int = 0
    stopping: int = 0

    @property
    def running(self) -> int:
        """All of them."""
        return self.ready + self.starting + self.stopping


@dataclass(frozen=True, slots=True)
class Standing:
    """How one variant stands during a stage.

    Attributes
    ----------
    variant
        The variant.
    old, new
        Its two fleets.
    shifted
        The share of its traffic, from 0 to 1, that the new fleet gets.
    """

    variant: Variant
    old: Capacity
    new: Capacity
    shifted: float


class Traffic(NamedTuple):
    """The share of the endpoint's traffic that each fleet gets; they add up to 1."""

    old: float
    new: float


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage.

    Attributes
    ----------
    kind
        What happens.
    start, end
        Seconds since the update began; a stage holds its start and not its end. Stages that take no time have none in
        between.
    variants
        How each variant stands, in the update's order.
    traffic
        The share of the endpoint's traffic that each fleet gets.
    step, steps
        The number of the canary, step or batch that the stage belongs to, from 1, and how many there are; 0 where it
        belongs to none.
    watched
        Whether an alarm of the DeploymentConfig ends the update now.
    rolling_back
        Whether the stage belongs to a rollback.
    """

    kind: Kind
    start: float
    end: float
    variants: tuple[Standing, ...]
    traffic: Traffic
    step: int = 0
    steps: int = 0
    watched: bool = False
    rolling_back: bool = False

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self.end - self.start

    def running(self, side: Side) -> int:
        """Instances, or copies, of a fleet over all variants, whether they serve or not."""
        return sum(getattr(standing, side).running for standing in self.variants)

    def ready(self, side: Side) -> int:
        """Instances, or copies, of a fleet over all variants that can serve."""
        return sum(getattr(standing, side).ready for standing in self.variants)

    @property
    def by_type(self) -> Mapping[str, int]:
        """How many run of each instance type, both fleets together."""
        found: Counter[str] = Counter()
        for standing in self.variants:
            found[standing.variant.old.type] += standing.old.running
            found[standing.variant.new.type] += standing.new.running
        return {type: count for type, count in found.items() if count}


class Part(NamedTuple):
    """A stage before it has a time."""

    kind: Kind
    seconds: float
    variants: tuple[Standing, ...]
    step: int = 0
    steps: int = 0


def laid_out(
    update: Update, parts: Iterable[Part], *, start: float = 0.0, watched: bool, rolling_back: bool = False
) -> tuple[Stage, ...]:
    """Put stages one behind the other.

    Parameters
    ----------
    update
        What they belong to.
    parts
        In their order. A bake of no length is left out.
    start
        When the first begins, in seconds.
    watched
        Whether alarms watch the bakes.
    rolling_back
        Whether they belong to a rollback.

    Returns
    -------
    tuple of Stage
        Contiguous, from the start on.
    """
    kept = [part for part in parts if part.seconds > 0 or part.kind not in BAKES]
    times = list(accumulate((part.seconds for part in kept), initial=start))
    return tuple(
        Stage(
            part.kind,
            begin,
            end,
            part.variants,
            traffic(update, part.variants),
            part.step,
            part.steps,
            watched=watched and part.kind in BAKES,
            rolling_back=rolling_back,
        )
        for part, begin, end in zip(kept, times, times[1:], strict=False)
    )


def traffic(update: Update, variants: tuple[Standing, ...]) -> Traffic:
    """The share of the endpoint's traffic that each fleet gets.

    Parameters
    ----------
    update
        The update, which knows the weights.
    variants
        How they stand.

    Returns
    -------
    Traffic
        Two shares that add up to 1.
    """
    new = sum(weight * standing.shifted for weight, standing in zip(update.weights, variants, strict=True))
    new = min(1.0, new)
    return Traffic(1.0 - new, new)


class Outcome(StrEnum):
    """How an update ends."""

    UPDATED = "updated"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True, slots=True)
class Ending:
    """What ended an update early.

    Attributes
    ----------
    at
        Seconds since the update began.
    why
        ``alarm NAME``, ``maximum execution time``, or whatever the caller says.
    """

    at: float
    why: str


@dataclass(frozen=True, slots=True)
class Rollout:
    """An update in time.

    Attributes
    ----------
    update
        What is updated.
    stages
        Contiguous, from 0 on.
    outcome
        Which fleet serves in the end.
    ending
        What ended it early; ``None`` when it ran to its end.
    assumptions
        What this rests on that the service does not document, in sentences for people.
    """

    update: Update
    stages: tuple[Stage, ...]
    outcome: Outcome = Outcome.UPDATED
    ending: Ending | None = None
    assumptions: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """Seconds from the start to the end, rollback included."""
        return self.stages[-1].end if self.stages else 0.0

    @property
    def waits(self) -> float:
        """Seconds of all bakes."""
        return sum(stage.seconds for stage in self.stages if stage.kind in BAKES)

    def at(self, time: float) -> Stage:
        """The stage at a moment.

        Parameters
        ----------
        time
            Seconds since the update began; any, also negative.

        Returns
        -------
        Stage
            Before the update and after it, a steady one without an end.
        """
        if time < 0:
            return self._steady(updated=False, start=-math.inf, end=0.0)
        if time >= self.duration:
            return self._steady(updated=self.outcome is Outcome.UPDATED, start=self.duration, end=math.inf)
        return self.stages[bisect_right(self.stages, time, key=lambda stage: stage.end)]

    def _steady(self, *, updated: bool, start: float, end: float) -> Stage:
        standings = tuple(
            Standing(
                variant,
                Capacity(0 if updated else variant.old.count),
                Capacity(variant.new.count if updated else 0),
                float(updated),
            )
            for variant in self.update.variants
        )
        return Stage(Kind.STEADY, start, end, standings, traffic(self.update, standings))

    @property
    def peak(self) -> Mapping[str, int]:
        """The most instances of each type that run at one time, which the account's quota must allow."""
        found: dict[str, int] = {}
        for stage in (self.at(-1), *self.stages, self.at(self.duration)):
            for type, count in stage.by_type.items():
                found[type] = max(count, found.get(type, 0))
        return found

    @property
    def instance_hours(self) -> Mapping[str, float]:
        """Hours that all instances of each type run from the start to the end."""
        found: dict[str, float] = {}
        for stage in self.stages:
            for type, count in stage.by_type.items():
                found[type] = found.get(type, 0.0) + count * stage.seconds / HOUR
        return found

    @property
    def extra_hours(self) -> Mapping[str, float]:
        """Instance-hours of each type beyond what the old fleet would have run in the same time.

        For an update that keeps the count that is the double running; below 0 for a type that the update removes.
        """
        found = dict(self.instance_hours)
        for variant in self.update.variants:
            usual = variant.old.count * self.duration / HOUR
            found[variant.old.type] = found.get(variant.old.type, 0.0) - usual
        return found
