"""What a rollback says when it is over: how it ended, and what to change so that the next deployment agrees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slipway.ops.live import same_config
from slipway.ops.rollback.advice import Change
from slipway.ops.rollback.revisions import named
from slipway.ops.rollback.rollback import Rollback
from slipway.ops.rollback.way import Ended, Way
from slipway.ops.watch.events import Result


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


def ending(way: Way, ended: Ended, back: Rollback) -> Iterator[str]:
    """Say what a watch does not know: which of the rollback's own alarms ended it, and what to do next.

    Parameters
    ----------
    way
        What was to be done.
    ended
        What became of it.
    back
        Writes commands about the endpoint.

    Yields
    ------
    str
        A line.
    """
    kind = ended.outcome.kind
    if kind is Result.DEPLOYED:
        return  # the watch has said it
    if kind is Result.ROLLED_BACK:
        tripped = f" by alarms like {', '.join(ended.tripped)}" if ended.tripped else ""
        yield f"the rollback was itself ended{tripped}"
        yield (
            f"look whether {named(way.to)} is good at all, then choose another revision (`{back.command('--list')}`, "
            f"--to), or go to this one whatever its alarms say: `{back.command(f'--to {way.to.config} --now')}`"
        )
    elif kind is Result.TIMED_OUT:
        yield f"the update to {named(way.to)} is not over: `{back.watching(way.to.config)}` watches it"
    else:
        yield (
            f"the update to {named(way.to)} failed. From UpdateRollbackFailed another update is the way out: "
            f"`{back.command(f'--to {way.to.config}')}`, or another revision"
        )


def advice(way: Way, changes: Sequence[Change], back: Rollback, overlay: str) -> Iterator[str]:
    """Say what the stack still holds, and what to change in the config.

    Parameters
    ----------
    way
        Where the endpoint is now, or would be.
    changes
        What the config says otherwise.
    back
        As for ``ending``.
    overlay
        The environment's own file of the config.

    Yields
    ------
    str
        A line.
    """
    agrees = bool(way.held) and same_config(way.held, way.to.config)
    if agrees:
        yield f"the stack {way.stack} holds {named(way.to)} as well"
    elif way.held:
        held = f"version {way.held_version} ({way.held})" if way.held_version else way.held
        yield (
            f"the stack {way.stack} still holds {held}. Deployed unchanged, CloudFormation sees no difference and does "
            "nothing; the next real change would bring that back"
        )
    else:
        yield f"what the stack {way.stack} holds is not known"
    deploy = back.command(verb="deploy", endpoint=False)
    if changes:
        yield "so that the next deployment agrees, change in the config:"
        yield from (f"  {change}" for change in changes)
        if any(change.shared for change in changes):
            yield f"  (what stands in the base file holds for all environments: for this one write it in {overlay})"
        yield f"then `{deploy}`: that makes a new revision of the same, and rolls it out by the endpoint's strategy"
    elif not agrees:
        yield f"the config says the same as that revision already: `{deploy}` makes the stack agree"
