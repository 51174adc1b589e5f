"""What a template declares, as targets of a rehearsal, and what about it cannot be rehearsed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from slipway.local.engine.errors import TemplateError
from slipway.plan.assembly import Assembly, Stack
from slipway.plan.endpoints import (
    ALARMS,
    COMPONENT,
    CONFIG,
    ENDPOINT,
    TARGET,
    Declared,
    DeclaredComponent,
    declared,
)
from slipway.plan.resolution import CLOSE, OPEN, Resource, resource, symbolic
from slipway.rehearsal.findings import Finding
from slipway.rehearsal.published import Place
from slipway.rehearsal.shape import shaped
from slipway.rehearsal.target import Target
from slipway.rollout.alarm import Alarm, CompositeAlarm, MetricAlarm
from slipway.rollout.alarm import read as read_alarm
from slipway.rollout.composite import children
from slipway.rollout.declared import DeclarationError
from slipway.rollout.expressions import ExpressionError
from slipway.rollout.fleets import Instances, Pace, Update, Variant
from slipway.rollout.history import metric_history
from slipway.rollout.policy import Policy
from slipway.rollout.policy import read as read_policy
from slipway.spec.deployment import Fleet
from slipway.spec.errors import dotted
from slipway.spec.scaling import Mode

USUAL_PACE = Pace()
#: What becomes of functions that are none, such as a Ref to a list.
_MALFORMED = (TemplateError, TypeError, ValueError, KeyError, IndexError, AttributeError)
#: Types whose properties are read here.
_READ = (ENDPOINT, CONFIG, COMPONENT, TARGET, *ALARMS)


@dataclass(frozen=True)
class Declarations:
    """All that can be rehearsed.

    Attributes
    ----------
    targets
        Endpoints and inference components, in the order of the template.
    findings
        What was wrong with their declarations, by the target's name; by an empty one for what belongs to none.
    """

    targets: tuple[Target, ...]
    findings: Mapping[str, tuple[Finding, ...]]


def declarations(assembly: Assembly, pace: Pace = USUAL_PACE, *, highest: bool = False) -> Declarations:
    """Find what can be rehearsed.

    Parameters
    ----------
    assembly
        The templates.
    pace
        How fast the service is taken to be.
    highest
        Whether autoscaling has every fleet at its highest count; by default it is where the template has it, or at the
        lowest count where that is more.

    Returns
    -------
    Declarations
        Perhaps without any target.
    """
    resources: dict[str, dict[str, Resource]] = {}
    findings: dict[str, tuple[Finding, ...]] = {}
    for name, stack in assembly.stacks.items():
        resources[name], misshapen = _resources(stack)
        if misshapen:
            findings[""] = (*findings.get("", ()), *misshapen)
    known = {name: dict(_alarms(those)) for name, those in resources.items()}
    descriptions = dict(_descriptions(resources.values()))
    targets: list[Target] = []
    for where, own in resources.items():
        # What another stack leaves without a name cannot be meant here.
        elsewhere = {
            name: found
            for other, alarms in known.items()
            if other != where
            for name, found in alarms.items()
            if OPEN not in name
        }
        for endpoint in declared(own):
            for target, noted in _targets(endpoint, own, {**elsewhere, **known[where]}, pace, highest=highest):
                if target is not None:
                    targets.append(replace(target, descriptions=descriptions))
                findings[target.name if target else ""] = (*findings.get(target.name if target else "", ()), *noted)
    return Declarations(tuple(targets), findings)


def _resources(stack: Stack) -> tuple[dict[str, Resource], list[Finding]]:
    """Those that are there, with functions answered, and what is wrong with the shape of those that matter here."""
    found: dict[str, Resource] = {}
    findings: list[Finding] = []
    try:
        resolver = symbolic(stack)
        active = resolver.active()
    except _MALFORMED as error:
        text = f"The template of {stack.name} cannot be read: its parameters or conditions are malformed ({error!r})."
        return {}, [Finding("misshapen", text)]
    for name, definition in active.items():
        try:
            found[name] = resource(resolver, name, definition)
        except _MALFORMED as error:
            text = f"{name} cannot be read: a function in it is malformed ({error!r}). It is left out."
            findings.append(Finding("misshapen", text))
            continue
        if found[name].type in _READ:
            found[name], misshapen = shaped(found[name])
            findings += misshapen
    return found, findings


def _alarms(resources: Mapping[str, Resource]) -> Iterator[tuple[str, Alarm | Finding]]:
    """Each alarm by its name: read, or why it cannot be."""
    for one in resources.values():
        if one.type not in ALARMS:
            continue
        name = _alarm_name(one)
        try:
            alarm = read_alarm(name, one.properties)
            if isinstance(alarm, MetricAlarm):
                # An expression is only understood when it is evaluated.
                metric_history(alarm, {}, 0, 0)
            yield name, alarm
        except DeclarationError as error:
            wrong = "; ".join(f"{dotted(problem.path)}: {problem.message}" for problem in error.problems)
            yield name, Finding("unreadable-alarm", f"The alarm {name} cannot be rehearsed: {wrong}.", alarm=name)
        except ExpressionError as error:
            yield name, Finding("unreadable-alarm", f"The alarm {name} cannot be rehearsed: {error}", alarm=name)


def _descriptions(stacks: Iterable[Mapping[str, Resource]]) -> Iterator[tuple[str, str]]:
    for resources in stacks:
        for one in resources.values():
            if one.type in ALARMS:
                yield _alarm_name(one), str(one.properties.get("AlarmDescription") or "")


def _alarm_name(alarm: Resource) -> str:
    given = alarm.properties.get("AlarmName")
    return given if isinstance(given, str) and given else f"{OPEN}{alarm.logical_id}{CLOSE}"


def _targets(
    endpoint: Declared,
    resources: Mapping[str, Resource],
    alarms: Mapping[str, Alarm | Finding],
    pace: Pace,
    *,
    highest: bool,
) -> Iterator[tuple[Target | None, tuple[Finding, ...]]]:
    if endpoint.hosts_components:
        for component in endpoint.components:
            gpus = "NumberOfAcceleratorDevicesRequired" in str(resources[component.logical_id].properties)
            yield _target(
                component.name,
                Place(endpoint.name, "", "components"),
                (_copies(component, highest=highest),),
                component.policy,
                alarms,
                pace,
                gpus=gpus,
            )
        if not endpoint.components:
            text = f"{endpoint.name} hosts inference components, and the template has none of them: there is no model."
            yield None, (Finding("nothing-to-rehearse", text),)
        return
    if not endpoint.production:
        what = endpoint.properties.get("EndpointConfigName")
        text = (
            f"{endpoint.name} cannot be rehearsed: its endpoint config, {what}, is not in the template, so its "
            "variants and instances are not known. Give the template that has both, or the folder with all templates."
        )
        yield None, (Finding("no-endpoint-config", text),)
        return
    mode: Mode = (
        "serverless"
        if any(variant.serverless for variant in endpoint.production)
        else "asynchronous"
        if endpoint.asynchronous
        else "instances"
    )
    place = Place(endpoint.name, _config_name(endpoint), mode)
    variants = tuple(
        Variant(
            variant.name,
            fleet := Instances(_count(variant.count, endpoint.counts(variant), highest=highest), variant.type),
            fleet,
            variant.weight,
            endpoint.limits.get(variant.name) or variant.managed,
        )
        for variant in endpoint.production
    )
    exclusion = "serverless endpoints" if mode == "serverless" else ""
    policy = endpoint.properties.get("DeploymentConfig")
    yield _target(endpoint.name, place, variants, policy, alarms, pace, exclusion=exclusion)


def _config_name(endpoint: Declared) -> str:
    given = endpoint.config_properties.get("EndpointConfigName")
    return given if isinstance(given, str) else f"{OPEN}{endpoint.config}.EndpointConfigName{CLOSE}"


def _copies(component: DeclaredComponent, *, highest: bool) -> Variant:
    fleet = component.limits or Fleet(component.copies, component.copies)
    copies = Instances(_count(component.copies, fleet, highest=highest))
    return Variant(component.name, copies, copies, limits=component.limits)


def _count(given: int, fleet: Fleet, *, highest: bool) -> int:
    return fleet.highest if highest else min(max(given, fleet.lowest), fleet.highest)


def _target(
    name: str,
    place: Place,
    variants: tuple[Variant, ...],
    config: object,
    alarms: Mapping[str, Alarm | Finding],
    pace: Pace,
    *,
    exclusion: str = "",
    gpus: bool = False,
) -> tuple[Target, tuple[Finding, ...]]:
    findings: list[Finding] = []
    try:
        policy = read_policy(config)
    except DeclarationError as error:
        policy = Policy()
        for problem in error.problems:
            text = f"DeploymentConfig.{dotted(problem.path)}: {problem.message}. The service refuses it."
            findings.append(Finding("refused", text))
        findings.append(
            Finding("refused", "What follows takes the update as all at once, without alarms: there is nothing else.")
        )
    target = Target(name, place, Update(policy, variants, pace, exclusion), (), gpus)
    mine: list[Alarm] = []
    for alarm_name, alarm in alarms.items():
        if isinstance(alarm, Finding):
            if alarm_name in policy.alarms:
                findings.append(alarm)
        elif alarm_name in policy.alarms or _watches(alarm, target):
            mine.append(alarm)
    names = {alarm.name for alarm in mine}
    while further := [
        alarm
        for alarm in alarms.values()
        if not isinstance(alarm, Finding)
        and alarm.name not in names
        and (
            (isinstance(alarm, CompositeAlarm) and children(alarm.rule) & names)
            or any(isinstance(one, CompositeAlarm) and alarm.name in children(one.rule) for one in mine)
        )
    ]:
        mine += further
        names |= {alarm.name for alarm in further}
    endless = _endless(mine)
    if endless:
        text = f"The composite alarms {', '.join(endless)} look at each other in a circle: none of them is rehearsed."
        findings.append(Finding("unreadable-alarm", text))
    return replace(target, alarms=tuple(alarm for alarm in mine if alarm.name not in endless)), tuple(findings)


def _endless(alarms: Sequence[Alarm]) -> list[str]:
    """Composite alarms that look at each other in a circle, and those that look at them."""
    waiting = {alarm.name: children(alarm.rule) for alarm in alarms if isinstance(alarm, CompositeAlarm)}
    while ready := [name for name, looked_at in waiting.items() if not looked_at & waiting.keys()]:
        for name in ready:
            del waiting[name]
    return sorted(waiting)


def _watches(alarm: Alarm, target: Target) -> bool:
    """Whether a metric of an alarm is the target's."""
    if not isinstance(alarm, MetricAlarm):
        return False
    own = {variant.name for variant in target.update.variants}
    for query in alarm.queries:
        dimensions = dict(query.metric.dimensions) if query.metric is not None else {}
        if target.mode == "components":
            if dimensions.get("InferenceComponentName") in own:
                return True
        elif target.place.endpoint == dimensions.get("EndpointName"):
            return True
    return False
