from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from slipway.drill.traffic import Traffic
from slipway.ops.target import Target

START = datetime(2026, 1, 1, tzinfo=UTC)


class Runtime:
    """Answers every request, or fails every other one."""

    def __init__(self, error: str = "") -> None:
        self.asked, self._error, self._lock = 0, error, threading.Lock()

    def invoke_endpoint(self, **_request: Any) -> dict[str, Any]:
        with self._lock:
            self.asked += 1
            odd = self.asked % 2
        if self._error and odd:
            raise ClientError({"Error": {"Code": self._error, "Message": "no"}}, "InvokeEndpoint")
        return {"Body": self}

    def read(self) -> bytes:
        return b""


def ticking(steps: int) -> tuple[Callable[[], datetime], threading.Event]:
    """A clock that goes on by five seconds a look, so often, and then stands still."""
    over, now = threading.Event(), [START]

    def tick() -> datetime:
        if now[0] < START + timedelta(seconds=5 * steps):
            now[0] += timedelta(seconds=5)
        else:
            over.set()
        return now[0]

    return tick, over


def run(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, rate: float = 60) -> Traffic:
    target = Target("local", "111122223333", "eu-west-1", {}, "")
    monkeypatch.setattr(Target, "client", lambda *_: runtime)
    tick, over = ticking(13)
    with Traffic(target, "iris", rate, tick) as traffic:
        assert over.wait(10)
    return traffic


def test_requests_come_at_their_rate_by_the_clock_that_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    traffic = run(Runtime(), monkeypatch, rate=90)
    minute = traffic.sent(START + timedelta(seconds=5), START + timedelta(seconds=66))
    assert len(minute) == 90
    assert traffic.sent(START - timedelta(hours=1), START) == []


def test_what_a_model_fails_on_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = run(Runtime("ModelError"), monkeypatch).sent(START, START + timedelta(hours=1))
    assert sum(one.failed for one in sent) == len(sent) / 2 == 30


def test_what_never_reached_the_model_counts_for_nothing_and_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    traffic = run(Runtime("ThrottlingException"), monkeypatch)
    sent = traffic.sent(START, START + timedelta(hours=1))
    assert len(sent) == 30
    assert not any(one.failed for one in sent)
    assert "ThrottlingException" in traffic.trouble
