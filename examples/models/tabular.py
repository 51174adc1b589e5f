"""What the tabular examples share in serving: rows of numbers in, JSON or CSV out, wrong requests refused.

Training puts this file beside ``inference.py`` into the archive (Python 3.9 or newer). Which columns a request has is
part of a model, in its ``model.json``, so each ``inference.py`` has a ``transform_fn``: it is given the model together
with the request, which ``input_fn`` is not.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

JSON, CSV = "application/json", "text/csv"
SHOWN_FAULTS = 5  # of a request; more would not help whoever reads the message


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


class Column(NamedTuple):
    """One number of a row.

    Parameters
    ----------
    name
        What it is, as in the optional first line of a CSV body.
    unit
        What it is counted in; empty for plain numbers.
    minimum, maximum
        The range that is accepted, both ends included.
    example
        A usual value, for messages.
    whole
        Whether it must be a whole number.
    optional
        Whether it may be missing: null in JSON, an empty cell in CSV.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    example: float
    whole: bool = False
    optional: bool = False


def columns_of(stored: dict[str, Any]) -> list[Column]:
    """Return the columns that a ``model.json`` declares."""
    return [Column(**column) for column in stored["columns"]]


def wanted(accept: str | None) -> str:
    """Return which of JSON and CSV to answer with: the first that Accept names, JSON where it takes anything.

    Raises
    ------
    RequestError
        If Accept takes neither (406).
    """
    for part in (accept or "*/*").split(","):
        media_type = _media_type(part)
        if media_type in (JSON, "application/*", "*/*"):
            return JSON
        if media_type in (CSV, "text/*"):
            return CSV
    raise RequestError(f"Accept {_shown(accept)} is not supported: accept {JSON} or {CSV}", 406)


def read(body: bytes | str, content_type: str | None, columns: Sequence[Column]) -> np.ndarray[Any, Any]:
    """Read one row or several from a JSON or CSV body.

    Parameters
    ----------
    body
        JSON (one row, a list of rows, or ``{"instances": rows}``) or CSV (a row a line; the first line may be the
        columns' names).
    content_type
        ``application/json`` (also when absent) or ``text/csv``; parameters are ignored.
    columns
        What a row holds, in this order.

    Returns
    -------
    An array of shape (rows, columns), NaN where a value is missing.

    Raises
    ------
    RequestError
        If the body is not that: 415 for another content type, 400 for everything else, with the first faults.
    """
    media_type = _media_type(content_type) or JSON
    if media_type == JSON:
        rows = _json_rows(_text(body, columns), columns)
    elif media_type == CSV:
        rows = _csv_rows(_text(body, columns), columns)
    else:
        raise RequestError(f"Content-Type {_shown(content_type)} is not supported: send {JSON} or {CSV}", 415)
    if not rows:
        raise RequestError(f"there are no rows: send at least one, such as {_example(columns)}")
    faults = list(islice(_faults(rows, columns), SHOWN_FAULTS + 1))
    if faults:
        more = "; and more" if len(faults) > SHOWN_FAULTS else ""
        raise RequestError("; ".join(faults[:SHOWN_FAULTS]) + more)
    return np.array(rows, dtype=float)


def write(media_type: str, document: dict[str, Any], lines: Iterable[Sequence[object]]) -> tuple[str, str]:
    """Write an answer.

    Parameters
    ----------
    media_type
        As `wanted` returns it.
    document
        What is answered as JSON.
    lines
        What is answered as CSV: for each row of the request a line, in the same order, without a header.

    Returns
    -------
    The body and its content type.
    """
    if media_type == JSON:
        return json.dumps(document), JSON
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue(), CSV


def refuse(error: RequestError) -> Any:  # noqa: ANN401 - the server's own type
    """Answer a wrong request with its status and ``{"error": …}``.

    The container answers 500 to whatever else is raised, and a 500 counts towards the alarms that roll a deployment
    back. It has two servers: one for a single model, which takes a response, and one for multi-model endpoints, which
    takes an exception of its own.

    Raises
    ------
    sagemaker_inference.errors.BaseInferenceToolkitError
        On a multi-model endpoint.
    RequestError
        Where no server is installed.
    """
    body = json.dumps({"error": str(error)}, ensure_ascii=False)
    if os.environ.get("SAGEMAKER_MULTI_MODEL") == "true":
        try:
            from sagemaker_inference.errors import BaseInferenceToolkitError  # type: ignore[import-not-found]
        except ImportError:
            pass
        else:
            raise BaseInferenceToolkitError(error.status_code, body, HTTPStatus(error.status_code).phrase) from error
    try:
        from sagemaker_containers.beta.framework import worker  # type: ignore[import-not-found]
    except ImportError:
        raise error from None
    return worker.Response(response=body, status=error.status_code, mimetype=JSON)


def _media_type(header: str | None) -> str:
    return (header or "").split(";")[0].strip().lower()


def _shown(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"


def _example(columns: Sequence[Column]) -> str:
    return json.dumps([column.example for column in columns])


def _text(body: bytes | str, columns: Sequence[Column]) -> str:
    try:
        text = body.decode() if isinstance(body, (bytes, bytearray)) else body
    except UnicodeDecodeError as error:
        raise RequestError(f"byte {error.start} of the body is not UTF-8: send UTF-8") from None
    text = text.removeprefix("\ufeff").strip()  # spreadsheets put a byte order mark before the CSV that they export
    if not text:
        raise RequestError(f"the body is empty: send at least one row, such as {_example(columns)}")
    return text


def _json_rows(text: str, columns: Sequence[Column]) -> list[Any]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is not JSON ({error}): send {_example(columns)}") from None
    if isinstance(rows, dict):
        if set(rows) != {"instances"}:
            raise RequestError(
                f"a JSON object must have one key, instances, but has {_shown(sorted(rows))}: "
                f'send {{"instances": [{_example(columns)}]}}'
            )
        rows = rows["instances"]
    if not isinstance(rows, list):
        raise RequestError(f"{_shown(rows)} is not a list of rows: send {_example(columns)}")
    flat = rows and not any(isinstance(row, list) for row in rows)
    return [rows] if flat else rows


def _csv_rows(text: str, columns: Sequence[Column]) -> list[Any]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise RequestError(f"the body is not CSV ({error}): send {_example(columns)[1:-1]}") from None
    if [cell.strip() for cell in rows[0]] == [column.name for column in columns]:
        del rows[0]
    return [[_number(cell) for cell in row] for row in rows]


def _number(cell: str) -> float | str | None:
    try:
        return float(cell)
    except ValueError:
        return cell if cell.strip() else None


def _faults(rows: list[Any], columns: Sequence[Column]) -> Iterator[str]:
    names = ", ".join(column.name for column in columns)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list):
            yield f"row {number} is {_shown(row)}, not a list of numbers: send {_example(columns)}"
        elif len(row) != len(columns):
            yield f"row {number} has {_count(len(row), 'value')}: send {len(columns)} ({names})"
        else:
            for column, value in zip(columns, row):  # noqa: B905 - Python 3.9 has no strict=
                fault = _fault(column, value)
                if fault:
                    yield f"row {number}, {column.name}: {fault}, send a value such as {column.example:g}"


def _fault(column: Column, value: object) -> str:
    if value is None:
        return "" if column.optional else "missing"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"{_shown(value)} is not a number"
    if not column.minimum <= value <= column.maximum:  # nor is NaN
        unit = f" {column.unit}" if column.unit else ""
        return f"{_shown(value)} is not within {column.minimum:,} to {column.maximum:,}{unit}"
    if column.whole and value != int(value):
        return f"{_shown(value)} is not a whole number"
    return ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
