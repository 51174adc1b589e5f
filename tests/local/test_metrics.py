"""`slipway metrics` on the local AWS: what was asked of an endpoint is what its figures say, by that AWS's clock."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from slipway.local import control, steering
from slipway.ops.metrics.metrics import Figures, Found, Metrics
from slipway.ops.metrics.span import now, span
from slipway.ops.target import Target, local_target
from slipway.spec.environment import Environment
from slipway.spec.load import from_mapping
from tests.local import hosting as shared
from tests.local.conftest import ACCOUNT, REGION, Client, LocalAws
from tests.local.hosting import ECHO, Hosting

bucket = shared.bucket
_numbers = itertools.count()
CONTAINER = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}
HOSTING = {"instance_type": "ml.m7i.large"}
Declare = Callable[..., Environment]


@pytest.fixture
def declare() -> Declare:
    """Makes the dev environment of a project of its own with one endpoint, `it`."""

    def made(**endpoint: object) -> Environment:
        declared = {"version": 1, **endpoint}
        return from_mapping(
            {
                "company": "acme",
                "team": "rc",
                "project": f"metrics-{next(_numbers)}",
                "environment": "dev",
                "account": ACCOUNT,
                "region": REGION,
                "endpoints": {"it": declared},
            }
        ).environment

    return made


@pytest.fixture
def served(local_aws: LocalAws, bucket: Client) -> Callable[[Environment], Hosting]:
    """Serves the echo of an environment's endpoint, with its variants."""

    def serve(environment: Environment) -> Hosting:
        hosting = Hosting(local_aws, bucket, environment.names.endpoint("it"))
        url = hosting.upload({"code/inference.py": ECHO, "name.txt": "it"})
        variants = dict.fromkeys(environment.endpoints["it"].fleet, hosting.model(url))
        hosting.endpoint(hosting.config(**variants))
        return hosting

    return serve


def target_of(environment: Environment, local_aws: LocalAws) -> Target:
    return local_target(environment, control.Running(0, 0, local_aws.url))


def look(environment: Environment, local_aws: LocalAws, **which: Any) -> Found:
    target = target_of(environment, local_aws)
    return Metrics(environment, target).look("it", span(now(target), last=3 * 3600.0), **which)


def figures(found: Found, metric: str, variant: str = "primary") -> Figures:
    return next(
        one
        for section in found.sections
        for one in section.figures
        if one.metric.name == metric and section.owner.name == variant
    )


def test_figures_are_what_was_asked(local_aws: LocalAws, declare: Declare, served: Callable[..., Hosting]) -> None:
    environment = declare(model=CONTAINER, hosting=HOSTING)
    hosting = served(environment)
    for data in ("a", "b", "c"):
        hosting.ask(data)
    with contextlib.suppress(ClientError):
        hosting.ask("fail")
    found = look(environment, local_aws)
    assert found.exists
    assert found.notes == ()
    assert figures(found, "Invocations").total == 4
    failed = figures(found, "InvocationModelErrors")
    assert (failed.average, failed.total) == (0.25, 1)
    latency = figures(found, "ModelLatency")
    times = [latency.least, latency.p50, latency.p99, latency.most]
    assert None not in times
    assert times == sorted(times, key=lambda value: value or 0)
    assert not figures(found, "CPUUtilization").has_data  # nobody measured it yet


def test_each_variant_has_its_own(local_aws: LocalAws, declare: Declare, served: Callable[..., Hosting]) -> None:
    member = {"model": CONTAINER, "hosting": HOSTING}
    environment = declare(variants={"old": member, "new": member})
    hosting = served(environment)
    for _ in range(3):
        hosting.ask("a", TargetVariant="new")
    hosting.ask("a", TargetVariant="old")
    found = look(environment, local_aws)
    assert [figures(found, "Invocations", name).total for name in ("old", "new")] == [1, 3]
    only = look(environment, local_aws, variant="new")
    assert [section.owner.name for section in only.sections] == ["new"]


def test_time_is_that_of_the_local_aws(home: Any, declare: Declare) -> None:
    running = control.start(home, port=0)
    try:
        environment = declare(model=CONTAINER, hosting=HOSTING)
        target = local_target(environment, running)
        where = [{"Name": "EndpointName", "Value": environment.names.endpoint("it")}]
        where += [{"Name": "VariantName", "Value": "primary"}]

        def invoked(count: float) -> None:
            data: Any = {"MetricName": "Invocations", "Dimensions": where, "Value": count}
            target.client("cloudwatch").put_metric_data(Namespace="AWS/SageMaker", MetricData=[data])

        steering.advance_clock(running.url, timedelta(days=20))
        invoked(7)
        steering.advance_clock(running.url, timedelta(hours=5))
        invoked(2)

        def total(last: float, period: float | None = None) -> float | None:
            found = Metrics(environment, target).look("it", span(now(target), last=last, period=period))
            assert not found.exists
            return figures(found, "Invocations").total

        assert total(3600) == 2
        assert total(6 * 3600) == 9
        assert total(6 * 3600, 3600) == 9
    finally:
        control.stop(home)


def test_a_percentile_speaks_of_just_the_time_that_was_asked_for(local_aws: LocalAws, declare: Declare) -> None:
    environment = declare(model=CONTAINER, hosting=HOSTING)
    target = target_of(environment, local_aws)
    cloudwatch = target.client("cloudwatch")
    where = [{"Name": "EndpointName", "Value": environment.names.endpoint("it")}]
    where += [{"Name": "VariantName", "Value": "primary"}]
    moment = now(target)
    for minutes, value in [(100, 9_000_000.0), (50, 1000.0), (20, 2000.0), (5, 3000.0)]:
        at = moment - timedelta(minutes=minutes)
        data: Any = {"MetricName": "ModelLatency", "Dimensions": where, "Value": value, "Timestamp": at}
        cloudwatch.put_metric_data(Namespace="AWS/SageMaker", MetricData=[data])
    found = Metrics(environment, target).look("it", span(moment, last=3600.0))
    latency = figures(found, "ModelLatency")
    assert (latency.p50, latency.p99, latency.most) == (2000, 3000, 3000)
