"""The stack that an endpoint belongs to, and whether the cleanup may delete it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from idle_endpoint_cleanup.inventory import Endpoint
from idle_endpoint_cleanup.run import Run, missing
from idle_endpoint_cleanup.tags import STACK, as_mapping, disposable

#: DescribeStackResources names no more than this many resources of a stack.
_ALL_NAMED = 100


@dataclass(frozen=True)
class Stack:
    """A stack, and why it may not be deleted for the sake of its endpoint, if so."""

    id: str
    name: str
    unfit: str | None


def owner(run: Run, arn: str, endpoint: Endpoint) -> Stack | None:
    """Find the stack of an endpoint; ``None`` for one that was made by hand."""
    cloudformation = run.aws.cloudformation
    try:
        found = cloudformation.describe_stack_resources(PhysicalResourceId=arn)["StackResources"]
    except ClientError as error:
        if missing(error):
            return None
        raise
    there = {
        one.get("PhysicalResourceId", "").lower(): one["ResourceType"]
        for one in found
        if one["ResourceStatus"] != "DELETE_COMPLETE"
    }
    if arn.lower() not in there:
        return None  # a stack of the past, whose endpoint had the same name
    stack = cloudformation.describe_stacks(StackName=found[0]["StackId"])["Stacks"][0]
    own = {arn.lower(), *(component.arn.lower() for component in endpoint.components)}
    reasons = {
        "its tags do not say that it may be deleted": not disposable(
            as_mapping(stack.get("Tags", ())), run.settings.opt_in
        ),
        # Without one, CloudFormation would delete the resources with the cleanup's own role, and get stuck halfway.
        "it has no role of its own": not stack.get("RoleARN"),
        "it has termination protection": stack.get("EnableTerminationProtection", False),
        "it is part of another stack": "ParentId" in stack,
        f"its status is {stack['StackStatus']}": stack["StackStatus"].endswith("_IN_PROGRESS"),
        "it has too many resources to know them all": len(found) >= _ALL_NAMED,
        "it holds more than this endpoint": any(
            type == "AWS::CloudFormation::Stack"
            or (type in ("AWS::SageMaker::Endpoint", "AWS::SageMaker::InferenceComponent") and id not in own)
            for id, type in there.items()
        ),
    }
    unfit = next((f"stack {stack['StackName']}: {reason}" for reason, holds in reasons.items() if holds), None)
    return Stack(stack["StackId"], stack["StackName"], unfit)


def lost(tags: Mapping[str, str], stack: Stack | None) -> str | None:
    """Say which stack an endpoint claims to belong to that does not have it: then it is nobody's to delete."""
    claimed = tags.get(STACK) or tags.get("aws:cloudformation:stack-name")
    if claimed is None or (stack is not None and stack.name == claimed):
        return None
    return f"its tags say that it belongs to the stack {claimed}, which does not have it"
