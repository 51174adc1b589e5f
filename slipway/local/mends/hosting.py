"""What SageMaker hosting remembers: models and endpoint configs, as they were requested.

moto's own records keep only some members of a request, check instance types against an old list,
and hold an endpoint config's ARN as a tuple. These take their places in moto's backend, so that
tags, search and the tagging API go on working.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.sagemaker.models import FakeEndpointConfig, Model

from slipway.local.engine.documents import Document

RETAINABLE = {"DesiredInstanceCount", "DesiredWeight", "DataCaptureConfig"}


def now() -> datetime:
    """Return the time as moto's backends keep it: UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


class Ready:
    """Answers what moto's own CloudFormation asks of a record; abstract there."""

    def is_created(self) -> bool:
        """Tell that the record is complete."""
        return True


class HostedModel(Ready, Model):
    """A model, with every member of its request."""

    def __init__(self, account: str, region: str, request: Mapping[str, Any]) -> None:
        super().__init__(
            account_id=account,
            region_name=region,
            model_name=request["ModelName"],
            execution_role_arn=request.get("ExecutionRoleArn", ""),
            primary_container=request.get("PrimaryContainer") or {},
            vpc_config=request.get("VpcConfig") or {},
            containers=request.get("Containers") or [],
            tags=request.get("Tags") or [],
        )
        self.request = dict(request)

    @property
    def response_object(self) -> Document:
        """What DescribeModel answers."""
        described = {key: item for key, item in self.request.items() if key != "Tags"}
        described.setdefault("EnableNetworkIsolation", False)
        return {**described, "ModelArn": self.arn, "CreationTime": self.creation_time}

    @property
    def all_containers(self) -> list[Document]:
        """Its containers, in the order in which a pipeline runs them."""
        primary = self.request.get("PrimaryContainer")
        return [primary] if primary else list(self.request.get("Containers") or [])

    @property
    def direct(self) -> bool:
        """Whether a request names the container that answers it, rather than passing all of them."""
        mode = (self.request.get("InferenceExecutionConfig") or {}).get("Mode")
        return bool(mode == "Direct")


class HostedConfig(Ready, FakeEndpointConfig):
    """An endpoint config, with every member of its request.

    It holds its models as well: an endpoint goes on serving models that were deleted since.
    """

    def __init__(
        self,
        account: str,
        region: str,
        request: Mapping[str, Any],
        models: Mapping[str, HostedModel],
    ) -> None:
        super().__init__(
            account_id=account,
            region_name=region,
            endpoint_config_name=request["EndpointConfigName"],
            production_variants=list(request["ProductionVariants"]),
            async_inference_config=request.get("AsyncInferenceConfig") or {},
            data_capture_config=request.get("DataCaptureConfig") or {},
            tags=request.get("Tags") or [],
            kms_key_id=request.get("KmsKeyId") or "",
        )
        # moto writes (arn,), so that nothing finds a config by its ARN, to tag it for example.
        self.arn = self.endpoint_config_arn  # type: ignore[assignment]
        self.request = dict(request)
        self.models = dict(models)

    def validate_production_variants(self, production_variants: list[dict[str, Any]]) -> None:
        """Accept every variant: moto's list of instance types ends with the fifth generation."""

    @property
    def response_object(self) -> Document:
        """What DescribeEndpointConfig answers."""
        described = {key: item for key, item in self.request.items() if key != "Tags"}
        return {
            **described,
            "EndpointConfigArn": self.endpoint_config_arn,
            "CreationTime": self.creation_time,
        }

    def variant(self, name: str) -> Document | None:
        """Return a production variant."""
        return named(self.production_variants, name)

    @property
    def shadow_variants(self) -> list[Document]:
        """Its shadow variants, which get copies of requests."""
        return list(self.request.get("ShadowProductionVariants") or [])

    @property
    def hosts_components(self) -> bool:
        """Whether inference components are deployed to it, rather than models: its variants have none."""
        return not any(model_names(variant) for variant in self.production_variants)


def instance_types(variant: Document) -> list[str]:
    """Return the types of a variant's instances; those of its pools begin with the first choice."""
    types = [variant["InstanceType"]] if variant.get("InstanceType") else []
    return [*types, *(pool["InstanceType"] for pool in _pools(variant))]


def model_names(variant: Document) -> list[str]:
    """Return the models that a variant may serve, that of its first choice of instances first; none with components."""
    pools = _pools(variant)
    own = variant.get("ModelName")
    names = [pool.get("ModelNameOverride") or own for pool in pools] or [own]
    return [name for name in names if name]


def _pools(variant: Document) -> list[Document]:
    return sorted(variant.get("InstancePools") or [], key=lambda pool: int(pool.get("Priority", 1)))


def named(variants: Iterable[dict[str, Any]], name: str) -> dict[str, Any] | None:
    """Return a variant by its name."""
    return next((variant for variant in variants if variant["VariantName"] == name), None)


def deployed_image(image: str, resolved: datetime) -> Document:
    """Return an image as it is described once it is deployed; here every tag is its own digest."""
    return {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": resolved}


def summaries(variants: Iterable[Document], config: HostedConfig) -> list[dict[str, Any]]:
    """Return the variants of a config as an endpoint is described that serves it."""
    return [_summary(variant, config) for variant in variants]


def _summary(variant: Document, config: HostedConfig) -> dict[str, Any]:
    summary: dict[str, Any] = {"VariantName": variant["VariantName"]}
    weight = float(variant.get("InitialVariantWeight", 1.0))
    summary["CurrentWeight"] = summary["DesiredWeight"] = weight
    if variant.get("ServerlessConfig"):
        for state in ("Current", "Desired"):
            summary[f"{state}ServerlessConfig"] = variant["ServerlessConfig"]
    else:
        count = int(variant.get("InitialInstanceCount", 1))
        summary["CurrentInstanceCount"] = summary["DesiredInstanceCount"] = count
    for key in ("ManagedInstanceScaling", "RoutingConfig"):
        if variant.get(key):
            summary[key] = variant[key]
    model = config.models.get(next(iter(model_names(variant)), ""))
    if model is not None:
        summary["DeployedImages"] = [
            deployed_image(container["Image"], config.creation_time)
            for container in model.all_containers
            if container.get("Image")
        ]
    return summary
