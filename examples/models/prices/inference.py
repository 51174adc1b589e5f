"""Serve the house prices in SageMaker's scikit-learn container (Python 3.9 or newer).

JSON for one home or a few; CSV, a line in and a line out, for the many of an asynchronous request. What the model
learned are plain numbers, applied in NumPy: loading runs no code from the artifact and does not import scikit-learn.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tabular


class Model(NamedTuple):
    """The weights of the logarithm of the price, and what a request looks like."""

    columns: list[tabular.Column]
    intercept: float
    weights: np.ndarray[Any, Any]
    name: str
    version: int


def features(homes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Turn rows (area, rooms, age, distance) into what the weights belong to; training calls it too.

    The area is taken as a logarithm, as prices grow in proportion to it, and the age (in centuries) also squared:
    homes lose value for some decades, and the oldest gain it again.
    """
    area, rooms, age, distance = homes.T
    return np.column_stack([np.log(area), rooms, age / 100, (age / 100) ** 2, distance])


def model_fn(model_dir: str) -> Model:
    """Read ``model.json`` from ``model_dir``."""
    stored = json.loads((Path(model_dir) / "model.json").read_text(encoding="utf-8"))
    return Model(
        columns=tabular.columns_of(stored),
        intercept=stored["intercept"],
        weights=np.array(stored["weights"]),
        name=stored["model"],
        version=stored["version"],
    )


def predict(homes: np.ndarray[Any, Any], model: Model) -> list[int]:
    """Return the median price of each home in whole euros."""
    logarithms = features(homes) @ model.weights + model.intercept
    return [round(float(price)) for price in np.exp(logarithms)]


def transform_fn(model: Model, body: bytes | str, content_type: str | None, accept: str | None) -> Any:  # noqa: ANN401
    """Answer the price of each home: JSON with model and version, or CSV with a price a line."""
    try:
        media_type = tabular.wanted(accept)
        homes = tabular.read(body, content_type, model.columns)
    except tabular.RequestError as error:
        return tabular.refuse(error)
    prices = predict(homes, model)
    predictions = [{"price": price} for price in prices]
    answer = {"model": model.name, "version": model.version, "currency": "EUR", "predictions": predictions}
    return tabular.write(media_type, answer, ([price] for price in prices))
