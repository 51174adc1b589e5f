"""Rules on autoscaling: limits that make sense, and what it does to weights and names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slipway.spec.errors import Problem

if TYPE_CHECKING:
    from slipway.spec.rules import Subject


def scaling(s: Subject) -> Iterator[Problem]:
    """The scaling limits make sense."""
    scale = s.endpoint.scaling
    if scale is None:
        return
    path = (*s.path, "scaling")
    if scale.min > scale.max:
        yield Problem(
            (*path, "min"),
            f"the minimum of {scale.min} is above the maximum of {scale.max}: write `max: {scale.min}` or more, or "
            f"a lower `min`",
            others=((*path, "max"),),
        )
    seen: set[str] = set()
    for i, schedule in enumerate(scale.schedules):
        if schedule.min > schedule.max:
            yield Problem(
                (*path, "schedules", i, "min"),
                f"the minimum of {schedule.min} is above the maximum of {schedule.max}: write `max: {schedule.min}` "
                "or more, or a lower `min`",
                others=((*path, "schedules", i, "max"),),
            )
        if schedule.name in seen:
            yield Problem(
                (*path, "schedules", i, "name"),
                f"{schedule.name!r} stands twice: name each schedule otherwise",
            )
        seen.add(schedule.name)
    for where, _, hosting in s.hosts() if s.endpoint.components is None else ():
        count = hosting.instances
        if scale.lowest <= scale.highest and not scale.lowest <= count <= scale.highest:
            yield Problem(
                (*where, "instances"),
                f"{count} is outside the scaling limits of {scale.lowest} to {scale.highest}: autoscaling would "
                f"change it at once",
                "warning",
                ((*path, "min"), (*path, "max"), (*path, "schedules")),
            )


def live_weights(s: Subject) -> Iterator[Problem]:
    """What keeps the live instance counts through an update keeps the live weights too."""
    e = s.endpoint
    if e.scaling is not None and e.variants is not None and len(e.variants) > 1 and not e.deployment.apply_capacity:
        yield Problem(
            (*s.path, "variants"),
            "with `scaling` an update keeps the live weights along with the live instance counts, so a changed "
            "`weight` acts only at creation: set the weights of the live endpoint with `aws sagemaker "
            "update-endpoint-weights-and-capacities`, or write `deployment: {apply_capacity: true}`, which resets the "
            "instance counts too",
            "warning",
            ((*s.path, "scaling"), (*s.path, "deployment", "apply_capacity")),
        )
