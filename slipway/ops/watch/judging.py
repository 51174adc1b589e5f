"""Judge what is seen of an endpoint: what happened since the last look, and in the end what became of the update."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from slipway.ops.live import IN_SERVICE, Live, same_config
from slipway.ops.watch.events import Event, Outcome
from slipway.ops.watch.outcomes import Ended, deployed, failed, gone, rolled_back, timed_out
from slipway.ops.watch.progress import Position, Sighting, Track, sight
from slipway.ops.watch.snapshot import Snapshot
from slipway.ops.watch.telling import alarm_events, event, finished, heartbeat, warning
from slipway.ops.watch.view import (
    View,
    fleets_of,
    label,
    lasting,
    remaining,
    share,
    strategy,
    traffic_of,
    update_of,
    watchers,
)
from slipway.rollout.stages import BAKES
from slipway.rollout.strategies import effective

#: A heartbeat comes at most that often.
HEARTBEAT = timedelta(seconds=60)
#: How long CloudWatch may take to have a minute's requests.
_TO_COUNT = timedelta(seconds=120)
_SAME_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a look means.

    Attributes
    ----------
    events
        What happened since the last one.
    view
        How it stands; ``None`` when it is over.
    outcome
        How it ended; ``None`` when it is not over.
    """

    events: tuple[Event, ...]
    view: View | None = None
    outcome: Outcome | None = None


@dataclass(slots=True)
class _Bake:
    """A bake that was seen.

    Attributes
    ----------
    label
        Such as ``baking, step 1 of 2``.
    start, end
        When; ``None`` while it lasts.
    """

    label: str
    start: datetime
    end: datetime | None = None


