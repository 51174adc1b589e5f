"""What IAM is asked when a service is called: action, resource and context of the calls that the project's roles make.

From the service authorization reference: which resource an operation is authorized on, and which keys it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.local.iam_policy import Request

Tags = Callable[[str], Mapping[str, str]]


class UnknownCall(Exception):  # noqa: N818
    """It is not written here what IAM is asked for this call."""


@dataclass(frozen=True)
class Account:
    """Where calls are made.

    Attributes
    ----------
    id, region
        Of the calls.
    tags
        Says the tags of a resource, by its ARN.
    targets
        Says the ARN of a scalable target, by its resource id.
    partition
        Of the Region.
    """

    id: str
    region: str
    tags: Tags
    targets: Callable[[str], str]
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        """Write an ARN."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.id}:{resource}"


#: SageMaker's operations on one resource: the member that names it, and its kind. Names in its ARNs are in lower case.
_SAGEMAKER = {
    "DescribeEndpoint": ("EndpointName", "endpoint"),
    "DescribeEndpointConfig": ("EndpointConfigName", "endpoint-config"),
    "DescribeInferenceComponent": ("InferenceComponentName", "inference-component"),
    "DescribeModel": ("ModelName", "model"),
    "DeleteEndpoint": ("EndpointName", "endpoint"),
    "DeleteEndpointConfig": ("EndpointConfigName", "endpoint-config"),
    "DeleteModel": ("ModelName", "model"),
    "DeleteInferenceComponent": ("InferenceComponentName", "inference-component"),
    "DeleteMonitoringSchedule": ("MonitoringScheduleName", "monitoring-schedule"),
}
#: Operations without a resource.
_UNSCOPED = {
    "application-autoscaling:DescribeScalableTargets",
    "cloudformation:DescribeStackResources",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListEndpoints",
    "sagemaker:ListInferenceComponents",
    "sagemaker:ListModels",
    "sagemaker:ListMonitoringSchedules",
    "servicequotas:ListServiceQuotas",
    "tag:GetResources",
}
_PREFIXES = {"resourcegroupstaggingapi": "tag", "service-quotas": "servicequotas"}
#: Operations that are authorized by the action of another name.
_ACTIONS = {"s3:HeadObject": "s3:GetObject", "s3:ListObjectsV2": "s3:ListBucket"}


def request_of(account: Account, service: str, operation: str, call: Mapping[str, Any]) -> Request:
    """Say what IAM is asked for a call.

    Parameters
    ----------
    account
        Where it is made.
    service, operation
        As botocore names them.
    call
        The call's parameters.

    Returns
    -------
    Request
        For the evaluator.

    Raises
    ------
    UnknownCall
        If that is not written here.
    """
    action = f"{_PREFIXES.get(service, service)}:{operation}"
    action = _ACTIONS.get(action, action)
    if action in _UNSCOPED:
        return Request(action, "*")
    resource = _resource(account, service, operation, call)
    if resource is None:
        raise UnknownCall(action)
    context: dict[str, str | list[str]] = {
        f"aws:ResourceTag/{key}": value for key, value in account.tags(resource).items()
    }
    if operation == "AddTags":
        context |= {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in call["Tags"]}
        context["aws:TagKeys"] = [tag["Key"] for tag in call["Tags"]]
    if operation == "DeleteTags":
        context["aws:TagKeys"] = list(call["TagKeys"])
    if operation == "DeregisterScalableTarget":
        context["application-autoscaling:service-namespace"] = call["ServiceNamespace"]
        context["application-autoscaling:scalable-dimension"] = call["ScalableDimension"]
    return Request(action, resource, context)


def _resource(account: Account, service: str, operation: str, call: Mapping[str, Any]) -> str | None:
    if service == "sagemaker" and operation in _SAGEMAKER:
        member, kind = _SAGEMAKER[operation]
        return account.arn("sagemaker", f"{kind}/{call[member].lower()}")
    named = {
        ("sagemaker", "ListTags"): "ResourceArn",
        ("sagemaker", "AddTags"): "ResourceArn",
        ("sagemaker", "DeleteTags"): "ResourceArn",
        ("cloudformation", "DescribeStacks"): "StackName",
        ("cloudformation", "DeleteStack"): "StackName",
        ("application-autoscaling", "ListTagsForResource"): "ResourceARN",
        ("sns", "Publish"): "TopicArn",
        ("iam", "SimulatePrincipalPolicy"): "PolicySourceArn",
    }.get((service, operation))
    if named is not None and call[named].startswith("arn:"):
        arn: str = call[named]
        return arn
    if (service, operation) == ("application-autoscaling", "DeregisterScalableTarget"):
        return account.targets(call["ResourceId"])
    if service == "s3":
        return f"arn:{account.partition}:s3:::{call['Bucket']}{'/' + call['Key'] if 'Key' in call else ''}"
    if service == "cloudformation" and operation.startswith(("Describe", "List")):
        return account.arn("cloudformation", f"stack/{call['StackName']}/0123")
    if (service, operation) == ("cloudwatch", "DescribeAlarmHistory"):
        return account.arn("cloudwatch", f"alarm:{call['AlarmName']}")
    if (service, operation) == ("ecr", "DescribeImages"):
        return account.arn("ecr", f"repository/{call['repositoryName']}")
    if (service, operation) == ("ssm", "PutParameter"):
        return account.arn("ssm", f"parameter/{call['Name'].lstrip('/')}")
    return None
