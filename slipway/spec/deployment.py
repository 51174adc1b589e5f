"""How an update reaches the fleet: rolling, canary, linear or all at once, and what rolls it back.

Limits are those of AWS::SageMaker::Endpoint's DeploymentConfig and the Developer Guide's pages on deployment
guardrails.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from slipway.spec.base import Off, Spec
from slipway.spec.units import Duration, Percent, between, exceedable, steps_of

#: API:MaximumExecutionTimeoutInSeconds.
SHORTEST_TIMEOUT, LONGEST_TIMEOUT = Duration(600), Duration(28800)
#: API:WaitIntervalInSeconds, TerminationWaitInSeconds.
LONGEST_WAIT = Duration(3600)
#: API:AutoRollbackConfig.
MOST_ALARMS = 10
#: How long provisioning a fleet or a batch may take before the derived timeout gives up: first creation is
#: documented to take from minutes to over an hour, so the allowance is generous.
PROVISIONING = Duration(1800)

_SECONDS = steps_of(Duration(1), "SageMaker counts whole seconds")
Wait = Annotated[
    Duration,
    _SECONDS,
    between(Duration(0), LONGEST_WAIT, "API:WaitIntervalInSeconds, TerminationWaitInSeconds"),
]
Timeout = Annotated[
    Duration, _SECONDS, between(SHORTEST_TIMEOUT, LONGEST_TIMEOUT, "API:MaximumExecutionTimeoutInSeconds")
]
#: Instances, or a share of the variant's.
Size = Annotated[int, Field(ge=1)] | Annotated[Percent, steps_of(Percent(1), "CapacitySize takes whole percents")]
#: ModelLatency ends with the request: 60 s when answered at once, 8 minutes streamed, an hour queued.
Latency = Annotated[Duration, between(Duration(0.001), Duration(3600), "a request's time")]
#: Level of an alarm on the share of requests that went wrong.
Rate = Annotated[Percent, exceedable(Percent(0), Percent(100))]


@dataclass(frozen=True)
class Fleet:
    """The instance counts that a variant can have when an update comes.

    Attributes
    ----------
    lowest, highest
        Of all counts between the scaling limits, schedules included; equal without autoscaling.
    """

    lowest: int
    highest: int

    def __str__(self) -> str:
        return f"{self.lowest}" if self.lowest == self.highest else f"{self.lowest} to {self.highest}"

    @property
    def counts(self) -> range:
        """Every count that can be live."""
        return range(self.lowest, self.highest + 1)


@dataclass(frozen=True)
class SizeLimit:
    """What part of a fleet a stage may take.

    Attributes
    ----------
    key
        The key in the config.
    least, most
        Percent of the variant's instance count.
    """

    key: str
    least: float
    most: float

    def fits(self, size: int, count: int) -> bool:
        """Whether this many instances are allowed in a fleet of ``count``."""
        return max(1, math.ceil(self.least * count / 100)) <= size <= math.floor(self.most * count / 100)

    def allowed(self, fleet: Fleet) -> range:
        """Sizes in instances that fit every count of the fleet; may be empty."""
        least = max(1, math.ceil(self.least * fleet.highest / 100))
        return range(least, math.floor(self.most * fleet.lowest / 100) + 1)

    def choose(self, wanted: float, fleet: Fleet) -> int | Percent:
        """Choose a size near a wanted share: instances where one size fits every count, else a percentage.

        Parameters
        ----------
        wanted
            Percent of the fleet.
        fleet
            The counts that can be live.

        Returns
        -------
        int or Percent
            The size.
        """
        allowed = self.allowed(fleet)
        if not allowed:
            return Percent(wanted)
        nearest = max(1, round(wanted * fleet.lowest / 100))
        return min(max(nearest, allowed.start), allowed.stop - 1)


class RollbackAlarms(Spec):
    """Alarms that end an update and bring the old fleet back; they watch the new fleet only."""

    latency: Latency | Off | None = None
    """Model latency above which the new fleet is bad (95th percentile). Default: the operating alarm's level."""
    errors_5xx: Rate | Off | None = None
    """Share of requests that the endpoint answers with 5XX. Default: the operating alarm's level."""
    model_errors: Rate | Off | None = None
    """Share of requests that the model's container answers with an error. Default: the operating alarm's level."""
    period: Annotated[Duration, between(Duration(10), Duration(3600), "CloudWatch")] = Duration(60)
    """Length of one datapoint: whole minutes, as SageMaker publishes the metrics."""
    evaluations: Annotated[int, Field(ge=1)] = 2
    """How many datapoints in a row must be bad. Period × evaluations must fit inside the bake."""
    also: tuple[Annotated[str, Field(min_length=1, max_length=255)], ...] = Field(default=(), strict=False)
    """Names of further alarms that exist already."""

    @property
    def window(self) -> Duration:
        """How long a fault must last until an alarm trips."""
        return Duration(self.period * self.evaluations)


