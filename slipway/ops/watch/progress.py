"""Where an update stands: what was seen of it, found in the rollout that ``slipway.rollout`` lays out for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from slipway.ops.live import Live, LiveVariant
from slipway.rollout.fleets import Update
from slipway.rollout.rollback import roll_back
from slipway.rollout.stages import BAKES, Kind, Outcome, Rollout, Stage
from slipway.rollout.strategies import intended

#: What a variant status means for the fleet that comes. Which fleet carries one, the API reference does not say; an
#: example of the Developer Guide ("Endpoint deployment state change") has it on the new one only.
_KINDS = {
    "Creating": (Kind.PROVISION,),
    "Updating": (Kind.PROVISION,),
    "ActivatingTraffic": (Kind.SHIFT,),
    "Baking": BAKES,
    "Deleting": (Kind.TERMINATE,),
}
#: As in the same example: "Baking for 600 seconds (TerminationWaitInSeconds) with traffic enabled on canary capacity of
#: 1 instance(s)."
_SECONDS = re.compile(r"[Bb]aking for (\d+) seconds")
_CAPACITY = re.compile(r"capacity of (\d+) (?:instance|cop)")
#: Provisioning is late when it takes so many seconds longer than assumed.
_LATE = 60.0
_SAME = 0.005


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look tells of where an update stands.

    Attributes
    ----------
    at
        When it was seen.
    kinds
        What may be happening; empty where no status says.
    rolling_back
        Whether the old fleet comes back.
    since
        When that began, as the service says; ``None`` where it does not.
    capacity
        Instances with traffic on the new fleet of the first variant, as the service's message says.
    seconds
        How long the bake lasts, as the message says.
    ready
        CurrentInstanceCount of the new fleet.
    share
        The new fleet's share of the traffic where the weights tell, from 0 to 1.
    message
        The service's own words.
    """

    at: datetime
    kinds: tuple[Kind, ...] = ()
    rolling_back: bool = False
    since: datetime | None = None
    capacity: int | None = None
    seconds: int | None = None
    ready: int | None = None
    share: float | None = None
    message: str = ""


def sight(live: Live, at: datetime) -> Sighting:
    """Read where an update stands from a description.

    Parameters
    ----------
    live
        An endpoint that is being updated.
    at
        When it was described.

    Returns
    -------
    Sighting
        Whatever it tells.
    """
    new = live.pending.variants if live.pending else ()
    coming, going = _first(new), _first(live.variants)
    # A new fleet that goes, or an old one that comes, is a rollback.
    back = (
        live.status == "RollingBack"
        or (coming is not None and coming.statuses[0] == "Deleting")
        or (coming is None and going is not None and going.statuses[0] != "Deleting" and live.pending is not None)
    )
    told = coming or going
    message = told.message if told else ""
    seconds, capacity = _SECONDS.search(message), _CAPACITY.search(message)
    return Sighting(
        at,
        _KINDS.get(told.statuses[0], ()) if told else (),
        back,
        told.since if told else None,
        int(capacity[1]) if capacity else None,
        int(seconds[1]) if seconds else None,
        sum(one.count or 0 for one in new) if new else None,
        _share(live.variants, new),
        message,
    )


def _first(variants: Sequence[LiveVariant]) -> LiveVariant | None:
    return next((variant for variant in variants if variant.statuses), None)


def _share(old: Sequence[LiveVariant], new: Sequence[LiveVariant]) -> float | None:
    """The share of the new fleet, where both fleets' weights add up to what is desired and so are shares of it."""
    if not old or not new:
        return None
    came, left = sum(one.weight for one in new), sum(one.weight for one in old)
    wanted = sum(one.desired_weight for one in new)
    if wanted and abs(came + left - wanted) < _SAME * wanted:
        return came / wanted
    return None


@dataclass(frozen=True, slots=True)
class Position:
    """Where an update stands.

    Attributes
    ----------
    rollout
        As it is laid out by now.
    stage
        The stage, whose times are the model's.
    since
        When it really began.
    at
        Now.
    seconds
        How long the stage lasts.
    """

    rollout: Rollout
    stage: Stage
    since: datetime
    at: datetime
    seconds: float

    @property
    def spent(self) -> float:
        """Seconds since the stage began."""
        return max(0.0, (self.at - self.since).total_seconds())

    @property
    def stage_left(self) -> float:
        """Seconds until the stage ends."""
        return max(0.0, self.seconds - self.spent)

    @property
    def left(self) -> float:
        """Seconds until all is over, if nothing ends it."""
        return self.stage_left + self.rollout.duration - self.stage.end

    @property
    def baking(self) -> bool:
        """Whether it bakes."""
        return self.stage.kind in BAKES

    @property
    def late(self) -> bool:
        """Whether instances take longer to come than is assumed."""
        return self.stage.kind is Kind.PROVISION and self.spent > self.seconds + _LATE


