"""The artifacts that a deployment needs: held against the lock file; trained and published where they are missing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway.ops.deploy.steps import DeployError, WrongArtifact, step
from slipway.ops.publish.publish import publish
from slipway.ops.publish.storage import PublishError, short, stored_hash
from slipway.spec.lock import PUBLISHED_KEY, read_lock
from slipway.spec.sources import artifacts

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from slipway.spec.environment import Environment

#: Where the training script of a model lies, if the project has one: in the folder of its name.
TRAINING = Path("examples/models")


class NeededArtifacts:
    """Looks for the artifacts of some endpoints, and publishes what is missing.

    Parameters
    ----------
    environment
        The environment.
    served
        Short names of the endpoints.
    lock
        The lock file.
    s3
        A client of the environment's account and Region.
    """

    def __init__(self, environment: Environment, served: Collection[str], lock: Path, s3: S3Client) -> None:
        self._environment = environment
        self._served = served
        self._lock = lock
        self._s3 = s3
        self._trained: set[Path] = set()

    def all(self) -> Iterator[tuple[str, str]]:
        """List every key in the model bucket that an endpoint needs, once.

        Of a multi-model prefix those are the archives that the lock file knows, and the prefix itself if it knows none.

        Yields
        ------
        tuple
            Short name of the first endpoint to need it, and the key.
        """
        hashes = read_lock(self._lock)
        seen = set()
        for name in self._served:
            endpoint = self._environment.endpoints[name]
            for artifact in artifacts(name, endpoint, self._environment.names.bucket):
                locked = [key for key in sorted(hashes) if artifact.several and key.startswith(artifact.key)]
                for key in locked or [artifact.key]:
                    if not artifact.elsewhere and key not in seen:
                        seen.add(key)
                        yield name, key

    def missing(self) -> list[tuple[str, str]]:
        """Find what is not in the bucket; refuse objects that have other bytes than were published.

        Returns
        -------
        list of tuple
            Short name of an endpoint that needs it, and the key.

        Raises
        ------
        WrongArtifact
            If there are such objects.
        """
        bucket = self._environment.names.bucket
        hashes = read_lock(self._lock)
        missing, wrong = [], []
        for name, key in self.all():
            if key.endswith("/"):
                if not self._prefix_exists(key):
                    missing.append((name, key))
                continue
            recorded = hashes.get(key)
            try:
                stored = stored_hash(self._s3, bucket, key)
            except PublishError as error:
                wrong.append(str(error))
            except ClientError as error:
                wrong.append(f"s3://{bucket}/{key} cannot be read ({error}): deploying needs s3:GetObject")
            else:
                if stored is None:
                    missing.append((name, key))
                elif stored != recorded:
                    wrong.append(self._replaced(name, key, stored, recorded))
        if wrong:
            raise WrongArtifact("\n".join(dict.fromkeys([*wrong, "Nothing was deployed."])))
        return missing

    def _replaced(self, name: str, key: str, stored: str, recorded: str | None) -> str:
        bucket = self._environment.names.bucket
        was = f"has sha256 {short(recorded)}" if recorded else "does not know it"
        return (
            f"endpoints.{name}: s3://{bucket}/{key} has sha256 {short(stored)}, but {self._lock} {was}: "
            "somebody replaced the object. Delete its newest version, so that the one that was published shows again "
            f"(`aws s3api list-object-versions --bucket {bucket} --prefix {key}`), or publish these bytes as "
            "another version and declare that"
        )

    def _prefix_exists(self, prefix: str) -> bool:
        found = self._s3.list_objects_v2(Bucket=self._environment.names.bucket, Prefix=prefix, MaxKeys=1)
        return bool(found.get("KeyCount"))

    def comes(self, key: str) -> bool:
        """Whether ``publish`` has what it takes: a training script of the model."""
        published = PUBLISHED_KEY.fullmatch(key)
        return published is not None and _script(published["model"]).is_file()

    def publish(self, name: str, key: str) -> None:
        """Train and publish what is missing.

        Parameters
        ----------
        name, key
            From ``missing``.

        Raises
        ------
        DeployError
            If no training script makes it.
        """
        bucket = self._environment.names.bucket
        published = PUBLISHED_KEY.fullmatch(key)
        if published is None:
            raise DeployError(f"publish: s3://{bucket}/{key} is not there, {self._remedy(name, key)}")
        model, version = published["model"], published["version"]
        folder = self._train(model, version, key)
        done = publish(
            folder,
            model=model,
            version=version,
            bucket=bucket,
            lock_path=self._lock,
            s3=self._s3,
        )
        step(
            f"publish {model} {version}",
            f"{done.uri} ({done.size:,} bytes, sha256 {short(done.sha256)})",
        )

    def _remedy(self, name: str, key: str) -> str:
        """Say how to fill a key that no training script could."""
        found = artifacts(name, self._environment.endpoints[name], self._environment.names.bucket)
        several = any(artifact.several for artifact in found if artifact.key == key)
        if several and PUBLISHED_KEY.fullmatch(f"{key}name/v1/model.tar.gz"):
            model = key.removeprefix("models/").removesuffix("/")
            return (
                "and no archive lies under it: publish one with `slipway publish FOLDER "
                f"--model {model}/NAME --version 1`, which a request then names as NAME/v1/model.tar.gz"
            )
        cure = "" if several else f", or leave out `artifact` under endpoints.{name} and publish its version"
        return f"and `slipway publish` writes to another key: upload it{cure}"

    def _train(self, model: str, version: str, key: str) -> Path:
        """Run the training script of a model, unless it ran; answer the folder that it made.

        A script in ``examples/models/demand/`` makes ``demand``, and a folder for each of ``demand/store-1`` and so on.
        """
        top, _, part = model.partition("/")
        script = _script(model)
        if not script.is_file():
            raise DeployError(
                f"publish: {key} is not in the model bucket yet: `slipway publish FOLDER --model {model} --version "
                f"{version}`"
            )
        out = script.parent / "build" / f"v{version}"
        if out not in self._trained:
            step(f"train {top} {version}", str(script))
            command = [sys.executable, str(script), "--version", version, "--out", str(out)]
            if subprocess.run(command, check=False).returncode:
                raise DeployError(f"train: {' '.join(command)} failed; its output is above")
            self._trained.add(out)
        if not (out / part).is_dir():
            made = ", ".join(sorted(path.name for path in out.iterdir() if path.is_dir()))
            raise DeployError(f"train: {script} makes no {part}, which {key} is published from; it makes {made}")
        return out / part


def _script(model: str) -> Path:
    """The training script of a model, and of all whose names go on after a slash."""
    return TRAINING / model.partition("/")[0] / "train.py"
