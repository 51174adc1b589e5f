"""A rehearsal as data: what `--json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from slipway.rehearsal.compare import Comparison
from slipway.rehearsal.findings import Finding
from slipway.rehearsal.rehearsal import Rehearsal, Trip
from slipway.rehearsal.report import Report, TargetReport
from slipway.rollout.strategies import effective

#: Raised when a key changes its meaning or goes; new keys do not count.
VERSION = 1
Document = dict[str, Any]


def document(report: Report, comparisons: Sequence[Comparison] = ()) -> Document:
    """Give a report as data. Times are minutes since the update began, shares from 0 to 1.

    Parameters
    ----------
    report
        What was rehearsed.
    comparisons
        Strategies side by side.

    Returns
    -------
    dict
        What JSON can say.
    """
    return {
        "version": VERSION,
        "targets": [_target(one, report) for one in report.targets],
        "comparisons": [_comparison(one) for one in comparisons],
        "findings": [_finding(one, report) for one in report.findings],
        "assumptions": {
            **asdict(report.assumptions.baseline),
            "watched_after_minutes": _minutes(report.assumptions.after),
            "alarms_see_data_after_minutes": _minutes(report.assumptions.visible_after),
        },
        "accepted": sorted(report.accepted),
        "gaps": len(report.gaps),
    }


def _target(one: TargetReport, report: Report) -> Document:
    target = one.target
    policy, _ = effective(target.update)
    return {
        "name": target.name,
        "mode": target.mode,
        "strategy": policy.name,
        "rollback_alarms": list(policy.alarms),
        "variants": [
            {"name": variant.name, "instances": variant.new.count, "type": variant.new.type}
            for variant in target.update.variants
        ],
        "rehearsals": [_rehearsal(rehearsal) for rehearsal in one.rehearsals],
        "wrong": [_finding(finding, report) for finding in one.wrong],
        "missed": [_finding(finding, report) for finding in one.missed],
        "aside": list(one.aside),
        "remarks": [_finding(finding, report) for finding in one.remarks],
        "skipped": list(one.skipped),
    }


def _rehearsal(one: Rehearsal) -> Document:
    return {
        "fault": one.fault.name,
        "variant": one.variant,
        "what": one.fault.what,
        "verdict": str(one.verdict),
        "ended_by": _trip(one.ended_by),
        "told_by": _trip(one.told_by),
        "first_harm_minutes": _minutes(one.began),
        "after_minutes": _minutes(one.after),
        "over_minutes": _minutes(one.rollout.duration),
        "watched_minutes": _minutes(one.watched_for),
        "requests": one.requests,
        "harmed": one.harmed,
        "unguarded": one.unguarded,
    }


def _trip(trip: Trip | None) -> Document | None:
    if trip is None:
        return None
    return {
        "alarm": trip.alarm,
        "minutes": _minutes(trip.at),
        "stage": str(trip.stage.kind),
        "traffic": trip.stage.traffic.new,
        "reason": trip.reason,
    }


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 4)


def _finding(finding: Finding, report: Report) -> Document:
    accepted = finding.gap and finding.code in report.accepted
    return {
        "code": finding.code,
        "text": finding.text,
        "alarm": finding.alarm,
        "faults": list(finding.faults),
        "accepted": accepted,
    }


def _comparison(compared: Comparison) -> Document:
    return {
        "name": compared.target.name,
        "strategies": [
            {
                "name": choice.name,
                "strategy": choice.policy.name,
                "minutes": _minutes(choice.rollout.duration),
                "peak": choice.peak,
                "harmed": {one.fault.name: one.harmed for one in choice.rehearsals},
                "verdicts": {one.fault.name: str(one.verdict) for one in choice.rehearsals},
            }
            for choice in compared.choices
        ],
        "impossible": list(compared.impossible),
    }
