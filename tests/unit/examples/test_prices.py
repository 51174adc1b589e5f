"""The prices example: a regression that holds up on homes it has not seen, asked one by one or by the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

JSON, CSV = "application/json", "text/csv"
HOME = [80, 3, 35, 4.5]

Load = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def inference(load: Load) -> Any:
    return load("prices.inference")


@pytest.fixture(scope="module")
def folder(trained: Callable[[str], Path]) -> Path:
    return trained("prices")


@pytest.fixture(scope="module")
def model(inference: Any, folder: Path) -> Any:
    return inference.model_fn(str(folder))


def price(inference: Any, model: Any, *home: float) -> int:
    text, _ = inference.transform_fn(model, json.dumps(home), JSON, JSON)
    [prediction] = json.loads(text)["predictions"]
    return int(prediction["price"])


def test_it_explains_most_of_the_price_of_homes_it_has_not_seen(load: Load) -> None:
    assert 0.88 < load("prices.train").train().r_squared < 0.95


def test_half_of_the_homes_cost_more_than_the_answer(load: Load, inference: Any, model: Any) -> None:
    rows, prices = load("prices.train").homes()
    above = float(np.mean(prices > inference.predict(rows, model)))
    assert above == pytest.approx(0.5, abs=0.03)


def test_serving_agrees_with_a_freshly_trained_estimator(load: Load, inference: Any, model: Any) -> None:
    from sklearn.linear_model import LinearRegression

    rows, prices = load("prices.train").homes()
    fresh = LinearRegression().fit(inference.features(rows), np.log(prices))
    expected = np.exp(fresh.predict(inference.features(rows)))
    assert inference.predict(rows, model) == pytest.approx(expected, abs=0.51)


def test_the_answer_names_model_version_currency_and_price(inference: Any, model: Any) -> None:
    text, media_type = inference.transform_fn(model, json.dumps(HOME), JSON, JSON)
    assert media_type == JSON
    assert json.loads(text) == {
        "model": "prices",
        "version": 1,
        "currency": "EUR",
        "predictions": [{"price": pytest.approx(228_000, rel=0.05)}],
    }


def test_larger_nearer_and_newer_homes_cost_more(inference: Any, model: Any) -> None:
    usual = price(inference, model, *HOME)
    assert price(inference, model, 160, 3, 35, 4.5) / usual == pytest.approx(2**0.93, rel=0.03)
    assert price(inference, model, 80, 3, 35, 14.5) / usual == pytest.approx(np.exp(-0.3), rel=0.03)
    assert price(inference, model, 80, 3, 0, 4.5) > usual > price(inference, model, 80, 3, 67, 4.5)


def test_a_file_of_many_rows_is_answered_line_by_line(load: Load, inference: Any, model: Any) -> None:
    rows, _ = load("prices.train").homes()
    many = np.tile(rows, (10, 1))
    file = "area,rooms,age,distance\n" + "".join(",".join(map(str, row)) + "\n" for row in many.tolist())
    text, media_type = inference.transform_fn(model, file, CSV, CSV)
    assert media_type == CSV
    assert [int(line) for line in text.splitlines()] == inference.predict(many, model)


def test_json_in_csv_out_and_the_other_way_round(inference: Any, model: Any) -> None:
    expected = price(inference, model, *HOME)
    assert inference.transform_fn(model, json.dumps(HOME), JSON, CSV) == (f"{expected}\n", CSV)
    text, _ = inference.transform_fn(model, "80,3,35,4.5", CSV, JSON)
    assert json.loads(text)["predictions"] == [{"price": expected}]


def test_the_archive_alone_can_be_served(inference: Any, model: Any, folder: Path, serve: Any) -> None:
    served = serve(folder, "80,3,35,4.5\n20,1,0,1\n", CSV, CSV)
    assert served.content_type == CSV
    assert served.text == f"{price(inference, model, *HOME)}\n{price(inference, model, 20, 1, 0, 1)}\n"


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status", "message"),
    [
        ("[8, 3, 35, 4.5]", JSON, JSON, 400, "row 1, area: 8 is not within 15 to 500 m², send a value such as 80"),
        ("[80, 3, 1990, 4.5]", JSON, JSON, 400, "row 1, age: 1990 is not within 0 to 150 years"),
        ("80,3,35,4.5\n80,3,,4.5", CSV, CSV, 400, "row 2, age: missing"),
        ("[80, 3, 35, 4.5]", "text/plain", JSON, 415, "send application/json or text/csv"),
        ("[80, 3, 35, 4.5]", JSON, "image/png", 406, "accept application/json or text/csv"),
    ],
)
def test_a_wrong_request_is_answered_with_its_reason(
    folder: Path, serve: Any, body: str, content_type: str, accept: str, status: int, message: str
) -> None:
    answer = serve(folder, body, content_type, accept)
    assert answer.status == status
    assert message in json.loads(answer.text)["error"]
