"""What a matrix of rehearsals shows: the gaps of the alarms, in words for people."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from slipway.rehearsal.faults import HEALTHY_RUN
from slipway.rehearsal.findings import Finding
from slipway.rehearsal.rehearsal import Rehearsal, Trip, Verdict
from slipway.rehearsal.target import Target
from slipway.rehearsal.words import minutes, number
from slipway.rollout.alarm import MetricAlarm
from slipway.rollout.stages import BAKES
from slipway.rollout.strategies import effective

_5XX = ("Invocation5XXErrors", "InvocationModelErrors")
#: What a fault shows in, for the fleets that publish it.
_SHOWS_IN: Mapping[str, tuple[str, ...]] = {
    "latency-step": ("ModelLatency",),
    "latency-ramp": ("ModelLatency",),
    "errors-5xx": _5XX,
    "errors-4xx": ("InvocationModelErrors", "Invocation4XXErrors"),
    "crash": _5XX,
    "memory-leak": _5XX,
    "gpu-oom": _5XX,
    "cold-start": ("ModelLatency",),
    "no-traffic": _5XX,
}


def gaps(rehearsals: Sequence[Rehearsal], checked: Sequence[Finding]) -> tuple[Finding, ...]:
    """What the alarms of a target get wrong.

    Parameters
    ----------
    rehearsals
        Its matrix, or part of it.
    checked
        What was found before.

    Returns
    -------
    tuple of Finding
        What was found before, with what the rehearsals add to it, and what they alone show.
    """
    found = list(_checked(rehearsals, checked))
    known = {(finding.code, finding.alarm) for finding in found}
    for rehearsal in rehearsals:
        if rehearsal.fault == HEALTHY_RUN:
            found += _healthy(rehearsal, known)
        elif rehearsal.verdict is Verdict.FALSE_ALARM:
            found += _cure(rehearsal, known)
    return tuple(found)


def missed(target: Target, rehearsals: Sequence[Rehearsal], silent: Collection[str] = ()) -> tuple[Finding, ...]:
    """What the alarms of a target miss.

    Parameters
    ----------
    target
        What was rehearsed.
    rehearsals
        Its matrix, or part of it.
    silent
        Alarms that never have data.

    Returns
    -------
    tuple of Finding
        One for each fault that ended no update; one for all where nothing can end it.
    """
    sick = [rehearsal for rehearsal in rehearsals if rehearsal.verdict in (Verdict.TOLD, Verdict.UNNOTICED)]
    if target.rollback_names or not sick:
        return tuple(_slipped(rehearsal, silent) for rehearsal in sick)
    return (_unguarded(target, sick),)


def _checked(rehearsals: Sequence[Rehearsal], checked: Sequence[Finding]) -> Iterator[Finding]:
    """What was found before, with the rehearsals that prove it."""
    for finding in checked:
        proof = ""
        for rehearsal in rehearsals:
            ended = rehearsal.ended_by
            if ended is None or ended.alarm != finding.alarm:
                continue
            if rehearsal.fault == HEALTHY_RUN and finding.code in ("microseconds", "per-core"):
                proof = f" It ends every update, {minutes(ended.at)} after its start, however good the model is."
            if finding.code == "both-fleets" and rehearsal.fault.side == "old":
                proof = f" In the rehearsal the cure is rolled back, {minutes(ended.at)} after the update began."
            if proof:
                yield replace(finding, text=finding.text + proof, faults=(rehearsal.fault.name,))
                break
        if not proof:
            yield finding


def _healthy(rehearsal: Rehearsal, known: set[tuple[str, str]]) -> Iterator[Finding]:
    rollout = rehearsal.rollout
    if rehearsal.verdict is Verdict.FALSE_ALARM and rehearsal.ended_by is None:
        yield Finding(
            "timeout",
            f"Every update times out: it takes {minutes(rehearsal.intended.duration)}, and "
            f"MaximumExecutionTimeoutInSeconds ends it after {minutes(rollout.ending.at if rollout.ending else 0)} and "
            f"rolls it back. Write more than {rehearsal.intended.duration:g}.",
            faults=("healthy",),
        )
    for trip in rehearsal.trips:
        if {("microseconds", trip.alarm), ("per-core", trip.alarm)} & known:
            continue
        effect = "ends every update" if trip.ends else "calls people for nothing"
        yield Finding(
            "healthy",
            f"{trip.alarm} trips on healthy traffic and {effect}: {_why_healthy(rehearsal, trip)}.",
            alarm=trip.alarm,
            faults=("healthy",),
        )


def _why_healthy(rehearsal: Rehearsal, trip: Trip) -> str:
    alarm = next((one for one in rehearsal.target.alarms if one.name == trip.alarm), None)
    if not isinstance(alarm, MetricAlarm):
        return "the alarms that it looks at do"
    new_only = any("EndpointConfigName" in dict(query.metric.dimensions) for query in alarm.queries if query.metric)
    if alarm.rule.missing == "breaching":
        none = "the new fleet has no data before its first request" if new_only else "a minute may have no data"
        return f"it takes missing data as bad, and {none}. Write `TreatMissingData: notBreaching`"
    return (
        f"{trip.reason or 'its level is within what is usual'}. Move the level away from what is usual, or say what is "
        "usual for this endpoint, such as --requests or --latency"
    )


def _cure(rehearsal: Rehearsal, known: set[tuple[str, str]]) -> Iterator[Finding]:
    ended = rehearsal.ended_by
    if ended is None or {("both-fleets", ended.alarm), ("healthy", ended.alarm)} & known:
        return
    yield Finding(
        "cure-rolled-back",
        f"While the old fleet is sick, {ended.alarm} ends the update that would cure it, {minutes(ended.at)} after its "
        "start: it also watches the old fleet, or goes off on healthy traffic.",
        alarm=ended.alarm,
        faults=(rehearsal.fault.name,),
    )


def _slipped(rehearsal: Rehearsal, silent: Collection[str]) -> Finding:
    """A fault that no rollback alarm stopped."""
    told, fault = rehearsal.told_by, rehearsal.fault
    names = (fault.name,)
    harmed = f"{number(rehearsal.harmed)} of {number(rehearsal.requests)} requests are harmed"
    if not fault.calls:
        return Finding(
            "no-traffic",
            f"{_passes(rehearsal)} without a single request when nobody calls: no alarm that waits for bad answers can "
            "judge a model that gave none. Update while there is traffic, or send some during the bake.",
            faults=names,
        )
    caught, end = "is caught by nothing", "Nobody is told"
    if told:
        caught = "is caught too late"
        end = f"{told.alarm} tells people {_when(rehearsal, told)}, and nothing is rolled back"
    text = f"{_article(rehearsal)} {caught}: {_why(rehearsal, silent)}. {end}. {harmed}."
    return Finding(fault.name, text, faults=names)


def _article(rehearsal: Rehearsal) -> str:
    return {
        "latency-step": "A model that is slow from the start",
        "latency-ramp": "A model that gets slower and slower",
        "errors-5xx": "A 5XX burst",
        "errors-4xx": "A 4XX burst",
        "crash": "A model that crashes on some inputs",
        "memory-leak": "A memory leak",
        "gpu-oom": "A GPU that runs out of memory",
        "cold-start": "A slow cold start",
    }.get(rehearsal.fault.name, rehearsal.fault.title) + (f" in {rehearsal.variant}" if rehearsal.variant else "")


def _why(rehearsal: Rehearsal, silent: Collection[str]) -> str:
    """Why no rollback alarm ended the update."""
    target = rehearsal.target
    shows = _SHOWS_IN.get(rehearsal.fault.name, ())
    guards = [alarm for alarm in target.rollback if isinstance(alarm, MetricAlarm)]
    watching = [
        alarm for alarm in guards if any(query.metric and query.metric.name in shows for query in alarm.queries)
    ]
    if not watching:
        return f"no rollback alarm watches {' or '.join(shows)}"
    if all(alarm.name in silent for alarm in watching):
        return f"{', '.join(alarm.name for alarm in watching)} would watch it, but never has data"
    watching = [alarm for alarm in watching if alarm.name not in silent]
    bakes = [stage for stage in rehearsal.intended.stages if stage.kind in BAKES]
    end = bakes[-1].end if bakes else 0.0
    if rehearsal.began is not None and rehearsal.began >= end:
        late = minutes(rehearsal.began - end)
        return f"the first request is harmed {late} after the last bake, when no alarm ends the update any more"
    later = next((trip for trip in rehearsal.trips if trip.alarm in target.rollback_names), None)
    if later is not None:
        return f"{later.alarm} goes off {minutes(later.at - end)} after the last bake"
    return f"{', '.join(alarm.name for alarm in watching)} did not reach the level while the update baked"


def _when(rehearsal: Rehearsal, told: Trip) -> str:
    if rehearsal.began is None or told.at < rehearsal.began:
        return f"{minutes(told.at)} after the update began, before a request is harmed"
    return f"{minutes(told.at - rehearsal.began)} after the first harmed request"


def _passes(rehearsal: Rehearsal) -> str:
    policy, _ = effective(rehearsal.target.update)
    return {
        "canary": "The canary passes",
        "linear": "Every step passes",
        "rolling": "Every batch passes",
        "all_at_once": "The update passes",
    }[policy.name]


def _unguarded(target: Target, sick: Sequence[Rehearsal]) -> Finding:
    """One gap for an update that nothing can end, rather than one for each fault."""
    told = [rehearsal for rehearsal in sick if rehearsal.verdict is Verdict.TOLD]
    rest = [rehearsal for rehearsal in sick if rehearsal.verdict is Verdict.UNNOTICED]
    _, why = effective(target.update)
    reason = why[0].rstrip(".") if why else "its DeploymentConfig names no alarm that could"
    text = f"No alarm can roll an update of {target.name} back ({reason})."
    if told:
        latest = max(rehearsal.after or 0.0 for rehearsal in told)
        end = f", at the latest {minutes(latest)} after the first harmed request." if latest else "."
        text += f" People are told of: {_titles(told)}{end}"
    if rest:
        text += f" Caught by nothing: {_titles(rest)}."
    return Finding("no-rollback-alarms", text, faults=tuple(dict.fromkeys(one.fault.name for one in sick)))


def _titles(rehearsals: Sequence[Rehearsal]) -> str:
    return ", ".join(dict.fromkeys(rehearsal.title for rehearsal in rehearsals))
