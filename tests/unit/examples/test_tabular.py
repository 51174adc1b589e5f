"""What the tabular examples share in serving: bodies that are read, and requests that are refused with a reason."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

JSON, CSV = "application/json", "text/csv"

Load = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def tabular(load: Load) -> Any:
    return load("tabular")


@pytest.fixture(scope="module")
def columns(tabular: Any) -> Any:
    """An area that must be there, a whole number of floors, and a height that may be missing."""
    return [
        tabular.Column("area", "m²", 10, 1000, example=80),
        tabular.Column("floors", "", 1, 9, example=2, whole=True),
        tabular.Column("height", "m", 0, 50.5, example=2.5, optional=True),
    ]


ONE, TWO = [[80, 2, 2.5]], [[80, 2, 2.5], [20, 1, 3]]


@pytest.mark.parametrize(
    ("body", "content_type", "rows"),
    [
        ("[80, 2, 2.5]", JSON, ONE),
        (b"[80, 2.0, 2.5]", JSON, ONE),
        (b"\xef\xbb\xbf[80, 2, 2.5]", JSON, ONE),
        ("\ufeff[80, 2, 2.5]\n", JSON, ONE),
        ("\ufeff80,2,2.5\r\n \n", CSV, ONE),
        ("[[80, 2, 2.5], [20, 1, 3]]", JSON, TWO),
        ('{"instances": [[80, 2, 2.5], [20, 1, 3]]}', JSON, TWO),
        ('{"instances": [80, 2, 2.5]}', JSON, ONE),
        ("[80, 2, 2.5]", "Application/JSON; charset=utf-8", ONE),
        ("[80, 2, 2.5]", None, ONE),
        ("80,2,2.5", CSV, ONE),
        (b"80,2,2.5\r\n20,1,3\r\n", "text/csv; charset=utf-8", TWO),
        ('"80", 2 ,2.5\n', CSV, ONE),
        ("area,floors,height\n80,2,2.5\n20,1,3\n", CSV, TWO),
        (b"\xef\xbb\xbfarea, floors, height\r\n80,2,2.5", CSV, ONE),
        ("[10, 1, 0]", JSON, [[10, 1, 0]]),
        ("[1000, 9, 50.5]", JSON, [[1000, 9, 50.5]]),
    ],
)
def test_what_is_read(tabular: Any, columns: Any, body: bytes | str, content_type: str | None, rows: Any) -> None:
    read = tabular.read(body, content_type, columns)
    assert read.dtype == float
    assert read.tolist() == rows


@pytest.mark.parametrize(("body", "content_type"), [("[80, 2, null]", JSON), ("80,2,", CSV), ("80,2, \n", CSV)])
def test_an_optional_value_may_be_missing(tabular: Any, columns: Any, body: str, content_type: str) -> None:
    [[area, floors, height]] = tabular.read(body, content_type, columns).tolist()
    assert (area, floors) == (80, 2)
    assert math.isnan(height)


def test_a_first_cell_may_be_missing(tabular: Any) -> None:
    gap = [tabular.Column(name, "", 0, 9, example=1, optional=True) for name in "ab"]
    assert np.isnan(tabular.read(",1\n,\n", CSV, gap)).tolist() == [[True, False], [True, True]]


REFUSED = [
    (b"", JSON, 400, r"the body is empty: send at least one row, such as \[80, 2, 2.5\]"),
    (" \n", CSV, 400, "the body is empty"),
    ("\ufeff", CSV, 400, "the body is empty"),
    ("[]", JSON, 400, r"there are no rows: send at least one, such as \[80, 2, 2.5\]"),
    ("area,floors,height\n", CSV, 400, "there are no rows"),
    ("[[]]", JSON, 400, r"row 1 has 0 values: send 3 \(area, floors, height\)"),
    ("[80]", JSON, 400, "row 1 has 1 value: send 3"),
    ("80,2,2.5\n\n80,2,2.5", CSV, 400, "^row 2 has 0 values: send 3"),
    ("80,2,2.5,", CSV, 400, "row 1 has 4 values"),
    ("[[80, 2, 2.5], 5]", JSON, 400, r"row 2 is 5, not a list of numbers: send \[80, 2, 2.5\]"),
    ('["80", 2, 2.5]', JSON, 400, 'row 1, area: "80" is not a number, send a value such as 80$'),
    ("[true, 2, 2.5]", JSON, 400, "row 1, area: true is not a number"),
    ("80,two,2.5", CSV, 400, 'row 1, floors: "two" is not a number, send a value such as 2$'),
    ("floors,area,height\n80,2,2.5", CSV, 400, 'row 1, area: "floors" is not a number'),
    ("[80, 2.5, 2.5]", JSON, 400, "row 1, floors: 2.5 is not a whole number, send a value such as 2$"),
    ("[null, 2, 2.5]", JSON, 400, "row 1, area: missing, send a value such as 80$"),
    (",2,2.5", CSV, 400, "row 1, area: missing"),
    ("[9.99, 2, 2.5]", JSON, 400, "row 1, area: 9.99 is not within 10 to 1,000 m², send"),
    ("[80, 10, 2.5]", JSON, 400, "row 1, floors: 10 is not within 1 to 9, send"),
    ("[80, 2, 50.6]", JSON, 400, "row 1, height: 50.6 is not within 0 to 50.5 m, send"),
    ("[NaN, 2, 2.5]", JSON, 400, "row 1, area: NaN is not within"),
    ("80,2,nan", CSV, 400, "row 1, height: NaN is not within"),
    ("[80, Infinity, 2.5]", JSON, 400, "row 1, floors: Infinity is not within"),
    (f"[80, {'9' * 400}, 2.5]", JSON, 400, "floors: 9{39}… is not within"),
    ("[1, 0, 2.5]", JSON, 400, "row 1, area: 1 is not .*; row 1, floors: 0 is not .* such as 2$"),
    ('{"rows": [[80, 2, 2.5]]}', JSON, 400, r'one key, instances, but has \["rows"\]: send {"instances": \[\[80'),
    ('{"instances": 5}', JSON, 400, "5 is not a list of rows"),
    ("80,2,2.5", JSON, 400, r"the body is not JSON \(.*\): send \[80, 2, 2.5\]"),
    ("[" * 100_000, JSON, 400, "the body is not JSON"),
    (b"[\xff]", JSON, 400, "byte 1 of the body is not UTF-8"),
    (f'"{"x" * 200_000}"', CSV, 400, r"the body is not CSV \(.*\): send 80, 2, 2.5"),
    ("<a/>", "application/xml", 415, '"application/xml" is not supported: send application/json or text/csv'),
]


@pytest.mark.parametrize(("body", "content_type", "status", "message"), REFUSED)
def test_what_is_refused_and_what_to_send_instead(
    tabular: Any, columns: Any, body: bytes | str, content_type: str, status: int, message: str
) -> None:
    with pytest.raises(tabular.RequestError, match=message) as caught:
        tabular.read(body, content_type, columns)
    assert caught.value.status_code == status


@pytest.mark.parametrize(("wrong", "shown", "end"), [(5, 5, "80"), (6, 5, "; and more"), (5000, 5, "; and more")])
def test_the_first_five_faults_are_told_at_once(tabular: Any, columns: Any, wrong: int, shown: int, end: str) -> None:
    with pytest.raises(tabular.RequestError) as caught:
        tabular.read("big,2,2.5\n" * wrong, CSV, columns)
    assert str(caught.value).count("is not a number") == shown
    assert str(caught.value).endswith(end)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("Application/JSON; charset=utf-8", JSON),
        ("text/csv", CSV),
        ("text/*", CSV),
        ("text/html, text/csv;q=0.9, */*;q=0.1", CSV),
        ("application/json, text/csv", JSON),
    ],
)
def test_the_answer_is_the_first_that_accept_names(tabular: Any, accept: str | None, media_type: str) -> None:
    assert tabular.wanted(accept) == media_type


def test_an_accept_that_takes_neither_is_refused(tabular: Any) -> None:
    with pytest.raises(
        tabular.RequestError, match='"image/png" is not supported: accept application/json or'
    ) as caught:
        tabular.wanted("image/png")
    assert caught.value.status_code == 406


def test_an_answer_is_the_document_or_the_lines(tabular: Any) -> None:
    assert tabular.write(JSON, {"a": 1}, [[1, 2]]) == ('{"a": 1}', JSON)
    assert tabular.write(CSV, {"a": 1}, [[1, 2.5], ["x,y", 3]]) == ('1,2.5\n"x,y",3\n', CSV)


def install(patch: pytest.MonkeyPatch, name: str, **members: object) -> None:
    """Put a module in place for one test, with the packages that it is in."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        patch.setitem(sys.modules, ".".join(parts[:depth]), ModuleType(".".join(parts[:depth])))
    for member, value in members.items():
        setattr(sys.modules[name], member, value)


