"""AWS::SageMaker::InferenceComponent: one of several models on an endpoint's fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from slipway.spec.component import Component, Resources
from slipway.spec.endpoint import ONLY_VARIANT
from slipway.spec.environment import Environment
from slipway.spec.model import Container
from slipway.spec.sources import Artifact, artifacts, image_uri
from slipway_cdk.deployment_config import component_deployment_config
from slipway_cdk.resource import declare, overlaid, present, tags


def inference_component(
    scope: Construct,
    *,
    environment: Environment,
    name: str,
    component: str,
    endpoint_name: object,
    models: Mapping[str, CfnResource],
    alarm_names: Sequence[str],
) -> CfnResource:
    """Declare one component of an endpoint.

    Parameters
    ----------
    scope
        Place in the tree.
    environment
        The environment.
    name, component
        Short names of the endpoint and the component.
    endpoint_name
        The endpoint's name as a reference, so that the endpoint exists before.
    models
        The endpoint's models, by component.
    alarm_names
        The component's rollback alarms, at most ten; as references.

    Returns
    -------
    CfnResource
        The component. It has a literal name, which scaling and alarms go by.
    """
    endpoint = environment.endpoints[name]
    declared = (endpoint.components or {})[component]
    writer = _Specifications(environment, name, component, models)
    served = next((s for s in endpoint.served if s.at[1:2] == (component,) and s.component), None)
    properties = {
        "InferenceComponentName": environment.names.component(name, component),
        "EndpointName": endpoint_name,
        "VariantName": ONLY_VARIANT,
        "Specification": None if declared.on else writer.one(component, declared),
        "Specifications": writer.each(declared) if declared.on else None,
        "RuntimeConfig": {"CopyCount": declared.copies},
        "DeploymentConfig": component_deployment_config(endpoint, declared, alarm_names),
        "Tags": tags(environment, name, version=served.version if served else str(endpoint.version)),
    }
    return declare(
        scope,
        f"Component-{component}",
        "AWS::SageMaker::InferenceComponent",
        overlaid(present(properties), endpoint.overrides.components.get(component, {})),
    )


class _Specifications:
    """Writes what a copy takes and serves."""

    def __init__(self, environment: Environment, name: str, component: str, models: Mapping[str, CfnResource]) -> None:
        self._environment = environment
        self._name = name
        self._component = component
        self._models = models
        endpoint = environment.endpoints[name]
        self._downloads = {a.served: a for a in artifacts(name, endpoint, environment.names.bucket)}

    def each(self, declared: Component) -> list[dict[str, Any]]:
        """Write one specification for each instance type."""
        out = []
        for kind, resources in (declared.on or {}).items():
            id = f"{self._component}-{kind.replace('.', '-')}" if resources.model is not None else self._component
            own = resources if resources.model is not None else resources.model_copy(update={"model": declared.model})
            out.append({"InstanceType": kind, **self.one(id, own)})
        return out

    def one(self, id: str, resources: Resources) -> dict[str, Any]:
        """Write a specification; ``id`` is the model's among the served ones."""
        base = resources.base if isinstance(resources, Component) else None
        timeouts = {
            "ModelDataDownloadTimeoutInSeconds": resources.download_timeout,
            "ContainerStartupHealthCheckTimeoutInSeconds": resources.startup_timeout,
        }
        model = self._models.get(id)
        inline = model is None and resources.model is not None
        return present(
            {
                "BaseInferenceComponentName": self._environment.names.component(self._name, base) if base else None,
                "ModelName": model.get_att("ModelName") if model is not None else None,
                "Container": self._container(resources, resources.model, self._downloads.get(id)) if inline else None,
                "ComputeResourceRequirements": _requirements(resources) or None,
                "StartupParameters": {key: limit.seconds for key, limit in timeouts.items() if limit} or None,
                "DataCacheConfig": {"EnableCaching": resources.cache} if resources.cache is not None else None,
                "SchedulingConfig": _scheduling(resources),
            }
        )

    def _container(
        self, resources: Resources, container: Container | None, download: Artifact | None
    ) -> dict[str, Any]:
        scrape = resources.scrape
        endpoint = present(
            {
                "MetricsEndpointPath": scrape.path if scrape else None,
                "MetricPublishFrequencyInSeconds": scrape.every.seconds if scrape and scrape.every else None,
            }
        )
        return present(
            {
                "Image": image_uri(self._environment, container) if container else None,
                "ArtifactUrl": download.uri(self._environment) if download else None,
                "Environment": dict(container.variables) or None if container else None,
                "ContainerMetricsConfig": {"MetricsEndpoints": [endpoint]} if endpoint else None,
            }
        )


def _requirements(resources: Resources) -> dict[str, Any]:
    return present(
        {
            "MinMemoryRequiredInMb": resources.memory.whole if resources.memory else None,
            "MaxMemoryRequiredInMb": resources.max_memory.whole if resources.max_memory else None,
            "NumberOfCpuCoresRequired": resources.cpus,
            "NumberOfAcceleratorDevicesRequired": resources.accelerators,
        }
    )


def _scheduling(resources: Resources) -> dict[str, Any] | None:
    placement = resources.placement
    if placement is None:
        return None
    imbalance = placement.zone_imbalance
    return present(
        {
            "PlacementStrategy": placement.strategy.upper(),
            "AvailabilityZoneBalance": {"EnforcementMode": "PERMISSIVE", "MaxImbalance": imbalance}
            if imbalance is not None
            else None,
        }
    )
