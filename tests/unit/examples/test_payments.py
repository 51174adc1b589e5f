"""The scaling and fraud examples: raw payments with gaps in, features between them, probabilities out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

JSON, CSV = "application/json", "text/csv"
USUAL, STRANGE, GAPS = "23.9,1200,3.5,0,1.5", "480,20,900,4,9.5", "31.5,,,1,"

Load = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def scaling(load: Load) -> Any:
    return load("scaling.inference")


@pytest.fixture(scope="module")
def fraud(load: Load) -> Any:
    return load("fraud.inference")


@pytest.fixture(scope="module")
def scaler(scaling: Any, trained: Callable[[str], Path]) -> Any:
    return scaling.model_fn(str(trained("scaling")))


@pytest.fixture(scope="module")
def classifier(fraud: Any, trained: Callable[[str], Path]) -> Any:
    return fraud.model_fn(str(trained("fraud")))


@pytest.fixture(scope="module")
def held_out(load: Load) -> Any:
    """Raw payments that neither step was trained on, and whether each is a fraud."""
    train = load("scaling.train")
    rows, frauds = train.payments()
    return rows[train.TRAINING :], frauds[train.TRAINING :]


def as_csv(rows: Any) -> str:
    return "".join(",".join("" if np.isnan(value) else f"{value:g}" for value in row) + "\n" for row in rows)


# Preprocessing


def test_payments_that_were_not_fitted_come_out_with_mean_0_and_deviation_1(load: Load) -> None:
    trained = load("scaling.train").train()
    least, largest = trained.deviations
    assert trained.missing > 0.03
    assert trained.largest_mean < 0.1
    assert 0.9 < least <= largest < 1.1


def test_scaling_agrees_with_scikit_learn_s_own_steps(load: Load, scaling: Any, scaler: Any, held_out: Any) -> None:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    train = load("scaling.train")
    steps = make_pipeline(SimpleImputer(strategy="median"), FunctionTransformer(np.log1p), StandardScaler())
    steps.fit(train.payments()[0][: train.TRAINING])
    assert scaling.scaled(held_out[0], scaler) == pytest.approx(steps.transform(held_out[0]), abs=2e-6)


def test_a_missing_value_counts_as_the_median(scaling: Any, scaler: Any) -> None:
    median = scaler.medians[1]
    with_gap, filled = (scaling.transform_fn(scaler, f"20,{age},5,0,2", CSV, CSV) for age in ("", f"{median:g}"))
    assert with_gap == filled


def test_records_may_also_be_json_with_null(scaling: Any, scaler: Any) -> None:
    by_json = scaling.transform_fn(scaler, "[31.5, null, null, 1, null]", JSON, JSON)
    assert by_json == scaling.transform_fn(scaler, GAPS, CSV, JSON)
    assert json.loads(by_json[0]).keys() == {"instances"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("-5,1200,3.5,0,1.5", "row 1, amount: -5.0 is not within 0 to 1,000,000 EUR, send a value such as 42.5"),
        ("23.9,1200,3.5,0.5,1.5", "row 1, recent: 0.5 is not a whole number"),
        ("23.9,1200,3.5,0", "row 1 has 4 values: send 5 (amount, account_age, distance, recent, chargebacks)"),
    ],
)
def test_a_wrong_record_is_answered_with_its_reason(
    trained: Callable[[str], Path], serve: Any, body: str, message: str
) -> None:
    answer = serve(trained("scaling"), body, CSV)
    assert answer.status == 400
    assert message in json.loads(answer.text)["error"]


# Classification


def test_it_tells_frauds_that_it_has_not_seen_from_genuine_payments(load: Load) -> None:
    trained = load("fraud.train").train()
    assert 0.93 < trained.roc_auc < 0.99
    assert 0.65 < trained.average_precision < 0.95


def test_classification_agrees_with_a_freshly_trained_estimator(
    load: Load, scaling: Any, scaler: Any, fraud: Any, classifier: Any, held_out: Any
) -> None:
    from sklearn.linear_model import LogisticRegression

    train = load("scaling.train")
    rows, frauds = train.payments()
    fresh = LogisticRegression(tol=1e-10, max_iter=1000)  # another solver than training's: the optimum is one
    fresh.fit(scaling.scaled(rows[: train.TRAINING], scaler), frauds[: train.TRAINING])
    features = scaling.scaled(held_out[0], scaler)
    expected = fresh.predict_proba(features)[:, 1]
    assert fraud.probabilities(features, classifier) == pytest.approx(expected, abs=1e-4)


def test_the_probabilities_are_as_high_as_frauds_are_frequent(
    scaling: Any, scaler: Any, fraud: Any, classifier: Any, held_out: Any
) -> None:
    rows, frauds = held_out
    probabilities = fraud.probabilities(scaling.scaled(rows, scaler), classifier)
    assert float(probabilities.mean()) == pytest.approx(float(frauds.mean()), abs=0.015)


def test_far_out_features_give_certainty_and_no_overflow(fraud: Any, classifier: Any) -> None:
    far = np.full((1, 5), 1e5) * np.sign(classifier.weights)
    with np.errstate(all="raise", under="ignore"):
        assert fraud.probabilities(np.vstack([far, -far]), classifier).tolist() == [1, 0]


def test_the_answer_names_model_version_class_and_both_probabilities(fraud: Any, classifier: Any) -> None:
    text, media_type = fraud.transform_fn(classifier, "[2.5, -2, 4.5, 3, 2]", JSON, JSON)
    assert media_type == JSON
    answer = json.loads(text)
    [prediction] = answer.pop("predictions")
    assert answer == {"model": "fraud", "version": 1}
    assert prediction["class"] == "fraud"
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)
    assert prediction["probabilities"]["fraud"] > 0.99


def test_a_raw_record_is_refused_by_the_classifier(trained: Callable[[str], Path], serve: Any) -> None:
    answer = serve(trained("fraud"), USUAL, CSV)
    assert answer.status == 400
    assert "row 1, amount: 23.9 is not within" in json.loads(answer.text)["error"]
    assert "after scaling" in answer.text


# Both, as an inference pipeline runs them


@pytest.mark.parametrize("accept", ["", JSON, CSV])
def test_what_scaling_answers_is_what_fraud_takes(trained: Callable[[str], Path], serve: Any, accept: str) -> None:
    features = serve(trained("scaling"), f"{USUAL}\n{STRANGE}\n{GAPS}\n", CSV, accept)
    answer = serve(trained("fraud"), features.text, features.content_type, accept)
    assert answer.content_type == features.content_type
    if accept == CSV:
        classes = [line.split(",")[0] for line in answer.text.splitlines()]
    else:
        classes = [prediction["class"] for prediction in json.loads(answer.text)["predictions"]]
    assert classes == ["genuine", "fraud", "genuine"]


def test_any_record_that_scaling_takes_gives_features_that_fraud_takes(
    scaling: Any, scaler: Any, fraud: Any, classifier: Any
) -> None:
    for end in ("minimum", "maximum"):
        record = json.dumps([getattr(column, end) for column in scaler.columns])
        features, media_type = scaling.transform_fn(scaler, record, JSON, JSON)
        text, _ = fraud.transform_fn(classifier, features, media_type, JSON)
        assert json.loads(text)["predictions"]


def test_the_pipeline_finds_most_frauds_in_a_raw_file_with_gaps(
    scaling: Any, scaler: Any, fraud: Any, classifier: Any, held_out: Any
) -> None:
    rows, frauds = held_out
    features, media_type = scaling.transform_fn(scaler, as_csv(rows), CSV, CSV)
    text, _ = fraud.transform_fn(classifier, features, media_type, CSV)
    called = np.array([line.startswith("fraud,") for line in text.splitlines()])
    found = (called & frauds).sum()
    assert np.isnan(rows).any()
    assert found / frauds.sum() > 0.5
    assert found / called.sum() > 0.7
