"""A plan as Markdown, for a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slipway.plan import words
from slipway.plan.courses import Course
from slipway.plan.figures import clock
from slipway.plan.findings import Finding, Kind
from slipway.plan.story import EndpointPlan, Plan, StackPlan

#: GitHub refuses comments above 65,536 characters.
LONGEST = 60_000
_BAR = 10
_GRAVE = (Kind.REFUSED, Kind.LIVE, Kind.DATA_LOSS, Kind.REPLACEMENT, Kind.REMOVAL)


def text(plan: Plan) -> str:
    """Write a plan as a comment.

    Parameters
    ----------
    plan
        What to write.

    Returns
    -------
    str
        Markdown of at most ``LONGEST`` characters; the lists of resources are left out where it would be longer, then
        the stacks that do not fit.
    """
    for resources in (True, False):
        said = "\n".join(_lines(plan, resources=resources)) + "\n"
        if len(said) <= LONGEST:
            return said
    cut = said.rfind("\n### ", 0, LONGEST - 200)
    return (
        f"{said[: max(cut, 0)]}\n\n**The rest is left out: a comment has its limits. The text output has all of it.**\n"
    )


def _lines(plan: Plan, *, resources: bool) -> Iterator[str]:
    yield "## Plan"
    yield ""
    yield f"{words.conclusion(plan)} Compared: {_code(plan.old)} → {_code(plan.new)}."
    endpoints = [(stack, one) for stack in plan.changed for one in stack.endpoints]
    if endpoints:
        yield ""
        yield "| Endpoint | Change | Update | Instances at most |"
        yield "|---|---|---|---|"
        for _, one in endpoints:
            runs = "<br>".join(_cell(words.course(course)) for course in one.courses) or _cell(one.why) or "—"
            peak = "<br>".join(f"{span.high:g} × {type}" for type, span in one.peak.items()) or "—"
            yield f"| {_code(one.name)} | {words.headline(one)} | {runs} | {peak} |"
    yield from _findings([finding for _, finding in plan.findings])
    for stack in plan.changed:
        yield from _stack(stack, plan, resources=resources)
    if any(one.courses for _, one in endpoints):
        yield ""
        yield "<details><summary>Quotas that these stacks need together, and what this rests on</summary>"
        yield ""
        for quota in plan.quotas:
            place = " ".join(filter(None, (quota.account, quota.region)))
            yield f"- “{quota.name}” of at least {quota.least}{f' in {place}' if place else ''}"
        for sentence in (*plan.assumptions, words.priced(plan)):
            yield f"- {_plain(sentence)}"
        yield ""
        yield "</details>"


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in sorted(findings, key=lambda one: list(Kind).index(one.kind)):
        alert = "CAUTION" if finding.kind in _GRAVE else "WARNING" if finding.kind is Kind.SECURITY else "NOTE"
        yield ""
        yield f"> [!{alert}]"
        where = f" {_code(finding.where)}" if finding.where else ""
        yield f"> **{words.TITLES[finding.kind]}**{where}: {_plain(finding.text)}"
        if finding.steps or finding.details:
            yield ">"
        yield from (f"> - {_code(line)}" for line in finding.details)
        numbered = len(finding.steps) > 1
        for number, step in enumerate(finding.steps, 1):
            yield f"> {f'{number}.' if numbered else '-'} {_plain(step)}"


def _stack(stack: StackPlan, plan: Plan, *, resources: bool) -> Iterator[str]:
    yield ""
    yield f"### {stack.name} ({stack.action})"
    for endpoint in stack.endpoints:
        yield from _endpoint(endpoint, stack, plan)
    if stack.tags:
        yield ""
        yield f"Stack tags: {_plain(', '.join(words.prop(one) for one in stack.tags))}"
    if resources and stack.changes:
        yield ""
        yield f"<details><summary>Resources ({len(stack.changes)})</summary>"
        yield ""
        yield "```diff"
        for change in stack.changes:
            said = words.change(change)
            # What GitHub colours: a line that begins with + or −; ! stands for a replacement.
            sign = {"add": "+", "remove": "-", "replace": "!", "change": " "}[change.action]
            yield f"{sign} {change.type} {change.logical_id}{f' ({said})' if said else ''}"
            if not change.because:
                yield from (f"      {_fenced(words.prop(one))}" for one in change.properties)
        yield "```"
        yield ""
        yield "</details>"


def _endpoint(endpoint: EndpointPlan, stack: StackPlan, plan: Plan) -> Iterator[str]:
    yield ""
    yield f"**{endpoint.name}**: {words.headline(endpoint)}. {endpoint.why}".rstrip()
    if endpoint.models:
        yield ""
        yield from (f"- {one.path}: {_code(words.difference(one))}" for one in endpoint.models)
    for course in endpoint.courses:
        yield from _course(course)
    rows = list(words.figures(endpoint, stack, plan))
    if rows:
        yield ""
        yield from (f"- {name}: {said}" for name, said in rows)


def _course(course: Course) -> Iterator[str]:
    rollout = course.live or course.highest
    at = "at the counts that run now" if course.live else "at the highest count"
    yield ""
    drawn = f"; {at}" if course.lowest != course.highest or course.live else ""
    yield f"{_code(course.subject)}: {_plain(words.course(course))}{drawn}:"
    if not rollout.duration:
        return
    yield ""
    yield "| at | for | new traffic | fleets | stage |"
    yield "|--:|--:|---|---|---|"
    for stage in words.shown(rollout.stages):
        full = round(stage.traffic.new * _BAR)
        filled = max(1, full) if stage.traffic.new > 0 else 0
        bar = "█" * filled + "░" * (_BAR - filled)
        yield (
            f"| {clock(stage.start)} | {clock(stage.seconds)} | {bar} {words.traffic(stage)} | {words.fleets(stage)} | "
            f"{words.stage(stage)} |"
        )
    yield f"| {clock(rollout.duration)} | | | | {rollout.outcome} |"


def _plain(text: str) -> str:
    """Text in which nothing is markup but the code that it marks itself."""
    parts = text.split("`")
    for at in range(0, len(parts), 2):
        for sign in ("\\", "*", "_", "<", "[", "|"):
            parts[at] = parts[at].replace(sign, f"\\{sign}" if sign != "<" else "&lt;")
    return "`".join(parts)


def _cell(text: str) -> str:
    return _plain(text).replace("\n", " ")


def _code(text: str) -> str:
    """Text as code, which no backtick inside ends."""
    clean = text.replace("\n", " ").replace("|", "\\|")
    return f"`` {clean} ``" if "`" in clean else f"`{clean}`"


def _fenced(text: str) -> str:
    """Text inside a fence, which it cannot end."""
    return text.replace("```", "'''").replace("\n", " ")
