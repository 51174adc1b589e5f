"""Plans of what the project itself synthesizes, in each way of hosting."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.plan import data, text
from slipway.plan.assembly import load
from slipway.plan.findings import Kind
from slipway.plan.html import page
from slipway.plan.planning import plan
from slipway.plan.story import EndpointPlan, Plan
from slipway.spec.load import from_mapping

MODEL = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}, "script": "inference.py"}
INSTANCES = {"instance_type": "ml.m5.large", "instances": 2}


def declared(version: int) -> dict[str, Any]:
    plain: dict[str, Any] = {"version": version, "model": MODEL, "alarms": "off", "dashboard": False}
    shadow = {"model": {**MODEL, "version": version}, "hosting": {"instance_type": "ml.m5.xlarge", "instances": 1}}
    component = {"model": MODEL, "memory": "1GB", "cpus": 1, "copies": 4}
    fleet = {"instance_type": "ml.m5.4xlarge", "managed_scaling": {"min": 1, "max": 4}}
    return {
        "company": "acme",
        "team": "rc",
        "project": "project-a",
        "environment": "dev",
        "account": "111122223333",
        "region": "eu-west-1",
        "endpoints": {
            "rolling": {**plain, "hosting": INSTANCES, "deployment": {"strategy": "rolling", "batch": 1, "wait": "5m"}},
            "serverless": {**plain, "hosting": {"serverless": {"memory": "2GB", "concurrency": 5}}},
            "shadow": {**plain, "hosting": INSTANCES, "shadow": shadow},
            "shared": {"version": version, "hosting": fleet, "components": {"iris": component}, "dashboard": False},
        },
    }


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    from stacks.assembly import assemble

    sides = []
    for version in (1, 2):
        folder = tmp_path_factory.mktemp(f"v{version}")
        assemble(from_mapping(declared(version)).environment, outdir=folder, checked=False).synth()
        sides.append(load(folder, f"v{version}"))
    return plan(*sides)


def endpoint(plan: Plan, name: str) -> EndpointPlan:
    return next(one for stack in plan.stacks for one in stack.endpoints if one.name == f"rc-project-a-dev-{name}-ep")


def test_a_new_version_is_refused_nowhere_and_leaves_the_foundation_alone(found: Plan) -> None:
    assert not found.has(frozenset({Kind.REFUSED, Kind.DATA_LOSS, Kind.REPLACEMENT, Kind.SECURITY}))
    assert [stack.action for stack in found.stacks if stack.name.endswith("foundation")] == ["unchanged"]


@pytest.mark.parametrize("name", ["rolling", "serverless", "shadow"])
def test_a_new_version_is_a_change_of_the_model_that_moves_the_fleet(found: Plan, name: str) -> None:
    assert endpoint(found, name).kinds == ("model",)
    assert endpoint(found, name).rolls


def test_a_rolling_update_goes_batch_by_batch(found: Plan) -> None:
    (course,) = endpoint(found, "rolling").courses
    assert course.policy.name == "rolling"
    assert (course.minutes.high, course.bakes.high) == (30, 10)
    assert endpoint(found, "rolling").peak["ml.m5.large"].high == 3


def test_a_serverless_endpoint_moves_at_once_and_needs_no_instances(found: Plan) -> None:
    (course,) = endpoint(found, "serverless").courses
    assert course.minutes.high == 0
    assert endpoint(found, "serverless").peak == {}
    assert "all at once, without instances to wait for" in text.text(found)


def test_a_shadow_counts_towards_the_peak(found: Plan) -> None:
    assert {type: span.high for type, span in endpoint(found, "shadow").peak.items()} == {
        "ml.m5.large": 4,
        "ml.m5.xlarge": 2,
    }


def test_a_component_moves_by_copies_while_its_fleet_stays(found: Plan) -> None:
    shared = endpoint(found, "shared")
    assert shared.kinds == ("model", "components")
    assert not shared.rolls
    (course,) = shared.courses
    assert course.unit == "copies"
    assert course.highest.update.variants[0].old.count == 4
    assert shared.extra_hours == {}
    assert shared.peak["ml.m5.4xlarge"].high == 4


def test_all_of_it_can_be_written(found: Plan) -> None:
    assert '"rolls": true' in data.text(found)
    assert page(found).count('<figure class="course"') == 4
