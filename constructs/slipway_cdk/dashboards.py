"""Dashboards: the key metrics of an endpoint, and of a whole environment."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from slipway.spec import instances
from slipway.spec.endpoint import Endpoint
from slipway.spec.environment import Environment
from slipway_cdk.resource import declare
from slipway_cdk.signals import MACHINE, REQUESTS

_WIDTH, _HEIGHT = 8, 6
#: CloudWatch's "Dashboard body structure": an alarm widget shows 1 to 100 alarms.
MOST_ALARMS = 100
#: Title, unit of the axis, and the metrics with their statistics.
_REQUEST_GRAPHS: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Invocations",
        "requests",
        ((REQUESTS, "Invocations", "Sum"), (REQUESTS, "InvocationsPerInstance", "Sum")),
    ),
    ("Model latency", "µs", tuple((REQUESTS, "ModelLatency", s) for s in ("p50", "p95", "p99"))),
    ("Overhead latency", "µs", tuple((REQUESTS, "OverheadLatency", s) for s in ("p50", "p95"))),
    (
        "Errors",
        "share of requests",
        tuple(
            (REQUESTS, m, "Average") for m in ("Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")
        ),
    ),
    (
        "Machine",
        "percent, 100 per core",
        tuple((MACHINE, m, "Average") for m in ("CPUUtilization", "MemoryUtilization", "DiskUtilization")),
    ),
)
_GPU_GRAPH = (
    "GPU",
    "percent, 100 per GPU",
    tuple((MACHINE, m, "Average") for m in ("GPUUtilization", "GPUMemoryUtilization")),
)


def _graph(title: str, unit: str, metrics: list[list[Any]], region: str, at: int) -> dict[str, Any]:
    return {
        "type": "metric",
        "x": at % 3 * _WIDTH,
        "y": at // 3 * _HEIGHT,
        "width": _WIDTH,
        "height": _HEIGHT,
        "properties": {
            "title": title,
            "region": region,
            "view": "timeSeries",
            "period": 60,
            "metrics": metrics,
            "yAxis": {"left": {"min": 0, "label": unit, "showUnits": False}},
        },
    }


def _dashboard(scope: Construct, id: str, name: str, widgets: list[dict[str, Any]]) -> CfnResource:
    body = json.dumps({"widgets": widgets}, ensure_ascii=False, separators=(",", ":"))
    return declare(scope, id, "AWS::CloudWatch::Dashboard", {"DashboardName": name, "DashboardBody": body})


def _alarm_status(title: str, arns: list[str], at: int) -> dict[str, Any]:
    place = {"x": at % 3 * _WIDTH, "y": at // 3 * _HEIGHT, "width": _WIDTH, "height": _HEIGHT}
    return {"type": "alarm", **place, "properties": {"title": title, "alarms": arns}}


def endpoint_dashboard(
    scope: Construct,
    id: str,
    *,
    environment: Environment,
    name: str,
    alarm_names: Iterable[str],
) -> CfnResource:
    """Declare the dashboard of one endpoint.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name.
    alarm_names
        Alarms whose state it shows, as literals.

    Returns
    -------
    CfnResource
        A graph for each group of key metrics, and the alarms.
    """
    endpoint = environment.endpoints[name]
    names = environment.names
    graphs = [*_REQUEST_GRAPHS, *([_GPU_GRAPH] if _has_gpu(endpoint) else [])]
    widgets = []
    for at, (title, unit, metrics) in enumerate(graphs):
        lines = [
            [
                namespace,
                metric,
                "EndpointName",
                names.endpoint(name),
                "VariantName",
                variant,
                _line(metric, statistic, variant, endpoint),
            ]
            for variant in endpoint.fleet
            for namespace, metric, statistic in metrics
        ]
        widgets.append(_graph(title, unit, lines, environment.region, at))
    arns = [names.arn("cloudwatch", f"alarm:{alarm}") for alarm in alarm_names]
    for start in range(0, len(arns), MOST_ALARMS):
        widgets.append(_alarm_status("Alarms", arns[start : start + MOST_ALARMS], len(widgets)))
    return _dashboard(scope, id, names.dashboard(name), widgets)


def _line(metric: str, statistic: str, variant: str, endpoint: Endpoint) -> dict[str, str]:
    what = f"{metric} {statistic}" if statistic.startswith("p") else metric
    return {"stat": statistic, "label": f"{variant}: {what}" if len(endpoint.fleet) > 1 else what}


def _has_gpu(endpoint: Endpoint) -> bool:
    machines = [instances.lookup(kind) for member in endpoint.fleet.values() for kind in member.hosting.types]
    return any(machine is not None and machine.gpus for machine in machines)


def environment_dashboard(scope: Construct, id: str, *, environment: Environment) -> CfnResource:
    """Declare the dashboard of a whole environment: each key metric, one line for each variant.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.

    Returns
    -------
    CfnResource
        Requests, latency, errors and machines of all endpoints.
    """
    widgets = []
    for at, (title, unit, metrics) in enumerate(_REQUEST_GRAPHS):
        namespace, metric, _ = metrics[0]
        if title == "Errors":
            metric = "Invocation5XXErrors"
        statistic = "p95" if "Latency" in metric else "Sum" if metric == "Invocations" else "Average"
        lines = [
            [
                namespace,
                metric,
                "EndpointName",
                environment.names.endpoint(name),
                "VariantName",
                variant,
                {"stat": statistic, "label": f"{name} {variant}"},
            ]
            for name, endpoint in environment.endpoints.items()
            for variant in endpoint.fleet
        ]
        widgets.append(_graph(f"{title}: {metric}", unit, lines, environment.region, at))
    return _dashboard(scope, id, environment.names.dashboard(), widgets)