class BaseInferenceToolkitError(Exception):
    """As the inference toolkit of multi-model endpoints has it."""

    def __init__(self, status_code: int, message: str, phrase: str) -> None:
        super().__init__(status_code, message, phrase)
        self.status_code, self.message, self.phrase = status_code, message, phrase


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What the scikit-learn container has installed: both servers' modules."""
    worker = SimpleNamespace(Response=SimpleNamespace)
    install(monkeypatch, "sagemaker_containers.beta.framework", worker=worker)
    install(monkeypatch, "sagemaker_inference.errors", BaseInferenceToolkitError=BaseInferenceToolkitError)
    monkeypatch.delenv("SAGEMAKER_MULTI_MODEL", raising=False)
    return monkeypatch


@pytest.mark.usefixtures("container")
def test_the_server_of_a_single_model_is_given_a_response(tabular: Any) -> None:
    response = tabular.refuse(tabular.RequestError("no rows in €", 400))
    assert (response.status, response.mimetype) == (400, JSON)
    assert json.loads(response.response) == {"error": "no rows in €"}


def test_the_server_of_multi_model_endpoints_is_given_its_exception(
    tabular: Any, container: pytest.MonkeyPatch
) -> None:
    container.setenv("SAGEMAKER_MULTI_MODEL", "true")
    with pytest.raises(BaseInferenceToolkitError) as caught:
        tabular.refuse(tabular.RequestError("no such thing", 415))
    assert (caught.value.status_code, caught.value.phrase) == (415, "Unsupported Media Type")
    assert json.loads(caught.value.message) == {"error": "no such thing"}


def test_a_multi_model_server_without_the_toolkit_is_given_a_response(
    tabular: Any, container: pytest.MonkeyPatch
) -> None:
    container.setenv("SAGEMAKER_MULTI_MODEL", "true")
    container.setitem(sys.modules, "sagemaker_inference.errors", None)
    assert tabular.refuse(tabular.RequestError("no rows")).status == 400


def test_where_no_server_is_installed_the_error_is_raised(tabular: Any) -> None:
    with pytest.raises(tabular.RequestError, match="no rows"):
        tabular.refuse(tabular.RequestError("no rows"))
