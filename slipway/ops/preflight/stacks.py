"""Checks of stacks: whether CloudFormation would take a deployment now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from slipway.ops.preflight.report import Finding, Outcome, failed, ok, warning

if TYPE_CHECKING:
    from slipway.ops.live import Live
    from slipway.ops.preflight.facts import StackState


def shared_stacks(states: Sequence[StackState | None]) -> Iterator[Finding]:
    """Look at the stacks that all endpoints rest on or that rest on them.

    Parameters
    ----------
    states
        Of the foundation and of operations.

    Yields
    ------
    Finding
        What stops a deployment, or that nothing does.
    """
    there = [state for state in states if state is not None]
    findings = [state_finding(state) for state in there]
    bad = [finding for finding in findings if finding.outcome is not Outcome.OK]
    if bad:
        yield from bad
    elif there:
        yield ok(", ".join(f"{state.name} {state.status}" for state in there))
    else:
        yield ok("there are none yet: the first deployment makes them")


def endpoint_stack(state: StackState | None, live: Live | None, stack: str) -> Iterator[Finding]:
    """Look at an endpoint's own stack.

    Parameters
    ----------
    state
        The stack; ``None`` when there is none.
    live
        The endpoint; ``None`` when there is none.
    stack
        The stack's name.

    Yields
    ------
    Finding
        One.
    """
    if state is not None:
        yield state_finding(state)
    elif live is None:
        yield ok(f"there is no {stack} yet: this is its first deployment")
    else:
        yield failed(
            f"{live.name} exists, but its stack {stack} does not: CloudFormation would refuse to make what is there",
            f"let the stack take it over (`npx cdk import {stack}`), or delete it where it was made: "
            f"aws sagemaker delete-endpoint --endpoint-name {live.name}",
        )


def state_finding(state: StackState) -> Finding:
    """Say whether CloudFormation would take a deployment of a stack.

    Parameters
    ----------
    state
        The stack.

    Returns
    -------
    Finding
        With what to do when it would not.
    """
    name, status = state.name, state.status
    why = f" ({state.reason})" if state.reason and not status.endswith("_COMPLETE") else ""
    if status.endswith("_IN_PROGRESS"):
        return failed(
            f"{name} is {status}: another deployment is at work on it, and CloudFormation refuses a second one{why}",
            f"wait for its end: aws cloudformation describe-stacks --stack-name {name} shows its status",
        )
    if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED"):
        # The CDK CLI deletes it and makes it anew.
        return warning(
            f"{name} is {status}: its first creation failed{why}",
            "nothing: the deployment deletes it and makes it anew",
        )
    if status == "UPDATE_ROLLBACK_FAILED":
        return failed(
            f"{name} is {status}: an update failed, and so did the way back{why}",
            f"mend what the events name, then aws cloudformation continue-update-rollback --stack-name {name}",
        )
    if status in ("UPDATE_FAILED", "CREATE_FAILED"):
        return failed(
            f"{name} is {status}: an update without rollback stopped half way{why}", f"npx cdk rollback {name}"
        )
    if status == "DELETE_FAILED":
        return failed(
            f"{name} is {status}: it was to be deleted, and part of it is gone{why}",
            f"mend what the events name, then delete it again: aws cloudformation delete-stack --stack-name {name}",
        )
    if not status.endswith("_COMPLETE"):
        return failed(f"{name} is {status}{why}", f"see aws cloudformation describe-stack-events --stack-name {name}")
    return ok(f"{name} {status}")
