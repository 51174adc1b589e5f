"""Runs the checklist: all checks side by side, told in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.aws_clock import AwsClock
from slipway.ops.preflight.clients import Clients
from slipway.ops.preflight.container_images import ImageCheck
from slipway.ops.preflight.endpoint import Common, EndpointChecks
from slipway.ops.preflight.facts import EndpointFacts, stack_state
from slipway.ops.preflight.identity import credentials
from slipway.ops.preflight.model_artifacts import ArtifactCheck
from slipway.ops.preflight.permissions import Role
from slipway.ops.preflight.quotas import Quotas
from slipway.ops.preflight.report import Check, Finding, Report, failed, options
from slipway.ops.preflight.stacks import shared_stacks
from slipway.ops.trouble import explained, is_denied

if TYPE_CHECKING:
    from slipway.ops.target import Target
    from slipway.spec.environment import Environment

_THREADS = 16


@dataclass(frozen=True)
class Scope:
    """What a checklist is about.

    Attributes
    ----------
    names
        Short names of endpoints.
    hashes
        The lock file: SHA-256 by key in the model bucket.
    coming
        Keys in the model bucket that the deployment itself publishes before it updates endpoints.
    existing
        Leave out the endpoints that are deployed for the first time.
    """

    names: tuple[str, ...]
    hashes: Mapping[str, str]
    coming: Collection[str] = ()
    existing: bool = False


def preflight(environment: Environment, target: Target, scope: Scope) -> Report:
    """Go through the checklist.

    Parameters
    ----------
    environment
        The environment.
    target
        Where it is.
    scope
        What to check.

    Returns
    -------
    Report
        With every check; one that could not be made has failed.
    """
    clients = Clients(target)
    pool = ThreadPoolExecutor(_THREADS)
    try:
        return _report(environment, target, scope, clients, pool)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _report(
    environment: Environment, target: Target, scope: Scope, clients: Clients, pool: ThreadPoolExecutor
) -> Report:
    names = environment.names
    shared = [
        pool.submit(stack_state, clients.cloudformation, names.stack(part)) for part in ("foundation", "operations")
    ]
    facts = [EndpointFacts(pool, clients, environment, name) for name in scope.names]
    chosen = [one for one in facts if not scope.existing or one.is_there]
    role = Role(clients, names.execution_role_arn)
    common = Common(
        environment,
        target,
        clients,
        ArtifactCheck(environment, clients, role, scope.hashes, options(environment, target), scope.coming),
        ImageCheck(environment, clients, role),
        Quotas(pool, clients, _types(environment, chosen)) if target.kind == "aws" and chosen else None,
        AwsClock(target),
    )
    endpoints = {one.name: EndpointChecks(common, pool, one) for one in chosen}

    def seconds() -> dict[str, float]:
        return {name: found for name, checks in endpoints.items() if (found := checks.seconds) is not None}

    asked = [
        ("", "credentials", lambda: credentials(target, clients.sts, max(seconds().values(), default=0.0))),
        ("", "stacks", lambda: shared_stacks([one.result() for one in shared])),
        *((endpoint, name, check) for endpoint, checks in endpoints.items() for name, check in checks.all()),
    ]
    made = [(endpoint, name, pool.submit(_made, endpoint, name, check)) for endpoint, name, check in asked]
    checks = tuple(Check(endpoint, name, found.result()) for endpoint, name, found in made)
    return Report(checks, seconds())


def _types(environment: Environment, chosen: Iterable[EndpointFacts]) -> set[str]:
    """Instance types that updates start instances of; those of one fleet of several pools apart."""
    declared = [environment.endpoints[one.name] for one in chosen]
    members = [member for one in declared for member in (*one.fleet.values(), *one.shadows.values())]
    return {type for member in members for type in member.hosting.types}


def _made(endpoint: str, name: str, check: Callable[[], Iterable[Finding]]) -> tuple[Finding, ...]:
    """Make a check; whatever keeps it from being made is what it found."""
    what = f"{name} of {endpoint}" if endpoint else name
    try:
        return tuple(check())
    except (ClientError, BotoCoreError) as error:
        rights = "see “Who may do what” in docs/deploying.md"
        return (failed(f"could not be checked: {explained(error, what)}", rights if is_denied(error) else "try again"),)
    except Exception as error:  # noqa: BLE001 - the other checks are told all the same
        return (failed(f"could not be checked: {what}: {error or type(error).__name__}", "try again"),)
