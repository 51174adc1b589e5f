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
from slipway_cdk.log_group import endpoint_log_group
from slipway_cdk.resource import declare, overlaid, present, tags


def inference_components(
    scope: Construct,
    *,
    environment: Environment,
    name: str,
    endpoint: CfnResource,
    models: Mapping[str, CfnResource],
    alarm_names: Mapping[str, Sequence[str]],
) -> Mapping[str, CfnResource]:
    """Declare the components of an endpoint.

    Parameters
    ----------
    scope
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name.
    endpoint
        The endpoint, which exists before them.
    models
        The endpoint's models, by component.
    alarm_names
        Rollback alarms by component, at most ten of each; as references.

    Returns
    -------
    Mapping of str to CfnResource
        The components by short name. They have literal names, which scaling and alarms go by.
    """
    declared = environment.endpoints[name]
    components = declared.components or {}
    if not components:
        return {}
    writer = _Specifications(environment, name, models)
    endpoint_name = endpoint.get_att("EndpointName")
    made = {}
    for component, one in components.items():
        properties = {
            "InferenceComponentName": environment.names.component(name, component),
            "EndpointName": endpoint_name,
            "VariantName": ONLY_VARIANT,
            "Specification": None if one.on else writer.one(component, one),
            "Specifications": writer.each(component, one) if one.on else None,
            "RuntimeConfig": {"CopyCount": one.copies},
            "DeploymentConfig": component_deployment_config(declared, one, alarm_names[component]),
            "Tags": tags(environment, name, version=writer.version(component)),
        }
        made[component] = declare(
            scope,
            f"Component-{component}",
            "AWS::SageMaker::InferenceComponent",
            overlaid(present(properties), declared.overrides.components.get(component, {})),
        )
        if not environment.guarded:
            log_group = endpoint_log_group(
                scope, f"LogGroup--{component}", environment=environment, name=name, component=component
            )
            made[component].add_resource_dependency(log_group)
    for component, one in components.items():
        if one.base is not None:
            # It names its base by a literal, which makes no dependency.
            made[component].add_resource_dependency(made[one.base])
    return made


class _Specifications:
    """Writes what the copies of an endpoint's components take and serve."""

    def __init__(self, environment: Environment, name: str, models: Mapping[str, CfnResource]) -> None:
        self._environment = environment
        self._name = name
        self._models = models
        endpoint = environment.endpoints[name]
        self._version = str(endpoint.version)
        self._versions = {served.at[1]: served.version for served in endpoint.served if served.component}
        self._downloads = {a.served: a for a in artifacts(name, endpoint, environment.names.bucket)}

    def version(self, component: str) -> str:
        """The version of what a component serves; of several models, of the last."""
        return self._versions.get(component, self._version)

    def each(self, component: str, declared: Component) -> list[dict[str, Any]]:
        """Write one specification for each instance type."""
        out = []
        for kind, resources in (declared.on or {}).items():
            id = f"{component}-{kind.replace('.', '-')}" if resources.model is not None else component
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
    # CloudFormation wants a balance, which the API does not: the largest that it takes balances nothing.
    imbalance = 100 if placement.zone_imbalance is None else placement.zone_imbalance
    return {
        "PlacementStrategy": placement.strategy.upper(),
        "AvailabilityZoneBalance": {"EnforcementMode": "PERMISSIVE", "MaxImbalance": imbalance},
    }
