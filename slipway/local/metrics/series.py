"""Metric series, indexed by namespace, name and dimensions, one point a minute.

Values are aggregated as they come, so a process that lives for weeks does not grow with traffic.
"""

import math
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

MINUTE = 60
# CloudWatch keeps one-minute points for fifteen days.
RETENTION_MINUTES = 15 * 24 * 60
# Beyond this many different values in a minute, percentiles work on values rounded to three digits.
_DISTINCT_VALUES = 1000
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")

Dimensions = tuple[tuple[str, str], ...]
Points = dict[int, float]


class UnsupportedStatisticError(ValueError):
    """A statistic that CloudWatch, or this store, does not have."""


@dataclass(frozen=True)
class SeriesKey:
    """What makes two metrics the same; dimensions are sorted, as their order means nothing."""

    namespace: str
    name: str
    dimensions: Dimensions = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Iterable[tuple[str, str]]) -> "SeriesKey":
        """Return the key of a metric."""
        return cls(namespace, name, tuple(sorted(dimensions)))


@dataclass
class Minute:
    """What a metric was in one minute."""

    total: float = 0.0
    count: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf
    values: dict[float, float] = field(default_factory=dict)

    def add(self, value: float, count: float = 1.0) -> None:
        """Take in a value that was seen ``count`` times."""
        self.add_set(value * count, count, value, value)
        if len(self.values) >= _DISTINCT_VALUES and value not in self.values:
            value = float(f"{value:.3g}")
        self.values[value] = self.values.get(value, 0.0) + count

    def add_set(self, total: float, count: float, minimum: float, maximum: float) -> None:
        """Take in a statistic set, of which only the ends are known."""
        self.total += total
        self.count += count
        self.minimum = min(self.minimum, minimum)
        self.maximum = max(self.maximum, maximum)


@dataclass
class _Series:
    unit: str
    minutes: dict[int, Minute] = field(default_factory=dict)


class SeriesStore:
    """The metrics of one account and Region.

    Parameters
    ----------
    clock
        Returns seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._series: dict[SeriesKey, _Series] = {}
        self._lock = threading.Lock()

    def put(
        self,
        key: SeriesKey,
        values: Mapping[float, float],
        *,
        at: float | None = None,
        unit: str = "None",
    ) -> None:
        """Store values with their counts, at a time in seconds since the epoch (now by default)."""
        with self._lock:
            minute = self._minute(key, at, unit)
            for value, count in values.items():
                minute.add(value, count)

    def put_set(
        self,
        key: SeriesKey,
        statistics: tuple[float, float, float, float],
        *,
        at: float | None = None,
        unit: str = "None",
    ) -> None:
        """Store a statistic set: sum, sample count, minimum, maximum."""
        with self._lock:
            self._minute(key, at, unit).add_set(*statistics)

    def put_gauge(self, key: SeriesKey, value: float, *, unit: str = "None") -> None:
        """Store what a minute has one value of, the latest."""
        with self._lock:
            minute = self._minute(key, None, unit)
            minute.total = minute.count = 0.0
            minute.minimum, minute.maximum = math.inf, -math.inf
            minute.values.clear()
            minute.add(value)

    def _minute(self, key: SeriesKey, at: float | None, unit: str) -> Minute:
        series = self._series.setdefault(key, _Series(unit))
        start = int((self.clock() if at is None else at) // MINUTE) * MINUTE
        if start not in series.minutes and len(series.minutes) >= RETENTION_MINUTES:
            del series.minutes[min(series.minutes)]
        return series.minutes.setdefault(start, Minute())

    def unit(self, key: SeriesKey) -> str:
        """Return the unit of a metric, as it was first put."""
        series = self._series.get(key)
        return series.unit if series else "None"

    def points(self, key: SeriesKey, start: float, end: float, period: int, statistic: str) -> Points:
        """Return a statistic of a metric by the start of each period that has data.

        Parameters
        ----------
        start, end
            Seconds since the epoch; the start is rounded down to the period, the end excluded.
        period
            Seconds. Below a minute, a minute's data stands at its start.
        statistic
            Sum, SampleCount, Average, Minimum, Maximum, or a percentile (``p99``, ``p99.9``).

        Raises
        ------
        UnsupportedStatisticError
            For any other statistic.
        """
        first = int(start // period) * period
        groups: dict[int, list[Minute]] = {}
        with self._lock:
            series = self._series.get(key)
            for at in sorted(series.minutes) if series else ():
                if first <= at < end:
                    groups.setdefault(at // period * period, []).append(series.minutes[at])  # type: ignore[union-attr]
            found = {at: summarize(group, statistic) for at, group in groups.items()}
        return {at: value for at, value in found.items() if value is not None}

    def keys(
        self,
        namespace: str | None = None,
        name: str | None = None,
        dimensions: Iterable[tuple[str, str | None]] = (),
    ) -> list[SeriesKey]:
        """Return the metrics that match; a dimension's value of None matches any."""
        wanted = list(dimensions)
        with self._lock:
            known = list(self._series)
        return [
            key
            for key in known
            if namespace in (None, key.namespace)
            and name in (None, key.name)
            and all(_has(key.dimensions, *dimension) for dimension in wanted)
        ]


def _has(dimensions: Dimensions, name: str, value: str | None) -> bool:
    return any(known == name and value in (None, at) for known, at in dimensions)


def summarize(minutes: Sequence[Minute], statistic: str) -> float | None:
    """Return a statistic of several minutes; None when it cannot be known."""
    count = sum(minute.count for minute in minutes)
    match statistic:
        case "Sum":
            return sum(minute.total for minute in minutes)
        case "SampleCount":
            return count
        case "Average":
            return sum(minute.total for minute in minutes) / count if count else None
        case "Minimum":
            return min(minute.minimum for minute in minutes)
        case "Maximum":
            return max(minute.maximum for minute in minutes)
    match_ = _PERCENTILE.fullmatch(statistic)
    if match_ is None:
        raise UnsupportedStatisticError(
            f"The value {statistic} for parameter Stat is not supported. It is one of Sum, "
            "SampleCount, Average, Minimum, Maximum, or a percentile such as p99 or p99.9."
        )
    return _percentile(minutes, float(match_.group(1)) / 100)


def _percentile(minutes: Sequence[Minute], share: float) -> float | None:
    """Return the smallest value that at least a share of all values does not exceed."""
    counts: dict[float, float] = {}
    for minute in minutes:
        for value, count in minute.values.items():
            counts[value] = counts.get(value, 0.0) + count
    wanted = share * sum(counts.values())
    seen = 0.0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted - 1e-9:
            return value
    return None
