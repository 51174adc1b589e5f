"""Rules on autoscaling: limits that make sense, metrics that the hosting mode has, and what it does to weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.spec import instances
from slipway.spec.endpoint import GUARDABLE, SHADOW
from slipway.spec.errors import Path, Problem
from slipway.spec.hosting import Hosting, ServerlessHosting
from slipway.spec.scaling import CALLED, STEPS, TARGETS, Scaling, Step
from slipway.spec.units import Duration, Percent

if TYPE_CHECKING:
    from slipway.spec.rules import Subject

#: Every target that there is in some mode.
_KEYS = tuple(dict.fromkeys(key for keys in TARGETS.values() for key in keys))
#: Modes that Application Auto Scaling lets vanish: an asynchronous endpoint's queue waits, a component starts again.
_TO_ZERO = ("asynchronous", "components")
#: What a step's level is, by its metric.
_LEVELS: dict[str, tuple[type, str, str]] = {
    "cpu": (Percent, "a share of the machine", "80%"),
    "gpu": (Percent, "a share of the machine", "80%"),
    "memory": (Percent, "a share of the machine", "80%"),
    "latency": (Duration, "a latency", "500ms"),
    "backlog": (float, "a number of waiting requests", "100"),
}


@dataclass(frozen=True)
class Scaled:
    """What is scaled by one declaration.

    Attributes
    ----------
    path
        Where it stands.
    scaling
        The declaration.
    components
        Components that go by it.
    """

    path: Path
    scaling: Scaling
    components: tuple[str, ...] = ()


def scaled(s: Subject) -> Iterator[Scaled]:
    """Say by which declarations an endpoint is scaled: its own, or those of its components.

    Parameters
    ----------
    s
        The endpoint.

    Yields
    ------
    Scaled
        Each declaration once.
    """
    e = s.endpoint
    components = e.components or {}
    inherited = tuple(name for name, component in components.items() if component.scaling is None)
    if e.scaling is not None and (inherited or e.components is None):
        yield Scaled((*s.path, "scaling"), e.scaling, inherited)
    for name, component in components.items():
        if component.scaling:
            yield Scaled((*s.path, "components", name, "scaling"), component.scaling, (name,))


def scaling(s: Subject) -> Iterator[Problem]:
    """The scaling limits make sense, and what is scaled is between them."""
    for one in scaled(s):
        yield from _limits(one, s)
        yield from _live(one, s)


def _limits(declared: Scaled, s: Subject) -> Iterator[Problem]:
    scale, path = declared.scaling, declared.path
    mode = s.endpoint.mode
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
    keys = s.decide_mode
    limits = ((path, scale.min), *(((*path, "schedules", i), one.min) for i, one in enumerate(scale.schedules)))
    for at, least in limits:
        if least == 0 and mode not in _TO_ZERO:
            yield Problem(
                (*at, "min"),
                f"0 is below what Application Auto Scaling takes for {CALLED[mode]}, which is 1: only asynchronous "
                "endpoints and inference components can go down to none; write 1 or more",
                others=keys,
            )
    if scale.highest == 0:
        yield Problem((*path, "max"), "0 means that nothing ever runs: write 1 or more")


def _live(one: Scaled, s: Subject) -> Iterator[Problem]:
    """What the config starts with is between the limits."""
    scale, path = one.scaling, one.path
    if scale.lowest > scale.highest:
        return
    counts: list[tuple[Path, int | None]] = [
        ((*s.path, "components", name, "copies"), (s.endpoint.components or {})[name].copies) for name in one.components
    ]
    for at, _, member in s.variants() if s.endpoint.components is None else ():
        hosting = member.hosting
        if isinstance(hosting, Hosting):
            counts.append(((*at, "hosting", "instances"), hosting.instances))
        else:
            yield from _provisioned((*at, "hosting", "serverless"), hosting, one)
            counts.append(((*at, "hosting", "serverless", "provisioned"), hosting.serverless.provisioned))
    for key, count in counts:
        if count is not None and not scale.lowest <= count <= scale.highest:
            yield Problem(
                key,
                f"{count} is outside the scaling limits of {scale.lowest} to {scale.highest}: autoscaling would "
                f"change it at once",
                "warning",
                ((*path, "min"), (*path, "max"), (*path, "schedules")),
            )


def _provisioned(at: Path, hosting: ServerlessHosting, one: Scaled) -> Iterator[Problem]:
    """Of a serverless endpoint, its provisioned concurrency is scaled."""
    declared = hosting.serverless
    if declared.provisioned is None:
        yield Problem(
            one.path,
            "scales the provisioned concurrency of a serverless endpoint, and there is none: write `provisioned: "
            f"{max(1, one.scaling.min)}` under `serverless`, or remove `scaling`",
            others=((*at, "provisioned"),),
        )
    elif one.scaling.highest > declared.concurrency:
        yield Problem(
            (*one.path, "max"),
            f"{one.scaling.highest} kept warm are more than the `concurrency` of {declared.concurrency} "
            f"(API:ServerlessProvisionedConcurrency): write {declared.concurrency} or less, or more `concurrency`",
            others=((*at, "concurrency"), (*one.path, "schedules")),
        )


def tracked(s: Subject) -> Iterator[Problem]:
    """Targets and steps look at what the hosting mode publishes, in its unit."""
    mode = s.endpoint.mode
    keys = s.decide_mode
    for one in scaled(s):
        for key in _KEYS:
            if key not in TARGETS[mode] and getattr(one.scaling, key) is not None:
                yield Problem(
                    (*one.path, key),
                    f"{CALLED[mode]} cannot be scaled on `{key}`: write {_either(TARGETS[mode])}",
                    others=keys,
                )
        for i, step in enumerate(one.scaling.steps):
            at = (*one.path, "steps", i)
            if step.metric not in STEPS[mode]:
                yield Problem(
                    (*at, "metric"),
                    f"{CALLED[mode]} have no `{step.metric}` to look at: write {_either(STEPS[mode])}",
                    others=keys,
                )
                continue
            kind, what, example = _LEVELS[step.metric]
            if not _is(step, kind):
                yield Problem(
                    (*at, "above"),
                    f"{_level(step.above)} is not {what}, which is what `{step.metric}` is: write it like {example}",
                    others=((*at, "metric"),),
                )
            if any(step.metric == other.metric and step.above == other.above for other in one.scaling.steps[:i]):
                yield Problem((*at, "above"), f"{step.metric} above {_level(step.above)} stands twice: keep one")
            yield from _machine(at, step, s)


def _either(keys: tuple[str, ...]) -> str:
    return " or ".join(f"`{key}`" for key in keys)


def _is(step: Step, kind: type) -> bool:
    if kind is float:
        return not isinstance(step.above, Percent | Duration)
    if kind is Percent and isinstance(step.above, Percent):
        return bool(1 <= step.above < 100)
    return isinstance(step.above, kind) and step.above > 0


def _level(level: float) -> str:
    """Write a step's level as the config has it."""
    return str(level) if isinstance(level, Percent | Duration) else f"{level:g}"


