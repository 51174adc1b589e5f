"""Whatever stands in a template, a plan says something and never ends in a traceback."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.plan import data, markdown, text
from slipway.plan.documents import UnreadableError, checked
from slipway.plan.html import page

from .pairs import Template, edited, next_model, planned, template

TEMPLATES = [next_model(template()), template("components"), template("all-at-once")]
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, "", "⟨x⟩", 0, -1, 1.5, True, [], {}, [None], ["x"], [[["x"]]], {"x": 1}, "9" * 40),
        *({"Ref": "Nobody"}, {"Ref": ["x"]}, {"Fn::GetAtt": "x"}, {"Fn::GetAtt": []}, {"Fn::Join": 1}),
        *({"Fn::Join": ["", {"Ref": "AWS::Region"}]}, {"Fn::If": ["x"]}, {"Fn::Select": [9, ["a"]]}, {"Fn::Sub": 1}),
        *({"Fn::Sub": "${Nobody.Arn} ${"}, {"Fn::FindInMap": ["a", "b", "c"]}, {"Fn::Transform": {"Name": "x"}}),
        *({"Fn::Split": [",", 1]}, {"Condition": "Nobody"}),
    ]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def put(given: Template, path: tuple[Any, ...], value: Any) -> Template:
    made = copy.deepcopy(given)
    place: Any = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return made


def all_outputs(old: Template, new: Template) -> None:
    """Write all of a plan, unless a side is no template, which is said."""
    try:
        found = planned(checked(old, "old"), checked(new, "new"))
    except UnreadableError:
        return
    for output in (text.text, markdown.text, data.text, page):
        assert output(found)


@settings(max_examples=100, deadline=None)
@given(which=st.sampled_from(TEMPLATES), seed=st.randoms(use_true_random=False), odd=ODD, backwards=st.booleans())
def test_an_odd_value_anywhere_in_a_template_is_no_traceback(
    which: Template, seed: random.Random, odd: Any, *, backwards: bool
) -> None:
    broken = put(which, seed.choice(list(places(which))), odd)
    old, new = (broken, which) if backwards else (which, broken)
    all_outputs(old, new)


@pytest.mark.parametrize("section", ["Parameters", "Conditions", "Mappings"])
@pytest.mark.parametrize("odd", [None, [], "x", {"A": None}, {"A": 1}, {"A": "x"}, {"A": []}])
def test_odd_sections_beside_the_resources_are_no_traceback(section: str, odd: Any) -> None:
    all_outputs(template(), {**template(), section: odd})


def test_a_template_without_endpoints_is_a_plan_of_its_resources() -> None:
    plain = {"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "a"}}}}
    found = planned(plain, edited(plain, T__TopicName="b"))
    assert found.stacks[0].endpoints == ()
    assert [change.action for change in found.stacks[0].changes] == ["replace"]
