"""The JSON Schema that editors use says what the loader accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from slipway import cli
from slipway.spec.schema import schema, schema_text
from slipway.spec.source import read_yaml, to_plain

CONFIG = Path(__file__).parents[3] / "config"
VALIDATOR = jsonschema.Draft202012Validator(schema())


def endpoint(**keys: Any) -> dict[str, Any]:
    return {"endpoints": {"iris": keys}}


def test_the_committed_schema_is_the_models_own() -> None:
    assert (CONFIG / "schema.json").read_text(encoding="utf-8") == schema_text(), "run `slipway config schema --write`"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", ["base", "dev", "staging", "prod"])
def test_the_committed_configs_follow_it(name: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(to_plain(read_yaml(CONFIG / f"{name}.yaml").top))] == []


GOOD: list[dict[str, Any]] = [
    {},
    {"tags": None, "network": None, "endpoints": None, "account": None},
    {"tags": {"a": None}},
    {"endpoints": {"iris": None}},
    endpoint(scaling=None, model=None, deployment=None, alarms=None, version=None),
    endpoint(variants={"a": None}),
    endpoint(variants={"a": {"model": None, "hosting": {"instances": 2}}}),
    endpoint(version="2026-11-21", dashboard=False, log_retention="90d"),
    endpoint(deployment={"wait": "5m"}),
    endpoint(deployment={"strategy": "canary", "size": 1, "timeout": None}),
    endpoint(deployment={"strategy": "rolling", "batch": "25%", "rollback_alarms": "off"}),
    endpoint(deployment={"rollback_alarms": {"latency": False, "also": ["a"]}}),
    endpoint(model={"image": {"tag": "x"}}),
    endpoint(model={"image": {"uri": "a:1"}, "environment": {"A": None}}),
    endpoint(alarms={"latency": "off", "cpu": 320, "gpu": "80%"}),
    endpoint(alarms="off"),
]
BAD: list[dict[str, Any]] = [
    {"regoin": "eu-west-1"},
    {"account": 123456789012},
    {"team": "a-b"},
    {"environment": "qa"},
    endpoint(hostin={}),
    endpoint(deployment={"strategy": "canary", "batch": 1}),
    endpoint(deployment={"strategy": "caneri"}),
    endpoint(deployment={"wait": 300}),
    endpoint(deployment={"nothing": 1}),
    endpoint(model={"image": {"uri": "a:1", "framework": "sklearn"}}),
    endpoint(model={"image": "a:1"}),
    endpoint(alarms={"latency": 5}),
    endpoint(alarms={"latency": True}),
    endpoint(hosting={"instances": 0}),
    endpoint(scaling={"min": "2"}),
    {"endpoints": {"My_Model": {}}},
    {"endpoints": []},
]


@pytest.mark.parametrize("data", GOOD, ids=str)
def test_it_accepts_what_may_stand_in_one_of_the_files(data: dict[str, Any]) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(data)] == []


@pytest.mark.parametrize("data", BAD, ids=str)
def test_it_refuses_what_the_loader_would(data: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(data)


def test_every_key_is_described_where_an_editor_shows_it() -> None:
    made = schema()
    definitions = made["$defs"]
    for name, definition in {"Environment": made, **definitions}.items():
        for key, part in definition.get("properties", {}).items():
            # Pydantic leaves a description out that is the referenced model's own.
            references = [choice["$ref"].split("/")[-1] for choice in part["anyOf"] if "$ref" in choice]
            described = part.get("description") or any(definitions[one].get("description") for one in references)
            assert described or key in ("strategy", "model", "hosting"), f"{name}.{key}"


def test_the_command_writes_it_where_the_config_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "schema", "--write", "--config", str(tmp_path)]) == 0
    assert (tmp_path / "schema.json").read_text(encoding="utf-8") == schema_text()
    capsys.readouterr()
    assert cli.main(["config", "schema"]) == 0
    assert capsys.readouterr().out == schema_text()
