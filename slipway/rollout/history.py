"""The states of alarms over time, from the series that they watch."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slipway.rollout.alarm import Alarm, CompositeAlarm, MetricAlarm
from slipway.rollout.composite import children, holds
from slipway.rollout.queries import Query, run
from slipway.rollout.series import Points, Series, SeriesKey, Values, samples_needed, summarize
from slipway.rollout.state import ALARM, INSUFFICIENT_DATA, OK, State, Verdict, evaluate

#: How long after its minute a datapoint can be seen, in seconds. **An assumption**: CloudWatch and SageMaker document
#: no figure; a minute is usual.
VISIBLE_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class Transition:
    """An alarm changes its state.

    Attributes
    ----------
    time
        Seconds, on the clock of the series.
    state
        From then on.
    reason
        In CloudWatch's words.
    """

    time: float
    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """An alarm's states.

    Attributes
    ----------
    initial
        Before the first transition.
    transitions
        In the order of time; each changes the state.
    """

    initial: State = INSUFFICIENT_DATA
    transitions: tuple[Transition, ...] = ()

    def at(self, time: float) -> State:
        """The state at a moment; a transition counts from its time on."""
        passed = bisect_right(self.transitions, time, key=lambda transition: transition.time)
        return self.transitions[passed - 1].state if passed else self.initial

    def first_alarm(self, start: float, end: float) -> float | None:
        """The first moment in ALARM, from ``start`` up to but not ``end``; ``None`` when there is none."""
        if start >= end:
            return None
        if self.at(start) == ALARM:
            return start
        return next((t.time for t in self.transitions if start < t.time < end and t.state == ALARM), None)


def watch(
    alarms: Iterable[Alarm],
    data: Mapping[SeriesKey, Series],
    start: float,
    end: float,
    *,
    states: Mapping[str, State] | None = None,
    delay: float = VISIBLE_AFTER,
) -> dict[str, History]:
    """Evaluate alarms over a span of time.

    Parameters
    ----------
    alarms
        Metric alarms and composite ones, which may look at each other.
    data
        The metrics. An alarm whose metric is not there has no data.
    start, end
        Seconds, on the clock of the series; both may be evaluated.
    states
        What alarms were in at the start, by name; those not named are in INSUFFICIENT_DATA. For composite rules, those
        of alarms that are not among ``alarms``, too.
    delay
        Seconds from the end of a datapoint's period until it is seen.

    Returns
    -------
    dict
        The history of each alarm by its name.

    Raises
    ------
    ValueError
        When composite alarms look at each other in a circle.
    ExpressionError
        When an expression is wrong.
    """
    before = states or {}
    histories = {name: History(state) for name, state in before.items()}
    waiting: list[CompositeAlarm] = []
    names: list[str] = []
    for alarm in alarms:
        names.append(alarm.name)
        if isinstance(alarm, CompositeAlarm):
            waiting.append(alarm)
        else:
            present = before.get(alarm.name, INSUFFICIENT_DATA)
            histories[alarm.name] = metric_history(alarm, data, start, end, present=present, delay=delay)
    while waiting:
        unknown = {alarm.name for alarm in waiting}
        ready = [alarm for alarm in waiting if not children(alarm.rule) & unknown]
        if not ready:
            raise ValueError(f"the composite alarms {', '.join(sorted(unknown))} look at each other in a circle")
        for alarm in ready:
            histories[alarm.name] = composite_history(alarm, histories, start)
            waiting.remove(alarm)
    return {name: histories[name] for name in names}


def metric_history(
    alarm: MetricAlarm,
    data: Mapping[SeriesKey, Series],
    start: float,
    end: float,
    *,
    present: State = INSUFFICIENT_DATA,
    delay: float = VISIBLE_AFTER,
) -> History:
    """Evaluate one metric alarm over a span of time.

    It is evaluated at multiples of ``alarm.every``, each time on what can be seen by then (``MetricAlarm.grid``).

    Parameters
    ----------
    alarm
        The alarm.
    data, start, end, delay
        As for ``watch``.
    present
        Its state at the start.

    Returns
    -------
    History
        Its states.
    """
    initial, transitions = present, []
    every = alarm.every
    evaluation = _Evaluation(alarm, data)
    for now in range(math.ceil(start / every) * every, math.floor(end) + 1, every):
        verdict = evaluation.at(now - delay, present)
        if verdict is not None and verdict.state != present:
            present = verdict.state
            transitions.append(Transition(now, present, verdict.reason))
    return History(initial, tuple(transitions))


def evaluate_at(
    alarm: MetricAlarm,
    data: Mapping[SeriesKey, Series],
    now: float,
    present: State,
    *,
    delay: float = VISIBLE_AFTER,
) -> Verdict | None:
    """Evaluate one metric alarm once.

    Parameters
    ----------
    alarm
        The alarm.
    data, delay
        As for ``watch``.
    now
        Seconds, on the clock of the series.
    present
        Its state so far.

    Returns
    -------
    Verdict or None
        Its state from now on; ``None`` when there are too few samples to judge, which leaves it as it is.
    """
    return _Evaluation(alarm, data).at(now - delay, present)


class _Evaluation:
    """Evaluates an alarm, now and again; each period is summarized once."""

    def __init__(self, alarm: MetricAlarm, data: Mapping[SeriesKey, Series]) -> None:
        self._alarm, self._data = alarm, data
        self._watched = alarm.watched
        self._seen: dict[tuple[str, int], float | None] = {}

    def at(self, until: float, present: State) -> Verdict | None:
        grid = self._alarm.grid(until)
        if self._alarm.ignores_low_samples and self._few_samples(grid):
            return None
        return evaluate(self._alarm.rule, self._datapoints(grid), present)

    def _datapoints(self, grid: range) -> list[float | None]:
        if self._watched.metric is not None:
            return [self._point(self._watched, at) for at in grid]
        found = run(self._alarm.queries, lambda query: self._points(query, grid), grid)[self._watched.id]
        return [found.get(at) for at in grid]

    def _points(self, query: Query, grid: range) -> Points:
        return {at: value for at in grid if (value := self._point(query, at)) is not None}

    def _point(self, query: Query, at: int) -> float | None:
        key = (query.id, at)
        if key not in self._seen:
            self._seen[key] = summarize(self._values(query, at, at + self._alarm.period), query.statistic)
        return self._seen[key]

    def _values(self, query: Query, start: float, end: float) -> list[Values]:
        series = self._data.get(query.metric) if query.metric is not None else None
        if series is None or (query.unit and series.unit and query.unit != series.unit):
            return []
        return series.within(start, end)

    def _few_samples(self, grid: range) -> bool:
        """Whether a percentile of the alarm has too few samples to mean something."""
        start = grid.stop - self._alarm.period * self._alarm.rule.periods
        return any(
            (summarize(self._values(query, start, grid.stop), "SampleCount") or 0) < samples_needed(query.statistic)
            for query in self._alarm.queries
            if query.metric is not None
        )


def composite_history(alarm: CompositeAlarm, histories: Mapping[str, History], start: float) -> History:
    """Evaluate a composite alarm over the histories of the alarms that it looks at.

    Parameters
    ----------
    alarm
        The alarm.
    histories
        By name. An alarm that is not there has no data.
    start
        Seconds, from which on it is evaluated.

    Returns
    -------
    History
        Its states: ALARM or OK.
    """
    looked_at = {name: histories.get(name, History()) for name in children(alarm.rule)}

    def state(time: float) -> State:
        return ALARM if holds(alarm.rule, lambda name: looked_at[name].at(time)) else OK

    times = sorted({t.time for history in looked_at.values() for t in history.transitions if t.time > start})
    present = initial = state(start)
    transitions = []
    for time in times:
        if (found := state(time)) != present:
            present = found
            transitions.append(Transition(time, found, f"The rule is {'true' if found == ALARM else 'false'}."))
    return History(initial, tuple(transitions))
