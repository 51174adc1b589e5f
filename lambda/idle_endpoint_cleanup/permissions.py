"""What the cleanup's role may do: look at everything, and change only what is disposable and of a dev environment.

The role is what makes production untouchable, whatever the code asks for. In a dry run it may change nothing at all.
The log group is the function's own; a topic with a key of its own needs the key's permissions besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from idle_endpoint_cleanup.tags import DEVELOPMENT, DISPOSABLE, ENVIRONMENT, MARK

#: Lists and metrics are authorized on everything or nothing; so is the search for the stack of a resource, since no
#: stack is named there.
_UNSCOPED = (
    "application-autoscaling:DescribeScalableTargets",
    "cloudformation:DescribeStackResources",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListEndpoints",
    "sagemaker:ListInferenceComponents",
    "sagemaker:ListModels",
    "sagemaker:ListMonitoringSchedules",
    "tag:GetResources",
)
_MARKED = ("endpoint", "endpoint-config", "model")
_TAGGED = (*_MARKED, "inference-component", "monitoring-schedule")


def statements(
    *, partition: str, region: str, account: str, opt_in: Mapping[str, str], topic: str, records: str, delete: bool
) -> list[dict[str, Any]]:
    """Write the role's policy.

    Parameters
    ----------
    partition, region, account
        Where.
    opt_in, topic, records, delete
        As in `Settings`.

    Returns
    -------
    list
        Statements of an IAM policy.
    """

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    def allow(sid: str, actions: list[str], resources: list[str], **conditions: object) -> dict[str, Any]:
        condition = {"Condition": conditions} if conditions else {}
        return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources, **condition}

    def sagemaker(*kinds: str) -> list[str]:
        return [arn("sagemaker", f"{kind}/*") for kind in kinds]

    stacks, targets = [arn("cloudformation", "stack/*")], [arn("application-autoscaling", "scalable-target/*")]
    looks = [
        allow("Find", list(_UNSCOPED), ["*"]),
        allow("DescribeEndpoints", ["sagemaker:DescribeEndpoint"], sagemaker("endpoint")),
        allow("DescribeConfigs", ["sagemaker:DescribeEndpointConfig"], sagemaker("endpoint-config")),
        allow("DescribeComponents", ["sagemaker:DescribeInferenceComponent"], sagemaker("inference-component")),
        allow("ReadTags", ["sagemaker:ListTags"], sagemaker(*_TAGGED)),
        allow("ReadTargetTags", ["application-autoscaling:ListTagsForResource"], targets),
        allow("DescribeStacks", ["cloudformation:DescribeStacks"], stacks),
    ]
    if not delete:
        return looks
    # Tags that neither the cleanup nor its role can change say what it may change.
    own = {f"aws:ResourceTag/{key}": value for key, value in {**opt_in, ENVIRONMENT: DEVELOPMENT}.items()}
    disposable = {**own, f"aws:ResourceTag/{DISPOSABLE}": "true"}
    mark_only = {"ForAllValues:StringEquals": {"aws:TagKeys": [MARK]}, "Null": {"aws:TagKeys": "false"}}
    return [
        *looks,
        allow(
            "Mark",
            ["sagemaker:AddTags", "sagemaker:DeleteTags"],
            sagemaker(*_MARKED),
            **mark_only,
            StringEquals=own,
        ),
        allow("DeleteStacks", ["cloudformation:DeleteStack"], stacks, StringEquals=disposable),
        *(
            allow(f"Delete{part}", [f"sagemaker:Delete{part}"], sagemaker(kind), StringEquals=disposable)
            for part, kind in {
                "Endpoint": "endpoint",
                "EndpointConfig": "endpoint-config",
                "Model": "model",
                "InferenceComponent": "inference-component",
                "MonitoringSchedule": "monitoring-schedule",
            }.items()
        ),
        allow(
            "DeregisterTargets",
            ["application-autoscaling:DeregisterScalableTarget"],
            targets,
            StringEquals={**disposable, "application-autoscaling:service-namespace": "sagemaker"},
        ),
        allow("Record", ["ssm:PutParameter"], [arn("ssm", f"parameter{records}/*")]),
        allow("Notify", ["sns:Publish"], [topic]),
    ]