class Track:
    """Follows an update through the stages that were intended for it.

    What is seen sets the clock anew: a stage began when the service says so, or when it was first seen; and if
    instances came sooner or later than assumed, those of later batches are expected to take as long.

    Parameters
    ----------
    update
        What moves, and how.
    started
        When it began.
    """

    def __init__(self, update: Update, started: datetime) -> None:
        self._started = started
        self.rollout = intended(update)
        self._index: int | None = None
        self._since = started
        self._last: Sighting | None = None

    def see(self, seen: Sighting) -> Position | None:
        """Find where it stands.

        Parameters
        ----------
        seen
            What the latest look tells.

        Returns
        -------
        Position or None
            ``None`` when nothing that was seen fits the rollout.
        """
        if seen.rolling_back and self.rollout.outcome is Outcome.UPDATED:
            self._turn_back(seen)
        index = self._find(seen)
        if index is None:
            return None
        if index != self._index:
            known = seen.since is not None or self._index is not None
            # The first stage began with the update; of the others it is known only when they were first seen.
            first = index == 0 and self._index is None
            self._since = seen.since or (seen.at if seen.kinds and not first else self._begin(index))
            self._index = index
            if known:
                self._learn_pace()
        self._last = seen
        stage = self.rollout.stages[index]
        seconds = float(seen.seconds) if seen.seconds is not None and stage.kind in BAKES else stage.seconds
        return Position(self.rollout, stage, self._since, seen.at, seconds)

    def _turn_back(self, seen: Sighting) -> None:
        if not self.rollout.duration:
            return
        spent = max(0.0, (seen.at - self._since).total_seconds())
        if self._index is not None:
            stage = self.rollout.stages[self._index]
            spent = stage.start + min(spent, stage.seconds)
        self.rollout = roll_back(self.rollout, min(spent, self.rollout.duration * (1 - 1e-9)), "seen")
        self._index, self._last = None, None

    def _find(self, seen: Sighting) -> int | None:
        stages = self.rollout.stages
        if not seen.kinds:
            return self._by_time(seen)
        if self._index is not None and self._same(seen):
            return self._index
        first = 0 if self._index is None else self._index + (stages[self._index].kind in seen.kinds)
        back = self.rollout.outcome is Outcome.ROLLED_BACK
        found = [
            index
            for index in range(first, len(stages))
            if stages[index].kind in seen.kinds and (stages[index].rolling_back or not back)
        ]
        return self._closest(found, seen) if found else self._index

    def _same(self, seen: Sighting) -> bool:
        """Whether the stage is still the one that was seen before."""
        before, stage = self._last, self.rollout.stages[self._index or 0]
        if before is None or stage.kind not in seen.kinds or before.kinds != seen.kinds:
            return False
        if seen.since is not None and before.since is not None:
            return seen.since == before.since
        told = (seen.capacity, seen.share if seen.capacity is None else None, seen.message)
        return told == (before.capacity, before.share if before.capacity is None else None, before.message)

    def _closest(self, found: list[int], seen: Sighting) -> int:
        """Of the stages that fit: those where most of what was told agrees, and of these the nearest in time."""
        stages = self.rollout.stages
        tests: list[Callable[[Stage], bool]] = []
        if seen.capacity is not None:
            tests.append(lambda stage: seen.capacity == _with_traffic(stage))
        if seen.share is not None:
            tests.append(lambda stage: abs(stage.traffic.new - (seen.share or 0.0)) < _SAME)
        if seen.seconds is not None:
            tests.append(lambda stage: stage.seconds == seen.seconds)
        if seen.ready is not None:
            tests.append(lambda stage: stage.ready("new") == seen.ready)
        for test in tests:
            found = [index for index in found if test(stages[index])] or found
        began = seen.since or seen.at
        return min(found, key=lambda index: abs((self._begin(index) - began).total_seconds()))

    def _begin(self, index: int) -> datetime:
        """When a stage should begin, by what is known now."""
        stages = self.rollout.stages
        if self._index is None:
            return self._started + timedelta(seconds=stages[index].start)
        return self._since + timedelta(seconds=stages[index].start - stages[self._index].start)

    def _by_time(self, seen: Sighting) -> int | None:
        """No status says anything: then the time does."""
        begun = self.rollout.stages[self._index].start if self._index is not None else 0.0
        model = begun + (seen.at - self._since).total_seconds()
        if not 0 <= model < self.rollout.duration:
            return self._index
        return self.rollout.stages.index(self.rollout.at(model))

    def _learn_pace(self) -> None:
        """Take provisioning to last as long as it did so far, so that the model agrees with what was seen."""
        index = self._index or 0
        stage = self.rollout.stages[index]
        if stage.kind is Kind.PROVISION or self.rollout.outcome is Outcome.ROLLED_BACK:
            return
        before = self.rollout.stages[:index]
        times = sum(1 for one in before if one.kind is Kind.PROVISION and any(v.new.starting for v in one.variants))
        if not times:
            return
        update = self.rollout.update
        off = (self._since - self._started).total_seconds() - stage.start
        provision = max(0.0, update.pace.provision + off / times)
        self.rollout = intended(replace(update, pace=replace(update.pace, provision=provision)))


def _with_traffic(stage: Stage) -> int:
    """Instances of the first variant's new fleet that get traffic."""
    standing = stage.variants[0]
    return round(standing.shifted * standing.variant.new.count)
