"""Operating alarms: levels above which somebody should look at a variant."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from slipway.spec.base import Off, Spec
from slipway.spec.deployment import Latency, Rate
from slipway.spec.units import Duration, Percent, between, exceedable

Share = Annotated[Percent, exceedable(Percent(1), Percent(100))]
#: A share of the machine, or the metric's own figure (100 per core or GPU) for a type that the table does not know.
Load = Share | Annotated[float, Field(gt=0)]


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
    period: Annotated[Duration, between(Duration(10), Duration(86400), "CloudWatch")] = Duration(300)
    """Length of one datapoint: whole minutes, as SageMaker publishes the metrics."""
    evaluations: Annotated[int, Field(ge=1)] = 2
    """How many datapoints in a row must be bad."""
