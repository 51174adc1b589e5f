"""An endpoint as it is, what its stack holds, and its revisions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from slipway.ops.live import BUSY, Live, Pending, describe, live_of, revisions, same_config, stack_config
from slipway.ops.trouble import NoEndpointError
from tests.unit.ops.conftest import Declare
from tests.unit.ops.rollback.fake_endpoint import ENDPOINT, STACK, START, World, arn, error


@pytest.fixture
def world() -> World:
    return World()


def look(world: World) -> Live:
    return describe(world.target().client("sagemaker"), ENDPOINT)


def test_an_endpoint_that_serves_is_not_busy_and_has_its_variants(world: World) -> None:
    config = world.revision("1", variants={"one": 3.0, "two": 1.0})
    live = look(world)
    assert (live.name, live.status, live.config, live.pending, live.busy) == (
        ENDPOINT,
        "InService",
        config,
        None,
        False,
    )
    assert [(variant.name, variant.weight, variant.count) for variant in live.variants] == [
        ("one", 3.0, 2),
        ("two", 1.0, 2),
    ]
    two = live.variant("two")
    assert two is not None
    assert two.desired_count == 2
    assert live.variant("three") is None


def test_while_an_update_runs_the_old_config_is_told_and_the_new_one_is_pending(world: World) -> None:
    old, new = world.revision("1"), world.revision("2")
    world.live, world.pending, world.status = old, new, "Updating"
    live = look(world)
    assert live.config == old
    assert live.pending == Pending(new, START + timedelta(days=1))
    assert live.busy


@pytest.mark.parametrize("status", ["OutOfService", "InService", "Failed", "UpdateRollbackFailed"])
def test_an_endpoint_at_which_nothing_is_under_way_is_not_busy(world: World, status: str) -> None:
    world.revision("1")
    world.status = status
    assert not look(world).busy


@pytest.mark.parametrize("status", sorted(BUSY))
def test_whatever_is_under_way_makes_it_busy(world: World, status: str) -> None:
    world.revision("1")
    world.status = status
    assert look(world).busy


def test_what_the_service_leaves_out_is_read_as_nothing() -> None:
    live = live_of(
        {
            "EndpointName": ENDPOINT,
            "EndpointArn": "a",
            "EndpointStatus": "Creating",
            "LastModifiedTime": START,
            "ProductionVariants": [{"VariantName": "serverless", "VariantStatus": [{"Status": "Creating"}]}],
            "PendingDeploymentSummary": {"EndpointConfigName": "c"},
        }
    )
    assert (live.config, live.failure, live.deployment) == ("", "", {})
    assert live.pending == Pending("c", None)
    (variant,) = live.variants
    assert (variant.count, variant.desired_count, variant.statuses) == (None, None, ("Creating",))


def test_an_endpoint_that_is_not_there_says_what_makes_it(world: World) -> None:
    with pytest.raises(NoEndpointError, match=f"there is no endpoint {ENDPOINT}: `slipway deploy` makes it"):
        look(world)


def test_any_other_refusal_is_left_as_it_is(world: World) -> None:
    world.refuse["DescribeEndpoint"] = error("DescribeEndpoint", "Rate exceeded", "ThrottlingException")
    with pytest.raises(ClientError, match="Rate exceeded"):
        look(world)


def test_names_of_configs_are_the_same_in_any_case() -> None:
    assert same_config("Config-1Xy", "config-1xy")
    assert not same_config("Config-1Xy", "Config-2Xy")


def test_what_a_stack_holds_is_read_from_its_resources(world: World) -> None:
    config = world.revision("1")
    cloudformation = world.target().client("cloudformation")
    assert stack_config(cloudformation, STACK) == ""
    world.declare("latency")
    assert same_config(stack_config(cloudformation, STACK), config)


def test_a_stack_that_may_not_be_read_is_not_taken_for_none(world: World) -> None:
    world.refuse["DescribeStackResources"] = error("DescribeStackResources", "not authorized", "AccessDenied")
    with pytest.raises(ClientError, match="not authorized"):
        stack_config(world.target().client("cloudformation"), STACK)


def test_the_revisions_of_an_endpoint_are_those_with_its_tags_the_newest_first(world: World, declare: Declare) -> None:
    first, second = world.revision("1"), world.revision("2")
    other = world.revision("9")
    world.tags[arn("endpoint-config", other)]["Model"] = "iris-next"
    target = world.target()
    found = revisions(declare(), "iris", target.client("sagemaker"), target.client("resourcegroupstaggingapi"))
    assert [one.version for one in found] == ["2", "1"]
    assert [same_config(one.config, name) for one, name in zip(found, (second, first), strict=True)] == [True, True]
    assert [one.models for one in found] == [("Model-primary-2Xy",), ("Model-primary-1Xy",)]


def test_a_config_that_is_still_tagged_but_deleted_is_no_revision(world: World, declare: Declare) -> None:
    gone, _ = world.revision("1"), world.revision("2")
    del world.configs[gone.lower()]
    target = world.target()
    found = revisions(declare(), "iris", target.client("sagemaker"), target.client("resourcegroupstaggingapi"))
    assert [one.version for one in found] == ["2"]


def test_a_revision_names_the_models_of_its_shadow_too_and_none_of_a_fleet_for_components(
    world: World, declare: Declare
) -> None:
    name = world.revision("1")
    config = world.configs[name.lower()]
    config["ShadowProductionVariants"] = [
        {**config["ProductionVariants"][0], "VariantName": "shadow", "ModelName": "s"}
    ]
    target = world.target()
    sagemaker, tagging = target.client("sagemaker"), target.client("resourcegroupstaggingapi")
    (found,) = revisions(declare(), "iris", sagemaker, tagging)
    assert found.models == ("Model-primary-1Xy", "s")
    del config["ShadowProductionVariants"]
    config["ProductionVariants"] = [
        {"VariantName": "primary", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    ]
    (found,) = revisions(declare(), "iris", sagemaker, tagging)
    assert found.models == ()
