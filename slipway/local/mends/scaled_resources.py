"""What Application Auto Scaling scales at SageMaker: how much there is, and how that is changed, by SageMaker's API."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from botocore.exceptions import ClientError

from slipway.local.autoscaling.tracking import dimensions_of
from slipway.local.engine.documents import Document
from slipway.local.engine.resource_type import Scope
from slipway.local.resources.calls import Calls, Client, is_missing


class Scaled(NamedTuple):
    """A scalable target.

    Attributes
    ----------
    account, region
        Where it is.
    dimension, resource
        Its ScalableDimension and its ResourceId.
    """

    account: str
    region: str
    dimension: str
    resource: str

    @property
    def scope(self) -> Scope:
        """For whom calls about it are made."""
        return Scope(self.account, self.region, "", "")


@dataclass(frozen=True)
class Capacity:
    """How much there is.

    Attributes
    ----------
    desired
        What it is to have.
    scalable
        Whether it can be changed now: an endpoint that is being updated cannot (Developer Guide, "Update endpoints that
        use automatic scaling").
    """

    desired: int
    scalable: bool


@dataclass(frozen=True)
class _Kind:
    words: str
    read: Callable[[Client, Scaled], Capacity | None]
    write: Callable[[Client, Scaled, int], object]


def words(dimension: str) -> str | None:
    """Return what a dimension is called in scaling activities; None for one that nothing here scales."""
    kind = _KINDS.get(dimension)
    return kind.words if kind else None


def read(calls: Calls, scaled: Scaled) -> Capacity | None:
    """Return the capacity of a target; None when there is no such resource."""
    kind = _KINDS.get(scaled.dimension)
    if kind is None:
        return None
    try:
        return kind.read(calls.client(scaled.scope, "sagemaker"), scaled)
    except ClientError as error:
        if is_missing(error):
            return None
        raise


def write(calls: Calls, scaled: Scaled, capacity: int) -> None:
    """Change the capacity of a target.

    Raises
    ------
    botocore.exceptions.ClientError
        When SageMaker refuses.
    """
    _KINDS[scaled.dimension].write(calls.client(scaled.scope, "sagemaker"), scaled, capacity)


# -- instances and provisioned concurrency of a variant


def _variant(client: Client, scaled: Scaled) -> tuple[Document, bool] | None:
    names = dimensions_of(scaled.resource)
    endpoint = client.describe_endpoint(EndpointName=names["EndpointName"])
    for variant in endpoint.get("ProductionVariants", []):
        if variant["VariantName"] == names["VariantName"]:
            return variant, endpoint["EndpointStatus"] == "InService"
    return None


def _instances(client: Client, scaled: Scaled) -> Capacity | None:
    found = _variant(client, scaled)
    return None if found is None else Capacity(int(found[0].get("DesiredInstanceCount") or 0), found[1])


def _provisioned(client: Client, scaled: Scaled) -> Capacity | None:
    found = _variant(client, scaled)
    if found is None:
        return None
    serverless = found[0].get("DesiredServerlessConfig") or found[0].get("CurrentServerlessConfig") or {}
    return Capacity(int(serverless.get("ProvisionedConcurrency") or 0), found[1])


def _set_variant(client: Client, scaled: Scaled, members: Document) -> None:
    names = dimensions_of(scaled.resource)
    client.update_endpoint_weights_and_capacities(
        EndpointName=names["EndpointName"],
        DesiredWeightsAndCapacities=[{"VariantName": names["VariantName"], **members}],
    )


# -- copies of an inference component


def _copies(client: Client, scaled: Scaled) -> Capacity | None:
    found = client.describe_inference_component(**dimensions_of(scaled.resource))
    return Capacity(int(found["RuntimeConfig"]["DesiredCopyCount"]), found["InferenceComponentStatus"] == "InService")


def _set_copies(client: Client, scaled: Scaled, capacity: int) -> None:
    client.update_inference_component_runtime_config(
        **dimensions_of(scaled.resource), DesiredRuntimeConfig={"CopyCount": capacity}
    )


_KINDS = {
    "sagemaker:variant:DesiredInstanceCount": _Kind(
        "desired instance count",
        _instances,
        lambda client, scaled, capacity: _set_variant(client, scaled, {"DesiredInstanceCount": capacity}),
    ),
    "sagemaker:variant:DesiredProvisionedConcurrency": _Kind(
        "desired provisioned concurrency",
        _provisioned,
        lambda client, scaled, capacity: _set_variant(
            client, scaled, {"ServerlessUpdateConfig": {"ProvisionedConcurrency": capacity}}
        ),
    ),
    "sagemaker:inference-component:DesiredCopyCount": _Kind("desired copy count", _copies, _set_copies),
}
