"""What dashboards show of each hosting mode: a table of graphs, each with the metrics that the mode publishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from slipway.spec import instances
from slipway.spec.endpoint import Endpoint
from slipway.spec.hosting import ServerlessHosting
from slipway.spec.scaling import Mode
from slipway_cdk.signals import COMPONENTS, MACHINE, REQUESTS

#: Whose a metric is: by which dimensions it is published.
Owner = Literal["endpoint", "variant", "component"]


class Line(NamedTuple):
    """A metric as a graph shows it.

    Attributes
    ----------
    namespace, metric
        As CloudWatch knows them.
    statistic
        ``Average``, ``Sum``, ``Maximum``, ``SampleCount`` or a percentile.
    """

    namespace: str
    metric: str
    statistic: str


@dataclass(frozen=True)
class Graph:
    """One graph.

    Attributes
    ----------
    title
        What it shows.
    unit
        Of the axis.
    lines
        The metrics.
    of
        Whose they are; there is a line for each.
    counting
        Whether it counts datapoints: its period has to be that in which they are published.
    """

    title: str
    unit: str
    lines: tuple[Line, ...]
    of: Owner = "variant"
    counting: bool = False


def _lines(namespace: str, statistic: str, *metrics: str) -> tuple[Line, ...]:
    return tuple(Line(namespace, metric, statistic) for metric in metrics)


def _statistics(namespace: str, metric: str, *statistics: str) -> tuple[Line, ...]:
    return tuple(Line(namespace, metric, statistic) for statistic in statistics)


_LATENCY = Graph("Model latency", "µs", _statistics(REQUESTS, "ModelLatency", "p50", "p95", "p99"))
_OVERHEAD = Graph("Overhead latency", "µs", _statistics(REQUESTS, "OverheadLatency", "p50", "p95"))
_REFUSED = ("Invocation4XXErrors", "Invocation5XXErrors")
_ERRORS = Graph("Errors", "share of requests", _lines(REQUESTS, "Average", *_REFUSED))
_ALL_ERRORS = Graph("Errors", "share of requests", _lines(REQUESTS, "Average", *_REFUSED, "InvocationModelErrors"))
_MACHINE = Graph(
    "Machine",
    "percent, 100 per core",
    _lines(MACHINE, "Average", "CPUUtilization", "MemoryUtilization", "DiskUtilization"),
)

#: The graphs of each hosting mode, as far as it publishes the metrics (Developer Guide, "Amazon SageMaker AI metrics in
#: Amazon CloudWatch" and the pages on tracking metrics from serverless and from asynchronous endpoints).
_OF_MODE: Mapping[Mode, tuple[Graph, ...]] = {
    "instances": (
        Graph("Invocations", "requests", _lines(REQUESTS, "Sum", "Invocations", "InvocationsPerInstance")),
        _LATENCY,
        _OVERHEAD,
        _ALL_ERRORS,
        _MACHINE,
    ),
    "serverless": (
        Graph("Invocations", "requests", _lines(REQUESTS, "Sum", "Invocations")),
        _LATENCY,
        _OVERHEAD,
        _ERRORS,
        Graph("Start of new capacity", "µs", _statistics(REQUESTS, "ModelSetupTime", "Average", "Maximum")),
        Graph(
            "Concurrency in use",
            "share, 0 to 1",
            _statistics(REQUESTS, "ServerlessConcurrentExecutionsUtilization", "Average", "Maximum"),
        ),
        Graph("Memory", "percent", _lines(MACHINE, "Average", "MemoryUtilization")),
    ),
    "asynchronous": (
        Graph(
            "Backlog",
            "requests",
            _lines(REQUESTS, "Average", "ApproximateBacklogSize", "ApproximateBacklogSizePerInstance"),
            "endpoint",
        ),
        Graph("Oldest request", "seconds", _lines(REQUESTS, "Maximum", "ApproximateAgeOfOldestRequest"), "endpoint"),
        Graph(
            "Backlog without an instance",
            "1 if so",
            _lines(REQUESTS, "Maximum", "HasBacklogWithoutCapacity"),
            "endpoint",
        ),
        # The guide's spelling of the first is not certain: it has three s there.
        Graph(
            "Processed and failed",
            "requests",
            _lines(
                REQUESTS,
                "Sum",
                "InvocationsProcessed",
                "InvocationsProcesssed",
                "InvocationFailures",
                "ExpiredRequests",
                "NotificationFailures",
            ),
        ),
        Graph("Time of a request", "ms", _lines(REQUESTS, "Average", "TimeInBacklog", "TotalProcessingTime")),
        Graph(
            "Transfer from and to S3",
            "µs",
            _lines(REQUESTS, "Average", "RequestDownloadLatency", "ResponseUploadLatency"),
        ),
        _LATENCY,
        _ERRORS,
        _MACHINE,
    ),
    "components": (
        Graph("Invocations", "requests", _lines(REQUESTS, "Sum", "Invocations", "InvocationsPerCopy"), "component"),
        Graph("Model latency", "µs", _statistics(REQUESTS, "ModelLatency", "p50", "p95"), "component"),
        Graph("Errors", "share of requests", _ALL_ERRORS.lines, "component"),
        Graph(
            "Refused for want of a copy",
            "requests",
            _lines(REQUESTS, "Sum", "NoCapacityInvocationFailures"),
            "component",
        ),
        Graph(
            "Requests in flight",
            "requests a copy",
            _lines(REQUESTS, "Maximum", "ConcurrentRequestsPerCopy"),
            "component",
        ),
        # Each copy reports its own, so their number is that of the datapoints.
        Graph(
            "Copies",
            "copies",
            _lines(COMPONENTS, "SampleCount", "CPUUtilizationNormalized"),
            "component",
            counting=True,
        ),
        Graph(
            "Machine, by component",
            "percent of what a copy is given",
            _lines(COMPONENTS, "Average", "CPUUtilizationNormalized", "MemoryUtilizationNormalized"),
            "component",
        ),
        Graph(
            "Machine",
            "percent of the instance",
            _lines(
                MACHINE,
                "Average",
                "CPUReservation",
                "CPUUtilizationNormalized",
                "MemoryReservation",
                "MemoryUtilization",
                "DiskUtilization",
            ),
        ),
    ),
}


def _has_gpu(endpoint: Endpoint) -> bool:
    members = (*endpoint.fleet.values(), *endpoint.shadows.values())
    machines = [instances.lookup(kind) for member in members for kind in member.hosting.types]
    return any(machine is not None and machine.gpus for machine in machines)


def _has_warm_capacity(endpoint: Endpoint) -> bool:
    hostings = [member.hosting for member in endpoint.fleet.values()]
    return any(isinstance(h, ServerlessHosting) and h.serverless.provisioned is not None for h in hostings)


def _has_many_models(endpoint: Endpoint) -> bool:
    return any(container.models is not None for served in endpoint.served for _, _, container in served.containers)


#: Further graphs of endpoints that have something: on which modes, what it is, and the graphs.
_OF_FEATURE: tuple[tuple[frozenset[Mode], Callable[[Endpoint], bool], tuple[Graph, ...]], ...] = (
    (
        frozenset({"instances", "asynchronous"}),
        _has_gpu,
        (Graph("GPU", "percent, 100 per GPU", _lines(MACHINE, "Average", "GPUUtilization", "GPUMemoryUtilization")),),
    ),
    (
        frozenset({"components"}),
        _has_gpu,
        (
            Graph(
                "GPU, by component",
                "percent of what a copy is given",
                _lines(COMPONENTS, "Average", "GPUUtilizationNormalized", "GPUMemoryUtilizationNormalized"),
                "component",
            ),
            Graph(
                "GPU",
                "percent of the instance",
                _lines(
                    MACHINE,
                    "Average",
                    "GPUReservation",
                    "GPUUtilizationNormalized",
                    "GPUMemoryUtilizationNormalized",
                ),
            ),
        ),
    ),
    (
        frozenset({"serverless"}),
        _has_warm_capacity,
        (
            Graph(
                "Warm capacity in use",
                "share, 0 to 1",
                _statistics(REQUESTS, "ServerlessProvisionedConcurrencyUtilization", "Average", "Maximum"),
            ),
            # Published as the counts of a minute, of which only these statistics are valid.
            Graph(
                "Warm and spilled over",
                "requests",
                _lines(
                    REQUESTS,
                    "Maximum",
                    "ServerlessProvisionedConcurrencyInvocations",
                    "ServerlessProvisionedConcurrencySpilloverInvocations",
                ),
            ),
        ),
    ),
    (
        frozenset({"instances", "asynchronous"}),
        _has_many_models,
        (
            Graph("Model was loaded already", "share of requests", _lines(REQUESTS, "Average", "ModelCacheHit")),
            Graph(
                "Loading of models",
                "µs",
                _lines(
                    REQUESTS,
                    "Average",
                    "ModelLoadingWaitTime",
                    "ModelDownloadingTime",
                    "ModelLoadingTime",
                    "ModelUnloadingTime",
                ),
            ),
            Graph("Models loaded", "models an instance", _lines(MACHINE, "Average", "LoadedModelCount")),
        ),
    ),
)


def graphs(endpoint: Endpoint) -> Iterator[Graph]:
    """Say which graphs an endpoint's dashboard has.

    Parameters
    ----------
    endpoint
        The endpoint.

    Yields
    ------
    Graph
        Those of its hosting mode, then those of what it has besides.
    """
    mode = endpoint.mode
    yield from _OF_MODE[mode]
    for modes, has, further in _OF_FEATURE:
        if mode in modes and has(endpoint):
            yield from further


@dataclass(frozen=True)
class Overview:
    """One graph of a whole environment: a line for each variant, component or endpoint that publishes the metric.

    Attributes
    ----------
    title
        What it shows.
    unit
        Of the axis.
    lines
        By hosting mode, whose metrics and which; a mode that publishes none is not there.
    """

    title: str
    unit: str
    lines: Mapping[Mode, tuple[Owner, tuple[Line, ...]]]


def _everywhere(*lines: Line) -> Mapping[Mode, tuple[Owner, tuple[Line, ...]]]:
    return {
        "instances": ("variant", lines),
        "serverless": ("variant", lines),
        "asynchronous": ("variant", lines),
        "components": ("component", lines),
    }


_INVOCATIONS = _lines(REQUESTS, "Sum", "Invocations")
_OVERHEAD_P95 = _statistics(REQUESTS, "OverheadLatency", "p95")
_CPU = _lines(MACHINE, "Average", "CPUUtilization")
#: The graphs of an environment's dashboard. One whose metrics no endpoint publishes is left out.
OVERVIEWS = (
    Overview(
        "Requests",
        "requests",
        {
            **_everywhere(*_INVOCATIONS),
            "asynchronous": ("variant", _lines(REQUESTS, "Sum", "InvocationsProcessed", "InvocationsProcesssed")),
        },
    ),
    Overview("Model latency, p95", "µs", _everywhere(*_statistics(REQUESTS, "ModelLatency", "p95"))),
    Overview(
        "Overhead latency, p95",
        "µs",
        {"instances": ("variant", _OVERHEAD_P95), "serverless": ("variant", _OVERHEAD_P95)},
    ),
    Overview("5XX errors", "share of requests", _everywhere(*_lines(REQUESTS, "Average", "Invocation5XXErrors"))),
    Overview("CPU", "percent, 100 per core", {"instances": ("variant", _CPU), "asynchronous": ("variant", _CPU)}),
    Overview(
        "CPU of components",
        "percent of what a copy is given",
        {"components": ("component", _lines(COMPONENTS, "Average", "CPUUtilizationNormalized"))},
    ),
    Overview(
        "Backlog",
        "requests",
        {"asynchronous": ("endpoint", _lines(REQUESTS, "Average", "ApproximateBacklogSize"))},
    ),
    Overview(
        "Concurrency in use",
        "share, 0 to 1",
        {"serverless": ("variant", _lines(REQUESTS, "Maximum", "ServerlessConcurrentExecutionsUtilization"))},
    ),
)
