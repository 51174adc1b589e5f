"""What became of a deployment: endpoints that were rolled back although all looks well, stacks that go on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from slipway.ops.deploy import aftermath
from slipway.ops.deploy.aftermath import rolled_back, under_way
from slipway.ops.preflight.facts import Config, EndpointFacts, StackState
from slipway.ops.target import Target
from tests.unit.ops.preflight.fakes import FULL, WHEN, Stubs, environment, live

TARGET = Target("aws", "111122223333", "eu-west-1", {}, "")
ONE, TWO = Config("Config-1", "1", {}), Config("Config-2", "2", {})
LATENCY, ERRORS, MODEL_ERRORS = (f"{FULL}-rollback-{key}" for key in ("latency", "errors-5xx", "model-errors"))


class Told:
    """Something that is known already."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def result(self) -> Any:
        if isinstance(self._value, Exception):
            raise self._value
        return self._value


@pytest.fixture(autouse=True)
def stubs(monkeypatch: pytest.MonkeyPatch) -> Stubs:
    made = Stubs("cloudwatch", "cloudformation")
    monkeypatch.setattr(aftermath, "Clients", lambda _: made.clients)
    return made


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What AWS says of the endpoint; a test changes it."""
    known: dict[str, Any] = {"live": live(), "serving": ONE, "held": TWO}

    def make(self: EndpointFacts, _pool: object, _clients: object, _environment: object, name: str) -> None:
        self.name, self.full = name, FULL
        for key, value in known.items():
            setattr(self, key, Told(value))

    monkeypatch.setattr(EndpointFacts, "__init__", make)
    return known


def history(stubs: Stubs, alarm: str, *items: Mapping[str, Any]) -> None:
    wanted = {"AlarmName": alarm, "HistoryItemType": "StateUpdate", "StartDate": WHEN}
    stubs["cloudwatch"].add_response("describe_alarm_history", {"AlarmHistoryItems": list(items)}, wanted)


def update(state: str, minute: int) -> Mapping[str, Any]:
    at = datetime(2026, 11, 26, 12, minute, tzinfo=UTC)
    return {"Timestamp": at, "HistorySummary": f"Alarm updated from OK to {state}"}


def told(since: datetime | None = WHEN) -> list[str]:
    return [one.text for one in rolled_back(environment(), TARGET, ["iris"], since)]


@pytest.mark.usefixtures("facts")
def test_an_endpoint_on_another_config_than_its_stack_holds_was_rolled_back_and_why_is_told(
    stubs: Stubs,
) -> None:
    history(stubs, LATENCY, update("ALARM", 7), update("OK", 3))
    history(stubs, ERRORS)
    history(stubs, MODEL_ERRORS, update("INSUFFICIENT_DATA", 4))
    (text,) = told()
    happened, why, cure = text.splitlines()
    assert happened == (
        "iris: rolled back, although CloudFormation reports success: it serves version 1 (Config-1), its stack holds "
        "version 2 (Config-2)"
    )
    assert why == f"  {LATENCY} went off at 12:07:00 UTC"
    assert cure == (
        "  deploying version 2 again would change nothing: publish a cure under another version and declare that, or "
        "write `version: 1` to keep what serves"
    )
    stubs.done()


@pytest.mark.usefixtures("facts")
def test_the_rollback_is_told_also_to_whoever_may_not_ask_for_the_alarms(
    stubs: Stubs,
) -> None:
    stubs["cloudwatch"].add_client_error("describe_alarm_history", "AccessDenied", "no")
    (text,) = told()
    assert "iris: rolled back" in text
    assert "  why that was could not be told: not allowed: no" in text.splitlines()


@pytest.mark.parametrize(
    "now",
    [
        {"held": Config("config-1", "1", {})},
        {"held": None},
        {"live": None},
        {"serving": None},
        {"live": live("Updating")},
    ],
    ids=["the same in another case", "no stack", "no endpoint", "no config", "an update under way"],
)
def test_what_agrees_or_cannot_be_compared_yet_was_not_rolled_back(
    facts: dict[str, Any], now: Mapping[str, Any]
) -> None:
    facts |= now
    assert told() == []


@pytest.mark.usefixtures("facts")
def test_without_a_beginning_no_alarm_is_asked_about(stubs: Stubs) -> None:
    assert len(told(since=None)) == 1
    stubs.done()


def test_what_cannot_be_asked_is_raised(facts: dict[str, Any]) -> None:
    facts["live"] = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeEndpoint")
    with pytest.raises(ClientError):
        told()


def test_stacks_at_which_cloudformation_is_at_work_are_found(stubs: Stubs) -> None:
    for name, status in (
        ("foundation", "UPDATE_COMPLETE"),
        ("iris", "UPDATE_IN_PROGRESS"),
        ("operations", "REVIEW_IN_PROGRESS"),
    ):
        stack = {"StackName": f"rc-project-a-staging-{name}", "StackStatus": status, "CreationTime": WHEN}
        stubs["cloudformation"].add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": stack["StackName"]})
    found = under_way(environment(), TARGET, ["iris"])
    assert found == [StackState("rc-project-a-staging-iris", "UPDATE_IN_PROGRESS")]
