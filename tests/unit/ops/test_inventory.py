from __future__ import annotations

from typing import Any

import pytest

from slipway.ops.inventory import _strategy


def size(kind: str, value: int) -> dict[str, Any]:
    return {"Type": kind, "Value": value}


def blue_green(routing: dict[str, Any]) -> dict[str, Any]:
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (None, "all_at_once"),
        ({}, "all_at_once"),
        ({"AutoRollbackConfiguration": {"Alarms": []}}, "all_at_once"),
        (blue_green({"Type": "ALL_AT_ONCE"}), "all_at_once"),
        (blue_green({"Type": "CANARY", "CanarySize": size("INSTANCE_COUNT", 2)}), "canary, 2"),
        (blue_green({"Type": "LINEAR", "LinearStepSize": size("CAPACITY_PERCENT", 25)}), "linear, 25% a step"),
        ({"RollingUpdatePolicy": {"MaximumBatchSize": size("INSTANCE_COUNT", 1)}}, "rolling, 1 a batch"),
    ],
)
def test_a_strategy_is_told_in_the_words_of_the_config(config: Any, words: str) -> None:
    assert _strategy(config) == words
