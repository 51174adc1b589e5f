"""Autoscaling of an endpoint's instances: a scalable target and its target-tracking policies for each variant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from slipway.spec.environment import Environment
from slipway.spec.scaling import Scaling
from slipway_cdk.resource import declare, tags
from slipway_cdk.signals import MACHINE, threshold

_DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def scale_instances(scope: Construct, *, environment: Environment, name: str, after: CfnResource) -> None:
    """Scale every variant of an endpoint between its limits, if it declares `scaling`.

    Parameters
    ----------
    scope
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name.
    after
        The endpoint, which must exist before it can be scaled.
    """
    endpoint = environment.endpoints[name]
    if endpoint.scaling is None:
        return
    full = environment.names.endpoint(name)
    for variant, declared in endpoint.fleet.items():
        target = declare(
            scope,
            f"Scaling-{variant}",
            "AWS::ApplicationAutoScaling::ScalableTarget",
            {
                "ServiceNamespace": "sagemaker",
                "ScalableDimension": _DIMENSION,
                "ResourceId": f"endpoint/{full}/variant/{variant}",
                "MinCapacity": endpoint.scaling.min,
                "MaxCapacity": endpoint.scaling.max,
                "ScheduledActions": _schedules(endpoint.scaling) or None,
                "Tags": tags(environment, name),
            },
        )
        target.add_resource_dependency(after)
        for metric, tracking in tracked(endpoint.scaling, full, variant, declared.hosting.types):
            declare(
                scope,
                f"Scaling-{metric}-{variant}",
                "AWS::ApplicationAutoScaling::ScalingPolicy",
                {
                    "PolicyName": f"{full}-{variant}-{metric}",
                    "PolicyType": "TargetTrackingScaling",
                    "ScalingTargetId": target.ref,
                    "TargetTrackingScalingPolicyConfiguration": {
                        **tracking,
                        "ScaleOutCooldown": endpoint.scaling.scale_out_cooldown.seconds,
                        "ScaleInCooldown": endpoint.scaling.scale_in_cooldown.seconds,
                    },
                },
            )


def _schedules(declared: Scaling) -> list[dict[str, Any]]:
    return [
        {
            "ScheduledActionName": schedule.name,
            "Schedule": schedule.at,
            "Timezone": schedule.timezone,
            "ScalableTargetAction": {"MinCapacity": schedule.min, "MaxCapacity": schedule.max},
        }
        for schedule in declared.schedules
    ]


def tracked(
    declared: Scaling, endpoint: str, variant: str, types: Sequence[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Say what autoscaling tracks.

    Parameters
    ----------
    declared
        The declared scaling.
    endpoint, variant
        Full names.
    types
        Its instance types, which decide about the figures of CPU and GPU.

    Yields
    ------
    tuple of str and dict
        A name for each metric, and its target.
    """
    predefined = (
        (
            "invocations",
            "SageMakerVariantInvocationsPerInstance",
            declared.targets("instances").get("invocations_per_minute"),
        ),
        (
            "concurrency",
            "SageMakerVariantConcurrentRequestsPerModelHighResolution",
            declared.concurrency,
        ),
    )
    for name, metric, value in predefined:
        if value is not None:
            yield (
                name,
                {
                    "TargetValue": value,
                    "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
                },
            )
    for name, metric, share in (
        ("cpu", "CPUUtilization", declared.cpu),
        ("gpu", "GPUUtilization", declared.gpu),
    ):
        # The rules have refused types whose cores or GPUs the table does not know.
        value = threshold(name, share, types) if share is not None else None
        if value is not None:
            dimensions = [
                {"Name": "EndpointName", "Value": endpoint},
                {"Name": "VariantName", "Value": variant},
            ]
            specification = {
                "Namespace": MACHINE,
                "MetricName": metric,
                "Statistic": "Average",
                "Unit": "Percent",
                "Dimensions": dimensions,
            }
            yield name, {"TargetValue": value, "CustomizedMetricSpecification": specification}
