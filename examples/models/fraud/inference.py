"""Serve the classifier of card payments in SageMaker's scikit-learn container (Python 3.9 or newer).

It is the second container of an inference pipeline: its request is what ``scaling`` answers. Alone it takes features
that were scaled the same way; raw records are mostly outside the accepted range, and refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tabular


class Model(NamedTuple):
    """The weights of the log odds, the two classes, and what a request looks like."""

    columns: list[tabular.Column]
    classes: list[str]
    intercept: float
    weights: np.ndarray[Any, Any]
    name: str
    version: int


def model_of(stored: dict[str, Any]) -> Model:
    """Build the model from the content of ``model.json``."""
    return Model(
        columns=tabular.columns_of(stored),
        classes=stored["classes"],
        intercept=stored["intercept"],
        weights=np.array(stored["weights"]),
        name=stored["model"],
        version=stored["version"],
    )


def model_fn(model_dir: str) -> Model:
    """Read ``model.json`` from ``model_dir``."""
    return model_of(json.loads((Path(model_dir) / "model.json").read_text(encoding="utf-8")))


def probabilities(rows: np.ndarray[Any, Any], model: Model) -> np.ndarray[Any, Any]:
    """Return the probability of the second class, fraud, for each row: 0 to 1, six decimals."""
    log_odds = rows @ model.weights + model.intercept
    of_fraud: np.ndarray[Any, Any] = np.exp(-np.logaddexp(0, -log_odds)).round(6)  # logaddexp: exp alone overflows
    return of_fraud


def transform_fn(model: Model, body: bytes | str, content_type: str | None, accept: str | None) -> Any:  # noqa: ANN401
    """Answer the likelier class of each row and the probability of both; as CSV, class and probability of fraud."""
    try:
        media_type = tabular.wanted(accept)
        rows = tabular.read(body, content_type, model.columns)
    except tabular.RequestError as error:
        return tabular.refuse(error)
    genuine, fraud = model.classes
    scores = [
        (fraud if probability >= 0.5 else genuine, probability) for probability in probabilities(rows, model).tolist()
    ]
    predictions = [
        {"class": name, "probabilities": {genuine: round(1 - probability, 6), fraud: probability}}
        for name, probability in scores
    ]
    return tabular.write(
        media_type, {"model": model.name, "version": model.version, "predictions": predictions}, scores
    )
