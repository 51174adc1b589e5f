"""A metric's values by period, and their statistics, as CloudWatch reckons them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

MINUTE = 60
#: Beyond this many different values, percentiles work on values rounded to three digits.
_DISTINCT_VALUES = 1000
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100(?:\.0+)?)")

Dimensions: TypeAlias = tuple[tuple[str, str], ...]
#: A series of numbers: seconds of a period's start, and the value there.
Points: TypeAlias = dict[int, float]


class UnsupportedStatisticError(ValueError):
    """A statistic that CloudWatch, or this model of it, does not have."""


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What makes two metrics the same; dimensions are sorted, as their order means nothing."""

    namespace: str
    name: str
    dimensions: Dimensions = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Iterable[tuple[str, str]] = ()) -> SeriesKey:
        """The key of a metric."""
        return cls(namespace, name, tuple(sorted(dimensions)))


@dataclass(slots=True)
class Values:
    """What was seen of a metric in one period; it is added to as values come.

    Attributes
    ----------
    total, count, minimum, maximum
        Of all values.
    values
        How often each value was seen, for percentiles.
    """

    total: float = 0.0
    count: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf
    values: dict[float, float] = field(default_factory=dict)

    @classmethod
    def of(cls, counts: Mapping[float, float]) -> Values:
        """Values with how often each was seen."""
        new = cls()
        for value, count in counts.items():
            new.add(value, count)
        return new

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


@dataclass(frozen=True, slots=True)
class Series:
    """A metric over time.

    Attributes
    ----------
    values
        By the start of the period in seconds, a multiple of the resolution. A period without values is not there.
    resolution
        Seconds of one period: 60 for what SageMaker publishes by default, less for high-resolution metrics.
    unit
        As published, such as ``Microseconds``; empty where it does not matter. An alarm that asks for another unit has
        no data.
    """

    values: Mapping[int, Values]
    resolution: int = MINUTE
    unit: str = ""

    def within(self, start: float, end: float) -> list[Values]:
        """The periods that lie wholly in a span of time."""
        first = math.ceil(start / self.resolution) * self.resolution
        starts = range(first, math.floor(end) - self.resolution + 1, self.resolution)
        return [found for at in starts if (found := self.values.get(at)) is not None]


def summarize(periods: Sequence[Values], statistic: str) -> float | None:
    """A statistic over several periods.

    Parameters
    ----------
    periods
        What was seen.
    statistic
        Sum, SampleCount, Average, Minimum, Maximum, or a percentile (``p99``, ``p99.9``).

    Returns
    -------
    float or None
        ``None`` when there are no values, or not those that it takes.

    Raises
    ------
    UnsupportedStatisticError
        For any other statistic.
    """
    count = sum(period.count for period in periods)
    if not count:
        _percentage(statistic)
        return None
    match statistic:
        case "Sum":
            return sum(period.total for period in periods)
        case "SampleCount":
            return count
        case "Average":
            return sum(period.total for period in periods) / count
        case "Minimum":
            return min(period.minimum for period in periods)
        case "Maximum":
            return max(period.maximum for period in periods)
    return _percentile(periods, (_percentage(statistic) or 0.0) / 100)


def _percentage(statistic: str) -> float | None:
    """The number in a percentile's name; ``None`` for the other statistics."""
    if statistic in ("Sum", "SampleCount", "Average", "Minimum", "Maximum"):
        return None
    found = _PERCENTILE.fullmatch(statistic)
    if found is None:
        raise UnsupportedStatisticError(
            f"The value {statistic} for parameter Stat is not supported. It is one of Sum, "
            "SampleCount, Average, Minimum, Maximum, or a percentile such as p99 or p99.9."
        )
    return float(found.group(1))


def samples_needed(statistic: str) -> float:
    """How many samples make a percentile significant; fewer are a low sample count.

    Parameters
    ----------
    statistic
        Any.

    Returns
    -------
    float
        10 / (1 - p) from the median up and 10 / p below it (CloudWatch User Guide, "Percentile-based CloudWatch alarms
        and low data samples"); 0 for what is no percentile, and for p0 and p100.
    """
    percentage = _percentage(statistic)
    if percentage is None or percentage in (0, 100):
        return 0.0
    share = percentage / 100
    return 10 / (1 - share) if share >= 0.5 else 10 / share


def _percentile(periods: Sequence[Values], share: float) -> float | None:
    """The smallest value that at least a share of all values does not exceed."""
    counts: dict[float, float] = {}
    for period in periods:
        for value, count in period.values.items():
            counts[value] = counts.get(value, 0.0) + count
    wanted = share * sum(counts.values())
    seen = 0.0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted - 1e-9:
            return value
    return None