def _machine(at: Path, step: Step, s: Subject) -> Iterator[Problem]:
    """A share of a machine's cores or GPUs needs to know how many there are; a copy's share does not."""
    for key, name in s.types() if step.metric in ("cpu", "gpu") else ():
        machine = instances.lookup(name)
        if machine is None and s.endpoint.components is None:
            yield Problem(
                (*at, "metric"),
                f"how many cores and GPUs {name} has is not in the table: look at `latency` or `memory`",
                others=(key,),
            )
        elif machine is not None and step.metric == "gpu" and not machine.gpus:
            yield Problem((*at, "metric"), f"{name} has no GPU: look at `cpu` or `latency`", others=(key,))


def live_weights(s: Subject) -> Iterator[Problem]:
    """Keeping only one of live counts and live weights through an update is documented for updates only."""
    e = s.endpoint
    deployment = e.deployment
    # The weight of a shadow variant is its share.
    if e.scaling is None or len(e.fleet) + len(e.shadows) < 2 or e.mode not in GUARDABLE:
        return
    if deployment.apply_weights == deployment.apply_capacity:
        return
    key = "apply_weights" if deployment.apply_weights else "apply_capacity"
    what = "weights" if deployment.apply_weights else "instance counts"
    yield Problem(
        (*s.path, "shadow" if e.shadows else "variants"),
        f"with `scaling` an update sets the {what} by ExcludeRetainedVariantProperties, which AWS documents for "
        f"updates only: if the first creation refuses it, write `deployment: {{{key}: false}}` until it is done",
        "warning",
        ((*s.path, "scaling"), (*s.path, "deployment", "apply_weights"), (*s.path, "deployment", "apply_capacity")),
    )


def burstable(s: Subject) -> Iterator[Problem]:
    """Application Auto Scaling refuses the instances of T types; copies of components are another matter."""
    if s.endpoint.scaling is None or s.endpoint.components is not None:
        return
    for at, kind in s.types():
        # A shadow variant is not scaled.
        if instances.is_burstable(kind) and at[: len(s.path) + 1] != (*s.path, SHADOW):
            yield Problem(
                (*s.path, "scaling"),
                f"{kind} is burstable, and autoscaling refuses T types: remove `scaling` (`scaling: null`) or host on "
                "another type, such as ml.m5.large",
                others=(at,),
            )
