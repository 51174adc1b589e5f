"""An endpoint as it is: what it serves, what is under way, what its stack believes, and what it could go back to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from slipway.ops.trouble import NoEndpointError, is_missing

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from types_boto3_sagemaker import SageMakerClient

    from slipway.spec.environment import Environment

#: An update, a rollback or a deletion is under way; the service refuses another change.
BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
IN_SERVICE = "InService"


@dataclass(frozen=True, slots=True)
class LiveVariant:
    """A variant as it is.

    Attributes
    ----------
    name
        Its name.
    weight, desired_weight
        Now, and what was asked for.
    count, desired_count
        Instances now, and what was asked for; ``None`` for serverless variants.
    statuses
        Such as ``Baking``; empty while nothing moves.
    images
        What was deployed, as the service resolved it.
    message
        Of the first status, such as ``Launching 3 instance(s).``; empty when there is none.
    since
        When the first status began; ``None`` where the service does not say.
    """

    name: str
    weight: float = 1.0
    desired_weight: float = 1.0
    count: int | None = None
    desired_count: int | None = None
    statuses: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    message: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """An update under way: PendingDeploymentSummary.

    Attributes
    ----------
    config
        The endpoint config that it moves to.
    started
        When it began; ``None`` where the service does not say.
    variants
        Of the new fleet.
    """

    config: str
    started: datetime | None
    variants: tuple[LiveVariant, ...] = ()


@dataclass(frozen=True, slots=True)
class Live:
    """An endpoint as the service describes it.

    Attributes
    ----------
    name, arn
        Of the endpoint.
    status
        Such as ``InService``.
    config
        The endpoint config that serves; while an update runs, still the old one.
    failure
        FailureReason; empty when there is none, **also after an automatic rollback**.
    variants
        Production variants.
    pending
        The update under way.
    deployment
        LastDeploymentConfig; empty when there is none.
    modified
        When it was last created, updated or rescaled.
    """

    name: str
    arn: str
    status: str
    config: str
    failure: str
    variants: tuple[LiveVariant, ...]
    pending: Pending | None
    deployment: Mapping[str, Any]
    modified: datetime

    @property
    def busy(self) -> bool:
        """Whether the service would refuse another change now."""
        return self.status in BUSY

    def variant(self, name: str) -> LiveVariant | None:
        """A variant by its name."""
        return next((variant for variant in self.variants if variant.name == name), None)


def same_config(one: str, other: str) -> bool:
    """Whether two names are of one endpoint config: ARNs, from which names may come, have them in lower case."""
    return one.casefold() == other.casefold()


def describe(sagemaker: SageMakerClient, name: str) -> Live:
    """Describe an endpoint.

    Parameters
    ----------
    sagemaker
        The client.
    name
        Its full name.

    Returns
    -------
    Live
        As it is now.

    Raises
    ------
    NoEndpointError
        When there is none.
    botocore.exceptions.ClientError
        For whatever else the service refuses.
    """
    try:
        found = sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as error:
        if is_missing(error):
            raise NoEndpointError(f"there is no endpoint {name}: `slipway deploy` makes it") from None
        raise
    return live_of(found)


def live_of(found: Mapping[str, Any]) -> Live:
    """Read what DescribeEndpoint answered."""
    pending = found.get("PendingDeploymentSummary")
    return Live(
        name=found["EndpointName"],
        arn=found["EndpointArn"],
        status=found["EndpointStatus"],
        config=found.get("EndpointConfigName", ""),
        failure=found.get("FailureReason", ""),
        variants=tuple(_variants(found)),
        pending=Pending(pending["EndpointConfigName"], pending.get("StartTime"), tuple(_variants(pending)))
        if pending
        else None,
        deployment=found.get("LastDeploymentConfig") or {},
        modified=found["LastModifiedTime"],
    )


def _variants(found: Mapping[str, Any]) -> Iterator[LiveVariant]:
    for one in found.get("ProductionVariants", ()):
        first: Mapping[str, Any] = next(iter(one.get("VariantStatus", ())), {})
        yield LiveVariant(
            one["VariantName"],
            one.get("CurrentWeight", 1.0),
            one.get("DesiredWeight", 1.0),
            one.get("CurrentInstanceCount"),
            one.get("DesiredInstanceCount"),
            tuple(status["Status"] for status in one.get("VariantStatus", ())),
            tuple(image.get("ResolvedImage") or image["SpecifiedImage"] for image in one.get("DeployedImages", ())),
            first.get("StatusMessage", ""),
            first.get("StartTime"),
        )


def stack_config(cloudformation: CloudFormationClient, stack: str) -> str:
    """The endpoint config that a stack believes its endpoint to serve.

    Parameters
    ----------
    cloudformation
        The client.
    stack
        The endpoint's stack.

    Returns
    -------
    str
        Its name, perhaps in lower case (compare with ``same_config``); empty when there is no such stack, or it has
        none.
    """
    try:
        found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    except ClientError as error:
        if is_missing(error):
            return ""
        raise
    ids = [
        one.get("PhysicalResourceId", "") for one in found if one["ResourceType"] == "AWS::SageMaker::EndpointConfig"
    ]
    return ids[0].rsplit("/", 1)[-1] if ids else ""


@dataclass(frozen=True, slots=True)
class Revision:
    """An endpoint config that an endpoint serves, has served, or was made for.

    Attributes
    ----------
    config
        Its name, as it was created.
    version
        From its tag; empty when there is none.
    created
        When.
    described
        What DescribeEndpointConfig answers.
    """

    config: str
    version: str
    created: datetime
    described: Mapping[str, Any]

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models that its variants run, shadow variants included."""
        variants = [*self.described["ProductionVariants"], *self.described.get("ShadowProductionVariants", ())]
        return tuple(variant["ModelName"] for variant in variants if "ModelName" in variant)


def revisions(
    environment: Environment, name: str, sagemaker: SageMakerClient, tagging: ResourceGroupsTaggingAPIClient
) -> list[Revision]:
    """List what an endpoint could serve: the configs with its tags.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.
    sagemaker, tagging
        The clients.

    Returns
    -------
    list of Revision
        The newest first. The tagging API may learn of a config some seconds after it was made.
    """
    wanted = {
        "Team": environment.team,
        "Project": environment.project,
        "Environment": environment.environment,
        "Model": name,
    }
    pages = tagging.get_paginator("get_resources").paginate(
        ResourceTypeFilters=["sagemaker:endpoint-config"],
        TagFilters=[{"Key": key, "Values": [value]} for key, value in wanted.items()],
    )
    found = []
    for entry in (entry for page in pages for entry in page["ResourceTagMappingList"]):
        config = entry["ResourceARN"].rsplit("/", 1)[-1]
        tags = {tag["Key"]: tag["Value"] for tag in entry["Tags"]}
        try:
            described = sagemaker.describe_endpoint_config(EndpointConfigName=config)
        except ClientError as error:
            if is_missing(error):  # it was deleted since
                continue
            raise
        found.append(
            Revision(described["EndpointConfigName"], tags.get("Version", ""), described["CreationTime"], described)
        )
    return sorted(found, key=lambda one: one.created, reverse=True)
