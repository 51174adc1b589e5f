"""The sentences that text, Markdown and HTML share."""

from __future__ import annotations

import json
from collections.abc import Iterator

from slipway.local.engine.documents import Json
from slipway.plan import costs
from slipway.plan.changes import Change, PropertyChange
from slipway.plan.courses import Course, Span, quota, types
from slipway.plan.figures import MONTH, between, clock, number, plural, share, signed
from slipway.plan.findings import Kind
from slipway.plan.resolution import CLOSE, plain
from slipway.plan.story import EndpointPlan, Plan, StackPlan
from slipway.rollout.fleets import Variant
from slipway.rollout.stages import Kind as StageKind
from slipway.rollout.stages import Outcome, Side, Stage

TITLES = {
    Kind.REFUSED: "Refused",
    Kind.LIVE: "Not what runs",
    Kind.DATA_LOSS: "Data loss",
    Kind.REPLACEMENT: "Replacement",
    Kind.REMOVAL: "Removal",
    Kind.SECURITY: "Rights and network",
    Kind.IGNORED: "Ignored",
    Kind.CAUTION: "Note",
}
SIGNS = {"add": "+", "change": "~", "replace": "±", "remove": "−"}
_LONGEST = 90
#: A shared beginning shorter than this is shown.
_LEAST_SHARED = 20


def headline(endpoint: EndpointPlan) -> str:
    """What kinds of change: ``model, scaling``."""
    return ", ".join(endpoint.kinds)


def course(one: Course) -> str:
    """How an update runs, in a sentence."""
    strategy = one.policy.name.replace("_", " ")
    high, low = one.highest, one.lowest
    count = between(Span(*sorted((_count(low.update.variants), _count(high.update.variants)))), one.unit)
    if not high.duration and not low.duration:
        return f"{strategy}, without instances to wait for"
    said = f"{strategy}, {count}, {_minutes(low.duration, high.duration)}"
    if high.waits or low.waits:
        said += f", of which {_minutes(low.waits, high.waits)} in bakes"
    if one.policy.alarms and any(stage.watched for stage in high.stages):
        said += f"; {plural(len(one.policy.alarms), 'alarm')} can end it"
    if high.outcome is Outcome.ROLLED_BACK and high.ending is not None:
        said += f"; rolled back after {clock(high.ending.at)} by its {high.ending.why}"
    return said


def _count(variants: tuple[Variant, ...]) -> float:
    return sum(max(variant.old.count, variant.new.count) for variant in variants)


def _minutes(low: float, high: float) -> str:
    first, last = sorted((low, high))
    return clock(first) if round(first) == round(last) else f"{clock(first)} to {clock(last)}"


def stage(one: Stage) -> str:
    """What happens in a stage: ``batch 2/4: bake, alarms watch``."""
    words = {
        StageKind.PROVISION: "new instances start",
        StageKind.SHIFT: "traffic shifts",
        StageKind.BAKE: "bake",
        StageKind.FINAL_BAKE: "final bake",
        StageKind.TERMINATE: "old instances go",
    }
    said = words.get(one.kind, str(one.kind))
    if one.rolling_back:
        said = {
            StageKind.PROVISION: "old instances start again",
            StageKind.SHIFT: "traffic shifts back",
            StageKind.TERMINATE: "new instances go",
        }.get(one.kind, said)
    step = f"step {one.step}/{one.steps}: " if one.steps > 1 else ""
    return f"{'rollback, ' if one.rolling_back else ''}{step}{said}{', alarms watch' if one.watched else ''}"


def shown(stages: tuple[Stage, ...]) -> Iterator[Stage]:
    """The stages that a timeline shows: those that take time; a shift that takes none is in the next stage's share."""
    yield from (one for one in stages if one.seconds > 0)


def figures(endpoint: EndpointPlan, stack: StackPlan, plan: Plan) -> Iterator[tuple[str, str]]:
    """Peaks, quotas and costs: a name and a value each."""
    if not endpoint.rolls and endpoint.before == endpoint.after and "undeclared" not in endpoint.kinds:
        return
    for type, peak in endpoint.peak.items():
        now = between(endpoint.before.get(type, Span(0, 0)))
        then = between(endpoint.after.get(type, Span(0, 0)))
        steady = now if now == then else f"{now} before, {then} after"
        needed = " and ".join(f"“{quota(each)}”" for each in types(type))
        yield type, f"{steady}; at most {number(peak.high)} at one time, for which {needed} must allow"
    for type, hours in endpoint.extra_hours.items():
        if not (round(hours.low, 2) or round(hours.high, 2)):
            continue
        yield "double running", f"{signed(hours)} instance-hours of {type}"
    money = costs.rollout(endpoint, stack, plan.prices)
    if money is not None and endpoint.extra_hours:
        yield "which costs", dollars(money)
    for type, more in endpoint.steady_change.items():
        yield "from then on", f"{signed(more)} × {type}, {signed(more.times(MONTH))} instance-hours a month"
    monthly = costs.monthly(endpoint, stack, plan.prices)
    if monthly is not None and endpoint.steady_change:
        yield "a month", dollars(monthly)


