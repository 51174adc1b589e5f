"""When schedules happen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfoNotFoundError

import pytest

from slipway.spec.occurrences import occurrences

#: A Thursday.
EVE = datetime(2026, 12, 24, 12, tzinfo=UTC)


def first(schedule: str, *, after: datetime = EVE, timezone: str = "UTC", count: int = 3) -> list[str]:
    found = occurrences(schedule, after=after, until=after + timedelta(days=1500), timezone=timezone)
    return [f"{moment:%a %Y-%m-%d %H:%M}" for moment in islice(found, count)]


@pytest.mark.parametrize(
    ("schedule", "moments"),
    [
        ("cron(0 7 ? * MON-FRI *)", ["Fri 2026-12-25 07:00", "Mon 2026-12-28 07:00", "Tue 2026-12-29 07:00"]),
        ("cron(0 7 ? * 2-6 *)", ["Fri 2026-12-25 07:00", "Mon 2026-12-28 07:00", "Tue 2026-12-29 07:00"]),
        ("cron(0 7 ? * FRI-MON *)", ["Fri 2026-12-25 07:00", "Sat 2026-12-26 07:00", "Sun 2026-12-27 07:00"]),
        ("cron(*/20 13 * * ? *)", ["Thu 2026-12-24 13:00", "Thu 2026-12-24 13:20", "Thu 2026-12-24 13:40"]),
        ("cron(5/30 13,15 * * ? *)", ["Thu 2026-12-24 13:05", "Thu 2026-12-24 13:35", "Thu 2026-12-24 15:05"]),
        ("cron(0 0 1 jan,JUL ? *)", ["Fri 2027-01-01 00:00", "Thu 2027-07-01 00:00", "Sat 2028-01-01 00:00"]),
        ("cron(0 0 29 2 ? *)", ["Tue 2028-02-29 00:00"]),
        ("cron(0 0 L * ? *)", ["Thu 2026-12-31 00:00", "Sun 2027-01-31 00:00", "Sun 2027-02-28 00:00"]),
        ("cron(0 0 LW * ? *)", ["Thu 2026-12-31 00:00", "Fri 2027-01-29 00:00", "Fri 2027-02-26 00:00"]),
        ("cron(0 0 1W * ? *)", ["Fri 2027-01-01 00:00", "Mon 2027-02-01 00:00", "Mon 2027-03-01 00:00"]),
        ("cron(0 0 1W 5 ? *)", ["Mon 2027-05-03 00:00", "Mon 2028-05-01 00:00", "Tue 2029-05-01 00:00"]),
        ("cron(0 0 31W 10 ? *)", ["Fri 2027-10-29 00:00", "Tue 2028-10-31 00:00", "Wed 2029-10-31 00:00"]),
        ("cron(0 0 ? * 6L *)", ["Fri 2026-12-25 00:00", "Fri 2027-01-29 00:00", "Fri 2027-02-26 00:00"]),
        ("cron(0 0 ? * MON#1 *)", ["Mon 2027-01-04 00:00", "Mon 2027-02-01 00:00", "Mon 2027-03-01 00:00"]),
        ("cron(0 0 ? * L *)", ["Sat 2026-12-26 00:00", "Sat 2027-01-02 00:00", "Sat 2027-01-09 00:00"]),
        ("cron(30 12 24 12 ? 2026-2027)", ["Thu 2026-12-24 12:30", "Fri 2027-12-24 12:30"]),
        ("cron(0 0 1 1 ? 2020)", []),
        ("rate(12 hours)", ["Fri 2026-12-25 00:00", "Fri 2026-12-25 12:00", "Sat 2026-12-26 00:00"]),
        ("rate(1 day)", ["Fri 2026-12-25 12:00", "Sat 2026-12-26 12:00", "Sun 2026-12-27 12:00"]),
        ("at(2026-12-24T18:00:00)", ["Thu 2026-12-24 18:00"]),
        ("at(2026-12-24T12:00:00)", []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_next_moments_of_a_schedule(schedule: str, moments: list[str]) -> None:
    assert first(schedule) == moments


def test_the_last_moment_counts_and_the_first_one_does_not() -> None:
    noons = occurrences("cron(0 12 * * ? *)", after=EVE, until=EVE + timedelta(days=2))
    assert list(noons) == [EVE + timedelta(days=1), EVE + timedelta(days=2)]


def test_an_expression_is_meant_in_its_time_zone() -> None:
    assert first("cron(0 7 * * ? *)", timezone="Europe/Berlin", count=1) == ["Fri 2026-12-25 06:00"]
    assert first("at(2026-12-24T18:00:00)", timezone="Europe/Berlin") == ["Thu 2026-12-24 17:00"]
    summer = EVE.replace(month=7)
    assert first("cron(0 7 * * ? *)", after=summer, timezone="Europe/Berlin", count=1) == ["Sat 2026-07-25 05:00"]


def test_the_day_begins_where_the_time_zone_is() -> None:
    late = datetime(2026, 12, 24, 23, 30, tzinfo=UTC)
    assert first("cron(45 0 25 12 ? *)", after=late, timezone="Europe/Berlin", count=1) == ["Thu 2026-12-24 23:45"]


def test_an_hour_that_is_left_out_or_comes_twice_happens_once() -> None:
    spring, autumn = datetime(2027, 3, 27, 12, tzinfo=UTC), datetime(2027, 10, 30, 12, tzinfo=UTC)
    at = "cron(30 2 * * ? *)"
    assert first(at, after=spring, timezone="Europe/Berlin", count=2) == [
        "Sun 2027-03-28 01:30",
        "Mon 2027-03-29 00:30",
    ]
    assert first(at, after=autumn, timezone="Europe/Berlin", count=2) == [
        "Sun 2027-10-31 00:30",
        "Mon 2027-11-01 01:30",
    ]


def test_a_rate_counts_from_when_it_was_made() -> None:
    found = occurrences(
        "rate(90 minutes)", after=EVE, until=EVE + timedelta(hours=3), created=EVE - timedelta(minutes=100)
    )
    assert list(found) == [EVE + timedelta(minutes=80), EVE + timedelta(minutes=170)]


def test_a_time_zone_that_the_machine_does_not_know_is_said() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        first("cron(0 7 * * ? *)", timezone="Europe/Atlantis")
