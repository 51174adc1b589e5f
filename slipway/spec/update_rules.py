"""Rules on updates: sizes that fit every live fleet, and times that suffice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.spec.alarms import Alarms
from slipway.spec.base import Off
from slipway.spec.deployment import LONGEST_TIMEOUT, Deployment, Fleet, Guarded, Rolling, SizeLimit
from slipway.spec.endpoint import GUARDABLE
from slipway.spec.errors import Path, Problem
from slipway.spec.units import Percent

if TYPE_CHECKING:
    from slipway.spec.rules import Subject

#: With one instance no part of the fleet can go first.
FEWEST = 2
#: API:RollingUpdatePolicy, RollbackMaximumBatchSize.
ROLLBACK = SizeLimit("rollback_batch", 5, 100)


@dataclass(frozen=True)
class Moved:
    """What an update moves in parts: the instances of a variant, or the copies of a component.

    Attributes
    ----------
    who
        Which of several, for messages; empty for the only one.
    fleet
        The counts that can be live.
    decided_by
        Keys that decide these.
    """

    who: str
    fleet: Fleet
    decided_by: tuple[Path, ...]


@dataclass(frozen=True)
class Update:
    """An update that the service makes in one go: of all variants of an endpoint, or of one component.

    Attributes
    ----------
    path
        The mapping that says how.
    deployment
        How.
    alarms
        The operating alarms, whose levels the rollback alarms have by default.
    moved
        What is moved.
    component
        The component's name.
    """

    path: Path
    deployment: Deployment
    alarms: Alarms | Off
    moved: tuple[Moved, ...]
    component: str | None = None

    @property
    def unit(self) -> str:
        """What sizes count."""
        return "instances" if self.component is None else "copies"

    @property
    def fleet(self) -> Fleet:
        """From the fewest that any of them can have to the most: one size has to fit them all."""
        fleets = [moved.fleet for moved in self.moved] or [Fleet(0, 0)]
        return Fleet(min(f.lowest for f in fleets), max(f.highest for f in fleets))

    @property
    def keys(self) -> tuple[Path, ...]:
        """Keys that decide how many can be live."""
        return tuple(key for moved in self.moved for key in moved.decided_by)


def updates(s: Subject) -> Iterator[Update]:
    """Say which updates an endpoint knows; a serverless one knows none.

    Parameters
    ----------
    s
        The endpoint.

    Yields
    ------
    Update
        The endpoint's, or one for each of its components.
    """
    e = s.endpoint
    path = (*s.path, "deployment")
    limits = ("min", "max", "schedules")
    if e.mode in GUARDABLE:
        moved = [
            Moved(
                f"variant {name!r} " if len(e.fleet) > 1 else "",
                e.live(member),
                ((*at, "hosting", "instances"), *((*s.path, "scaling", key) for key in limits)),
            )
            for at, name, member in s.variants()
        ]
        yield Update(path, e.deployment, e.alarms, tuple(moved))
    for name, component in (e.components or {}).items():
        own = (*s.path, "components", name)
        scaled = own if component.scaling is not None else s.path
        keys = ((*own, "copies"), (*own, "scaling"), *((*scaled, "scaling", key) for key in limits))
        one = Moved(f"component {name!r} ", e.copies_of(component), keys)
        at = path if component.deployment is None else (*own, "deployment")
        yield Update(at, e.deployment_of(component), e.alarms_of(component), (one,), name)


def update_sizes(s: Subject) -> Iterator[Problem]:
    """A stage's size fits every count that can be live."""
    for update in updates(s):
        deployment, path = update.deployment, update.path
        if not isinstance(deployment, Guarded) or not update.moved:
            continue
        if update.component is not None and not isinstance(deployment, Rolling):
            yield Problem(
                (*path, "strategy"),
                "inference components know rolling updates only (API:InferenceComponentDeploymentConfig): write "
                "`strategy: rolling`, or `strategy: all_at_once`",
                others=((*s.path, "components"),) if path == (*s.path, "deployment") else (),
            )
            continue
        if isinstance(deployment, Rolling) and len(update.moved) > 1:
            yield Problem(
                (*path, "strategy"),
                "rolling updates exclude endpoints with several variants: use canary, linear or all_at_once, or host "
                "one variant",
            )
        yield from _first(update, deployment, s)
        if isinstance(deployment, Rolling) and deployment.rollback_batch is not None:
            at = (*path, "rollback_batch")
            yield from _share(at, deployment.rollback_batch, ROLLBACK, update)
            yield from _size(at, deployment.rollback_batch, ROLLBACK, update.fleet, update)


