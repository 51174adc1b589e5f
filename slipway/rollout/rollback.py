"""The way back: how an update ends on the old fleet, from any moment of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from slipway.rollout.capacity import Size, moved
from slipway.rollout.policy import Rolling
from slipway.rollout.stages import Capacity, Ending, Kind, Outcome, Part, Rollout, Standing, laid_out
from slipway.rollout.strategies import effective

_WHOLE_FLEET = Size("CAPACITY_PERCENT", 100)


def roll_back(rollout: Rollout, at: float, why: str) -> Rollout:
    """End an update and bring the old fleet back.

    Blue/green: all traffic goes back at once, and the new fleet is terminated. Rolling: the old instances that are gone
    are provisioned again, by the rollback's batch or all at once; traffic moves back to them; the new ones go. What was
    still starting is given up. No bake follows, and no alarm watches.

    Parameters
    ----------
    rollout
        The update, not yet rolled back at that moment.
    at
        Seconds since it began; before its end.
    why
        Such as ``alarm NAME``.

    Returns
    -------
    Rollout
        The same until that moment, then the rollback.

    Raises
    ------
    ValueError
        If the update is over by then, or is being rolled back already.
    """
    if not 0 <= at < rollout.duration:
        raise ValueError(f"at {at:g} s nothing can be rolled back: the update runs from 0 to {rollout.duration:g} s")
    if rollout.at(at).rolling_back:
        raise ValueError(f"at {at:g} s the update is being rolled back already")
    update = rollout.update
    strategy = effective(update)[0].strategy
    batch = strategy.rollback_batch if isinstance(strategy, Rolling) else None
    now = rollout.at(at)
    before = rollout.stages[: rollout.stages.index(now)]
    cut = (replace(now, end=at),) if at > now.start else ()
    parts = _parts(rollout, now.variants, batch or _WHOLE_FLEET)
    back = laid_out(update, parts, start=at, watched=False, rolling_back=True)
    return replace(rollout, stages=(*before, *cut, *back), outcome=Outcome.ROLLED_BACK, ending=Ending(at, why))


def _parts(rollout: Rollout, now: tuple[Standing, ...], batch: Size) -> Iterator[Part]:
    pace = rollout.update.pace
    missing = [standing.variant.old.count - standing.old.ready for standing in now]
    if not any(missing):
        yield from _at_once(rollout, now)
        return
    # Instances that are stopping cannot be kept, and those that are starting are not waited for.
    before = tuple(
        replace(standing, old=Capacity(standing.old.ready), new=Capacity(standing.new.ready)) for standing in now
    )
    start = before
    steps = _steps(batch, start, missing)
    for step in range(1, steps + 1):
        after = tuple(_restored(standing, batch, step) for standing in start)
        starting = tuple(
            replace(old, old=Capacity(old.old.ready, starting=new.old.ready - old.old.ready))
            for old, new in zip(before, after, strict=True)
        )
        serving = tuple(replace(new, new=old.new) for old, new in zip(before, after, strict=True))
        stopping = tuple(
            replace(new, new=Capacity(new.new.ready, stopping=old.new.ready - new.new.ready))
            for old, new in zip(before, after, strict=True)
        )
        yield Part(Kind.PROVISION, pace.provision, starting, step, steps)
        yield Part(Kind.SHIFT, pace.shift, serving, step, steps)
        yield Part(Kind.TERMINATE, pace.terminate, stopping, step, steps)
        before = after


def _at_once(rollout: Rollout, now: tuple[Standing, ...]) -> Iterator[Part]:
    """The old fleet is whole: traffic back, and the new fleet goes, also what was still starting."""
    pace = rollout.update.pace
    back = tuple(replace(standing, shifted=0.0) for standing in now)
    if any(standing.shifted for standing in now):
        yield Part(Kind.SHIFT, pace.shift, back)
    yield Part(
        Kind.TERMINATE,
        pace.terminate,
        tuple(replace(standing, new=Capacity(stopping=standing.new.running)) for standing in back),
    )


def _steps(batch: Size, start: tuple[Standing, ...], missing: list[int]) -> int:
    step = 1
    while any(
        moved(batch, standing.variant.old.count, step) < short for standing, short in zip(start, missing, strict=True)
    ):
        step += 1
    return step


def _restored(start: Standing, batch: Size, step: int) -> Standing:
    """How a variant stands after some batches of a rollback; the new fleet shrinks as the old one grows."""
    count = start.variant.old.count
    missing = count - start.old.ready
    left = max(0, missing - moved(batch, count, step))
    if not left:
        return Standing(start.variant, Capacity(count), Capacity(), 0.0)
    return Standing(
        start.variant,
        Capacity(count - left),
        Capacity(-(-start.new.ready * left // missing)),
        start.shifted * left / missing,
    )
