"""What an endpoint publishes, by hosting mode: the metrics with their dimensions and units.

Source: the Developer Guide's pages on metrics in CloudWatch, on serverless and on asynchronous endpoints. Each list is
taken to be complete: an alarm on another metric never has data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from slipway.rollout.series import Dimensions, SeriesKey
from slipway.spec.scaling import Mode

REQUESTS = "AWS/SageMaker"
MACHINES = "/aws/sagemaker/Endpoints"
COMPONENTS = "/aws/sagemaker/InferenceComponents"
NAMESPACES = (REQUESTS, MACHINES, COMPONENTS)


class Scope(StrEnum):
    """Which dimensions a metric comes with."""

    FLEET = "EndpointName and VariantName, and again with EndpointConfigName for one fleet alone"
    VARIANT = "EndpointName and VariantName"
    ENDPOINT = "EndpointName"
    COMPONENT = "InferenceComponentName"


@dataclass(frozen=True, slots=True)
class Published:
    """One metric.

    Attributes
    ----------
    name, namespace, unit
        As CloudWatch knows it; the unit ``None`` is a word there.
    scope
        Its dimensions.
    gpus
        Whether it takes GPUs.
    followed
        Whether a rehearsal says what it does; of the others it knows that they are there.
    """

    name: str
    namespace: str
    unit: str
    scope: Scope
    gpus: bool = False
    followed: bool = True


def _all(
    names: Iterable[str], namespace: str, unit: str, scope: Scope, *, gpus: bool = False, followed: bool = True
) -> tuple[Published, ...]:
    return tuple(Published(name, namespace, unit, scope, gpus, followed) for name in names)


_ERRORS = ("Invocation4XXErrors", "Invocation5XXErrors")
_STREAMING = ("FirstChunkLatency", "FirstChunkModelLatency", "FirstChunkOverheadLatency")
_MULTI_MODEL = ("ModelLoadingWaitTime", "ModelLoadingTime", "ModelUnloadingTime", "ModelDownloadingTime")
_ENDPOINT_MACHINES = (
    *_all(("CPUUtilization", "MemoryUtilization", "DiskUtilization"), MACHINES, "Percent", Scope.VARIANT),
    *_all(("GPUUtilization", "GPUMemoryUtilization"), MACHINES, "Percent", Scope.VARIANT, gpus=True),
)
BY_MODE: Mapping[Mode, tuple[Published, ...]] = {
    "instances": (
        *_all(
            ("Invocations", "InvocationsPerInstance", "InvocationModelErrors", *_ERRORS), REQUESTS, "None", Scope.FLEET
        ),
        *_all(("ModelLatency", "OverheadLatency"), REQUESTS, "Microseconds", Scope.FLEET),
        *_ENDPOINT_MACHINES,
        *_all(
            ("ConcurrentRequestsPerModel", "MidStreamErrors", "ModelCacheHit"),
            REQUESTS,
            "None",
            Scope.FLEET,
            followed=False,
        ),
        *_all((*_STREAMING, *_MULTI_MODEL), REQUESTS, "Microseconds", Scope.FLEET, followed=False),
        *_all(("LoadedModelCount",), MACHINES, "None", Scope.VARIANT, followed=False),
    ),
    "serverless": (
        *_all(("Invocations", *_ERRORS), REQUESTS, "None", Scope.VARIANT),
        *_all(("ModelLatency", "OverheadLatency"), REQUESTS, "Microseconds", Scope.VARIANT),
        *_all(("MemoryUtilization",), MACHINES, "Percent", Scope.VARIANT),
        *_all(("ModelSetupTime",), REQUESTS, "Microseconds", Scope.VARIANT, followed=False),
        *_all(
            (
                "ServerlessConcurrentExecutionsUtilization",
                "ServerlessProvisionedConcurrencyExecutions",
                "ServerlessProvisionedConcurrencyUtilization",
                "ServerlessProvisionedConcurrencyInvocations",
                "ServerlessProvisionedConcurrencySpilloverInvocations",
            ),
            REQUESTS,
            "None",
            Scope.VARIANT,
            followed=False,
        ),
    ),
    "asynchronous": (
        *_all(_ERRORS, REQUESTS, "None", Scope.FLEET),
        *_all(("ModelLatency",), REQUESTS, "Microseconds", Scope.FLEET),
        *_all(("InvocationFailures", "InvocationsProcessed"), REQUESTS, "Count", Scope.FLEET),
        *_all(
            ("ApproximateBacklogSize", "ApproximateBacklogSizePerInstance", "HasBacklogWithoutCapacity"),
            REQUESTS,
            "Count",
            Scope.ENDPOINT,
        ),
        *_all(("ApproximateAgeOfOldestRequest",), REQUESTS, "Seconds", Scope.ENDPOINT),
        *_ENDPOINT_MACHINES,
        *_all(("ExpiredRequests", "NotificationFailures"), REQUESTS, "Count", Scope.FLEET, followed=False),
        *_all(("TimeInBacklog", "TotalProcessingTime"), REQUESTS, "Milliseconds", Scope.FLEET, followed=False),
        *_all(
            ("RequestDownloadLatency", "ResponseUploadLatency"), REQUESTS, "Microseconds", Scope.FLEET, followed=False
        ),
    ),
    "components": (
        *_all(
            ("Invocations", "InvocationsPerCopy", "InvocationModelErrors", *_ERRORS),
            REQUESTS,
            "None",
            Scope.COMPONENT,
        ),
        *_all(("ModelLatency", "OverheadLatency"), REQUESTS, "Microseconds", Scope.COMPONENT),
        *_all(("CPUUtilizationNormalized", "MemoryUtilizationNormalized"), COMPONENTS, "Percent", Scope.COMPONENT),
        *_all(
            ("GPUUtilizationNormalized", "GPUMemoryUtilizationNormalized"),
            COMPONENTS,
            "Percent",
            Scope.COMPONENT,
            gpus=True,
        ),
        *_all(
            ("ConcurrentRequestsPerCopy", "NoCapacityInvocationFailures"),
            REQUESTS,
            "None",
            Scope.COMPONENT,
            followed=False,
        ),
    ),
}


def published(mode: Mode, namespace: str, name: str) -> Published | None:
    """Find a metric; ``None`` when endpoints of the mode do not publish it."""
    return next((one for one in BY_MODE[mode] if (one.namespace, one.name) == (namespace, name)), None)


@dataclass(frozen=True, slots=True)
class Place:
    """Where metrics of one target come from.

    Attributes
    ----------
    endpoint, config
        Names of the endpoint and of the endpoint config that it moves to.
    mode
        How it is hosted.
    """

    endpoint: str
    config: str
    mode: Mode

    def dimensions(self, metric: Published, variant: str, *, new: bool = False) -> Dimensions:
        """Dimensions of a metric of a variant, or of an inference component.

        Parameters
        ----------
        metric
            The metric.
        variant
            Name of the variant or component.
        new
            Whether of the new fleet alone; only metrics of the scope FLEET tell it apart.

        Returns
        -------
        tuple
            Sorted, as a series key has them.
        """
        found = {
            Scope.FLEET: (("EndpointName", self.endpoint), ("VariantName", variant)),
            Scope.VARIANT: (("EndpointName", self.endpoint), ("VariantName", variant)),
            Scope.ENDPOINT: (("EndpointName", self.endpoint),),
            Scope.COMPONENT: (("InferenceComponentName", variant),),
        }[metric.scope]
        if new and metric.scope is Scope.FLEET:
            found = (*found, ("EndpointConfigName", self.config))
        return SeriesKey.of("", "", found).dimensions
