"""What a rollback says when it is over: how it ended, and what to change so that the next deployment agrees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from slipway.ops.live import same_config
from slipway.ops.revisions import named
from slipway.ops.rollback import Ended
from slipway.ops.rollback_advice import Change
from slipway.ops.rollback_way import Way
from slipway.ops.watch_events import Result

Command = Callable[..., str]


def data(way: Way, ended: Ended | None, changes: Sequence[Change]) -> dict[str, object]:
    """The same for programs; without an outcome where nothing was done."""
    outcome = ended.outcome if ended else None
    return {
        "endpoint": way.live.name,
        "status": way.live.status,
        "from": way.live.config,
        "to": way.to.config,
        "version": way.to.version,
        "differs": list(way.differs),
        "stack": way.held,
        "now": way.now,
        "alarms": [alarm.name for alarm in way.alarms],
        "notes": list(way.notes),
        "outcome": str(outcome.kind) if outcome else None,
        "serves": outcome.serves if outcome else way.live.config,
        "why": outcome.why if outcome else "",
        "tripped": list(ended.tripped) if ended else [],
        "config": [change.as_dict() for change in changes],
    }


def ending(way: Way, ended: Ended, command: Command) -> Iterator[str]:
    """Say how it ended, and what is left to do about the endpoint.

    Parameters
    ----------
    way
        What was to be done.
    ended
        What became of it.
    command
        Writes a command about the endpoint: its options, and the verb unless it is ``rollback``.

    Yields
    ------
    str
        A line.
    """
    outcome = ended.outcome
    why = f" ({outcome.why})" if outcome.why else ""
    tripped = f" by alarms like {', '.join(ended.tripped)}" if ended.tripped else ""
    if outcome.kind is Result.DEPLOYED:
        yield f"{way.live.name} serves {named(way.to)}"
    elif outcome.kind is Result.ROLLED_BACK:
        yield f"{way.live.name}: the rollback was itself ended{tripped}{why}; it serves {outcome.serves}"
        yield (
            f"next: look whether {named(way.to)} is good at all (`{command('', 'metrics')}`); another one with --to "
            f"(`{command('--list')}`), or this one whatever the alarms say: `{command('--now')}`"
        )
    elif outcome.kind is Result.TIMED_OUT:
        yield f"{way.live.name}: the update to {named(way.to)} is not over{why}: watch on with `{command('', 'watch')}`"
    else:
        yield f"{way.live.name}: the update to {named(way.to)} failed{why}"
        yield f"next: `{command('', 'watch')}` says how it stands; a rollback is the mend for UpdateRollbackFailed too"


def advice(way: Way, changes: Sequence[Change], command: Command, overlay: str) -> Iterator[str]:
    """Say what the stack still holds, and what to change in the config.

    Parameters
    ----------
    way
        Where the endpoint is now, or would be.
    changes
        What the config says otherwise.
    command
        As for ``ending``.
    overlay
        The environment's own file of the config.

    Yields
    ------
    str
        A line.
    """
    stack = f"the stack of {way.live.name}"
    agrees = bool(way.held) and same_config(way.held, way.to.config)
    if agrees:
        yield f"{stack} holds {named(way.to)} as well"
    elif way.held:
        held = f"version {way.held_version} ({way.held})" if way.held_version else way.held
        yield (
            f"{stack} still holds {held}. Deployed unchanged, CloudFormation sees no difference and does nothing; the "
            "next real change would bring that back"
        )
    else:
        yield f"what {stack} holds is not known"
    deploy = command("", "deploy", endpoint=False)
    if changes:
        yield "so that the next deployment agrees, change in the config:"
        yield from (f"  {change}" for change in changes)
        if any(change.shared for change in changes):
            yield f"  (what stands in the base file holds for all environments: for this one write it in {overlay})"
        yield f"then `{deploy}`: that makes a new revision of the same, and rolls it out by the endpoint's strategy"
    elif not agrees:
        yield f"the config says the same as that revision already: `{deploy}` makes the stack agree"
