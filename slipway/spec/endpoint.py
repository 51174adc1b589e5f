"""One endpoint: what it serves, where, and how it is updated, scaled and watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from slipway.spec.alarms import Alarms
from slipway.spec.base import Off, Spec, VariantName
from slipway.spec.deployment import Deployment, Fleet
from slipway.spec.hosting import Hosting
from slipway.spec.model import Model, Version
from slipway.spec.scaling import Scaling
from slipway.spec.units import Duration, Percent

#: The name of the variant when there is but one. It must never change: an update has to keep the names of variants.
ONLY_VARIANT = "primary"


class Variant(Spec):
    """One production variant."""

    model: Model
    hosting: Hosting
    weight: Annotated[float, Field(ge=0)] = 1.0
    """Its share of the traffic, relative to the other variants'; 0 is allowed."""


class Sample(Spec):
    """A request to try an endpoint with."""

    body: str
    """What is sent."""
    content_type: str = "application/json"
    """Its type."""


class Endpoint(Spec):
    """An endpoint."""

    version: Version
    """The model's version; a new one is an update."""
    model: Model | None = None
    """What it serves; `variants` instead for several."""
    hosting: Hosting | None = None
    """Where it runs; `variants` instead for several."""
    variants: Annotated[dict[VariantName, Variant], Field(min_length=1, max_length=10)] | None = None
    """Several models by weight, instead of `model` and `hosting`."""
    deployment: Deployment
    """How an update reaches the fleet. Default: rolling where guarded, else all at once."""
    scaling: Scaling | None = None
    """Autoscaling of every variant. Default: on where guarded."""
    alarms: Alarms | Off = Field(default_factory=Alarms)
    """Operating alarms."""
    sample: Sample | None = None
    """A request to try it with after a deployment."""
    dashboard: bool = True
    """A dashboard with the key metrics."""
    log_retention: Duration
    """How long the containers' log lines are kept. Default: 90d where guarded, else 14d."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags besides the project's own."""

    @property
    def fleet(self) -> Mapping[str, Variant]:
        """Its variants by name; a single model is the variant ``primary``."""
        if self.variants is not None:
            return self.variants
        if self.model is None or self.hosting is None:
            return {}
        return {ONLY_VARIANT: Variant(model=self.model, hosting=self.hosting)}

    def live(self, variant: Variant) -> Fleet:
        """The instance counts that a variant can have when an update comes.

        Parameters
        ----------
        variant
            One of its variants.

        Returns
        -------
        Fleet
            Between the scaling limits, or the config's count.
        """
        if self.scaling is None:
            return Fleet(variant.hosting.instances, variant.hosting.instances)
        return Fleet(self.scaling.lowest, self.scaling.highest)

    @property
    def live_fleet(self) -> Fleet:
        """From the fewest instances that any variant can have to the most: one size has to fit them all."""
        fleets = [self.live(variant) for variant in self.fleet.values()] or [Fleet(0, 0)]
        return Fleet(min(f.lowest for f in fleets), max(f.highest for f in fleets))

    def version_of(self, variant: Variant) -> str:
        """The version of a variant's model, as a tag's value."""
        return str(variant.model.version if variant.model.version is not None else self.version)

    @property
    def rollback_levels(self) -> Mapping[str, Duration | Percent]:
        """Levels of its own rollback alarms: ``latency``, ``errors_5xx`` and ``model_errors`` as far as they are on.

        A level that is not given is the operating alarm's; where that is off, the operating alarms' default.
        """
        rollback = self.deployment.rollback_alarms
        if not rollback:
            return {}
        operating, default = self.alarms or Alarms(), Alarms()
        levels: dict[str, Duration | Percent] = {}
        for key in ("latency", "errors_5xx", "model_errors"):
            own = getattr(rollback, key)
            if own is not False:
                levels[key] = own if own is not None else getattr(operating, key) or getattr(default, key)
        return levels
