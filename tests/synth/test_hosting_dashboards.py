from __future__ import annotations

import json
from typing import Any

import pytest

from slipway.spec.load import from_mapping
from tests.synth.conftest import BASE as ENVIRONMENT
from tests.synth.conftest import Assembly
from tests.synth.hosting import BASE, ENDPOINTS, HOSTING, MODEL, SHARED, Declared, hosted

REQUESTS, MACHINE, COMPONENTS = "AWS/SageMaker", "/aws/sagemaker/Endpoints", "/aws/sagemaker/InferenceComponents"
Line = list[Any]


def widgets(assembly: Assembly, part: str = "iris") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        assembly.only(part, "AWS::CloudWatch::Dashboard")["DashboardBody"],
    )["widgets"]
    return found


def graph(assembly: Assembly, title: str, part: str = "iris") -> list[Line]:
    (only,) = [w["properties"] for w in widgets(assembly, part) if w["properties"]["title"] == title]
    lines: list[Line] = only["metrics"]
    return lines


def metrics(assembly: Assembly, part: str = "iris") -> set[tuple[str, str]]:
    """Namespace and name of everything that is shown."""
    graphs = (w["properties"]["metrics"] for w in widgets(assembly, part) if w["type"] == "metric")
    return {(line[0], line[1]) for lines in graphs for line in lines}


def dimensions(line: Line) -> dict[str, str]:
    return dict(zip(line[2:-1:2], line[3:-1:2], strict=True))


@pytest.mark.parametrize(
    ("kind", "shown", "hidden"),
    [
        (
            "serverless",
            {
                (REQUESTS, "ModelSetupTime"),
                (REQUESTS, "ServerlessConcurrentExecutionsUtilization"),
                (MACHINE, "MemoryUtilization"),
            },
            {
                (REQUESTS, "InvocationModelErrors"),
                (REQUESTS, "InvocationsPerInstance"),
                (REQUESTS, "ServerlessProvisionedConcurrencyUtilization"),
                (MACHINE, "CPUUtilization"),
            },
        ),
        (
            "warm",
            {
                (REQUESTS, "ServerlessProvisionedConcurrencyUtilization"),
                (REQUESTS, "ServerlessProvisionedConcurrencySpilloverInvocations"),
            },
            {(MACHINE, "DiskUtilization")},
        ),
        (
            "asynchronous",
            {
                (REQUESTS, "ApproximateBacklogSize"),
                (REQUESTS, "ApproximateAgeOfOldestRequest"),
                (REQUESTS, "InvocationsProcessed"),
                (REQUESTS, "InvocationsProcesssed"),
                (REQUESTS, "InvocationFailures"),
                (REQUESTS, "TimeInBacklog"),
                (REQUESTS, "ModelLatency"),
                (MACHINE, "CPUUtilization"),
            },
            {
                (REQUESTS, "Invocations"),
                (REQUESTS, "InvocationsPerInstance"),
                (REQUESTS, "OverheadLatency"),
                (REQUESTS, "InvocationModelErrors"),
            },
        ),
        (
            "components",
            {
                (REQUESTS, "NoCapacityInvocationFailures"),
                (REQUESTS, "InvocationsPerCopy"),
                (COMPONENTS, "CPUUtilizationNormalized"),
                (COMPONENTS, "MemoryUtilizationNormalized"),
                (MACHINE, "CPUReservation"),
            },
            {(REQUESTS, "InvocationsPerInstance"), (COMPONENTS, "GPUUtilizationNormalized")},
        ),
        ("adapters", {(COMPONENTS, "GPUUtilizationNormalized"), (MACHINE, "GPUReservation")}, set()),
        (
            "many",
            {
                (REQUESTS, "ModelCacheHit"),
                (REQUESTS, "ModelLoadingWaitTime"),
                (MACHINE, "LoadedModelCount"),
                (REQUESTS, "OverheadLatency"),
            },
            set(),
        ),
        ("instances", {(REQUESTS, "OverheadLatency")}, {(REQUESTS, "ModelCacheHit"), (MACHINE, "GPUUtilization")}),
    ],
)
def test_a_dashboard_shows_what_the_mode_publishes_and_nothing_else(
    declared: Declared, kind: str, shown: set[tuple[str, str]], hidden: set[tuple[str, str]]
) -> None:
    found = metrics(hosted(declared, kind))
    assert shown <= found
    assert not hidden & found


def test_there_is_a_line_for_each_component_by_its_own_name(declared: Declared) -> None:
    lines = graph(hosted(declared, "components"), "Refused for want of a copy")
    assert [(dimensions(line)["InferenceComponentName"], line[-1]["label"]) for line in lines] == [
        (SHARED + name, f"{name}: NoCapacityInvocationFailures") for name in ("primary", "memory-primary", "prices")
    ]


