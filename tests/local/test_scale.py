"""Temporary limits on a local AWS whose autoscaling acts: the end comes by itself, whoever has gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from slipway.local import control
from slipway.ops.lease import OPERATION
from slipway.ops.scale.part import part
from slipway.ops.scale.scale import Scaler
from slipway.ops.trouble import BusyError, OperationError
from slipway.spec.units import Duration
from tests.local.conftest import LocalAws
from tests.local.operating import HOSTING, MODEL, Advancing, Site

DECLARED = {"version": 1, "model": MODEL, "hosting": HOSTING, "scaling": {"min": 1, "max": 4}}
HOURS = Duration.parse("2h")


@pytest.fixture(scope="module")
def own_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS whose clock is moved; the others' is not."""
    home = tmp_path_factory.mktemp("limits")
    yield LocalAws(control.start(home, port=0).url)
    control.stop(home)


def scaler(site: Site) -> Scaler:
    return Scaler(
        site.environment,
        site.name,
        part(site.environment, site.name),
        site.target,
        clock=Advancing(site.target),
        say=site.said.append,
        warn=site.said.append,
    )


@pytest.fixture
def site(own_aws: LocalAws) -> Site:
    site = Site(own_aws, DECLARED)
    site.serve()
    site.scaling.register_scalable_target(**site.scaled, MinCapacity=1, MaxCapacity=4)
    return site


def actions(site: Site) -> list[str]:
    found = site.scaling.describe_scheduled_actions(ServiceNamespace="sagemaker", ResourceId=site.scaled["ResourceId"])[
        "ScheduledActions"
    ]
    return [action["ScheduledActionName"] for action in found]


def schedule(site: Site, name: str, at: str, lowest: int, highest: int) -> None:
    site.scaling.put_scheduled_action(
        **site.scaled,
        ScheduledActionName=name,
        Schedule=at,
        ScalableTargetAction={"MinCapacity": lowest, "MaxCapacity": highest},
    )


def test_for_an_update_four_to_eight_and_then_back_by_itself(site: Site) -> None:
    scaler(site).limit(4, 8, HOURS)
    assert site.limits == (4, 8)
    site.until(lambda: site.count == 4 and site.status == "InService")
    site.advance(hours=1)
    assert site.limits == (4, 8)
    # Nobody does anything more: the scheduled action is the service's.
    site.advance(hours=1, minutes=1)
    assert site.limits == (1, 4)
    assert OPERATION not in site.tags


def test_limits_on_top_of_limits_end_with_the_original_ones(site: Site) -> None:
    scaler(site).limit(4, 8, HOURS)
    site.advance(hours=1)
    scaler(site).limit(6, 10, HOURS)
    site.advance(hours=1, minutes=30)
    assert site.limits == (6, 10)
    site.advance(minutes=31)
    assert site.limits == (1, 4)


def test_back_at_once_leaves_nothing_to_come(site: Site) -> None:
    scaler(site).limit(4, 8, HOURS)
    scaler(site).back()
    assert site.limits == (1, 4)
    assert actions(site) == []
    site.advance(hours=3)
    assert site.limits == (1, 4)


def test_an_end_that_has_come_is_no_end_for_others(site: Site) -> None:
    scaler(site).limit(4, 8, HOURS)
    site.advance(hours=3)
    scaler(site).limit(5, 9, HOURS)
    site.advance(hours=1)
    assert site.limits == (5, 9)
    site.advance(hours=2)
    assert site.limits == (1, 4)


def test_a_schedule_of_the_config_has_the_last_word(site: Site) -> None:
    now = Advancing(site.target).now()
    night = now + timedelta(minutes=90)
    schedule(site, "night", f"cron({night.minute} {night.hour} * * ? *)", 1, 2)
    scaler(site).limit(4, 8, HOURS)
    assert any(line.startswith("schedule night sets 1 to 2 at ") for line in site.said)
    site.advance(minutes=91)
    assert site.limits == (1, 2)
    site.advance(hours=2)
    assert site.limits == (1, 2)
    scaler(site).limit(3, 6, None)
    scaler(site).back()
    assert site.limits == (1, 2)
    assert "as schedule night has it since" in site.said[-1]


def test_waiting_ends_when_the_instances_serve(site: Site) -> None:
    scaler(site).limit(3, 8, HOURS)
    scaler(site).wait(timedelta(hours=1))
    assert site.count == 3
    assert site.said[-1] == f"{site.full}, variant primary: 3 instances serving"


def test_another_operator_is_told(site: Site) -> None:
    value = "rollback by ann@example until 2999-12-24T13:00:00+00:00 1234abcd"
    site.sagemaker.add_tags(ResourceArn=site.described["EndpointArn"], Tags=[{"Key": OPERATION, "Value": value}])
    with pytest.raises(BusyError, match=r"another operator works on it \(rollback by ann@example"):
        scaler(site).limit(4, 8, HOURS)
    assert site.limits == (1, 4)
    assert actions(site) == []


@pytest.fixture
def unscaled(own_aws: LocalAws) -> Site:
    declared: dict[str, Any] = {**DECLARED, "scaling": None}
    site = Site(own_aws, declared)
    site.serve()
    return site


def test_without_scaling_the_number_itself_changes(unscaled: Site) -> None:
    with pytest.raises(
        OperationError, match=f"is not scaled automatically, .* `slipway scale {unscaled.name} --instances"
    ):
        scaler(unscaled).limit(4, 8, HOURS)
    scaler(unscaled).count(3)
    scaler(unscaled).wait(timedelta(hours=1))
    assert unscaled.count == 3
    assert f"endpoints.{unscaled.name}.hosting.instances: 3" in unscaled.said[1]
    assert unscaled.said[2] == f"back: slipway scale {unscaled.name} --instances 1"
