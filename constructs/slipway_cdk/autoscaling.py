"""Autoscaling of an endpoint's instances: a scalable target and its target-tracking policies for each variant."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import CfnResource
from aws_cdk import aws_applicationautoscaling as scaling
from constructs import Construct

from slipway.spec.endpoint import Variant
from slipway.spec.environment import Environment
from slipway.spec.scaling import Scaling
from slipway.spec.units import Percent
from slipway_cdk.alarms import MACHINE, threshold

Policy = scaling.CfnScalingPolicy
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"


class InstanceScaling(Construct):
    """Scales every variant of an endpoint between its limits.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name; it must declare `scaling`.
    after
        The endpoint, which must exist before it can be scaled.
    """

    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, name: str, after: CfnResource  # noqa: A002
    ) -> None:
        super().__init__(scope, id)
        endpoint = environment.endpoints[name]
        for variant, declared in endpoint.fleet.items():
            if endpoint.scaling is None:
                continue
            resource = f"endpoint/{environment.names.endpoint(name)}/variant/{variant}"
            target = scaling.CfnScalableTarget(
                self,
                f"Target-{variant}",
                service_namespace="sagemaker",
                scalable_dimension=_DIMENSION,
                resource_id=resource,
                min_capacity=endpoint.scaling.min,
                max_capacity=endpoint.scaling.max,
                scheduled_actions=_schedules(endpoint.scaling) or None,
            )
            target.add_resource_dependency(after)
            for metric, policy in _targets(endpoint.scaling, environment.names.endpoint(name), variant, declared):
                scaling.CfnScalingPolicy(
                    self,
                    f"{metric}-{variant}",
                    policy_name=f"{environment.names.endpoint(name)}-{variant}-{metric}",
                    policy_type="TargetTrackingScaling",
                    scaling_target_id=target.ref,
                    target_tracking_scaling_policy_configuration=policy,
                )


def _schedules(declared: Scaling) -> list[scaling.CfnScalableTarget.ScheduledActionProperty]:
    return [
        scaling.CfnScalableTarget.ScheduledActionProperty(
            scheduled_action_name=schedule.name,
            schedule=schedule.at,
            timezone=schedule.timezone,
            scalable_target_action=scaling.CfnScalableTarget.ScalableTargetActionProperty(
                min_capacity=schedule.min, max_capacity=schedule.max
            ),
        )
        for schedule in declared.schedules
    ]


def _targets(
    declared: Scaling, endpoint: str, variant: str, hosting: Variant
) -> Iterator[tuple[str, Policy.TargetTrackingScalingPolicyConfigurationProperty]]:
    out, in_ = declared.scale_out_cooldown.seconds, declared.scale_in_cooldown.seconds

    def predefined(metric: str, value: float) -> Policy.TargetTrackingScalingPolicyConfigurationProperty:
        return Policy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=value,
            predefined_metric_specification=Policy.PredefinedMetricSpecificationProperty(predefined_metric_type=metric),
            scale_out_cooldown=out,
            scale_in_cooldown=in_,
        )

    def machine(metric: str, key: str, share: Percent) -> Policy.TargetTrackingScalingPolicyConfigurationProperty:
        # The rules have refused types whose cores or GPUs the table does not know.
        value = threshold(key, share, hosting.hosting.instance_type) or float(share)
        return Policy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=value,
            customized_metric_specification=Policy.CustomizedMetricSpecificationProperty(
                namespace=MACHINE,
                metric_name=metric,
                statistic="Average",
                unit="Percent",
                dimensions=[
                    Policy.MetricDimensionProperty(name="EndpointName", value=endpoint),
                    Policy.MetricDimensionProperty(name="VariantName", value=variant),
                ],
            ),
            scale_out_cooldown=out,
            scale_in_cooldown=in_,
        )

    if declared.tracked_invocations is not None:
        yield "invocations", predefined("SageMakerVariantInvocationsPerInstance", declared.tracked_invocations)
    if declared.concurrency is not None:
        yield "concurrency", predefined("SageMakerVariantConcurrentRequestsPerModelHighResolution", declared.concurrency)
    if declared.cpu is not None:
        yield "cpu", machine("CPUUtilization", "cpu", declared.cpu)
    if declared.gpu is not None:
        yield "gpu", machine("GPUUtilization", "gpu", declared.gpu)
