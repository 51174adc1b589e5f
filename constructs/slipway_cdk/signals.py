"""The metrics behind the levels in the config, by hosting mode, and how a level becomes a threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from slipway.spec import instances
from slipway.spec.alarms import MACHINE_LEVELS
from slipway.spec.scaling import Mode
from slipway.spec.units import Duration, Percent

REQUESTS = "AWS/SageMaker"
MACHINE = "/aws/sagemaker/Endpoints"
COMPONENTS = "/aws/sagemaker/InferenceComponents"


@dataclass(frozen=True)
class Signal:
    """A metric and how to read it.

    Attributes
    ----------
    metric, namespace
        As CloudWatch knows them.
    statistic
        ``Average``, ``Sum`` or a percentile such as ``p95``.
    what
        What happened when it is above its level, for whoever gets the alarm.
    do
        Where to look first.
    """

    metric: str
    namespace: str
    statistic: str
    what: str
    do: str


#: By the key of the level in the config. The error metrics are 0 or 1 for each request, so their average is a rate
#: from 0 to 1; latencies are in microseconds; machine metrics count 100 for each core or GPU.
SIGNALS = {
    "latency": Signal(
        "ModelLatency",
        REQUESTS,
        "p95",
        "the model answers slowly",
        "Compare versions, load and instance type.",
    ),
    "overhead": Signal(
        "OverheadLatency",
        REQUESTS,
        "p95",
        "SageMaker adds much latency",
        "Look at payload sizes and throttling.",
    ),
    "errors_4xx": Signal(
        "Invocation4XXErrors",
        REQUESTS,
        "Average",
        "many requests are refused",
        "Look at what the callers send.",
    ),
    "errors_5xx": Signal(
        "Invocation5XXErrors",
        REQUESTS,
        "Average",
        "many requests fail",
        "Read the endpoint's log group.",
    ),
    "model_errors": Signal(
        "InvocationModelErrors",
        REQUESTS,
        "Average",
        "the model's container fails",
        "Read the endpoint's log group.",
    ),
    "cpu": Signal(
        "CPUUtilization",
        MACHINE,
        "Average",
        "the CPUs are busy",
        "Scale out or take larger instances.",
    ),
    "memory": Signal(
        "MemoryUtilization",
        MACHINE,
        "Average",
        "memory runs short",
        "Look for a leak; take larger instances.",
    ),
    "disk": Signal(
        "DiskUtilization",
        MACHINE,
        "Average",
        "the volume fills up",
        "Look at what the container writes.",
    ),
    "gpu": Signal(
        "GPUUtilization",
        MACHINE,
        "Average",
        "the GPUs are busy",
        "Scale out or take larger instances.",
    ),
    "gpu_memory": Signal(
        "GPUMemoryUtilization",
        MACHINE,
        "Average",
        "GPU memory runs short",
        "Batch less; take larger instances.",
    ),
    "surge": Signal(
        "Invocations",
        REQUESTS,
        "Sum",
        "many more requests than usual",
        "Ask who calls; check the scaling limits.",
    ),
}


#: Where a hosting mode publishes a metric under another name, has one of its own, or has another cure.
_OF_MODE: Mapping[Mode, Mapping[str, Signal]] = {
    "instances": {},
    "serverless": {
        "latency": replace(SIGNALS["latency"], do="Compare versions, load and `memory`."),
        "overhead": replace(
            SIGNALS["overhead"],
            do="Cold starts count here: see ModelSetupTime, and keep capacity warm (`provisioned`).",
        ),
        "surge": replace(SIGNALS["surge"], do="Ask who calls; check the `concurrency`."),
        "memory": replace(SIGNALS["memory"], do="Look for a leak; give it more `memory`."),
        "concurrency": Signal(
            "ServerlessConcurrentExecutionsUtilization",
            REQUESTS,
            "Average",
            "the concurrency is nearly used up",
            "Raise `concurrency` before requests are refused.",
        ),
    },
    "asynchronous": {
        "failures": Signal(
            "InvocationFailures",
            REQUESTS,
            "Sum",
            "many requests fail",
            "Read the objects under the failure path and the endpoint's log group.",
        ),
        "backlog": Signal(
            "ApproximateBacklogSize",
            REQUESTS,
            "Average",
            "many requests wait or are being worked on",
            "Check the scaling limits and whether the model hangs.",
        ),
        "age": Signal(
            "ApproximateAgeOfOldestRequest",
            REQUESTS,
            "Maximum",
            "a request has waited long",
            "Check the scaling limits and whether the model hangs.",
        ),
    },
    "components": {
        "latency": replace(SIGNALS["latency"], do="Compare versions, load and what a copy is given."),
        "errors_5xx": replace(SIGNALS["errors_5xx"], do="Read the component's log group."),
        "model_errors": replace(SIGNALS["model_errors"], do="Read the component's log group."),
        **{
            key: replace(
                SIGNALS[key],
                metric=f"{SIGNALS[key].metric}Normalized",
                namespace=COMPONENTS,
                do="Run more copies, or give each more.",
            )
            for key in ("cpu", "memory", "gpu", "gpu_memory")
        },
    },
}


def signal(key: str, mode: Mode) -> Signal:
    """The metric behind a level in a hosting mode.

    Parameters
    ----------
    key
        Of the level.
    mode
        How the endpoint is hosted.

    Returns
    -------
    Signal
        The mode's own, else the usual one.
    """
    return _OF_MODE.get(mode, {}).get(key) or SIGNALS[key]


def microseconds_or_rate(level: float) -> float:
    """Turn a latency or an error rate into the metric's own unit.

    Parameters
    ----------
    level
        A duration, a percentage or a plain figure.

    Returns
    -------
    float
        Microseconds, a rate from 0 to 1, or the figure itself.
    """
    if isinstance(level, Duration):
        return level.microseconds
    return round(level.ratio, 6) if isinstance(level, Percent) else level


def threshold(key: str, level: float, types: Sequence[str], *, normalized: bool = False) -> float | None:
    """Turn a level into the metric's own unit.

    Parameters
    ----------
    key
        Such as ``latency``.
    level
        Its level: a duration, a percentage or a plain figure.
    types
        Instance types whose cores or GPUs a share of the machine counts; of several, the smallest decides.
    normalized
        Whether the metric itself is a share, whatever the machine: an inference component's is one of what a copy is
        given.

    Returns
    -------
    float or None
        Microseconds, seconds, a rate from 0 to 1, percent, or 100 for each core or GPU; ``None`` when a type has no GPU
        or is not in the table, and for a plain figure of a normalized metric, which would never be reached.
    """
    if key == "age":
        return float(level)
    if key not in MACHINE_LEVELS:
        return microseconds_or_rate(level)
    if normalized:
        return float(level) if isinstance(level, Percent) else None
    machines = [instances.lookup(kind) for kind in types]
    if key in ("gpu", "gpu_memory") and any(machine is not None and not machine.gpus for machine in machines):
        return None
    if not isinstance(level, Percent) or key in ("memory", "disk"):
        return float(level)
    units = [0 if machine is None else machine.vcpus if key == "cpu" else machine.gpus for machine in machines]
    fewest = min(units, default=0)
    return float(level) * fewest if fewest else None
