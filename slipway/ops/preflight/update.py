"""The update that a deployment would bring: what serves now and what the config wants, as a plan compares them.

The config suffices: nothing is synthesized, so this takes no time. What ``overrides`` say is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.plan.courses import Course, endpoint_course, steady
from slipway.plan.endpoints import Declared, DeclaredVariant, config_variants
from slipway.plan.live import LiveEndpoint
from slipway.rollout.capacity import Size, SizeType
from slipway.rollout.fleets import Pace
from slipway.rollout.policy import BlueGreen, Policy, Rolling
from slipway.spec import deployment as spec
from slipway.spec.deployment import Fleet
from slipway.spec.endpoint import GUARDABLE, Endpoint, Member, rollback_levels
from slipway.spec.hosting import ServerlessHosting
from slipway.spec.units import Percent

if TYPE_CHECKING:
    from slipway.ops.live import Live
    from slipway.spec.alarms import Alarms
    from slipway.spec.base import Off
    from slipway.spec.environment import Environment

#: What a variant's model, or its serverless settings, are here: that there are some is all that counts.
_SOME = "some"


@dataclass(frozen=True)
class Update:
    """An endpoint's update.

    Attributes
    ----------
    old
        What serves now; ``None`` when the endpoint is made anew.
    new
        What the config wants.
    live
        The counts, weights and scaling limits of now; ``None`` when the endpoint is made anew.
    policy
        How the update runs.
    """

    old: Declared | None
    new: Declared
    live: LiveEndpoint | None
    policy: Policy

    def course(self, pace: Pace | None = None) -> Course | None:
        """How it runs in time.

        Parameters
        ----------
        pace
            How fast the service is taken to be.

        Returns
        -------
        Course or None
            ``None`` for a first deployment, which knows no strategy.
        """
        if self.old is None:
            return None
        return endpoint_course(self.old, self.new, self.policy, live=self.live, pace=pace)

    @property
    def peak(self) -> Mapping[str, Fleet]:
        """The most instances of each type at one time: at the counts of now, and when autoscaling is at its most.

        A type of several pools is their names with ``or``.
        """
        course = self.course()
        if course is None:
            return {
                type: Fleet(int(span.low), int(span.high))
                for type, span in steady(self.new).items()
                if type and span.high
            }
        most = {type: int(span.high) for type, span in course.peak.items() if type and span.high}
        beside = course.beside or {}
        now = course.live.peak if course.live is not None else {}
        return {
            type: Fleet(now.get(type, 0) + beside.get(type, 0) if course.live is not None else count, count)
            for type, count in most.items()
        }

    @property
    def grows(self) -> Mapping[str, Fleet]:
        """The peak of the types of which the update starts instances; of others there are never more than now."""
        started = {variant.type for variant in self.new.variants}
        return {type: fleet for type, fleet in self.peak.items() if type in started}


def update_of(
    environment: Environment,
    name: str,
    live: Live | None,
    serving: Mapping[str, Any] | None,
    limits: Mapping[str, Fleet],
) -> Update:
    """Put both sides of an endpoint's update together.

    Parameters
    ----------
    environment
        The environment, for what is wanted.
    name
        The endpoint's short name.
    live
        The endpoint; ``None`` when there is none.
    serving
        What DescribeEndpointConfig answers of the config that serves; ``None`` when it is gone.
    limits
        The live scalable targets of instances, by variant's name.

    Returns
    -------
    Update
        As a plan would compare them.
    """
    endpoint = environment.endpoints[name]
    full = environment.names.endpoint(name)
    policy = policy_of(environment, name)
    new = _declared(full, endpoint)
    if live is None or serving is None:
        return Update(None, new, None, policy)
    counts = {one.name: one.count for one in live.variants if one.count is not None}
    weights = {one.name: one.weight for one in live.variants}
    now = LiveEndpoint(full, live.status, live.config, counts=counts, weights=weights, limits=limits)
    return Update(_serving(full, serving, limits), new, now, policy)


def policy_of(environment: Environment, name: str) -> Policy:
    """Read how an endpoint's next update runs from the config.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.

    Returns
    -------
    Policy
        All at once without alarms where the service knows no guardrails.
    """
    endpoint = environment.endpoints[name]
    if endpoint.mode not in GUARDABLE:
        return Policy()
    declared, fleet = endpoint.deployment, endpoint.live_fleet
    alarms, timeout = fleet_alarms(environment, name).names, declared.timeout_for(fleet).seconds
    if isinstance(declared, spec.Rolling):
        back = _size(declared.rollback_batch or Percent(100))
        return Policy(Rolling(_size(declared.size_for(fleet)), declared.wait.seconds, back, timeout), alarms)
    end = declared.termination_wait.seconds
    if isinstance(declared, spec.AllAtOnce):
        return Policy(BlueGreen(termination_wait=end, timeout=timeout), alarms)
    routing: Any = "CANARY" if isinstance(declared, spec.Canary) else "LINEAR"
    size = _size(declared.size_for(fleet))
    return Policy(BlueGreen(routing, size, declared.wait.seconds, end, timeout), alarms)


def _size(size: int | Percent, unit: SizeType = "INSTANCE_COUNT") -> Size:
    return Size("CAPACITY_PERCENT", round(size)) if isinstance(size, Percent) else Size(unit, size)


@dataclass(frozen=True, slots=True)
class Ending:
    """The alarms that end an update.

    Attributes
    ----------
    own
        Names of those that the endpoint's stack makes.
    also
        Names of somebody's own, which the config names.
    """

    own: tuple[str, ...]
    also: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.own, *self.also)

    def __add__(self, other: Ending) -> Ending:
        return Ending(*(tuple(dict.fromkeys(each)) for each in (self.own + other.own, self.also + other.also)))


def fleet_alarms(environment: Environment, name: str) -> Ending:
    """Name the alarms that end an update of an endpoint's fleet, as the constructs do.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.

    Returns
    -------
    Ending
        None where the service knows no guardrails.
    """
    endpoint = environment.endpoints[name]
    if endpoint.mode not in GUARDABLE:
        return Ending((), ())
    suffixes = [f"-{variant}" if len(endpoint.fleet) > 1 else "" for variant in endpoint.fleet]
    return _ending(environment, name, endpoint.deployment, endpoint.alarms, suffixes)


def ending_alarms(environment: Environment, name: str) -> Ending:
    """Name all alarms that end an update of an endpoint: of its fleet, and of its inference components.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.

    Returns
    -------
    Ending
        Each once.
    """
    endpoint = environment.endpoints[name]
    found = fleet_alarms(environment, name)
    for component, declared in (endpoint.components or {}).items():
        how = endpoint.deployment_of(declared)
        if isinstance(how, spec.Rolling):
            found += _ending(environment, name, how, endpoint.alarms_of(declared), [f"--{component}"])
    return found


def _ending(
    environment: Environment, name: str, how: spec.Deployment, operating: Alarms | Off, suffixes: Sequence[str]
) -> Ending:
    levels = rollback_levels(how, operating, environment.endpoints[name].mode)
    alarms = [f"rollback-{key}".replace("_", "-") + suffix for suffix in suffixes for key in levels]
    own = tuple(environment.names.alarm(name, alarm) for alarm in alarms)
    return Ending(own, how.rollback_alarms.also if how.rollback_alarms else ())


def _declared(full: str, endpoint: Endpoint) -> Declared:
    scaled = endpoint.scaling is not None and endpoint.mode in GUARDABLE
    limits = {name: endpoint.live(member) for name, member in endpoint.fleet.items()} if scaled else {}
    return Declared(
        logical_id="",
        name=full,
        properties=_retained(endpoint) if scaled else {},
        config="",
        config_properties={"AsyncInferenceConfig": {_SOME: _SOME}} if endpoint.asynchronous else {},
        variants=tuple(_variants(endpoint)),
        targets=dict.fromkeys(limits, ""),
        limits=limits,
        components=(),
        owned={},
    )


def _retained(endpoint: Endpoint) -> dict[str, Any]:
    """What the update keeps of the live endpoint, as the construct declares it."""
    applied = {"DesiredInstanceCount": endpoint.deployment.apply_capacity}
    if len(endpoint.fleet) + len(endpoint.shadows) > 1:
        applied["DesiredWeight"] = endpoint.deployment.apply_weights
    if all(applied.values()):
        return {}
    excluded = [{"VariantPropertyType": key} for key, yes in applied.items() if yes]
    return {"RetainAllVariantProperties": True, "ExcludeRetainedVariantProperties": excluded}


def _variants(endpoint: Endpoint) -> Iterator[DeclaredVariant]:
    for shadow, members in ((False, endpoint.fleet), (True, endpoint.shadows)):
        for name, member in members.items():
            yield _variant(name, member, shadow=shadow)


def _variant(name: str, member: Member, *, shadow: bool) -> DeclaredVariant:
    hosting, model = member.hosting, _SOME if member.model else ""
    if isinstance(hosting, ServerlessHosting):
        return DeclaredVariant(name, 0, "", member.weight, model, {_SOME: _SOME}, shadow)
    managed = Fleet(hosting.managed_scaling.min, hosting.managed_scaling.max) if hosting.managed_scaling else None
    # In the order in which the template lists them.
    types = [pool.instance_type for pool in hosting.pools] if hosting.pools else hosting.types
    return DeclaredVariant(name, hosting.instances, " or ".join(types), member.weight, model, {}, shadow, managed)


def _serving(full: str, described: Mapping[str, Any], limits: Mapping[str, Fleet]) -> Declared:
    variants = tuple(config_variants(described))
    return Declared("", full, {}, "", described, variants, dict.fromkeys(limits, ""), limits, (), {})
