"""Rules on alarms: those that end an update can, all watch metrics that are published, and no two share a name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from slipway.spec.alarms import (
    COMPONENT_LEVELS,
    ENDPOINT_LEVELS,
    LEVELS,
    MACHINE_LEVELS,
    REQUEST_LEVELS,
    ROLLBACK_LEVELS,
    Alarms,
)
from slipway.spec.base import Off
from slipway.spec.deployment import LONGEST_WAIT, MOST_ALARMS, AllAtOnce, Deployment, Guarded, RollbackAlarms
from slipway.spec.endpoint import rollback_levels
from slipway.spec.errors import Path, Problem, shown
from slipway.spec.scaling import CALLED
from slipway.spec.units import Duration, Percent
from slipway.spec.update_rules import Update, updates

if TYPE_CHECKING:
    from slipway.spec.rules import Subject

#: How often SageMaker publishes an endpoint's metrics (Developer Guide, "Metrics for monitoring Amazon SageMaker with
#: Amazon CloudWatch": "at a 1-minute frequency"). Between them a shorter period has no data (API:PutMetricAlarm).
PUBLISHED = Duration(60)
#: What stands between an endpoint's name and a variant's in the name of an alarm or in the id of a scaling policy, as
#: far as one of them ends with what another one is: ``gpu`` of ``memory-a`` is ``gpu_memory`` of ``a``.
AMBIGUOUS = ("invocations", "concurrency", "cpu", "gpu", "memory", "backlog")


def _intervals(s: Subject) -> tuple[Duration, Duration]:
    """How often the metrics of requests, and those of machines, are published (API:MetricsConfig)."""
    metrics = s.endpoint.metrics
    if metrics is None:
        return PUBLISHED, PUBLISHED
    return (metrics.every if metrics.enhanced else PUBLISHED), metrics.every


def rollback(s: Subject) -> Iterator[Problem]:
    """What guards an update can end it."""
    for update in updates(s):
        yield from _rollback(update, s)


def _rollback(update: Update, s: Subject) -> Iterator[Problem]:
    deployment = update.deployment
    path = (*update.path, "rollback_alarms")
    alarms = deployment.rollback_alarms
    if update.component is not None and isinstance(deployment, AllAtOnce):
        if alarms or deployment.termination_wait:
            yield Problem(
                update.path,
                "an update of components all at once has neither alarms nor waits, so nothing ends a bad one: write "
                "`strategy: rolling`, or `{strategy: all_at_once, rollback_alarms: off, termination_wait: 0s}` to say "
                "so",
                "warning",
            )
        return
    kept = rollback_levels(deployment, update.alarms, s.endpoint.mode)
    if isinstance(alarms, RollbackAlarms):
        yield from period((*path, "period"), alarms.period, alarms.evaluations)
        every, _ = _intervals(s)
        if kept:
            yield from _published((*path, "period"), alarms.period, every)
            yield from _window(path, alarms, deployment, every)
        for key in ("latency", "errors_5xx", "model_errors"):
            if getattr(alarms, key) and key not in ROLLBACK_LEVELS[s.endpoint.mode]:
                yield Problem(
                    (*path, key),
                    f"{CALLED[s.endpoint.mode]} publish no metric that `{key}` could watch: remove it",
                    others=s.decide_mode,
                )
        yield from _few(path, update, alarms, len(kept), s)
        yield from _unique(path, update, alarms, kept, s)
    if isinstance(deployment, Guarded) and not (isinstance(alarms, RollbackAlarms) and (kept or alarms.also)):
        yield Problem(
            path,
            f"{deployment.strategy} has nothing that would stop a bad model: leave `rollback_alarms` out (the "
            "defaults watch latency, 5XX and model errors), or use `strategy: all_at_once`",
        )


def _few(path: Path, update: Update, alarms: RollbackAlarms, kept: int, s: Subject) -> Iterator[Problem]:
    """A DeploymentConfig takes ten alarms."""
    count = kept * max(1, len(update.moved)) + len(alarms.also)
    if count <= MOST_ALARMS:
        return
    each = (
        f"{kept} alarms for each of {len(update.moved)} variants"
        if update.component is None
        else f"{kept} alarms of {update.moved[0].who.strip()}"
    )
    yield Problem(
        path,
        f"{each} and {len(alarms.also)} further ones are "
        f"{count} rollback alarms, at most {MOST_ALARMS} are allowed: turn one off (`latency: off`) or name "
        "fewer in `also`",
        others=((*s.path, "variants"), (*s.path, "alarms")),
    )


def _unique(path: Path, update: Update, alarms: RollbackAlarms, kept: Collection[str], s: Subject) -> Iterator[Problem]:
    """No alarm is named twice."""
    duplicate = {name for name in alarms.also if alarms.also.count(name) > 1}
    if duplicate:
        yield Problem(
            (*path, "also"),
            f"{', '.join(sorted(duplicate))} stands twice: the alarms must be unique",
        )
    own = set(_own_names(update, kept, s))
    for i, name in enumerate(alarms.also):
        if name in own:
            yield Problem(
                (*path, "also", i),
                f"{shown(name)} is one of the endpoint's own rollback alarms already, and they must be unique: "
                "leave it out",
                others=((*s.path, "variants"), ("team",), ("project",), (*path, "latency")),
            )


def _window(path: Path, alarms: RollbackAlarms, deployment: Deployment, every: Duration) -> Iterator[Problem]:
    bake, window = deployment.bake, alarms.window
    if window <= bake:
        return
    key = "termination_wait" if isinstance(deployment, AllAtOnce) else "wait"
    # No cure has a period without data.
    slowest = max(alarms.period, every)
    needed = Duration(slowest * alarms.evaluations)
    other = f"`period: {slowest}` and " if slowest != alarms.period else ""
    cures = [f"write {other}`{key}: {needed}` or longer"] if needed <= LONGEST_WAIT else []
    fitting = next((p for p in (slowest, every) if p <= bake), None)
    if fitting is not None:
        other = f"`period: {fitting}` and " if fitting != alarms.period else ""
        cures.append(f"write {other}`evaluations: {int(bake // fitting)}`")
    if isinstance(deployment, AllAtOnce):
        cures.append("write `rollback_alarms: off`")
    yield Problem(
        path,
        f"the alarms need {window} of bad data ({alarms.evaluations} × {alarms.period}) but the bake lasts {bake}, "
        f"so they cannot trip in time: {', or '.join(cures)}",
        others=((*path[:-1], key),),
    )


def _own_names(update: Update, kept: Collection[str], s: Subject) -> Iterator[str]:
    """Names of the update's own rollback alarms."""
    ends = [f"-{variant}" if len(s.endpoint.fleet) > 1 else "" for variant in s.endpoint.fleet]
    for end in ends if update.component is None else [f"--{update.component}"]:
        for key in kept:
            yield s.environment.names.alarm(s.name, f"rollback-{key.replace('_', '-')}{end}")


