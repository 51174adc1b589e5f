"""A plan for a terminal or a log: plain text with a timeline of bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slipway.plan import words
from slipway.plan.courses import Course
from slipway.plan.figures import clock, plural
from slipway.plan.findings import Finding, Kind
from slipway.plan.story import EndpointPlan, Plan, StackPlan
from slipway.rollout.stages import Rollout

_BAR = 24
_GRAVE = (Kind.REFUSED, Kind.LIVE, Kind.DATA_LOSS, Kind.REPLACEMENT, Kind.REMOVAL)


def text(plan: Plan, *, details: bool = True) -> str:
    """Write a plan for people.

    Parameters
    ----------
    plan
        What to write.
    details
        Whether each resource is listed with what differs.

    Returns
    -------
    str
        Lines, the last with its end.
    """
    return "\n".join(_lines(plan, details=details)) + "\n"


def _lines(plan: Plan, *, details: bool) -> Iterator[str]:
    yield f"plan: from {plan.old} to {plan.new}"
    yield words.conclusion(plan)
    for stack in plan.changed:
        yield ""
        yield from _stack(stack, plan, details=details)
    unchanged = [stack.name for stack in plan.stacks if stack not in plan.changed]
    if unchanged and len(unchanged) < len(plan.stacks):
        yield ""
        yield f"unchanged: {', '.join(unchanged)}"
    if any(endpoint.courses for stack in plan.stacks for endpoint in stack.endpoints):
        yield ""
        yield from _ground(plan)


def _ground(plan: Plan) -> Iterator[str]:
    yield "quotas that these stacks need together, if all that changes is updated at the same time:"
    for quota in plan.quotas:
        place = " ".join(filter(None, (quota.account, quota.region)))
        yield f"  {quota.least:>5}  {quota.name}{f' ({place})' if place else ''}"
    yield "this rests on:"
    yield from (f"  · {sentence}" for sentence in (*plan.assumptions, words.priced(plan)))


def _stack(stack: StackPlan, plan: Plan, *, details: bool) -> Iterator[str]:
    place = " · ".join(filter(None, (stack.account, stack.region)))
    yield f"■ {stack.name} ({stack.action}){f' · {place}' if place else ''}"
    yield from _findings(stack.findings, "  ")
    for endpoint in stack.endpoints:
        yield from _endpoint(endpoint, stack, plan)
    if stack.tags:
        listed = ", ".join(words.prop(one) for one in stack.tags)
        yield f"  stack tags: {listed}"
    if stack.changes:
        yield "  resources"
        width = max(len(change.type) for change in stack.changes)
        for change in stack.changes:
            said = words.change(change)
            line = f"    {words.SIGNS[change.action]} {change.type:<{width}}  {change.logical_id}"
            yield f"{line}  ({said})" if said else line
            if details:
                yield from (f"        {words.prop(one)}" for one in change.properties if not change.because)


def _findings(findings: Sequence[Finding], indent: str) -> Iterator[str]:
    for finding in findings:
        sign = "✗" if finding.kind in _GRAVE else "!"
        where = f" [{finding.where}]" if finding.kind is Kind.SECURITY else ""
        yield f"{indent}{sign} {words.TITLES[finding.kind]}{where}: {finding.text}"
        yield from (f"{indent}    {line}" for line in finding.details)
        numbered = len(finding.steps) > 1
        for number, step in enumerate(finding.steps, 1):
            yield f"{indent}    {f'{number}.' if numbered else '→'} {step}"


def _endpoint(endpoint: EndpointPlan, stack: StackPlan, plan: Plan) -> Iterator[str]:
    yield f"  endpoint {endpoint.name}: {words.headline(endpoint)}"
    if endpoint.why:
        yield f"    {endpoint.why}"
    yield from (f"    {words.prop(one, replacing=False)}" for one in endpoint.models)
    yield from _findings(endpoint.findings, "    ")
    for course in endpoint.courses:
        yield ""
        yield from _course(course)
    rows = list(words.figures(endpoint, stack, plan))
    if rows:
        yield ""
        width = max(len(name) for name, _ in rows)
        yield from (f"    {name:<{width}}  {said}" for name, said in rows)


def _course(course: Course) -> Iterator[str]:
    yield f"    {course.subject}: {words.course(course)}"
    rollout = course.live or course.highest
    if not rollout.duration:
        return
    if course.live is not None:
        yield "    at the counts that run now:"
    elif course.lowest != course.highest:
        yield "    at the highest count:"
    yield from (f"      {line}" for line in timeline(rollout))


def timeline(rollout: Rollout) -> Iterator[str]:
    """The stages of a rollout, one a line, with a bar of the traffic that the new fleet gets.

    Parameters
    ----------
    rollout
        To its end.

    Yields
    ------
    str
        A head, the stages that take time, and the end.
    """
    rows = [("at", "for", "traffic on the new fleet", "", "fleets", "stage")]
    for stage in words.shown(rollout.stages):
        full = round(stage.traffic.new * _BAR)
        filled = max(1, full) if stage.traffic.new > 0 else 0
        bar = "█" * filled + "░" * (_BAR - filled)
        rows.append(
            (
                clock(stage.start),
                clock(stage.seconds),
                bar,
                words.traffic(stage),
                words.fleets(stage),
                words.stage(stage),
            )
        )
    end = clock(rollout.duration)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    widths[0] = max(widths[0], len(end))
    for row in rows:
        cells = [
            text.rjust(width) if column in (0, 1, 3) else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
    last = rollout.at(rollout.duration)
    left = plural(last.running("old") + last.running("new"), "instance") if rollout.update.variants[0].new.type else ""
    yield f"{end:>{widths[0]}}  {rollout.outcome!s}{f', {left}' if left else ''}"