class Judge:
    """Judges looks at one endpoint, in their order. Pure: it asks nobody, and knows no time but theirs.

    Parameters
    ----------
    endpoint
        Its full name.
    expect
        The config that it is to serve; empty for the one that its stack holds, or to which the update moves it.
    wait_start
        Seconds in which an update is still to begin.
    again
        The command that watches again.
    """

    def __init__(
        self, endpoint: str, *, expect: str = "", wait_start: float = 0.0, again: str = "slipway watch"
    ) -> None:
        self._endpoint, self._expect, self._again = endpoint, expect, again
        self._wait_start = timedelta(seconds=wait_start)
        self._moved, self._updated = False, False
        self._first: datetime | None = None
        self._began: datetime | None = None
        self._pinned = expect
        self._moving = ""
        self._headline = ""
        self._track: Track | None = None
        self._position: Position | None = None
        self._stage = ""
        self._share: float | None = None
        self._alarms: dict[str, str] = {}
        self._beat: datetime | None = None
        self._bakes: list[_Bake] = []
        self._said: set[str] = set()
        self.heartbeat = HEARTBEAT

    def see(self, snapshot: Snapshot) -> Judgement:
        """Judge a look.

        Parameters
        ----------
        snapshot
            The latest one.

        Returns
        -------
        Judgement
            What is new, and whether it is over.
        """
        self._first = self._first or snapshot.at
        ended = self._ended(snapshot)
        if ended is not None:
            return self._over(snapshot, ended)
        live = snapshot.live
        assert live is not None  # noqa: S101  (an endpoint that is gone is an end)
        events = list(self._gaps(snapshot))
        events += self._start(snapshot, live)
        seen = sight(live, snapshot.at) if live.pending or self._track else None
        self._position = self._track.see(seen) if self._track and seen else None
        part = traffic_of(self._position, seen)
        events += self._progress(snapshot, live, seen)
        events += self._traffic(snapshot, part)
        events += self._alarm_changes(snapshot)
        events += self._quiet_bakes(snapshot)
        view = View(
            self._endpoint,
            snapshot.at,
            live.status,
            self._headline,
            self._stage,
            self._position,
            self._began or snapshot.at,
            fleets_of(snapshot, part),
            snapshot.alarms,
        )
        events += self._metrics(snapshot, view)
        return Judgement(tuple(events), view)

    def give_up(self, at: datetime) -> Judgement:
        """Say that the time is over.

        Parameters
        ----------
        at
            Now.

        Returns
        -------
        Judgement
            With the outcome.
        """
        since = self._first or at
        stage = self._stage + (f" ({remaining(self._position)})" if self._position else "")
        ended = timed_out(self._endpoint, lasting((at - since).total_seconds()), stage, self._again)
        return self._finished(ended, at, "")

    # -- the end

    def _ended(self, snapshot: Snapshot) -> Ended | None:
        live = snapshot.live
        if live is None:
            return gone(self._endpoint)
        if live.status == "Deleting":
            return gone(self._endpoint, deleting=True)
        if live.status not in (IN_SERVICE, "Failed", "OutOfService", "UpdateRollbackFailed"):
            return None
        if not self._moved and self._waits(snapshot):
            return None
        took = lasting((snapshot.at - self._began).total_seconds()) if self._moved and self._began else ""
        if live.status != IN_SERVICE:
            return failed(snapshot, live, self._pinned)
        expected = self._pinned or (snapshot.stack.config if snapshot.stack else "")
        if expected and not same_config(expected, live.config):
            return rolled_back(snapshot, live, expected, moved=self._updated)
        return deployed(snapshot, live, expected, took=took, asked=bool(self._expect))

    def _waits(self, snapshot: Snapshot) -> bool:
        """Whether an update is still to come."""
        soon = self._first is not None and snapshot.at - self._first < self._wait_start
        return soon or (snapshot.stack is not None and snapshot.stack.moving)

    def _over(self, snapshot: Snapshot, ended: Ended) -> Judgement:
        events = [*self._gaps(snapshot), *(self._alarm_changes(snapshot) if self._moved else ())]
        self._close_bake(snapshot.at)
        events += self._quiet_bakes(snapshot, last=True)
        serves = snapshot.config(snapshot.live.config).name if snapshot.live else ""
        last = self._finished(ended, snapshot.at, serves)
        return replace(last, events=(*events, *last.events))

    def _finished(self, ended: Ended, at: datetime, serves: str) -> Judgement:
        outcome = Outcome(
            ended.result,
            self._endpoint,
            ended.expected or self._pinned,
            serves,
            ended.why,
            at,
            ended.advice,
            self._moved,
            trips=ended.trips,
        )
        return Judgement((finished(outcome),), None, outcome)

    # -- what is new

    def _start(self, snapshot: Snapshot, live: Live) -> Iterator[Event]:
        """An update that was not seen before; or what else goes on."""
        moving = live.pending.config if live.pending else live.status
        if live.status in ("Creating", "Updating", "RollingBack"):
            self._moved = True
        self._updated = self._updated or live.pending is not None
        # The pending deployment may be gone before the update is over.
        if moving == self._moving or (live.pending is None and self._track is not None):
            return
        self._moving, self._track, self._stage, self._share, self._bakes = moving, None, "", None, []
        started = live.pending.started if live.pending else None
        self._began = started or snapshot.at
        config = snapshot.config(live.config)
        said: dict[str, object] = {"endpoint": self._endpoint, "status": live.status, "from": live.config}
        if live.pending is None:
            words = {
                "Updating": f"weights or instance counts of {self._endpoint} change; it goes on to serve {config}",
                "RollingBack": f"{self._endpoint} goes back to its former weights or instance counts",
                "SystemUpdating": f"AWS works on {self._endpoint} itself (SystemUpdating): nothing can be changed now",
            }
            waiting = f"nothing moves yet: {self._endpoint} serves {config}"
            if snapshot.stack is not None and snapshot.stack.moving:
                waiting += f", and its stack {snapshot.stack.name} is {snapshot.stack.status}"
            self._headline = words.get(live.status, waiting)
            if live.status in words:
                yield event("started", snapshot.at, self._headline, **said)
            return
        new = snapshot.config(live.pending.config)
        said |= {"to": new.name, "version": new.version, "version_before": config.version, "began": self._began}
        if live.status == "Creating":
            self._headline = f"{self._endpoint} is created with {new}"
            yield event("started", snapshot.at, self._headline, **said)
            yield from self._pin(snapshot, new.name)
            return
        update = update_of(snapshot)
        self._headline = f"{self._endpoint} moves from {config} to {new}"
        text = self._headline
        if update is not None:
            self._track = Track(update, self._began)
            rollout = self._track.rollout
            self._headline += f": {strategy(rollout)}"
            text = f"{self._headline}; {watchers(update.policy)}"
            said |= {"strategy": update.policy.name, "alarms": list(update.policy.alarms)}
            said |= {"seconds_expected": rollout.duration, "assumptions": list(rollout.assumptions)}
        ago = (snapshot.at - self._began).total_seconds()
        yield event("started", snapshot.at, text + (f"; begun {lasting(ago)} ago" if ago >= 1 else ""), **said)
        for why in effective(update)[1] if update is not None else ():
            yield warning(snapshot.at, why)
        yield from self._pin(snapshot, new.name)

    def _pin(self, snapshot: Snapshot, moves_to: str) -> Iterator[Event]:
        """Settle what is expected, and say so when the update is not to lead there."""
        stack = snapshot.stack
        if stack is not None and stack.moving:
            # What the stack does now is what is to come about; unless it goes back on what it did before.
            going_back = "ROLLBACK" in stack.status
            self._pinned = self._expect or (self._pinned if going_back else "") or moves_to
        else:
            self._pinned = self._expect or (stack.config if stack is not None else "") or moves_to
        if not same_config(self._pinned, moves_to):
            why = "--expect says so" if self._expect else f"held by its stack {stack.name if stack else ''}"
            yield warning(
                snapshot.at,
                f"the update does not lead to what is expected, {snapshot.config(self._pinned)} ({why}): watch for "
                f"what it leads to with --expect {moves_to}",
            )

    def _progress(self, snapshot: Snapshot, live: Live, seen: Sighting | None) -> Iterator[Event]:
        position = self._position
        stage = label(position.stage, position.rollout) if position else self._plain_stage(live)
        if position is not None and position.late:
            yield from self._once(snapshot.at, f"instances take longer to come than assumed ({stage})")
        if stage == self._stage:
            return
        self._stage, self._beat = stage, snapshot.at
        self._close_bake(snapshot.at)
        left = remaining(position) if position else ""
        said: dict[str, object] = {"stage": stage, "status": live.status, "message": seen.message if seen else ""}
        if position is not None:
            one = position.stage
            said |= {
                "kind": str(one.kind),
                "step": one.step,
                "steps": one.steps,
                "rolling_back": one.rolling_back,
                "since": position.since,
                "stage_seconds_left": position.stage_left,
                "seconds_left": position.left,
            }
            if one.kind in BAKES and one.watched and not one.rolling_back:
                self._bakes.append(_Bake(stage, position.since))
        yield event("stage", snapshot.at, f"{stage}{f', {left}' if left else ''}", **said)

    def _plain_stage(self, live: Live) -> str:
        """What happens where there is no rollout to say it by."""
        if live.pending is None:
            return self._headline if live.status == IN_SERVICE else live.status
        told = next((v.statuses[0] for v in (*live.pending.variants, *live.variants) if v.statuses), "")
        return f"{live.status}{f', {told}' if told else ''}"

    def _traffic(self, snapshot: Snapshot, part: float | None) -> Iterator[Event]:
        before = self._share
        if part is None or (before is not None and abs(before - part) < _SAME_SHARE):
            return
        self._share = part
        if before is None and not part:
            return
        text = f"traffic: {share(part)} to the new fleet"
        yield event("traffic", snapshot.at, text, new=round(part, 4), old=round(1 - part, 4))

    def _alarm_changes(self, snapshot: Snapshot) -> Iterator[Event]:
        yield from alarm_events(snapshot.at, snapshot.alarms or (), self._alarms)

    def _metrics(self, snapshot: Snapshot, view: View) -> Iterator[Event]:
        if not self._moved or self._beat is None or snapshot.at - self._beat < self.heartbeat:
            return
        self._beat = snapshot.at
        yield heartbeat(view)

    # -- bakes without traffic

    def _close_bake(self, at: datetime) -> None:
        if self._bakes and self._bakes[-1].end is None:
            self._bakes[-1].end = at

    def _quiet_bakes(self, snapshot: Snapshot, *, last: bool = False) -> Iterator[Event]:
        """Bakes in which nobody asked the new fleet anything, so that its alarms could not see a fault."""
        if snapshot.new is None:
            return
        for bake in list(self._bakes):
            if bake.end is None or not (last or snapshot.at - bake.end >= _TO_COUNT):
                continue
            self._bakes.remove(bake)
            if not snapshot.new.between(bake.start, bake.end):
                yield warning(
                    snapshot.at,
                    f"{bake.label}: no request was counted on the new fleet, so its alarms could not have seen a fault",
                )

    # -- words

    def _gaps(self, snapshot: Snapshot) -> Iterator[Event]:
        for gap in snapshot.gaps:
            yield from self._once(snapshot.at, str(gap))

    def _once(self, at: datetime, text: str) -> Iterator[Event]:
        if text not in self._said:
            self._said.add(text)
            yield warning(at, text)
