"""A plan as one HTML file: no script, no network, light and dark, and fit to be printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from slipway.plan import words
from slipway.plan.courses import Course
from slipway.plan.drawing import drawing
from slipway.plan.figures import clock
from slipway.plan.findings import Finding, Kind
from slipway.plan.story import EndpointPlan, Plan, StackPlan

_CODE = re.compile(r"`([^`]+)`")
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f27; --quiet: #5a6270; --page: #fff; --card: #f5f6f8; --line: #d9dde3;
  --old: #aab2be; --on-old: #1b1f27; --new: #1f57b5; --on-new: #fff; --bake: #f3e3b3; --watch: #8a5a00; --bad: #b3261e;
  --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaee; --quiet: #a3abb8; --page: #14171c; --card: #1d2128;
  --line: #353b45; --old: #565e6b; --on-old: #fff; --new: #4f8ff0; --on-new: #0c0e11; --bake: #4a3d16; --watch: #e5b94f;
  --bad: #ff8a80; --warn: #e5b94f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; overflow-wrap: anywhere; }
code { font: .92em ui-monospace, monospace; overflow-wrap: anywhere; } .quiet { color: var(--quiet); }
p, li, dd, .finding { overflow-wrap: anywhere; } p { margin: .35rem 0; }
.kinds { font-weight: 400; color: var(--quiet); }
.finding { border-left: 4px solid var(--line); background: var(--card); padding: .5rem .75rem; margin: .6rem 0; }
.finding ol, .finding ul { margin: .3rem 0 0; padding-left: 1.4rem; }
.refused, .live, .data-loss, .replacement, .removal { border-color: var(--bad); }
.security { border-color: var(--warn); }
.finding b { color: var(--ink); } .refused b, .live b, .data-loss b, .replacement b, .removal b { color: var(--bad); }
figure { margin: 1rem 0; break-inside: avoid; } figcaption { color: var(--quiet); }
svg.rollout { width: 100%; min-width: 40rem; height: auto; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: var(--quiet); }
.stage { fill: transparent; } .stage.bake { fill: var(--bake); }
.fleet { stroke: var(--page); stroke-width: 1; pointer-events: none; opacity: .88; }
.fleet.old { fill: var(--old); } .fleet.new { fill: var(--new); }
svg .name { text-anchor: middle; font-weight: 600; pointer-events: none; }
svg .name.old { fill: var(--on-old); } svg .name.new { fill: var(--on-new); }
.grid, .tick { stroke: var(--line); stroke-width: 1; }
svg .mark { text-anchor: middle; } svg .end { text-anchor: end; } svg .band { text-anchor: middle; fill: var(--ink); }
.watch line { stroke: var(--watch); stroke-width: 2; } .watch circle { fill: var(--watch); }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; break-inside: avoid; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--quiet); font-weight: 600; } .n { text-align: right; white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .75rem 0; } dd { margin: 0; }
dt { color: var(--quiet); } details { margin: .75rem 0; } summary { cursor: pointer; }
.changes { list-style: none; padding: 0; font-size: .9rem; } .changes ul { color: var(--quiet); padding-left: 2.2rem; }
.changes .sign { display: inline-block; width: 1.2rem; font-weight: 700; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
@media print { :root { color-scheme: light; --ink: #000; --quiet: #444; --page: #fff; --card: #fff; --line: #bbb;
  --old: #aab2be; --on-old: #000; --new: #1f57b5; --on-new: #fff; --bake: #f3e3b3; --watch: #8a5a00; --bad: #b3261e;
  --warn: #8a5a00; }
  svg.rollout { min-width: 0; }
  body { max-width: none; padding: 0; font-size: 11px; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  details::details-content { content-visibility: visible; block-size: auto; } }
"""


def page(plan: Plan) -> str:
    """Write a plan as a page.

    Parameters
    ----------
    plan
        What to write.

    Returns
    -------
    str
        A whole HTML document that refers to nothing outside itself.
    """
    return "\n".join(_page(plan)) + "\n"


