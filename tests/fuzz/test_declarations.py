"""Whatever is declared is refused with a cure, or becomes a template that the service takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import event, given, note, settings

from slipway.spec.environment import Environment
from slipway.spec.errors import ConfigError
from slipway.spec.load import from_mapping
from tests.fuzz.declarations import declarations
from tests.fuzz.draws import Plain
from tests.fuzz.facts import contradictions
from tests.fuzz.linting import linted
from tests.fuzz.refusals import unclear
from tests.fuzz.shapes import refusals
from tests.fuzz.stack import Stack, synthesize
from tests.fuzz.ways import WAYS

#: Percent that is accepted of each way of hosting; with fewer, the test would mostly be about refusals.
FEWEST_ACCEPTED = 30
#: A small sample may have a few less.
SMALL, FEWEST_OF_SMALL = 100, 20


def _text(declaration: Plain) -> str:
    return yaml.safe_dump(declaration, sort_keys=False)


def _accepted(declaration: Plain) -> Environment | None:
    """The environment, or none where it is refused as clearly as it should be."""
    try:
        return from_mapping(declaration).environment
    except ConfigError as refusal:
        missing = unclear(refusal, declaration)
    assert missing == []
    return None


@pytest.mark.parametrize("way", WAYS)
def test_a_declaration_is_refused_with_a_cure_or_becomes_what_the_service_takes(
    way: str, profile: settings, tmp_path: Path
) -> None:
    accepted: list[tuple[Plain, str, Mapping[str, Any]]] = []
    seen: Counter[str] = Counter()

    @profile
    @given(declarations(way))
    def judge(declaration: Plain) -> None:
        note(_text(declaration))
        seen["declared"] += 1
        environment = _accepted(declaration)
        event("refused" if environment is None else "accepted")
        if environment is None:
            return
        (name,) = environment.endpoints
        template = synthesize(environment, name, tmp_path)
        stack = Stack(declaration["endpoints"][name], template)
        assert refusals(stack) == []
        assert contradictions(stack) == []
        accepted.append((declaration, environment.names.stack(name), template))

    judge()
    wrong = [
        f"{said}\n{_text(accepted[number][0])}"
        for number, said in linted([(name, template) for _, name, template in accepted])
    ]
    assert not wrong, "\n".join(wrong)
    share = 100 * len(accepted) / seen["declared"]
    fewest = FEWEST_OF_SMALL if seen["declared"] < SMALL else FEWEST_ACCEPTED
    assert share >= fewest, f"only {share:.0f} % of {seen['declared']} declarations are accepted"
