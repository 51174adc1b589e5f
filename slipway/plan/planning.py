"""Makes a plan of two assemblies: stack by stack, endpoint by endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from slipway.plan import refusals, security
from slipway.plan.assembly import Assembly, Stack
from slipway.plan.changes import Change, Comparison, compare, fixed_name
from slipway.plan.courses import Course, Span, component_course, endpoint_course, policy_of, quota, steady, types
from slipway.plan.endpoints import CONFIG, MODEL, Declared, declared
from slipway.plan.findings import Finding, Kind, ranked
from slipway.plan.kinds import kinds, models, moves
from slipway.plan.live import LiveEndpoint
from slipway.plan.prices import Prices
from slipway.plan.resolution import unknown
from slipway.plan.story import EndpointPlan, Plan, Quota, StackPlan
from slipway.rollout.declared import DeclarationError
from slipway.rollout.fleets import Pace
from slipway.rollout.policy import read as read_policy

_NOTHING = Span(0, 0)


def plan(
    old: Assembly,
    new: Assembly,
    *,
    live: Mapping[str, LiveEndpoint] | None = None,
    prices: Prices | None = None,
    pace: Pace | None = None,
) -> Plan:
    """Say what a deployment does.

    Parameters
    ----------
    old
        What is there.
    new
        What is to be there.
    live
        What runs now, by the endpoint's name, where it was asked.
    prices
        Where they are known.
    pace
        How fast the service is taken to be.

    Returns
    -------
    Plan
        For all outputs.

    Raises
    ------
    UnreadableError
        When a template is none.
    """
    stacks = tuple(
        _stack(old.stacks.get(name), new.stacks.get(name), live or {}, pace) for name in {**new.stacks, **old.stacks}
    )
    assumptions = dict.fromkeys(
        sentence
        for stack in stacks
        for endpoint in stack.endpoints
        for course in endpoint.courses
        for sentence in course.highest.assumptions
    )
    return Plan(old.source, new.source, stacks, tuple(_quotas(stacks)), prices, tuple(assumptions))


def _stack(old: Stack | None, new: Stack | None, live: Mapping[str, LiveEndpoint], pace: Pace | None) -> StackPlan:
    comparison = compare(old, new)
    if new is None:
        return _gone(comparison)
    before = {one.logical_id: one for one in declared(comparison.old)}
    after = {one.logical_id: one for one in declared(comparison.new)}
    endpoints = []
    for logical_id in {**after, **before}:
        one = after.get(logical_id) or before[logical_id]
        known = live.get((before.get(logical_id) or one).name)
        endpoints.append(_endpoint(comparison, before.get(logical_id), after.get(logical_id), known, pace))
    action = "new" if old is None else "changed" if comparison.changes or comparison.tags else "unchanged"
    return StackPlan(
        comparison.name,
        comparison.account,
        comparison.region,
        action,
        comparison.changes,
        comparison.tags,
        tuple(endpoints),
        ranked(list(_stack_findings(comparison))),
    )


def _gone(comparison: Comparison) -> StackPlan:
    """A stack that is not declared any more, which a deployment leaves as it is."""
    endpoints = []
    for one in declared(comparison.old):
        runs = {type: span for type, span in steady(one).items() if type and span.high}
        why = "Its stack is not declared any more: it goes on as it is."
        endpoints.append(
            EndpointPlan(
                one.name,
                one.logical_id,
                ("undeclared",),
                (),
                rolls=False,
                why=why,
                courses=(),
                before=runs,
                after=runs,
                peak=runs,
                findings=(),
            )
        )
    lost = [f"{change.logical_id} with {change.loses}" for change in comparison.changes if change.loses]
    region = f" --region {comparison.region}" if comparison.region else ""
    finding = Finding(
        Kind.REMOVAL,
        "The stack is not declared any more. A deployment does not delete it: it goes on, and costs."
        + (f" Deleting it loses {'; '.join(lost)}." if lost else ""),
        (f"To be rid of it: `aws cloudformation delete-stack --stack-name {comparison.name}{region}`.",),
    )
    return StackPlan(
        comparison.name, comparison.account, comparison.region, "gone", (), (), tuple(endpoints), (finding,)
    )


def _stack_findings(comparison: Comparison) -> Iterator[Finding]:
    for logical_id in comparison.retyped:
        was, now = comparison.old[logical_id].type, comparison.new[logical_id].type
        yield Finding(
            Kind.REFUSED,
            f"{logical_id} changes its type from {was} to {now}: CloudFormation refuses the update.",
            ("Give the new resource another logical id.",),
            logical_id,
        )
    for change in comparison.changes:
        yield from _resource_findings(change, comparison)
    yield from security.findings(comparison)
    for name in comparison.guessed:
        yield Finding(
            Kind.CAUTION,
            f"Condition {name} depends on a value that only a deployment knows. It is taken as if that value were like "
            "nothing else.",
        )


def _resource_findings(change: Change, comparison: Comparison) -> Iterator[Finding]:
    where = change.logical_id
    if change.loses and change.action == "remove":
        yield Finding(
            Kind.DATA_LOSS,
            f"{change.type} is deleted, and with it {change.loses}.",
            ("Set its DeletionPolicy to Retain in a deployment before this one.",),
            where,
        )
    elif change.loses:
        yield Finding(
            Kind.DATA_LOSS,
            f"{change.type} is replaced by an empty one, and the old one is deleted with {change.loses}.",
            ("Set its UpdateReplacePolicy to Retain, and move what it holds.",),
            where,
        )
    name = fixed_name(change, comparison)
    if name:
        yield Finding(
            Kind.REFUSED,
            f"{change.type} must be replaced, but has the fixed name {name}: CloudFormation cannot make a second one "
            "of that name, and refuses the update.",
            ("Leave the name to CloudFormation, or change it in the same deployment.",),
            where,
        )
    if change.action == "replace" and change.type in (MODEL, CONFIG) and not change.kept:
        yield Finding(
            Kind.CAUTION,
            f"The old {change.type.rsplit('::', 1)[-1]} is deleted after the update. If that was rolled back silently, "
            'the old one is what serves, and the next update fails with "Could not find endpoint configuration".',
            ("Set its UpdateReplacePolicy to Retain.",),
            where,
        )
    elif change.action == "replace" and change.type not in (MODEL, CONFIG) and not name and not change.loses:
        yield Finding(
            Kind.REPLACEMENT,
            f"{change.type} is replaced ({', '.join(one.path for one in change.properties if one.replaces)}): "
            "whatever knows it by its name or ARN must follow.",
            (),
            where,
        )
    if change.unkept:
        yield Finding(
            Kind.CAUTION,
            f"{change.type} does not stay any more when it is removed from the stack, or replaced.",
            ("Keep DeletionPolicy and UpdateReplacePolicy at Retain, unless it is to go for good.",),
            where,
        )
    if change.conditional:
        yield Finding(Kind.CAUTION, f"{change.type} may be replaced: its service decides.", (), where)


def _endpoint(
    comparison: Comparison,
    old: Declared | None,
    new: Declared | None,
    live: LiveEndpoint | None,
    pace: Pace | None,
) -> EndpointPlan:
    one = new or old
    if one is None:
        raise ValueError("an endpoint is on one side at least")
    found: list[Finding] = list(refusals.drifted(live)) if live else []
    courses: list[Course] = []
    rolls, why = moves(comparison, old, new)
    replaced = (change := comparison.change(one.logical_id)) is not None and change.action == "replace"
    if new is None or replaced:
        found.append(_removal(one if old is None else old, new))
    if new is not None and (old is None or replaced):
        found += _created(new)
    if old is not None and new is not None and not replaced:
        if rolls:
            found += refusals.refused(old, new, live)
            course = _course(old, new, live, pace, found)
            courses += [course] if course else []
        else:
            found += _policy_findings(new)
        courses += _components(comparison, old, new, pace, found)
    before = steady(old, live=live)
    after = steady(new, live=live, kept=old if new is not None and not replaced else None)
    return EndpointPlan(
        one.name,
        one.logical_id,
        kinds(comparison, old, new),
        tuple(models(comparison, old, new)),
        rolls,
        why,
        tuple(courses),
        before,
        after,
        _peak(courses, before, after, replaced=replaced),
        ranked(found),
    )


def _course(
    old: Declared, new: Declared, live: LiveEndpoint | None, pace: Pace | None, found: list[Finding]
) -> Course | None:
    """The rollout, with what is found on the way."""
    try:
        policy = policy_of(old, new)
    except DeclarationError as error:
        found.append(_unfit(new.name, error, new.properties.get("DeploymentConfig")))
        return None
    course = endpoint_course(old, new, policy, live=live, pace=pace)
    if course is None:
        found.append(
            Finding(
                Kind.CAUTION,
                "Its endpoint config is not in this stack, so its fleets, stages and cost cannot be told.",
                (),
                new.name,
            )
        )
        return None
    found += refusals.ignored(old, new, live)
    found += refusals.sizes(course, policy, where=new.name)
    found += refusals.unguarded(course, policy, where=new.name)
    if course.beside:
        found.append(
            Finding(
                Kind.CAUTION,
                "The shadow variant's fleet is taken to be made anew beside the old one, which is not documented.",
                (),
                new.name,
            )
        )
    return course


def _policy_findings(new: Declared) -> Iterator[Finding]:
    """What is wrong with a strategy that is not used this time."""
    try:
        policy_of(None, new)
    except DeclarationError as error:
        yield _unfit(new.name, error, new.properties.get("DeploymentConfig"))


def _unfit(where: str, error: DeclarationError, config: object) -> Finding:
    said = str(error).replace("\n", "; ")
    if unknown([[problem.message for problem in error.problems], config]) and "⟨" in said:
        return Finding(
            Kind.CAUTION, f"The DeploymentConfig depends on what only a deployment knows ({said}).", (), where
        )
    return Finding(Kind.REFUSED, f"The service refuses the DeploymentConfig: {said}.", (), where)


def _components(
    comparison: Comparison, old: Declared, new: Declared, pace: Pace | None, found: list[Finding]
) -> Iterator[Course]:
    before = {component.logical_id: component for component in old.components}
    for component in new.components:
        was, change = before.get(component.logical_id), comparison.change(component.logical_id)
        if was is None or change is None or change.action != "change" or change.tags_only:
            continue
        paths = [one.path for one in change.properties]
        if any(path in ("VariantName", "EndpointName", "InferenceComponentName") for path in paths):
            found.append(
                Finding(
                    Kind.REFUSED,
                    f"{component.name} moves to another variant, endpoint or name: an update of a component cannot "
                    "do that.",
                    ("Declare a second component beside it, deploy, move the callers, then remove the first.",),
                    component.name,
                )
            )
            continue
        if any(path.startswith("Specification") for path in paths):
            try:
                policy = read_policy(component.policy)
            except DeclarationError as error:
                found.append(_unfit(component.name, error, component.policy))
                continue
            course = component_course(was, component, policy, pace=pace)
            found += refusals.sizes(course, policy, where=component.name) if component.policy else ()
            found += refusals.unguarded(course, policy, where=component.name)
            yield course


def _removal(old: Declared, new: Declared | None) -> Finding:
    if new is not None:
        return Finding(
            Kind.REPLACEMENT,
            f"The endpoint is replaced: {old.name} becomes {new.name}. Both run for a while, then the old one is "
            "deleted. No deployment guardrail applies, and whoever still calls the old name gets errors.",
            ("To move callers in between: declare the new endpoint beside the old one, and remove that later.",),
            new.name,
        )
    return Finding(
        Kind.REMOVAL,
        "The endpoint is deleted: whoever calls it gets errors.",
        ("See that nobody calls it: its metric Invocations of the last weeks.",),
        old.name,
    )


def _created(new: Declared) -> Iterator[Finding]:
    yield from _policy_findings(new)
    yield Finding(
        Kind.CAUTION,
        "It is created: that takes from minutes to over an hour and cannot be interrupted. Its DeploymentConfig is "
        "stored, and used from the first update on.",
        (),
        new.name,
    )


def _peak(
    courses: list[Course], before: Mapping[str, Span], after: Mapping[str, Span], *, replaced: bool
) -> dict[str, Span]:
    found: dict[str, Span] = {}
    both = {type: before.get(type, _NOTHING) + after.get(type, _NOTHING) for type in {**before, **after}}
    peaks = [course.peak for course in courses if course.unit == "instances"]
    for peak in (before, after, *([both] if replaced else ()), *peaks):
        for type, span in peak.items():
            known = found.get(type, _NOTHING)
            found[type] = Span(max(known.low, span.low), max(known.high, span.high))
    return {type: span for type, span in found.items() if type and span.high}


def _quotas(stacks: tuple[StackPlan, ...]) -> Iterator[Quota]:
    needed: dict[tuple[str, str, str], list[float]] = {}
    for stack in stacks:
        for endpoint in stack.endpoints:
            for several, span in endpoint.peak.items():
                for type in types(several):
                    needed.setdefault((stack.account, stack.region, type), []).append(span.high)
    for (account, region, type), peaks in sorted(needed.items()):
        yield Quota(quota(type), account, region, type, int(sum(peaks)), len(peaks))
