"""Whether CloudFormation would take a deployment now."""

from __future__ import annotations

import pytest

from slipway.ops.preflight.facts import StackState, stack_state
from slipway.ops.preflight.report import Outcome
from slipway.ops.preflight.stacks import endpoint_stack, shared_stacks, state_finding
from tests.unit.ops.preflight.fakes import FULL, WHEN, Stubs, live

OK, WARNING, FAILED = Outcome.OK, Outcome.WARNING, Outcome.FAILED


@pytest.mark.parametrize(
    ("status", "outcome", "do"),
    [
        ("CREATE_COMPLETE", OK, ""),
        ("UPDATE_COMPLETE", OK, ""),
        ("UPDATE_ROLLBACK_COMPLETE", OK, ""),
        ("IMPORT_COMPLETE", OK, ""),
        ("CREATE_IN_PROGRESS", FAILED, "wait for its end"),
        ("UPDATE_IN_PROGRESS", FAILED, "wait for its end"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", FAILED, "wait for its end"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", FAILED, "wait for its end"),
        ("DELETE_IN_PROGRESS", FAILED, "wait for its end"),
        ("ROLLBACK_COMPLETE", WARNING, "the deployment deletes it and makes it anew"),
        ("ROLLBACK_FAILED", WARNING, "the deployment deletes it and makes it anew"),
        ("UPDATE_ROLLBACK_FAILED", FAILED, "continue-update-rollback --stack-name s"),
        ("UPDATE_FAILED", FAILED, "npx cdk rollback s"),
        ("CREATE_FAILED", FAILED, "npx cdk rollback s"),
        ("DELETE_FAILED", FAILED, "delete-stack --stack-name s"),
        ("IMPORT_ROLLBACK_FAILED", FAILED, "describe-stack-events --stack-name s"),
    ],
)
def test_a_status_says_whether_a_deployment_would_be_taken_and_what_to_do(
    status: str, outcome: Outcome, do: str
) -> None:
    found = state_finding(StackState("s", status))
    assert found.outcome is outcome
    assert do in found.do
    assert status in found.text


def test_a_second_deployment_is_told_of_the_first_before_cloudformation_refuses_it() -> None:
    found = state_finding(StackState("rc-project-a-dev-iris", "UPDATE_IN_PROGRESS", "User Initiated"))
    assert found.text == (
        "rc-project-a-dev-iris is UPDATE_IN_PROGRESS: another deployment is at work on it, and CloudFormation refuses "
        "a second one (User Initiated)"
    )
    assert found.do == (
        "wait for its end: aws cloudformation describe-stacks --stack-name rc-project-a-dev-iris shows its status"
    )


def test_what_all_rest_on_is_looked_at_together() -> None:
    rest, busy = StackState("f", "CREATE_COMPLETE"), StackState("o", "UPDATE_IN_PROGRESS")
    (found,) = shared_stacks([rest, None])
    assert (found.outcome, found.text) == (OK, "f CREATE_COMPLETE")
    (found,) = shared_stacks([rest, busy])
    assert found.outcome is FAILED
    (found,) = shared_stacks([None, None])
    assert found.outcome is OK


def test_an_endpoint_without_its_stack_is_in_the_way() -> None:
    (found,) = endpoint_stack(None, None, "s")
    assert (found.outcome, found.text) == (OK, "there is no s yet: this is its first deployment")
    (found,) = endpoint_stack(None, live(), "s")
    assert found.outcome is FAILED
    assert f"{FULL} exists, but its stack s does not" in found.text
    assert "npx cdk import s" in found.do


@pytest.mark.parametrize("status", ["REVIEW_IN_PROGRESS", "DELETE_COMPLETE"])
def test_a_stack_that_holds_nothing_is_none(status: str) -> None:
    stubs = Stubs("cloudformation")
    stack = {"StackName": "s", "StackStatus": status, "CreationTime": WHEN}
    stubs["cloudformation"].add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "s"})
    assert stack_state(stubs.clients.cloudformation, "s") is None


def test_a_stack_that_does_not_exist_is_none() -> None:
    stubs = Stubs("cloudformation")
    stubs["cloudformation"].add_client_error("describe_stacks", "ValidationError", "Stack with id s does not exist")
    assert stack_state(stubs.clients.cloudformation, "s") is None