def _published(path: Path, period: Duration, every: Duration) -> Iterator[Problem]:
    if period < every:
        how_often = "once a minute" if every == PUBLISHED else f"every {every} (`metrics.every`)"
        yield Problem(
            path,
            f"SageMaker publishes these metrics {how_often}, so most datapoints of {period} hold nothing and the "
            f"alarm may never trip: write {every} or longer",
            "warning",
        )


def period(path: Path, period: Duration, evaluations: int) -> Iterator[Problem]:
    """Hold an alarm's period against what CloudWatch knows.

    Parameters
    ----------
    path
        The period's key.
    period, evaluations
        Length and number of the datapoints.

    Yields
    ------
    Problem
        What is wrong.
    """
    if float(period) not in (10.0, 20.0, 30.0) and period % 60:
        yield Problem(
            path,
            f"{period} is no period that CloudWatch knows: write whole minutes, such as 1m",
        )
    longest = Duration(604800 if period >= 3600 else 86400)
    if period * evaluations > longest:
        yield Problem(
            path,
            f"{evaluations} × {period} is longer than CloudWatch looks back ({longest}): write `evaluations: "
            f"{int(longest // period)}` or fewer",
        )


def operating(s: Subject) -> Iterator[Problem]:
    """The operating alarms' periods are CloudWatch's, and each level has a metric."""
    mode, e = s.endpoint.mode, s.endpoint
    below: tuple[str, ...] = COMPONENT_LEVELS if mode == "components" else ()
    yield from _operating(s.path, e.alarms, (*LEVELS[mode], *ENDPOINT_LEVELS.get(mode, ()), *below), s)
    for name, component in (e.components or {}).items():
        if component.alarms is not None:
            yield from _operating((*s.path, "components", name), component.alarms, COMPONENT_LEVELS, s)


def _operating(path: Path, alarms: Alarms | Off, known: Collection[str], s: Subject) -> Iterator[Problem]:
    if not alarms:
        return
    at, mode, default = (*path, "alarms"), s.endpoint.mode, Alarms()
    yield from period((*at, "period"), alarms.period, alarms.evaluations)
    yield from _published((*at, "period"), alarms.period, max(_intervals(s)))
    keys = s.decide_mode
    for key in (*REQUEST_LEVELS, *MACHINE_LEVELS, "concurrency", "backlog", "age", "failures"):
        level = getattr(alarms, key)
        if level is False:
            continue
        # The defaults are for all modes; only what somebody asked for is refused.
        if key not in known and level != getattr(default, key):
            yield Problem(
                (*at, key),
                f"{CALLED[mode]} publish no metric that `{key}` could watch: remove it",
                others=keys,
            )
        elif mode == "components" and key in ("cpu", "gpu", "gpu_memory") and not isinstance(level, Percent):
            yield Problem(
                (*at, key),
                f"{level:g} is never exceeded: the metric of an inference component is a share of what a copy is "
                f"given; write one, such as `{key}: 80%`",
                others=keys,
            )


def variant_names(s: Subject) -> Iterator[Problem]:
    """No two variants' alarms or scaling policies have the same name."""
    fleet = {name.lower(): name for name in s.endpoint.variants or {}}
    for lowered, name in fleet.items():
        for prefix in AMBIGUOUS:
            other = fleet.get(lowered.removeprefix(f"{prefix}-"))
            if lowered.startswith(f"{prefix}-") and other is not None:
                yield Problem(
                    (*s.path, "variants", name),
                    f"beside {other!r} the name {name!r} is ambiguous: alarms and scaling policies are named after a "
                    f"metric and a variant, and {prefix!r} is part of a metric's name; name it otherwise, such as "
                    f"'{other}-{prefix}'",
                    of_name=True,
                )
