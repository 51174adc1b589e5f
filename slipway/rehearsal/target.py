"""What is rehearsed: one endpoint or inference component of a template, its update and its alarms."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from slipway.rehearsal.published import Place
from slipway.rollout.alarm import Alarm, CompositeAlarm, MetricAlarm
from slipway.rollout.composite import children
from slipway.rollout.fleets import Update
from slipway.rollout.strategies import effective
from slipway.spec import instances
from slipway.spec.scaling import Mode


@dataclass(frozen=True)
class Target:
    """One endpoint or inference component.

    Attributes
    ----------
    name
        The endpoint's or the component's name; its logical id where the name cannot be known.
    place
        Where its metrics come from.
    update
        How the next update of it runs.
    alarms
        Alarms of the template that watch it, and those that its DeploymentConfig names.
    components_gpus
        Whether an inference component is given GPUs.
    descriptions
        What alarms say of themselves, by name.
    """

    name: str
    place: Place
    update: Update
    alarms: tuple[Alarm, ...] = ()
    components_gpus: bool = False
    descriptions: Mapping[str, str] = field(default_factory=dict)

    @property
    def mode(self) -> Mode:
        """How it is hosted."""
        return self.place.mode

    @property
    def kind(self) -> str:
        """What people call it."""
        return "inference component" if self.mode == "components" else "endpoint"

    @property
    def rollback_names(self) -> tuple[str, ...]:
        """Alarms that end an update: what the service really heeds."""
        return effective(self.update)[0].alarms

    @cached_property
    def rollback(self) -> tuple[Alarm, ...]:
        """Those of them that are known, and what composite ones look at."""
        return tuple(closure(self.rollback_names, self.alarms))

    @cached_property
    def operating(self) -> tuple[Alarm, ...]:
        """Alarms that end no update."""
        return tuple(alarm for alarm in self.alarms if alarm.name not in self.rollback_names)

    @property
    def gpus(self) -> bool:
        """Whether the new fleet has GPUs."""
        if self.mode == "components":
            return self.components_gpus
        known = [instances.lookup(variant.new.type) for variant in self.update.variants]
        return any(type is not None and type.gpus for type in known)

    @property
    def metric_alarms(self) -> Iterator[MetricAlarm]:
        """All that are no composite ones."""
        return (alarm for alarm in self.alarms if isinstance(alarm, MetricAlarm))


def closure(names: Iterable[str], alarms: Iterable[Alarm]) -> Iterator[Alarm]:
    """Alarms by name, with all that composite ones among them look at, each once.

    Parameters
    ----------
    names
        The alarms wanted; unknown ones are left out.
    alarms
        Those known.

    Yields
    ------
    Alarm
        In no order that means something.
    """
    known = {alarm.name: alarm for alarm in alarms}
    waiting, seen = list(names), set()
    while waiting:
        name = waiting.pop(0)
        alarm = known.get(name)
        if alarm is None or name in seen:
            continue
        seen.add(name)
        yield alarm
        if isinstance(alarm, CompositeAlarm):
            waiting += sorted(children(alarm.rule))


def without(target: Target, names: Collection[str]) -> Target:
    """The same target with some alarms left out, of its DeploymentConfig too."""
    policy = target.update.policy
    kept = replace(policy, alarms=tuple(name for name in policy.alarms if name not in names))
    alarms = tuple(alarm for alarm in target.alarms if alarm.name not in names)
    return replace(target, update=replace(target.update, policy=kept), alarms=alarms)
