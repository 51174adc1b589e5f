"""What the checklist found: each check with its findings, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.ops.target import Target
    from slipway.spec.environment import Environment

#: What checks of no single endpoint are listed under.
ENVIRONMENT = "environment"
_WIDTH = len("previous revision")


class Outcome(StrEnum):
    """How a check ended, the best first."""

    OK = "ok"
    WARNING = "warning"
    """The update can go on; somebody should know."""
    FAILED = "failed"
    """The update would fail, or go wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes
    ----------
    outcome
        How grave it is.
    text
        What is the case.
    do
        What to do about it; empty where there is nothing to do.
    """

    outcome: Outcome
    text: str
    do: str = ""


def ok(text: str) -> Finding:
    """Something that is as it should be."""
    return Finding(Outcome.OK, text)


def warning(text: str, do: str) -> Finding:
    """Something to know."""
    return Finding(Outcome.WARNING, text, do)


def failed(text: str, do: str) -> Finding:
    """Something that has to be mended first."""
    return Finding(Outcome.FAILED, text, do)


@dataclass(frozen=True, slots=True)
class Check:
    """One check and what it found.

    Attributes
    ----------
    endpoint
        Short name; empty for a check of the whole environment.
    name
        Such as ``live config``.
    findings
        At least one.
    """

    endpoint: str
    name: str
    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        """The gravest of its findings."""
        return max((finding.outcome for finding in self.findings), key=list(Outcome).index)


@dataclass(frozen=True)
class Report:
    """The whole checklist.

    Attributes
    ----------
    checks
        In a fixed order: the environment's, then each endpoint's.
    updates
        Seconds that the update of an endpoint takes by the rollout's model, by short name; only of those whose update
        can be foretold and that seem to change.
    """

    checks: tuple[Check, ...]
    updates: Mapping[str, float] = field(default_factory=dict)

    def count(self, outcome: Outcome) -> int:
        """How many checks ended so."""
        return sum(1 for check in self.checks if check.outcome is outcome)

    def passed(self, *, strict: bool = False) -> bool:
        """Whether the update can begin.

        Parameters
        ----------
        strict
            Warnings stop it too.
        """
        return not self.count(Outcome.FAILED) and not (strict and self.count(Outcome.WARNING))

    @property
    def summary(self) -> str:
        """Such as ``11 checks: 9 ok, 1 warning, 1 failed``."""
        warnings = self.count(Outcome.WARNING)
        words = {
            Outcome.OK: "ok",
            Outcome.WARNING: "warning" if warnings == 1 else "warnings",
            Outcome.FAILED: "failed",
        }
        counts = [f"{number} {words[outcome]}" for outcome in Outcome if (number := self.count(outcome))]
        number = len(self.checks)
        return f"{number} check{'' if number == 1 else 's'}: {', '.join(counts)}"

    def lines(self, *, quiet: bool = False) -> Iterator[str]:
        """Show it to people.

        Parameters
        ----------
        quiet
            Leave out what is ok.

        Yields
        ------
        str
            A line for each finding, one below it for what to do, and a head for each endpoint.
        """
        shown = [check for check in self.checks if not (quiet and check.outcome is Outcome.OK)]
        for endpoint, checks in groupby(shown, key=lambda check: check.endpoint):
            yield endpoint or ENVIRONMENT
            for check in checks:
                yield from _lines(check, quiet=quiet)

    def as_dict(self) -> dict[str, object]:
        """Plain data, for programs."""
        return {
            "passed": self.passed(),
            "checks": [
                {
                    "endpoint": check.endpoint,
                    "check": check.name,
                    "outcome": str(check.outcome),
                    "findings": [
                        {"outcome": str(finding.outcome), "text": finding.text, "do": finding.do}
                        for finding in check.findings
                    ],
                }
                for check in self.checks
            ],
        }


def _lines(check: Check, *, quiet: bool) -> Iterator[str]:
    findings: Sequence[Finding] = check.findings
    if quiet:
        findings = [finding for finding in findings if finding.outcome is not Outcome.OK]
    for finding in findings:
        yield f"  {finding.outcome:<7}  {check.name:<{_WIDTH}}  {finding.text}"
        if finding.do:
            yield f"  {'':<7}  {'':<{_WIDTH}}  → {finding.do}"


def listed(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    most = 3
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def options(environment: Environment, target: Target) -> str:
    """What a command that is told to people needs to go to the same place.

    Parameters
    ----------
    environment, target
        The place.

    Returns
    -------
    str
        Such as `` --env prod --target aws``, with the space before it.
    """
    return f" --env {environment.environment}{' --target aws' if target.kind == 'aws' else ''}"
