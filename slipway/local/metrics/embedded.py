"""Metrics that stand in log events: CloudWatch's embedded metric format.

As the User Guide has it ("Specification: Embedded metric format"): what does not follow it is no metric, and no error.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from slipway.local.engine.documents import Document, Json
from slipway.rollout.series import SeriesKey

_MAX_DIMENSIONS = 30
_MAX_VALUES = 100


@dataclass(frozen=True)
class Embedded:
    """A metric's values in a log event; the time is in seconds since the epoch."""

    key: SeriesKey
    values: tuple[float, ...]
    unit: str
    at: float


def embedded(message: str) -> Iterator[Embedded]:
    """Return the metrics in a log event."""
    start = message.find("{")  # the runtime may have put a time and a request id before it
    if start < 0 or '"_aws"' not in message:
        return
    try:
        document = json.loads(message[start:])
        about = document["_aws"]
        at = float(about["Timestamp"]) / 1000
        directives = list(about["CloudWatchMetrics"])
    except (ValueError, KeyError, TypeError):
        return
    for directive in directives:
        for names in directive.get("Dimensions") or []:
            dimensions = _dimensions(document, names)
            if dimensions is not None:
                yield from _metrics(document, directive, dimensions, at)


def _dimensions(document: Document, names: Json) -> list[tuple[str, str]] | None:
    """Return a set of dimensions; None when the event does not have their values as text."""
    if not isinstance(names, list) or len(names) > _MAX_DIMENSIONS:
        return None
    if not all(isinstance(document.get(name), str) for name in names):
        return None
    return [(name, document[name]) for name in names]


def _metrics(
    document: Document, directive: Document, dimensions: list[tuple[str, str]], at: float
) -> Iterator[Embedded]:
    for metric in directive.get("Metrics") or []:
        given: Json = document.get(metric.get("Name"))
        values: list[Json] = given if isinstance(given, list) else [given]
        if not values or len(values) > _MAX_VALUES or not all(map(_is_number, values)):
            continue
        key = SeriesKey.of(directive["Namespace"], metric["Name"], dimensions)
        yield Embedded(key, tuple(map(float, values)), metric.get("Unit") or "None", at)


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
