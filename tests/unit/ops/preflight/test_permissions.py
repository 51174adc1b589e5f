"""What the execution role may do, asked of IAM's simulation."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from slipway.ops.preflight.permissions import CannotTellError, Decision, NoRoleError, Read, Role, readable
from slipway.ops.preflight.report import Outcome
from tests.unit.ops.preflight.fakes import ROLE, Stubs

A, B = "arn:aws:s3:::b/models/a", "arn:aws:s3:::elsewhere/b"
READS = [Read("a", "s3:GetObject", A, standing=True), Read("b", "s3:GetObject", B, standing=False)]


@pytest.fixture
def stubs() -> Stubs:
    return Stubs("iam")


def role(stubs: Stubs) -> Role:
    return Role(stubs.clients, ROLE)


def answer(stubs: Stubs, *results: dict[str, Any]) -> None:
    action = {"EvalActionName": "s3:GetObject"}
    stubs["iam"].add_response(
        "simulate_principal_policy", {"EvaluationResults": [{**action, **one} for one in results]}
    )


def test_one_answer_a_resource_is_read(stubs: Stubs) -> None:
    answer(
        stubs,
        {"EvalResourceName": A, "EvalDecision": "allowed"},
        {"EvalResourceName": B, "EvalDecision": "explicitDeny"},
    )
    assert role(stubs).decide("s3:GetObject", [A, B]) == {A: Decision.ALLOWED, B: Decision.EXPLICIT}


def test_one_answer_with_a_part_for_each_resource_is_read(stubs: Stubs) -> None:
    parts = [
        {"EvalResourceName": A, "EvalResourceDecision": "allowed"},
        {"EvalResourceName": B, "EvalResourceDecision": "implicitDeny"},
    ]
    answer(stubs, {"EvalResourceName": A, "EvalDecision": "implicitDeny", "ResourceSpecificResults": parts})
    assert role(stubs).decide("s3:GetObject", [A, B]) == {A: Decision.ALLOWED, B: Decision.IMPLICIT}


def test_nothing_is_asked_about_nothing(stubs: Stubs) -> None:
    assert role(stubs).decide("s3:GetObject", []) == {}


@pytest.mark.parametrize(
    ("code", "error"),
    [("NoSuchEntity", NoRoleError), ("AccessDenied", CannotTellError), ("PolicyEvaluation", CannotTellError)],
)
def test_what_cannot_be_told_is_told_apart(stubs: Stubs, code: str, error: type[Exception]) -> None:
    stubs["iam"].add_client_error("simulate_principal_policy", code, "no")
    with pytest.raises(error):
        role(stubs).decide("s3:GetObject", [A])


def test_anything_else_that_iam_refuses_is_raised(stubs: Stubs) -> None:
    stubs["iam"].add_client_error("simulate_principal_policy", "InvalidInput", "no")
    with pytest.raises(ClientError):
        role(stubs).decide("s3:GetObject", [A])


def test_what_the_role_may_read_is_no_finding(stubs: Stubs) -> None:
    stubs.allowed("s3:GetObject", A, B)
    assert readable(role(stubs), READS) == ([], True)


def test_what_the_role_may_always_read_is_missed_and_what_the_config_names_is_to_come(stubs: Stubs) -> None:
    stubs.allowed("s3:GetObject", A, B, decision="implicitDeny")
    (standing, coming), told = readable(role(stubs), READS)
    assert told
    assert standing.outcome is Outcome.FAILED
    assert standing.text == f"the execution role may not read a: nothing allows it (s3:GetObject on {A})"
    assert coming.outcome is Outcome.WARNING
    assert coming.do.startswith("nothing: the foundation, which is deployed first")


def test_what_is_forbidden_stays_forbidden(stubs: Stubs) -> None:
    stubs.allowed("s3:GetObject", B, decision="explicitDeny")
    (found,), _ = readable(role(stubs), READS[1:])
    assert found.outcome is Outcome.FAILED
    assert "a policy forbids it" in found.text
    assert "detect-stack-drift" in found.do


def test_whoever_may_not_ask_gets_a_warning(stubs: Stubs) -> None:
    stubs["iam"].add_client_error("simulate_principal_policy", "AccessDenied", "no")
    (found,), told = readable(role(stubs), READS)
    assert not told
    assert found.outcome is Outcome.WARNING
    assert found.text == "whether the execution role may read a, b could not be told"
    assert found.do == "asking takes iam:SimulatePrincipalPolicy on the role"


def test_before_the_foundation_there_is_no_role_to_ask_about(stubs: Stubs) -> None:
    stubs["iam"].add_client_error("simulate_principal_policy", "NoSuchEntity", "no")
    assert readable(role(stubs), READS) == ([], False)
