"""Serve the iris classifier in SageMaker's scikit-learn container (Python 3.9 or newer).

The container calls ``model_fn`` once, then ``input_fn``, ``predict_fn`` and ``output_fn`` for each
request. It answers 500, without a message, to whatever these raise; and a 500 counts towards the
alarms that roll a deployment back. So a request that is itself wrong travels as a value, a
`RequestError`, from ``input_fn`` to ``output_fn``, which answers it as 400, 406 or 415.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.naive_bayes import GaussianNB

FEATURES = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
EXAMPLE = "[5.1, 3.5, 1.4, 0.2]"


class RequestError(ValueError):
    """A request that cannot be answered as it stands.

    Parameters
    ----------
    message
        What is wrong and what to send instead.
    status_code
        The HTTP status to answer: 400 (content), 406 (Accept) or 415 (Content-Type).
    """

    def __init__(self, message: str, status_code: int = 400) -> None:
        super().__init__(message)
        self.status_code = status_code


class Model(NamedTuple):
    """The classifier, the columns of a request that it looks at, and what it calls itself."""

    estimator: GaussianNB
    columns: list[int]
    name: str
    version: int


def model_fn(model_dir: str) -> Model:
    """Rebuild the classifier from ``model.json`` in ``model_dir``.

    The parameters are plain numbers, so a scikit-learn other than the one that trained can load
    them, and loading runs no code from the file, as unpickling would.
    """
    stored = json.loads((Path(model_dir) / "model.json").read_text(encoding="utf-8"))
    estimator = GaussianNB()
    estimator.theta_ = np.array(stored["theta"])
    estimator.var_ = np.array(stored["var"])
    estimator.class_prior_ = np.array(stored["class_prior"])
    estimator.classes_ = np.array(stored["classes"])
    estimator.n_features_in_ = len(stored["features"])
    columns = [FEATURES.index(name) for name in stored["features"]]
    return Model(estimator, columns, stored["model"], stored["version"])


def input_fn(body: bytes | str, content_type: str | None) -> np.ndarray[Any, Any] | RequestError:
    """Read one flower or several from a JSON or CSV body.

    Parameters
    ----------
    body
        JSON (``[5.1, 3.5, 1.4, 0.2]``, a list of such rows, or ``{"instances": rows}``) or CSV
        (a row a line, no header). The four numbers of a row are centimetres, as in `FEATURES`.
    content_type
        ``application/json`` (also when absent) or ``text/csv``; parameters are ignored.

    Returns
    -------
    An array of shape (rows, 4), or what is wrong with the request.
    """
    try:
        return _checked(_rows(body, content_type))
    except RequestError as error:
        return error


def predict_fn(rows: np.ndarray[Any, Any] | RequestError, model: Model) -> dict[str, Any] | RequestError:
    """Name the most probable species of each row, with its probability (0 to 1, six decimals)."""
    if isinstance(rows, RequestError):
        return rows
    probabilities = model.estimator.predict_proba(rows[:, model.columns])
    predictions = [
        {
            "species": str(model.estimator.classes_[best]),
            "probability": round(float(of_classes[best]), 6),
        }
        for of_classes in probabilities
        for best in [int(of_classes.argmax())]
    ]
    return {"model": model.name, "version": model.version, "predictions": predictions}


def output_fn(prediction: dict[str, Any] | RequestError, accept: str | None) -> Any:  # noqa: ANN401
    """Write the answer as JSON.

    Returns
    -------
    The body and its content type; for a wrong request, where the container's server is
    installed, its response with status 400, 406 or 415 and ``{"error": …}`` as the body.

    Raises
    ------
    RequestError
        For a wrong request, where the container's server is not installed.
    """
    accepted = [_media_type(part) for part in (accept or "*/*").split(",")]
    if not {"application/json", "application/*", "*/*"}.intersection(accepted):
        prediction = RequestError(f"Accept {_shown(accept)} is not supported: accept application/json", 406)
    if not isinstance(prediction, RequestError):
        return json.dumps(prediction), "application/json"
    try:
        from sagemaker_containers.beta.framework import worker  # type: ignore[import-not-found]
    except ImportError:
        raise prediction from None
    return worker.Response(
        response=json.dumps({"error": str(prediction)}),
        status=prediction.status_code,
        mimetype="application/json",
    )


def _media_type(header: str | None) -> str:
    return (header or "").split(";")[0].strip().lower()


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else text[:39] + "…"


def _text(body: bytes | str) -> str:
    # utf-8-sig: spreadsheets put a byte order mark before the CSV that they export.
    try:
        text = body.decode("utf-8-sig") if isinstance(body, (bytes, bytearray)) else body
    except UnicodeDecodeError as error:
        raise RequestError(f"byte {error.start} of the body is not UTF-8: send UTF-8") from None
    if not text.strip():
        raise RequestError(f"the body is empty: send at least one row, such as {EXAMPLE}")
    return text


def _rows(body: bytes | str, content_type: str | None) -> list[Any]:
    media_type = _media_type(content_type) or "application/json"
    if media_type == "application/json":
        return _json_rows(_text(body))
    if media_type == "text/csv":
        return _csv_rows(_text(body))
    raise RequestError(
        f"Content-Type {_shown(content_type)} is not supported: send application/json or text/csv",
        415,
    )


def _json_rows(text: str) -> list[Any]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is not JSON ({error}): send {EXAMPLE}") from None
    if isinstance(rows, dict):
        if set(rows) != {"instances"}:
            raise RequestError(
                f"a JSON object must have one key, instances, but has "
                f'{_shown(sorted(rows))}: send {{"instances": [{EXAMPLE}]}}'
            )
        rows = rows["instances"]
    if not isinstance(rows, list):
        raise RequestError(f"{_shown(rows)} is not a list of rows: send {EXAMPLE}")
    flat = rows and not any(isinstance(row, list) for row in rows)
    return [rows] if flat else rows


def _csv_rows(text: str) -> list[Any]:
    try:
        rows = list(csv.reader(text.strip().splitlines()))
    except csv.Error as error:
        raise RequestError(f"the body is not CSV ({error}): send 5.1,3.5,1.4,0.2") from None
    return [[_number(cell) for cell in row] for row in rows]


def _number(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


def _checked(rows: list[Any]) -> np.ndarray[Any, Any]:
    if not rows:
        raise RequestError(f"there are no rows: send at least one, such as {EXAMPLE}")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list):
            raise RequestError(f"row {number} is {_shown(row)}, not a list of numbers: send {EXAMPLE}")
        if len(row) != len(FEATURES):
            raise RequestError(f"row {number} has {len(row)} features: send {len(FEATURES)} ({', '.join(FEATURES)})")
        for name, value in zip(FEATURES, row):  # noqa: B905 - Python 3.9 has no strict=
            _check_number(f"row {number}, {name}", value)
    return np.array(rows, dtype=float)


def _check_number(where: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RequestError(f"{where}: {_shown(value)} is not a number: send centimetres, as 5.1")
    try:
        finite = math.isfinite(value)
    except OverflowError:  # an integer beyond the range of a float
        finite = False
    if not finite:
        raise RequestError(f"{where}: {_shown(value)} is not finite: send centimetres, as 5.1")
