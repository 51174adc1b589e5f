"""What the project's own default alarms catch, by environment; every gap is one that the documentation names."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from time import process_time

import pytest

from slipway.plan.assembly import Assembly, Stack
from slipway.rehearsal.faults import matrix
from slipway.rehearsal.rehearsal import Rehearsal, Verdict
from slipway.rehearsal.report import Report, report
from slipway.rehearsal.template import declarations

ROOT = Path(__file__).parent.parent.parent.parent
REVIEWED = ROOT / "tests" / "synth" / "__snapshots__" / "test_checks"
GAPS = {
    "dev": ["no-rollback-alarms"],
    "staging": ["latency-ramp", "memory-leak", "no-traffic"],
    "prod": ["memory-leak", "no-traffic"],
}


@cache
def rehearsed(environment: str) -> Report:
    """The templates of an environment as they were reviewed."""
    text = (REVIEWED / f"test_templates_are_what_was_reviewed[{environment}][{environment}].json").read_text()
    stacks = {name: Stack(name, template) for name, template in json.loads(text).items()}
    return report(declarations(Assembly(environment, stacks)), matrix())


def by_fault(environment: str) -> dict[str, Rehearsal]:
    (one,) = rehearsed(environment).targets
    return {found.fault.name: found for found in one.rehearsals}


@pytest.mark.parametrize("environment", list(GAPS))
def test_the_gaps_are_those_that_are_documented(environment: str) -> None:
    found = rehearsed(environment)
    assert [gap.code for gap in found.gaps] == GAPS[environment]
    page = (ROOT / "docs" / "rehearse.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith(f"| {environment} |")]
    assert len(rows) == 1
    assert all(f"`{code}`" in rows[0] for code in GAPS[environment])


@pytest.mark.parametrize("environment", list(GAPS))
def test_healthy_traffic_and_a_cure_go_through(environment: str) -> None:
    found = by_fault(environment)
    assert found["healthy"].verdict is found["old-sick"].verdict is Verdict.FINE
    assert found["healthy"].trips == ()


@pytest.mark.parametrize("environment", ["staging", "prod"])
@pytest.mark.parametrize("fault", ["latency-step", "errors-5xx", "errors-4xx", "crash", "cold-start"])
def test_guarded_environments_roll_back_whatever_shows_at_once(environment: str, fault: str) -> None:
    found = by_fault(environment)[fault]
    assert found.verdict is Verdict.ROLLED_BACK
    assert found.harmed < found.unguarded


def test_the_canary_of_prod_has_time_for_what_creeps_and_the_steps_of_staging_have_not() -> None:
    assert by_fault("prod")["latency-ramp"].verdict is Verdict.ROLLED_BACK
    assert by_fault("staging")["latency-ramp"].verdict is Verdict.TOLD


@pytest.mark.parametrize("environment", list(GAPS))
def test_nothing_but_a_cold_start_in_dev_stays_unnoticed(environment: str) -> None:
    unnoticed = [name for name, found in by_fault(environment).items() if found.verdict is Verdict.UNNOTICED]
    assert unnoticed == (["cold-start"] if environment == "dev" else [])


def test_a_matrix_takes_less_than_two_seconds() -> None:
    rehearsed.cache_clear()
    start = process_time()
    rehearsed("prod")
    assert process_time() - start < 2
