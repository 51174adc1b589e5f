"""A report as text, Markdown and data: all three say the same."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from slipway.rehearsal.compare import Comparison, compare
from slipway.rehearsal.document import document
from slipway.rehearsal.faults import matrix
from slipway.rehearsal.markdown import markdown
from slipway.rehearsal.report import Report, report
from slipway.rehearsal.template import declarations
from slipway.rehearsal.text import text
from tests.unit.rehearsal.templates import GUIDES, assembly, rehearsed
from tests.unit.rehearsal.test_defaults import rehearsed as reviewed

ROOT = Path(__file__).parent.parent.parent.parent


def every() -> dict[str, Report]:
    return {"guides": rehearsed(GUIDES), **{name: reviewed(name) for name in ("dev", "staging", "prod")}}


@cache
def compared(name: str) -> list[Comparison]:
    return [compare(one.target, matrix()) for one in reviewed(name).targets]


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_text_reads_as_it_did(name: str, snapshot: SnapshotAssertion) -> None:
    assert text(reviewed(name), compared(name)) == snapshot


def test_the_text_of_a_template_from_a_guide_reads_as_it_did(snapshot: SnapshotAssertion) -> None:
    assert text(rehearsed(GUIDES)) == snapshot


def test_markdown_reads_as_it_did(snapshot: SnapshotAssertion) -> None:
    assert markdown(reviewed("prod"), compared("prod")) == snapshot


@pytest.mark.parametrize("name", ["guides", "dev", "staging", "prod"])
def test_all_outputs_have_every_gap_and_every_count_of_harmed_requests(name: str) -> None:
    found = every()[name]
    data = json.loads(json.dumps(document(found)))
    prose, marked = " ".join(text(found).split()), markdown(found)
    (target,) = data["targets"]
    gaps = [gap for gap in (*target["wrong"], *target["missed"]) if not gap["accepted"]]
    assert data["gaps"] == len(gaps) == len(found.gaps)
    for gap in gaps:
        assert gap["text"] in prose
        assert f"`{gap['code']}`" in marked
    assert f"{len(gaps)} gap" in prose
    assert f"{len(gaps)} gap" in marked
    for one in target["rehearsals"]:
        assert f"{one['harmed']:,}" in prose
        assert f"{one['harmed']:,}" in marked


def test_the_documentation_shows_what_is_printed() -> None:
    printed = text(reviewed("prod"), compared("prod")) + text(rehearsed(GUIDES))
    page = (ROOT / "docs" / "rehearse.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```\n\$ slipway rehearse.*?\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        lines = [line for line in block.splitlines() if line not in ("…", "")]
        assert len(lines) > 10
        assert [line for line in lines if f"{line}\n" not in printed] == []


def test_data_gives_times_in_minutes() -> None:
    (target,) = document(reviewed("prod"))["targets"]
    step = next(one for one in target["rehearsals"] if one["fault"] == "latency-step")
    assert (step["first_harm_minutes"], step["after_minutes"], step["over_minutes"]) == (10, 3, 13)
    assert step["ended_by"]["minutes"] == 13
    assert step["ended_by"]["traffic"] == 0.25
    assert step["told_by"] is None


def test_no_line_of_prose_is_wider_than_120_characters() -> None:
    for found in every().values():
        prose = [line for line in text(found).splitlines() if line.startswith(("  - ", "    "))]
        assert prose
        assert max(map(len, prose)) <= 120


def test_markdown_does_not_take_names_for_markup() -> None:
    template = GUIDES.replace("Default: churn", 'Default: "a_b_c"').replace("LatencyAlarm:", "Latency_Alarm_:")
    marked = markdown(rehearsed(template.replace("!Ref LatencyAlarm", "!Ref Latency_Alarm_")))
    assert "a\\_b\\_c-model-errors" in marked
    assert "### `a_b_c`" in marked


def test_an_accepted_gap_is_shown_as_such_and_not_counted() -> None:
    found = report(declarations(assembly(GUIDES)), matrix(), accepted=frozenset({"microseconds"}))
    assert len(found.gaps) == len(rehearsed(GUIDES).gaps) - 2
    assert "[microseconds] (accepted)" in text(found)
    assert "`microseconds` (accepted)" in markdown(found)
    accepted = [gap["code"] for gap in document(found)["targets"][0]["wrong"] if gap["accepted"]]
    assert accepted == ["microseconds", "microseconds"]


def test_what_belongs_to_no_endpoint_is_said_too() -> None:
    fleet = "Resources: {E: {Type: AWS::SageMaker::Endpoint, Properties: {EndpointName: e, EndpointConfigName: far}}}"
    found = rehearsed(fleet)
    assert "e cannot be rehearsed: its endpoint config, far, is not in the template" in " ".join(text(found).split())
    assert "`no-endpoint-config`" in markdown(found)
    assert document(found)["findings"][0]["code"] == "no-endpoint-config"
    assert len(found.gaps) == 1
