"""What became of an update, in words that say what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slipway.ops.live import Live, same_config
from slipway.ops.watch.events import Result
from slipway.ops.watch.snapshot import ALARM, AlarmSeen, Snapshot, Trip

_LOGS = "/aws/sagemaker/Endpoints"


@dataclass(frozen=True, slots=True)
class Ended:
    """An end.

    Attributes
    ----------
    result
        How.
    why
        What happened, one sentence.
    expected
        The config that was to serve.
    advice
        What to do next, a sentence each.
    trips
        The alarms that went off.
    """

    result: Result
    why: str
    expected: str = ""
    advice: tuple[str, ...] = ()
    trips: tuple[Trip, ...] = ()


def deployed(snapshot: Snapshot, live: Live, expected: str, *, took: str, asked: bool) -> Ended:
    """It serves what was expected.

    Parameters
    ----------
    snapshot, live
        The last look.
    expected
        The config; empty when nobody says what it should serve.
    took
        How long; empty when nothing was under way.
    asked
        Whether the caller named the config.
    """
    config = snapshot.config(live.config)
    if took:
        why = f"deployed: {live.name} serves {config}, after {took}"
    elif asked:
        why = f"nothing is under way: {live.name} serves {config}, as expected"
    elif expected:
        why = f"nothing is under way: {live.name} serves {config}, as its stack says"
    else:
        why = f"nothing is under way: {live.name} serves {config}; no stack says what it should serve"
    return Ended(Result.DEPLOYED, why, expected, tuple(_after(snapshot)))


def _after(snapshot: Snapshot) -> Iterator[str]:
    stack = snapshot.stack
    if stack is not None and stack.moving:
        yield f"its stack {stack.name} is not done yet ({stack.status})"
    if stack is not None and "ROLLBACK" in stack.status:
        yield f"the last update of its stack {stack.name} did not go through ({stack.status})"
    for alarm in snapshot.alarms or ():
        if alarm.state == ALARM:
            yield f"its rollback alarm {alarm.name} is in ALARM: {alarm.reason}"


def rolled_back(snapshot: Snapshot, live: Live, expected: str, *, moved: bool) -> Ended:
    """It serves another config than the expected one, and nothing else tells.

    Parameters
    ----------
    snapshot, live
        The last look.
    expected
        The config that was to serve.
    moved
        Whether an update was seen.
    """
    config, wanted = snapshot.config(live.config), snapshot.config(expected)
    if moved:
        why = f"rolled back: {live.name} serves {config}, not {wanted}"
    else:
        why = f"rolled back: nothing is under way, and {live.name} serves {config}, not {wanted}"
    why += f"; AWS says: {live.failure}" if live.failure else "; AWS gives no reason (FailureReason is empty)"
    return Ended(Result.ROLLED_BACK, why, wanted.name, tuple(_back(snapshot, live)), snapshot.trips or ())


def alarm_advice(alarms: tuple[AlarmSeen, ...] | None, trips: tuple[Trip, ...] | None, logs: str) -> Iterator[str]:
    """Say which alarms went off, or what else may have ended an update.

    Parameters
    ----------
    alarms
        As they are; ``None`` where they cannot be seen.
    trips
        Those that went off; ``None`` where that cannot be seen.
    logs
        The log group.

    Yields
    ------
    str
        A sentence.
    """
    still = [alarm.name for alarm in alarms or () if alarm.state == ALARM]
    for trip in trips or ():
        lasts = " and is in ALARM still" if trip.name in still else ""
        yield f"alarm {trip.name} went off at {trip.at:%H:%M:%S}{lasts}{f': {trip.reason}' if trip.reason else ''}"
    for name in still:
        if name not in {trip.name for trip in trips or ()}:
            yield f"alarm {name} is in ALARM, since before"
    if trips is None:
        yield "whether an alarm went off cannot be seen"
    elif not trips:
        yield (
            "none of its alarms went off meanwhile: new instances that do not start, or the maximum execution time, "
            f"end an update as well; see the log group {logs}"
        )


def _back(snapshot: Snapshot, live: Live) -> Iterator[str]:
    yield from alarm_advice(snapshot.alarms, snapshot.trips, f"{_LOGS}/{live.name}")
    stack = snapshot.stack
    if stack is not None and stack.config and not same_config(stack.config, live.config):
        held, serves = snapshot.config(stack.config), snapshot.config(live.config)
        keep = f"write `version: {serves.version}`" if serves.version else "set the config back"
        yield (
            f"its stack {stack.name} still holds {held}: deploying that again would change nothing; publish a cure "
            f"under another version and declare that, or {keep} to keep what serves"
        )


def failed(snapshot: Snapshot, live: Live, expected: str) -> Ended:
    """It does not serve as it should: Failed, OutOfService, UpdateRollbackFailed.

    Parameters
    ----------
    snapshot, live
        The last look.
    expected
        The config that was to serve; empty when that is not known.
    """
    why = f"failed: {live.name} is {live.status}"
    why += f": {live.failure}" if live.failure else "; AWS gives no reason (FailureReason is empty)"
    logs = f"the log group {_LOGS}/{live.name} has what the containers wrote"
    mend = {
        "Failed": "an endpoint that has failed can only be deleted: delete its stack, mend the model, and deploy again",
        "UpdateRollbackFailed": (
            "the rollback did not get to its end, so its instances may serve two configs: another update mends it, "
            f"such as aws sagemaker update-endpoint --endpoint-name {live.name} --endpoint-config-name {live.config}"
        ),
        "OutOfService": "it cannot answer: another update mends it, or deleting it and deploying again",
    }
    return Ended(Result.FAILED, why, expected, (mend.get(live.status, ""), logs), snapshot.trips or ())


def gone(endpoint: str, *, deleting: bool = False) -> Ended:
    """It was deleted while it was watched, or is being deleted."""
    why = f"failed: {endpoint} {'is being deleted' if deleting else 'was deleted'}"
    return Ended(Result.FAILED, why, advice=("`slipway deploy` makes it again",))


def timed_out(endpoint: str, after: str, stage: str, again: str) -> Ended:
    """It is not over.

    Parameters
    ----------
    endpoint
        Its full name.
    after
        How long it was watched.
    stage
        What happens now; empty where nothing was seen.
    again
        The command that watches again.
    """
    why = f"timed out: after {after} {endpoint} is not done{f': {stage}' if stage else ''}"
    return Ended(Result.TIMED_OUT, why, advice=(f"the update goes on; watch it again with `{again}`",))
