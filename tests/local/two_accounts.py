"""What the tests of publishing and promoting share: two environments in two accounts of the local AWS."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from slipway.cli import main
from slipway.local.control import Running
from slipway.ops import target as targets
from slipway.ops.target import Target, local_target
from slipway.spec.environment import Environment
from slipway.spec.load import load_unpublished
from tests.local.conftest import ACCOUNT, OTHER_ACCOUNT, REGION, Client, LocalAws
from tests.local.hosting import ECHO

ACCOUNTS = {"dev": ACCOUNT, "prod": OTHER_ACCOUNT}
_numbers = itertools.count()


@dataclass(frozen=True)
class Project:
    """A config folder with two environments, whose buckets are there."""

    folder: Path
    aws: LocalAws

    def set_up(self, base: str, monkeypatch: pytest.MonkeyPatch) -> Self:
        """Write the config, whose project's name is its own; make the buckets; lead the commands to this local AWS."""
        (self.folder / "base.yaml").write_text(f"company: acme\nteam: rc\nproject: stores-{next(_numbers)}\n{base}")
        for name, account in ACCOUNTS.items():
            (self.folder / f"{name}.yaml").write_text(f'account: "{account}"\nregion: {REGION}\n')
            bucket = self.bucket(name)
            self.s3(name).create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
            self.s3(name).put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

        def choose(environment: Environment, kind: str, **_: object) -> Target:
            assert kind == "local"
            return self.target(environment.environment)

        monkeypatch.setattr(targets, "choose", choose)
        return self

    def write(self, env: str, text: str) -> None:
        """Add to what an environment's file says."""
        path = self.folder / f"{env}.yaml"
        path.write_text(path.read_text() + text)

    def environment(self, name: str = "dev") -> Environment:
        return load_unpublished(self.folder, name)

    def bucket(self, name: str = "dev") -> str:
        return self.environment(name).names.bucket

    def target(self, name: str = "dev") -> Target:
        return local_target(self.environment(name), Running(0, 0, self.aws.url))

    def s3(self, name: str = "dev") -> Client:
        return self.aws.client("s3", ACCOUNTS[name])

    @property
    def lock(self) -> Path:
        return self.folder / "models.lock.json"

    def objects(self, name: str = "dev") -> list[str]:
        found = self.s3(name).list_objects_v2(Bucket=self.bucket(name))
        return [one["Key"] for one in found.get("Contents", [])]

    def model(self, text: str) -> Path:
        """A folder that becomes a model, which answers with a text."""
        folder = self.folder / f"model-{text}"
        folder.mkdir(exist_ok=True)
        (folder / "inference.py").write_text(ECHO)
        (folder / "name.txt").write_text(text)
        return folder

    def run(self, *arguments: str) -> int:
        return main([*arguments, "--config", str(self.folder)])
