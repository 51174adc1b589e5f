"""`slipway rollback` as it is typed: what it prints, in words and as JSON, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slipway.cli import main
from slipway.ops import target as targets
from slipway.ops.rollback import rollback as module
from slipway.ops.watch.events import Outcome, Result
from tests.unit.ops.rollback.fake_endpoint import ENDPOINT, STACK, World, error
from tests.unit.ops.rollback.test_advice import BASE, DEV

Run = Callable[..., int]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """An endpoint at version 2, which can go back to version 1."""
    world = World()
    world.revision("1")
    world.revision("2")
    world.declare("latency")
    monkeypatch.setattr(targets, "choose", lambda *_, **__: world.target())
    ends(world, monkeypatch, Result.DEPLOYED)
    return world


def ends(world: World, monkeypatch: pytest.MonkeyPatch, kind: Result) -> None:
    """Let the watch end so."""

    def follow(*_: object, **__: object) -> Outcome:
        if kind is not Result.TIMED_OUT:
            world.finish(served=kind is Result.DEPLOYED)
        return Outcome(kind, ENDPOINT, "Config-1Xy", world.live, "", datetime(2026, 11, 26, tzinfo=UTC))

    monkeypatch.setattr(module, "follow", follow)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "base.yaml").write_text(BASE, encoding="utf-8")
    (tmp_path / "dev.yaml").write_text(DEV, encoding="utf-8")
    (tmp_path / "models.lock.json").write_text(
        json.dumps({"models/iris/v2/model.tar.gz": {"sha256": "0" * 64}}), encoding="utf-8"
    )
    return lambda *arguments: main(["rollback", *arguments, "--config", str(tmp_path)])


def test_it_says_what_it_does_and_what_to_change_afterwards(
    world: World, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("iris") == 0
    out = capsys.readouterr().out.replace(str(tmp_path), "config")
    (alarm,) = (request["AlarmName"] for request in world.asked("PutMetricAlarm"))
    assert (
        out
        == f"""\
here
{ENDPOINT}: InService, serves version 2 (Config-2Xy)
back to version 1 (Config-1Xy); it differs in: artifact
how: canary, 1 first, 10m bake, 5m with both fleets at the end (as {STACK} declares it)
guarded by 1 temporary alarm, {alarm}, like rollback-latency
the stack {STACK} still holds version 2 (Config-2Xy). Deployed unchanged, CloudFormation sees no difference and does \
nothing; the next real change would bring that back
so that the next deployment agrees, change in the config:
  config/base.yaml:6: endpoints.iris.version: 2 → 1
  (what stands in the base file holds for all environments: for this one write it in config/dev.yaml)
