"""AWS's time for a watch, which goes on while AWS does not answer."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError

from slipway.local.control import LocalAwsError
from slipway.ops.aws_clock import AwsClock
from slipway.ops.watch.clock import WatchClock
from tests.unit.ops.answering import START, Aws

LOST = EndpointConnectionError(endpoint_url="https://sts.eu-west-1.amazonaws.com/")


class Clock(AwsClock):
    """Runs so many times as fast as the real time, until AWS is silent."""

    def __init__(self, speed: float = 1.0) -> None:
        super().__init__(Aws().target())
        self.real, self.speed = 0.0, speed
        self.silence: Exception | None = None

    def now(self) -> datetime:
        if self.silence is not None:
            raise self.silence
        return START + timedelta(seconds=self.real * self.speed)

    def pause(self, seconds: float) -> None:
        if self.silence is not None:
            raise self.silence
        self.real += seconds / self.speed

    def sleep(self, seconds: float) -> None:
        self.real += seconds


def watch_clock(clock: Clock) -> WatchClock:
    return WatchClock(clock, sleep=clock.sleep, monotonic=lambda: clock.real)


def test_waits_are_of_awss_time_and_tell_its_speed() -> None:
    clock = Clock(60.0)
    own = watch_clock(clock)
    own.wait(600.0)
    assert clock.real == 10.0
    assert own.now() == START + timedelta(minutes=10)
    assert own.speed == pytest.approx(60.0)


@pytest.mark.parametrize("silence", [LOST, LocalAwsError("The local AWS does not answer")], ids=["account", "local"])
def test_while_aws_is_silent_the_time_goes_on_as_it_did(silence: Exception) -> None:
    clock = Clock(60.0)
    own = watch_clock(clock)
    own.wait(60.0)
    clock.silence = silence
    before = own.now()
    own.wait(10.0)
    assert clock.real == 2.0
    assert own.now() - before == timedelta(minutes=1)


def test_a_clock_that_was_silent_from_the_beginning_takes_this_machines_time() -> None:
    clock = Clock()
    clock.silence = LOST
    assert watch_clock(clock).now().tzinfo is not None
