"""The local AWS's clock runs faster for a while, and afterwards as it did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from slipway.local import steering
from slipway.local.control import LocalAwsError
from slipway.local.steering import ClockReading
from slipway.ops.deploy.local_clock import sped_up, speed_of
from slipway.ops.target import Target
from slipway.ops.trouble import WrongOperation

URL = "http://127.0.0.1:1"
LOCAL = Target("local", "111122223333", "eu-west-1", {"AWS_ENDPOINT_URL": URL}, "")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The speeds that a clock was given; it runs at 2 to begin with."""
    speeds = [2.0]

    def reading(url: str) -> ClockReading:
        assert url == URL
        return ClockReading(datetime.now(UTC), timedelta(), speeds[-1])

    def set_speed(url: str, speed: float) -> ClockReading:
        if speed > 3600:
            raise LocalAwsError("too fast")
        speeds.append(speed)
        return reading(url)

    monkeypatch.setattr(steering, "clock", reading)
    monkeypatch.setattr(steering, "set_speed", set_speed)
    return speeds


def test_it_runs_faster_within_and_as_before_afterwards(given: list[float]) -> None:
    with sped_up(LOCAL, 60.0):
        assert speed_of(LOCAL) == 60.0
    assert given == [2.0, 60.0, 2.0]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_it_runs_as_before_also_when_the_block_ends_early(
    given: list[float], error: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(error), sped_up(LOCAL, 60.0):
        raise error
    assert given == [2.0, 60.0, 2.0]
    assert capsys.readouterr().err == ""


def test_a_clock_that_cannot_be_slowed_down_again_is_told(
    given: list[float], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(_: str, __: float) -> ClockReading:
        raise LocalAwsError("it does not answer")

    with sped_up(LOCAL, 60.0):
        monkeypatch.setattr(steering, "set_speed", gone)
    assert given == [2.0, 60.0]
    assert capsys.readouterr().err == (
        "left as it is: the speed of the local AWS's clock (it does not answer). By hand: slipway local clock --speed "
        "2\n"
    )


def test_without_a_speed_it_is_left_alone(given: list[float]) -> None:
    with sped_up(LOCAL, None):
        pass
    assert given == [2.0]


def test_a_speed_that_is_none_changes_nothing(given: list[float]) -> None:
    with pytest.raises(LocalAwsError), sped_up(LOCAL, 9999.0):
        pytest.fail("it was let in")
    assert given == [2.0]


def test_an_accounts_time_cannot_be_sped_up() -> None:
    account = Target("aws", "111122223333", "eu-west-1", {}, "")
    with pytest.raises(WrongOperation, match="--speed is for the local AWS"), sped_up(account, 60.0):
        pytest.fail("it was let in")
