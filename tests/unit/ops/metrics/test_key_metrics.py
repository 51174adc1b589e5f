"""Which metrics an endpoint has, and under which dimensions: as each way of hosting publishes them."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.ops.metrics.key_metrics import KeyMetric, key_metrics, owners
from slipway.ops.metrics.measures import Machine, Measure
from slipway.spec.environment import Environment
from slipway_cdk.graphs import graphs
from tests.unit.ops.conftest import Declare
from tests.unit.ops.invoke.test_invoke import CONTAINER, HOSTING, KINDS

GPU = {"instance_type": "ml.g5.xlarge"}
FULL = "rc-project-a-dev"


def names_of(environment: Environment, name: str) -> dict[str, list[str]]:
    endpoint = environment.endpoints[name]
    found = owners(environment.names, name, endpoint, {})
    return {str(owner): [metric.name for metric in key_metrics(endpoint, owner)] for owner in found}


def test_a_model_on_instances_has_requests_latencies_errors_and_its_machine(declare: Declare) -> None:
    assert names_of(declare(**KINDS), "plain") == {
        "variant primary": [
            "Invocations",
            "InvocationsPerInstance",
            "ModelLatency",
            "OverheadLatency",
            "Invocation4XXErrors",
            "Invocation5XXErrors",
            "InvocationModelErrors",
            "CPUUtilization",
            "MemoryUtilization",
            "DiskUtilization",
        ]
    }


@pytest.mark.parametrize(("hosting", "has"), [(HOSTING, False), (GPU, True), ({"instance_type": "ml.z9.large"}, True)])
def test_gpus_are_looked_at_where_there_are_any_or_nobody_knows(
    declare: Declare, hosting: dict[str, Any], *, has: bool
) -> None:
    found = names_of(declare(it={"version": 1, "model": CONTAINER, "hosting": hosting}), "it")["variant primary"]
    assert ({"GPUUtilization", "GPUMemoryUtilization"} <= set(found)) is has


def test_each_variant_has_its_own_and_so_has_the_shadow(declare: Declare) -> None:
    shadow = {"shadow": {"model": CONTAINER, "hosting": HOSTING}}
    assert list(names_of(declare(**KINDS), "weighted")) == ["variant old", "variant new"]
    shadowed = declare(it={"version": 1, "model": CONTAINER, "hosting": HOSTING, **shadow})
    assert list(names_of(shadowed, "it")) == ["variant primary", "variant shadow"]


def test_a_queue_is_the_endpoints_and_what_it_publishes_of_requests_is_the_variants(declare: Declare) -> None:
    found = names_of(declare(**KINDS), "queued")
    assert list(found) == ["endpoint", "variant primary"]
    assert found["endpoint"][0] == "ApproximateBacklogSize"
    assert found["variant primary"][0] == "InvocationsProcessed"
    # The guide: never published by asynchronous endpoints.
    assert not {"Invocations", "InvocationsPerInstance", "OverheadLatency"} & set(found["variant primary"])


def test_serverless_has_no_cores_and_warm_capacity_only_where_there_is_some(declare: Declare) -> None:
    warm = {"version": 1, "model": CONTAINER, "hosting": {"serverless": {"provisioned": 1}}}
    environment = declare(**KINDS, warm=warm)
    cold = names_of(environment, "serverless")["variant primary"]
    assert "ModelSetupTime" in cold
    assert not {"CPUUtilization", "InvocationModelErrors", "InvocationsPerInstance"} & set(cold)
    further = set(names_of(environment, "warm")["variant primary"]) - set(cold)
    assert further == {"ServerlessProvisionedConcurrencyUtilization"}


def test_many_models_are_loaded_and_found_in_a_cache(declare: Declare) -> None:
    environment = declare(**KINDS)
    plain, many = (names_of(environment, name)["variant primary"] for name in ("plain", "many"))
    assert set(many) - set(plain) == {
        "ModelCacheHit",
        "ModelLoadingWaitTime",
        "ModelDownloadingTime",
        "ModelLoadingTime",
        "LoadedModelCount",
    }


def test_dimensions_are_those_under_which_a_metric_is_published(declare: Declare) -> None:
    environment = declare(**KINDS)

    def dimensions(name: str) -> dict[str, dict[str, str]]:
        found = owners(environment.names, name, environment.endpoints[name], {})
        return {str(owner): dict(owner.dimensions) for owner in found}

    assert dimensions("queued") == {
        "endpoint": {"EndpointName": f"{FULL}-queued-ep"},
        "variant primary": {"EndpointName": f"{FULL}-queued-ep", "VariantName": "primary"},
    }
    assert dimensions("shared") == {
        "component iris": {"InferenceComponentName": f"{FULL}-shared--iris"},
        "component prices": {"InferenceComponentName": f"{FULL}-shared--prices"},
        "variant primary": {"EndpointName": f"{FULL}-shared-ep", "VariantName": "primary"},
    }


def test_the_machine_that_there_is_counts_and_else_the_declared_one(declare: Declare) -> None:
    environment = declare(**KINDS)
    endpoint = environment.endpoints["shared"]
    live = {"primary": Machine(("ml.c5.xlarge",))}
    assert {o.machine.types for o in owners(environment.names, "shared", endpoint, live)} == {("ml.c5.xlarge",)}
    assert {o.machine.types for o in owners(environment.names, "shared", endpoint, {})} == {("ml.m5.large",)}


#: Not on dashboards, which show the machine of a fleet of components by what is reserved, and its overhead nowhere.
ONLY_HERE = {"OverheadLatency", "CPUUtilization", "MemoryReservation", "CPUReservation"}


@pytest.mark.parametrize("name", KINDS)
def test_what_is_looked_at_is_what_dashboards_show(declare: Declare, name: str) -> None:
    endpoint = declare(**KINDS).endpoints[name]
    shown = {(line.namespace, line.metric) for graph in graphs(endpoint) for line in graph.lines}
    looked_at: set[KeyMetric] = set()
    for owner in owners(declare(**KINDS).names, name, endpoint, {}):
        looked_at |= set(key_metrics(endpoint, owner))
    unknown = {m for m in looked_at if (m.namespace, m.name) not in shown and m.name not in ONLY_HERE}
    assert unknown == set()


def test_times_and_rates_are_read_in_the_unit_that_the_service_has(declare: Declare) -> None:
    environment = declare(**KINDS)
    measures = {
        metric.name: metric.measure
        for name in KINDS
        for owner in owners(environment.names, name, environment.endpoints[name], {})
        for metric in key_metrics(environment.endpoints[name], owner)
    }
    assert measures["ModelLatency"] is Measure.MICROSECONDS
    assert measures["TimeInBacklog"] is Measure.MILLISECONDS
    assert measures["ApproximateAgeOfOldestRequest"] is Measure.SECONDS
    assert measures["Invocation5XXErrors"] is Measure.RATE
    assert measures["CPUUtilization"] is Measure.CORES
    assert measures["CPUUtilizationNormalized"] is Measure.PERCENT
