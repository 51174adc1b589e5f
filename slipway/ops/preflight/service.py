"""Checks of the endpoint: whether the service would take the update now, and let it end well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from slipway.ops.live import IN_SERVICE
from slipway.ops.preflight.report import Finding, failed, ok, warning
from slipway.plan.findings import Finding as PlanFinding
from slipway.plan.findings import Kind
from slipway.plan.refusals import refused, sizes

if TYPE_CHECKING:
    from slipway.ops.live import Live
    from slipway.ops.preflight.facts import Config
    from slipway.ops.preflight.update import Ending, Update

_CHANGING = ("Creating", "Updating", "RollingBack")


def status(at: str, live: Live | None, *, declared: bool) -> Iterator[Finding]:
    """Look at what the endpoint is about.

    Parameters
    ----------
    at
        What a command needs to get there, such as ``iris --env prod``.
    live
        The endpoint; ``None`` when there is none.
    declared
        Whether its stack holds an endpoint config, and so believes it to be there.

    Yields
    ------
    Finding
        What keeps the service from taking an update; nothing when it would take one.
    """
    if live is None:
        if declared:
            yield failed(
                "its stack has it, but it does not exist: somebody deleted it, and the service cannot update it",
                "delete its stack, and deploy again",
            )
        return
    if live.status in _CHANGING:
        to = f" to {live.pending.config}" if live.pending else ""
        yield failed(
            f"{live.status}{to}: an update is under way, and the service refuses another one",
            f"wait for its end: slipway watch {at}",
        )
    elif live.status == "SystemUpdating":
        yield failed(
            "SystemUpdating: the service itself works on it, and refuses an update meanwhile",
            f"wait for its end: slipway watch {at}",
        )
    elif live.status == "Deleting":
        yield failed("Deleting: it is going", "wait until it is gone, and deploy again")
    elif live.status == "Failed":
        why = f" ({live.failure})" if live.failure else ""
        yield failed(
            f"Failed{why}: it can only be deleted",
            f"`slipway recreate {at}` deletes it and makes it again, then deploy",
        )
    elif live.status == "UpdateRollbackFailed":
        yield failed(
            "UpdateRollbackFailed: an update and the way back failed, and instances of both configs serve",
            f"put one config on all of them: `slipway rollback {at} --now`, then deploy",
        )
    elif live.status != IN_SERVICE:
        yield failed(f"{live.status}: the service updates what is {IN_SERVICE}", f"look why: slipway watch {at}")


def agreement(at: str, declared: str, live: Live | None, serving: Config | None, held: Config | None) -> Finding:
    """Compare the config that serves with the one that the stack holds.

    Parameters
    ----------
    at
        What a command needs to get there, such as ``iris --env prod``.
    declared
        The version that the config of the environment declares.
    live
        The endpoint; ``None`` when there is none.
    serving, held
        What serves, and what the stack holds.

    Returns
    -------
    Finding
        Failed when a deployment would change nothing, or start elsewhere than its stack believes.
    """
    if live is None or held is None or serving is None:
        return ok("there is nothing to compare yet")
    if serving.name.casefold() == held.name.casefold():
        return ok(f"it serves {serving}, which its stack holds")
    if live.busy:
        return warning(
            f"it serves {serving}, its stack holds {held}: an update is under way", f"wait: slipway watch {at}"
        )
    what = f"it serves {serving}, its stack holds {held}: an update was rolled back, or somebody changed it by hand"
    if not held.version or declared != held.version:
        return warning(
            f"{what}; version {declared} comes in its place", f"nothing, if version {declared} is meant to come"
        )
    back = f", or write `version: {serving.version}` to keep what serves" if serving.version != held.version else ""
    return failed(
        f"{what}. Deploying version {declared} again changes nothing, since CloudFormation believes it to serve",
        f"publish a cure under another version{_next(declared)} and declare that{back}; if something else than the "
        "version has changed in the config since, deploy with --no-preflight",
    )


def _next(version: str) -> str:
    return f", such as {int(version) + 1}," if version.isdigit() else ""


def quiet(ending: Ending, held: Sequence[str], states: Mapping[str, tuple[str, str]]) -> Iterator[Finding]:
    """Look at the alarms that end the update.

    One in ALARM at the start may end it at once: changing an alarm, as the update does, keeps its state.

    Parameters
    ----------
    ending
        Those that the update is to have.
    held
        Names of the alarms that the stack holds; the update makes those that it does not.
    states
        State and reason by name, of those that exist.

    Yields
    ------
    Finding
        Alarms that are in ALARM or not there, or that all is quiet.
    """
    bad = False
    for alarm in ending.names:
        state, why = states.get(alarm, ("", ""))
        if state == "ALARM":
            yield failed(
                f"{alarm} is in ALARM, and would end the update{f': {why}' if why else ''}",
                "find out why; without bad datapoints it goes back to OK by itself within its periods",
            )
        elif not state and alarm in ending.also:
            yield failed(
                f"there is no alarm {alarm}, which deployment.rollback_alarms.also names",
                "create it, or leave it out there",
            )
        elif not state and alarm in held:
            yield failed(
                f"{alarm} is gone, though its stack has it: nothing would end a bad update by it",
                "switch it off under deployment.rollback_alarms, deploy, and switch it on again: CloudFormation makes "
                "it anew",
            )
        else:
            continue
        bad = True
    if bad:
        return
    there = sum(1 for alarm in ending.names if alarm in states)
    if not ending.names:
        yield ok("the config declares none that end an update")
    elif not there:
        yield ok("there are none yet: the update makes them")
    else:
        yield ok(f"{there} that end an update, none in ALARM")


def accepted(update: Update) -> Iterator[Finding]:
    """Find what the service refuses of an update.

    Parameters
    ----------
    update
        The update.

    Yields
    ------
    Finding
        Another instance type under a scalable target, other variants, sizes that do not fit the live counts; or that
        nothing is known to be refused.
    """
    if update.old is None:
        yield ok("the endpoint is made anew")
        return
    found = list(refused(update.old, update.new, update.live))
    course = update.course()
    if course is not None and not any(one.kind is Kind.REFUSED for one in found):
        found += sizes(course, update.policy, where=update.new.name)
    if not found:
        yield ok(_words(update))
    yield from map(_told, found)


def _told(finding: PlanFinding) -> Finding:
    steps = finding.steps
    do = steps[0] if len(steps) == 1 else " ".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    return (failed if finding.kind is Kind.REFUSED else warning)(finding.text, do)


def _words(update: Update) -> str:
    counts = update.live.counts if update.live else {}
    runs = [f"{counts[one.name]} × {one.type}" for one in update.new.production if one.name in counts and one.type]
    return " over ".join([update.policy.name, *([" and ".join(runs)] if runs else [])])
