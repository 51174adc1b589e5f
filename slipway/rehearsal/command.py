"""What `slipway rehearse` does, from its arguments to its exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from slipway.plan.assembly import Assembly, load
from slipway.plan.outputs import STDOUT, save
from slipway.plan.revision import synthesized
from slipway.rehearsal.baseline import Baseline, Latency
from slipway.rehearsal.compare import Comparison, compare
from slipway.rehearsal.document import document
from slipway.rehearsal.faults import Fault, Strength, matrix
from slipway.rehearsal.markdown import markdown
from slipway.rehearsal.rehearsal import Assumptions
from slipway.rehearsal.report import Report, report
from slipway.rehearsal.target import without
from slipway.rehearsal.template import Declarations, declarations
from slipway.rehearsal.text import text
from slipway.rollout.fleets import Pace
from slipway.spec.cloudformation import NoSchemasError

OK, FAILED, WRONG, GAPS = 0, 1, 2, 3
#: How much slower than its median a model is taken to be at the 99th percentile, where only the median is given.
_TAIL = Baseline().latency.p99 / Baseline().latency.median


def run(args: argparse.Namespace) -> int:
    """Rehearse, and print what it showed.

    Parameters
    ----------
    args
        As ``add_arguments`` declares them.

    Returns
    -------
    int
        0 when there are no gaps, or they are not asked for; 1 when the schemas of resources are not installed; 2 when
        there is nothing to rehearse; 3 for gaps with ``--fail-on gaps``.

    Raises
    ------
    UnreadableError
        When the template cannot be read, or a file cannot be written.
    SynthError
        When the environment cannot be synthesized.
    """
    try:
        faults, assumptions, pace = _assumed(args)
        assembly = _with_parameters(_assembly(args), dict(args.parameter))
        found = declarations(assembly, pace, highest=args.highest)
    except ValueError as error:
        print(error, file=sys.stderr)
        return WRONG
    except NoSchemasError:
        print("the schemas of resources are not installed: `pip install 'slipway[local]'`", file=sys.stderr)
        return FAILED
    known = [target.name for target in found.targets]
    if not known:
        for finding in (finding for those in found.findings.values() for finding in those):
            print(finding.text, file=sys.stderr)
        print(f"{assembly.source}: holds no endpoint that could be rehearsed", file=sys.stderr)
        return WRONG
    if args.endpoint is not None:
        if args.endpoint not in known:
            print(f"nothing is called {args.endpoint!r}. There is: {', '.join(known)}", file=sys.stderr)
            return WRONG
        found = Declarations(tuple(one for one in found.targets if one.name == args.endpoint), found.findings)
    chosen = faults if args.fault is None else tuple(fault for fault in faults if fault.name in args.fault)
    shown = report(found, chosen, assumptions, accepted=frozenset(args.accept))
    # What goes off in any case would make all strategies alike.
    sides = [without(one.target, one.aside) for one in shown.targets] if args.compare else []
    _write(shown, [compare(one, chosen, assumptions) for one in sides], {markdown: args.markdown, _json: args.json})
    for code in sorted(shown.accepted - shown.codes):
        print(f"--accept {code}: there is no such gap", file=sys.stderr)
    return GAPS if args.fail_on == "gaps" and shown.gaps else OK


def _assembly(args: argparse.Namespace) -> Assembly:
    if args.template is not None:
        return load(args.template)
    return synthesized(Path.cwd(), args.env, args.config, f"{args.config} ({args.env})")


def _assumed(args: argparse.Namespace) -> tuple[tuple[Fault, ...], Assumptions, Pace]:
    """The faults, the traffic and the pace, with what was said instead of what is assumed."""
    strength, usual = Strength(), Assumptions()
    return (
        matrix(
            Strength(
                slower=_or(args.slower, strength.slower),
                failing=_or(args.failing, strength.failing),
                some=_or(args.crashing, strength.some),
            )
        ),
        Assumptions(
            Baseline(requests=_or(args.requests, usual.baseline.requests), latency=_latency(args)),
            after=_or(args.watch, usual.after),
        ),
        Pace(provision=_or(args.provision, Pace().provision)),
    )


def _or(given: float | None, otherwise: float) -> float:
    return otherwise if given is None else given


def _latency(args: argparse.Namespace) -> Latency:
    median = _or(args.latency, Baseline().latency.median)
    return Latency(median, _or(args.latency_p99, median * _TAIL))


def _with_parameters(assembly: Assembly, parameters: dict[str, str]) -> Assembly:
    stacks = {
        name: replace(stack, parameters={**stack.parameters, **parameters}) for name, stack in assembly.stacks.items()
    }
    unused = [
        name
        for name in parameters
        if not any(name in (stack.template.get("Parameters") or {}) for stack in stacks.values())
    ]
    if unused:
        raise ValueError(f"no template has a parameter {', '.join(unused)}")
    return replace(assembly, stacks=stacks)


def _json(shown: Report, comparisons: Sequence[Comparison]) -> str:
    return json.dumps(document(shown, comparisons), indent=2, ensure_ascii=False) + "\n"


def _write(
    shown: Report,
    comparisons: Sequence[Comparison],
    files: Mapping[Callable[[Report, Sequence[Comparison]], str], Path | None],
) -> None:
    wanted = {form: file for form, file in files.items() if file is not None}
    for form, file in wanted.items():
        if file == STDOUT:
            sys.stdout.write(form(shown, comparisons))
        else:
            save(file, form(shown, comparisons))
    if STDOUT not in wanted.values():
        sys.stdout.write(text(shown, comparisons))
