"""Metric series, indexed by namespace, name and dimensions, one point a minute.

Values are aggregated as they come, so a process that lives for weeks does not grow with traffic.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from slipway.rollout.series import MINUTE, Dimensions, Points, Series, SeriesKey, Values, summarize

# CloudWatch keeps one-minute points for fifteen days.
RETENTION_MINUTES = 15 * 24 * 60


def first_period(start: float, end: float, period: int) -> int:
    """Return where the first period of a span begins, in seconds since the epoch."""
    whole = period >= end - start // MINUTE * MINUTE
    return int(start // MINUTE) * MINUTE if whole else int(start // period) * period


@dataclass
class _Series:
    unit: str
    minutes: dict[int, Values] = field(default_factory=dict)


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
            self._minute(key, None, unit, fresh=True).add(value)

    def _minute(self, key: SeriesKey, at: float | None, unit: str, *, fresh: bool = False) -> Values:
        series = self._series.setdefault(key, _Series(unit))
        start = int((self.clock() if at is None else at) // MINUTE) * MINUTE
        if start not in series.minutes and len(series.minutes) >= RETENTION_MINUTES:
            del series.minutes[min(series.minutes)]
        if fresh:
            series.minutes.pop(start, None)
        return series.minutes.setdefault(start, Values())

    def unit(self, key: SeriesKey) -> str:
        """Return the unit of a metric, as it was first put."""
        series = self._series.get(key)
        return series.unit if series else "None"

    def series(self, key: SeriesKey) -> Series:
        """Return a metric as the alarms look at it; an unknown one has no values."""
        with self._lock:
            series = self._series.get(key)
            return Series(dict(series.minutes), unit=series.unit) if series else Series({})

    def points(self, key: SeriesKey, start: float, end: float, period: int, statistic: str) -> Points:
        """Return a statistic of a metric by the start of each period that has data.

        Parameters
        ----------
        start, end
            Seconds since the epoch; the start is rounded down to the period, the end excluded. A period that has
            room for all of it begins with its start, as on AWS, where all do: one value then speaks of just this time.
        period
            Seconds. Below a minute, a minute's data stands at its start.
        statistic
            Sum, SampleCount, Average, Minimum, Maximum, or a percentile (``p99``, ``p99.9``).

        Raises
        ------
        UnsupportedStatisticError
            For any other statistic.
        """
        first = first_period(start, end, period)
        groups: dict[int, list[Values]] = {}
        with self._lock:
            series = self._series.get(key)
            for at in sorted(series.minutes) if series else ():
                if first <= at < end:
                    begin = first + (at - first) // period * period
                    groups.setdefault(begin, []).append(series.minutes[at])  # type: ignore[union-attr]
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
