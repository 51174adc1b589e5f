"""Operating alarms: levels above which somebody should look at a variant or a component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from slipway.spec.base import Off, Spec
from slipway.spec.deployment import Latency, Rate
from slipway.spec.scaling import Mode
from slipway.spec.units import Duration, Percent, between, exceedable

Share = Annotated[Percent, exceedable(Percent(1), Percent(100))]
#: A share of the machine, or the metric's own figure (100 per core or GPU) for a type that the table does not know.
Load = Share | Annotated[float, Field(gt=0)]


#: Which levels there are, by hosting mode: no alarm is made on a metric that is never published. Serverless endpoints
#: publish no InvocationModelErrors (Developer Guide, "Alarms and logs for tracking metrics from serverless endpoints",
#: an exhaustive list), asynchronous ones neither these nor Invocations nor OverheadLatency (the like page on them);
#: components have no disk of their own.
REQUEST_LEVELS = ("latency", "overhead", "errors_4xx", "errors_5xx", "model_errors", "surge")
MACHINE_LEVELS = ("cpu", "memory", "disk", "gpu", "gpu_memory")
LEVELS: Mapping[Mode, tuple[str, ...]] = {
    "instances": (*REQUEST_LEVELS, *MACHINE_LEVELS),
    "serverless": ("latency", "overhead", "errors_4xx", "errors_5xx", "surge", "memory", "concurrency"),
    "asynchronous": ("latency", "errors_4xx", "errors_5xx", *MACHINE_LEVELS, "failures"),
    "components": ("disk",),
}
#: Levels of an endpoint as a whole.
ENDPOINT_LEVELS: Mapping[Mode, tuple[str, ...]] = {"asynchronous": ("backlog", "age")}
#: Levels of each inference component.
COMPONENT_LEVELS = (
    "latency",
    "errors_4xx",
    "errors_5xx",
    "model_errors",
    "surge",
    "cpu",
    "memory",
    "gpu",
    "gpu_memory",
)
#: Levels that can end an update, by hosting mode: of the fleet, or of the components.
ROLLBACK_LEVELS: Mapping[Mode, tuple[str, ...]] = {
    "instances": ("latency", "errors_5xx", "model_errors"),
    "serverless": (),
    "asynchronous": ("latency", "errors_5xx"),
    "components": ("latency", "errors_5xx", "model_errors"),
}


class Alarms(Spec):
    """Levels of the operating alarms. They watch the whole variant, go to the topic, and roll nothing back."""

    latency: Latency | Off = Duration(1)
    """Model latency, 95th percentile."""
    overhead: Latency | Off = Duration(0.2)
    """Latency that SageMaker adds, 95th percentile."""
    errors_4xx: Rate | Off = Percent(1)
    """Share of requests answered 4XX."""
    errors_5xx: Rate | Off = Percent(0.1)
    """Share of requests answered 5XX."""
    model_errors: Rate | Off = Percent(1)
    """Share of requests for which the model's container did not answer 2XX. It counts refused requests (4XX) too, so a
    lower level would roll back updates because of what callers send."""
    cpu: Load | Off = Percent(80)
    """Share of all cores."""
    memory: Share | Off = Percent(80)
    """Share of the machine's memory."""
    disk: Share | Off = Percent(80)
    """Share of the storage volume."""
    gpu: Load | Off = Percent(80)
    """Share of all GPUs; on GPU types only."""
    gpu_memory: Load | Off = Percent(80)
    """Share of all GPU memory; on GPU types only."""
    surge: Annotated[int, Field(gt=0)] | Off = 1000
    """Invocations within one period."""
    concurrency: Share | Off = Percent(80)
    """Share of a serverless endpoint's concurrency in use."""
    backlog: Annotated[int, Field(gt=0)] | Off = 1000
    """Requests that wait at an asynchronous endpoint."""
    age: Annotated[Duration, between(Duration(1), Duration(604_800), "a request waits at most a week")] | Off = (
        Duration(900)
    )
    """How long the oldest request of an asynchronous endpoint has waited."""
    failures: Annotated[int, Field(ge=0)] | Off = 10
    """Requests of an asynchronous endpoint that failed within one period."""
    period: Annotated[Duration, between(Duration(10), Duration(86400), "CloudWatch")] = Duration(300)
    """Length of one datapoint: whole minutes, as SageMaker publishes the metrics."""
    evaluations: Annotated[int, Field(ge=1)] = 2
    """How many datapoints in a row must be bad."""
