"""One synthesized assembly for each configuration, shared by all tests of a process: Node takes a second to start."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from slipway.spec.environment import Environment
from slipway.spec.load import from_mapping, load

Template = Mapping[str, Any]


class Assembly:
    """The templates of one environment."""

    def __init__(self, folder: Path, environment: Environment) -> None:
        self.folder = folder
        self.environment = environment

    def template(self, part: str) -> Template:
        """The template of a stack, by its last part."""
        name = self.environment.names.stack(part)
        found: Template = json.loads((self.folder / f"{name}.template.json").read_text())
        return found

    def resources(self, part: str, kind: str) -> list[dict[str, Any]]:
        """Resources of a type, such as ``AWS::SageMaker::Endpoint``."""
        return [r for r in self.template(part)["Resources"].values() if r["Type"] == kind]

    def only(self, part: str, kind: str) -> dict[str, Any]:
        """Properties of the one resource of a type."""
        found = self.resources(part, kind)
        assert len(found) == 1, f"{len(found)} resources of type {kind} in {part}"
        properties: dict[str, Any] = found[0]["Properties"]
        return properties


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Callable[[str], Assembly]:
    """Synthesize one of the project's own environments."""

    @cache
    def make(name: str) -> Assembly:
        from stacks.assembly import assemble

        environment = load(root / "config", name).environment
        folder = tmp_path_factory.mktemp(name)
        assemble(environment, outdir=folder).synth()
        return Assembly(folder, environment)

    return make


@pytest.fixture(scope="session")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Assembly]:
    """Synthesize one endpoint, `iris`, from plain data; the same data is synthesized once."""
    made: dict[str, Assembly] = {}

    def make(endpoint: Mapping[str, Any], **top: Any) -> Assembly:
        from stacks.assembly import assemble

        key = json.dumps([endpoint, top], sort_keys=True, default=str)
        if key not in made:
            environment = from_mapping({**BASE, **top, "endpoints": {"iris": {**ENDPOINT, **endpoint}}}).environment
            folder = tmp_path_factory.mktemp("declared")
            assemble(environment, outdir=folder, checked=False).synth()
            made[key] = Assembly(folder, environment)
        return made[key]

    return make


BASE: dict[str, Any] = {
    "company": "acme",
    "team": "rc",
    "project": "project-a",
    "environment": "staging",
    "account": "111122223333",
    "region": "eu-west-1",
}
ENDPOINT: dict[str, Any] = {
    "version": 1,
    "model": {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}},
    "hosting": {"instance_type": "ml.m5.large"},
}
