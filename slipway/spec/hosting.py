"""Where a model runs: on instances, with their storage, timeouts and capacity, or serverless."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from slipway.spec.base import Spec
from slipway.spec.references import InstanceTypeName, Key, Place, Reservation
from slipway.spec.units import Duration, Gigabytes, Megabytes, between, steps_of

_SECONDS = steps_of(Duration(1), "SageMaker counts whole seconds")
#: How long a download or a start may take.
StartTimeout = Annotated[Duration, _SECONDS, between(Duration(60), Duration(3600), "API:ProductionVariant")]

#: API:ProductionVariantInferenceAmiVersion.
Ami = Literal[
    "al2-ami-sagemaker-inference-gpu-2",
    "al2-ami-sagemaker-inference-gpu-2-1",
    "al2-ami-sagemaker-inference-gpu-3-1",
    "al2-ami-sagemaker-inference-neuron-2",
    "al2023-ami-sagemaker-inference-gpu-4-1",
]


class Pool(Spec):
    """One of several instance types that a fleet may be made of."""

    instance_type: InstanceTypeName
    """Such as `ml.g5.2xlarge`."""
    priority: Annotated[int, Field(ge=1, le=5)]
    """1 is tried first (API:InstancePoolPriority)."""


class PrefixAware(Spec):
    """Send requests that begin alike to the same instance, whose cache knows the beginning."""

    concurrency: Annotated[int, Field(ge=1, le=1024)]
    """Requests in flight at an instance above which another takes over (API:PrefixAwareRoutingConfig)."""
    prefix: Annotated[int, Field(ge=1024, le=65536)]
    """How much of the request's beginning counts (API:PrefixAwareRoutingConfig)."""


class PrefixRouting(Spec):
    """Routing by the beginning of the request."""

    prefix_aware: PrefixAware
    """From which instance on, and by how much."""


class ScaleIn(Spec):
    """How SageMaker gives instances back that inference components no longer need."""

    strategy: Literal["idle_release", "consolidation"]
    """Release instances that are empty, or move copies together first (API:ManagedInstanceScalingScaleInStrategy)."""
    step: Annotated[int, Field(ge=1, le=100)] | None = None
    """Most instances at once, with `consolidation`. Default: the service's, 1."""
    cooldown: (
        Annotated[
            Duration,
            steps_of(Duration(60), "SageMaker counts whole minutes here"),
            between(Duration(300), Duration(86400), "API:ManagedInstanceScalingCooldownInMinutes"),
        ]
        | None
    ) = None
    """Rest after the last change, with `consolidation`. Default: the service's, 20m."""


class ManagedScaling(Spec):
    """SageMaker adds and removes instances as the copies of inference components need them."""

    min: Annotated[int, Field(ge=0, le=10_000)]
    """Fewest instances; 0 lets the fleet vanish while no component has a copy."""
    max: Annotated[int, Field(ge=1, le=10_000)]
    """Most instances."""
    scale_in: ScaleIn | None = None
    """How instances are given back. Default: the service's, `idle_release`."""


class CoreDumps(Spec):
    """Where the memory of a crashed container is written."""

    destination: Place
    """A prefix in the model bucket or an `s3://` URI, ending in `/`."""
    kms_key: Key | None = None
    """Key that encrypts the dumps."""


class Hosting(Spec):
    """Instances that serve one variant."""

    instance_type: InstanceTypeName | None = None
    """Such as `ml.m5.large`. Required, unless `pools` are named."""
    pools: Annotated[tuple[Pool, ...], Field(min_length=1, max_length=5, strict=False)] | None = None
    """1 to 5 instance types in order of priority, instead of `instance_type` (API:InstancePoolList)."""
    instances: Annotated[int, Field(ge=1, le=10_000)]
    """How many. With `scaling` only at creation: updates keep the live count then, unless `deployment.apply_capacity`
    is set; without it every update sets this count. Default: 2 where guarded, else 1."""
    volume: (
        Annotated[
            Gigabytes,
            steps_of(Gigabytes(1), "SageMaker takes whole GB"),
            between(Gigabytes(1), Gigabytes(512), "API:VolumeSizeInGB"),
        ]
        | None
    ) = None
    """Size of the storage volume, 1 to 512 GB; refused by types with local NVMe storage."""
    kms_key: Key | None = None
    """Key id, alias (`alias/…`), or ARN of either, that encrypts the storage volumes of all variants; refused by types
    with local NVMe storage. Default: the environment's key where `encrypt_volumes` is set and every type accepts it."""
    download_timeout: StartTimeout | None = None
    """How long an instance may take to download the model."""
    startup_timeout: StartTimeout | None = None
    """How long a container may take to pass its first health check."""
    provision_timeout: (
        Annotated[
            Duration, _SECONDS, between(Duration(300), Duration(3600), "API:VariantInstanceProvisionTimeoutInSeconds")
        ]
        | None
    ) = None
    """How long SageMaker may try to get the instances."""
    ami: Ami | None = None
    """Machine image of the instances, for containers that need other drivers."""
    routing: Literal["least_outstanding_requests", "random"] | PrefixRouting | None = None
    """How requests are spread over instances: `least_outstanding_requests`, `random`, or `prefix_aware`."""
    managed_scaling: ManagedScaling | None = None
    """Let SageMaker size the fleet by what its inference components need."""
    capacity_reservation: Reservation | None = None
    """ARN of an ML capacity reservation; instances start only inside it."""
    core_dumps: CoreDumps | None = None
    """Keep the memory of crashed containers."""
    ssm_access: bool = False
    """Allow Systems Manager to open a shell on the instances."""

    @property
    def types(self) -> tuple[str, ...]:
        """Every instance type that the fleet may be made of, the preferred one first."""
        if self.pools is not None:
            return tuple(pool.instance_type for pool in sorted(self.pools, key=lambda pool: pool.priority))
        return (self.instance_type,) if self.instance_type else ()


class Serverless(Spec):
    """Capacity that AWS provides by the request."""

    memory: Annotated[
        Megabytes,
        steps_of(Megabytes(1024), "serverless memory comes in steps of 1 GB"),
        between(Megabytes(1024), Megabytes(6144), "API:ServerlessMemorySizeInMB"),
    ] = Megabytes(2048)
    """1 to 6 GB, in steps of 1 GB."""
    concurrency: Annotated[int, Field(ge=1, le=200)] = 5
    """Most requests at a time (API:ServerlessMaxConcurrency)."""
    provisioned: Annotated[int, Field(ge=1, le=200)] | None = None
    """How many of them are kept warm (API:ServerlessProvisionedConcurrency). Default: none."""


class ServerlessHosting(Spec):
    """No instances to choose: memory and concurrency."""

    serverless: Serverless
    """How much of both."""

    @property
    def types(self) -> tuple[str, ...]:
        """There is no instance type."""
        return ()


def _kind(value: Any) -> str:  # noqa: ANN401  (a mapping of the config, or a model)
    if isinstance(value, dict):
        return "ServerlessHosting" if "serverless" in value else "Hosting"
    return type(value).__name__ if isinstance(value, ServerlessHosting) else "Hosting"


AnyHosting = Annotated[
    Annotated[Hosting, Tag("Hosting")] | Annotated[ServerlessHosting, Tag("ServerlessHosting")],
    Discriminator(_kind),
]
