"""What an endpoint leaves behind: metrics of its invocations and instances, and log lines."""

import contextlib
import itertools
import os
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass

from moto.logs.models import logs_backends
from moto.sagemaker.models import sagemaker_backends

from slipway.local.mends import cloudwatch
from slipway.local.mends.hosting import HostedEndpoint
from slipway.local.metrics.series import SeriesKey
from slipway.local.runtime import Fleet, Slot, Usage

INVOCATIONS = "AWS/SageMaker"
INSTANCES = "/aws/sagemaker/Endpoints"
_MICROSECONDS = 1_000_000
_SAMPLE_SECONDS = 60.0
_CLIENT_ERRORS = range(400, 500)


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended.

    Attributes
    ----------
    status
        The container's HTTP status; 0 when it gave none.
    """

    account: str
    region: str
    endpoint: HostedEndpoint
    variant: str
    status: int = 200


def publish(outcome: Outcome, model_seconds: float, overhead_seconds: float) -> None:
    """Publish an invocation's metrics.

    Each goes out twice, as at the service: by endpoint and variant, and by the endpoint config as
    well, which is how a rollback alarm sees the new fleet alone (SageMaker Developer Guide,
    "Auto-Rollback Configuration and Monitoring").
    """
    ok = outcome.status == 200
    client = outcome.status in _CLIENT_ERRORS
    values = {
        "Invocations": (1.0, "None"),
        "InvocationsPerInstance": (1.0 / _instances(outcome), "None"),
        "ModelLatency": (model_seconds * _MICROSECONDS, "Microseconds"),
        "OverheadLatency": (max(0.0, overhead_seconds) * _MICROSECONDS, "Microseconds"),
        "Invocation4XXErrors": (float(client), "None"),
        "Invocation5XXErrors": (float(not ok and not client), "None"),
        "InvocationModelErrors": (float(not ok), "None"),
    }
    series = cloudwatch.store(outcome.account, outcome.region)
    for dimensions in _dimensions(outcome.endpoint, outcome.variant):
        for name, (value, unit) in values.items():
            series.put(SeriesKey.of(INVOCATIONS, name, dimensions), {value: 1.0}, unit=unit)


def publish_async(outcome: Outcome, seconds: float) -> None:
    """Publish an asynchronous invocation's metrics: those endpoints have none of the others."""
    ok = outcome.status == 200
    values = {
        "InvocationsProcessed" if ok else "InvocationFailures": (1.0, "None"),
        "TotalProcessingTime": (seconds * 1000, "Milliseconds"),
    }
    series = cloudwatch.store(outcome.account, outcome.region)
    plain = _dimensions(outcome.endpoint, outcome.variant)[0]
    for name, (value, unit) in values.items():
        series.put(SeriesKey.of(INVOCATIONS, name, plain), {value: 1.0}, unit=unit)


def _dimensions(endpoint: HostedEndpoint, variant: str) -> list[list[tuple[str, str]]]:
    plain = [("EndpointName", endpoint.endpoint_name), ("VariantName", variant)]
    return [plain, [*plain, ("EndpointConfigName", endpoint.endpoint_config_name)]]


def _instances(outcome: Outcome) -> int:
    for variant in outcome.endpoint.production_variants:
        if variant["VariantName"] == outcome.variant:
            return max(1, int(variant.get("CurrentInstanceCount") or 1))
    return 1


# -- logs

_stream = f"i-{os.getpid():017x}"
_order = itertools.count()


def write_log(account: str, region: str, endpoint: str, variant: str, line: str) -> None:
    """Write a line to the endpoint's log group, if there is one."""
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    logs = logs_backends[account][region]
    if group not in logs.groups:
        return
    stream = f"{variant}/{_stream}"
    # The group may go while the line is on its way.
    with contextlib.suppress(Exception):
        if stream not in logs.groups[group].streams:
            logs.create_log_stream(group, stream)
        event = {"timestamp": int(time.time() * 1000), "message": line}
        logs.put_log_events(group, stream, [event])


# -- instances


class Sampler:
    """Publishes what the model servers use, once a minute.

    CPU and memory are those of the real processes, of which an endpoint has one for each variant
    and container that was invoked; an endpoint that was never invoked has none, and no metrics.

    Parameters
    ----------
    fleet
        The model servers.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._before: dict[Slot, tuple[float, Usage]] = {}

    def start(self) -> None:
        """Sample from now on, in a thread that ends with the process."""
        threading.Thread(target=self._loop, daemon=True, name="endpoint-metrics").start()

    def _loop(self) -> None:
        while True:
            time.sleep(_SAMPLE_SECONDS)
            with contextlib.suppress(OSError):
                self.sample()

    def sample(self) -> None:
        """Publish the usage since the last sample; the first one only has memory and disk."""
        totals: dict[Slot, dict[str, float]] = {}
        now, disk = time.monotonic(), _disk_used()
        for slot, server in self._fleet.servers().items():
            usage = server.usage()
            if usage is None:
                continue
            variant = totals.setdefault(slot[:4], {"DiskUtilization": disk})
            variant["MemoryUtilization"] = variant.get("MemoryUtilization", 0.0) + usage.memory
            if slot in self._before:
                then, before = self._before[slot]
                used = max(0.0, usage.cpu_seconds - before.cpu_seconds)
                percent = 100.0 * used / max(now - then, 0.001)
                variant["CPUUtilization"] = variant.get("CPUUtilization", 0.0) + percent
            self._before[slot] = (now, usage)
        for (account, region, endpoint, variant_name), values in totals.items():
            _publish_usage(account, region, endpoint, variant_name, values)


def _publish_usage(account: str, region: str, endpoint: str, variant: str, values: dict[str, float]) -> None:
    if endpoint not in sagemaker_backends[account][region].endpoints:
        return
    series = cloudwatch.store(account, region)
    dimensions = [("EndpointName", endpoint), ("VariantName", variant)]
    for name, value in values.items():
        series.put(SeriesKey.of(INSTANCES, name, dimensions), {value: 1.0}, unit="Percent")


def _disk_used() -> float:
    usage = shutil.disk_usage(tempfile.gettempdir())
    return 100.0 * usage.used / usage.total
