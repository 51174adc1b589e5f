"""The states of alarms over time, from the series that they watch."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from slipway.rollout.alarm import Alarm, CompositeAlarm, MetricAlarm
from slipway.rollout.composite import children, holds
from slipway.rollout.queries import Query, run
from slipway.rollout.series import Points, Series, SeriesKey, Values, samples_needed, summarize
from slipway.rollout.state import ALARM, INSUFFICIENT_DATA, OK, State, evaluate

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

    It is evaluated at multiples of ``alarm.every``. An evaluation looks at what is to be seen by then: periods that end
    with the last visible minute (the window slides), or, with a wall clock window, with the last whole period.

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
    every, rule = alarm.every, alarm.rule
    align = alarm.period if alarm.wall_clock else min(every, alarm.period, 60)
    datapoints = _datapoints(alarm, data)
    for now in range(math.ceil(start / every) * every, math.floor(end) + 1, every):
        edge = math.floor((now - delay) / align) * align
        if alarm.ignores_low_samples and _few_samples(alarm, data, edge):
            continue
        verdict = evaluate(rule, datapoints(edge), present)
        if verdict.state != present:
            present = verdict.state
            transitions.append(Transition(now, present, verdict.reason))
    return History(initial, tuple(transitions))


def _datapoints(alarm: MetricAlarm, data: Mapping[SeriesKey, Series]) -> Callable[[int], list[float | None]]:
    """Returns the evaluation range that ends at a moment; each period is summarized once."""
    seen: dict[tuple[str, int], float | None] = {}
    period, length = alarm.period, alarm.rule.range
    watched = alarm.watched

    def point(query: Query, at: int) -> float | None:
        key = (query.id, at)
        if key not in seen:
            seen[key] = summarize(_within(data, query, at, at + period), query.statistic)
        return seen[key]

    def metric(query: Query, grid: range) -> Points:
        return {at: value for at in grid if (value := point(query, at)) is not None}

    def datapoints(edge: int) -> list[float | None]:
        grid = range(edge - length * period, edge, period)
        if watched.metric is not None:
            return [point(watched, at) for at in grid]
        found = run(alarm.queries, lambda query: metric(query, grid), grid)[watched.id]
        return [found.get(at) for at in grid]

    return datapoints


def _within(data: Mapping[SeriesKey, Series], query: Query, start: float, end: float) -> list[Values]:
    series = data.get(query.metric) if query.metric is not None else None
    if series is None or (query.unit and series.unit and query.unit != series.unit):
        return []
    return series.within(start, end)


def _few_samples(alarm: MetricAlarm, data: Mapping[SeriesKey, Series], edge: int) -> bool:
    """Whether a percentile of the alarm has too few samples to mean something."""
    start = edge - alarm.period * alarm.rule.periods
    return any(
        (summarize(_within(data, query, start, edge), "SampleCount") or 0) < samples_needed(query.statistic)
        for query in alarm.queries
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
