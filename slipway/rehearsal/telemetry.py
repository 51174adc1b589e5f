"""The metrics that an endpoint publishes while it is updated, as the service would."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from slipway.rehearsal.baseline import MICROSECONDS, Baseline, Latency, bins
from slipway.rehearsal.faults import Behaviour
from slipway.rehearsal.load import Answers, Minute
from slipway.rehearsal.published import BY_MODE, Published, Scope
from slipway.rehearsal.target import Target
from slipway.rollout.alarm import MetricAlarm
from slipway.rollout.series import MINUTE, Series, SeriesKey, Values
from slipway.spec import instances

#: Share of the cores that an instance without requests uses.
_IDLE = 0.02
#: Asynchronous: how many times the usual arrivals a healthy fleet could process.
_HEADROOM = 3.0


def wanted(alarms: Iterable[MetricAlarm]) -> tuple[frozenset[SeriesKey], frozenset[float]]:
    """The series that alarms look at, and the percentiles that have to be exact.

    Parameters
    ----------
    alarms
        The alarms.

    Returns
    -------
    frozenset of SeriesKey
        The series.
    frozenset of float
        Shares from 0 to 1.
    """
    keys: set[SeriesKey] = set()
    shares: set[float] = set()
    for alarm in alarms:
        for query in alarm.queries:
            if query.metric is not None:
                keys.add(query.metric)
                percentile = re.fullmatch(r"p([\d.]+)", query.statistic)
                if percentile:
                    shares.add(float(percentile[1]) / 100)
    return frozenset(keys), frozenset(shares)


def series(
    target: Target,
    baseline: Baseline,
    seen: Sequence[Sequence[Minute]],
    keys: frozenset[SeriesKey],
    percentiles: frozenset[float] = frozenset(),
) -> dict[SeriesKey, Series]:
    """Publish what some fleets did.

    Parameters
    ----------
    target
        What is rehearsed.
    baseline
        Healthy traffic.
    seen
        The minutes of each variant, in the update's order.
    keys
        The series that somebody looks at; no others are made.
    percentiles
        Shares from 0 to 1 at which latencies have to be exact.

    Returns
    -------
    dict
        By key. What the endpoint does not publish is not there.
    """
    made: dict[SeriesKey, Series] = {}
    for metric in BY_MODE[target.mode]:
        if not metric.followed or (metric.gpus and not target.gpus):
            continue
        if metric.scope is Scope.ENDPOINT:
            key = SeriesKey(metric.namespace, metric.name, target.place.dimensions(metric, ""))
            if key in keys:
                made[key] = _backlog(metric, seen)
            continue
        for number, variant in enumerate(target.update.variants):
            value = _value(metric, target, number, baseline, percentiles)
            for new in (False, True):
                key = SeriesKey(metric.namespace, metric.name, target.place.dimensions(metric, variant.name, new=new))
                if key in keys and key not in made and value is not None:
                    made[key] = Series(
                        {
                            minute.start: values
                            for minute in seen[number]
                            if (values := value((minute.new,) if new else minute.fleets)) is not None
                        },
                        unit=metric.unit,
                    )
    return made


#: Metrics that are 0 or 1 for each request.
_FAILED: Mapping[str, Callable[[Answers], int]] = {
    "Invocation4XXErrors": lambda answers: answers.errors_4xx,
    "Invocation5XXErrors": lambda answers: answers.errors_5xx,
    "InvocationModelErrors": lambda answers: answers.errors_4xx + answers.errors_5xx,
}
#: Metrics that are 1 for each request that they count.
_COUNTED: Mapping[str, Callable[[Answers], int]] = {
    "Invocations": lambda answers: answers.requests,
    "InvocationFailures": lambda answers: answers.errors_4xx + answers.errors_5xx,
    "InvocationsProcessed": lambda answers: answers.requests - answers.errors_4xx - answers.errors_5xx,
}

_Value = Callable[[Sequence[Answers]], "Values | None"]


def _value(
    metric: Published, target: Target, number: int, baseline: Baseline, percentiles: frozenset[float]
) -> _Value | None:
    """How a metric of a variant is made of what its fleets did; ``None`` where nobody can tell."""
    name = metric.name.removesuffix("Normalized")
    if name in _FAILED:
        return lambda fleets: _rate(fleets, _FAILED[name])
    if name in _COUNTED:
        return lambda fleets: _each(sum(_COUNTED[name](fleet) for fleet in fleets), 1.0)
    match name:
        case "InvocationsPerInstance" | "InvocationsPerCopy":
            return _per_instance
        case "ModelLatency":
            return lambda fleets: _latency(baseline.latency, fleets, percentiles, slowed=True)
        case "OverheadLatency":
            return lambda fleets: _latency(baseline.overhead, fleets, percentiles, slowed=False)
    return _machine(name, target, number, baseline)


def _machine(name: str, target: Target, number: int, baseline: Baseline) -> _Value | None:
    type = instances.lookup(target.update.variants[number].new.type)
    normalized = target.mode == "components"
    cores = 1 if normalized else type.vcpus if type else 0
    gpus = 1 if normalized else type.gpus if type else 0
    memory, gpu_memory = baseline.memory, baseline.gpu_memory
    match name:
        case "CPUUtilization" if cores:
            return lambda fleets: _machines(fleets, 100 * cores, lambda fleet, _: baseline.cpu * fleet.load, _IDLE)
        case "GPUUtilization" if gpus:
            return lambda fleets: _machines(fleets, 100 * gpus, lambda fleet, _: baseline.gpu * fleet.load, 0.0)
        case "MemoryUtilization":
            return lambda fleets: _machines(fleets, 100, lambda _, now: _or(now.memory, memory), memory)
        case "GPUMemoryUtilization" if gpus:
            return lambda fleets: _machines(
                fleets, 100 * gpus, lambda _, now: _or(now.gpu_memory, gpu_memory), gpu_memory
            )
        case "DiskUtilization":
            return lambda fleets: _machines(fleets, 100, lambda _fleet, _now: baseline.disk, baseline.disk)
    return None


def _or(given: float | None, otherwise: float) -> float:
    return otherwise if given is None else given


def _each(count: int, value: float) -> Values | None:
    return Values(count * value, count, value, value, {value: count}) if count > 0 else None


def _per_instance(fleets: Sequence[Answers]) -> Values | None:
    ready = sum(fleet.ready for fleet in fleets)
    return _each(sum(fleet.requests for fleet in fleets), 1 / max(1.0, ready))


def _rate(fleets: Sequence[Answers], failed: Callable[[Answers], int]) -> Values | None:
    """0 or 1 for each request."""
    requests = sum(fleet.requests for fleet in fleets)
    bad = sum(failed(fleet) for fleet in fleets)
    if not requests:
        return None
    values = {float(value): float(count) for value, count in ((0, requests - bad), (1, bad)) if count}
    return Values(float(bad), float(requests), min(values), max(values), values)


def _latency(
    latency: Latency, fleets: Sequence[Answers], percentiles: frozenset[float], *, slowed: bool
) -> Values | None:
    """Values with the distribution's percentiles; its mean and extremes are reckoned, not taken from the bins."""
    made = Values()
    for fleet in fleets:
        if not fleet.requests:
            continue
        factors: dict[float, float] = {}
        for part, behaviour in fleet.mix:
            factor = behaviour.slower if slowed else 1.0
            factors[factor] = factors.get(factor, 0.0) + part
        for factor, part in factors.items():
            count, scale = fleet.requests * part, factor * MICROSECONDS
            for seconds, share in bins(latency, percentiles):
                value = seconds * scale
                made.values[value] = made.values.get(value, 0.0) + count * share
            rank = 1 / (count + 1)
            made.add_set(latency.mean * scale * count, count, latency.at(rank) * scale, latency.at(1 - rank) * scale)
    return made if made.count else None


