"""Which time metrics are asked for, and in periods of what length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from slipway.local import steering
from slipway.ops.trouble import WrongOperation
from slipway.spec.units import Duration

if TYPE_CHECKING:
    from slipway.ops.target import Target

#: About how many periods a span has unless somebody says otherwise: as many as a line of a table can show.
PERIODS = 60
#: How long CloudWatch keeps data, and the shortest period that it still has of it by then, in seconds (API:MetricStat).
RETENTION = ((timedelta(days=15), 60), (timedelta(days=63), 300), (timedelta(days=455), 3600))
#: Periods that a clock divides into, in seconds; each is kept as long as any of its length.
_LADDER = (60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)


@dataclass(frozen=True)
class Span:
    """A span of time in periods of equal length.

    Attributes
    ----------
    start, end
        With their zone, UTC; both lie on a whole period, and the end is excluded.
    period
        Seconds; a multiple of 60.
    now
        The time, which the last period may not have reached the end of.
    """

    start: datetime
    end: datetime
    period: int
    now: datetime

    @property
    def seconds(self) -> int:
        """How long it is."""
        return round((self.end - self.start).total_seconds())

    def seconds_of(self, start: datetime) -> float:
        """How much of a period there was so far: at least the minute that data comes in."""
        return max(60.0, min(float(self.period), (self.now - start).total_seconds()))

    @property
    def starts(self) -> Iterator[datetime]:
        """Where each period begins."""
        return (self.start + timedelta(seconds=at) for at in range(0, self.seconds, self.period))

    def __str__(self) -> str:
        end = min(self.end, self.now)
        last = f"{end:%H:%M}" if end.date() == self.start.date() else f"{end:%Y-%m-%d %H:%M}"
        count = self.seconds // self.period
        return (
            f"{self.start:%Y-%m-%d %H:%M} to {last} UTC, {count} period{'' if count == 1 else 's'} "
            f"of {Duration(self.period)}"
        )


def now(target: Target) -> datetime:
    """The time by the clock of whoever is asked: that of the local AWS may have been moved.

    Parameters
    ----------
    target
        Where the question goes.

    Returns
    -------
    datetime
        With its zone, UTC.

    Raises
    ------
    slipway.local.control.LocalAwsError
        When the local AWS does not answer.
    """
    return steering.clock(target.environ["AWS_ENDPOINT_URL"]).now if target.kind == "local" else datetime.now(UTC)


def span(
    now: datetime,
    *,
    last: float | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    period: float | None = None,
) -> Span:
    """Lay periods over a time.

    Parameters
    ----------
    now
        The time.
    last
        Seconds before the end; instead of ``start``.
    start, end
        With their zone; the end is now by default.
    period
        Seconds, a multiple of 60. Default: such that there are about 60 periods, and that CloudWatch still has them.

    Returns
    -------
    Span
        All of the time that was asked for, made longer so that it begins and ends with a period.

    Raises
    ------
    WrongOperation
        For a time that has not come, is over before it begins, or is older than anything that CloudWatch keeps, and
        for a period that it does not have.
    """
    if (start is None) == (last is None):
        raise WrongOperation("say how much time: either `--last 3h`, or `--from` with a time such as 2026-11-29T10:00")
    end = now if end is None else min(end, now)
    if last is not None:
        start = end - timedelta(seconds=last)
    assert start is not None  # noqa: S101 - one of them is given
    if start >= end:
        raise WrongOperation(
            f"the time from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC is none: it is {now:%Y-%m-%d %H:%M} "
            f"UTC now. Write an earlier `--from`"
        )
    least = _shortest(now - start, start)
    if period is None:
        seconds = _fitting((end - start).total_seconds(), least)
    else:
        seconds = _checked(period, least, start, (end - start).total_seconds())
    return Span(_floor(start, seconds), _ceiling(end, seconds), seconds, now)


def _shortest(age: timedelta, start: datetime) -> int:
    """The shortest period that CloudWatch still has of data of an age, in seconds."""
    for kept, shortest in RETENTION:
        # What the last period has of it is still there.
        if age <= kept + timedelta(seconds=shortest):
            return shortest
    raise WrongOperation(
        f"{start:%Y-%m-%d} is {age.days} days ago; CloudWatch keeps metrics for {RETENTION[-1][0].days} days: "
        f"write a later `--from`"
    )


def _fitting(seconds: float, least: int) -> int:
    return next((p for p in _LADDER if p >= least and seconds <= p * PERIODS), _LADDER[-1])


def _checked(period: float, least: int, start: datetime, seconds: float) -> int:
    given = Duration(period)
    if period < 60 or period % 60:
        raise WrongOperation(f"a period of {given}: CloudWatch has multiples of 1m, such as 1m, 5m or 1h")
    if period % least:
        kept = next(kept for kept, shortest in RETENTION if shortest == least)
        before = RETENTION[[shortest for _, shortest in RETENTION].index(least) - 1][0]
        raise WrongOperation(
            f"a period of {given}: of the time since {start:%Y-%m-%d}, more than {before.days} days ago, CloudWatch "
            f"keeps only multiples of {Duration(least)} (up to {kept.days} days): write such a one, or a later `--from`"
        )
    if period > seconds + 60:
        raise WrongOperation(f"a period of {given} is longer than the time asked for, {Duration(seconds)}")
    return round(period)


def _floor(at: datetime, period: int) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // period * period, UTC)


def _ceiling(at: datetime, period: int) -> datetime:
    return datetime.fromtimestamp(-(-at.timestamp() // period) * period, UTC)
