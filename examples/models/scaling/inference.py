"""Serve the preprocessing of card payments: raw records with gaps in, features for the classifier out.

It is the first container of an inference pipeline (Python 3.9 or newer). Its answer is the request of the next
container, so it holds the rows alone, in the form that `tabular.read` takes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tabular


class Model(NamedTuple):
    """What stands for a missing value, and the mean and deviation of each column's logarithm."""

    columns: list[tabular.Column]
    medians: np.ndarray[Any, Any]
    means: np.ndarray[Any, Any]
    deviations: np.ndarray[Any, Any]


def model_of(stored: dict[str, Any]) -> Model:
    """Build the model from the content of ``model.json``."""
    return Model(
        columns=tabular.columns_of(stored),
        medians=np.array(stored["medians"]),
        means=np.array(stored["means"]),
        deviations=np.array(stored["deviations"]),
    )


def model_fn(model_dir: str) -> Model:
    """Read ``model.json`` from ``model_dir``."""
    return model_of(json.loads((Path(model_dir) / "model.json").read_text(encoding="utf-8")))


def scaled(records: np.ndarray[Any, Any], model: Model) -> np.ndarray[Any, Any]:
    """Impute the medians, take logarithms (of one more, as counts may be 0), and scale to mean 0 and deviation 1.

    The features have six decimals, as they travel as text. The classifier is trained on what this returns.
    """
    complete = np.where(np.isnan(records), model.medians, records)
    features: np.ndarray[Any, Any] = ((np.log1p(complete) - model.means) / model.deviations).round(6)
    return features


def transform_fn(model: Model, body: bytes | str, content_type: str | None, accept: str | None) -> Any:  # noqa: ANN401
    """Answer the features of each record: JSON as ``{"instances": rows}``, or CSV with a row a line."""
    try:
        media_type = tabular.wanted(accept)
        records = tabular.read(body, content_type, model.columns)
    except tabular.RequestError as error:
        return tabular.refuse(error)
    rows = scaled(records, model).tolist()
    return tabular.write(media_type, {"instances": rows}, rows)