def _machines(
    fleets: Sequence[Answers], full: float, busy: Callable[[Answers, Behaviour], float], idle: float
) -> Values | None:
    """One value of each instance; what a serverless variant has is one machine."""
    counts: dict[float, float] = {}
    for fleet in fleets:
        working = fleet.ready - fleet.idle if fleet.ready else float(fleet.requests > 0)
        for part, behaviour in fleet.mix:
            value = full * min(1.0, max(idle, busy(fleet, behaviour)))
            counts[value] = counts.get(value, 0.0) + working * part
        if fleet.idle:
            counts[full * idle] = counts.get(full * idle, 0.0) + fleet.idle
    counts = {value: count for value, count in counts.items() if count > 0}
    return Values.of(counts) if counts else None


def _backlog(metric: Published, seen: Sequence[Sequence[Minute]]) -> Series:
    """Asynchronous requests wait in a queue; instances that are slow, or fewer, take longer to empty it."""
    waiting, values = 0.0, {}
    for at in range(len(seen[0])):
        now = [variant[at] for variant in seen]
        fleets = [fleet for minute in now for fleet in minute.fleets]
        arrived = sum(fleet.requests for fleet in fleets)
        capacity = sum(
            _HEADROOM * fleet.requests * part / max(1.0, behaviour.slower)
            for fleet in fleets
            for part, behaviour in fleet.mix
        )
        waiting = max(0.0, waiting + arrived - capacity)
        instances_ready = sum(fleet.ready for fleet in fleets)
        value = {
            "ApproximateBacklogSize": waiting,
            "ApproximateBacklogSizePerInstance": waiting / max(1.0, instances_ready),
            "HasBacklogWithoutCapacity": float(waiting > 0 and not instances_ready),
            "ApproximateAgeOfOldestRequest": waiting / capacity * MINUTE if capacity else 0.0,
        }[metric.name]
        values[now[0].start] = Values(value, 1.0, value, value, {value: 1.0})
    return Series(values, unit=metric.unit)
