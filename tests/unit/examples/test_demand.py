"""The demand example: one script, an archive for each store, and each store answers for itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from slipway.ops.publish.package import package

JSON, CSV = "application/json", "text/csv"
STORES = ("store-1", "store-2", "store-3")
WEDNESDAY, SATURDAY, HOT_SATURDAY = [3, 0, 15], [6, 0, 15], [6, 0, 30]

Load = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def folder(trained: Callable[[str], Path]) -> Path:
    return trained("demand")


@pytest.fixture(scope="module")
def inference(load: Load) -> Any:
    return load("demand.inference")


def units(inference: Any, folder: Path, store: str, *days: list[int]) -> list[float]:
    text, _ = inference.transform_fn(inference.model_fn(str(folder / store)), json.dumps(days), JSON, JSON)
    return [prediction["units"] for prediction in json.loads(text)["predictions"]]


@pytest.mark.parametrize("store", STORES)
def test_it_foretells_the_last_half_year_and_better_than_as_a_week_before(load: Load, store: str) -> None:
    trained = load("demand.train").train(store)
    assert 0.87 < trained.r_squared < 0.99
    assert trained.r_squared > trained.naive + 0.1


@pytest.mark.parametrize("store", STORES)
def test_serving_agrees_with_a_freshly_trained_estimator(load: Load, inference: Any, folder: Path, store: str) -> None:
    from sklearn.linear_model import LinearRegression
    from sklearn.preprocessing import OneHotEncoder

    train = load("demand.train")
    days, sold = train.days(train.STORES[store])
    known = np.hstack([OneHotEncoder(sparse_output=False).fit_transform(days[:, :1]), days[:, 1:]])
    expected = np.exp(LinearRegression(fit_intercept=False).fit(known, np.log(sold)).predict(known))
    assert inference.predict(days, inference.model_fn(str(folder / store))) == pytest.approx(expected, abs=0.051)


def test_the_folder_has_an_archive_for_each_store_and_the_script_that_they_share(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {*STORES, "source"}
    for store in STORES:
        files = {path.relative_to(folder / store).as_posix() for path in (folder / store).rglob("*") if path.is_file()}
        assert files == {"model.json", "code/inference.py", "code/tabular.py"}
    assert {path.name for path in (folder / "source").iterdir()} == {"inference.py", "tabular.py"}


def test_archives_differ_in_their_parameters_alone(folder: Path) -> None:
    for name in ("inference.py", "tabular.py"):
        copies = {(folder / store / "code" / name).read_bytes() for store in STORES}
        assert copies == {(folder / "source" / name).read_bytes()}
    hashes = set()
    for store in STORES:
        with package(folder / store) as packed:
            assert packed.size < 10_000
            hashes.add(packed.sha256)
    assert len(hashes) == len(STORES)


def test_each_store_answers_the_same_request_for_itself(folder: Path, serve: Any) -> None:
    answers = [json.loads(serve(folder / store, json.dumps(HOT_SATURDAY), JSON).text) for store in STORES]
    assert [answer["store"] for answer in answers] == list(STORES)
    assert {(answer["model"], answer["version"]) for answer in answers} == {("demand", 1)}
    assert [answer["predictions"][0]["units"] for answer in answers] == [
        pytest.approx(160, rel=0.1),
        pytest.approx(380 * 0.995**30, rel=0.1),
        pytest.approx(140 * 1.05**30, rel=0.1),
    ]


def test_stores_sell_by_the_week_by_promotion_and_by_the_weather(inference: Any, folder: Path) -> None:
    def changed(store: str, before: list[int], after: list[int]) -> float:
        first, second = units(inference, folder, store, before, after)
        return second / first

    assert changed("store-1", WEDNESDAY, SATURDAY) == pytest.approx(160 / 255, rel=0.1)
    assert changed("store-2", WEDNESDAY, SATURDAY) == pytest.approx(380 / 145, rel=0.1)
    assert changed("store-2", SATURDAY, [6, 1, 15]) == pytest.approx(1.5, rel=0.05)
    assert changed("store-1", SATURDAY, HOT_SATURDAY) == pytest.approx(1, abs=0.05)
    assert changed("store-3", SATURDAY, HOT_SATURDAY) == pytest.approx(1.05**15, rel=0.05)


def test_a_week_can_be_asked_for_at_once_as_csv(inference: Any, folder: Path, serve: Any) -> None:
    week = [[weekday, 0, 20] for weekday in range(1, 8)]
    file = "weekday,promotion,temperature\n" + "".join(f"{weekday},0,20\n" for weekday in range(1, 8))
    served = serve(folder / "store-2", file, CSV, CSV)
    assert [float(line) for line in served.text.split()] == units(inference, folder, "store-2", *week)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("[0, 0, 15]", "row 1, weekday: 0 is not within 1 to 7 (Monday is 1), send a value such as 5"),
        ("[2.5, 0, 15]", "row 1, weekday: 2.5 is not a whole number"),
        ("[3, 2, 15]", "row 1, promotion: 2 is not within 0 to 1 (1 is yes)"),
        ("[3, 0, 288]", "row 1, temperature: 288 is not within -20 to 40 °C"),
        ("[3, 0, null]", "row 1, temperature: missing"),
    ],
)
def test_a_wrong_day_is_answered_with_its_reason(folder: Path, serve: Any, body: str, message: str) -> None:
    answer = serve(folder / "store-3", body, JSON)
    assert answer.status == 400
    assert message in json.loads(answer.text)["error"]
