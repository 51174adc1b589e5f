"""The endpoint config: its variants, and what they share.

SageMaker changes neither models nor configs: every property but the tags means replacement. So CloudFormation generates
their names, and what is replaced stays, since after a silent rollback the old config is the live one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from slipway.spec import instances
from slipway.spec.endpoint import Endpoint, Member
from slipway.spec.environment import Environment
from slipway.spec.hosting import Hosting, PrefixRouting, ServerlessHosting
from slipway.spec.sources import place_uri
from slipway_cdk import config_options
from slipway_cdk.resource import declare, kept, overlaid, present, tags


def endpoint_config(
    scope: Construct, *, environment: Environment, name: str, models: Mapping[str, CfnResource]
) -> CfnResource:
    """Declare the config that puts an endpoint's models on instances.

    Parameters
    ----------
    scope
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name.
    models
        Its models, by variant.

    Returns
    -------
    CfnResource
        The config.
    """
    endpoint = environment.endpoints[name]

    def variants(members: Mapping[str, Member]) -> list[dict[str, Any]]:
        return [
            variant_properties(
                environment, variant, member, models[variant].get_att("ModelName") if member.model else None
            )
            for variant, member in members.items()
        ]

    properties = {
        "ProductionVariants": variants(endpoint.fleet),
        "ShadowProductionVariants": variants(endpoint.shadows) or None,
        "AsyncInferenceConfig": config_options.asynchronous(environment, name),
        "DataCaptureConfig": config_options.data_capture(environment, name),
        "ExplainerConfig": config_options.explainer(endpoint),
        "MetricsConfig": config_options.metrics(endpoint),
        "KmsKeyId": _volume_key(environment, endpoint),
        **(_of_components(environment, endpoint) if endpoint.components else {}),
        "Tags": tags(environment, name, version=str(endpoint.version)),
    }
    return declare(
        scope,
        "Config",
        "AWS::SageMaker::EndpointConfig",
        overlaid(present(properties), endpoint.overrides.config),
        **kept(environment),
    )


def _of_components(environment: Environment, endpoint: Endpoint) -> dict[str, Any]:
    """What the config says where no model says it: role, network, isolation."""
    network = environment.network
    isolated = any(served.model.network_isolation for served in endpoint.served)
    return {
        "ExecutionRoleArn": environment.names.execution_role_arn,
        "EnableNetworkIsolation": isolated or None,
        "VpcConfig": {"SecurityGroupIds": list(network.security_groups), "Subnets": list(network.subnets)}
        if network
        else None,
    }


def _volume_key(environment: Environment, endpoint: Endpoint) -> str | None:
    """The one key of the config: what a variant names, else the environment's where every type accepts one."""
    members = [*endpoint.fleet.values(), *endpoint.shadows.values()]
    hostings = [member.hosting for member in members if isinstance(member.hosting, Hosting)]
    named = next((hosting.kms_key for hosting in hostings if hosting.kms_key), None)
    if named is not None or not environment.encrypt_volumes or not hostings:
        return named
    plain = all(instances.refuses_kms_key(*hosting.types) is False for hosting in hostings)
    return environment.names.key_alias if plain else None


def variant_properties(environment: Environment, name: str, member: Member, model_name: object) -> dict[str, Any]:
    """Write one variant.

    Parameters
    ----------
    environment
        The environment.
    name
        The variant's name.
    member
        The declared variant.
    model_name
        Its model's name, known at deployment; ``None`` where components bring the models.

    Returns
    -------
    dict
        An item of AWS::SageMaker::EndpointConfig's ProductionVariants.
    """
    hosting = member.hosting
    where = _serverless(hosting) if isinstance(hosting, ServerlessHosting) else _instances(environment, hosting)
    weight = member.weight if model_name is not None else None
    return present({"VariantName": name, "ModelName": model_name, "InitialVariantWeight": weight, **where})


def _serverless(hosting: ServerlessHosting) -> dict[str, Any]:
    return {
        "ServerlessConfig": present(
            {
                "MemorySizeInMB": hosting.serverless.memory.whole,
                "MaxConcurrency": hosting.serverless.concurrency,
                "ProvisionedConcurrency": hosting.serverless.provisioned,
            }
        )
    }


def _instances(environment: Environment, hosting: Hosting) -> dict[str, Any]:
    pools = [{"InstanceType": pool.instance_type, "Priority": pool.priority} for pool in hosting.pools or ()]
    dumps = hosting.core_dumps
    return {
        "InstanceType": hosting.instance_type,
        "InstancePools": pools or None,
        "InitialInstanceCount": hosting.instances,
        "VolumeSizeInGB": round(hosting.volume) if hosting.volume else None,
        "ModelDataDownloadTimeoutInSeconds": hosting.download_timeout.seconds if hosting.download_timeout else None,
        "ContainerStartupHealthCheckTimeoutInSeconds": hosting.startup_timeout.seconds
        if hosting.startup_timeout
        else None,
        "VariantInstanceProvisionTimeoutInSeconds": hosting.provision_timeout.seconds
        if hosting.provision_timeout
        else None,
        "InferenceAmiVersion": hosting.ami,
        "RoutingConfig": _routing(hosting),
        "ManagedInstanceScaling": _managed_scaling(hosting),
        "CapacityReservationConfig": {
            "CapacityReservationPreference": "capacity-reservations-only",
            "MlReservationArn": hosting.capacity_reservation,
        }
        if hosting.capacity_reservation
        else None,
        "CoreDumpConfig": present(
            {"DestinationS3Uri": place_uri(environment, dumps.destination), "KmsKeyId": dumps.kms_key}
        )
        if dumps
        else None,
        "EnableSSMAccess": hosting.ssm_access or None,
    }


def _routing(hosting: Hosting) -> dict[str, Any] | None:
    if hosting.routing is None:
        return None
    if isinstance(hosting.routing, PrefixRouting):
        aware = hosting.routing.prefix_aware
        return {
            "RoutingStrategy": "PREFIX_AWARE",
            "PrefixAwareRoutingConfig": {"ConcurrencyThreshold": aware.concurrency, "PrefixLength": aware.prefix},
        }
    return {"RoutingStrategy": hosting.routing.upper()}


def _managed_scaling(hosting: Hosting) -> dict[str, Any] | None:
    managed = hosting.managed_scaling
    if managed is None:
        return None
    policy = managed.scale_in
    return present(
        {
            "Status": "ENABLED",
            "MinInstanceCount": managed.min,
            "MaxInstanceCount": managed.max,
            "ScaleInPolicy": present(
                {
                    "Strategy": policy.strategy.upper(),
                    "MaximumStepSize": policy.step,
                    "CooldownInMinutes": policy.cooldown.seconds // 60 if policy.cooldown else None,
                }
            )
            if policy
            else None,
        }
    )
