"""What model servers use: metrics of instances and inference components, once a minute."""

import contextlib
import os
import shutil
import tempfile
import time

from moto.sagemaker.models import sagemaker_backends

from slipway.local.mends import cloudwatch
from slipway.local.mends.endpoint_telemetry import COMPONENTS, INSTANCES
from slipway.local.mends.hosted_endpoint import HostedEndpoint
from slipway.local.mends.hosting import instance_types
from slipway.local.mends.inference_components import component_store
from slipway.local.model_server import Usage
from slipway.local.runtime import Fleet, Slot
from slipway.rollout.series import SeriesKey

# What a process used in less real time than this says nothing; a fast clock's minute has what was found before.
_SHORTEST_SECONDS = 0.2
_VARIANT, _COMPONENT = 4, 5  # how much of a slot says which variant, and which component on it


class Used:
    """What the processes of a variant or a component use together."""

    def __init__(self) -> None:
        self.cpu: float | None = None
        self.memory = self.memory_mb = 0.0
        self.models = 0

    def add(self, usage: Usage, cpu: float | None, *, target_model: bool) -> None:
        """Take in a process; ``cpu`` is in percent of one core, None before the second sample."""
        self.memory += usage.memory
        self.memory_mb += usage.memory_mb
        self.models += target_model
        if cpu is not None:
            self.cpu = (self.cpu or 0.0) + cpu


class Sampler:
    """Publishes what the model servers use, once a minute.

    CPU and memory are those of the real processes, of which an endpoint has one for each variant, inference component
    and container that was invoked; an endpoint that was never invoked has none, and no metrics.

    Parameters
    ----------
    fleet
        The model servers.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._before: dict[Slot, tuple[float, Usage, float | None]] = {}

    def tick(self, _now: float) -> None:
        """Sample what can be read: a process may end meanwhile."""
        with contextlib.suppress(OSError):
            self.sample()

    def sample(self) -> None:
        """Publish the usage since the last sample; the first one has no CPU, which takes two."""
        variants: dict[Slot, Used] = {}
        components: dict[Slot, Used] = {}
        now = time.monotonic()
        for slot, server in self._fleet.servers().items():
            usage = server.usage()
            if usage is None:
                continue
            cpu = self._cpu(slot, usage, now)
            variants.setdefault(slot[:_VARIANT], Used()).add(usage, cpu, target_model=bool(slot[-1]))
            if slot[_COMPONENT - 1]:
                components.setdefault(slot[:_COMPONENT], Used()).add(usage, cpu, target_model=False)
        for slot, used in variants.items():
            _publish_variant(slot, used)
        for slot, used in components.items():
            _publish_component(slot, used)

    def _cpu(self, slot: Slot, usage: Usage, now: float) -> float | None:
        """Return the percentage of a core that a process used since the last sample."""
        if slot not in self._before:
            self._before[slot] = (now, usage, None)
            return None
        then, before, cpu = self._before[slot]
        if now - then >= _SHORTEST_SECONDS:
            cpu = 100.0 * max(0.0, usage.cpu_seconds - before.cpu_seconds) / (now - then)
            self._before[slot] = (now, usage, cpu)
        return cpu


def _publish_variant(slot: Slot, used: Used) -> None:
    account, region, name, variant = slot
    endpoint = sagemaker_backends[account][region].endpoints.get(name)
    if not isinstance(endpoint, HostedEndpoint):
        return
    values = {"MemoryUtilization": used.memory}
    if not (endpoint.config.variant(variant) or {}).get("ServerlessConfig"):  # which has no instances
        values["DiskUtilization"] = _disk_used()
        if used.cpu is not None:
            values["CPUUtilization"] = used.cpu
    dimensions = [("EndpointName", name), ("VariantName", variant)]
    _put(account, region, INSTANCES, dimensions, values)
    if used.models:
        _put(account, region, INSTANCES, dimensions, {"LoadedModelCount": float(used.models)}, "None")


def _publish_component(slot: Slot, used: Used) -> None:
    """Publish a component's share of what it reserved (Developer Guide, "Inference component metrics")."""
    account, region, _, variant, name = slot
    backend = sagemaker_backends[account][region]
    component = component_store(backend).get(name)
    if component is None:
        return
    endpoint = backend.endpoints.get(component.endpoint_name)
    fleet = endpoint.config.variant(variant) if isinstance(endpoint, HostedEndpoint) else None
    specification = component.served.specification(instance_types(fleet or {})) or {}
    reserved = specification.get("ComputeResourceRequirements") or {}
    cores = float(reserved.get("NumberOfCpuCoresRequired") or os.cpu_count() or 1)
    values = {"MemoryUtilizationNormalized": min(100.0, 100.0 * used.memory_mb / reserved["MinMemoryRequiredInMb"])}
    if used.cpu is not None:
        values["CPUUtilizationNormalized"] = min(100.0, used.cpu / cores)
    _put(account, region, COMPONENTS, [("InferenceComponentName", name)], values)


def _put(
    account: str,
    region: str,
    namespace: str,
    dimensions: list[tuple[str, str]],
    values: dict[str, float],
    unit: str = "Percent",
) -> None:
    series = cloudwatch.store(account, region)
    for name, value in values.items():
        series.put(SeriesKey.of(namespace, name, dimensions), {value: 1.0}, unit=unit)


def _disk_used() -> float:
    usage = shutil.disk_usage(tempfile.gettempdir())
    return 100.0 * usage.used / usage.total
