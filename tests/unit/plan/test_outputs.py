"""Text, Markdown and JSON are what was reviewed; the page has what the JSON has."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from slipway.plan import data, markdown, text
from slipway.plan.html import page

from .cases import CASES


class _File(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT


class _Text(_File):
    file_extension = "txt"


class _Markdown(_File):
    file_extension = "md"


class _Json(_File):
    file_extension = "json"


NAMES = list(CASES)


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_what_was_reviewed(name: str, snapshot: SnapshotAssertion) -> None:
    assert text.text(CASES[name]()) == snapshot(name=name, extension_class=_Text)


@pytest.mark.parametrize("name", NAMES)
def test_the_markdown_is_what_was_reviewed(name: str, snapshot: SnapshotAssertion) -> None:
    assert markdown.text(CASES[name]()) == snapshot(name=name, extension_class=_Markdown)


@pytest.mark.parametrize("name", NAMES)
def test_the_json_is_what_was_reviewed(name: str, snapshot: SnapshotAssertion) -> None:
    found = data.text(CASES[name]())
    assert json.loads(found)["version"] == 1
    assert found == snapshot(name=name, extension_class=_Json)


class _Page(HTMLParser):
    """What a page has: its stages by rollout, and what it refers to."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.drawn: dict[str, list[dict[str, str]]] = {}
        self.findings: list[str] = []
        self.changes: list[str] = []
        self.endpoints: list[str] = []
        self.outside: list[str] = []
        self._subject = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        kinds = given.get("class", "").split()
        if tag not in self.VOID:
            self.open.append(tag)
        self.outside += [value for key, value in given.items() if key in ("src", "href", "xlink:href", "srcset")]
        if tag in ("script", "link", "iframe", "img"):
            self.outside.append(tag)
        if tag == "article":
            self.endpoints.append(given["data-name"])
        elif tag == "figure":
            self._subject = given["data-subject"]
            self.drawn[self._subject] = []
        elif tag == "rect" and "stage" in kinds:
            self.drawn[self._subject].append(given)
        elif "finding" in kinds:
            self.findings.append(kinds[1])
        elif "change" in kinds:
            self.changes.append(given["data-action"])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()


@pytest.mark.parametrize("name", NAMES)
def test_the_page_draws_the_stages_that_the_json_has(name: str) -> None:
    plan = CASES[name]()
    found = _Page(page(plan))
    assert found.open == []
    endpoints: list[dict[str, Any]] = [one for stack in data.data(plan)["stacks"] for one in stack["endpoints"]]
    courses = [course for one in endpoints for course in one["rollouts"]]
    assert list(found.drawn) == [course["subject"] for course in courses]
    for course in courses:
        rollout = course.get("live") or course["highest"]
        stages = [stage for stage in rollout["stages"] if stage["end"] > stage["start"]]
        drawn = found.drawn[course["subject"]]
        assert [one["data-kind"] for one in drawn] == [stage["kind"] for stage in stages]
        for attribute, key in (
            ("data-start", "start"),
            ("data-end", "end"),
            ("data-new-traffic", "new_traffic"),
            ("data-old-running", "old_running"),
            ("data-new-running", "new_running"),
        ):
            assert [float(one[attribute]) for one in drawn] == [stage[key] for stage in stages], attribute
        assert [one["data-watched"] == "true" for one in drawn] == [stage["watched"] for stage in stages]
        # Bands stand one beside the other over the whole width.
        edges = [(float(one["x"]), float(one["x"]) + float(one["width"])) for one in drawn]
        assert all(abs(left[1] - right[0]) < 0.11 for left, right in pairwise(edges))


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_every_finding_endpoint_and_resource_that_the_json_has(name: str) -> None:
    plan = CASES[name]()
    found, stacks = _Page(page(plan)), data.data(plan)["stacks"]
    shown = [stack for stack in stacks if stack["action"] != "unchanged"]
    wanted = [
        finding["kind"] for stack in stacks for one in (stack, *stack["endpoints"]) for finding in one["findings"]
    ]
    assert found.findings == wanted
    assert found.endpoints == [one["name"] for stack in shown for one in stack["endpoints"]]
    assert found.changes == [change["action"] for stack in stacks for change in stack["changes"]]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_needs_no_network_and_knows_dark_and_print(name: str) -> None:
    html = page(CASES[name]())
    assert _Page(html).outside == []
    assert not re.search(r"https?:|url\(|@import", html)
    assert "@media (prefers-color-scheme: dark)" in html
    assert "@media print" in html


def test_every_colour_of_the_page_has_a_value_in_light_dark_and_print() -> None:
    html = page(CASES["new_version"]())
    used = set(re.findall(r"var\((--\w+)\)", html))
    light, dark, printed = html.split(":root {")[1:4]
    for theme in (light, dark, printed):
        assert used <= set(re.findall(r"(--\w+):", theme.split("}")[0]))


def test_markup_in_a_template_stays_text() -> None:
    from .pairs import CONFIG, edited, planned, template

    evil = "<script>alert(1)</script>|`x`"
    plan = planned(template(), edited(template(), **{f"{CONFIG}__KmsKeyId": evil}))
    assert "<script" not in page(plan)
    assert "alert" in page(plan)


def test_a_comment_never_exceeds_what_github_takes() -> None:
    from slipway.plan.assembly import Assembly, Stack
    from slipway.plan.planning import plan

    from .pairs import next_model, template

    def side(given: dict[str, Any]) -> Assembly:
        return Assembly("side", {f"rc-{at}": Stack(f"rc-{at}", given) for at in range(80)})

    found = markdown.text(plan(side(template()), side(next_model(template()))))
    assert len(found) <= markdown.LONGEST
    assert "left out" in found
