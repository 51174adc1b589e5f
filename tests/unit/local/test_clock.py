"""The clock that a test moves or speeds up, and what acts by it."""

import logging
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from slipway.local.clock import Clock
from slipway.local.ticker import Ticker


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that leaves the process of the tests alone."""
    monkeypatch.setattr(Clock, "_travel", lambda _: None)
    return Clock()


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What ``time.time_ns`` and ``time.monotonic_ns`` say; a test changes it."""
    now = [1_800_000_000_000_000_000]
    monkeypatch.setattr("time.time_ns", lambda: now[0])
    monkeypatch.setattr("time.monotonic_ns", lambda: now[0] - 1_700_000_000_000_000_000)
    return now


def seconds_here(clock: Clock) -> float:
    return clock.time_ns() / 1e9 - 1_800_000_000


# -- the clock


def test_a_speed_counts_from_now_on_and_the_present_moment_stays(measured: list[int], clock: Clock) -> None:
    measured[0] += 100_000_000_000
    clock.set_speed(60)
    assert seconds_here(clock) == 100
    measured[0] += 2_000_000_000
    assert seconds_here(clock) == 220
    clock.set_speed(3600)
    assert seconds_here(clock) == 220
    measured[0] += 1_000_000_000
    assert seconds_here(clock) == 3820
    clock.set_speed(1)
    assert seconds_here(clock) == 3820
    measured[0] += 1_000_000_000
    assert seconds_here(clock) == 3821
    assert clock.ahead == timedelta(seconds=3821 - 104)


def test_advances_and_speeds_add_up_until_the_reset(measured: list[int], clock: Clock) -> None:
    clock.set_speed(10)
    clock.advance(timedelta(hours=1))
    measured[0] += 1_000_000_000
    assert seconds_here(clock) == 3610
    clock.reset()
    assert (seconds_here(clock), clock.speed, clock.ahead) == (1, 1, timedelta())


@pytest.mark.parametrize("speed", [0.0, 0.99, -1.0, 3601.0, float("nan"), float("inf")])
def test_a_clock_runs_neither_slower_than_time_nor_beyond_measure(clock: Clock, speed: float) -> None:
    with pytest.raises(ValueError, match="runs 1 to 3600 times as fast"):
        clock.set_speed(speed)
    assert clock.speed == 1


def test_waiting_takes_as_much_less_as_the_clock_is_faster(clock: Clock) -> None:
    clock.set_speed(60)
    assert clock.real_seconds(600) == 10


def test_the_time_never_jumps_back_while_others_change_the_speed(clock: Clock) -> None:
    ended, jumps = threading.Event(), []

    def watch() -> None:
        before = clock.time_ns()
        while not ended.is_set():
            now = clock.time_ns()
            if now < before:
                jumps.append(before - now)
            before = now

    watchers = [threading.Thread(target=watch) for _ in range(3)]
    for watcher in watchers:
        watcher.start()
    for number in range(500):
        clock.set_speed([1, 3600, 2, 60][number % 4])
    ended.set()
    for watcher in watchers:
        watcher.join()
    assert jumps == []


def test_the_whole_process_has_its_time_but_for_what_measures_durations() -> None:
    code = """
import time
from datetime import datetime, timedelta, UTC
from slipway.local.clock import CLOCK
CLOCK.set_speed(100)
began = (time.time(), datetime.now(UTC).timestamp(), time.time_ns() / 1e9, time.monotonic(), time.perf_counter())
time.sleep(0.2)
ended = (time.time(), datetime.now(UTC).timestamp(), time.time_ns() / 1e9, time.monotonic(), time.perf_counter())
print(*(after - before for before, after in zip(began, ended)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    moved, now, ns, monotonic, perf = (float(word) for word in done.stdout.split())
    assert 0.2 <= monotonic < 10
    for fast in (moved, now, ns):
        assert fast == pytest.approx(100 * monotonic, rel=0.05)
    assert perf == pytest.approx(monotonic, rel=0.05)


# -- what acts by it


def test_an_advance_stops_at_every_full_minute_and_at_its_end(measured: list[int], clock: Clock) -> None:
    ticker, seen = Ticker(clock), list[datetime]()
    ticker.register(lambda now: seen.append(datetime.fromtimestamp(now, UTC)))
    measured[0] += 30_000_000_000  # the epoch is a full minute
    ticker.advance(timedelta(minutes=2))
    assert [f"{at:%H:%M:%S}" for at in seen] == ["08:01:00", "08:02:00", "08:02:30"]
    assert clock.ahead == timedelta(minutes=2)


def test_a_long_advance_has_fewer_stops_and_comes_as_far(measured: list[int], clock: Clock) -> None:
    ticker, seen = Ticker(clock), list[float]()
    ticker.register(seen.append)
    ticker.advance(timedelta(days=8))
    assert 230 < len(seen) <= 241
    assert {(after - before) % 60 for before, after in pairwise(seen)} == {0}
    assert clock.ahead == timedelta(days=8)
    assert measured[0] == 1_800_000_000_000_000_000


@pytest.mark.parametrize("by", [timedelta(), timedelta(days=4000)])
def test_an_advance_that_is_refused_does_nothing(clock: Clock, by: timedelta) -> None:
    ticker, seen = Ticker(clock), list[float]()
    ticker.register(seen.append)
    with pytest.raises(ValueError, match="moves forwards"):
        ticker.advance(by)
    assert (seen, clock.ahead) == ([], timedelta())


@pytest.mark.usefixtures("measured")
def test_what_is_due_once_a_minute_is_done_when_a_new_one_has_begun(clock: Clock) -> None:
    ticker, seen = Ticker(clock), list[float]()
    ticker.register(seen.append, every=60)
    ticker.tick()
    assert seen == []
    clock.advance(timedelta(seconds=59))
    ticker.tick()
    clock.advance(timedelta(seconds=1))
    ticker.tick()
    ticker.tick()
    assert [at - 1_800_000_000 for at in seen] == [60]


def test_what_fails_is_logged_once_and_ends_neither_the_others_nor_itself(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    ticker, seen = Ticker(clock), list[float]()

    def fail(_now: float) -> None:
        raise RuntimeError("one" if len(seen) < 2 else "two")

    ticker.register(fail)
    ticker.register(seen.append)
    with caplog.at_level(logging.ERROR):
        for _ in range(4):
            ticker.tick()
    assert len(seen) == 4
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["one", "two"]


def test_it_ticks_by_itself_from_its_start_to_its_end(clock: Clock) -> None:
    ticker, ticked = Ticker(clock), threading.Semaphore(0)
    ticker.register(lambda _: ticked.release())
    ticker.start()
    for _ in range(3):
        assert ticked.acquire(timeout=10)
    ticker.stop()
    deadline = time.monotonic() + 10
    while any(thread.name == "ticker" for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(thread.name == "ticker" for thread in threading.enumerate())
