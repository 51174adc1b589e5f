"""AWS::SageMaker::Model: the containers of one served model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from slipway.spec.component import Component
from slipway.spec.endpoint import Served
from slipway.spec.environment import Environment
from slipway.spec.model import Container, Model, Pipeline, UriImage
from slipway.spec.sources import Artifact, artifacts, image_uri
from slipway_cdk.resource import declare, kept, overlaid, present, tags


def served_models(scope: Construct, *, environment: Environment, name: str) -> Mapping[str, CfnResource]:
    """Declare every model of an endpoint that is a resource of its own.

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
    Mapping of str to CfnResource
        By variant or component.
    """
    endpoint = environment.endpoints[name]
    downloads: dict[str, list[Artifact]] = {}
    for artifact in artifacts(name, endpoint, environment.names.bucket):
        downloads.setdefault(artifact.served, []).append(artifact)
    made = {}
    for served in endpoint.served:
        if served.component and _inline((endpoint.components or {})[served.at[1]], served):
            continue
        properties = {
            **model_properties(environment, served, downloads.get(served.id, [])),
            "Tags": tags(environment, name, version=served.version),
        }
        made[served.id] = declare(
            scope,
            f"Model-{served.id}",
            "AWS::SageMaker::Model",
            overlaid(properties, endpoint.overrides.models.get(served.id, {})),
            **kept(environment),
        )
    return made


def _inline(component: Component, served: Served) -> bool:
    """Whether a component's container is written into the component, without a model of its own.

    An adapter's is: it only has an artifact. So is a container whose metrics are scraped: only there it can be said.
    """
    if served.at[2] == "on":
        users = [(component.on or {})[served.at[3]]]
    else:
        users = [component, *(resources for resources in (component.on or {}).values() if resources.model is None)]
    return component.base is not None or any(resources.scrape is not None for resources in users)


def model_properties(environment: Environment, served: Served, downloads: Iterable[Artifact]) -> dict[str, Any]:
    """Write the properties of a model, tags aside.

    Parameters
    ----------
    environment
        The environment.
    served
        The model.
    downloads
        What its containers download.

    Returns
    -------
    dict
        Of AWS::SageMaker::Model.
    """
    model = served.model
    by_container = {artifact.container: artifact for artifact in downloads if not artifact.script_only}
    containers = [
        container_properties(environment, container, by_container.get(name), hostname=name or None)
        for name, container in model.containers.items()
    ]
    network = environment.network
    several = isinstance(model, Pipeline)
    if isinstance(model, Model) and model.hostname is not None:
        containers[0]["ContainerHostname"] = model.hostname
    return present(
        {
            "ExecutionRoleArn": environment.names.execution_role_arn,
            "PrimaryContainer": None if several else containers[0],
            "Containers": containers if several else None,
            "InferenceExecutionConfig": {"Mode": model.invocation.capitalize()}
            if isinstance(model, Pipeline)
            else None,
            "EnableNetworkIsolation": model.network_isolation or None,
            "VpcConfig": {
                "SecurityGroupIds": list(network.security_groups),
                "Subnets": list(network.subnets),
            }
            if network
            else None,
        }
    )


def container_properties(
    environment: Environment, container: Container, download: Artifact | None, *, hostname: str | None = None
) -> dict[str, Any]:
    """Write one container.

    Parameters
    ----------
    environment
        The environment.
    container
        The declared container.
    download
        What it downloads, if it does.
    hostname
        What it is called among several.

    Returns
    -------
    dict
        A ContainerDefinition of AWS::SageMaker::Model.
    """
    uri = download.uri(environment) if download else None
    # A multi-model container's prefix is a plain URL: ModelDataSource is not for those.
    by_url = uri is not None and (container.models is not None or _plain(container, uri))
    return present(
        {
            "ContainerHostname": hostname,
            "Image": image_uri(environment, container),
            "ImageConfig": _image_config(container),
            "Mode": "MultiModel" if container.models is not None else None,
            "MultiModelConfig": {"ModelCacheSetting": "Enabled" if container.cache else "Disabled"}
            if container.cache is not None
            else None,
            "ModelDataUrl": uri if by_url else None,
            "ModelDataSource": {"S3DataSource": _data_source(container, uri)} if uri and not by_url else None,
            "ModelPackageName": container.package,
            "InferenceSpecificationName": container.specification,
            "Environment": container_variables(environment, container) or None,
        }
    )


def container_variables(environment: Environment, container: Container) -> dict[str, str]:
    """Write a container's environment variables.

    Parameters
    ----------
    environment
        The environment.
    container
        The declared container.

    Returns
    -------
    dict
        A script's archive as a whole URI.
    """
    variables = dict(container.variables)
    if container.source is not None and not container.source.startswith("s3://"):
        variables["SAGEMAKER_SUBMIT_DIRECTORY"] = f"s3://{environment.names.bucket}/{container.source}"
    return variables


def _plain(container: Container, uri: str) -> bool:
    return not uri.endswith("/") and container.hub_content is None and container.accept_eula is None


def _data_source(container: Container, uri: str) -> dict[str, Any]:
    prefix = uri.endswith("/")
    return present(
        {
            "CompressionType": "None" if prefix else "Gzip",
            "S3DataType": "S3Prefix" if prefix else "S3Object",
            "S3Uri": uri,
            "HubAccessConfig": {"HubContentArn": container.hub_content} if container.hub_content else None,
            "ModelAccessConfig": {"AcceptEula": container.accept_eula} if container.accept_eula is not None else None,
        }
    )


def _image_config(container: Container) -> dict[str, Any] | None:
    image = container.image
    if not isinstance(image, UriImage) or not image.private:
        return None
    login = {"RepositoryCredentialsProviderArn": image.credentials} if image.credentials else None
    return present({"RepositoryAccessMode": "Vpc", "RepositoryAuthConfig": login})
