"""What an update moves: the variants with their old and new instances, and how fast the service is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from slipway.rollout.policy import Policy
from slipway.spec.deployment import Fleet

#: How long it takes until new instances serve, in seconds. **An assumption**: SageMaker documents no figure. Ten
#: minutes suit a container of a few GB; large models take far longer. ``slipway.spec.deployment.PROVISIONING`` is no
#: estimate, but what the derived maximum time allows for.
PROVISION_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the service works, in seconds. **Assumptions**: none of it is documented.

    Attributes
    ----------
    provision
        Until new instances, or copies, serve; those of one stage come at the same time.
    shift
        Until traffic has moved. By default none, so that the stages add up to provisioning and waits.
    terminate
        Until instances are gone. By default none.
    start
        Until the first instances are asked for. By default none. Alarms look at whole minutes, so it matters by how
        much an update begins beside one.
    """

    provision: float = PROVISION_SECONDS
    shift: float = 0.0
    terminate: float = 0.0
    start: float = 0.0


@dataclass(frozen=True, slots=True)
class Instances:
    """One fleet of one variant.

    Attributes
    ----------
    count
        Instances, or copies of an inference component; 0 for serverless.
    type
        Such as ``ml.m5.large``; empty where it is not known or means nothing.
    """

    count: int
    type: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant, before and after.

    Attributes
    ----------
    name
        The variant's, or the inference component's.
    old, new
        What runs when the update comes, and what runs after it.
    weight
        Its share of the endpoint's traffic, relative to the other variants'.
    limits
        The counts between which autoscaling moves it; ``None`` without autoscaling.
    """

    name: str
    old: Instances
    new: Instances
    weight: float = 1.0
    limits: Fleet | None = None

    @classmethod
    def of(cls, name: str, count: int, type: str = "", *, weight: float = 1.0, limits: Fleet | None = None) -> Variant:
        """A variant whose instances stay as they are: the model changes.

        Parameters
        ----------
        name, weight, limits
            As the attributes.
        count, type
            Of both fleets.

        Returns
        -------
        Variant
            The variant.
        """
        return cls(name, Instances(count, type), Instances(count, type), weight, limits)

    def scaled_to(self, count: int) -> Variant:
        """The same with another count of both fleets, as autoscaling may have set it."""
        return replace(self, old=replace(self.old, count=count), new=replace(self.new, count=count))


@dataclass(frozen=True, slots=True)
class Update:
    """An update of an endpoint, or of an inference component.

    Attributes
    ----------
    policy
        How it runs, from ``slipway.rollout.policy.read``.
    variants
        All that it moves; at least one.
    pace
        How fast the service works.
    exclusion
        Why the service has no guardrails for the endpoint as far as only the caller can know, such as ``serverless
        endpoints`` or ``Marketplace containers``; empty when it has. Inf1 and rolling with several variants are known.
    """

    policy: Policy
    variants: tuple[Variant, ...]
    pace: Pace = Pace()
    exclusion: str = ""

    def __post_init__(self) -> None:
        if not self.variants:
            raise ValueError("an update moves at least one variant")

    @property
    def weights(self) -> tuple[float, ...]:
        """Each variant's share of the endpoint's traffic; they add up to 1. Equal ones where all weights are 0."""
        total = sum(variant.weight for variant in self.variants)
        if not total:
            return tuple(1 / len(self.variants) for _ in self.variants)
        return tuple(variant.weight / total for variant in self.variants)

    def at_lowest(self) -> Update:
        """The same while autoscaling has every variant at its lowest count."""
        return replace(self, variants=tuple(v.scaled_to(v.limits.lowest) if v.limits else v for v in self.variants))

    def at_highest(self) -> Update:
        """The same while autoscaling has every variant at its highest count: reckon peak and cost from it."""
        return replace(self, variants=tuple(v.scaled_to(v.limits.highest) if v.limits else v for v in self.variants))
