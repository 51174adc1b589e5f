"""The strategies side by side: how long each takes, how many instances it needs, and whom it harms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from slipway.rehearsal.faults import Fault
from slipway.rehearsal.rehearsal import USUAL, Assumptions, Rehearsal, rehearse, under
from slipway.rehearsal.target import Target
from slipway.rollout.capacity import Size, SizeType
from slipway.rollout.policy import BlueGreen, Policy, Rolling
from slipway.rollout.stages import Rollout
from slipway.rollout.strategies import effective, intended
from slipway.spec import deployment
from slipway.spec.deployment import Fleet
from slipway.spec.units import Percent


@dataclass(frozen=True)
class Choice:
    """One strategy for a target.

    Attributes
    ----------
    name
        ``rolling``, ``canary``, ``linear``, ``all_at_once``; of the declared one ``as declared``.
    policy
        How it runs, with the alarms that are declared.
    rollout
        Without a fault.
    rehearsals
        One for each fault.
    """

    name: str
    policy: Policy
    rollout: Rollout
    rehearsals: tuple[Rehearsal, ...]

    @property
    def peak(self) -> int:
        """The most instances, or copies, of all types that run at one time."""
        return max((stage.running("old") + stage.running("new") for stage in self.rollout.stages), default=0)


@dataclass(frozen=True)
class Comparison:
    """The strategies for one target.

    Attributes
    ----------
    target
        Which one.
    choices
        The declared strategy first.
    impossible
        The strategies that cannot be had, with why.
    """

    target: Target
    choices: tuple[Choice, ...]
    impossible: tuple[str, ...]


def compare(target: Target, faults: Sequence[Fault], assumptions: Assumptions = USUAL) -> Comparison:
    """Rehearse the same faults with every strategy.

    Parameters
    ----------
    target
        Its alarms, instances and traffic stay; only the strategy changes, with the sizes and waits that Slipway chooses
        for its instances.
    faults
        Which ones; those that it cannot have are left out.
    assumptions
        Traffic and times.

    Returns
    -------
    Comparison
        Only the declared strategy where the service has no guardrails.
    """
    possible = [fault for fault in faults if target.gpus or not fault.gpu_only]
    policies = list(_policies(target))
    sides = {name: replace(target.update, policy=policy) for name, policy in policies if isinstance(policy, Policy)}
    # Counted over different times, the numbers would say nothing.
    longest = {
        fault.name: max(intended(under(update, fault)).duration for update in sides.values()) for fault in possible
    }
    choices = tuple(
        Choice(
            name,
            update.policy,
            intended(update),
            tuple(
                rehearse(replace(target, update=update), fault, assumptions, longest=longest[fault.name])
                for fault in possible
            ),
        )
        for name, update in sides.items()
    )
    return Comparison(target, choices, tuple(f"{name}: {why}" for name, why in policies if isinstance(why, str)))


def _policies(target: Target) -> Iterator[tuple[str, Policy | str]]:
    declared = target.update.policy
    yield "as declared", declared
    _, excluded = effective(replace(target.update, policy=replace(declared, alarms=("any",))))
    if target.update.exclusion:
        yield "all others", excluded[0]
        return
    counts = [variant.new.count for variant in target.update.variants]
    fleet = Fleet(min(counts), max(counts))
    alarms = declared.alarms
    unit: SizeType = "COPY_COUNT" if target.mode == "components" else "INSTANCE_COUNT"

    def size(chosen: int | Percent) -> Size:
        return Size("CAPACITY_PERCENT", round(chosen)) if isinstance(chosen, Percent) else Size(unit, chosen)

    rolling = deployment.Rolling(strategy="rolling")
    canary, linear = deployment.Canary(strategy="canary"), deployment.Linear(strategy="linear")
    at_once = deployment.AllAtOnce(strategy="all_at_once")
    staged = "with one instance there is no part that could go first: it takes two" if fleet.lowest < 2 else ""
    several = "rolling updates exclude endpoints with several variants" if len(counts) > 1 else ""
    yield (
        "rolling",
        staged or several or Policy(Rolling(size(rolling.size_for(fleet)), rolling.wait.seconds), alarms),
    )
    if target.mode == "components":
        return
    yield (
        "canary",
        staged
        or Policy(
            BlueGreen("CANARY", size(canary.size_for(fleet)), canary.wait.seconds, canary.termination_wait.seconds),
            alarms,
        ),
    )
    yield (
        "linear",
        staged
        or Policy(
            BlueGreen("LINEAR", size(linear.size_for(fleet)), linear.wait.seconds, linear.termination_wait.seconds),
            alarms,
        ),
    )
    yield "all_at_once", Policy(BlueGreen(termination_wait=at_once.termination_wait.seconds), alarms)