class _Strategy(Spec):
    rollback_alarms: RollbackAlarms | Off = Field(default_factory=RollbackAlarms)
    """What ends the update. `off` leaves it without a way back."""
    timeout: Timeout | None = None
    """Longest time the whole update may take, 10m to 8h. Default: the waits plus an allowance for provisioning."""
    apply_capacity: bool = False
    """With `scaling`: let an update reset the live instance counts to the config's. By default what autoscaling or an
    operator set survives then; without `scaling` every update sets them."""

    apply_weights: bool = True
    """With `scaling` and several variants: let an update set the config's weights; `false` keeps the live ones."""

    @property
    @abstractmethod
    def bake(self) -> Duration:
        """The shortest time in which the alarms can still end the update."""

    @abstractmethod
    def waits(self, fleet: Fleet) -> Duration:
        """Sum of the waits, for the fleet size that takes longest."""

    def provisionings(self, fleet: Fleet) -> int:
        """How often instances are provisioned one after the other."""
        del fleet
        return 1

    def timeout_for(self, fleet: Fleet) -> Duration:
        """The maximum execution time: the given one, or the waits plus an allowance.

        Parameters
        ----------
        fleet
            The counts that can be live.

        Returns
        -------
        Duration
            10 minutes to 8 hours, whole minutes.
        """
        if self.timeout is not None:
            return self.timeout
        wanted = self.waits(fleet) + PROVISIONING * self.provisionings(fleet)
        return Duration(min(max(math.ceil(wanted / 60) * 60, SHORTEST_TIMEOUT), LONGEST_TIMEOUT))


def _steps(size: int | Percent, fleet: Fleet) -> int:
    """How many steps of a size it takes to move the largest fleet."""
    return math.ceil(100 / size) if isinstance(size, Percent) else math.ceil(fleet.highest / size)


class Rolling(_Strategy):
    """Replace the fleet batch by batch: no second fleet, 5 to 50 % extra capacity."""

    strategy: Literal["rolling"]
    batch: Size | None = None
    """Instances or percent a batch. Default by fleet size: 50 % for 2 to 4 instances, 25 % for 5 to 10, 15 % above."""
    wait: Wait = Duration(300)
    """Bake after each batch."""
    rollback_batch: Size | None = None
    """Batch of a rollback. Default: the whole fleet at once."""

    #: Developer Guide, "Use rolling deployments": 5 to 50 % of the variant's instances.
    limit: ClassVar[SizeLimit] = SizeLimit("batch", 5, 50)

    def size_for(self, fleet: Fleet) -> int | Percent:
        """The batch, chosen by fleet size when none is given."""
        share = 50 if fleet.lowest <= 4 else 25 if fleet.lowest <= 10 else 15
        return self.batch if self.batch is not None else self.limit.choose(share, fleet)

    @property
    def bake(self) -> Duration:
        """Each batch bakes for the wait."""
        return self.wait

    def waits(self, fleet: Fleet) -> Duration:
        """One wait a batch."""
        return Duration(_steps(self.size_for(fleet), fleet) * self.wait)

    def provisionings(self, fleet: Fleet) -> int:
        """One a batch."""
        return _steps(self.size_for(fleet), fleet)


class _BlueGreen(_Strategy):
    termination_wait: Wait = Duration(300)
    """Bake with all traffic on the new fleet before the old one goes."""


class Canary(_BlueGreen):
    """A second fleet takes a small share first, then all."""

    strategy: Literal["canary"]
    size: Size | None = None
    """Instances or percent that take the first traffic, at most 50 %. Default: about 10 %."""
    wait: Wait = Duration(600)
    """Bake of the canary."""

    #: API:TrafficRoutingConfig: at most 50 % of the variant's instances.
    limit: ClassVar[SizeLimit] = SizeLimit("size", 0, 50)

    def size_for(self, fleet: Fleet) -> int | Percent:
        """The canary, about 10 % of the fleet when none is given."""
        return self.size if self.size is not None else self.limit.choose(10, fleet)

    @property
    def bake(self) -> Duration:
        """The canary bakes for the wait."""
        return self.wait

    def waits(self, fleet: Fleet) -> Duration:
        """The canary's bake and the final one."""
        del fleet
        return Duration(self.wait + self.termination_wait)


class Linear(_BlueGreen):
    """A second fleet takes the traffic in equal steps."""

    strategy: Literal["linear"]
    step: Size | None = None
    """Instances or percent a step, 10 to 50 %. Default: about 25 %."""
    wait: Wait = Duration(300)
    """Bake between steps."""

    #: API:TrafficRoutingConfig: 10 to 50 % of the variant's instances.
    limit: ClassVar[SizeLimit] = SizeLimit("step", 10, 50)

    def size_for(self, fleet: Fleet) -> int | Percent:
        """The step, about a quarter of the fleet when none is given."""
        return self.step if self.step is not None else self.limit.choose(25, fleet)

    @property
    def bake(self) -> Duration:
        """Each step bakes for the wait."""
        return self.wait

    def waits(self, fleet: Fleet) -> Duration:
        """One wait between two steps, and the final bake."""
        return Duration((_steps(self.size_for(fleet), fleet) - 1) * self.wait + self.termination_wait)


class AllAtOnce(_BlueGreen):
    """A second fleet takes all traffic at once; the termination wait is its only bake."""

    strategy: Literal["all_at_once"]

    @property
    def bake(self) -> Duration:
        """The termination wait: there is no step interval."""
        return self.termination_wait

    def waits(self, fleet: Fleet) -> Duration:
        """The final bake."""
        del fleet
        return self.termination_wait


Deployment = Annotated[Rolling | Canary | Linear | AllAtOnce, Field(discriminator="strategy")]
#: Strategies that shift traffic in stages. They need two instances or more, and alarms.
Guarded = Rolling | Canary | Linear
