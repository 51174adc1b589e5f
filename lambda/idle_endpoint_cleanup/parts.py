"""What has to go before an endpoint made by hand can: monitoring schedules, components, scalable targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from idle_endpoint_cleanup.inventory import Endpoint, components, tags_of
from idle_endpoint_cleanup.run import PAGE, Run, missing

if TYPE_CHECKING:
    from types_boto3_application_autoscaling.literals import ScalableDimensionType


@dataclass(frozen=True)
class Part:
    """Something that hangs on an endpoint; a scalable target is named by its resource and has a dimension."""

    kind: str
    name: str
    tags: Mapping[str, str]
    dimension: ScalableDimensionType | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def parts_of(run: Run, endpoint: Endpoint) -> tuple[Part, ...]:
    """List what hangs on an endpoint, in the order in which it has to go."""
    pages = run.aws.sagemaker.get_paginator("list_monitoring_schedules").paginate(
        EndpointName=endpoint.name, PaginationConfig={"PageSize": PAGE}
    )
    parts = [
        Part("monitoring schedule", one["MonitoringScheduleName"], tags_of(run, one["MonitoringScheduleArn"]))
        for page in pages
        for one in page["MonitoringScheduleSummaries"]
    ]
    parts += [Part("inference component", one.name, tags_of(run, one.arn)) for one in endpoint.components]
    resources = [f"endpoint/{endpoint.name}/variant/{variant}" for variant in endpoint.variants]
    resources += [f"inference-component/{component.name}" for component in endpoint.components]
    for target_page in run.aws.scaling.get_paginator("describe_scalable_targets").paginate(
        ServiceNamespace="sagemaker", ResourceIds=resources
    ):
        for target in target_page["ScalableTargets"]:
            arn = target.get("ScalableTargetARN")
            tags = run.aws.scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] if arn else {}
            parts.append(Part("scalable target", target["ResourceId"], tags, target["ScalableDimension"]))
    return tuple(parts)


def remove_parts(run: Run, endpoint: Endpoint, parts: tuple[Part, ...]) -> None:
    """Remove what hangs on an endpoint, components with their end; raise OutOfTimeError if that takes too long."""
    for part in parts:
        if part.kind == "monitoring schedule":
            run.aws.sagemaker.delete_monitoring_schedule(MonitoringScheduleName=part.name)
    known = {part.name for part in parts if part.kind == "inference component"}
    # A component that others build on is refused until those are gone, so ask again.
    while left := [one for _, one in components(run, EndpointNameEquals=endpoint.name) if one.name in known]:
        for component in left:
            if component.status != "Deleting":
                _delete_component(run, component.name)
        run.wait()
    for part in parts:
        if part.dimension:
            run.aws.scaling.deregister_scalable_target(
                ServiceNamespace="sagemaker", ResourceId=part.name, ScalableDimension=part.dimension
            )


def _delete_component(run: Run, name: str) -> None:
    try:
        run.aws.sagemaker.delete_inference_component(InferenceComponentName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise


def wait_until_gone(run: Run, endpoint: str) -> None:
    """Wait for the end of an endpoint; raise OutOfTimeError if that takes too long."""
    while True:
        try:
            run.aws.sagemaker.describe_endpoint(EndpointName=endpoint)
        except ClientError as error:
            if missing(error):
                return
            raise
        run.wait()
