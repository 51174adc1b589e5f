"""One endpoint: what it serves, where, and how it is updated, scaled and watched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from slipway.spec.alarms import ROLLBACK_LEVELS, Alarms
from slipway.spec.asynchronous import Asynchronous
from slipway.spec.base import Off, ShortName, Spec, VariantName
from slipway.spec.budget import Budget
from slipway.spec.capture import Capture
from slipway.spec.component import Component
from slipway.spec.deployment import AllAtOnce, Deployment, Fleet
from slipway.spec.explainer import Explainer
from slipway.spec.hosting import AnyHosting, ServerlessHosting
from slipway.spec.metrics import Metrics
from slipway.spec.model import AnyModel, Container, Version
from slipway.spec.overrides import Overrides
from slipway.spec.sample import Sample
from slipway.spec.scaling import Mode, Scaling
from slipway.spec.units import Duration, Percent, between

#: The name of the variant when there is but one. It must never change: an update has to keep the names of variants.
ONLY_VARIANT = "primary"
#: The name of the shadow variant.
SHADOW = "shadow"
#: Developer Guide, "Deployment guardrails": real-time and asynchronous endpoints have them.
GUARDABLE: tuple[Mode, ...] = ("instances", "asynchronous")
#: How an endpoint is updated that knows no guardrails: nothing is said, and the service does what it does.
UNGUARDED = AllAtOnce(strategy="all_at_once", termination_wait=Duration(0), rollback_alarms=False)


class Variant(Spec):
    """One production variant."""

    model: AnyModel
    """What it serves."""
    hosting: AnyHosting
    """Where it runs."""
    weight: Annotated[float, Field(ge=0)] = 1.0
    """Its share of the traffic, relative to the other variants'; 0 is allowed."""


class Shadow(Spec):
    """A variant that gets copies of the requests, and whose answers nobody sees."""

    model: AnyModel
    """What it serves."""
    hosting: AnyHosting
    """Where it runs."""
    share: Annotated[Percent, between(Percent(1), Percent(100), "a share of the requests")] = Percent(100)
    """Share of the requests that it gets a copy of."""


@dataclass(frozen=True)
class Member:
    """One variant of an endpoint's fleet.

    Attributes
    ----------
    hosting
        Where it runs.
    model
        What it serves; ``None`` where inference components bring the models.
    weight
        Its share of the traffic.
    at
        Keys from the endpoint to the mapping that holds its `model` and `hosting`.
    """

    hosting: AnyHosting
    model: AnyModel | None
    weight: float
    at: tuple[str, ...]


@dataclass(frozen=True)
class Served:
    """A model that an endpoint serves.

    Attributes
    ----------
    id
        The variant's or the component's name.
    model
        The model.
    version
        Its version, as a tag's value.
    at
        Keys from the endpoint to the model.
    component
        Whether it is a component's.
    """

    id: str
    model: AnyModel
    version: str
    at: tuple[str, ...]
    component: bool = False

    @property
    def containers(self) -> Iterator[tuple[tuple[str, ...], str, Container]]:
        """Its containers, in their order: keys from the endpoint, name (empty for a single one), container."""
        for name, container in self.model.containers.items():
            yield ((*self.at, "containers", name) if name else self.at), name, container


