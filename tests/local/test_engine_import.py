"""Taking over what is there under a literal name, as ImportExistingResources does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.local.conftest import LocalAws, Stack

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}],
}
NAMED = {
    "AWS::Logs::LogGroup": {"LogGroupName": "/{name}/kept"},
    "AWS::S3::Bucket": {"BucketName": "{name}-kept"},
    "AWS::ECR::Repository": {"RepositoryName": "{name}-kept"},
    "AWS::SNS::Topic": {"TopicName": "{name}-kept"},
    "AWS::IAM::Role": {"RoleName": "{name}-kept"},
    "AWS::SageMaker::ModelPackageGroup": {"ModelPackageGroupName": "{name}-kept"},
}


def kept(kind: str, name: str, **policies: str) -> dict[str, Any]:
    properties: dict[str, Any] = {key: value.format(name=name) for key, value in NAMED[kind].items()}
    if kind == "AWS::IAM::Role":
        properties["AssumeRolePolicyDocument"] = TRUST
    return {"Type": kind, "Properties": properties, "DeletionPolicy": "RetainExceptOnCreate", **policies}


@pytest.mark.parametrize("kind", NAMED)
def test_what_a_stack_left_behind_can_be_taken_back(stack: Stack, kind: str) -> None:
    other = {"Type": "AWS::SQS::Queue"}
    stack.deploy({"Kept": kept(kind, stack.name), "Other": other})
    before = stack.physical_id("Kept")
    stack.deploy({"Other": other})
    assert stack.deploy({"Kept": kept(kind, stack.name), "Other": other}) == "UPDATE_ROLLBACK_COMPLETE"

    again = {"Kept": kept(kind, stack.name), "Other": other}
    assert stack.deploy(again, import_existing=True) == "UPDATE_COMPLETE"
    assert stack.physical_id("Kept") == before
    assert stack.change_set(again)["Status"] == "FAILED", "nothing is left to change"


def test_a_rollback_lets_go_of_what_was_imported_and_does_not_delete_it(stack: Stack, local_aws: LocalAws) -> None:
    group = kept("AWS::Logs::LogGroup", stack.name)
    other = {"Type": "AWS::SQS::Queue"}
    stack.deploy({"Kept": group, "Other": other})
    stack.deploy({"Other": other})
    broken = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "x" * 100}, "DependsOn": "Kept"}
    assert stack.deploy({"Kept": group, "Other": other, "Broken": broken}, import_existing=True) == (
        "UPDATE_ROLLBACK_COMPLETE"
    )
    found = local_aws.client("logs").describe_log_groups(logGroupNamePrefix=f"/{stack.name}/kept")["logGroups"]
    assert len(found) == 1


def test_what_would_not_be_retained_is_not_taken_over(new_stack: Callable[[], Stack]) -> None:
    first, second = new_stack(), new_stack()
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/{first.name}/mine"}}
    first.deploy({"Group": group})
    assert second.deploy({"Group": group}, import_existing=True) == "ROLLBACK_COMPLETE"
