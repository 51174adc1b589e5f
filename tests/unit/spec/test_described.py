"""What the keys of the spec are, in the words below them."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from slipway.spec.base import Spec
from slipway.spec.deployment import Canary
from slipway.spec.described import descriptions
from slipway.spec.endpoint import Endpoint
from slipway.spec.environment import Environment


def every(model: type[Spec]) -> set[type[Spec]]:
    return {model}.union(*(every(kind) for kind in model.__subclasses__()))


def test_a_key_is_what_the_words_below_it_say() -> None:
    assert descriptions(Endpoint)["shadow"] == "A second model that gets copies of the requests."


def test_several_lines_lose_their_indentation_only() -> None:
    assert descriptions(Environment)["encrypt_volumes"].splitlines()[1].startswith("Default:")


def test_keys_of_what_a_model_builds_on_are_said_too() -> None:
    assert descriptions(Canary)["timeout"].startswith("Longest time the whole update may take")


def test_nothing_is_said_of_what_is_no_key() -> None:
    models = [model for model in every(Spec) if model.model_fields]
    assert len(models) > 30
    for model in models:
        assert set(descriptions(model)) <= set(model.model_fields), model


def test_a_class_without_its_source_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "slipway.compiled", ModuleType("slipway.compiled"))
    assert descriptions(type("Compiled", (Spec,), {"__module__": "slipway.compiled"})) == {}
