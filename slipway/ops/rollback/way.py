"""A way back that was checked: to which revision, how, and with which alarms; and how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from os.path import commonprefix
from typing import Any

from slipway.ops.live import Live, Revision, same_config
from slipway.ops.rollback.alarms import TemporaryAlarm
from slipway.ops.rollback.choice import UNSETTLED
from slipway.ops.rollback.contents import instance_types, variants
from slipway.ops.rollback.revisions import named
from slipway.ops.rollback.strategy import Strategy
from slipway.ops.watch.events import Outcome
from slipway.ops.watch.following import TIMEOUT

#: Seconds that a watch goes on beyond the longest time that the update may take.
_ALLOWANCE = 600.0


@dataclass(frozen=True, slots=True)
class Way:
    """A way back that was checked.

    Attributes
    ----------
    live
        The endpoint as it is.
    serving
        What it serves; ``None`` when that config is gone.
    to
        The revision to go to.
    differs
        What that differs in from what is served.
    stack
        The endpoint's stack.
    held
        The config that it holds; empty when it is not known.
    held_version
        Its version.
    strategy
        How the update runs.
    alarms
        Temporary alarms to be made.
    now
        All at once, without alarms.
    notes
        What an operator should know, a sentence each.
    """

    live: Live
    serving: Revision | None
    to: Revision
    differs: tuple[str, ...]
    stack: str
    held: str
    held_version: str
    strategy: Strategy
    alarms: tuple[TemporaryAlarm, ...] = ()
    now: bool = False
    notes: tuple[str, ...] = ()

    @property
    def there(self) -> bool:
        """Whether the endpoint serves just that already."""
        return self.live.status != UNSETTLED and same_config(self.live.config, self.to.config)

    @property
    def guardable(self) -> bool:
        """Whether the service knows guardrails for it: not for serverless variants."""
        return all(instance_types(one) for one in self.to.described["ProductionVariants"])

    @property
    def longest(self) -> float:
        """Seconds to watch unless told otherwise."""
        return max(TIMEOUT, (self.strategy.longest or 0) + _ALLOWANCE)

    @property
    def counted_alarms(self) -> str:
        """How many temporary alarms there are, and how their names begin."""
        names = [alarm.name for alarm in self.alarms]
        if len(names) == 1:
            return f"1 temporary alarm, {names[0]}"
        return f"{len(names)} temporary alarms, {commonprefix(names)}…"  # noqa: RUF071  (names, no paths)

    def request(self) -> dict[str, Any]:
        """What UpdateEndpoint is asked."""
        asked: dict[str, Any] = {"EndpointName": self.live.name, "EndpointConfigName": self.to.config}
        if not self.guardable:
            return asked
        # The live counts stay, whoever set them; the weights are the config's, as in every update.
        asked["RetainAllVariantProperties"] = True
        if len(variants(self.to.described)) > 1 and not self.strategy.keeps_weights:
            asked["ExcludeRetainedVariantProperties"] = [{"VariantPropertyType": "DesiredWeight"}]
        deployment = dict(self.strategy.config)
        if self.alarms:
            names = [{"AlarmName": alarm.name} for alarm in self.alarms]
            deployment["AutoRollbackConfiguration"] = {"Alarms": names}
        if deployment:
            asked["DeploymentConfig"] = deployment
        return asked

    def lines(self) -> Iterator[str]:
        """What would be done, for people."""
        what = named(self.serving) if self.serving else self.live.config
        yield f"{self.live.name}: {self.live.status}, serves {what}"
        if self.there:
            return
        yield f"back to {named(self.to)}; it differs in: {', '.join(self.differs) or 'nothing'}"
        if self.now:
            yield "how: all at once, no bake, no alarms (--now)"
        elif not self.guardable:
            yield "how: as the service updates serverless endpoints, which have no guardrails"
        else:
            yield f"how: {self.strategy.words} ({self.strategy.source})"
        if self.alarms:
            originals = ", ".join(alarm.like.removeprefix(f"{self.live.name}-") for alarm in self.alarms)
            yield f"guarded by {self.counted_alarms}, like {originals}"
        yield from (f"note: {note}" for note in self.notes)


@dataclass(frozen=True, slots=True)
class Ended:
    """A rollback that was watched.

    Attributes
    ----------
    outcome
        How it ended.
    tripped
        Those of its own alarms that were in ALARM then, by the alarm that each copied.
    """

    outcome: Outcome
    tripped: tuple[str, ...] = ()
