"""Inference components: several models on one fleet, each with its own share of the machines and its own copies."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slipway.spec.alarms import Alarms
from slipway.spec.base import Off, ShortName, Spec
from slipway.spec.deployment import Deployment
from slipway.spec.hosting import StartTimeout
from slipway.spec.model import Model
from slipway.spec.references import InstanceTypeName
from slipway.spec.sample import Sample
from slipway.spec.scaling import Scaling
from slipway.spec.units import Duration, Megabytes, between, steps_of

Memory = Annotated[
    Megabytes,
    steps_of(Megabytes(1), "SageMaker takes whole MB"),
    between(Megabytes(128), Megabytes(4_194_304), "API:MemoryInMb"),
]


class Placement(Spec):
    """Where copies go when some are added or removed."""

    strategy: Literal["spread", "binpack"]
    """Over many instances for resilience, or together on few (API:InferenceComponentPlacementStrategy)."""
    zone_imbalance: Annotated[int, Field(ge=0, le=100)] | None = None
    """Balance copies over availability zones as far as capacity allows, up to this difference."""


class Scrape(Spec):
    """Where the container shows metrics in Prometheus' format."""

    path: Annotated[str, Field(pattern=r"^/\S*$", max_length=512)]
    """Such as `/metrics`."""
    every: Duration | None = None
    """How often they are published: 10s, 30s, 1m, 2m, 3m, 4m or 5m. Default: as the endpoint's `metrics`."""


class Resources(Spec):
    """What one copy of a component takes on an instance, and how it starts there."""

    model: Model | None = None
    """What it serves. Required, unless `base` names another component or every entry of `on` has its own."""
    memory: Memory | None = None
    """Memory that a copy is given, at least 128 MB (API:MemoryInMb). Required without `base`."""
    max_memory: Memory | None = None
    """Memory that it may use. Default: no limit of its own."""
    cpus: Annotated[float, Field(ge=0.25)] | None = None
    """Cores that a copy is given, at least 0.25 (API:NumberOfCpuCores)."""
    accelerators: Annotated[float, Field(ge=1)] | None = None
    """Accelerators that a copy is given, at least 1 (API:NumberOfAcceleratorDevices)."""
    download_timeout: StartTimeout | None = None
    """How long an instance may take to download the model."""
    startup_timeout: StartTimeout | None = None
    """How long a container may take to pass its first health check."""
    cache: bool | None = None
    """Keep artifacts and image on every instance, so that copies start faster. Default: the service's."""
    placement: Placement | None = None
    """Where copies go. Default: the service's."""
    scrape: Scrape | None = None
    """Publish the container's own metrics; the container is written into the component then, without a model of its
    own."""


class Component(Resources):
    """One model on the endpoint's fleet."""

    base: ShortName | None = None
    """The component whose model it adapts, such as a LoRA adapter; `model` then only has an `artifact`."""
    on: Annotated[dict[InstanceTypeName, Resources], Field(min_length=2, max_length=5)] | None = None
    """Other resources, and another model, for each of the fleet's 2 to 5 instance types (CFN:InferenceComponent)."""
    copies: Annotated[int, Field(ge=0, le=10_000)]
    """How many run. With `scaling` only at creation. Default: 2 where guarded, else 1."""
    deployment: Deployment | None = None
    """How an update reaches its copies. Default: the endpoint's."""
    scaling: Scaling | Off | None = None
    """Autoscaling of its copies. Default: the endpoint's."""
    alarms: Alarms | Off | None = None
    """Its operating alarms. Default: the endpoint's."""
    sample: Sample | None = None
    """A request to try it with after a deployment."""
