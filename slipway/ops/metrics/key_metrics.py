"""The key metrics of an endpoint: a table of what each way of hosting publishes, and of whose it is.

Developer Guide, "Amazon SageMaker AI metrics in Amazon CloudWatch", and the pages on metrics of serverless and of
asynchronous endpoints. A metric has data only under its exact set of dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from slipway.ops.metrics.measures import Machine, Measure
from slipway.spec.endpoint import Endpoint
from slipway.spec.hosting import ServerlessHosting
from slipway.spec.names import Names
from slipway.spec.scaling import Mode

REQUESTS = "AWS/SageMaker"
MACHINE = "/aws/sagemaker/Endpoints"
COMPONENTS = "/aws/sagemaker/InferenceComponents"

#: Whose a metric is: by which dimensions it is published.
Kind = Literal["endpoint", "variant", "component"]


class KeyMetric(NamedTuple):
    """A metric.

    Attributes
    ----------
    name, namespace
        As CloudWatch knows it.
    measure
        What it counts.
    group
        With which others it shares a chart.
    spelled
        Another name under which it may be published instead.
    """

    name: str
    namespace: str
    measure: Measure
    group: str
    spelled: str = ""


@dataclass(frozen=True)
class Owner:
    """Whose metrics they are.

    Attributes
    ----------
    kind
        An endpoint's own, a variant's, or an inference component's.
    name
        The variant's name, or the component's short one; empty for an endpoint's own.
    dimensions
        By name: the exact set under which the metrics are published.
    machine
        What percentages of the machine count.
    """

    kind: Kind
    name: str
    dimensions: tuple[tuple[str, str], ...]
    machine: Machine = field(default_factory=Machine)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()


def _all(namespace: str, measure: Measure, group: str, *names: str) -> tuple[KeyMetric, ...]:
    return tuple(KeyMetric(name, namespace, measure, group) for name in names)


_REQUESTS = _all(REQUESTS, Measure.REQUESTS, "Requests", "Invocations")
_PER_INSTANCE = _all(REQUESTS, Measure.REQUESTS, "Requests", "InvocationsPerInstance")
_MODEL_LATENCY = _all(REQUESTS, Measure.MICROSECONDS, "Latency", "ModelLatency")
_LATENCY = (*_MODEL_LATENCY, *_all(REQUESTS, Measure.MICROSECONDS, "Latency", "OverheadLatency"))
_REFUSED = _all(REQUESTS, Measure.RATE, "Errors", "Invocation4XXErrors", "Invocation5XXErrors")
_ERRORS = (*_REFUSED, *_all(REQUESTS, Measure.RATE, "Errors", "InvocationModelErrors"))
_CPU = _all(MACHINE, Measure.CORES, "Machine", "CPUUtilization")
_MACHINE = (*_CPU, *_all(MACHINE, Measure.PERCENT, "Machine", "MemoryUtilization", "DiskUtilization"))
_GPU = _all(MACHINE, Measure.GPUS, "GPU", "GPUUtilization", "GPUMemoryUtilization")
_CONCURRENCY = "ServerlessConcurrentExecutionsUtilization"
_LOADING = ("ModelLoadingWaitTime", "ModelDownloadingTime", "ModelLoadingTime")

#: By the way of hosting and by whose they are.
_OF_MODE: Mapping[Mode, Mapping[Kind, tuple[KeyMetric, ...]]] = {
    "instances": {"variant": (*_REQUESTS, *_PER_INSTANCE, *_LATENCY, *_ERRORS, *_MACHINE)},
    "serverless": {
        "variant": (
            *_REQUESTS,
            *_LATENCY,
            *_all(REQUESTS, Measure.MICROSECONDS, "Latency", "ModelSetupTime"),
            *_REFUSED,
            *_all(REQUESTS, Measure.SHARE, "Capacity", _CONCURRENCY),
            *_all(MACHINE, Measure.PERCENT, "Capacity", "MemoryUtilization"),
        )
    },
    "asynchronous": {
        "endpoint": (
            *_all(REQUESTS, Measure.NUMBER, "Backlog", "ApproximateBacklogSize", "ApproximateBacklogSizePerInstance"),
            *_all(REQUESTS, Measure.NUMBER, "Backlog", "HasBacklogWithoutCapacity"),
            *_all(REQUESTS, Measure.SECONDS, "Oldest request", "ApproximateAgeOfOldestRequest"),
        ),
        "variant": (
            # The guide spells it both ways.
            KeyMetric("InvocationsProcessed", REQUESTS, Measure.REQUESTS, "Requests", "InvocationsProcesssed"),
            *_all(REQUESTS, Measure.REQUESTS, "Requests", "InvocationFailures", "ExpiredRequests"),
            *_all(REQUESTS, Measure.MILLISECONDS, "Time of a request", "TimeInBacklog", "TotalProcessingTime"),
            *_MODEL_LATENCY,
            *_REFUSED,
            *_MACHINE,
        ),
    },
    "components": {
        "variant": (
            *_CPU,
            *_all(MACHINE, Measure.PERCENT, "Machine", "CPUReservation", "MemoryUtilization", "MemoryReservation"),
            *_all(MACHINE, Measure.PERCENT, "Machine", "DiskUtilization"),
        ),
        "component": (
            *_REQUESTS,
            *_all(REQUESTS, Measure.REQUESTS, "Requests", "InvocationsPerCopy", "NoCapacityInvocationFailures"),
            *_LATENCY,
            *_ERRORS,
            *_all(REQUESTS, Measure.NUMBER, "In flight", "ConcurrentRequestsPerCopy"),
            *_all(COMPONENTS, Measure.PERCENT, "Machine", "CPUUtilizationNormalized", "MemoryUtilizationNormalized"),
        ),
    },
}


def _many_models(endpoint: Endpoint, _machine: Machine) -> bool:
    return any(container.models is not None for served in endpoint.served for _, _, container in served.containers)


def _warm(endpoint: Endpoint, _machine: Machine) -> bool:
    hostings = [member.hosting for member in endpoint.fleet.values()]
    return any(isinstance(one, ServerlessHosting) and one.serverless.provisioned is not None for one in hostings)


def _gpus(_endpoint: Endpoint, machine: Machine) -> bool:
    return machine.may_have_gpus


_ON_GPUS = _all(COMPONENTS, Measure.PERCENT, "GPU", "GPUUtilizationNormalized", "GPUMemoryUtilizationNormalized")
#: Further ones of endpoints that have something: on which ways of hosting, whose, what it is, and the metrics.
_FURTHER: tuple[tuple[frozenset[Mode], Kind, Callable[[Endpoint, Machine], bool], tuple[KeyMetric, ...]], ...] = (
    (frozenset({"instances", "asynchronous", "components"}), "variant", _gpus, _GPU),
    (frozenset({"components"}), "component", _gpus, _ON_GPUS),
    (
        frozenset({"serverless"}),
        "variant",
        _warm,
        _all(REQUESTS, Measure.SHARE, "Capacity", "ServerlessProvisionedConcurrencyUtilization"),
    ),
    (
        frozenset({"instances", "asynchronous"}),
        "variant",
        _many_models,
        (
            *_all(REQUESTS, Measure.RATE, "Model was loaded already", "ModelCacheHit"),
            *_all(REQUESTS, Measure.MICROSECONDS, "Loading of models", *_LOADING),
            *_all(MACHINE, Measure.NUMBER, "Models loaded", "LoadedModelCount"),
        ),
    ),
)


def key_metrics(endpoint: Endpoint, owner: Owner) -> Iterator[KeyMetric]:
    """Say which key metrics are published of an endpoint, one of its variants or one of its components.

    Parameters
    ----------
    endpoint
        The endpoint.
    owner
        Whose.

    Yields
    ------
    KeyMetric
        Those of its way of hosting, then those of what it has besides.
    """
    yield from _OF_MODE[endpoint.mode].get(owner.kind, ())
    for modes, kind, has, further in _FURTHER:
        if endpoint.mode in modes and kind == owner.kind and has(endpoint, owner.machine):
            yield from further


def owners(names: Names, name: str, endpoint: Endpoint, machines: Mapping[str, Machine]) -> Iterator[Owner]:
    """Say whose metrics there are of an endpoint.

    Parameters
    ----------
    names
        Of the environment.
    name
        The endpoint's short name.
    endpoint
        The endpoint.
    machines
        What each variant runs on now; of others what is declared counts.

    Yields
    ------
    Owner
        The endpoint itself where it has a queue, its components, its variants, and its shadow variant.
    """
    where = ("EndpointName", names.endpoint(name))
    if endpoint.asynchronous is not None:
        yield Owner("endpoint", "", (where,))
    members = {**endpoint.fleet, **endpoint.shadows}
    declared = {variant: Machine(member.hosting.types) for variant, member in members.items()}
    found = {**declared, **{variant: machine for variant, machine in machines.items() if machine.types}}
    for component in endpoint.components or {}:
        own = ("InferenceComponentName", names.component(name, component))
        fleet = Machine(tuple(kind for variant in members for kind in found[variant].types))
        yield Owner("component", component, (own,), fleet)
    for variant in members:
        yield Owner("variant", variant, (where, ("VariantName", variant)), found[variant])
