"""A rehearsal for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from slipway.rehearsal import table
from slipway.rehearsal.compare import Comparison
from slipway.rehearsal.findings import Finding
from slipway.rehearsal.report import Report, TargetReport

_WIDTH = 120


def text(report: Report, comparisons: Sequence[Comparison] = ()) -> str:
    """Write a report for a terminal or a log.

    Parameters
    ----------
    report
        What was rehearsed.
    comparisons
        Strategies side by side.

    Returns
    -------
    str
        Lines, with a newline at the end.
    """
    lines = [
        *(line for one in report.targets for line in _target(one, report)),
        *(line for one in comparisons for line in _comparison(one)),
        *_findings("Not rehearsed", report.findings, report),
        *_assumed(report),
        *_verdict(report),
    ]
    return "\n".join(lines) + "\n"


def _target(one: TargetReport, report: Report) -> Iterator[str]:
    yield f"{one.target.name}: {table.headline(one.target)}"
    yield from _wrapped(table.course(one.target), "  ")
    yield ""
    yield from _columns(*table.matrix(one))
    yield ""
    for line in table.legend(one):
        yield from _wrapped(line, "  ")
    for skipped in one.skipped:
        yield f"  Not rehearsed: {skipped}."
    yield ""
    yield from _findings("What is wrong", one.wrong, report)
    yield from _findings(table.rest(one) if one.aside else "What is missed", one.missed, report)
    yield from _findings("Remarks", one.remarks, report)


def _findings(head: str, findings: Sequence[Finding], report: Report) -> Iterator[str]:
    if not findings:
        return
    yield f"{head.rstrip(':')}:"
    for finding in findings:
        accepted = " (accepted)" if finding.gap and finding.code in report.accepted else ""
        yield from _wrapped(f"[{finding.code}]{accepted} {finding.text}", "  - ", "    ")
    yield ""


def _comparison(compared: Comparison) -> Iterator[str]:
    yield f"{compared.target.name}: strategies, and the requests that each fault harms in the same time (↩ rolled back)"
    yield from _columns(*table.comparison(compared))
    for line in compared.impossible:
        yield f"  Not possible: {line}."
    yield ""


def _assumed(report: Report) -> Iterator[str]:
    gpus = any(one.target.gpus for one in report.targets)
    yield "Assumed:"
    lines = dict.fromkeys(line for one in report.targets for line in one.rehearsals[0].rollout.assumptions)
    for line in (*report.assumptions.baseline.sentences(gpus=gpus), *lines):
        yield from _wrapped(line, "  - ", "    ")
    yield ""


def _verdict(report: Report) -> Iterator[str]:
    count = len(report.gaps)
    yield f"{count} gap{'' if count == 1 else 's'}" if count else "no gaps"


def _columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[number]) for row in (heads, *rows)) for number in range(len(heads))]
    for row in (heads, ["─" * width for width in widths], *rows):
        yield ("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()


def _wrapped(line: str, start: str, further: str | None = None) -> list[str]:
    return textwrap.wrap(
        line,
        _WIDTH,
        initial_indent=start,
        subsequent_indent=start if further is None else further,
        break_long_words=False,
        break_on_hyphens=False,
    )
