"""Updates that move: the stages of ``slipway.rollout`` by the clock, ended early by alarms that go off.

moto has endpoints in service at once. Nothing runs in the background here: where an update stands follows from the
time, and what ended it from the metrics, whenever somebody asks.
"""

import time
from collections.abc import Iterable
from dataclasses import replace

from moto.cloudwatch.models import Alarm, cloudwatch_backends

from slipway.local.mends import alarms as alarm_mends
from slipway.local.mends.cloudwatch import store
from slipway.local.pace import NEVER, SETTINGS, Flaw
from slipway.rollout.alarm import Alarm as DeclaredAlarm
from slipway.rollout.alarm import CompositeAlarm, read
from slipway.rollout.composite import children
from slipway.rollout.declared import DeclarationError
from slipway.rollout.expressions import ExpressionError
from slipway.rollout.fleets import Pace, Update
from slipway.rollout.history import History, Transition, watch
from slipway.rollout.rollback import roll_back
from slipway.rollout.simulation import first_ending
from slipway.rollout.stages import Ending, Kind, Outcome, Rollout, Stage
from slipway.rollout.state import State
from slipway.rollout.strategies import effective, intended

#: Alarms are evaluated every ten seconds at the most often.
_TICK = 10.0
#: What instances that do not become healthy take at least, so that somebody can see them try.
_TRYING_SECONDS = 1.0


def pace_of(flaws: Iterable[Flaw]) -> Pace:
    """How fast an update with some flaws is."""
    pace = SETTINGS.pace
    if Flaw.STUCK in flaws:
        return replace(pace, provision=NEVER)
    if Flaw.UNHEALTHY in flaws:
        return replace(pace, provision=max(_TRYING_SECONDS, pace.provision))
    return pace


class Progress:
    """An update under way.

    Parameters
    ----------
    account, region
        Where.
    update
        What is updated, and how.
    unhealthy
        Why its new instances never become healthy; empty when they do.
    """

    def __init__(self, account: str, region: str, update: Update, *, unhealthy: str = "") -> None:
        self.started = time.time()
        self.rollout: Rollout = intended(update)
        self._account, self._region = account, region
        self._unhealthy = unhealthy
        self._looked = -1.0
        backend = cloudwatch_backends[account][region]
        policy, _ = effective(update)
        self._alarms = [alarm for name in policy.alarms if (alarm := backend.alarms.get(name)) is not None]
        alarm_mends.refresh(backend, self._alarms)
        self._states = {alarm.name: alarm_mends.state_of(alarm) for alarm in self._alarms}

    @property
    def followed(self) -> list[Alarm]:
        """The alarms that may end it; while it runs, it evaluates them."""
        return self._alarms

    def settle(self, now: float) -> None:
        """Find out what happened up to a moment.

        Parameters
        ----------
        now
            Seconds since the epoch, by the clock of the local AWS.
        """
        if self.rollout.outcome is Outcome.ROLLED_BACK:
            return
        held = any(alarm_mends.held(alarm, now) for alarm in self._alarms)
        if not held and now - now % _TICK == self._looked and self.rollout.duration > now - self.started:
            return
        self._looked = now - now % _TICK
        ending = self._ending(now)
        if ending is not None:
            self.rollout = roll_back(self.rollout, ending.at, ending.why)

    def _ending(self, now: float) -> Ending | None:
        gone = now - self.started
        endings = [first_ending(self.rollout, self._histories(min(now, self.started + self.rollout.duration)))]
        if self._unhealthy:
            first = next(stage for stage in self.rollout.stages if stage.kind is Kind.PROVISION)
            endings.append(Ending(first.start + first.seconds * (1 - 1e-9), self._unhealthy))
        come = [one for one in endings if one is not None and one.at <= gone]
        return min(come, key=lambda one: one.at, default=None)

    def _histories(self, now: float) -> dict[str, History]:
        """The states of its alarms so far, in seconds since it began; the alarms are left in the present ones."""
        declared = [one for alarm in self._alarms if (one := _declared(alarm)) is not None]
        series = store(self._account, self._region)
        data = {
            query.metric: series.series(query.metric)
            for one in declared
            if not isinstance(one, CompositeAlarm)
            for query in one.queries
            if query.metric is not None
        }
        try:
            found = watch(declared, data, self.started, now, states={**self._others(declared), **self._states})
        except (ExpressionError, ValueError):
            return {}
        shifted = {}
        for alarm in self._alarms:
            if alarm.name not in found:
                continue
            history = alarm_mends.with_held(found[alarm.name], alarm)
            alarm_mends.bring(alarm, history, now)
            shifted[alarm.name] = _since(history, self.started)
        return shifted

    def _others(self, declared: Iterable[DeclaredAlarm]) -> dict[str, State]:
        """The states of alarms that composite ones look at."""
        backend = cloudwatch_backends[self._account][self._region]
        names = {name for one in declared if isinstance(one, CompositeAlarm) for name in children(one.rule)}
        others = [other for name in sorted(names) if (other := backend.alarms.get(name)) is not None]
        alarm_mends.refresh(backend, others)
        return {other.name: alarm_mends.state_of(other) for other in others}

    def stage(self, now: float) -> Stage:
        """Where it stands."""
        return self.rollout.at(now - self.started)

    def over(self, now: float) -> bool:
        """Whether it has come to its end, wherever that is."""
        return now - self.started >= self.rollout.duration

    @property
    def failure(self) -> str:
        """Why instances did not come up; empty when something else ended it, such as an alarm, or nothing did."""
        ending = self.rollout.ending
        return self._unhealthy if ending is not None and ending.why == self._unhealthy else ""

    @property
    def ended(self) -> float:
        """When it comes to its end, in seconds since the epoch."""
        return self.started + self.rollout.duration


def _declared(alarm: Alarm) -> DeclaredAlarm | None:
    try:
        return read(alarm.name, getattr(alarm, "request", {}))
    except DeclarationError:
        return None


def _since(history: History, start: float) -> History:
    moved = tuple(Transition(one.time - start, one.state, one.reason) for one in history.transitions)
    return replace(history, transitions=moved)
