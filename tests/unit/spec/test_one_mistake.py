"""Whatever key of whatever hosting mode is wrong, one error says so, and nothing that only follows from it is shown."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from slipway.spec.errors import ConfigError, Path
from slipway.spec.load import from_mapping
from tests.unit.spec.endpoints import (
    CHAIN,
    MANY,
    MODEL,
    PACKAGE,
    WARM,
    asynchronous,
    component,
    real_time,
    serverless,
    shadowed,
    shared,
    variants,
)

EXPLAINER = "{baseline: '1,2', input: {features: [a], types: [text]}, text: {granularity: token, language: en}}"
CAPTURE = "{share: 20%, what: [request], csv: [text/csv], destination: captured/}"
POOLS = "{pools: [{instance_type: ml.m5.xlarge, priority: 1}, {instance_type: ml.m5.2xlarge, priority: 2}]}"
EACH = f"{{model: {MODEL}, memory: 1GB}}"
BY_TYPE = f"{{on: {{ml.m5.xlarge: {EACH}, ml.m5.2xlarge: {EACH}}}, copies: 2}}"
ENDPOINTS = {
    "real time": real_time(explainer=EXPLAINER, capture=CAPTURE, metrics="{every: 1m}", budget="{daily: 1USD}"),
    "pools": real_time(hosting=POOLS, scaling="{min: 2, max: 4, steps: [{metric: cpu, above: 80%, add: 1}]}"),
    "package": real_time(model=f"{{package: '{PACKAGE}', specification: fast}}"),
    "multi-model": real_time(model=MANY, sample="{body: x, target: a.tar.gz}"),
    "pipeline": real_time(model=CHAIN),
    "variants": variants(deployment="{strategy: canary}", scaling="{min: 2, max: 4}"),
    "shadow": shadowed(),
    "serverless": serverless(hosting=WARM, scaling="{min: 1, max: 2}", alarms="{concurrency: 50%}"),
    "asynchronous": asynchronous(
        asynchronous="{concurrency: 4, success_topic: results, include_response: [success], output: out/}",
        scaling="{min: 0, max: 2, backlog: 3}",
        deployment="{strategy: all_at_once, termination_wait: 5m}",
        alarms="{backlog: 10, age: 1h}",
    ),
    "components": shared(
        component("cpus: 1, copies: 2, scaling: {min: 2, max: 4}, deployment: {strategy: rolling, batch: 1}"),
        component("scrape: {path: /metrics, every: 1m}, placement: {strategy: spread, zone_imbalance: 1}"),
        "{base: a, model: {artifact: s3://bucket/a.tar.gz}}",
        hosting="{instance_type: ml.m5.xlarge, managed_scaling: {min: 1, max: 2, scale_in: {strategy: consolidation}}}",
    ),
    "components by type": shared(BY_TYPE, hosting=POOLS),
}
AROUND = {
    "company": "acme",
    "team": "rc",
    "project": "project-a",
    "environment": "staging",
    "account": "111122223333",
    "region": "eu-west-1",
    "topics": ["results"],
}


class _Loader(yaml.SafeLoader):
    """YAML without truth values: `on` is a key."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text: str) -> dict[str, Any]:
    endpoint: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506  (a safe loader)
    return endpoint


def keys(value: object, path: Path = ()) -> Iterator[Path]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inside:
        yield (*path, key)
        yield from keys(below, (*path, key))


def errors(endpoint: dict[str, Any]) -> list[Path]:
    """Where the errors of an endpoint are, within it."""
    try:
        from_mapping({**AROUND, "endpoints": {"e": endpoint}})
    except ConfigError as error:
        return [one.problem.path[2:] for one in error.problems]
    return []


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_endpoint_is_fine_before_it_is_broken(name: str) -> None:
    assert errors(read(ENDPOINTS[name])) == []


@pytest.mark.parametrize("wrong", [-1, "x y"], ids=str)
@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_wrong_value_is_one_error_at_its_key(name: str, wrong: object) -> None:
    endpoint = read(ENDPOINTS[name])
    found: dict[Path, list[Path]] = {}
    for path in keys(endpoint):
        broken = copy.deepcopy(endpoint)
        holder: Any = broken
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = wrong
        found[path] = errors(broken)
    # Text is taken for text: a body, a baseline, the words of an image's tag.
    assert {path: at for path, at in found.items() if at not in ([path], [])} == {}
    accepted = {path for path, at in found.items() if not at}
    assert all(path[-1] in ("body", "target", "baseline", "tag", "features", 0) for path in accepted), accepted
