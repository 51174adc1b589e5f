"""A small config folder that is fine, to be broken one key at a time."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from slipway.spec.environment import Environment
from slipway.spec.errors import ConfigError
from slipway.spec.load import Loaded, load

BASE = """\
company: acme
team: rc
project: project-a
endpoints:
  iris:
    version: 1
    model: {image: {framework: sklearn, tag: 1.4-2-cpu-py3}}
    hosting: {instance_type: ml.m5.large}
"""
LOCK = '{"models/iris/v1/model.tar.gz": {"sha256": "%s"}}' % ("0" * 64)


@dataclass(frozen=True)
class Config:
    """A config folder under a test's own directory."""

    folder: Path

    def write(self, name: str, text: str | bytes) -> Config:
        """Write a whole file."""
        content = text if isinstance(text, bytes) else text.encode()
        (self.folder / name).write_bytes(content)
        return self

    def overlay(self, environment: str, text: str = "") -> Config:
        """Write an environment's file: who and where in lines 1 to 4, then the text from line 5 on."""
        notify = "notify: [ml-oncall@example.com]" if environment == "prod" else "notify: []"
        head = f'environment: {environment}\naccount: "123456789012"\nregion: eu-west-1\n{notify}\n'
        return self.write(f"{environment}.yaml", head + text)

    def endpoint(self, environment: str, text: str) -> Config:
        """Overlay the endpoint iris; the text begins in line 7."""
        return self.overlay(environment, f"endpoints:\n  iris:\n{textwrap.indent(textwrap.dedent(text), '    ')}")

    def load(self, environment: str) -> Loaded:
        """Load an environment."""
        return load(self.folder, environment)

    def environment(self, environment: str) -> Environment:
        """Load an environment; there may be warnings."""
        return self.load(environment).environment

    def errors(self, environment: str) -> list[str]:
        """Load an environment that is in error; one line for each of its errors."""
        with pytest.raises(ConfigError) as caught:
            self.load(environment)
        text = str(caught.value).replace(f"{self.folder}/", "")
        assert len(text.splitlines()) == len(caught.value.problems), "an error takes one line"
        return text.splitlines()

    def warnings(self, environment: str) -> list[str]:
        """Load an environment that is doubtful; one line for each of its warnings."""
        return [str(warning).replace(f"{self.folder}/", "") for warning in self.load(environment).warnings]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Dev, staging and prod, without a finding."""
    folder = tmp_path / "config"
    folder.mkdir()
    made = Config(folder).write("base.yaml", BASE).write("models.lock.json", LOCK)
    for environment in ("dev", "staging", "prod"):
        made.overlay(environment)
    return made
