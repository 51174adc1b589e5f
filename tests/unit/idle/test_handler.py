"""What Lambda calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from idle_endpoint_cleanup import handler
from idle_endpoint_cleanup.handler import handle, perform
from idle_endpoint_cleanup.run import Clients, Run, connect
from idle_endpoint_cleanup.settings import Settings, SettingsError
from tests.unit.idle.fake_aws import DAY, OURS, RECORDS, TOPIC, World


class Context:
    """An invocation with some time left."""

    def __init__(self, seconds: float = 900) -> None:
        self.milliseconds = int(seconds * 1000)

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    run = world.run()
    monkeypatch.setattr(handler, "Clients", lambda: run.aws)

    def clocked(aws: Clients, settings: Settings, *, remaining: Callable[[], float]) -> Run:
        return replace(run, aws=aws, settings=settings, remaining=remaining)

    monkeypatch.setattr(handler, "Run", clocked)
    for name, value in {"MODE": "delete", "TOPIC_ARN": TOPIC, "RECORD_PATH": RECORDS}.items():
        monkeypatch.setenv(name, value)
    return world


def test_it_knows_when_it_will_be_ended(world: World) -> None:
    world.endpoint("iris")
    world.age(30 * DAY)
    assert handle({}, Context(seconds=59.9))["Unfinished"] == 1
    assert handle({}, Context(seconds=60))["Unfinished"] == 0


def test_a_run_over_the_endpoints_logs_one_line(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.endpoint("iris")
    world.age(30 * DAY)
    record = handle({}, Context())
    assert record["task"] == "endpoints"
    assert record["Marked"] == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == record


def test_a_run_over_the_revisions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    config = world.revision("gone", {**OURS, "Model": "gone"})
    kept = world.revision("iris", {**OURS, "Model": "iris"})
    world.endpoint("iris").about["config"] = kept.name
    kept.tags["slipway:removal-marked"] = world.now.isoformat()
    first = handle({"task": "revisions"}, Context())
    assert len(first["marked"]) == 2  # type: ignore[arg-type]
    assert first["unmarked"] == [kept.arn.rpartition("/")[2]]
    world.age(DAY)
    record = handle({"task": "revisions"}, Context())
    del record["_aws"]
    assert record == {
        "Environment": "dev",
        "RevisionsExamined": 6,
        "RevisionsDeleted": 2,
        "RevisionsFailed": 0,
        "RevisionsUnfinished": 0,
        "task": "revisions",
        "mode": "delete",
        "marked": [],
        "unmarked": [],
        "deleted": [config.name, config.about["variants"][0]["ModelName"]],
        "failures": {},
    }
    monkeypatch.setenv("MODE", "dry-run")
    assert handle({"task": "revisions"}, Context())["mode"] == "dry-run"


def test_a_run_over_the_revisions_without_time_says_so() -> None:
    world = World()
    world.revision("gone", {**OURS, "Model": "gone"})
    assert perform("revisions", world.run(limit=30))["RevisionsUnfinished"] == 1


def test_another_task_is_refused() -> None:
    with pytest.raises(ValueError, match=r'^the task is "endpoint"; write endpoints or revisions$'):
        perform("endpoint", World().run())


def test_settings_that_make_no_sense_stop_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODE", "really")
    with pytest.raises(SettingsError):
        handle({}, Context())
    assert world.calls == []


def test_a_client_is_patient_with_throttling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    config = connect("sns").meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 6}
    assert (config.connect_timeout, config.read_timeout) == (5, 30)
