"""Retired revisions: the last few stay, whatever is referred to stays, the rest goes after its grace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from idle_endpoint_cleanup.revisions import Retired, retire
from idle_endpoint_cleanup.run import OutOfTimeError
from tests.unit.idle.fake_aws import DAY, OURS, Json, Resource, World, arn, throttled
from tests.unit.idle.test_cleanup import changes, fail

MARK = "slipway:removal-marked"


@pytest.fixture
def world() -> World:
    return World()


def deployed(world: World, times: int, name: str = "iris", **about: Any) -> Resource:
    """Make an endpoint and deploy it anew, a day apart."""
    endpoint = world.endpoint(name, **about)
    for _ in range(times):
        world.age(DAY)
        world.update(endpoint)
    world.age(timedelta(hours=1))
    return endpoint


def run(world: World, **changes: Any) -> Retired:
    world.calls.clear()
    return retire(world.run(**{"kept_revisions": 2, **changes}))


def names(world: World, kind: str) -> list[str]:
    return [one.name for one in sorted(world.of(kind), key=lambda one: one.created)]


def lower(names: list[str]) -> list[str]:
    return sorted(name.lower() for name in names)


def test_up_to_the_last_few_nothing_is_even_described(world: World) -> None:
    deployed(world, 2)
    assert run(world) == Retired(examined=6)
    assert world.calls == ["sagemaker:ListInferenceComponents", "resourcegroupstaggingapi:GetResources"]


def test_beyond_them_the_oldest_are_marked_and_go_after_their_grace(world: World) -> None:
    deployed(world, 4)
    configs, models = names(world, "endpoint-config"), names(world, "model")
    first = run(world)
    assert lower(first.marked) == lower([*configs[:2], *models[:2]])
    assert first.deleted == []
    assert set(changes(world)) == {"AddTags"}
    world.age(DAY - timedelta(minutes=1))
    assert run(world).deleted == []
    world.age(timedelta(minutes=2))
    assert sorted(run(world).deleted) == sorted([*configs[:2], *models[:2]])
    assert names(world, "endpoint-config") == configs[2:]
    assert names(world, "model") == models[2:]
    done = changes(world)
    assert done.index("DeleteModel") > max(at for at, name in enumerate(done) if name == "DeleteEndpointConfig")
    assert run(world) == Retired(examined=6)


def test_a_dry_run_only_says_so(world: World) -> None:
    deployed(world, 4)
    assert len(run(world, delete=False).marked) == 4
    assert changes(world) == []
    run(world)
    world.age(DAY)
    assert len(run(world, delete=False).deleted) == 4
    assert changes(world) == []


def test_after_a_rollback_the_old_config_is_the_one_that_serves(world: World) -> None:
    endpoint = deployed(world, 4)
    configs = names(world, "endpoint-config")
    endpoint.about["config"] = configs[0]
    run(world)
    world.age(DAY)
    run(world)
    assert names(world, "endpoint-config") == [configs[0], *configs[3:]]


def test_what_an_endpoint_is_moving_to_is_in_use(world: World) -> None:
    endpoint = deployed(world, 4)
    configs = names(world, "endpoint-config")
    endpoint.about["pending"] = configs[0]
    run(world)
    world.age(DAY)
    run(world)
    assert names(world, "endpoint-config") == [configs[0], *configs[2:]]


def test_while_an_endpoint_is_being_changed_its_revisions_stay(world: World) -> None:
    endpoint = deployed(world, 4)
    endpoint.about["status"] = "Updating"
    assert run(world).marked == []
    endpoint.about["status"] = "InService"
    assert len(run(world).marked) == 4


def test_of_an_endpoint_that_is_gone_all_go(world: World) -> None:
    endpoint = deployed(world, 1)
    del world.resources[endpoint.arn]
    assert len(run(world).marked) == 4
    world.age(DAY)
    assert len(run(world).deleted) == 4
    assert world.of("model") == []


def test_an_endpoint_that_comes_back_takes_the_marks_away(world: World) -> None:
    endpoint = deployed(world, 1)
    world.resources.pop(endpoint.arn)
    run(world)
    world.resources[endpoint.arn] = endpoint
    revisions = [one.arn.rpartition("/")[2] for one in world.resources.values() if one is not endpoint]
    assert sorted(run(world).unmarked) == sorted(revisions)
    assert not any(MARK in one.tags for one in world.resources.values())


def test_a_config_that_a_foreign_endpoint_serves_stays_with_its_model(world: World) -> None:
    endpoint = deployed(world, 0)
    foreign = world.endpoint("foreign", {"Environment": "prod"})
    foreign.about["config"] = endpoint.about["config"]
    del world.resources[endpoint.arn]
    assert run(world).marked == []


def test_a_model_that_a_foreign_config_names_stays(world: World) -> None:
    endpoint = deployed(world, 0)
    del world.resources[endpoint.arn]
    (model,) = world.of("model")
    world.make("endpoint-config", "foreign", {}, variants=[{"VariantName": "v", "ModelName": model.name}])
    assert lower(run(world).marked) == lower([endpoint.about["config"]])


def test_a_model_that_a_component_names_stays(world: World) -> None:
    deployed(world, 0, "chat", components=["a", "b"])
    for at in range(4):
        world.age(DAY)
        world.make("model", f"old-{at}", {**OURS, "Model": "chat"})
    first = run(world)
    assert first.marked == ["old-0", "old-1"]
    world.age(DAY)
    assert sorted(run(world).deleted) == ["old-0", "old-1"]
    assert {"Model-a", "Model-b"} <= set(names(world, "model"))


@pytest.mark.parametrize("tags", [{"Environment": "dev"}, {"slipway:disposable": "true"}, {**OURS, "slipway:keep": ""}])
def test_what_is_not_disposable_or_kept_stays(world: World, tags: dict[str, str]) -> None:
    endpoint = deployed(world, 4)
    for one in world.resources.values():
        if one is not endpoint:
            one.tags = {**tags, "Model": "iris"}
    assert run(world) == Retired()


def test_a_config_without_the_tag_of_a_model_goes_when_nothing_serves_it(world: World) -> None:
    config = world.revision("loose", OURS)
    foreign = world.endpoint("foreign", {"Environment": "dev"})
    del foreign.tags["Model"]
    assert lower(run(world).marked) == lower([config.name, names(world, "model")[0]])


def test_what_comes_into_use_between_the_first_reading_and_the_deletion_stays(world: World) -> None:
    endpoint = deployed(world, 4)
    configs = names(world, "endpoint-config")
    run(world)
    world.age(DAY)
    readings = [0]

    def before(_: int, name: str, __: Json) -> None:
        if name.endswith(":ListEndpoints"):
            readings[0] += 1
            if readings[0] == 2:
                endpoint.about["config"], endpoint.modified = configs[0], world.now

    world.before = before
    run(world)
    assert configs[0] in names(world, "endpoint-config")
    assert configs[1] not in names(world, "endpoint-config")
    assert len(names(world, "model")) == 4


def test_as_many_models_as_components_and_revisions_need_are_not_looked_into(world: World) -> None:
    deployed(world, 0, "chat", components=["a"])
    for at in range(2):
        world.make("model", f"old-{at}", {**OURS, "Model": "chat"})
    assert run(world) == Retired(examined=4)
    assert "sagemaker:ListModels" not in world.calls
    world.make("model", "old-2", {**OURS, "Model": "chat"})
    assert run(world).marked == ["old-0"]


def test_the_last_config_without_a_model_and_the_last_model_without_a_config_go_too(world: World) -> None:
    world.make("endpoint-config", "lonely", {**OURS, "Model": "one"}, variants=[{"VariantName": "v"}])
    world.make("model", "orphan", {**OURS, "Model": "two"})
    assert sorted(run(world).marked) == ["lonely", "orphan"]


def test_the_grace_ends_to_the_second(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "pass_time", lambda *_: None)
    model = world.make("model", "orphan", {**OURS, "Model": "two", MARK: world.now.isoformat()})
    assert run(world) == Retired(examined=1)  # marked at this very moment, by a run beside this one
    world.now += DAY - timedelta(seconds=1)
    assert run(world) == Retired(examined=1)
    world.now += timedelta(seconds=1)
    assert run(world).deleted == [model.name]


@pytest.mark.parametrize(("until", "stays"), [("2025-06-01", False), ("2030-01-01", True), ("someday", True)])
def test_a_date_keeps_a_revision_too(world: World, until: str, *, stays: bool) -> None:
    world.make("model", "orphan", {**OURS, "Model": "two", "slipway:keep-until": until})
    assert run(world).marked == ([] if stays else ["orphan"])


def test_no_more_than_the_cap(world: World) -> None:
    deployed(world, 6)
    run(world)
    world.age(DAY)
    assert len(run(world, max_revisions=3).deleted) == 3
    assert len(run(world, max_revisions=3).deleted) == 3
    assert len(run(world, max_revisions=3).deleted) == 2


def test_a_config_that_cannot_be_deleted_keeps_its_model_and_stops_no_other(world: World) -> None:
    deployed(world, 4)
    configs, models = names(world, "endpoint-config"), names(world, "model")
    run(world)
    world.age(DAY)
    fail(world, "DeleteEndpointConfig", throttled("DeleteEndpointConfig"), EndpointConfigName=configs[0])
    done = run(world)
    assert list(done.failed) == [configs[0]]
    assert "Rate exceeded" in done.failed[configs[0]]
    assert sorted(done.deleted) == sorted([configs[1], models[1]])


def test_a_mark_that_fails_stops_no_other(world: World) -> None:
    deployed(world, 4)
    first = world.of("endpoint-config")[0]
    fail(world, "AddTags", throttled("AddTags"), ResourceArn=first.arn)
    done = run(world)
    assert list(done.failed) == [first.arn.rpartition("/")[2]]
    assert "Rate exceeded" in done.failed[first.arn.rpartition("/")[2]]
    assert len(done.marked) == 3


def test_what_went_meanwhile_is_no_failure(world: World) -> None:
    deployed(world, 4)
    configs = names(world, "endpoint-config")
    run(world)
    world.age(DAY)

    def before(_: int, name: str, request: Json) -> None:
        if name.endswith(":DeleteEndpointConfig") and request["EndpointConfigName"] == configs[0]:
            world.resources.pop(arn("endpoint-config", configs[0]))

    world.before = before
    assert run(world).failed == {}


def test_without_time_to_learn_what_is_in_use_nothing_goes(world: World) -> None:
    deployed(world, 4)
    run(world)
    world.age(DAY)
    for limit in (59.0, 60.2, 60.4, 60.6):
        world.calls.clear()
        with pytest.raises(OutOfTimeError):
            retire(world.run(limit, kept_revisions=2))
        assert changes(world) == []


def test_a_question_that_fails_fails_the_run(world: World) -> None:
    deployed(world, 4)
    run(world)
    world.age(DAY)
    for operation in (
        "ListModels",
        "ListEndpointConfigs",
        "ListEndpoints",
        "DescribeEndpoint",
        "ListInferenceComponents",
    ):
        fail(world, operation, throttled(operation))
        world.calls.clear()
        with pytest.raises(Exception, match="Rate exceeded"):
            run(world)
        assert changes(world) == []


def test_two_pages_of_everything(world: World) -> None:
    for at in range(60):
        deployed(world, 3, f"e{at}")
    for at in range(2):
        deployed(world, 0, f"chat-{at}", components=[f"c-{at}-{number}" for number in range(60)])
    first = run(world)
    assert len(first.marked) == 120
    assert first.examined == 60 * 8 + 2 * 61
