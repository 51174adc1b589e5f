"""When a schedule happens: the moments of `cron(…)`, `rate(…)` and `at(…)`, as Application Auto Scaling has them."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
#: Sunday is 1.
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


def occurrences(
    schedule: str, *, after: datetime, until: datetime, timezone: str = "UTC", created: datetime | None = None
) -> Iterator[datetime]:
    """Find the moments at which a schedule happens.

    Parameters
    ----------
    schedule
        Such as ``cron(0 7 ? * MON-FRI *)``, ``rate(1 day)`` or ``at(2026-12-24T08:00:00)``; one that the spec accepts.
    after, until
        Between which moments, the first excluded, the last included; with their zones.
    timezone
        An IANA name, in which the expression is meant. A rate has none.
    created
        From when a rate counts; ``after`` by default.

    Yields
    ------
    datetime
        With its zone, UTC; in their order. What falls into the hour that is left out in spring happens an hour later,
        what falls into the one that comes twice in autumn, the first time.

    Raises
    ------
    zoneinfo.ZoneInfoNotFoundError
        If the machine's database has no such time zone.
    """
    kind, _, inner = schedule.removesuffix(")").partition("(")
    if kind == "rate":
        found = _rate(inner, created or after, after)
    elif kind == "at":
        found = iter([datetime.fromisoformat(inner).replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)])
    else:
        found = _cron(inner, ZoneInfo(timezone), after, until)
    for moment in found:
        if moment > until:
            return
        if moment > after:
            yield moment


def _rate(text: str, created: datetime, after: datetime) -> Iterator[datetime]:
    count, unit = text.split()
    every = int(count) * _UNITS[unit.removesuffix("s")]
    number = max(1, (after - created) // every)
    while True:
        yield (created + number * every).astimezone(UTC)
        number += 1


def _cron(text: str, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    minutes, hours, month_days, months, week_days, years = text.upper().split()
    day, last = after.astimezone(zone).date(), until.astimezone(zone).date()
    at_minutes, at_hours = _values(minutes, 0, 59, {}), _values(hours, 0, 23, {})
    in_months, in_years = _values(months, 1, 12, _MONTHS), _values(years, 1970, 2199, {})
    while day <= last:
        if day.year in in_years and day.month in in_months and _is_day(day, month_days, week_days):
            for hour in at_hours:
                for minute in at_minutes:
                    yield datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)
        day += timedelta(days=1)


def _values(field: str, low: int, high: int, words: dict[str, int]) -> list[int]:
    """The numbers that a field of values, ranges and steps stands for."""
    found: set[int] = set()
    for item in field.split(","):
        values, _, step = item.partition("/")
        first, dash, end = values.partition("-")
        start = low if first == "*" else _number(first, words)
        stop = _number(end, words) if dash else high if step or first == "*" else start
        # A range such as FRI-MON goes around.
        numbers = range(start, stop + 1) if start <= stop else [*range(start, high + 1), *range(low, stop + 1)]
        found.update(list(numbers)[:: int(step or 1)])
    return sorted(found)


def _number(text: str, words: dict[str, int]) -> int:
    return words[text] if text in words else int(text)


def _is_day(day: date, month_days: str, week_days: str) -> bool:
    """Whether it is one of the days: of the month or of the week, of which one is `?`."""
    if month_days != "?":
        return any(day.day in _of_month(item, day) for item in month_days.split(","))
    return any(_is_weekday(item, day) for item in week_days.split(","))


def _of_month(item: str, day: date) -> list[int]:
    last = calendar.monthrange(day.year, day.month)[1]
    if item == "L":
        return [last]
    if item.endswith("W"):
        wanted = last if item == "LW" else int(item[:-1])
        return [_working_day(day.replace(day=wanted), last)] if wanted <= last else []
    return _values(item, 1, 31, {})


def _working_day(day: date, last: int) -> int:
    """The working day nearest to a day within its month."""
    if day.weekday() == calendar.SATURDAY:
        return day.day - 1 if day.day > 1 else day.day + 2
    if day.weekday() == calendar.SUNDAY:
        return day.day + 1 if day.day < last else day.day - 2
    return day.day


def _is_weekday(item: str, day: date) -> bool:
    number = day.isoweekday() % 7 + 1
    if item == "L":
        return number == _DAYS["SAT"]
    special = re.fullmatch(r"(?P<day>[1-7]|[A-Z]{3})(?P<which>L|#[1-5])", item)
    if special is None:
        return number in _values(item, 1, 7, _DAYS)
    if number != _number(special["day"], _DAYS):
        return False
    if special["which"] == "L":
        return day.day + 7 > calendar.monthrange(day.year, day.month)[1]
    return (day.day - 1) // 7 + 1 == int(special["which"][1:])
