"""The time that metrics are asked for: whole periods, as long as CloudWatch still has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.local import steering
from slipway.ops.metrics.span import PERIODS, RETENTION, now, span
from slipway.ops.target import Target
from slipway.ops.trouble import WrongOperation

NOW = datetime(2026, 11, 29, 12, 3, 30, tzinfo=UTC)
HOUR, DAY = 3600.0, 86400.0


@pytest.mark.parametrize(
    ("last", "period", "count"),
    [
        (60, 60, 2),
        (HOUR, 60, 61),
        (3 * HOUR, 180, 61),
        (DAY, 1800, 49),
        (7 * DAY, 10800, 57),
        (30 * DAY, 43200, 61),
        (90 * DAY, 172800, 46),
        (455 * DAY, 604800, 66),
    ],
)
def test_there_are_about_sixty_periods_whatever_the_time(last: float, period: int, count: int) -> None:
    found = span(NOW, last=last)
    assert (found.period, len(list(found.starts))) == (period, count)
    assert found.start <= NOW - timedelta(seconds=last)
    assert found.end >= NOW


def test_a_span_begins_and_ends_with_a_period() -> None:
    found = span(NOW, last=3 * HOUR)
    assert (found.start, found.end) == (
        datetime(2026, 11, 29, 9, 3, tzinfo=UTC),
        datetime(2026, 11, 29, 12, 6, tzinfo=UTC),
    )
    assert list(found.starts)[1] - found.start == timedelta(minutes=3)
    assert str(found) == "2026-11-29 09:03 to 12:03 UTC, 61 periods of 3m"


def test_a_span_of_several_days_says_both_days() -> None:
    assert str(span(NOW, last=2 * DAY, period=DAY)) == "2026-11-27 00:00 to 2026-11-29 12:03 UTC, 3 periods of 1d"


def test_the_end_can_lie_before_now_and_the_beginning_be_said() -> None:
    start, end = datetime(2026, 11, 28, 10, tzinfo=UTC), datetime(2026, 11, 28, 11, tzinfo=UTC)
    by_times = span(NOW, start=start, end=end)
    assert (by_times.start, by_times.end, by_times.period) == (start, end, 60)
    assert span(NOW, last=HOUR, end=end) == by_times


def test_an_end_that_has_not_come_is_now() -> None:
    assert span(NOW, last=HOUR, end=NOW + timedelta(days=1)) == span(NOW, last=HOUR)


def test_a_period_that_is_not_over_counts_as_long_as_it_was_but_for_a_minute() -> None:
    found = span(NOW, last=3 * HOUR)
    *_, before, last = found.starts
    assert found.seconds_of(before) == 180
    assert found.seconds_of(last) == 60  # half a minute so far
    assert span(NOW + timedelta(seconds=70), last=3 * HOUR).seconds_of(last) == 100


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "say how much time: either `--last 3h`, or `--from` with a time such as 2026-11-29T10:00"),
        ({"last": HOUR, "start": NOW - timedelta(hours=1)}, "say how much time: either `--last 3h`"),
        (
            {"start": NOW + timedelta(hours=1)},
            "the time from 2026-11-29 13:03 to 2026-11-29 12:03 UTC is none: it is 2026-11-29 12:03 UTC now",
        ),
        (
            {"start": NOW - timedelta(days=500)},
            "2025-07-17 is 500 days ago; CloudWatch keeps metrics for 455 days: write a later `--from`",
        ),
        ({"last": HOUR, "period": 90}, "a period of 1m30s: CloudWatch has multiples of 1m"),
        ({"last": HOUR, "period": 30}, "a period of 30s: CloudWatch has multiples of 1m"),
        ({"last": HOUR, "period": 7200}, "a period of 2h is longer than the time asked for, 1h"),
        (
            {"last": 20 * DAY, "period": 60},
            "since 2026-11-09, more than 15 days ago, CloudWatch keeps only multiples of 5m (up to 63 days): write",
        ),
        ({"last": 70 * DAY, "period": 300}, "more than 63 days ago, CloudWatch keeps only multiples of 1h"),
    ],
)
def test_a_time_that_cannot_be_asked_for_says_what_to_write(given: dict[str, Any], message: str) -> None:
    with pytest.raises(WrongOperation) as caught:
        span(NOW, **given)
    assert message in str(caught.value)


@pytest.mark.parametrize(("kept", "shortest"), RETENTION)
def test_a_period_is_never_shorter_than_what_is_still_there(kept: timedelta, shortest: int) -> None:
    start = NOW - kept
    found = span(NOW, start=start, end=start + timedelta(hours=1) if shortest < HOUR else NOW)
    assert found.period % shortest == 0
    assert len(list(found.starts)) <= PERIODS + 6


def test_now_is_what_the_clock_of_whoever_is_asked_says(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Reading:
        now = NOW

    def clock(url: str) -> Reading:
        asked.append(url)
        return Reading()

    monkeypatch.setattr(steering, "clock", clock)
    assert now(Target("local", "111122223333", "eu-west-1", {"AWS_ENDPOINT_URL": "http://here"}, "")) == NOW
    assert asked == ["http://here"]
    assert abs(now(Target("aws", "111122223333", "eu-west-1", {}, "")) - datetime.now(UTC)) < timedelta(minutes=1)
    assert len(asked) == 1
