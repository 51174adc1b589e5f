"""Which limits and counts there can be, and when temporary ones end."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from slipway.ops.scale.scalable import Limits, said
from slipway.ops.trouble import OperationError, WrongOperation
from slipway.spec.units import Duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.ops.scale.part import Part
    from slipway.ops.scale.scalable import Scalable

#: No shorter: instances alone take minutes to serve.
SHORTEST = Duration(300)
#: How much earlier than a schedule temporary limits end, and how soon at the earliest.
_BEFORE = timedelta(minutes=1)


def limits_wanted(part: Part, present: Limits, lowest: int | None, highest: int | None) -> Limits:
    """Put the limits together that somebody asks for.

    Parameters
    ----------
    part
        What has them.
    present
        As they are.
    lowest, highest
        The new ones; ``None`` keeps the present one.

    Returns
    -------
    Limits
        Which the service accepts.

    Raises
    ------
    WrongOperation
        When it would not.
    """
    wanted = Limits(
        present.lowest if lowest is None else lowest,
        present.highest if highest is None else highest,
    )
    if wanted.lowest > wanted.highest:
        which = "--max" if highest is None else "--min" if lowest is None else ""
        also = f": the other limit stays as it is, so say {which} too" if which else ""
        raise WrongOperation(f"a minimum of {wanted.lowest} is above a maximum of {wanted.highest} {part.unit}{also}")
    if wanted.lowest < part.least:
        why = f"{part} must have at least {part.least}; asynchronous endpoints and components can go down to 0"
        raise WrongOperation(f"a minimum of {wanted.lowest}: {why if part.least else 'write 0 or more'}")
    if wanted.highest < 1:
        raise WrongOperation(f"a maximum of {wanted.highest} {part.unit} leaves nothing that answers: write 1 or more")
    return wanted


def end(
    target: Scalable, wanted: Limits, duration: Duration | None, now: datetime, warn: Callable[[str], object]
) -> datetime | None:
    """Say when temporary limits end: after the given time, but before a schedule sets others.

    Parameters
    ----------
    target
        What has them.
    wanted
        The limits.
    duration
        For how long; ``None`` for no end.
    now
        AWS's time.
    warn
        Where to say that a schedule comes in between.

    Returns
    -------
    datetime or None
        ``None`` for no end.

    Raises
    ------
    WrongOperation
        When the time is too short.
    OperationError
        When a schedule comes at once, or scheduled actions are switched off.
    """
    if duration is not None and duration < SHORTEST:
        raise WrongOperation(f"--for {duration} is too short: write {SHORTEST} or longer")
    if duration is not None and target.suspended:
        raise OperationError(
            f"{target.resource}: its scheduled actions are suspended, so nothing would end this: resume them with "
            "`aws application-autoscaling register-scalable-target`, or leave out --for; nothing was changed"
        )
    until = None if duration is None else now.replace(microsecond=0) + timedelta(seconds=math.ceil(duration))
    coming = None if target.suspended else target.next(now)
    if coming is None:
        return until
    when, action = coming
    sets = f"schedule {action.name} sets {action.over(wanted)} at {said(when)}"
    if until is None:
        if target.ends is None or when < target.ends:
            warn(f"{sets}, which ends this")
        return None
    if when > until:
        return until
    # It has to be over before: afterwards, the former limits would take the place of the schedule's.
    until = when - _BEFORE
    if until < now + _BEFORE:
        raise OperationError(f"{sets}, which would end this at once: wait until then; nothing was changed")
    warn(f"{sets}, so this ends a minute before that, not after {duration}")
    return until


def refuse_count(part: Part, wanted: int) -> None:
    """Refuse a number of instances that there cannot be.

    Raises
    ------
    WrongOperation
        When the part has no number of instances of its own, or this is none.
    """
    if part.component:
        raise WrongOperation(
            f"{part} has copies, not instances: `{part.key}: {wanted}` in the config, or by hand: aws sagemaker "
            f"update-inference-component-runtime-config --inference-component-name {part.full} "
            f"--desired-runtime-config CopyCount={wanted}"
        )
    if not part.types:
        raise WrongOperation(f"{part} is serverless, so it has no instances: see `concurrency` in the config")
    if part.managed:
        raise WrongOperation(f"{part}: SageMaker sizes its fleet (`managed_scaling`), so it has no number to set")
    if wanted < 1:
        raise WrongOperation(f"{wanted} instances: write 1 or more; without scaling nothing would start them again")
