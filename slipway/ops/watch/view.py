"""An update at one moment, as it is shown: what moves, how far it is, and what the fleets and alarms say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from slipway.ops.live import Live, same_config
from slipway.ops.watch.progress import Position, Sighting
from slipway.ops.watch.snapshot import AlarmSeen, ConfigSeen, Requests, Snapshot
from slipway.rollout.declared import DeclarationError
from slipway.rollout.fleets import Instances, Update, Variant
from slipway.rollout.policy import Policy, Rolling
from slipway.rollout.policy import read as read_policy
from slipway.rollout.stages import Kind, Rollout, Stage
from slipway.rollout.strategies import effective
from slipway.spec.units import Duration

_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Fleet:
    """One fleet.

    Attributes
    ----------
    side
        ``new``, ``old``; ``all`` where there is one only.
    config
        Its endpoint config.
    share
        Of the traffic, from 0 to 1; ``None`` where that is not known.
    current, desired
        Instances; ``None`` for serverless variants.
    requests
        What it answered; ``None`` where that is not known.
    """

    side: str
    config: ConfigSeen
    share: float | None
    current: int | None
    desired: int | None
    requests: Requests | None

    @property
    def instances(self) -> str:
        """Such as ``1 of 3``."""
        if self.current is None and self.desired is None:
            return ""
        return f"{self.current or 0} of {self.desired}" if self.desired is not None else str(self.current)


@dataclass(frozen=True, slots=True)
class View:
    """What is shown.

    Attributes
    ----------
    endpoint
        Full name.
    at
        When, by AWS's clock.
    status
        EndpointStatus.
    headline
        What moves, and how.
    stage
        What happens now, in words.
    position
        Where that is in the rollout; ``None`` where there is none.
    began
        When the update began, or was first seen.
    fleets
        The new one first.
    alarms
        Of the DeploymentConfig; ``None`` where they cannot be seen.
    """

    endpoint: str
    at: datetime
    status: str
    headline: str
    stage: str
    position: Position | None
    began: datetime
    fleets: tuple[Fleet, ...]
    alarms: tuple[AlarmSeen, ...] | None

    @property
    def elapsed(self) -> float:
        """Seconds since the update began."""
        return max(0.0, (self.at - self.began).total_seconds())


def update_of(snapshot: Snapshot) -> Update | None:
    """What moves, for ``slipway.rollout``.

    Parameters
    ----------
    snapshot
        One look.

    Returns
    -------
    Update or None
        ``None`` while no update to another config is under way, and where the service has a DeploymentConfig that the
        model does not know.
    """
    live = snapshot.live
    if live is None or live.pending is None or live.status == "Creating":
        return None
    try:
        policy = read_policy(snapshot.deployment)
    except DeclarationError:
        return None
    new, old = snapshot.config(live.pending.config), snapshot.config(live.config)
    before = {variant.name: variant for variant in old.variants}
    coming = {variant.name: variant for variant in live.pending.variants}
    variants = []
    for name in tuple(coming) or tuple(variant.name for variant in new.variants):
        declared = next((variant for variant in new.variants if variant.name == name), None)
        now, then = live.variant(name), coming.get(name)
        counts = [count for count in (now and now.count, now and now.desired_count) if count]
        wanted = then.desired_count if then else None
        variants.append(
            Variant(
                name,
                Instances(max(counts, default=0), before[name].type if name in before else ""),
                Instances((declared.count if declared else 0) if wanted is None else wanted, _type(declared)),
                then.desired_weight if then else declared.weight if declared else 1.0,
            )
        )
    hosting = {variant.hosting for variant in new.variants}
    exclusion = {"serverless": "serverless endpoints", "components": "endpoints of inference components"}
    why = next((words for kind, words in exclusion.items() if kind in hosting), "")
    return Update(policy, tuple(variants), exclusion=why) if variants else None


def _type(declared: object) -> str:
    return str(getattr(declared, "type", ""))


def fleets_of(snapshot: Snapshot, share: float | None) -> tuple[Fleet, ...]:
    """The fleets of an endpoint, the new one first.

    Parameters
    ----------
    snapshot
        One look.
    share
        Of the new fleet; ``None`` where that is not known.

    Returns
    -------
    tuple of Fleet
        One while no update is under way.
    """
    live = snapshot.live
    if live is None:
        return ()
    old = snapshot.config(live.config)
    if live.pending is None or (live.config and same_config(live.pending.config, live.config)):
        return (Fleet("all", old, None, *_counts(live, new=False), None),)
    new = Fleet("new", snapshot.config(live.pending.config), share, *_counts(live, new=True), snapshot.new)
    if not live.config or not live.variants:
        return (new,)
    left = None if share is None else 1 - share
    return (new, Fleet("old", old, left, *_counts(live, new=False), snapshot.old))


def _counts(live: Live, *, new: bool) -> tuple[int | None, int | None]:
    variants = live.pending.variants if new and live.pending else live.variants
    current = [one.count for one in variants if one.count is not None]
    desired = [one.desired_count for one in variants if one.desired_count is not None]
    return sum(current) if current else None, sum(desired) if desired else None


def lasting(seconds: float) -> str:
    """A duration for people, no more precise than it is known: ``45s``, ``4m50s``, ``12m``."""
    step = 1 if seconds < _MINUTE else 10 if seconds < 10 * _MINUTE else _MINUTE
    return str(Duration(round(max(0.0, seconds) / step) * step))


def share(part: float) -> str:
    """A share of the traffic: ``33 %``."""
    return f"{part * 100:.0f} %"


def strategy(rollout: Rollout) -> str:
    """How an update runs: ``canary, 2 steps, 15m of bakes``."""
    policy, _ = effective(rollout.update)
    steps = max((stage.steps for stage in rollout.stages), default=1)
    noun = "batch" if isinstance(policy.strategy, Rolling) else "step"
    plural = "es" if noun == "batch" else "s"
    said = [policy.name.replace("_", " ")]
    if steps > 1:
        said.append(f"{steps} {noun}{plural}")
    said.append(f"{lasting(rollout.waits)} of bakes" if rollout.waits else "no bake")
    return ", ".join(said)


def watchers(policy: Policy) -> str:
    """How many alarms watch an update."""
    count = len(policy.alarms)
    return {0: "no alarm watches it", 1: "1 alarm watches it"}.get(count, f"{count} alarms watch it")


def label(stage: Stage, rollout: Rollout) -> str:
    """What happens in a stage: ``baking, step 1 of 2``."""
    count = {
        Kind.PROVISION: sum(one.old.starting if stage.rolling_back else one.new.starting for one in stage.variants),
        Kind.TERMINATE: sum(one.new.stopping if stage.rolling_back else one.old.stopping for one in stage.variants),
    }.get(stage.kind, 0)
    coming, going = ("old", "new") if stage.rolling_back else ("new", "old")
    instances = f"{count} {{}} instance{'' if count == 1 else 's'}" if count else "{} instances"
    words = {
        Kind.PROVISION: f"provisioning {instances.format(coming)}",
        Kind.SHIFT: "shifting traffic",
        Kind.BAKE: "baking",
        Kind.FINAL_BAKE: "final bake",
        Kind.TERMINATE: f"removing {instances.format(going)}",
        Kind.STEADY: "updating",
    }[stage.kind]
    noun = "batch" if isinstance(effective(rollout.update)[0].strategy, Rolling) else "step"
    # A final bake belongs to all of it, and so does the only step of an update all at once.
    step = f", {noun} {stage.step} of {stage.steps}" if stage.steps > 1 else ""
    return f"{'rolling back: ' if stage.rolling_back else ''}{words}{step}"


def remaining(position: Position) -> str:
    """How long it takes: ``10m left; all done in about 15m``."""
    if position.late:
        return f"for {lasting(position.spent)} now, longer than the {lasting(position.seconds)} that is assumed"
    left = f"{lasting(position.stage_left)} left" if position.baking else ""
    # What follows a final bake takes no time that anybody knows.
    beyond = position.left - position.stage_left if position.baking else position.left
    total = f"all done in about {lasting(position.left)}" if beyond >= 1 else ""
    return "; ".join(one for one in (left, total) if one)


def traffic_of(position: Position | None, seen: Sighting | None) -> float | None:
    """The new fleet's share: as the weights tell, else as the model has it for where the update stands."""
    if seen is not None and seen.share is not None:
        return seen.share
    return position.stage.traffic.new if position else None