def _page(plan: Plan) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>Plan: {escape(plan.new)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    yield f"<h1>Plan</h1>\n<p>{escape(words.conclusion(plan))}</p>"
    yield f'<p class="quiet">From <code>{escape(plan.old)}</code> to <code>{escape(plan.new)}</code>.</p>'
    for stack in plan.changed:
        yield from _stack(stack, plan)
    unchanged = [stack.name for stack in plan.stacks if stack not in plan.changed]
    if unchanged and len(unchanged) < len(plan.stacks):
        yield f'<p class="quiet">Unchanged: {escape(", ".join(unchanged))}</p>'
    if any(endpoint.courses for stack in plan.stacks for endpoint in stack.endpoints):
        yield from _ground(plan)
    yield "</body>\n</html>"


def _ground(plan: Plan) -> Iterator[str]:
    yield "<h2>Quotas that these stacks need together</h2>\n<p>If all that changes is updated at the same time.</p>"
    yield '<div class="wide"><table><tr><th>Service Quota</th><th>where</th><th>at least</th></tr>'
    for quota in plan.quotas:
        place = " ".join(filter(None, (quota.account, quota.region)))
        yield f'<tr class="quota"><td>{escape(quota.name)}</td><td>{escape(place)}</td><td>{quota.least}</td></tr>'
    yield "</table></div>\n<h2>What this rests on</h2>\n<ul>"
    yield from (f"<li>{_rich(sentence)}</li>" for sentence in (*plan.assumptions, words.priced(plan)))
    yield "</ul>"


def _stack(stack: StackPlan, plan: Plan) -> Iterator[str]:
    place = " · ".join(filter(None, (stack.action, stack.account, stack.region)))
    yield f'<section class="stack">\n<h2>{escape(stack.name)} <span class="kinds">{escape(place)}</span></h2>'
    yield from _findings(stack.findings)
    for endpoint in stack.endpoints:
        yield from _endpoint(endpoint, stack, plan)
    if stack.tags:
        yield f"<p>Stack tags: {escape(', '.join(words.prop(one) for one in stack.tags))}</p>"
    if stack.changes:
        yield f'<details><summary>Resources ({len(stack.changes)})</summary>\n<ul class="changes">'
        for change in stack.changes:
            said = words.change(change)
            sign = words.SIGNS[change.action]
            yield (
                f'<li class="change" data-action="{change.action}"><span class="sign">{sign}</span>'
                f"{escape(change.type)} <code>{escape(change.logical_id)}</code>{f' ({escape(said)})' if said else ''}"
            )
            if change.properties and not change.because:
                listed = "".join(f"<li>{escape(words.prop(one))}</li>" for one in change.properties)
                yield f"<ul>{listed}</ul>"
            yield "</li>"
        yield "</ul></details>"
    yield "</section>"


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        where = f" <code>{escape(finding.where)}</code>" if finding.kind is Kind.SECURITY and finding.where else ""
        yield f'<div class="finding {finding.kind}"><b>{words.TITLES[finding.kind]}</b>{where}: {_rich(finding.text)}'
        if finding.details:
            yield f"<ul>{''.join(f'<li><code>{escape(line)}</code></li>' for line in finding.details)}</ul>"
        if finding.steps:
            kind = "ol" if len(finding.steps) > 1 else "ul"
            yield f"<{kind}>{''.join(f'<li>{_rich(step)}</li>' for step in finding.steps)}</{kind}>"
        yield "</div>"


def _endpoint(endpoint: EndpointPlan, stack: StackPlan, plan: Plan) -> Iterator[str]:
    yield (
        f'<article class="endpoint" data-name="{escape(endpoint.name)}">\n<h3>{escape(endpoint.name)} '
        f'<span class="kinds">{escape(words.headline(endpoint))}</span></h3>'
    )
    if endpoint.why:
        yield f"<p>{_rich(endpoint.why)}</p>"
    for one in endpoint.models:
        yield f"<p>{escape(one.path)}: <code>{escape(words.difference(one))}</code></p>"
    yield from _findings(endpoint.findings)
    for course in endpoint.courses:
        yield from _course(course)
    rows = list(words.figures(endpoint, stack, plan))
    if rows:
        yield "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in rows) + "</dl>"
    yield "</article>"


def _course(course: Course) -> Iterator[str]:
    rollout = course.live or course.highest
    at = ""
    if course.live is not None:
        at = " Drawn at the counts that run now."
    elif course.lowest != course.highest:
        at = " Drawn at the highest count."
    yield f'<figure class="course" data-subject="{escape(course.subject)}">'
    # A drawing that shrank with a narrow window could not be read: it scrolls in its own box.
    yield f'<div class="wide">{drawing(course, rollout)}</div>'
    watch = " Alarms watch where a line with a dot runs above." if any(s.watched for s in rollout.stages) else ""
    yield f"<figcaption>{escape(course.subject)}: {escape(words.course(course))}.{at}{watch}</figcaption>"
    if not rollout.duration:
        yield "</figure>"
        return
    yield '<div class="wide"><table><tr><th class="n">at</th><th class="n">for</th><th class="n">new traffic</th>'
    yield "<th>fleets</th><th>stage</th></tr>"
    for stage in words.shown(rollout.stages):
        yield (
            f'<tr><td class="n">{clock(stage.start)}</td><td class="n">{clock(stage.seconds)}</td>'
            f'<td class="n">{words.traffic(stage)}</td><td>{escape(words.fleets(stage))}</td>'
            f"<td>{escape(words.stage(stage))}</td></tr>"
        )
    yield f'<tr><td class="n">{clock(rollout.duration)}</td><td></td><td></td><td></td><td>{rollout.outcome}</td></tr>'
    yield "</table></div>\n</figure>"


def _rich(text: str) -> str:
    """Text whose backticks are code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))
