"""2,000 endpoints of three variants, 20 of them idle: no more than 150 calls, whatever the day."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from idle_endpoint_cleanup.cleanup import clean_up
from idle_endpoint_cleanup.decision import Action
from idle_endpoint_cleanup.report import Report
from tests.unit.idle.fake_aws import DAY, OURS, Resource, World

VARIANTS = ("a", "b", "c")
BUDGET = 150


def fleet(world: World, *, where_traffic_is: str) -> list[Resource]:
    """Make 2,000 endpoints, and return the 20 idle ones, all of them with series that ListMetrics names."""
    endpoints = [world.endpoint(f"e{at:04}", OURS, VARIANTS, stack=f"s{at:04}", instances=2) for at in range(2000)]
    world.age(30 * DAY)
    for at, endpoint in enumerate(endpoints):
        for variant in VARIANTS:
            busy = at >= 20 and variant == where_traffic_is
            dimensions = (("EndpointName", endpoint.name), ("VariantName", variant))
            world.emit(("Invocations", dimensions), 1.0 if busy else 0.0, ago=timedelta(hours=30))
    return endpoints[:20]


def run(world: World) -> tuple[Report, Counter[str]]:
    world.calls.clear()
    return clean_up(world.run()), Counter(call.partition(":")[2] for call in world.calls)


@pytest.mark.parametrize(("where_traffic_is", "queries"), [("a", 5), ("c", 12)])
def test_a_survey_takes_39_to_46_calls(where_traffic_is: str, queries: int) -> None:
    world = World()
    fleet(world, where_traffic_is=where_traffic_is)
    report, calls = run(world)
    survey = {"GetResources": 20, "ListInferenceComponents": 1, "ListMetrics": 13, "GetMetricData": queries}
    announcing = {"DescribeEndpoint": 20, "AddTags": 20, "Publish": 1}
    assert calls == Counter({**survey, **announcing}) + Counter(GetMetricData=1)
    assert len(report.of(Action.MARK)) == 20
    assert len(report.of(Action.KEEP)) == 1980
    assert sum(calls.values()) <= BUDGET


def test_the_day_on_which_ten_are_removed_and_ten_are_announced_is_the_worst() -> None:
    world = World()
    idle = fleet(world, where_traffic_is="c")
    for endpoint in idle[:10]:
        endpoint.tags["slipway:keep"] = "for now"
    run(world)
    for endpoint in idle[:10]:
        del endpoint.tags["slipway:keep"]
    world.age(DAY)
    report, calls = run(world)
    assert len(report.of(Action.DELETE)) == 10
    assert len(report.of(Action.MARK)) == 10
    assert sum(calls.values()) == 149


def test_of_twenty_that_are_due_ten_wait_without_a_call() -> None:
    world = World()
    fleet(world, where_traffic_is="c")
    run(world)
    world.age(DAY)
    report, calls = run(world)
    assert len(report.of(Action.DELETE)) == 10
    assert [found.verdict.reason for found in report.of(Action.WAIT)] == ["over the cap"] * 10
    assert calls["DescribeEndpoint"] == 10
    assert sum(calls.values()) <= BUDGET