class Endpoint(Spec):
    """An endpoint."""

    version: Version
    """The model's version; a new one is an update."""
    model: AnyModel | None = None
    """What it serves; `variants` instead for several by weight, `components` for several on one fleet."""
    hosting: AnyHosting | None = None
    """Where it runs; `variants` instead for several."""
    variants: Annotated[dict[VariantName, Variant], Field(min_length=1, max_length=10)] | None = None
    """Several models by weight, instead of `model` and `hosting`."""
    shadow: Shadow | None = None
    """A second model that gets copies of the requests."""
    components: Annotated[dict[ShortName, Component], Field(min_length=1)] | None = None
    """Several models on the fleet that `hosting` describes, instead of `model`."""
    asynchronous: Asynchronous | None = None
    """Queue the requests and write the answers to S3."""
    deployment: Deployment
    """How an update reaches the fleet, or the copies of components. Default: where guarded rolling, or canary with
    several variants; else all at once. Serverless endpoints have none."""
    scaling: Scaling | None = None
    """Autoscaling of every variant or component. Default: on where guarded, but off for serverless."""
    alarms: Alarms | Off = Field(default_factory=Alarms)
    """Operating alarms."""
    capture: Capture | None = None
    """Keep copies of requests and responses in S3."""
    explainer: Explainer | None = None
    """Explain answers online with SageMaker Clarify."""
    metrics: Metrics | None = None
    """Enhanced metrics. Default: the service's usual ones."""
    budget: Budget | None = None
    """What it may cost."""
    keep: bool | Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] = False
    """Keep it although nobody uses it: `true`, or through a day such as `2026-12-31`. In dev, where idle ones go."""
    sample: Sample | None = None
    """A request to try it with after a deployment."""
    dashboard: bool = True
    """A dashboard with the key metrics."""
    log_retention: Duration
    """How long the containers' log lines are kept. Default: 90d where guarded, else 14d."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags besides the project's own."""
    overrides: Overrides = Field(default_factory=Overrides)
    """Properties that the spec has no word for, as CloudFormation spells them."""

    @property
    def mode(self) -> Mode:
        """How it is hosted: what answers, and so what is published, watched and scaled."""
        if self.components is not None:
            return "components"
        if self.asynchronous is not None:
            return "asynchronous"
        serverless = any(isinstance(member.hosting, ServerlessHosting) for member in self.fleet.values())
        return "serverless" if serverless else "instances"

    @property
    def fleet(self) -> Mapping[str, Member]:
        """Its production variants by name; a single one is ``primary``."""
        if self.variants is not None:
            return {
                name: Member(variant.hosting, variant.model, variant.weight, ("variants", name))
                for name, variant in self.variants.items()
            }
        if self.hosting is None or (self.model is None and self.components is None):
            return {}
        return {ONLY_VARIANT: Member(self.hosting, None if self.components else self.model, 1.0, ())}

    @property
    def shadows(self) -> Mapping[str, Member]:
        """Its shadow variant by name, if it has one; its weight is the share of the requests, from 0 to 1."""
        if self.shadow is None:
            return {}
        return {SHADOW: Member(self.shadow.hosting, self.shadow.model, self.shadow.share.ratio, ("shadow",))}

    @property
    def served(self) -> Iterator[Served]:
        """Every model that it serves: of the variants, the shadow and the components."""
        for name, member in {**self.fleet, **self.shadows}.items():
            if member.model is not None:
                yield self._served(name, member.model, (*member.at, "model"))
        for name, component in (self.components or {}).items():
            if component.model is not None:
                yield self._served(name, component.model, ("components", name, "model"), component=True)
            for kind, resources in (component.on or {}).items():
                if resources.model is not None:
                    at = ("components", name, "on", kind, "model")
                    yield self._served(f"{name}-{kind.replace('.', '-')}", resources.model, at, component=True)

    def _served(self, id: str, model: AnyModel, at: tuple[str, ...], *, component: bool = False) -> Served:
        version = model.version if model.version is not None else self.version
        return Served(id, model, str(version), at, component)

    def live(self, member: Member) -> Fleet:
        """The instance counts that a variant can have when an update comes.

        Parameters
        ----------
        member
            One of its variants.

        Returns
        -------
        Fleet
            Between the scaling limits, or the config's count; none where there are no instances of its own.
        """
        if isinstance(member.hosting, ServerlessHosting):
            return Fleet(0, 0)
        managed = member.hosting.managed_scaling
        if self.components is not None:
            return Fleet(managed.min, managed.max) if managed else Fleet(*[member.hosting.instances] * 2)
        if self.scaling is None:
            return Fleet(member.hosting.instances, member.hosting.instances)
        return Fleet(self.scaling.lowest, self.scaling.highest)

    @property
    def live_fleet(self) -> Fleet:
        """From the fewest instances that any variant can have to the most: one size has to fit them all."""
        fleets = [self.live(member) for member in self.fleet.values()] or [Fleet(0, 0)]
        return Fleet(min(f.lowest for f in fleets), max(f.highest for f in fleets))

    def scaling_of(self, component: Component) -> Scaling | None:
        """How a component's copies are scaled: as it says itself, else as its endpoint does."""
        own = self.scaling if component.scaling is None else component.scaling
        return own or None

    def copies_of(self, component: Component) -> Fleet:
        """The counts of copies that a component can have when an update comes."""
        scaling = self.scaling_of(component)
        if scaling is None:
            return Fleet(component.copies, component.copies)
        return Fleet(scaling.lowest, scaling.highest)

    def deployment_of(self, component: Component) -> Deployment:
        """How an update reaches a component: as it says itself, else as its endpoint does."""
        return component.deployment or self.deployment

    def alarms_of(self, component: Component) -> Alarms | Off:
        """A component's operating alarms: its own, else its endpoint's."""
        return self.alarms if component.alarms is None else component.alarms

    @property
    def rollback_levels(self) -> Mapping[str, Duration | Percent]:
        """Levels of its own rollback alarms: ``latency``, ``errors_5xx`` and ``model_errors`` as far as they are on."""
        return rollback_levels(self.deployment, self.alarms, self.mode)


def rollback_levels(deployment: Deployment, alarms: Alarms | Off, mode: Mode) -> Mapping[str, Duration | Percent]:
    """Levels of the rollback alarms of an update, as far as they are on.

    Parameters
    ----------
    deployment
        How the update runs.
    alarms
        The operating alarms: a level that is not given is theirs; where that is off, their default.
    mode
        How the endpoint is hosted, which decides what is published.

    Returns
    -------
    Mapping
        Level by key: ``latency``, ``errors_5xx`` and ``model_errors``.
    """
    rollback = deployment.rollback_alarms
    if not rollback:
        return {}
    operating, default = alarms or Alarms(), Alarms()
    levels: dict[str, Duration | Percent] = {}
    for key in ROLLBACK_LEVELS[mode]:
        own = getattr(rollback, key)
        if own is not False:
            levels[key] = own if own is not None else getattr(operating, key) or getattr(default, key)
    return levels
