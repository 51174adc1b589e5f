"""How variants are hosted, in words."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.ops.status.hosted import capacity, mode, strategy, traffic


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
    assert strategy(config) == words


def test_where_there_are_no_guardrails_only_a_strategy_that_there_is_is_told() -> None:
    rolling = {"RollingUpdatePolicy": {"MaximumBatchSize": size("COPY_COUNT", 1)}}
    assert strategy(None, guardable=False) == ""
    assert strategy(rolling, guardable=False) == "rolling, 1 a batch"


MULTI = {"PrimaryContainer": {"Mode": "MultiModel"}}
SERIAL = {"Containers": [{}, {}], "InferenceExecutionConfig": {"Mode": "Serial"}}
DIRECT = {"Containers": [{}, {}], "InferenceExecutionConfig": {"Mode": "Direct"}}
QUEUED: dict[str, Any] = {"AsyncInferenceConfig": {"OutputConfig": {}}}


@pytest.mark.parametrize(
    ("config", "variant", "model", "words"),
    [
        ({}, {"ModelName": "m"}, {"PrimaryContainer": {}}, ""),
        ({}, {"ModelName": "m"}, MULTI, "multi-model"),
        ({}, {"ModelName": "m"}, SERIAL, "pipeline, serial"),
        ({}, {"ModelName": "m"}, {"Containers": [{}, {}]}, "pipeline, serial"),
        ({}, {"ModelName": "m"}, DIRECT, "pipeline, direct"),
        ({}, {"ModelName": "m", "ServerlessConfig": {}}, {"PrimaryContainer": {}}, "serverless"),
        (QUEUED, {"ModelName": "m"}, {"PrimaryContainer": {}}, "asynchronous"),
        (QUEUED, {"ModelName": "m"}, SERIAL, "asynchronous, pipeline, serial"),
        ({}, {"InstanceType": "ml.m5.large"}, {}, "components"),
    ],
)
def test_how_a_variant_is_hosted_is_read_from_what_is_there(config: Any, variant: Any, model: Any, words: str) -> None:
    assert mode(config, variant, model) == words


@pytest.mark.parametrize(
    ("live", "declared", "words"),
    [
        ({"CurrentInstanceCount": 2}, {"InstanceType": "ml.m5.large"}, "2 × ml.m5.large"),
        ({"CurrentInstanceCount": 0}, {"InstanceType": "ml.m5.large"}, "0 × ml.m5.large"),
        ({}, {"InstanceType": "ml.m5.large"}, "? × ml.m5.large"),
        (
            {"CurrentInstanceCount": 1},
            {"InstancePools": [{"InstanceType": "ml.g5.xlarge"}, {"InstanceType": "ml.g6.xlarge"}]},
            "1 × ml.g5.xlarge or ml.g6.xlarge",
        ),
        ({}, {"ServerlessConfig": {"MemorySizeInMB": 3072, "MaxConcurrency": 10}}, "3 GB × 10"),
        (
            {"CurrentServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 3}},
            {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 1}},
            "2 GB × 5, 3 warm",
        ),
    ],
)
def test_the_capacity_is_what_there_is_now(live: Any, declared: Any, words: str) -> None:
    assert capacity(live, declared) == words


def test_traffic_is_told_where_there_is_more_than_one_variant() -> None:
    one, other, shadow = {"CurrentWeight": 3.0}, {"CurrentWeight": 1.0}, {"CurrentWeight": 0.25}
    assert traffic({"ProductionVariants": [one]}, one, shadow=False) == ""
    assert traffic({"ProductionVariants": [one, other]}, other, shadow=False) == "25%"
    assert traffic({"ProductionVariants": [other]}, shadow, shadow=True) == "25% copied"
    assert traffic({"ProductionVariants": [{"CurrentWeight": 0.0}, {}]}, {}, shadow=False) == ""
