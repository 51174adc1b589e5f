"""``slipway plan`` and ``slipway prices refresh``: what they write, and their exit codes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from slipway.cli import main
from slipway.ops import target as targets
from slipway.ops.target import Target
from slipway.plan.assembly import Assembly
from slipway.plan.documents import UnreadableError
from slipway.plan.sides import sides
from slipway.spec.environment import Environment

from .pairs import CONFIG, edited, next_model, template
from .test_deployed import Account
from .test_prices import pricing, product

OTHER_TYPE = {f"{CONFIG}__ProductionVariants___0__InstanceType": "ml.c5.xlarge"}


@dataclass(frozen=True)
class Files:
    old: str
    new: str
    refused: str


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.chdir(tmp_path)
    made = {"old": template(), "new": next_model(template()), "refused": edited(template(), **OTHER_TYPE)}
    for name, given in made.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(given))
    return Files(*(f"{name}.json" for name in made))


def test_a_plan_of_two_files_is_text_by_default(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", files.old, files.new]) == 0
    said = capsys.readouterr().out
    assert said.startswith("plan: from old.json to new.json\n1 endpoint moves to a new fleet.")
    assert "PrimaryContainer.ModelDataUrl" in said.split("resources")[1]


def test_brief_leaves_out_what_differs(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", files.old, files.new, "--brief"]) == 0
    assert "PrimaryContainer.ModelDataUrl" not in capsys.readouterr().out.split("resources")[1]


def test_all_forms_are_written_at_once(files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", files.old, files.new, "--markdown", "p.md", "--html", "p.html", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["stacks"][0]["endpoints"][0]["rolls"] is True
    assert (tmp_path / "p.md").read_text().startswith("## Plan")
    assert (tmp_path / "p.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 3),
        (["--fail-on", "refused"], 3),
        (["--fail-on", "data-loss,replacement"], 0),
        (["--fail-on", "never"], 0),
    ],
)
def test_a_pipeline_can_stop_at_kinds_of_findings(
    files: Files, options: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", files.old, files.refused, *options]) == code
    assert "✗ Refused" in capsys.readouterr().out


def test_wrong_usage_ends_with_2_and_says_what_to_write(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", files.old]) == 2
    assert "--against REVISION and --deployed" in capsys.readouterr().err
    assert main(["plan", files.old, "nowhere.json"]) == 2
    assert "nowhere.json: is not there" in capsys.readouterr().err
    assert main(["plan", files.old, files.new, files.new, "--against", "main"]) == 2
    assert "at most the new side" in capsys.readouterr().err
    assert main(["plan", files.old, files.new, "--html", "no/such/folder.html"]) == 2
    assert "cannot be written" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["plan", files.old, files.new, "--fail-on", "refusal"])
    assert ended.value.code == 2
    assert "'refusal' is none of refused, live" in capsys.readouterr().err


def test_the_time_to_provision_is_an_assumption_that_can_be_set(
    files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", files.old, files.new, "--provision", "20m", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["stacks"][0]["endpoints"][0]["rollouts"][0]["minutes"]["high"] == 35
    assert "Instances serve 20 minutes after they were asked for (not documented)." in found["assumptions"]


def test_prices_beside_the_config_are_found_but_a_single_template_has_no_region(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "prices.json").write_text('{"asked": "2026-11-21", "hourly_usd": {}}')
    assert main(["plan", files.old, files.new, "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["prices"] == "2026-11-21"
    assert found["stacks"][0]["endpoints"][0]["double_running_usd"] is None


def test_the_new_side_is_compared_with_what_is_deployed(tmp_path: Path) -> None:
    (tmp_path / "rc-iris.json").write_text(json.dumps(next_model(template())))
    account = Account()
    account.has_stack(json.dumps(template()))
    account.has_endpoint(config="a", stack_config="a")
    found = sides([tmp_path / "rc-iris.json"], environment="prod", config=Path("config"), place=account)
    assert isinstance(found.old, Assembly)
    assert found.old.stacks["rc-iris"].template == template()
    assert list(found.live)


def test_both_sides_and_a_place_are_too_much() -> None:
    with pytest.raises(UnreadableError, match="at most the new side"):
        sides([Path("a"), Path("b")], environment="prod", config=Path("config"), place=Account())


def test_prices_are_fetched_for_the_regions_of_all_environments(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def client(self: Target, service: str) -> Any:
        asked.append(f"{service} in {self.region}")
        return pricing("eu-west-1", [product("ml.m5.large", "0.128")])

    monkeypatch.setattr(Target, "client", client)

    def proven(environment: Environment) -> Target:
        return Target("aws", environment.account, environment.region, {}, "AWS")

    monkeypatch.setattr(targets, "aws_target", proven)
    file = tmp_path / "prices.json"
    assert main(["prices", "refresh", "--config", str(root / "config"), "--out", str(file)]) == 0
    assert asked == ["pricing in us-east-1"]
    assert json.loads(file.read_text())["hourly_usd"] == {"eu-west-1": {"ml.m5.large": 0.128}}
    assert "with a price: eu-west-1 1" in capsys.readouterr().out
