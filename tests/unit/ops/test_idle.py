"""What `slipway idle` says: the cleanup's own decisions, read without changing anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from idle_endpoint_cleanup.handler import perform
from slipway.cli import main
from slipway.ops import idle
from slipway.ops import target as targets
from slipway.ops.idle import Outlook, outlook
from slipway.ops.target import Target
from slipway.spec.cleanup import Cleanup
from tests.unit.idle.fake_aws import DAY, OURS, World, error
from tests.unit.idle.role import Role, policy

TAGS = {**OURS, "Team": "rc", "Project": "project-a"}
DELETE, REPORT = Cleanup(mode="delete"), Cleanup(mode="report")


@pytest.fixture
def world() -> World:
    """An idle endpoint, one that was announced, one that is due, a busy one and one that is kept."""
    world = World()
    for name in ("announced", "busy", "due", "idle", "kept"):
        world.endpoint(name, TAGS, stack=f"s-{name}", instances=2)
    world.age(30 * DAY)
    named = {one.name: one for one in world.of("endpoint")}
    named["kept"].tags["slipway:keep"] = "true"
    named["due"].tags["slipway:removal-marked"] = (world.now - 2 * DAY).isoformat(timespec="seconds")
    named["announced"].tags["slipway:removal-marked"] = (world.now - DAY / 2).isoformat(timespec="seconds")
    world.invoke(named["busy"])
    world.age(DAY / 24)
    return world


def state(world: World) -> tuple[object, ...]:
    tags = {arn: dict(one.tags) for arn, one in world.resources.items()}
    return tags, set(world.stacks), dict(world.parameters), list(world.notices)


def by_name(found: Outlook) -> dict[str, idle.Row]:
    return {row.endpoint: row for row in found.rows}


def test_what_goes_comes_first_and_what_stays_says_why(world: World) -> None:
    found = outlook(world.run(), DELETE)
    assert [row.endpoint for row in found.rows] == ["due", "announced", "idle", "busy", "kept"]
    rows = by_name(found)
    assert {name: row.action for name, row in rows.items()} == {
        "due": "delete",
        "announced": "wait",
        "idle": "mark",
        "busy": "keep",
        "kept": "keep",
    }
    assert rows["due"].when == "at the next run"
    assert rows["idle"].when == "1d after the next run"
    assert rows["announced"].when == "after 2025-07-02 15:00 UTC"
    assert (rows["busy"].when, rows["busy"].why) == ("", "traffic in the last 7 days")
    assert (rows["kept"].reason, rows["kept"].why) == ("opted out", "tag slipway:keep")
    assert rows["idle"].instance_hours_a_week == 2 * 168
    assert rows["busy"].instance_hours_a_week is None


def test_what_is_over_the_cap_waits_for_a_later_run(world: World) -> None:
    for one in world.of("endpoint"):
        if one.name == "announced":
            one.tags["slipway:removal-marked"] = (world.now - 1.5 * DAY).isoformat(timespec="seconds")
    row = by_name(outlook(world.run(max_deletions=1), DELETE))["announced"]
    assert (row.action, row.reason, row.when) == ("wait", "over the cap", "at a later run")


def test_it_decides_what_the_next_run_does(world: World) -> None:
    before = {name: row.action for name, row in by_name(outlook(world.run(), DELETE)).items()}
    record: dict[str, Any] = perform("endpoints", world.run())
    done = {"delete": "deleted", "wait": "waiting", "mark": "marked"}
    for action, list_name in done.items():
        assert [one["endpoint"] for one in record[list_name]] == [n for n, a in before.items() if a == action]


def test_nothing_is_changed_and_a_role_that_may_only_look_is_enough(world: World) -> None:
    world.revision("gone", {**TAGS, "Model": "gone"})
    role = Role(world, policy(world.run(delete=False).settings))
    world.authorize = role.authorize
    before = state(world)
    found = outlook(world.run(), DELETE)
    assert role.denied == []
    assert state(world) == before
    assert found.failures == {}
    assert found.revisions["examined"] == 2 * 6
    assert len(found.revisions["marked"]) == 2


def test_where_the_cleanup_only_reports_nothing_has_a_day_on_which_it_goes(world: World) -> None:
    found = outlook(world.run(delete=False), REPORT)
    assert found.mode == "report"
    assert {row.when for row in found.rows} == {""}
    assert {row.action for row in found.rows} == {"delete", "wait", "mark", "keep"}


# -- the command


@pytest.fixture
def config(tmp_path: Path, root: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config folder of an environment whose account is the fake world."""
    target = Target("aws", "111122223333", "eu-west-1", {}, "AWS · account 111122223333 · eu-west-1 · dev")
    monkeypatch.setattr(targets, "choose", lambda *_, **__: target)
    monkeypatch.setattr(idle, "_clients", lambda _: world.run().aws)
    monkeypatch.setattr(idle, "_clock", lambda _: lambda: world.now)
    for name in ("base.yaml", "dev.yaml", "models.lock.json"):
        (tmp_path / name).write_text((root / "config" / name).read_text())
    return tmp_path


def test_the_command_says_where_it_looked_and_shows_the_table(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["idle", "--config", str(config)]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "AWS · account 111122223333 · eu-west-1 · dev"
    assert lines[0] == "without traffic for 7d an endpoint goes; cron(0 6 * * ? *), UTC"
    shown = [line.split("  ")[0] for line in lines[4:9]]
    assert shown == ["due", "announced", "idle", "busy", "kept"]
    assert lines[-1] == "retired configs and models: 10 examined, 0 to be marked, 0 to go"


def test_without_endpoints_the_command_says_so(config: Path, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.resources = {arn: one for arn, one in world.resources.items() if one.kind != "endpoint"}
    assert main(["idle", "--config", str(config)]) == 0
    assert "there is no endpoint with this environment's tags" in capsys.readouterr().out


def test_the_command_gives_programs_json_and_nothing_else(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["idle", "--json", "--config", str(config)]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["mode"] == "delete"
    assert [one["action"] for one in found["endpoints"]] == ["delete", "wait", "mark", "keep", "keep"]
    assert "account 111122223333" in captured.err


def test_what_could_not_be_looked_at_fails_the_command_and_is_named(
    config: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: int, call: str, request: dict[str, Any]) -> None:
        if call == "sagemaker:DescribeEndpoint" and request["EndpointName"] == "idle":
            raise error("DescribeEndpoint", "InternalFailure", "of the service's own")

    world.before = fail
    assert main(["idle", "--config", str(config)]) == 1
    captured = capsys.readouterr()
    assert "idle: An error occurred (InternalFailure)" in captured.err
    assert "due" in captured.out


def test_an_account_that_cannot_be_listed_fails_the_command(
    config: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.authorize = Role(world, []).authorize
    assert main(["idle", "--config", str(config)]) == 1
    assert "not authorized to perform tag:GetResources" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_cleanup_that_is_off_is_no_failure(
    config: Path, world: World, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    overlay = config / "dev.yaml"
    overlay.write_text(f"{overlay.read_text()}cleanup: off\n")
    assert main(["idle", "--config", str(config), *arguments]) == 0
    assert world.calls == []
    out = capsys.readouterr().out
    assert json.loads(out)["mode"] == "off" if arguments else "`cleanup` is off in dev" in out
