"""The whole rehearsal of a template: every fault on every target, and what that shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slipway.rehearsal.checks import SILENT, check
from slipway.rehearsal.faults import HEALTHY_RUN, Fault
from slipway.rehearsal.findings import Finding
from slipway.rehearsal.gaps import gaps, missed
from slipway.rehearsal.rehearsal import USUAL, Assumptions, Rehearsal, rehearse
from slipway.rehearsal.target import Target, without
from slipway.rehearsal.template import Declarations


@dataclass(frozen=True)
class TargetReport:
    """What one endpoint or inference component showed.

    Attributes
    ----------
    target
        Which one.
    rehearsals
        One for each fault, and for each variant where there are several.
    findings
        What its alarms get wrong, and remarks.
    missed
        What they miss.
    aside
        Alarms that go off on healthy traffic, so in any case; what is missed was rehearsed without them.
    skipped
        Faults that it cannot have, with why.
    """

    target: Target
    rehearsals: tuple[Rehearsal, ...]
    findings: tuple[Finding, ...]
    missed: tuple[Finding, ...]
    aside: tuple[str, ...]
    skipped: tuple[str, ...]

    @property
    def remarks(self) -> tuple[Finding, ...]:
        """What could not be rehearsed."""
        return tuple(finding for finding in self.findings if not finding.gap)

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """What its alarms get wrong."""
        return tuple(finding for finding in self.findings if finding.gap)


@dataclass(frozen=True)
class Report:
    """What a template showed.

    Attributes
    ----------
    targets
        Endpoints and inference components.
    findings
        What belongs to none of them.
    assumptions
        What all rests on.
    accepted
        Codes of gaps that somebody accepted.
    """

    targets: tuple[TargetReport, ...]
    findings: tuple[Finding, ...]
    assumptions: Assumptions
    accepted: frozenset[str] = frozenset()

    @property
    def _every(self) -> tuple[Finding, ...]:
        every = (*self.findings, *(finding for one in self.targets for finding in (*one.findings, *one.missed)))
        return tuple(finding for finding in every if finding.gap)

    @property
    def gaps(self) -> tuple[Finding, ...]:
        """Gaps of all targets that nobody accepted."""
        return tuple(finding for finding in self._every if finding.code not in self.accepted)

    @property
    def codes(self) -> frozenset[str]:
        """The codes of all gaps, accepted or not."""
        return frozenset(finding.code for finding in self._every)


def report(
    declarations: Declarations,
    faults: Sequence[Fault],
    assumptions: Assumptions = USUAL,
    *,
    accepted: frozenset[str] = frozenset(),
) -> Report:
    """Rehearse everything.

    Parameters
    ----------
    declarations
        What there is.
    faults
        Which ones; the healthy run comes first in any case.
    assumptions
        Traffic and times.
    accepted
        Codes of gaps that are known and accepted.

    Returns
    -------
    Report
        For people and pipelines.
    """
    wanted = (HEALTHY_RUN, *(fault for fault in faults if fault != HEALTHY_RUN))
    targets = tuple(
        _target(target, wanted, assumptions, declarations.findings.get(target.name, ()))
        for target in declarations.targets
    )
    return Report(targets, declarations.findings.get("", ()), assumptions, accepted)


def _target(
    target: Target, faults: Sequence[Fault], assumptions: Assumptions, declared: Sequence[Finding]
) -> TargetReport:
    rehearsals = _matrix(target, faults, assumptions)
    checked = (*declared, *check(target, assumptions))
    silent = {finding.alarm for finding in checked if finding.code in SILENT}
    restless = {trip.alarm for one in rehearsals if one.fault == HEALTHY_RUN for trip in one.trips}
    # An alarm that goes off in any case catches nothing: what is left without it?
    quiet = without(target, restless) if restless else target
    judged = _matrix(quiet, faults, assumptions) if restless else rehearsals
    skipped = tuple(f"{fault.title}: no GPU" for fault in faults if fault.gpu_only and not target.gpus)
    return TargetReport(
        target,
        rehearsals,
        tuple(dict.fromkeys(gaps(rehearsals, checked))),
        missed(quiet, judged, silent),
        tuple(sorted(restless)),
        skipped,
    )


def _matrix(target: Target, faults: Sequence[Fault], assumptions: Assumptions) -> tuple[Rehearsal, ...]:
    return tuple(
        rehearse(target, fault, assumptions, variant=variant)
        for fault in faults
        if target.gpus or not fault.gpu_only
        for variant in _sick(target, fault)
    )


def _sick(target: Target, fault: Fault) -> Iterator[str | None]:
    """Of several variants one is sick at a time, as each has alarms of its own."""
    variants = target.update.variants
    if len(variants) == 1 or fault.side is None or not fault.calls or fault.provision > 1:
        yield None
        return
    yield from (variant.name for variant in variants)
