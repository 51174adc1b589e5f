"""Serve the demand of any one store: what differs between the stores is in ``model.json`` alone.

On a multi-model endpoint (Python 3.9 or newer) each archive is loaded when a request first names it, which waits until
then; so this imports no scikit-learn, whose import takes a second.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tabular


class Model(NamedTuple):
    """The weights of the logarithm of the units sold, for one store, and what a request looks like."""

    columns: list[tabular.Column]
    store: str
    weights: np.ndarray[Any, Any]
    name: str
    version: int


def features(days: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Turn rows (weekday, promotion, temperature) into what the weights belong to; training calls it too.

    Seven columns of which one is 1, the weekday's; then promotion and temperature.
    """
    weekdays = (days[:, :1] == np.arange(1, 8)).astype(float)
    return np.hstack([weekdays, days[:, 1:]])


def model_fn(model_dir: str) -> Model:
    """Read ``model.json`` from ``model_dir``."""
    stored = json.loads((Path(model_dir) / "model.json").read_text(encoding="utf-8"))
    return Model(
        columns=tabular.columns_of(stored),
        store=stored["store"],
        weights=np.array(stored["weights"]),
        name=stored["model"],
        version=stored["version"],
    )


def predict(days: np.ndarray[Any, Any], model: Model) -> list[float]:
    """Return the units to expect on each day, one decimal."""
    units: list[float] = np.exp(features(days) @ model.weights).round(1).tolist()
    return units


def transform_fn(model: Model, body: bytes | str, content_type: str | None, accept: str | None) -> Any:  # noqa: ANN401
    """Answer the demand on each day: JSON with model, version and store, or CSV with a number a line."""
    try:
        media_type = tabular.wanted(accept)
        days = tabular.read(body, content_type, model.columns)
    except tabular.RequestError as error:
        return tabular.refuse(error)
    units = predict(days, model)
    answer = {
        "model": model.name,
        "version": model.version,
        "store": model.store,
        "predictions": [{"units": number} for number in units],
    }
    return tabular.write(media_type, answer, ([number] for number in units))