then `slipway deploy --config config`: that makes a new revision of the same, and rolls it out by the endpoint's \
strategy
"""
    )


def test_a_dry_run_changes_nothing(world: World, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("iris", "--dry-run") == 0
    assert "nothing was changed (--dry-run)" in capsys.readouterr().out
    assert world.asked("UpdateEndpoint") == world.asked("PutMetricAlarm") == []


def test_the_list_shows_every_revision_and_what_it_differs_in(
    world: World, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    world.lose_model(world.revision("3"))
    world.live = world.held = "Config-2Xy"
    assert run("iris", "--list") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith(("Config", "config"))]
    assert [row[0] for row in rows] == ["config", "config-3xy", "Config-2Xy", "config-1xy"]
    assert rows[1][-2:] == ["gone:", "Model-primary-3Xy"]
    assert rows[2][-3:] == ["live,", "stack", "there"]
    assert rows[3][1:] == ["1", "2026-11-20", "09:00", "UTC", "artifact", "there"]
    assert run("iris", "--list", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["version"], one["live"], one["stack"]) for one in found] == [
        ("3", False, False),
        ("2", True, True),
        ("1", False, False),
    ]


@pytest.mark.parametrize(
    ("kind", "code"), [(Result.DEPLOYED, 0), (Result.FAILED, 1), (Result.ROLLED_BACK, 3), (Result.TIMED_OUT, 4)]
)
def test_the_exit_code_says_how_it_ended(
    world: World,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: Result,
    code: int,
) -> None:
    ends(world, monkeypatch, kind)
    assert run("iris", "--json") == code
    captured = capsys.readouterr()
    data: dict[str, Any] = json.loads(captured.out)
    assert (data["outcome"], data["to"], data["version"]) == (str(kind), "Config-1Xy", "1")
    assert bool(data["config"]) is (code == 0)
    assert captured.err.startswith("here\n")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Result.ROLLED_BACK, "whatever its alarms say: `slipway rollback iris --to Config-1Xy --now --config"),
        (Result.TIMED_OUT, "is not over: `slipway watch iris --expect Config-1Xy --config"),
        (Result.FAILED, "From UpdateRollbackFailed another update is the way out"),
    ],
)
def test_when_it_does_not_get_there_it_says_what_next(
    world: World,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: Result,
    words: str,
) -> None:
    ends(world, monkeypatch, kind)
    run("iris")
    out = capsys.readouterr().out
    assert words in out
    assert "change in the config" not in out


def test_what_it_serves_already_is_nothing_to_do_but_the_config_may_still_disagree(
    world: World, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    world.live = "Config-1Xy"
    assert run("iris", "--to", "1") == 0
    out = capsys.readouterr().out
    assert "nothing to do: that is what it serves" in out
    assert "endpoints.iris.version: 2 → 1" in out
    assert world.asked("UpdateEndpoint") == []


def test_when_stack_and_config_agree_there_is_nothing_to_change(
    world: World, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("iris", "--to", "2") == 0
    out = capsys.readouterr().out
    assert f"the stack {STACK} holds version 2 (Config-2Xy) as well" in out
    assert "change in the config" not in out
    assert "slipway deploy" not in out
    assert world.asked("UpdateEndpoint") == []


def test_a_config_that_was_set_back_already_only_has_to_be_deployed(
    world: World, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "base.yaml").write_text(BASE.replace("version: 2", "version: 1"), encoding="utf-8")
    (tmp_path / "models.lock.json").write_text(
        json.dumps({"models/iris/v1/model.tar.gz": {"sha256": "0" * 64}}), encoding="utf-8"
    )
    assert run("iris") == 0
    assert "the config says the same as that revision already: `slipway deploy" in capsys.readouterr().out
    assert world.live == "Config-1Xy"


def test_cleaning_says_what_it_removed(world: World, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("iris", "--clean") == 0
    assert "no rollback left an alarm" in capsys.readouterr().out
    left = f"{ENDPOINT}-rollback-0badcafe-latency"
    world.alarm(left, config="Config-1Xy")
    assert run("iris", "--clean", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"removed": [left]}


@pytest.mark.parametrize("alone", ["--list", "--clean"])
@pytest.mark.parametrize("other", [["--now"], ["--to", "1"], ["--timeout", "5m"]], ids="".join)
def test_what_changes_no_endpoint_takes_no_way_to_change_it(
    world: World, run: Run, capsys: pytest.CaptureFixture[str], alone: str, other: list[str]
) -> None:
    assert run("iris", alone, *other) == 2
    assert f"{alone} changes no endpoint" in capsys.readouterr().err
    assert world.calls == []


def test_wrong_usage_and_failures_have_their_exit_codes(
    world: World, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("irsi") == 2
    assert "did you mean iris?" in capsys.readouterr().err
    assert run("iris", "--to", "9") == 2
    assert run("iris", "--confirm", "rc-project-a-dev-other-ep") == 2
    assert "nothing was changed" in capsys.readouterr().err
    assert run("iris", "--confirm", ENDPOINT, "--dry-run") == 0
    world.refuse["DescribeEndpoint"] = error("x", "no identity-based policy allows it", "AccessDeniedException")
    assert run("iris") == 1
    assert "not allowed: no identity-based policy allows it" in capsys.readouterr().err
    assert world.asked("UpdateEndpoint") == []


def test_production_is_not_asked_for_a_name(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    del run
    (tmp_path / "prod.yaml").write_text(DEV + "notify: [ml-oncall@example.com]\n", encoding="utf-8")
    for tags in world.tags.values():
        tags["Environment"] = "prod"
    monkeypatch.setattr("sys.stdin", None)
    assert main(["rollback", "iris", "--env", "prod", "--config", str(tmp_path), "--dry-run"]) == 0
