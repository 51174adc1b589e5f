"""What happens to one scalable target when several of its policies ask for something."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True)
class Limits:
    """Between which the capacity of a scalable target stays.

    Attributes
    ----------
    minimum, maximum
        Both included.
    """

    minimum: int
    maximum: int

    def within(self, capacity: int) -> int:
        """Return the nearest capacity in the range."""
        return max(self.minimum, min(self.maximum, capacity))


class Reason(Enum):
    """Why nothing is scaled (API, NotScaledReason)."""

    AT_MAXIMUM = "AlreadyAtMaxCapacity"
    AT_MINIMUM = "AlreadyAtMinCapacity"
    AT_DESIRED = "AlreadyAtDesiredCapacity"
    UNSCALABLE = "TargetServicePutResourceAsUnscalable"


@dataclass(frozen=True)
class Wish:
    """What a policy asks for.

    Attributes
    ----------
    policy, alarm
        Names: of the policy, and of the alarm that triggered it.
    capacity
        From the present capacity.
    from_base
        The same from the capacity before the policy last scaled out, which counts while it cools down.
    cooldown
        Seconds for which it is to cool down.
    """

    policy: str
    alarm: str
    capacity: int
    from_base: int
    cooldown: float


@dataclass(frozen=True)
class Move:
    """A capacity to set, and the wish that it grants."""

    capacity: int
    wish: Wish


@dataclass
class Cooling:
    """What scaled last, and until when it cools down; by the clock, in seconds since the epoch."""

    _out: dict[str, tuple[float, int]] = field(default_factory=dict)
    _in_until: float = 0.0

    def base(self, policy: str, capacity: int, now: float) -> int:
        """Return the capacity from which a policy reckons how far it scales out.

        While it cools down that is the one before it scaled out: what it added "is calculated as part of the desired
        capacity for the next scale-out activity".
        """
        until, before = self._out.get(policy, (0.0, capacity))
        return before if now < until else capacity

    def scaled(self, move: Move, before: int, now: float) -> None:
        """Take note of a move."""
        if move.capacity > before:
            self._out[move.wish.policy] = (now + move.wish.cooldown, before)
            self._in_until = 0.0  # "In this case, the scale-in cooldown period stops and doesn't complete."
        else:
            self._in_until = now + move.wish.cooldown

    def blocks_in(self, now: float) -> bool:
        """Tell whether scaling in has to wait."""
        return now < self._in_until


def decide(wishes: Iterable[Wish], capacity: int, limits: Limits, cooling: Cooling, now: float) -> Move | Reason | None:
    """Decide what becomes of a scalable target.

    Whoever wants to scale out is heard before those who want to scale in; among them the largest capacity counts, in
    either direction.

    Parameters
    ----------
    wishes
        Of the policies that were triggered; of target tracking those to scale in only when all of them agree.
    capacity
        The present one.
    limits
        Of the scalable target.
    cooling
        Since what was done before.
    now
        Seconds since the epoch.

    Returns
    -------
    Move, Reason or None
        What to do; or why not, ``None`` when nobody asks or what is asked for cools down.
    """
    asked = list(wishes)
    if not asked:
        return None
    further = [wish for wish in asked if wish.from_base > capacity]
    if further:
        wish = max(further, key=lambda one: one.from_base)
        granted = limits.within(wish.from_base)
        # A capacity above the maximum is none of a policy's business: only new limits bring it back.
        return Move(granted, wish) if granted > capacity else Reason.AT_MAXIMUM
    if any(wish.capacity > capacity for wish in asked):
        return None  # what was added before is enough, as long as it cools down
    lower = [wish for wish in asked if wish.capacity < capacity]
    if not lower:
        return Reason.AT_DESIRED
    wish = max(lower, key=lambda one: one.capacity)
    granted = limits.within(wish.capacity)
    if granted >= capacity:
        return Reason.AT_MINIMUM
    return None if cooling.blocks_in(now) else Move(granted, wish)
