"""What an environment of each kind gets, in each hosting mode, when nothing is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slipway.spec.deployment import AllAtOnce, Canary, Fleet, Rolling
from slipway.spec.endpoint import UNGUARDED
from slipway.spec.hosting import Hosting, ManagedScaling
from slipway.spec.scaling import Scaling
from slipway.spec.units import Duration, Percent
from tests.unit.spec.endpoints import asynchronous, component, serverless, shadowed, shared, variants

if TYPE_CHECKING:
    from slipway.spec.endpoint import Endpoint
    from tests.unit.spec.conftest import Config, Look


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_a_guarded_environment_gets_the_guarded_defaults(config: Config, name: str) -> None:
    environment = config.environment(name)
    iris = environment.endpoints["iris"]
    assert (environment.guarded, environment.encrypt_volumes, environment.bucket.encryption) == (True, True, "kms")
    assert isinstance(iris.hosting, Hosting)
    assert iris.hosting.instances == 2
    assert iris.deployment == Rolling(strategy="rolling")
    assert iris.deployment.wait == Duration(300)
    assert not iris.deployment.apply_capacity
    assert iris.scaling == Scaling(min=2, max=4)
    assert iris.scaling.targets("instances") == {"invocations_per_minute": 70}
    assert (iris.scaling.scale_out_cooldown, iris.scaling.scale_in_cooldown) == (Duration(60), Duration(300))
    assert iris.log_retention == Duration(90 * 86400)
    assert set(iris.rollback_levels) == {"latency", "errors_5xx", "model_errors"}


@pytest.mark.parametrize("name", ["dev", "test"])
def test_a_development_environment_gets_the_cheapest_that_works(config: Config, name: str) -> None:
    environment = config.overlay(name).environment(name)
    iris = environment.endpoints["iris"]
    assert (environment.guarded, environment.encrypt_volumes, environment.bucket.encryption) == (False, False, "s3")
    assert isinstance(iris.hosting, Hosting)
    assert iris.hosting.instances == 1
    assert iris.deployment == AllAtOnce(strategy="all_at_once", termination_wait=Duration(0), rollback_alarms=False)
    assert iris.scaling is None
    assert iris.log_retention == Duration(14 * 86400)


def test_development_scales_from_1_to_4_once_scaling_is_declared(config: Config) -> None:
    assert config.endpoint("dev", "scaling: {}").environment("dev").endpoints["iris"].scaling == Scaling(min=1, max=4)
    config.endpoint("dev", "scaling: {max: 2, cpu: 60%}")
    scaling = config.environment("dev").endpoints["iris"].scaling
    assert scaling is not None
    assert (scaling.min, scaling.max, scaling.targets("instances")) == (1, 2, {"cpu": 60})


def test_every_variant_gets_the_default_of_its_environment(config: Config) -> None:
    model = "{image: {framework: sklearn, tag: x}, artifact: s3://bucket/m.tar.gz}"
    config.endpoint(
        "prod",
        f"model: null\nhosting: null\ndeployment: {{strategy: canary}}\n"
        f"variants: {{a: {{model: {model}, hosting: {{instance_type: ml.m5.large}}}}, "
        f"b: {{model: {model}, hosting: {{instance_type: ml.m5.large, instances: 3}}}}}}",
    )
    iris = config.environment("prod").endpoints["iris"]
    instances = {name: getattr(variant.hosting, "instances", None) for name, variant in iris.fleet.items()}
    assert instances == {"a": 2, "b": 3}
    assert iris.live_fleet == Fleet(2, 4)


def test_rollback_levels_follow_the_operating_alarms_unless_said_otherwise(config: Config) -> None:
    config.endpoint("prod", "alarms: {latency: 3s, errors_5xx: off}\ndeployment: {rollback_alarms: {model_errors: 2%}}")
    levels = config.environment("prod").endpoints["iris"].rollback_levels
    assert levels == {"latency": Duration(3), "errors_5xx": Percent(0.1), "model_errors": Percent(2)}


# -- of each hosting mode


def _of(look: Look, text: str, environment: str) -> Endpoint:
    found = look(text, environment)
    assert found.environment is not None, found.errors
    return found.environment.endpoints["e"]


@pytest.mark.parametrize("environment", ["dev", "test", "staging", "prod"])
def test_serverless_endpoints_have_neither_guardrails_nor_scaling_anywhere(look: Look, environment: str) -> None:
    endpoint = _of(look, serverless(), environment)
    assert (endpoint.mode, endpoint.deployment, endpoint.scaling) == ("serverless", UNGUARDED, None)


@pytest.mark.parametrize(("environment", "limits"), [("dev", (1, 4)), ("prod", (2, 4))])
def test_declared_scaling_of_serverless_endpoints_has_the_environments_limits(
    look: Look, environment: str, limits: tuple[int, int]
) -> None:
    text = serverless(hosting="{serverless: {provisioned: 2}}", scaling="{}")
    scaling = _of(look, text, environment).scaling
    assert scaling is not None
    assert (scaling.min, scaling.max) == limits
    assert scaling.targets("serverless") == {"provisioned_use": 70}


def test_asynchronous_endpoints_are_guarded_and_scaled_by_their_backlog(look: Look) -> None:
    endpoint = _of(look, asynchronous(), "prod")
    assert endpoint.deployment == Rolling(strategy="rolling")
    assert endpoint.scaling == Scaling(min=2, max=4)
    assert endpoint.scaling.targets(endpoint.mode) == {"backlog": 5}
    assert set(endpoint.rollback_levels) == {"latency", "errors_5xx"}
    assert _of(look, asynchronous(), "dev").scaling is None


def test_several_variants_get_a_canary_where_guarded(look: Look) -> None:
    assert _of(look, variants(), "prod").deployment == Canary(strategy="canary")
    assert _of(look, variants(), "dev").deployment == UNGUARDED


@pytest.mark.parametrize(("environment", "count"), [("dev", 1), ("prod", 2)])
def test_a_shadow_variant_gets_as_many_instances_as_a_production_one(look: Look, environment: str, count: int) -> None:
    shadow = _of(look, shadowed(), environment).shadow
    assert shadow is not None
    assert isinstance(shadow.hosting, Hosting)
    assert shadow.hosting.instances == count


def test_components_get_a_fleet_that_grows_with_their_copies_where_guarded(look: Look) -> None:
    endpoint = _of(look, shared(component(), component("scaling: {max: 8}")), "prod")
    assert isinstance(endpoint.hosting, Hosting)
    assert (endpoint.hosting.instances, endpoint.hosting.managed_scaling) == (2, ManagedScaling(min=2, max=4))
    a, b = (endpoint.components or {}).values()
    assert (a.copies, b.copies) == (2, 2)
    assert endpoint.scaling_of(a) == Scaling(min=2, max=4)
    assert endpoint.scaling_of(b) == Scaling(min=2, max=8)
    assert endpoint.deployment_of(a) == Rolling(strategy="rolling")
    assert endpoint.copies_of(b) == Fleet(2, 8)


def test_components_get_one_copy_on_one_instance_in_development(look: Look) -> None:
    endpoint = _of(look, shared(component(), component("scaling: {}")), "dev")
    assert isinstance(endpoint.hosting, Hosting)
    assert (endpoint.hosting.instances, endpoint.hosting.managed_scaling) == (1, None)
    a, b = (endpoint.components or {}).values()
    assert (a.copies, endpoint.scaling_of(a), endpoint.scaling_of(b)) == (1, None, Scaling(min=1, max=4))
    assert endpoint.deployment_of(a) == UNGUARDED


def test_a_component_may_turn_off_what_its_endpoint_has(look: Look) -> None:
    endpoint = _of(look, shared(component("scaling: off, alarms: off, copies: 3")), "prod")
    (a,) = (endpoint.components or {}).values()
    assert (endpoint.scaling_of(a), endpoint.alarms_of(a), endpoint.copies_of(a)) == (None, False, Fleet(3, 3))
