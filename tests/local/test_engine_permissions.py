"""What a role may do, as the local AWS simulates it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import ACCOUNT, Client, LocalAws

ROLE = "simulated"
ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
MODELS, OTHERS = "arn:aws:s3:::models/*", "arn:aws:s3:::others/*"


@pytest.fixture
def iam(local_aws: LocalAws) -> Iterator[Client]:
    client = local_aws.client("iam")
    client.create_role(RoleName=ROLE, AssumeRolePolicyDocument=document())
    yield client
    for name in client.list_role_policies(RoleName=ROLE)["PolicyNames"]:
        client.delete_role_policy(RoleName=ROLE, PolicyName=name)
    for policy in client.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]:
        client.detach_role_policy(RoleName=ROLE, PolicyArn=policy["PolicyArn"])
    client.delete_role(RoleName=ROLE)


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(resource: str, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "s3:GetObject", "Resource": resource, **more}


def decided(iam: Client, *resources: str, **more: Any) -> list[str]:
    found = iam.simulate_principal_policy(
        PolicySourceArn=ARN, ActionNames=["s3:GetObject"], ResourceArns=list(resources), **more
    )
    assert [result["EvalResourceName"] for result in found["EvaluationResults"]] == list(resources)
    return [result["EvalDecision"] for result in found["EvaluationResults"]]


def test_inline_and_managed_policies_count_and_a_denial_wins(iam: Client) -> None:
    assert decided(iam, "arn:aws:s3:::models/a") == ["implicitDeny"]
    iam.put_role_policy(RoleName=ROLE, PolicyName="inline", PolicyDocument=document(statement(MODELS)))
    assert decided(iam, "arn:aws:s3:::models/a", "arn:aws:s3:::others/a") == ["allowed", "implicitDeny"]
    managed = iam.create_policy(PolicyName="others", PolicyDocument=document(statement(OTHERS)))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=managed)
    assert decided(iam, "arn:aws:s3:::models/a", "arn:aws:s3:::others/a") == ["allowed", "allowed"]
    iam.put_role_policy(RoleName=ROLE, PolicyName="denied", PolicyDocument=document(statement(OTHERS, "Deny")))
    assert decided(iam, "arn:aws:s3:::models/a", "arn:aws:s3:::others/a") == ["allowed", "explicitDeny"]


def test_the_default_version_of_a_managed_policy_counts(iam: Client) -> None:
    managed = iam.create_policy(PolicyName="versions", PolicyDocument=document(statement(MODELS)))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=managed)
    iam.create_policy_version(PolicyArn=managed, PolicyDocument=document(statement(OTHERS)), SetAsDefault=True)
    assert decided(iam, "arn:aws:s3:::models/a", "arn:aws:s3:::others/a") == ["implicitDeny", "allowed"]


def test_conditions_are_held_against_the_context(iam: Client) -> None:
    only = statement(MODELS, Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})
    iam.put_role_policy(RoleName=ROLE, PolicyName="inline", PolicyDocument=document(only))
    assert decided(iam, "arn:aws:s3:::models/a") == ["implicitDeny"]
    entry = {"ContextKeyName": "aws:SourceVpc", "ContextKeyValues": ["vpc-1"], "ContextKeyType": "string"}
    assert decided(iam, "arn:aws:s3:::models/a", ContextEntries=[entry]) == ["allowed"]


def test_a_boundary_has_to_allow_it_as_well(iam: Client) -> None:
    iam.put_role_policy(RoleName=ROLE, PolicyName="inline", PolicyDocument=document(statement("*")))
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=document(statement(MODELS)))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=ROLE, PermissionsBoundary=boundary)
    assert decided(iam, "arn:aws:s3:::models/a", "arn:aws:s3:::others/a") == ["allowed", "implicitDeny"]


def test_what_is_not_evaluated_is_an_error_and_no_guess(iam: Client) -> None:
    only = statement(MODELS, Condition={"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}})
    iam.put_role_policy(RoleName=ROLE, PolicyName="inline", PolicyDocument=document(only))
    with pytest.raises(ClientError, match="does not evaluate the operator DateLessThan"):
        decided(iam, "arn:aws:s3:::models/a")


def test_a_role_that_does_not_exist_is_an_error(local_aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        local_aws.client("iam").simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/none", ActionNames=["s3:GetObject"]
        )
