"""The immutable half of an endpoint: its models and its endpoint config.

SageMaker changes neither: every property but the tags means replacement. So CloudFormation generates their names, and
what is replaced stays, since after a silent rollback the old config is the live one.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from slipway.spec import instances
from slipway.spec.endpoint import Endpoint, Variant
from slipway.spec.environment import Environment
from slipway.spec.model import Model
from slipway.spec.sources import Artifact, artifacts, image_uri
from slipway_cdk.resource import Policy, declare, present, tags


def endpoint_config(scope: Construct, *, environment: Environment, name: str) -> CfnResource:
    """Declare the models of an endpoint's variants and the config that puts them on instances.

    Parameters
    ----------
    scope
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name.

    Returns
    -------
    CfnResource
        The config; its models are beside it.
    """
    endpoint = environment.endpoints[name]
    removed: Policy = "RetainExceptOnCreate" if environment.guarded else "Delete"
    variants = []
    for artifact in artifacts(name, endpoint, environment.names.bucket):
        variant = endpoint.fleet[artifact.variant]
        model = declare(
            scope,
            f"Model-{artifact.variant}",
            "AWS::SageMaker::Model",
            {
                **model_properties(environment, artifact, variant.model),
                "Tags": tags(environment, name, version=artifact.version),
            },
            removed=removed,
            replaced="Retain",
        )
        variants.append(variant_properties(artifact.variant, variant, model.get_att("ModelName")))
    return declare(
        scope,
        "Config",
        "AWS::SageMaker::EndpointConfig",
        {
            "ProductionVariants": variants,
            "KmsKeyId": _volume_key(environment, endpoint),
            "Tags": tags(environment, name, version=str(endpoint.version)),
        },
        removed=removed,
        replaced="Retain",
    )


def _volume_key(environment: Environment, endpoint: Endpoint) -> str | None:
    """The one key of the config: what a variant names, else the environment's where every type accepts one."""
    hostings = [variant.hosting for variant in endpoint.fleet.values()]
    named = next((hosting.kms_key for hosting in hostings if hosting.kms_key), None)
    if named is not None or not environment.encrypt_volumes:
        return named
    plain = all(instances.refuses_kms_key(hosting.instance_type) is False for hosting in hostings)
    return environment.names.key_alias if plain else None


def model_properties(environment: Environment, artifact: Artifact, model: Model) -> dict[str, Any]:
    """Write the properties of a model, tags aside.

    Parameters
    ----------
    environment
        The environment.
    artifact
        What the container downloads.
    model
        The declared model.

    Returns
    -------
    dict
        Of AWS::SageMaker::Model.
    """
    uri = artifact.uri(environment)
    prefix = uri.endswith("/")
    network = environment.network
    return present(
        {
            "ExecutionRoleArn": environment.names.execution_role_arn,
            "PrimaryContainer": present(
                {
                    "Image": image_uri(environment, model),
                    "ModelDataUrl": None if prefix else uri,
                    "ModelDataSource": {
                        "S3DataSource": {
                            "CompressionType": "None",
                            "S3DataType": "S3Prefix",
                            "S3Uri": uri,
                        }
                    }
                    if prefix
                    else None,
                    "Environment": dict(model.variables) or None,
                }
            ),
            "EnableNetworkIsolation": model.network_isolation or None,
            "VpcConfig": {
                "SecurityGroupIds": list(network.security_groups),
                "Subnets": list(network.subnets),
            }
            if network
            else None,
        }
    )


def variant_properties(name: str, variant: Variant, model_name: object) -> dict[str, Any]:
    """Write one production variant.

    Parameters
    ----------
    name
        The variant's name.
    variant
        The declared variant.
    model_name
        Its model's name, known at deployment.

    Returns
    -------
    dict
        An item of AWS::SageMaker::EndpointConfig's ProductionVariants.
    """
    hosting = variant.hosting
    return present(
        {
            "VariantName": name,
            "ModelName": model_name,
            "InstanceType": hosting.instance_type,
            "InitialInstanceCount": hosting.instances,
            "InitialVariantWeight": variant.weight,
            "VolumeSizeInGB": round(hosting.volume) if hosting.volume else None,
            "ModelDataDownloadTimeoutInSeconds": hosting.download_timeout.seconds if hosting.download_timeout else None,
            "ContainerStartupHealthCheckTimeoutInSeconds": hosting.startup_timeout.seconds
            if hosting.startup_timeout
            else None,
            "InferenceAmiVersion": hosting.ami,
            "RoutingConfig": {"RoutingStrategy": hosting.routing.upper()} if hosting.routing else None,
        }
    )
