"""The update that a deployment would bring, and what it needs at its peak."""

from __future__ import annotations

from typing import Any

from slipway.ops.preflight.update import update_of
from slipway.rollout.fleets import Pace
from slipway.spec.deployment import Fleet
from tests.unit.ops.preflight.fakes import CONTAINER, environment, live, serving

LARGE, XLARGE = "ml.m5.large", "ml.m5.xlarge"
CANARY = {"deployment": {"strategy": "canary", "wait": "10m", "termination_wait": "5m"}}
LIMITS = {"primary": Fleet(2, 4)}


def test_blue_green_needs_both_fleets_now_and_when_autoscaling_is_at_its_most() -> None:
    update = update_of(environment(CANARY), "iris", live(), serving(), LIMITS)
    assert update.peak == {LARGE: Fleet(4, 8)}


def test_rolling_needs_one_batch_more() -> None:
    update = update_of(environment(), "iris", live(), serving(), LIMITS)
    assert update.peak == {LARGE: Fleet(3, 5)}


def test_what_an_operator_scaled_beyond_the_limits_counts() -> None:
    update = update_of(environment(CANARY), "iris", live(count=9), serving(), LIMITS)
    assert update.peak == {LARGE: Fleet(18, 18)}


def test_another_type_is_counted_beside_the_old_one() -> None:
    declared = environment({**CANARY, "hosting": {"instance_type": XLARGE}, "scaling": None})
    update = update_of(declared, "iris", live(), serving(), {})
    assert update.peak == {LARGE: Fleet(2, 2), XLARGE: Fleet(2, 2)}
    assert update.grows == {XLARGE: Fleet(2, 2)}


def test_shadows_of_both_sides_run_all_the_time() -> None:
    shadow = {"model": CONTAINER, "hosting": {"instance_type": XLARGE, "instances": 3}}
    old: dict[str, Any] = {
        **serving(),
        "ShadowProductionVariants": [{"VariantName": "shadow", "InstanceType": XLARGE, "InitialInstanceCount": 1}],
    }
    update = update_of(environment({**CANARY, "shadow": shadow}), "iris", live(), old, LIMITS)
    assert update.peak[XLARGE] == Fleet(4, 4)


def test_a_first_deployment_needs_what_is_declared() -> None:
    update = update_of(environment(), "iris", None, None, {})
    assert update.course() is None
    assert update.peak == {LARGE: Fleet(2, 4)}


def test_serverless_needs_no_instances() -> None:
    declared = environment({"hosting": {"serverless": {"memory": "2GB"}}})
    assert update_of(declared, "iris", None, None, {}).peak == {}


def test_it_takes_its_bakes_and_what_the_service_needs_for_instances() -> None:
    course = update_of(environment(CANARY), "iris", live(), serving(), LIMITS).course(Pace(provision=0.0))
    assert course is not None
    assert course.highest.duration == 15 * 60
