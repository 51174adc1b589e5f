"""Rules on updates: sizes that fit every live fleet, and times that suffice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slipway.spec.deployment import LONGEST_TIMEOUT, Fleet, Guarded, Rolling, SizeLimit
from slipway.spec.endpoint import GUARDABLE
from slipway.spec.errors import Path, Problem
from slipway.spec.units import Percent

if TYPE_CHECKING:
    from slipway.spec.rules import Subject

#: With one instance no part of the fleet can go first.
FEWEST = 2
#: API:RollingUpdatePolicy, RollbackMaximumBatchSize.
ROLLBACK = SizeLimit("rollback_batch", 5, 100)


def _fleet_keys(s: Subject) -> tuple[Path, ...]:
    """Keys that decide how many instances can be live."""
    hosting = ((*path, "hosting", "instances") for path, _, _ in s.variants())
    return (*hosting, *((*s.path, "scaling", key) for key in ("min", "max", "schedules")))


def update_sizes(s: Subject) -> Iterator[Problem]:
    """A stage's size fits every instance count that can be live."""
    deployment = s.endpoint.deployment
    path = (*s.path, "deployment")
    if not isinstance(deployment, Guarded) or s.endpoint.mode not in GUARDABLE:
        return
    if isinstance(deployment, Rolling) and len(s.endpoint.fleet) > 1:
        yield Problem(
            (*path, "strategy"),
            "rolling updates exclude endpoints with several variants: use canary, linear or all_at_once, or host "
            "one variant",
        )
    key = deployment.limit.key
    given = getattr(deployment, key)
    if given is not None:
        yield from _share((*path, key), given, deployment.limit, s)
    for at, name, variant in s.variants():
        fleet = s.endpoint.live(variant)
        if fleet.lowest > fleet.highest:
            continue
        if fleet.lowest < FEWEST:
            who = f"variant {name!r} " if len(s.endpoint.fleet) > 1 else ""
            source = "scaling.min" if s.endpoint.scaling is not None else "hosting.instances"
            yield Problem(
                (*path, "strategy"),
                f"{deployment.strategy} moves a fleet in parts, and {who}can have 1 instance ({source}): "
                f"have at least {FEWEST}, or use `strategy: all_at_once`",
                others=(*_fleet_keys(s), (*at, "hosting")),
            )
        elif given is not None:
            yield from _size((*path, key), given, deployment.limit, fleet, s)
    fleet = s.endpoint.live_fleet
    if given is None and FEWEST <= fleet.lowest <= fleet.highest and isinstance(deployment.size_for(fleet), Percent):
        yield Problem(
            (*path, key),
            f"no number of instances fits every fleet of {fleet}, so {deployment.size_for(fleet)} is used; how "
            "SageMaker rounds it is not documented: narrow the scaling limits to be sure",
            "warning",
            _fleet_keys(s),
        )
    if isinstance(deployment, Rolling) and deployment.rollback_batch is not None:
        yield from _share((*path, "rollback_batch"), deployment.rollback_batch, ROLLBACK, s)
        yield from _size((*path, "rollback_batch"), deployment.rollback_batch, ROLLBACK, fleet, s)


def _cure(limit: SizeLimit, s: Subject) -> str:
    allowed = limit.allowed(s.endpoint.live_fleet)
    if not allowed:
        return f"write a percentage between {limit.least or 1:g}% and {limit.most:g}%"
    last = allowed.stop - 1
    return f"write {allowed.start}{f' to {last}' if last > allowed.start else ''} (instances)"


def _allowed_share(limit: SizeLimit) -> str:
    return f"{limit.least:g}% to {limit.most:g}%" if limit.least else f"at most {limit.most:g}%"


def _share(path: Path, size: int | Percent, limit: SizeLimit, s: Subject) -> Iterator[Problem]:
    """A share is within the service's limits, whatever the fleet."""
    if isinstance(size, Percent) and (size <= 0 or not limit.least <= size <= limit.most):
        strategy = s.endpoint.deployment.strategy
        yield Problem(
            path,
            f"{size} is out of range for {strategy}: {_allowed_share(limit)} of the instances; {_cure(limit, s)}",
        )


def _size(path: Path, size: int | Percent, limit: SizeLimit, fleet: Fleet, s: Subject) -> Iterator[Problem]:
    """A size fits every count that a fleet can have."""
    if isinstance(size, Percent):
        if limit.least <= size <= limit.most and any(size * count % 100 for count in fleet.counts):
            yield Problem(
                path,
                f"{size} of {fleet} instances is not always a whole number, and how SageMaker rounds is not "
                f"documented: {_cure(limit, s)}",
                "warning",
                _fleet_keys(s),
            )
        return
    misfits = [count for count in fleet.counts if not limit.fits(size, count)]
    if misfits:
        reached = "autoscaling can reach" if fleet.lowest < fleet.highest else "is what runs"
        yield Problem(
            path,
            f"{size} does not fit a fleet of {misfits[0]} instances, which {reached}: {s.endpoint.deployment.strategy} "
            f"takes {_allowed_share(limit)} of them; {_cure(limit, s)}",
            others=_fleet_keys(s),
        )


def update_times(s: Subject) -> Iterator[Problem]:
    """The update can end within its maximum time."""
    deployment = s.endpoint.deployment
    fleet = s.endpoint.live_fleet
    if s.endpoint.mode not in GUARDABLE:
        return
    if not (FEWEST if isinstance(deployment, Guarded) else 1) <= fleet.lowest <= fleet.highest:
        return
    path = (*s.path, "deployment")
    waits = deployment.waits(fleet)
    keys = (
        *((*path, key) for key in ("wait", "termination_wait", "batch", "step", "size")),
        *_fleet_keys(s),
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
