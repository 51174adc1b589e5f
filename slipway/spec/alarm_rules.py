"""Rules on alarms: those that end an update can, all have periods with data, and no two share a name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slipway.spec.deployment import LONGEST_WAIT, MOST_ALARMS, AllAtOnce, Guarded, RollbackAlarms
from slipway.spec.errors import Path, Problem, shown
from slipway.spec.units import Duration

if TYPE_CHECKING:
    from slipway.spec.rules import Subject

#: How often SageMaker publishes an endpoint's metrics (Developer Guide, "Metrics for monitoring Amazon SageMaker with
#: Amazon CloudWatch": "at a 1-minute frequency"). Between them a shorter period has no data (API:PutMetricAlarm).
PUBLISHED = Duration(60)
#: What stands between an endpoint's name and a variant's in the name of an alarm or in the id of a scaling policy, as
#: far as one of them ends with what another one is: ``gpu`` of ``memory-a`` is ``gpu_memory`` of ``a``.
AMBIGUOUS = ("invocations", "concurrency", "cpu", "gpu", "memory", "backlog")


def rollback(s: Subject) -> Iterator[Problem]:
    """What guards an update can end it."""
    e = s.endpoint
    deployment = e.deployment
    path = (*s.path, "deployment", "rollback_alarms")
    alarms = deployment.rollback_alarms
    if isinstance(alarms, RollbackAlarms):
        yield from period((*path, "period"), alarms.period, alarms.evaluations)
        if e.rollback_levels:
            yield from _published((*path, "period"), alarms.period)
        yield from _window(path, alarms, s)
        kept = e.rollback_levels
        count = len(kept) * max(1, len(e.fleet)) + len(alarms.also)
        if count > MOST_ALARMS:
            yield Problem(
                path,
                f"{len(kept)} alarms for each of {len(e.fleet)} variants and {len(alarms.also)} further ones are "
                f"{count} rollback alarms, at most {MOST_ALARMS} are allowed: turn one off (`latency: off`) or name "
                "fewer in `also`",
                others=((*s.path, "variants"), (*s.path, "alarms")),
            )
        duplicate = {name for name in alarms.also if alarms.also.count(name) > 1}
        if duplicate:
            yield Problem(
                (*path, "also"),
                f"{', '.join(sorted(duplicate))} stands twice: the alarms must be unique",
            )
        own = set(_rollback_names(s))
        for i, name in enumerate(alarms.also):
            if name in own:
                yield Problem(
                    (*path, "also", i),
                    f"{shown(name)} is one of the endpoint's own rollback alarms already, and they must be unique: "
                    "leave it out",
                    others=((*s.path, "variants"), ("team",), ("project",), (*path, "latency")),
                )
    if isinstance(deployment, Guarded) and not (
        isinstance(alarms, RollbackAlarms) and (e.rollback_levels or alarms.also)
    ):
        yield Problem(
            path,
            f"{deployment.strategy} has nothing that would stop a bad model: leave `rollback_alarms` out (the "
            "defaults watch latency, 5XX and model errors), or use `strategy: all_at_once`",
        )


def _window(path: Path, alarms: RollbackAlarms, s: Subject) -> Iterator[Problem]:
    bake, window = s.endpoint.deployment.bake, alarms.window
    if window <= bake or not s.endpoint.rollback_levels:
        return
    key = "termination_wait" if isinstance(s.endpoint.deployment, AllAtOnce) else "wait"
    # No cure has a period without data.
    slowest = max(alarms.period, PUBLISHED)
    needed = Duration(slowest * alarms.evaluations)
    other = f"`period: {slowest}` and " if slowest != alarms.period else ""
    cures = [f"write {other}`{key}: {needed}` or longer"] if needed <= LONGEST_WAIT else []
    fitting = next((p for p in (slowest, PUBLISHED) if p <= bake), None)
    if fitting is not None:
        other = f"`period: {fitting}` and " if fitting != alarms.period else ""
        cures.append(f"write {other}`evaluations: {int(bake // fitting)}`")
    if isinstance(s.endpoint.deployment, AllAtOnce):
        cures.append("write `rollback_alarms: off`")
    yield Problem(
        path,
        f"the alarms need {window} of bad data ({alarms.evaluations} × {alarms.period}) but the bake lasts {bake}, "
        f"so they cannot trip in time: {', or '.join(cures)}",
        others=((*s.path, "deployment", key),),
    )


def _rollback_names(s: Subject) -> Iterator[str]:
    """Names of the endpoint's own rollback alarms."""
    for variant in s.endpoint.fleet:
        for key in s.endpoint.rollback_levels:
            what = f"rollback-{key.replace('_', '-')}"
            suffix = f"-{variant}" if len(s.endpoint.fleet) > 1 else ""
            yield s.environment.names.alarm(s.name, what + suffix)


def _published(path: Path, period: Duration) -> Iterator[Problem]:
    if period < PUBLISHED:
        yield Problem(
            path,
            f"SageMaker publishes these metrics once a minute, so most datapoints of {period} hold nothing and the "
            f"alarm may never trip: write {PUBLISHED} or longer",
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
    """The operating alarms' periods are CloudWatch's."""
    if s.endpoint.alarms:
        yield from period((*s.path, "alarms", "period"), s.endpoint.alarms.period, s.endpoint.alarms.evaluations)
        yield from _published((*s.path, "alarms", "period"), s.endpoint.alarms.period)


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
