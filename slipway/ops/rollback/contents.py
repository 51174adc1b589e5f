"""What two revisions of an endpoint differ in, in a few short words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from slipway.ops.trouble import is_missing

if TYPE_CHECKING:
    from types_boto3_sagemaker import SageMakerClient

    from slipway.ops.live import Revision

#: A model that is gone cannot be compared any more.
UNKNOWN = "unknown: a model is gone"
#: What an update to another revision need not change: the live counts are kept, and these serve nobody otherwise.
SAME_SERVICE = frozenset({"instances", "weights", "capture"})

_OWN_WORDS = {"ServerlessConfig": "serverless", "InitialInstanceCount": "instances"}
_TYPES = ("InstanceType", "InstancePools")
#: Of a variant, but not what it is.
_ASIDE = frozenset({"VariantName", "ModelName", "InitialVariantWeight", *_OWN_WORDS, *_TYPES})
_OF_CONFIG = {
    "DataCaptureConfig": "capture",
    "AsyncInferenceConfig": "asynchronous",
    "ExplainerConfig": "explainer",
    "KmsKeyId": "key",
    "MetricsConfig": "metrics",
    "VpcConfig": "network",
    "ExecutionRoleArn": "role",
    "EnableNetworkIsolation": "network",
}
_ARTIFACT = ("ModelDataUrl", "ModelDataSource", "AdditionalModelDataSources")


class Models:
    """Describes models, each once.

    Parameters
    ----------
    sagemaker
        The client.
    """

    def __init__(self, sagemaker: SageMakerClient) -> None:
        self._sagemaker = sagemaker
        self._found: dict[str, Mapping[str, Any] | None] = {}

    def get(self, name: str) -> Mapping[str, Any] | None:
        """Describe a model; ``None`` when there is none."""
        if name not in self._found:
            try:
                self._found[name] = self._sagemaker.describe_model(ModelName=name)
            except ClientError as error:
                if not is_missing(error):
                    raise
                self._found[name] = None
        return self._found[name]

    def gone(self, revision: Revision) -> tuple[str, ...]:
        """Names of a revision's models that do not exist any more."""
        return tuple(dict.fromkeys(name for name in revision.models if self.get(name) is None))


def differences(one: Revision, other: Revision, models: Models) -> tuple[str, ...]:
    """Say what two revisions differ in.

    Parameters
    ----------
    one, other
        The revisions.
    models
        Describes the models that they name.

    Returns
    -------
    tuple of str
        Words such as ``image``, ``artifact``, ``environment``, ``instance type``, ``instances``, ``variants``,
        ``weights``, each once; ``UNKNOWN`` among them when a model is gone. Empty when they are the same.
    """
    return tuple(dict.fromkeys(_words(one, other, models)))


def containers(model: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The containers of a model, in their order."""
    return model.get("Containers") or [model.get("PrimaryContainer") or {}]


def artifact(container: Mapping[str, Any]) -> str:
    """The ``s3://`` URI of what a container downloads; empty when it downloads nothing."""
    source = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    return str(container.get("ModelDataUrl") or source.get("S3Uri") or "")


def variants(described: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The variants of an endpoint config by name, shadow variants last."""
    found = [*described.get("ProductionVariants", ()), *described.get("ShadowProductionVariants", ())]
    return {one["VariantName"]: one for one in found}


def instance_types(variant: Mapping[str, Any]) -> tuple[str, ...]:
    """The instance types that a variant may run on; none when it is serverless."""
    if "InstanceType" in variant:
        return (variant["InstanceType"],)
    return tuple(pool["InstanceType"] for pool in variant.get("InstancePools") or ())


def shares(described: Mapping[str, Any]) -> dict[str, float]:
    """What share of the requests each production variant gets; empty when there is but one."""
    weights = {one["VariantName"]: one.get("InitialVariantWeight", 1.0) for one in described["ProductionVariants"]}
    total = sum(weights.values())
    return {name: round(weight / total, 6) for name, weight in weights.items()} if len(weights) > 1 and total else {}


def _words(one: Revision, other: Revision, models: Models) -> Iterator[str]:
    before, after = variants(one.described), variants(other.described)
    if before.keys() != after.keys():
        yield "variants"
    for name in (name for name in before if name in after):
        yield from _of_models(before[name].get("ModelName"), after[name].get("ModelName"), models)
        yield from _of_variant(before[name], after[name])
    if shares(one.described) != shares(other.described):
        yield "weights"
    for key, word in _OF_CONFIG.items():
        if (one.described.get(key) or None) != (other.described.get(key) or None):
            yield word


def _of_variant(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    if instance_types(one) != instance_types(other):
        yield "instance type"
    for key, word in _OWN_WORDS.items():
        if one.get(key) != other.get(key):
            yield word
    if any(one.get(key) != other.get(key) for key in (one.keys() | other.keys()) - _ASIDE):
        yield "hosting"


def _of_models(one: str | None, other: str | None, models: Models) -> Iterator[str]:
    if one == other:
        return
    if one is None or other is None:
        yield "components"
        return
    before, after = models.get(one), models.get(other)
    if before is None or after is None:
        yield UNKNOWN
        return
    if len(containers(before)) != len(containers(after)):
        yield "containers"
    for old, new in zip(containers(before), containers(after), strict=False):
        yield from _of_containers(old, new)
    aside = {"ModelName", "ModelArn", "CreationTime", "PrimaryContainer", "Containers", "ResponseMetadata"}
    if any((before.get(key) or None) != (after.get(key) or None) for key in (before.keys() | after.keys()) - aside):
        yield "model"


def _of_containers(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    if one.get("Image") != other.get("Image"):
        yield "image"
    if one.get("ModelPackageName") != other.get("ModelPackageName"):
        yield "package"
    if any(one.get(key) != other.get(key) for key in _ARTIFACT):
        yield "artifact"
    if (one.get("Environment") or {}) != (other.get("Environment") or {}):
        yield "environment"
    rest = (one.keys() | other.keys()) - {"Image", "ModelPackageName", "Environment", *_ARTIFACT}
    if any(one.get(key) != other.get(key) for key in rest):
        yield "model"
