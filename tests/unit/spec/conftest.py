"""A small config folder that is fine, to be broken one key at a time."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from slipway.spec.environment import Environment
from slipway.spec.errors import ConfigError
from slipway.spec.load import Loaded, from_mapping, load
from slipway.spec.source import read_yaml, to_plain

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


#: Around an endpoint that is looked at by itself.
AROUND = """\
company: acme
team: rc
project: project-a
account: "111122223333"
region: eu-west-1
notify: [ml-oncall@example.com]
repositories: [scorer]
topics: [results]
"""


@dataclass(frozen=True)
class Findings:
    """What is wrong with an endpoint and what is doubtful about it, as `key: message`."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    environment: Environment | None


@dataclass(frozen=True)
class Look:
    """Checks an endpoint by itself: whether its artifacts are published does not matter."""

    file: Path

    def __call__(self, endpoint: str, environment: str = "dev", top: str = "") -> Findings:
        """Check the endpoint `e` in an environment; what stands at the top besides is laid over what is usual there."""
        usual = [line for line in AROUND.splitlines() if not top.startswith(line.split(":")[0] + ":")]
        text = "\n".join([*usual, f"environment: {environment}", top, "endpoints:", "  e:"])
        self.file.write_text(f"{text}\n{textwrap.indent(endpoint, '    ')}", encoding="utf-8")
        data = to_plain(read_yaml(self.file).top)
        try:
            loaded = from_mapping(data)
        except ConfigError as error:
            return Findings(tuple(str(problem).removeprefix("endpoints.e.") for problem in error.problems), (), None)
        doubtful = (str(warning).removeprefix("warning: ").removeprefix("endpoints.e.") for warning in loaded.warnings)
        return Findings((), tuple(doubtful), loaded.environment)


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Check one endpoint by itself."""
    return Look(tmp_path / "endpoint.yaml")