def dollars(span: Span) -> str:
    """A difference of money: ``+$0.24``, ``−$3.00 to +$12.00``."""

    def one(value: float) -> str:
        return f"{'−' if round(value, 2) < 0 else '+'}${abs(value):,.2f}"

    low, high = one(span.low), one(span.high)
    return low if low == high else f"{low} to {high}"


def priced(plan: Plan) -> str:
    """Where the money comes from."""
    if plan.prices is None:
        return "Prices are not known, so cost is in instance-hours: `slipway prices refresh` fetches them."
    return (
        f"On-demand prices of the AWS Price List API, asked on {plan.prices.asked}; data, storage and discounts aside."
    )


def change(one: Change) -> str:
    """What happens to a resource, beside its sign, type and name."""
    said = []
    if one.action == "replace":
        said.append("replaced; the old one stays" if one.kept else "replaced; the old one is deleted")
    elif one.action == "remove":
        said.append("leaves the stack and stays" if one.kept else "deleted")
    if one.because:
        said.append(f"follows {', '.join(one.because)}")
    if one.conditional:
        said.append("perhaps replaced")
    return ", ".join(said)


def prop(one: PropertyChange, *, replacing: bool = True) -> str:
    """A property that differs, on one line."""
    sign = " (replaces)" if one.replaces and replacing else ""
    return f"{one.path}: {difference(one)}{sign}"


def difference(one: PropertyChange) -> str:
    """Both values of a property, without a long beginning that they share."""
    old, new = one.old, one.new
    if isinstance(old, str) and isinstance(new, str):
        if new == old.replace(CLOSE, f" replaced{CLOSE}"):
            return f"{value(old)} → that of its replacement"
        same = next((at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
        cut = old.rfind("/", 0, same)
        if cut >= _LEAST_SHARED:
            old, new = f"…{old[cut:]}", f"…{new[cut:]}"
    return f"{value(old)} → {value(new)}"


def value(given: Json) -> str:
    """A value on one line; long ones are cut in the middle, since what tells versions apart is often at the end."""
    if given is None:
        return "nothing"
    text = given if isinstance(given, str) else _compact(given)
    text = plain(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2 - 1]}…{text[-_LONGEST // 2 :]}"


def _compact(given: Json) -> str:
    return json.dumps(given, ensure_ascii=False, default=str)


def fleets(one: Stage) -> str:
    """Both fleets of a stage: ``12 old + 3 new``, with those that start or go."""
    said = []
    sides: tuple[Side, ...] = ("old", "new")
    for side in sides:
        ready, running = one.ready(side), one.running(side)
        if running:
            starting = sum(getattr(each, side).starting for each in one.variants)
            stopping = sum(getattr(each, side).stopping for each in one.variants)
            parts = [f"{ready}"] if ready else []
            parts += [f"{starting} starting"] if starting else []
            parts += [f"{stopping} going"] if stopping else []
            said.append(f"{', '.join(parts)} {side}")
    return " + ".join(said)


def traffic(one: Stage) -> str:
    """The new fleet's share."""
    return share(one.traffic.new)


def conclusion(plan: Plan) -> str:
    """The whole plan in a sentence."""
    rolls = sum(1 for stack in plan.stacks for endpoint in stack.endpoints if endpoint.rolls)
    counts: dict[str, int] = {}
    for stack in plan.stacks:
        for each in stack.changes:
            counts[each.action] = counts.get(each.action, 0) + 1
    words = {"add": "added", "change": "changed", "replace": "replaced", "remove": "removed"}
    resources = ", ".join(f"{counts[action]} {word}" for action, word in words.items() if action in counts)
    if not resources and not any(stack.action != "unchanged" for stack in plan.stacks):
        return "Nothing changes."
    updates = f"{plural(rolls, 'endpoint moves', 'endpoints move')} to a new fleet" if rolls else "No fleet moves"
    return f"{updates}. Resources: {resources or 'none'}."
