"""What an endpoint's stack declares, with its references answered by what it has made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

#: Permissions that ``declared`` needs.
PERMISSIONS = ("cloudformation:GetTemplate", "cloudformation:DescribeStackResources")


def declared(cloudformation: CloudFormationClient, stack: str, kind: str) -> list[Mapping[str, object]]:
    """Read the resources of one type from a stack's template.

    Parameters
    ----------
    cloudformation
        The client.
    stack
        The stack's name.
    kind
        Such as ``AWS::SageMaker::Endpoint``.

    Returns
    -------
    list of mappings
        The properties of each. Where they refer to another resource of the stack stands its name, perhaps in lower
        case. Empty when the template is not JSON, as the CDK's are.

    Raises
    ------
    botocore.exceptions.ClientError
        When CloudFormation refuses.
    """
    body: object = cloudformation.get_template(StackName=stack)["TemplateBody"]
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return []
    resources = _mapping(_mapping(body).get("Resources"))
    chosen = [one for one in map(_mapping, resources.values()) if one.get("Type") == kind]
    if not chosen:
        return []
    made = {
        one["LogicalResourceId"]: one.get("PhysicalResourceId", "").rsplit("/", 1)[-1]
        for one in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    }
    return [_mapping(_answered(one.get("Properties"), made)) for one in chosen]


def _mapping(given: object) -> Mapping[str, object]:
    return given if isinstance(given, Mapping) else {}


def _answered(given: object, made: Mapping[str, str]) -> object:
    """The same with names for references to other resources."""
    if isinstance(given, list):
        return [_answered(one, made) for one in given]
    if not isinstance(given, Mapping):
        return given
    if len(given) == 1:
        ((function, argument),) = given.items()
        if function == "Ref" and argument in made:
            return made[argument]
        # Each name is what the identity ends with, be that a name or an ARN.
        if function == "Fn::GetAtt" and isinstance(argument, list) and argument[0] in made and "Name" in argument[1]:
            return made[argument[0]]
    return {key: _answered(value, made) for key, value in given.items()}
