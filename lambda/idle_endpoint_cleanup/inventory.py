"""What there is: resources by tag, inference components, and an endpoint as SageMaker describes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idle_endpoint_cleanup.run import PAGE, Run
from idle_endpoint_cleanup.tags import as_mapping


@dataclass(frozen=True)
class Tagged:
    """A resource and its tags. SageMaker writes names in ARNs in lower case, whatever they were created as."""

    arn: str
    tags: Mapping[str, str]

    @property
    def kind(self) -> str:
        """Such as ``endpoint-config``."""
        return self.arn.split(":")[5].split("/")[0]

    @property
    def name(self) -> str:
        """The name in lower case. Good for asking SageMaker and for people, not for metrics, which mind the case."""
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True)
class Component:
    """An inference component; ``changed`` is its creation or last update."""

    arn: str
    name: str
    status: str
    changed: datetime


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as SageMaker describes it.

    Attributes
    ----------
    name
        In the case that it was created in.
    status, config
        Such as ``InService``, and the name of its endpoint config.
    changed
        When it, or one of its components, was created or last updated.
    variants
        Their names, shadow variants included.
    asynchronous
        Whether it has the metrics of asynchronous inference.
    instances
        How many run now.
    components
        Its inference components.
    """

    name: str
    status: str
    config: str
    changed: datetime
    variants: tuple[str, ...]
    asynchronous: bool
    instances: int
    components: tuple[Component, ...]


def tagged(run: Run, *kinds: str) -> list[Tagged]:
    """List the SageMaker resources of some kinds that are opted in, by ARN. What has no tag is never listed."""
    pages = run.aws.tagging.get_paginator("get_resources").paginate(
        ResourceTypeFilters=[f"sagemaker:{kind}" for kind in kinds],
        TagFilters=[{"Key": key, "Values": [value]} for key, value in run.settings.opt_in.items()],
        PaginationConfig={"PageSize": PAGE},
    )
    entries = [entry for page in pages for entry in page["ResourceTagMappingList"]]
    return sorted((Tagged(e["ResourceARN"], as_mapping(e["Tags"])) for e in entries), key=lambda one: one.arn)


def tags_of(run: Run, arn: str) -> dict[str, str]:
    """Read the tags of a SageMaker resource."""
    pages = run.aws.sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    return as_mapping(tag for page in pages for tag in page["Tags"])


def components(run: Run, **chosen: Any) -> Iterator[tuple[str, Component]]:  # noqa: ANN401 - the API's own filters
    """List inference components, each with the name of its endpoint."""
    pages = run.aws.sagemaker.get_paginator("list_inference_components").paginate(
        **chosen, PaginationConfig={"PageSize": PAGE}
    )
    for page in pages:
        for one in page["InferenceComponents"]:
            changed = max(one["CreationTime"], one["LastModifiedTime"])
            status = one.get("InferenceComponentStatus", "")
            component = Component(one["InferenceComponentArn"], one["InferenceComponentName"], status, changed)
            yield one["EndpointName"], component


def describe(run: Run, name: str, known: tuple[Component, ...] | None = None) -> Endpoint:
    """Describe an endpoint, by its name in any case; its components are listed unless they are known."""
    found = run.aws.sagemaker.describe_endpoint(EndpointName=name)
    if known is None:
        known = tuple(component for _, component in components(run, EndpointNameEquals=found["EndpointName"]))
    config = found.get("EndpointConfigName", "")
    variants = variants_of(found)
    named = variants
    if not named:  # an endpoint that failed at its creation has none, but its config says what they would be called
        named = variants_of(run.aws.sagemaker.describe_endpoint_config(EndpointConfigName=config))
    return Endpoint(
        name=found["EndpointName"],
        status=found["EndpointStatus"],
        config=config,
        changed=max(found["CreationTime"], found["LastModifiedTime"], *(component.changed for component in known)),
        variants=tuple(variant["VariantName"] for variant in named),
        asynchronous="AsyncInferenceConfig" in found,
        instances=sum(variant.get("CurrentInstanceCount", 0) for variant in variants),
        components=known,
    )


def variants_of(described: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the variants of an endpoint or config that was described, shadow variants included."""
    return [*described.get("ProductionVariants", ()), *described.get("ShadowProductionVariants", ())]
