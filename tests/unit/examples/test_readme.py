"""The page about the example models: every model is on it, and what it shows is what happens."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

MODELS = Path(__file__).parents[3] / "examples/models"
PAGE = (MODELS / "README.md").read_text(encoding="utf-8")

#: Model, request, status of a refusal, answer.
ASKED = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| (\d*) ?`([^`]+)` \|$", PAGE, flags=re.MULTILINE)
#: Model, output of its training.
RUN = re.findall(r"^\$ python examples/models/(\w+)/train\.py.*\n((?:.+\n)+?)```", PAGE, flags=re.MULTILINE)


def test_every_model_is_in_the_table() -> None:
    assert set(re.findall(r"^\| `(\w+)` \| [a-z]", PAGE, flags=re.MULTILINE)) == {
        path.parent.name for path in MODELS.glob("*/train.py")
    }


def test_every_tabular_model_is_asked() -> None:
    assert {model.split("/")[0] for model, *_ in ASKED} == {"prices", "scaling", "fraud", "demand"}


@pytest.mark.parametrize(("model", "request_body", "status", "text"), ASKED)
def test_the_answers_are_those_shown(
    trained: Callable[[str], Path], serve: Any, model: str, request_body: str, status: str, text: str
) -> None:
    name, _, part = model.partition("/")
    content_type = "application/json" if request_body[0] in "[{" else "text/csv"
    answer = serve(trained(name) / part, request_body, content_type)
    assert (answer.status, answer.text) == (int(status or 200), text)


@pytest.mark.parametrize(("model", "output"), RUN)
def test_training_prints_what_is_shown(
    load: Callable[[str], ModuleType], model: str, output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(f"{model}.train").main(["--out", str(tmp_path)])
    assert capsys.readouterr().out.splitlines()[:-1] == output.splitlines()[:-1]
    assert output.splitlines()[-1] == f"written to …/examples/models/{model}/build/v1"
