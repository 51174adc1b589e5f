"""One rehearsal: an update under one fault, to its end, with what its alarms did and who was harmed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from slipway.rehearsal.baseline import Baseline
from slipway.rehearsal.faults import Fault
from slipway.rehearsal.load import Minute, first_traffic, minutes
from slipway.rehearsal.target import Target
from slipway.rehearsal.telemetry import series, wanted
from slipway.rollout.alarm import Alarm, MetricAlarm
from slipway.rollout.fleets import Update
from slipway.rollout.history import VISIBLE_AFTER, History, watch
from slipway.rollout.policy import Policy
from slipway.rollout.series import MINUTE
from slipway.rollout.simulation import roll_out
from slipway.rollout.stages import Outcome, Rollout, Stage
from slipway.rollout.strategies import intended

#: Traffic before the update, so that alarms have data when it begins: at least, and at most.
_LEAD_LEAST, _LEAD_MOST = 30 * MINUTE, 180 * MINUTE


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a rehearsal rests on besides the template.

    Attributes
    ----------
    baseline
        Healthy traffic.
    after
        Seconds for which the endpoint is watched once the update is over.
    visible_after
        Seconds from the end of a datapoint's minute until alarms see it.
    """

    baseline: Baseline = field(default_factory=Baseline)
    after: float = 3600.0
    visible_after: float = VISIBLE_AFTER


USUAL = Assumptions()


class Verdict(StrEnum):
    """How a fault ended."""

    FINE = "fine"
    """Nothing had to happen, and nothing did."""
    ROLLED_BACK = "rolled back"
    """An alarm ended the update of a sick fleet."""
    TIMED_OUT = "timed out"
    """The maximum execution time ended it."""
    TOLD = "people are told"
    """The update went through; an alarm went off that ends no update, or went off too late."""
    UNNOTICED = "nobody notices"
    """The update went through, and no alarm went off."""
    FALSE_ALARM = "rolled back for nothing"
    """An alarm ended an update that was no worse than what it replaced."""


@dataclass(frozen=True, slots=True)
class Trip:
    """An alarm went off.

    Attributes
    ----------
    alarm
        Its name.
    at
        Seconds since the update began; 0 when it was in ALARM by then.
    stage
        In which it happened.
    ends
        Whether it ended the update.
    reason
        In CloudWatch's words; empty where it was in ALARM before the update.
    """

    alarm: str
    at: float
    stage: Stage
    ends: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Rehearsal:
    """One fault, rehearsed.

    Attributes
    ----------
    target
        What was updated.
    fault
        What was wrong.
    variant
        The sick variant; empty where all were.
    rollout
        As it ran.
    intended
        As it would have run without a fault.
    trips
        Alarms that went off, the first first.
    began
        When the first request was harmed, in seconds since the update began; ``None`` when none was.
    requests
        From the start of the update until it is over, and as long as it is watched afterwards.
    harmed
        Those of them that the fault harmed: they failed, or took longer than all but one healthy request in a thousand.
    unguarded
        How many it would have harmed in the same time with all traffic moved at once and no alarms.
    watched_for
        Seconds from the start of the update over which all this is counted.
    """

    target: Target
    fault: Fault
    variant: str
    rollout: Rollout
    intended: Rollout
    trips: tuple[Trip, ...]
    began: float | None
    requests: int
    harmed: int
    unguarded: int
    watched_for: float

    @property
    def ended_by(self) -> Trip | None:
        """The alarm that ended the update."""
        return next((trip for trip in self.trips if trip.ends), None)

    @property
    def told_by(self) -> Trip | None:
        """The first alarm that went off without ending the update."""
        return next((trip for trip in self.trips if not trip.ends), None)

    @property
    def after(self) -> float | None:
        """Seconds from the first harm until an alarm went off; ``None`` when none did, or none was harmed."""
        trip = self.ended_by or self.told_by
        if trip is None or self.began is None or trip.at < self.began:
            return None
        return trip.at - self.began

    @property
    def verdict(self) -> Verdict:
        """How it ended."""
        back = self.rollout.outcome is Outcome.ROLLED_BACK
        if self.fault.side != "new":
            return Verdict.FALSE_ALARM if back else Verdict.FINE
        if back:
            return Verdict.ROLLED_BACK if self.ended_by else Verdict.TIMED_OUT
        return Verdict.TOLD if self.told_by else Verdict.UNNOTICED

    @property
    def title(self) -> str:
        """Of the fault, with the sick variant."""
        return f"{self.fault.title} ({self.variant})" if self.variant else self.fault.title


