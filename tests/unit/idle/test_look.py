"""What a look finds, and how little it asks for it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from idle_endpoint_cleanup.cleanup import clean_up
from idle_endpoint_cleanup.inventory import describe
from idle_endpoint_cleanup.references import References
from idle_endpoint_cleanup.revisions import retire
from tests.unit.idle.fake_aws import DAY, OURS, Json, Resource, World

HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    return World()


def asked(world: World, **changes: Any) -> Counter[str]:
    """Run over the endpoints, and count the calls."""
    world.calls.clear()
    clean_up(world.run(**changes))
    return Counter(call.partition(":")[2] for call in world.calls)


class TestTheSurveySettlesTheBusyOnes:
    """Without describing them, and with one query for most."""

    def old(self, world: World, **about: Any) -> Resource:
        endpoint = world.endpoint("iris", **about)
        world.age(30 * DAY)
        return endpoint

    def test_by_a_variant(self, world: World) -> None:
        world.invoke(self.old(world), ago=HOUR)
        found = asked(world)
        assert (found["DescribeEndpoint"], found["GetMetricData"]) == (0, 1)

    def test_by_the_second_variant_with_a_second_query(self, world: World) -> None:
        endpoint = self.old(world, variants=("a", "b"))
        for series, value in zip(world.series_of(endpoint), (0.0, 1.0), strict=True):
            world.emit(series, value, ago=HOUR)
        found = asked(world)
        assert (found["DescribeEndpoint"], found["GetMetricData"]) == (0, 2)

    def test_by_what_an_asynchronous_one_processed(self, world: World) -> None:
        world.invoke(self.old(world, asynchronous=True), 0, ago=HOUR)
        assert asked(world)["DescribeEndpoint"] == 0

    @pytest.mark.parametrize("at", [1, 2])
    def test_by_each_of_its_components(self, world: World, at: int) -> None:
        endpoint = self.old(world, components=("a", "b"))
        world.emit(world.series_of(endpoint)[0], 0.0, ago=HOUR)
        world.invoke(endpoint, at, ago=HOUR)
        assert asked(world)["DescribeEndpoint"] == 0

    def test_finer_series_are_left_to_the_closer_look(self, world: World) -> None:
        self.old(world)
        dimensions = (("EndpointName", "iris"), ("VariantName", "primary"), ("EndpointConfigName", "c"))
        world.emit(("Invocations", dimensions), ago=HOUR)
        found = asked(world)
        assert (found["DescribeEndpoint"], found["GetMetricData"], found["AddTags"]) == (1, 1, 0)

    @pytest.mark.parametrize(("days", "described"), [(14, 1), (15, 0)])
    def test_by_the_tag_where_the_list_does_not_reach(self, world: World, days: int, described: int) -> None:
        endpoint = self.old(world, tags={**OURS, "slipway:variants": "a/b"}, variants=("a", "b"))
        world.invoke(endpoint, 1, ago=14 * DAY - HOUR)
        world.age(2 * HOUR)
        assert asked(world, window=days * DAY)["DescribeEndpoint"] == described

    def test_and_the_tag_adds_to_the_list(self, world: World) -> None:
        endpoint = self.old(world, tags={**OURS, "slipway:variants": "b"}, variants=("a", "b"))
        world.invoke(endpoint, 0, ago=HOUR)
        assert asked(world, window=20 * DAY)["DescribeEndpoint"] == 0

    def test_components_are_listed_once_for_all(self, world: World) -> None:
        for at in range(3):
            world.endpoint(f"e{at}", components=(f"c{at}",))
        world.age(30 * DAY)
        assert asked(world)["ListInferenceComponents"] == 1


class TestDescribe:
    def test_shadow_variants_count(self, world: World) -> None:
        world.endpoint("iris", instances=2)

        def shadowed(name: str, _: Json, answer: Json) -> None:
            if name.endswith(":DescribeEndpoint"):
                answer["ShadowProductionVariants"] = [{"VariantName": "shadow", "CurrentInstanceCount": 3}]

        world.after = shadowed
        found = describe(world.run(), "iris")
        assert found.variants == ("primary", "shadow")
        assert found.instances == 5

    def test_serverless_variants_have_no_instances(self, world: World) -> None:
        world.endpoint("iris")

        def serverless(name: str, _: Json, answer: Json) -> None:
            if name.endswith(":DescribeEndpoint"):
                del answer["ProductionVariants"][0]["CurrentInstanceCount"]

        world.after = serverless
        assert describe(world.run(), "iris").instances == 0

    def test_only_its_own_components(self, world: World) -> None:
        world.endpoint("one", components=("a",))
        world.endpoint("two", components=("b",))
        found = describe(world.run(), "one")
        assert [component.name for component in found.components] == ["a"]
        assert found.components[0].status == "InService"

    def test_the_last_change_of_a_component_is_one_of_the_endpoint(self, world: World) -> None:
        endpoint = world.endpoint("one", components=("a",))
        assert describe(world.run(), "one").changed == endpoint.modified
        world.age(DAY)
        world.components_of(endpoint)[0].modified = world.now
        assert describe(world.run(), "one").changed == world.components_of(endpoint)[0].modified > endpoint.modified

    def test_known_components_are_not_listed_again(self, world: World) -> None:
        world.endpoint("one", components=("a",))
        world.calls.clear()
        assert describe(world.run(), "one", ()).components == ()
        assert world.calls == ["sagemaker:DescribeEndpoint"]


class TestReferences:
    def read(self, world: World) -> References:
        references = References(world.run(limit=1e9))
        references.read()
        return references

    def test_what_has_not_changed_is_not_read_again(self, world: World) -> None:
        world.endpoint("one", components=("a",))
        world.age(DAY)
        references = self.read(world)
        world.age(HOUR)
        made = world.endpoint("two", components=("b",))
        world.calls.clear()
        references.read()
        count = Counter(call.partition(":")[2] for call in world.calls)
        assert (count["DescribeEndpoint"], count["DescribeEndpointConfig"], count["DescribeInferenceComponent"]) == (
            1,
            1,
            1,
        )
        assert references.config_in_use(made.about["config"])
        assert set(references.models) == {"Model-a", "Model-b"}

    def test_what_changed_within_five_minutes_is_read_again(self, world: World) -> None:
        endpoint = world.endpoint("one")
        world.age(timedelta(minutes=4))
        references = self.read(world)
        config = world.revision("another", OURS)
        endpoint.about["config"] = config.name
        references.read()
        assert references.config_in_use(config.name)

    def test_models_of_shadow_variants_and_of_all_specifications_are_in_use(self, world: World) -> None:
        world.endpoint("one", components=("a",))

        def more(name: str, _: Json, answer: Json) -> None:
            if name.endswith(":DescribeEndpointConfig"):
                answer["ShadowProductionVariants"] = [{"VariantName": "s", "ModelName": "of-shadow"}]
            if name.endswith(":DescribeInferenceComponent"):
                answer["Specifications"] = [{"ModelName": "of-specifications", "InstanceType": "ml.g5.xlarge"}]

        world.after = more
        references = self.read(world)
        assert len(references.users_of("of-shadow")) == 1
        assert references.users_of("of-specifications") == {"component a"}
        assert references.users_of("Model-a") == {"component a"}
        assert references.users_of("nobody's") == set()

    @pytest.mark.parametrize(
        ("status", "at_rest"),
        [("InService", True), ("Failed", True), ("OutOfService", True), ("Updating", False), ("RollingBack", False)],
    )
    def test_who_is_being_changed(self, world: World, status: str, *, at_rest: bool) -> None:
        world.endpoint("One", status=status)
        assert self.read(world).at_rest == {"one": at_rest}

    def test_what_went_since_it_was_listed_refers_to_nothing(self, world: World) -> None:
        endpoint = world.endpoint("one")

        def before(_: int, name: str, __: Json) -> None:
            if name.endswith(":DescribeEndpoint"):
                world.resources.pop(endpoint.arn, None)

        world.before = before
        references = self.read(world)
        assert not references.config_in_use(endpoint.about["config"])
        assert references.at_rest == {"one": True}

    def test_it_knows_when_each_was_made(self, world: World) -> None:
        config = world.revision("one", OURS)
        world.age(DAY)
        found = self.read(world).configs[config.name]
        assert (found.name, found.arn, found.created) == (config.name, config.arn, config.created)


def test_every_list_has_pages_of_a_hundred(world: World) -> None:
    """The services' own are of ten or fifty."""
    sizes: dict[str, object] = {}

    def note(_: int, name: str, request: Json) -> None:
        operation = name.partition(":")[2]
        if name.startswith("sagemaker:List") or operation == "GetResources":
            sizes[operation] = request.get("MaxResults", request.get("ResourcesPerPage"))

    world.before = note
    world.endpoint("chat", components=("a",))
    world.make("monitoring-schedule", "drift", endpoint="chat")
    world.revision("gone", {**OURS, "Model": "gone"})
    world.age(30 * DAY)
    for _ in range(2):
        clean_up(world.run())
        retire(world.run())
        world.age(DAY + HOUR)
    del sizes["ListTags"]  # fifty at most, all on one page
    assert sizes == dict.fromkeys(
        [
            "GetResources",
            "ListEndpointConfigs",
            "ListEndpoints",
            "ListInferenceComponents",
            "ListModels",
            "ListMonitoringSchedules",
        ],
        100,
    )


def test_what_hangs_on_another_endpoint_stays(world: World) -> None:
    world.endpoint("idle", components=("a",))
    world.make("monitoring-schedule", "mine", endpoint="idle")
    world.age(30 * DAY)
    clean_up(world.run())
    busy = world.endpoint("busy", components=("b",))
    world.make("monitoring-schedule", "theirs", endpoint="busy")
    world.age(DAY)
    clean_up(world.run())
    assert [one.name for one in world.of("monitoring-schedule")] == ["theirs"]
    assert [one.name for one in world.of("inference-component")] == ["b"]
    assert world.of("endpoint") == [busy]


def test_an_endpoint_that_has_lost_its_config_stops_no_other(world: World) -> None:
    world.endpoint("broken")
    world.endpoint("iris")
    world.age(30 * DAY)

    def without(name: str, request: Json, answer: Json) -> None:
        if name.endswith(":DescribeEndpoint") and request["EndpointName"] == "broken":
            del answer["EndpointConfigName"], answer["ProductionVariants"]

    world.after = without
    report = clean_up(world.run())
    assert {name: found.verdict.reason for name, found in report.examined.items()} == {"broken": "gone", "iris": "idle"}
