"""A rehearsal for a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slipway.rehearsal import table
from slipway.rehearsal.compare import Comparison
from slipway.rehearsal.findings import Finding
from slipway.rehearsal.report import Report, TargetReport


def markdown(report: Report, comparisons: Sequence[Comparison] = ()) -> str:
    """Write a report as Markdown.

    Parameters
    ----------
    report
        What was rehearsed.
    comparisons
        Strategies side by side.

    Returns
    -------
    str
        GitHub's Markdown, with a newline at the end.
    """
    count = len(report.gaps)
    lines = [f"## Rehearsal: {count} gap{'' if count == 1 else 's'}" if count else "## Rehearsal: no gaps", ""]
    for one in report.targets:
        lines += _target(one, report)
    for compared in comparisons:
        lines += _comparison(compared)
    lines += _findings("Not rehearsed", report.findings, report)
    lines += _assumed(report)
    return "\n".join(lines).rstrip() + "\n"


def _target(one: TargetReport, report: Report) -> Iterator[str]:
    yield f"### {_code(one.target.name)}"
    yield ""
    yield f"{_plain(table.headline(one.target))}<br>"
    yield _plain(table.course(one.target))
    yield ""
    yield from _table(*table.matrix(one))
    yield ""
    yield from _findings("What is wrong", one.wrong, report)
    yield from _findings(table.rest(one) if one.aside else "What is missed", one.missed, report)
    yield from _findings("Remarks", one.remarks, report)
    yield "<details><summary>What the columns mean</summary>"
    yield ""
    for line in (*table.legend(one), *(f"Not rehearsed: {skipped}." for skipped in one.skipped)):
        yield f"- {_plain(line)}"
    yield ""
    yield "</details>"
    yield ""


def _findings(head: str, findings: Sequence[Finding], report: Report) -> Iterator[str]:
    if not findings:
        return
    yield f"**{_plain(head).rstrip(':')}**"
    yield ""
    for finding in findings:
        accepted = " (accepted)" if finding.gap and finding.code in report.accepted else ""
        yield f"- {_code(finding.code)}{accepted} {_plain(finding.text)}"
    yield ""


def _comparison(compared: Comparison) -> Iterator[str]:
    name = _code(compared.target.name)
    yield f"### {name}: strategies, and the requests that each fault harms in the same time (↩ rolled back)"
    yield ""
    yield from _table(*table.comparison(compared))
    yield ""
    for line in compared.impossible:
        yield f"- Not possible: {_plain(line)}."
    if compared.impossible:
        yield ""


def _assumed(report: Report) -> Iterator[str]:
    gpus = any(one.target.gpus for one in report.targets)
    lines = dict.fromkeys(line for one in report.targets for line in one.rehearsals[0].rollout.assumptions)
    yield "<details><summary>What is assumed</summary>"
    yield ""
    for line in (*report.assumptions.baseline.sentences(gpus=gpus), *lines):
        yield f"- {_plain(line)}"
    yield ""
    yield "</details>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(_plain(cell) for cell in row)} |"


def _plain(text: str) -> str:
    """Text that Markdown takes as it is; code in backticks stays code."""
    parts = text.split("`")
    for index in range(0, len(parts), 2):
        for character in "\\*_<>|[]#":
            parts[index] = parts[index].replace(character, f"\\{character}")
    return "`".join(parts).replace("\n", " ")


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"
