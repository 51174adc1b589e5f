"""The tags that speak to the cleanup."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from idle_endpoint_cleanup.tags import carries, disposable, kept_by, mark, marked_at

NOW = datetime(2025, 6, 20, 23, 30, tzinfo=UTC)


def test_what_is_disposable_says_so_and_is_of_a_development_environment() -> None:
    tags = {"Environment": "dev", "Team": "rc", "slipway:disposable": "true"}
    assert disposable(tags, {"Environment": "dev", "Team": "rc"})
    for key in tags:
        assert not disposable({name: value for name, value in tags.items() if name != key}, {"Team": "rc"})
        assert not disposable({**tags, key: "x"}, {"Team": "rc"})


def test_no_opt_in_makes_another_environment_disposable() -> None:
    tags = {"Environment": "prod", "slipway:disposable": "true"}
    assert not disposable(tags, {"Environment": "prod"})
    assert not disposable(tags, {})


def test_carries_means_all_of_them() -> None:
    assert carries({"a": "1", "b": "2"}, {"a": "1", "b": "2"})
    assert not carries({"a": "1", "b": "2"}, {"a": "1", "b": "3"})
    assert not carries({"a": "1"}, {"a": "1", "b": "2"})
    assert carries({}, {})


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({}, None),
        ({"slipway:keep": "false"}, "tag slipway:keep"),
        ({"slipway:keep-until": "2025-06-19"}, None),
        ({"slipway:keep-until": "2025-06-20"}, "tag slipway:keep-until=2025-06-20"),
        ({"slipway:keep-until": "2025-06-19", "slipway:keep": ""}, "tag slipway:keep"),
        (
            {"slipway:keep-until": "20.6.2025"},
            'tag slipway:keep-until is "20.6.2025", which is no date; write it as 2025-06-30',
        ),
    ],
)
def test_what_keeps(tags: dict[str, str], reason: str | None) -> None:
    assert kept_by(tags, NOW) == reason


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the machine's own time zone be another one."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
def test_a_day_ends_with_utc() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
    assert elsewhere.date().day == 21
    assert kept_by({"slipway:keep-until": "2025-06-20"}, elsewhere)
    assert not kept_by({"slipway:keep-until": "2025-06-20"}, NOW + timedelta(hours=1))


@pytest.mark.usefixtures("elsewhere")
def test_the_mark_is_read_as_it_was_written() -> None:
    written = mark(NOW.astimezone(timezone(timedelta(hours=5))))
    assert written == {"Key": "slipway:removal-marked", "Value": "2025-06-20T23:30:00+00:00"}
    assert marked_at({written["Key"]: written["Value"]}) == NOW


@pytest.mark.parametrize("value", ["", "soon", "2025-06-20T23:30:00"])
def test_what_was_not_written_so_is_no_mark(value: str) -> None:
    assert marked_at({"slipway:removal-marked": value}) is None
    assert marked_at({}) is None
