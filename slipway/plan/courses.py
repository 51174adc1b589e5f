"""How an update runs: the fleets that it moves, between which counts, and what they cost meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from slipway.plan.endpoints import Declared, DeclaredComponent, DeclaredVariant, truth
from slipway.plan.live import LiveEndpoint
from slipway.rollout.fleets import Instances, Pace, Update, Variant
from slipway.rollout.policy import Policy, read
from slipway.rollout.simulation import roll_out
from slipway.rollout.stages import HOUR, Rollout
from slipway.spec.deployment import Fleet

Unit = Literal["instances", "copies"]
#: How the types of several pools are put together.
_OR = " or "


@dataclass(frozen=True)
class Span:
    """A figure at the lowest and at the highest count of autoscaling."""

    low: float
    high: float

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Span) -> Span:
        return Span(self.low - other.low, self.high - other.high)

    def times(self, factor: float) -> Span:
        """Both, multiplied."""
        return Span(self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Course:
    """One update in time: of an endpoint, or of an inference component.

    Attributes
    ----------
    subject
        The endpoint's name, or the component's.
    unit
        What its fleets are counted in.
    lowest, highest
        At the counts between which autoscaling moves the fleets; equal without autoscaling.
    live
        At the counts that run now, where they are known.
    beside
        By type: instances of shadow variants, of which old and new run side by side all the time.
    """

    subject: str
    unit: Unit
    lowest: Rollout
    highest: Rollout
    live: Rollout | None = None
    beside: Mapping[str, int] | None = None

    @property
    def policy(self) -> Policy:
        """How it runs, as declared."""
        return self.highest.update.policy

    @property
    def minutes(self) -> Span:
        """How long it takes."""
        return _span(self.lowest.duration / 60, self.highest.duration / 60)

    @property
    def bakes(self) -> Span:
        """How many minutes of these are bakes."""
        return _span(self.lowest.waits / 60, self.highest.waits / 60)

    @property
    def peak(self) -> Mapping[str, Span]:
        """The most instances of each type at one time; for a component its copies."""
        low, high = self.lowest.peak, self.highest.peak
        found = {type: _span(low.get(type, 0), high.get(type, 0)) for type in {**low, **high}}
        for type, count in (self.beside or {}).items():
            found[type] = found.get(type, Span(0, 0)) + Span(count, count)
        return found

    @property
    def extra_hours(self) -> Mapping[str, Span]:
        """Instance-hours of each type beyond what would have run anyway; empty for copies, which cost nothing."""
        if self.unit == "copies":
            return {}
        low, high = self.lowest.extra_hours, self.highest.extra_hours
        found = {type: Span(low.get(type, 0.0), high.get(type, 0.0)) for type in {**low, **high} if type}
        for type, count in (self.beside or {}).items():
            hours = Span(self.lowest.duration / HOUR, self.highest.duration / HOUR).times(count / 2)
            found[type] = found.get(type, Span(0, 0)) + hours
        return found


def _span(low: float, high: float) -> Span:
    return Span(min(low, high), max(low, high))


def policy_of(old: Declared | None, new: Declared) -> Policy:
    """Read how an endpoint's next update runs.

    Parameters
    ----------
    old, new
        The endpoint of both sides.

    Returns
    -------
    Policy
        The new side's, which the update that brings it follows already; the old side's with RetainDeploymentConfig.

    Raises
    ------
    DeclarationError
        When the service would refuse it.
    """
    retains = old is not None and truth(new.properties.get("RetainDeploymentConfig"))
    return read((old if retains and old is not None else new).properties.get("DeploymentConfig"))


def endpoint_course(
    old: Declared, new: Declared, policy: Policy, *, live: LiveEndpoint | None = None, pace: Pace | None = None
) -> Course | None:
    """Run the update of an endpoint to another config.

    Parameters
    ----------
    old, new
        The endpoint of both sides.
    policy
        How it runs.
    live
        What runs now, where it is known.
    pace
        How fast the service is taken to be.

    Returns
    -------
    Course or None
        ``None`` where the config is not in the templates, so that nobody knows the fleets.
    """
    pairs = [(old.variant(variant.name), variant) for variant in new.production]
    if not pairs:
        return None

    def run(pick: int) -> Rollout:
        variants = tuple(_moved(old, new, was, variant, live, pick) for was, variant in pairs)
        return roll_out(Update(policy, variants, pace or Pace(), _exclusion(new)))

    shadows = [*(v for v in old.variants if v.shadow), *(v for v in new.variants if v.shadow)]
    beside: dict[str, int] = {}
    for shadow in shadows:
        beside[shadow.type] = beside.get(shadow.type, 0) + shadow.count
    known = live is not None and all(variant.name in live.counts for variant in new.production)
    return Course(new.name, "instances", run(0), run(1), run(2) if known else None, beside or None)


def _moved(
    old: Declared,
    new: Declared,
    was: DeclaredVariant | None,
    variant: DeclaredVariant,
    live: LiveEndpoint | None,
    pick: int,
) -> Variant:
    """One variant at its lowest count (0), its highest (1), or as it runs now (2)."""
    counts = _counts(old, was, live) if was is not None else Fleet(0, 0)
    count = (counts.lowest, counts.highest)[pick] if pick < 2 else (live.counts[variant.name] if live else 0)
    retained = "DesiredInstanceCount" in new.retained and was is not None and not was.serverless
    after = 0 if variant.serverless else count if retained else variant.count
    weight = variant.weight
    if "DesiredWeight" in new.retained and was is not None:
        weight = (live.weights if live else {}).get(variant.name, was.weight)
    return Variant(
        variant.name, Instances(count, was.type if was is not None else ""), Instances(after, variant.type), weight
    )


def _counts(side: Declared, variant: DeclaredVariant, live: LiveEndpoint | None) -> Fleet:
    if variant.serverless:
        return Fleet(0, 0)
    if live is not None and variant.name in live.counts:
        # Between now and the deployment autoscaling may move it anywhere.
        # Live limits are those of this moment, and schedules that the template declares may move them until then.
        count = live.counts[variant.name]
        known = [fleet for fleet in (live.limits.get(variant.name), side.limits.get(variant.name)) if fleet]
        every = [count, *(fleet.lowest for fleet in known), *(fleet.highest for fleet in known)]
        return Fleet(min(every), max(every))
    return side.counts(variant)


def _exclusion(new: Declared) -> str:
    if any(variant.serverless for variant in new.production):
        return "serverless endpoints"
    return "endpoints of inference components" if new.hosts_components else ""


def component_course(
    old: DeclaredComponent, new: DeclaredComponent, policy: Policy, *, pace: Pace | None = None
) -> Course:
    """Run the update of an inference component.

    Parameters
    ----------
    old, new
        The component of both sides.
    policy
        How it runs.
    pace
        How fast the service is taken to be.

    Returns
    -------
    Course
        In copies.
    """
    limits = old.limits or Fleet(old.copies, old.copies)

    def run(count: int) -> Rollout:
        # A scaled component keeps its copies; otherwise the count is set with the rest.
        after = count if old.limits or new.copies == old.copies else new.copies
        return roll_out(Update(policy, (Variant(new.name, Instances(count), Instances(after)),), pace or Pace()))

    return Course(new.name, "copies", run(limits.lowest), run(limits.highest))


def steady(side: Declared | None, *, live: LiveEndpoint | None = None, kept: Declared | None = None) -> dict[str, Span]:
    """The instances that an endpoint runs while nothing is updated.

    Parameters
    ----------
    side
        The endpoint; ``None`` where it does not exist.
    live
        What runs now, for the old side.
    kept
        The old side, for a new one that keeps the live counts.

    Returns
    -------
    dict
        By instance type, lowest and highest count.
    """
    found: dict[str, Span] = {}
    if side is None:
        return found
    for variant in side.variants:
        if variant.serverless:
            continue
        was = kept.variant(variant.name) if kept is not None else None
        scaled = variant.name in side.limits or variant.managed is not None
        if kept is None:
            counts = _counts(side, variant, live)
        elif was is None or scaled or was.serverless or "DesiredInstanceCount" not in side.retained:
            counts = side.counts(variant)
        else:
            counts = _counts(kept, was, live)
        found[variant.type] = found.get(variant.type, Span(0, 0)) + Span(counts.lowest, counts.highest)
    return found


def types(type: str) -> Iterator[str]:
    """The instance types that one name stands for: several where there are pools."""
    yield from type.split(_OR)


def quota(type: str) -> str:
    """The name of the Service Quota (SageMaker) that limits the instances of a type which serve endpoints."""
    return f"{type} for endpoint usage"
