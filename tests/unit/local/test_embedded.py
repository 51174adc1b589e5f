"""Metrics in log events, in the embedded metric format."""

import json
from typing import Any

import pytest

from slipway.local.metrics.embedded import Embedded, embedded
from slipway.rollout.series import SeriesKey


def event(*directives: dict[str, Any], **members: Any) -> str:
    about = {"Timestamp": 1_700_000_000_500, "CloudWatchMetrics": list(directives)}
    return json.dumps({"_aws": about, **members})


def directive(dimensions: list[list[str]], *metrics: dict[str, Any]) -> dict[str, Any]:
    return {"Namespace": "N", "Dimensions": dimensions, "Metrics": list(metrics)}


def of(*dimensions: tuple[str, str]) -> SeriesKey:
    return SeriesKey.of("N", "m", dimensions)


def test_a_metric_has_its_unit_its_time_and_each_set_of_dimensions() -> None:
    message = event(directive([["a", "b"], ["a"], []], {"Name": "m", "Unit": "Count"}), a="1", b="2", m=7)
    keys = (of(("a", "1"), ("b", "2")), of(("a", "1")), of())
    assert list(embedded(message)) == [Embedded(key, (7.0,), "Count", 1_700_000_000.5) for key in keys]


def test_a_metric_may_have_several_values_and_no_unit() -> None:
    (found,) = embedded(event(directive([[]], {"Name": "m"}), m=[1, 2.5, 1]))
    assert (found.values, found.unit) == ((1.0, 2.5, 1.0), "None")


def test_what_the_runtime_puts_before_it_does_not_matter() -> None:
    message = "[INFO]\t2026-01-01T00:00:00.000Z\tid\t" + event(directive([[]], {"Name": "m"}), m=1)
    assert len(list(embedded(message))) == 1


@pytest.mark.parametrize(
    "message",
    [
        "plain text",
        '{"json": "of another kind"}',
        '{"_aws": "no object"}',
        '{"_aws": {"CloudWatchMetrics": []}}',
        '{"_aws": ',
        event(directive([["absent"]], {"Name": "m"}), m=1),
        event(directive([["a"]], {"Name": "m"}), a=5, m=1),
        event(directive([[]], {"Name": "m"})),
        event(directive([[]], {"Name": "m"}), m="1"),
        event(directive([[]], {"Name": "m"}), m=True),
        event(directive([[]], {"Name": "m"}), m=[]),
        event(directive([[]], {"Name": "m"}), m=[0] * 101),
        event(directive([[f"d{n}" for n in range(31)]], {"Name": "m"}), m=1, **{f"d{n}": "x" for n in range(31)}),
    ],
)
def test_what_does_not_follow_the_format_is_no_metric(message: str) -> None:
    assert list(embedded(message)) == []


def test_a_wrong_metric_does_not_hide_the_next() -> None:
    message = event(directive([[]], {"Name": "wrong"}, {"Name": "m"}), wrong="x", m=1)
    assert [found.key.name for found in embedded(message)] == ["m"]
