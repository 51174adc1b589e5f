"""Where a command goes: the local AWS or the account, and the proof that it is the right one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from slipway.local import control

if TYPE_CHECKING:
    from slipway.spec.environment import Environment

Kind = Literal["local", "aws"]


class WrongTarget(Exception):  # noqa: N818  (it is where we are, not what went wrong)
    """The command would go somewhere else than the environment says."""


@dataclass(frozen=True)
class Target:
    """Where a command goes.

    Attributes
    ----------
    kind
        ``local`` or ``aws``.
    account, region
        Those of the environment.
    environ
        Variables with which any AWS tool goes there and nowhere else.
    where
        In words, for the first line of every command.
    profile
        Whose credentials its clients have, in an account; ``None`` for those that any AWS tool would take.
    """

    kind: Kind
    account: str
    region: str
    environ: Mapping[str, str]
    where: str
    profile: str | None = None

    def child_environ(self) -> dict[str, str]:
        """The whole environment of a tool that is to go there.

        Returns
        -------
        dict of str to str
            The process's own, with ``environ``; for the local AWS without what would lead elsewhere.
        """
        unwanted = control.removed(os.environ) if self.kind == "local" else []
        return {k: v for k, v in os.environ.items() if k not in unwanted} | dict(self.environ)

    def client(self, service: str) -> Any:  # noqa: ANN401  (the caller names the type, which follows from the service)
        """Open a client that goes there, whatever else the process's environment says.

        Parameters
        ----------
        service
            Such as ``sagemaker``.

        Returns
        -------
        Any
            A boto3 client of the environment's Region.
        """
        import boto3
        import botocore.session

        if self.kind == "aws":
            own = botocore.session.Session(profile=self.profile)
            # A session's variable also holds for the calls that get credentials, which a client's own config does not.
            own.set_config_variable("ignore_configured_endpoint_urls", value=True)
            return boto3.Session(botocore_session=own, region_name=self.region).client(service)  # type: ignore[call-overload]
        # A profile or a config file of the user's must not lead a call elsewhere, nor fail for not being there.
        nothing = {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}
        core = botocore.session.Session(session_vars={k: (None, [], v, None) for k, v in nothing.items()})
        return boto3.Session(botocore_session=core, region_name=self.region).client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.environ["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.environ["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environ["AWS_SECRET_ACCESS_KEY"],
        )


def _stated_endpoints() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k == "AWS_ENDPOINT_URL" or k.startswith("AWS_ENDPOINT_URL_")}


def local_target(environment: Environment, running: control.Running | None) -> Target:
    """The local AWS.

    Parameters
    ----------
    environment
        Whose account and Region.
    running
        The local AWS, if there is one.

    Returns
    -------
    Target
        Ignores profiles and credentials.

    Raises
    ------
    WrongTarget
        If none runs, or ``AWS_ENDPOINT_URL`` points elsewhere.
    """
    if running is None:
        raise WrongTarget("no local AWS runs here: start it with `slipway local start`, or say `--target aws`")
    for name, url in _stated_endpoints().items():
        if url.rstrip("/").replace("localhost", "127.0.0.1") != running.url:
            raise WrongTarget(
                f"{name} points to {url}, but the local AWS is at {running.url}: `unset {name}`, or say `--target aws` "
                "if you mean an account"
            )
    return Target(
        "local",
        environment.account,
        environment.region,
        control.environment(running.url, environment.account, environment.region),
        f"local AWS {running.url} · account {environment.account} · {environment.region} · {environment.environment}",
    )


def aws_target(environment: Environment, profile: str | None = None) -> Target:
    """The account, proven by asking who the credentials belong to.

    Parameters
    ----------
    environment
        Whose account and Region.
    profile
        Whose credentials, where a command goes to two accounts; ``None`` for those that any AWS tool would take.

    Returns
    -------
    Target
        The environment's account.

    Raises
    ------
    WrongTarget
        If ``AWS_ENDPOINT_URL`` points anywhere, there are no valid credentials, or they are another account's.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    for name, url in _stated_endpoints().items():
        raise WrongTarget(
            f"{name} is set, so calls would go to {url} instead of AWS: `unset {name}`, or say `--target local`"
        )
    target = Target(
        "aws",
        environment.account,
        environment.region,
        {
            "AWS_REGION": environment.region,
            "AWS_DEFAULT_REGION": environment.region,
            # An `endpoint_url` in a profile must not lead anything elsewhere; the CDK CLI's SDK honours this too.
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        },
        f"AWS · account {environment.account} · {environment.region} · {environment.environment}",
        profile,
    )
    try:
        identity = target.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        login = (
            f"for instance with `aws sso login --profile {profile}`, or name another profile"
            if profile
            else "for instance with `aws sso login`, and name the profile in AWS_PROFILE"
        )
        raise WrongTarget(
            f"cannot tell whose credentials these are ({error}): log in to account {environment.account}, {login}"
        ) from None
    if identity["Account"] != environment.account:
        whose = f" of profile {profile}" if profile else ""
        raise WrongTarget(
            f"the credentials{whose} ({identity['Arn']}) belong to account {identity['Account']}, but "
            f"{environment.environment} lives in {environment.account}: use a profile of that account, or mend "
            f"`account` in {environment.environment}.yaml"
        )
    return target


def choose(environment: Environment, kind: Kind, *, start: bool = False, profile: str | None = None) -> Target:
    """Find where a command goes.

    Parameters
    ----------
    environment
        The environment.
    kind
        ``local`` or ``aws``.
    start
        Start the local AWS when none runs.
    profile
        Whose credentials for an account, as for `aws_target`; the local AWS needs none.

    Returns
    -------
    Target
        Proven to be the environment's own.

    Raises
    ------
    WrongTarget
        If it cannot be.
    slipway.local.control.LocalAwsError
        If the local AWS cannot be started.
    """
    if kind == "aws":
        return aws_target(environment, profile)
    running = control.status()
    if start and running is None:
        for name, url in _stated_endpoints().items():
            raise WrongTarget(f"{name} points to {url}, and no local AWS of this project runs there: `unset {name}`")
        running = control.start()
    return local_target(environment, running)