def test_copies_are_counted_by_what_each_reports_in_the_period_in_which_it_does(declared: Declared) -> None:
    for kind, period in (("components", 60), ("adapters", 30)):
        (copies,) = [w["properties"] for w in widgets(hosted(declared, kind)) if w["properties"]["title"] == "Copies"]
        assert copies["period"] == period
        assert {line[-1]["stat"] for line in copies["metrics"]} == {"SampleCount"}


def test_the_backlog_is_the_endpoints_and_times_are_the_variants(declared: Declared) -> None:
    assembly = hosted(declared, "asynchronous")
    assert {tuple(dimensions(line)) for line in graph(assembly, "Backlog")} == {("EndpointName",)}
    assert {tuple(dimensions(line)) for line in graph(assembly, "Time of a request")} == {
        ("EndpointName", "VariantName")
    }


def test_a_shadow_is_in_the_same_graphs_as_its_production_variant(declared: Declared) -> None:
    lines = graph(hosted(declared, "shadow"), "Model latency")
    assert [line[-1]["label"] for line in lines] == [
        f"{variant}: ModelLatency {statistic}"
        for variant in ("primary", "shadow")
        for statistic in ("p50", "p95", "p99")
    ]


@pytest.mark.parametrize("kind", ENDPOINTS)
def test_the_state_of_every_alarm_for_people_is_shown_and_of_none_of_autoscaling(declared: Declared, kind: str) -> None:
    assembly = hosted(declared, kind)
    (state,) = [w["properties"]["alarms"] for w in widgets(assembly) if w["type"] == "alarm"]
    made = {r["Properties"]["AlarmName"] for r in assembly.resources("iris", "AWS::CloudWatch::Alarm")}
    assert {arn.rsplit(":", 1)[1] for arn in state} == {name for name in made if "-scaling-" not in name}
    assert len(set(state)) == len(state)


@pytest.mark.parametrize("kind", ENDPOINTS)
def test_graphs_stand_side_by_side_and_each_has_lines(declared: Declared, kind: str) -> None:
    found = widgets(hosted(declared, kind))
    assert len({(w["x"], w["y"]) for w in found}) == len(found)
    assert all(w["x"] + w["width"] <= 24 for w in found)
    assert all(w["properties"].get("metrics") or w["properties"].get("alarms") for w in found)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """An environment with an endpoint of each mode."""
    from stacks.assembly import assemble

    kinds = ("instances", "serverless", "sleeping", "components", "shadow")
    endpoints = {kind: {"version": 1, "model": MODEL, "hosting": HOSTING, **ENDPOINTS[kind]} for kind in kinds}
    environment = from_mapping({**ENVIRONMENT, "endpoints": endpoints}).environment
    folder = tmp_path_factory.mktemp("mixed")
    assemble(environment, outdir=folder, checked=False).synth()
    return Assembly(folder, environment)


def test_the_environments_dashboard_shows_of_each_endpoint_only_what_it_publishes(mixed: Assembly) -> None:
    wanted = {
        "Requests": {
            ("Invocations", "instances primary"),
            ("Invocations", "serverless primary"),
            ("InvocationsProcessed", "sleeping primary"),
            ("InvocationsProcesssed", "sleeping primary"),
            ("Invocations", "components primary"),
            ("Invocations", "components memory-primary"),
            ("Invocations", "components prices"),
            ("Invocations", "shadow primary"),
        },
        "Overhead latency, p95": {
            ("OverheadLatency", "instances primary"),
            ("OverheadLatency", "serverless primary"),
            ("OverheadLatency", "shadow primary"),
        },
        "CPU": {
            ("CPUUtilization", "instances primary"),
            ("CPUUtilization", "sleeping primary"),
            ("CPUUtilization", "shadow primary"),
        },
        "Backlog": {("ApproximateBacklogSize", "sleeping")},
        "Concurrency in use": {("ServerlessConcurrentExecutionsUtilization", "serverless primary")},
    }
    for title, lines in wanted.items():
        assert {(line[1], line[-1]["label"]) for line in graph(mixed, title, "operations")} == lines, title


def test_the_environments_dashboard_leaves_out_what_none_of_its_endpoints_publishes(declared: Declared) -> None:
    found = metrics(hosted(declared, "serverless"), "operations")
    assert {metric for metric in found if metric[0] != "Slipway/IdleEndpoints"} == {
        (REQUESTS, "Invocations"),
        (REQUESTS, "ModelLatency"),
        (REQUESTS, "OverheadLatency"),
        (REQUESTS, "Invocation5XXErrors"),
        (REQUESTS, "ServerlessConcurrentExecutionsUtilization"),
    }


def test_a_line_of_the_environments_dashboard_leads_to_its_endpoint(declared: Declared) -> None:
    (line,) = graph(hosted(declared, "instances"), "Model latency, p95", "operations")
    assert dimensions(line) == {"EndpointName": BASE, "VariantName": "primary"}
    assert line[-1] == {"stat": "p95", "label": "iris primary"}
