"""AWS's time: from its answers on an account, from its clock on a local AWS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from slipway.local import steering
from slipway.local.steering import ClockReading
from slipway.ops.aws_clock import AwsClock
from slipway.ops.target import Target

NOON = datetime(2026, 12, 24, 12, tzinfo=UTC)
DATE = "Thu, 24 Dec 2026 12:00:00 GMT"


def answer(date: str | None) -> dict[str, Any]:
    return {"ResponseMetadata": {"HTTPHeaders": {} if date is None else {"date": date}}}


class Time:
    """Real time that passes only when somebody sleeps, or the test says so."""

    def __init__(self) -> None:
        self.at = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    def monotonic(self) -> float:
        return self.at


class Sts:
    """Answers who is asking, with a Date or without one."""

    def __init__(self, date: str | None) -> None:
        self.date = date
        self.calls = 0

    def get_caller_identity(self) -> dict[str, Any]:
        self.calls += 1
        return answer(self.date)


@pytest.fixture
def real() -> Time:
    return Time()


@pytest.fixture
def account(real: Time) -> AwsClock:
    target = Target("aws", "111122223333", "eu-west-1", {}, "")
    return AwsClock(target, sleep=real.sleep, monotonic=real.monotonic)


def test_it_is_the_date_of_the_latest_answer_and_what_has_passed_since(account: AwsClock, real: Time) -> None:
    account.note(answer(DATE))
    assert account.now() == NOON
    real.at += 90
    assert account.now() == NOON + timedelta(seconds=90)
    account.note(answer("Thu, 24 Dec 2026 12:05:00 GMT"))
    assert account.now() == NOON + timedelta(minutes=5)


def test_a_date_that_lacks_the_fraction_of_the_second_does_not_set_it_back(account: AwsClock, real: Time) -> None:
    account.note(answer(DATE))
    real.at += 0.9
    account.note(answer(DATE))
    assert account.now() == NOON + timedelta(seconds=0.9)


@pytest.mark.parametrize("date", [None, "", "soon"], ids=["no date", "empty", "no such date"])
def test_an_answer_that_says_no_time_changes_nothing(account: AwsClock, date: str | None) -> None:
    account.note(answer(DATE))
    account.note(answer(date))
    account.note({})
    assert account.now() == NOON


def test_before_there_is_an_answer_sts_is_asked_once(
    account: AwsClock, real: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    sts = Sts(DATE)
    monkeypatch.setattr(Target, "client", lambda _, service: {"sts": sts}[service])
    assert account.now() == NOON
    real.at += 60
    assert account.now() == NOON + timedelta(minutes=1)
    assert sts.calls == 1


def test_where_no_answer_has_a_date_the_machines_own_clock_has_to_do(
    account: AwsClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Target, "client", lambda _, service: {"sts": Sts(None)}[service])
    assert abs(account.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_it_listens_to_clients_of_any_service(account: AwsClock) -> None:
    client = boto3.client("sagemaker", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    account.listen(client)

    def respond(**_: object) -> Any:
        headers = HTTPHeaders.from_dict({"Date": DATE, "Content-Type": "application/x-amz-json-1.1"})
        return AWSResponse("https://sagemaker.example", 200, headers, Body())

    client.meta.events.register("before-send", respond)
    client.list_endpoints()
    assert account.now() == NOON


class Body:
    """The body of an answer: an empty document."""

    def stream(self) -> Any:
        yield b"{}"


def test_on_an_account_a_pause_is_of_the_real_time(account: AwsClock, real: Time) -> None:
    account.pause(10)
    assert real.slept == [10]


class Local:
    """A local AWS's clock, which runs with the real one at some speed, and may be moved."""

    def __init__(self, real: Time, monkeypatch: pytest.MonkeyPatch, speed: float) -> None:
        self.real = real
        self.speed = speed
        self.ahead = timedelta()
        self.begun = real.at
        monkeypatch.setattr(steering, "clock", self.read)
        target = Target("local", "111122223333", "eu-west-1", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "")
        self.clock = AwsClock(target, sleep=self.sleep, monotonic=real.monotonic)
        self.moves: dict[int, timedelta] = {}

    def read(self, url: str) -> ClockReading:
        assert url == "http://127.0.0.1:1"
        passed = timedelta(seconds=(self.real.at - self.begun) * self.speed)
        return ClockReading(NOON + passed + self.ahead, self.ahead)

    def sleep(self, seconds: float) -> None:
        self.real.sleep(seconds)
        self.ahead += self.moves.get(len(self.real.slept), timedelta())


def test_a_local_aws_is_asked_for_its_clock(real: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    local = Local(real, monkeypatch, 60)
    real.at += 1
    assert local.clock.now() == NOON + timedelta(minutes=1)


@pytest.mark.parametrize(("speed", "slept"), [(1, 10.0), (60, 0.2), (20, 0.6), (3600, 0.2)])
def test_there_a_pause_is_over_when_its_clock_has_moved(
    real: Time, monkeypatch: pytest.MonkeyPatch, speed: float, slept: float
) -> None:
    local = Local(real, monkeypatch, speed)
    local.clock.pause(10)
    assert sum(real.slept) == pytest.approx(slept)
    assert local.clock.now() >= NOON + timedelta(seconds=10)


def test_a_pause_ends_early_when_that_clock_is_moved_forwards(real: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    local = Local(real, monkeypatch, 1)
    local.moves[3] = timedelta(hours=1)
    local.clock.pause(600)
    assert real.slept == [0.2] * 3


def test_a_pause_does_not_grow_when_that_clock_is_set_back(real: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    local = Local(real, monkeypatch, 1)
    local.moves[3] = -timedelta(days=300)
    local.clock.pause(10)
    assert sum(real.slept) == pytest.approx(10.6)