def _first(update: Update, deployment: Guarded, s: Subject) -> Iterator[Problem]:
    """The size of a batch, a canary or a step."""
    path, key = update.path, deployment.limit.key
    given = getattr(deployment, key)
    if given is not None:
        yield from _share((*path, key), given, deployment.limit, update)
    for moved in update.moved:
        if moved.fleet.lowest > moved.fleet.highest:
            continue
        if update.component is None and moved.fleet.lowest < FEWEST:
            source = "scaling.min" if s.endpoint.scaling is not None else "hosting.instances"
            count = f"{moved.fleet.lowest} instance{'' if moved.fleet.lowest == 1 else 's'}"
            yield Problem(
                (*path, "strategy"),
                f"{deployment.strategy} moves a fleet in parts, and {moved.who}can have {count} ({source}): "
                f"have at least {FEWEST}, or use `strategy: all_at_once`",
                others=moved.decided_by,
            )
        elif given is not None:
            yield from _size((*path, key), given, deployment.limit, moved.fleet, update)
    fleet = update.fleet
    countable = update.component is not None or fleet.lowest >= FEWEST
    if given is None and countable and fleet.lowest <= fleet.highest:
        size = deployment.size_for(fleet)
        if isinstance(size, Percent):
            one = update.component is not None and fleet.lowest == fleet.highest
            yield Problem(
                (*path, key),
                f"no number of {update.unit} fits every {_counts(fleet, update)}, so {size} is used; how SageMaker "
                f"rounds it is not documented: {f'run at least {FEWEST}' if one else 'narrow the scaling limits'} to "
                "be sure",
                "warning",
                update.keys,
            )


def _counts(fleet: Fleet | int, update: Update) -> str:
    """The counts in the words of what is counted."""
    if update.component is None:
        return f"fleet of {fleet}"
    return f"count of {fleet} for {update.moved[0].who.strip()}"


def _cure(limit: SizeLimit, update: Update) -> str:
    allowed = limit.allowed(update.fleet)
    if not allowed:
        return f"write a percentage between {limit.least or 1:g}% and {limit.most:g}%"
    last = allowed.stop - 1
    return f"write {allowed.start}{f' to {last}' if last > allowed.start else ''} ({update.unit})"


def _allowed_share(limit: SizeLimit) -> str:
    return f"{limit.least:g}% to {limit.most:g}%" if limit.least else f"at most {limit.most:g}%"


def _share(path: Path, size: int | Percent, limit: SizeLimit, update: Update) -> Iterator[Problem]:
    """A share is within the service's limits, whatever the fleet."""
    if isinstance(size, Percent) and (size <= 0 or not limit.least <= size <= limit.most):
        strategy = update.deployment.strategy
        yield Problem(
            path,
            f"{size} is out of range for {strategy}: {_allowed_share(limit)} of the {update.unit}; "
            f"{_cure(limit, update)}",
        )


def _size(path: Path, size: int | Percent, limit: SizeLimit, fleet: Fleet, update: Update) -> Iterator[Problem]:
    """A size fits every count that a fleet can have."""
    if isinstance(size, Percent):
        if limit.least <= size <= limit.most and any(size * count % 100 for count in fleet.counts):
            yield Problem(
                path,
                f"{size} of {fleet} {update.unit} is not always a whole number, and how SageMaker rounds is not "
                f"documented: {_cure(limit, update)}",
                "warning",
                update.keys,
            )
        return
    misfits = [count for count in fleet.counts if not limit.fits(size, count)]
    if misfits:
        reached = "autoscaling can reach" if fleet.lowest < fleet.highest else "is what runs"
        where = (
            f"a fleet of {misfits[0]} instances, which"
            if update.component is None
            else f"{misfits[0]} {'copy' if misfits[0] == 1 else 'copies'} of {update.moved[0].who.strip()}, which"
        )
        yield Problem(
            path,
            f"{size} does not fit {where} {reached}: {update.deployment.strategy} "
            f"takes {_allowed_share(limit)} of them; {_cure(limit, update)}",
            others=update.keys,
        )


def update_times(s: Subject) -> Iterator[Problem]:
    """The update can end within its maximum time."""
    for update in updates(s):
        deployment, fleet = update.deployment, update.fleet
        fewest = FEWEST if isinstance(deployment, Guarded) else 1
        if update.component is not None:
            # All at once, components have no policy and so no times; with no copy there is nothing to wait for.
            if not isinstance(deployment, Rolling):
                continue
            fewest = 0
        if not fewest <= fleet.lowest <= fleet.highest or fleet.highest < 1:
            continue
        yield from _times(update)


def _times(update: Update) -> Iterator[Problem]:
    deployment, fleet, path = update.deployment, update.fleet, update.path
    waits = deployment.waits(fleet)
    keys = (
        *((*path, key) for key in ("wait", "termination_wait", "batch", "step", "size")),
        *update.keys,
    )
    if waits >= LONGEST_TIMEOUT:
        yield Problem(
            (*path, "wait"),
            f"the waits add up to {waits}, and an update may take at most {LONGEST_TIMEOUT}: wait less or move more "
            f"at once",
            others=keys,
        )
    elif deployment.timeout is not None and deployment.timeout <= waits:
        longer = deployment.model_copy(update={"timeout": None}).timeout_for(fleet)
        yield Problem(
            (*path, "timeout"),
            f"{deployment.timeout} is no longer than the update's own waits of {waits}, so every update would be "
            f"rolled back: write {longer}, or leave it out and it is derived",
            others=keys,
        )
