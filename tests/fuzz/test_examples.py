"""The committed example templates are held to the same: the shapes of the APIs, the facts, and cfn-lint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from slipway.spec.source import read_yaml, to_plain
from tests.fuzz.facts import contradictions
from tests.fuzz.linting import linted
from tests.fuzz.shapes import refusals
from tests.fuzz.stack import Stack

FOLDER = Path(__file__).parent.parent / "synth" / "properties"


def examples() -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
    """Config, endpoint, what it declares, and its template; not what `overrides` makes of one, on one's own risk."""
    for path in sorted(FOLDER.glob("*.json")):
        declared = to_plain(read_yaml(path.with_suffix(".yaml")).top)["endpoints"]
        for endpoint, template in json.loads(path.read_text(encoding="utf-8")).items():
            if "overrides" not in declared[endpoint]:
                yield path.stem, endpoint, declared[endpoint], template


@pytest.mark.parametrize(
    ("config", "endpoint", "declared", "template"), list(examples()), ids=lambda v: v if isinstance(v, str) else ""
)
def test_an_example_is_what_the_service_takes(
    config: str, endpoint: str, declared: Mapping[str, Any], template: Mapping[str, Any]
) -> None:
    stack = Stack(declared, template)
    assert (refusals(stack), contradictions(stack)) == ([], []), f"{config}: {endpoint}"


def test_cfn_lint_accepts_every_example() -> None:
    templates = [(f"rc-properties-dev-{endpoint}", template) for _, endpoint, _, template in examples()]
    assert len(templates) > 10
    assert list(linted(templates)) == []
