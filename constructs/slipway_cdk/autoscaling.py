"""Autoscaling of instances, copies or provisioned concurrency: what is scaled, between which limits, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from slipway.spec.environment import Environment
from slipway.spec.scaling import Mode, Scaling
from slipway_cdk.resource import declare, tags
from slipway_cdk.scaling_policies import Scaled, ScalingPolicies

_INSTANCES = "sagemaker:variant:DesiredInstanceCount"
#: What there are more or fewer of, by hosting mode.
_DIMENSIONS: Mapping[Mode, str] = {
    "instances": _INSTANCES,
    "serverless": "sagemaker:variant:DesiredProvisionedConcurrency",
    "asynchronous": _INSTANCES,
    "components": "sagemaker:inference-component:DesiredCopyCount",
}


def scale(
    scope: Construct,
    *,
    environment: Environment,
    name: str,
    endpoint: CfnResource,
    components: Mapping[str, CfnResource],
) -> None:
    """Scale every production variant of an endpoint, or every component, between its limits.

    A shadow variant keeps its instances: its requests are copies of the production variant's, which is scaled.

    Parameters
    ----------
    scope
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name.
    endpoint
        The endpoint, which must exist before its variants can be scaled.
    components
        Its components, each of which must exist before it can be scaled.
    """
    for scaled, scaling in _scaled(environment, name):
        target = declare(
            scope,
            f"Scaling{scaled.id}",
            "AWS::ApplicationAutoScaling::ScalableTarget",
            {
                "ServiceNamespace": "sagemaker",
                "ScalableDimension": _DIMENSIONS[scaled.mode],
                "ResourceId": scaled.resource,
                "MinCapacity": scaling.min,
                "MaxCapacity": scaling.max,
                "ScheduledActions": _schedules(scaling) or None,
                "Tags": tags(environment, name),
            },
        )
        target.add_resource_dependency(components.get(scaled.what, endpoint))
        policies = ScalingPolicies(
            scope, environment=environment, name=name, scaled=scaled, scaling=scaling, target=target.ref
        )
        policies.tracking()
        policies.steps()
        policies.from_zero()


def _scaled(environment: Environment, name: str) -> Iterator[tuple[Scaled, Scaling]]:
    """What is scaled, and how."""
    endpoint = environment.endpoints[name]
    full = environment.names.endpoint(name)
    mode = endpoint.mode
    for component, declared in (endpoint.components or {}).items():
        scaling = endpoint.scaling_of(declared)
        if scaling is not None:
            own = environment.names.component(name, component)
            place = f"inference-component/{own}"
            dimensions = {"InferenceComponentName": own}
            yield Scaled(component, f"--{component}", f"--{component}", own, place, full, dimensions, (), mode), scaling
    if endpoint.components is not None or endpoint.scaling is None:
        return
    fleet = endpoint.fleet
    for variant, member in fleet.items():
        suffix = f"-{variant}" if len(fleet) > 1 else ""
        place = f"endpoint/{full}/variant/{variant}"
        dimensions = {"EndpointName": full, "VariantName": variant}
        types = member.hosting.types
        own = f"{full}-{variant}"
        yield Scaled(variant, f"-{variant}", suffix, own, place, full, dimensions, types, mode), endpoint.scaling


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