def rehearse(
    target: Target,
    fault: Fault,
    assumptions: Assumptions = USUAL,
    *,
    variant: str | None = None,
    longest: float = 0.0,
) -> Rehearsal:
    """Run an update under a fault.

    Parameters
    ----------
    target
        What is updated.
    fault
        What is wrong.
    assumptions
        Traffic, and how long the endpoint is watched.
    variant
        The only variant that is sick; all are without it.
    longest
        Seconds that the longest of several updates takes which are compared: each is watched for as long.

    Returns
    -------
    Rehearsal
        To its end.

    Raises
    ------
    ValueError
        When composite alarms look at each other in a circle.
    ExpressionError
        When an alarm's expression is wrong.
    """
    update = under(target.update, fault)
    target = replace(target, update=update)
    planned = intended(update)
    over = max(planned.duration, longest)
    end = _minutes(over + assumptions.after)
    scene = _Scene(target, fault, assumptions, variant, -_lead(target.metric_alarms), end, over)
    guarding = target.rollback
    histories = scene.histories(planned, guarding, until=_minutes(planned.duration)) if guarding else {}
    rollout = roll_out(update, histories)
    seen = scene.seen(rollout)
    trips = _trips(target, planned, rollout, scene.histories(rollout, target.alarms, seen=seen), end)
    unguarded = scene.seen(roll_out(replace(update, policy=Policy())))
    counted = [minute for those in seen for minute in those if minute.start >= 0]
    hurt = [minute.start for minute in counted if minute.harmed > 0]
    return Rehearsal(
        target,
        fault,
        variant or "",
        rollout,
        planned,
        trips,
        _began(fault, rollout, hurt),
        sum(fleet.requests for minute in counted for fleet in minute.fleets),
        round(sum(minute.harmed for minute in counted)),
        round(sum(minute.harmed for those in unguarded for minute in those if minute.start >= 0)),
        float(end),
    )


def under(update: Update, fault: Fault) -> Update:
    """An update with the pace that a fault leaves to it."""
    return replace(update, pace=replace(update.pace, provision=update.pace.provision * fault.provision))


@dataclass(frozen=True)
class _Scene:
    """The time over which a fault is followed."""

    target: Target
    fault: Fault
    assumptions: Assumptions
    variant: str | None
    start: int
    end: int
    resumes: float

    def seen(self, rollout: Rollout) -> list[list[Minute]]:
        return [
            minutes(
                rollout,
                number,
                self.assumptions.baseline,
                self.fault,
                sick=self.variant in (None, variant.name),
                start=self.start,
                end=self.end,
                calls_from=-math.inf if self.fault.calls else self.resumes,
            )
            for number, variant in enumerate(rollout.update.variants)
        ]

    def histories(
        self,
        rollout: Rollout,
        alarms: Sequence[Alarm],
        *,
        seen: list[list[Minute]] | None = None,
        until: int | None = None,
    ) -> Mapping[str, History]:
        metric_alarms = [alarm for alarm in alarms if isinstance(alarm, MetricAlarm)]
        keys, percentiles = wanted(metric_alarms)
        data = series(self.target, self.assumptions.baseline, seen or self.seen(rollout), keys, percentiles)
        end = self.end if until is None else until
        return watch(alarms, data, self.start, end, delay=self.assumptions.visible_after)


def _minutes(seconds: float) -> int:
    return math.ceil(seconds / MINUTE) * MINUTE


def _lead(alarms: Iterable[MetricAlarm]) -> int:
    windows = [alarm.period * alarm.rule.range for alarm in alarms]
    return min(_LEAD_MOST, max(_LEAD_LEAST, _minutes(max(windows, default=0)) + 2 * MINUTE))


def _began(fault: Fault, rollout: Rollout, hurt: Sequence[int]) -> float | None:
    if not hurt:
        return None
    first = first_traffic(rollout) if fault.side == "new" else None
    return max(float(hurt[0]), first or 0.0)


def _trips(
    target: Target, planned: Rollout, rollout: Rollout, histories: Mapping[str, History], end: int
) -> tuple[Trip, ...]:
    """Each alarm's first time in ALARM; whatever ended the update did so first."""
    ending = rollout.ending
    trips = []
    for alarm in target.alarms:
        ends = ending is not None and ending.why == f"alarm {alarm.name}"
        at = ending.at if ends and ending else histories[alarm.name].first_alarm(0, end)
        if at is not None:
            reason = next((t.reason for t in histories[alarm.name].transitions if t.time == at), "")
            trips.append(Trip(alarm.name, at, (planned if ends else rollout).at(at), ends, reason))
    return tuple(sorted(trips, key=lambda trip: (trip.at, not trip.ends, trip.alarm)))
