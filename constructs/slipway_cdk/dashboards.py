"""Dashboards: the key metrics of an endpoint, and of a whole environment."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from idle_endpoint_cleanup.settings import Settings
from slipway.spec.cleanup_settings import opt_in
from slipway.spec.environment import Environment
from slipway_cdk.graphs import OVERVIEWS, Line, Owner, graphs
from slipway_cdk.resource import declare

_WIDTH, _HEIGHT = 8, 6
#: CloudWatch's "Dashboard body structure": an alarm widget shows 1 to 100 alarms.
MOST_ALARMS = 100
#: CloudWatch's quotas: metrics in a graph.
MOST_LINES = 500
#: What the cleanup of idle endpoints counts in each run.
_OF_CLEANUP = ("Idle", "Marked", "Deleted", "Unknown", "Failed")


def _place(at: int) -> dict[str, int]:
    return {"x": at % 3 * _WIDTH, "y": at // 3 * _HEIGHT, "width": _WIDTH, "height": _HEIGHT}


def _graph(
    title: str, unit: str, metrics: Sequence[Sequence[object]], region: str, at: int, period: int = 60
) -> dict[str, Any]:
    return {
        "type": "metric",
        **_place(at),
        "properties": {
            "title": title,
            "region": region,
            "view": "timeSeries",
            "period": period,
            "metrics": metrics,
            "yAxis": {"left": {"min": 0, "label": unit, "showUnits": False}},
        },
    }


def _dashboard(scope: Construct, id: str, name: str, widgets: list[dict[str, Any]]) -> CfnResource:
    body = json.dumps({"widgets": widgets}, ensure_ascii=False, separators=(",", ":"))
    return declare(scope, id, "AWS::CloudWatch::Dashboard", {"DashboardName": name, "DashboardBody": body})


def _owners(environment: Environment, name: str, *, shadows: bool) -> Mapping[Owner, Mapping[str, Sequence[str]]]:
    """Whose metrics there are: the dimensions of each by short name, as a dashboard lists them."""
    endpoint = environment.endpoints[name]
    names = environment.names
    whole = ["EndpointName", names.endpoint(name)]
    variants = [*endpoint.fleet, *(endpoint.shadows if shadows else ())]
    return {
        "endpoint": {"": whole},
        "variant": {variant: [*whole, "VariantName", variant] for variant in variants},
        "component": {
            component: ["InferenceComponentName", names.component(name, component)]
            for component in endpoint.components or {}
        },
    }


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
        A graph for each group of key metrics that its hosting mode publishes, and the alarms. A shadow variant is in
        the same graphs as the production variant.
    """
    endpoint = environment.endpoints[name]
    names = environment.names
    owners = _owners(environment, name, shadows=True)
    published = endpoint.metrics.every.seconds if endpoint.metrics else 60
    widgets: list[dict[str, Any]] = []
    for graph in graphs(endpoint):
        these = owners[graph.of]
        labels = _labels(graph.lines)
        metrics = [
            [line.namespace, line.metric, *dimensions, _shown(line, f"{owner}: {label}" if len(these) > 1 else label)]
            for owner, dimensions in these.items()
            for line, label in zip(graph.lines, labels, strict=True)
        ]
        period = published if graph.counting else 60
        widgets.append(_graph(graph.title, graph.unit, metrics, environment.region, len(widgets), period))
    arns = [names.arn("cloudwatch", f"alarm:{alarm}") for alarm in alarm_names]
    for start in range(0, len(arns), MOST_ALARMS):
        state = {"title": "Alarms", "alarms": arns[start : start + MOST_ALARMS]}
        widgets.append({"type": "alarm", **_place(len(widgets)), "properties": state})
    return _dashboard(scope, id, names.dashboard(name), widgets)


def _labels(lines: Sequence[Line]) -> list[str]:
    """What lines are called: by their metric, and by the statistic where that tells them apart."""
    count = Counter(line.metric for line in lines)
    return [f"{line.metric} {line.statistic}" if count[line.metric] > 1 else line.metric for line in lines]


def _shown(line: Line, label: str) -> dict[str, str]:
    return {"stat": line.statistic, "label": label}


def environment_dashboard(scope: Construct, id: str, *, environment: Environment) -> CfnResource:
    """Declare the dashboard of a whole environment: each key metric, one line for each variant or component.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.

    Returns
    -------
    CfnResource
        Requests, latency, errors and load of all endpoints; of each only what its hosting mode publishes. What the
        cleanup of idle endpoints counted, unless it is off.
    """
    endpoints = [
        (name, endpoint.mode, _owners(environment, name, shadows=False))
        for name, endpoint in environment.endpoints.items()
    ]
    widgets: list[dict[str, Any]] = []
    for overview in OVERVIEWS:
        metrics = []
        for name, mode, owners in endpoints:
            of, lines = overview.lines.get(mode, ("endpoint", ()))
            metrics += [
                [line.namespace, line.metric, *dimensions, _shown(line, f"{name} {owner}".rstrip())]
                for owner, dimensions in owners[of].items()
                for line in lines
            ]
        for start in range(0, len(metrics), MOST_LINES):
            some = metrics[start : start + MOST_LINES]
            widgets.append(_graph(overview.title, overview.unit, some, environment.region, len(widgets)))
    if environment.cleanup:
        whole = [part for tag in sorted(opt_in(environment).items()) for part in tag]
        counts = [[Settings.namespace, count, *whole, {"stat": "Maximum", "label": count}] for count in _OF_CLEANUP]
        title = "Idle endpoints, by run of the cleanup"
        widgets.append(_graph(title, "endpoints", counts, environment.region, len(widgets), 86400))
    return _dashboard(scope, id, environment.names.dashboard(), widgets)
