"""A run over the endpoints: what it does in which order, what it leaves, and what stops it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from idle_endpoint_cleanup.cleanup import clean_up
from idle_endpoint_cleanup.decision import Action
from idle_endpoint_cleanup.report import Report
from tests.unit.idle.fake_aws import DAY, OURS, RECORDS, Json, Resource, World, arn, error, throttled

MARK = "slipway:removal-marked"
READS = ("Get", "List", "Describe")


@pytest.fixture
def world() -> World:
    return World()


def old(world: World, name: str = "iris-ep", tags: dict[str, str] | None = None, **about: Any) -> Resource:
    """Make an endpoint that nobody has used for a month, in a stack of its own unless it says otherwise."""
    endpoint = world.endpoint(name, OURS if tags is None else tags, **{"stack": f"stack-{name}", **about})
    world.age(30 * DAY)
    return endpoint


def run(world: World, limit: float = 900, **changes: Any) -> Report:
    return clean_up(world.run(limit, **changes))


def changes(world: World) -> list[str]:
    """Name what was changed, in order."""
    operations = [call.partition(":")[2] for call in world.calls]
    return [operation for operation in operations if not operation.startswith(READS)]


def verdicts(report: Report) -> dict[str, tuple[Action, str]]:
    return {name: (found.verdict.action, found.verdict.reason) for name, found in report.examined.items()}


def announce(world: World) -> None:
    """Let a run announce what is idle, and its grace pass."""
    run(world)
    world.age(DAY)
    world.calls.clear()


class TestTheWayToARemoval:
    def test_notify_then_mark(self, world: World) -> None:
        endpoint = old(world)
        assert verdicts(run(world)) == {"iris-ep": (Action.MARK, "idle")}
        assert changes(world) == ["Publish", "AddTags"]
        assert endpoint.tags[MARK].startswith("2025-07-02T03:00:00")
        _, subject, message = world.notices[0]
        assert subject == "Idle endpoints that will be removed: 1"
        assert message.splitlines() == [
            "These endpoints will be removed after 2025-07-03 03:00 UTC, because nobody uses them:",
            "",
            "  iris-ep: no traffic for 7 days; 168 instance-hours a week",
            "",
            "Whoever invokes or updates an endpoint keeps it. So does one of these tags on it (`keep` in its config):",
            "  slipway:keep=<any reason>            as long as the tag is there",
            "  slipway:keep-until=<date>    through that day, such as 2025-07-03",
        ]

    def test_wait(self, world: World) -> None:
        old(world)
        run(world)
        world.calls.clear()
        world.age(DAY - timedelta(minutes=1))
        assert verdicts(run(world)) == {"iris-ep": (Action.WAIT, "announced")}
        assert changes(world) == []

    def test_record_then_delete_the_stack_then_tell(self, world: World) -> None:
        old(world)
        announce(world)
        report = run(world)
        assert verdicts(report) == {"iris-ep": (Action.DELETE, "idle")}
        assert changes(world) == ["PutParameter", "DeleteStack", "Publish"]
        assert world.stacks["stack-iris-ep"].status == "DELETE_IN_PROGRESS"
        record = json.loads(world.parameters[f"{RECORDS}/iris-ep"])
        assert record["endpoint"] == "iris-ep"
        assert record["stack"] == "stack-iris-ep"
        assert record["removed"].startswith("2025-07-03T03:00:0")
        assert record["announced"].startswith("2025-07-02T03:00:00")
        assert record["why"] == "no traffic for 7 days; announced on 2025-07-02"
        _, subject, message = world.notices[-1]
        assert subject == "Idle endpoints that were removed: 1"
        assert message.splitlines() == [
            "These endpoints were removed; that saves 168 instance-hours a week:",
            "",
            "  iris-ep: no traffic for 7 days; announced on 2025-07-02",
            "",
            "An endpoint that a stack declares comes back with: make deploy WAKE=<its short name>",
            f"Deployments leave it out until then, as the parameters under {RECORDS}/ tell them to.",
        ]

    def test_a_further_run_finds_nothing_to_do(self, world: World) -> None:
        old(world)
        announce(world)
        run(world)
        world.calls.clear()
        assert verdicts(run(world)) == {"iris-ep": (Action.KEEP, "not at rest")}
        world.age(DAY)
        assert verdicts(run(world)) == {}
        assert changes(world) == []

    def test_a_dry_run_decides_the_same_and_changes_nothing(self, world: World) -> None:
        old(world)
        assert verdicts(run(world, delete=False)) == {"iris-ep": (Action.MARK, "idle")}
        assert changes(world) == []
        announce(world)
        assert verdicts(run(world, delete=False)) == {"iris-ep": (Action.DELETE, "idle")}
        assert changes(world) == []
        assert len(world.notices) == 1

    def test_nothing_is_marked_of_which_nobody_could_be_told(self, world: World) -> None:
        endpoint = old(world)
        fail(world, "Publish", throttled("Publish"))
        report = run(world)
        assert MARK not in endpoint.tags
        assert list(report.failures) == ["notice: Idle endpoints that will be removed: 1"]
        assert "Rate exceeded" in report.failures["notice: Idle endpoints that will be removed: 1"]

    def test_a_hundred_announcements_a_notice(self, world: World) -> None:
        for at in range(101):
            world.endpoint(f"e{at:03}", OURS)
        world.age(30 * DAY)
        run(world)
        assert [subject for _, subject, _ in world.notices] == [
            "Idle endpoints that will be removed: 100",
            "Idle endpoints that will be removed: 1",
        ]
        assert changes(world).count("AddTags") == 101


class TestWhatComesIntoUse:
    def test_traffic_takes_the_mark_away(self, world: World) -> None:
        endpoint = old(world)
        announce(world)
        world.invoke(endpoint)
        world.age(timedelta(hours=1))
        assert verdicts(run(world)) == {"iris-ep": (Action.KEEP, "traffic")}
        assert changes(world) == ["DeleteTags"]
        assert MARK not in endpoint.tags

    @pytest.mark.parametrize(
        "call", ["ListTags", "DescribeEndpoint", "DescribeStackResources", "DescribeStacks", "GetMetricData"]
    )
    def test_an_invocation_between_the_survey_and_the_last_look(self, world: World, call: str) -> None:
        endpoint = old(world)
        announce(world)
        at(world, call, lambda: world.invoke(endpoint))
        assert verdicts(run(world)) == {"iris-ep": (Action.KEEP, "traffic")}
        assert changes(world) == ["DeleteTags"]

    def test_a_tag_between_the_survey_and_the_last_look(self, world: World) -> None:
        endpoint = old(world)
        announce(world)
        at(world, "ListTags", lambda: endpoint.tags.update({"slipway:keep": "please"}))
        assert verdicts(run(world)) == {"iris-ep": (Action.KEEP, "opted out")}
        assert changes(world) == ["DeleteTags"]

    def test_an_update_between_the_survey_and_the_last_look(self, world: World) -> None:
        endpoint = old(world)
        announce(world)
        at(world, "DescribeEndpoint", lambda: world.update(endpoint))
        assert verdicts(run(world)) == {"iris-ep": (Action.KEEP, "young")}

    def test_a_component_that_was_just_added(self, world: World) -> None:
        endpoint = old(world, "chat-ep", components=["chat-a"], stack=None)
        announce(world)
        world.component(endpoint, "chat-b")
        assert verdicts(run(world)) == {"chat-ep": (Action.KEEP, "young")}

    @pytest.mark.parametrize("series", [0, 1, 2])
    def test_traffic_of_any_variant(self, world: World, series: int) -> None:
        endpoint = old(world, variants=("a", "b", "c"))
        world.invoke(endpoint, series, ago=6 * DAY)
        assert verdicts(run(world)) == {"iris-ep": (Action.KEEP, "traffic")}

    @pytest.mark.parametrize("series", [0, 1, 2])
    def test_traffic_of_any_asynchronous_metric(self, world: World, series: int) -> None:
        endpoint = old(world, asynchronous=True)
        world.invoke(endpoint, series, ago=6 * DAY)
        assert verdicts(run(world)) == {"iris-ep": (Action.KEEP, "traffic")}

    @pytest.mark.parametrize("name", ["chat-ep", "Chat-EP"])
    def test_traffic_of_any_component(self, world: World, name: str) -> None:
        endpoint = old(world, name, components=["chat-a", "Chat-B"], stack=None)
        world.invoke(endpoint, 2, ago=6 * DAY)
        assert verdicts(run(world)) == {"chat-ep": (Action.KEEP, "traffic")}

    @pytest.mark.parametrize("ago", [timedelta(minutes=1), 3 * DAY])
    def test_metrics_mind_the_case_of_a_name(self, world: World, ago: timedelta) -> None:
        endpoint = old(world, "MyTest", stack=None)
        announce(world)
        world.invoke(endpoint, ago=ago)
        assert verdicts(run(world)) == {"mytest": (Action.KEEP, "traffic")}

    def test_traffic_that_shows_under_further_dimensions_only(self, world: World) -> None:
        old(world)
        dimensions = (("EndpointName", "iris-ep"), ("VariantName", "primary"), ("ContainerName", "second"))
        world.emit(("Invocations", dimensions), ago=DAY)
        assert verdicts(run(world)) == {"iris-ep": (Action.KEEP, "traffic")}

    def test_traffic_before_the_last_two_weeks_in_a_longer_window(self, world: World) -> None:
        tags = {**OURS, "slipway:variants": "a/b"}
        endpoint = old(world, tags=tags, variants=("a", "b"))
        world.invoke(endpoint, 1, ago=20 * DAY)
        assert verdicts(run(world, window=21 * DAY)) == {"iris-ep": (Action.KEEP, "traffic")}
        assert "sagemaker:DescribeEndpoint" not in world.calls
        endpoint.tags = OURS
        assert verdicts(run(world, window=21 * DAY)) == {"iris-ep": (Action.KEEP, "traffic")}
        assert "sagemaker:DescribeEndpoint" in world.calls

    def test_a_tag_that_names_the_wrong_variants_is_only_a_hint(self, world: World) -> None:
        endpoint = old(world, tags={**OURS, "slipway:variants": "x"}, variants=("a", "b"))
        world.invoke(endpoint, 1, ago=20 * DAY)
        assert verdicts(run(world, window=21 * DAY)) == {"iris-ep": (Action.KEEP, "traffic")}


class TestWhatStays:
    def test_unknown_traffic(self, world: World) -> None:
        endpoint = old(world)
        announce(world)
        fail(world, "GetMetricData", throttled("GetMetricData"))
        assert verdicts(run(world)) == {"iris-ep": (Action.KEEP, "unknown")}
        assert MARK in endpoint.tags
        assert changes(world) == []

    def test_what_is_not_opted_in_is_not_even_listed(self, world: World) -> None:
        old(world, tags={**OURS, "Environment": "prod"})
        assert verdicts(run(world)) == {}

    def test_what_is_not_disposable_is_reported_and_not_marked(self, world: World) -> None:
        old(world, tags={"Environment": "dev"})
        assert verdicts(run(world)) == {"iris-ep": (Action.REPORT, "not disposable")}
        assert changes(world) == []

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"tags": {"Environment": "dev"}}, "its tags do not say that it may be deleted"),
            ({"tags": {**OURS, "Environment": "prod"}}, "its tags do not say that it may be deleted"),
            ({"role": None}, "it has no role of its own"),
            ({"protected": True}, "it has termination protection"),
            ({"parent": "arn:aws:cloudformation:eu-west-1:111122223333:stack/p/1"}, "it is part of another stack"),
            ({"status": "UPDATE_IN_PROGRESS"}, "its status is UPDATE_IN_PROGRESS"),
        ],
    )
    def test_a_stack_that_may_not_be_deleted(self, world: World, change: Json, reason: str) -> None:
        old(world)
        announce(world)
        vars(world.stacks["stack-iris-ep"]).update(change)
        report = run(world)
        found = report.examined["iris-ep"].verdict
        assert (found.action, found.reason) == (Action.REPORT, "not the cleanup's")
        assert found.detail == f"stack stack-iris-ep: {reason}"
        assert changes(world) == []

    @pytest.mark.parametrize(
        "more",
        [
            ("AWS::SageMaker::Endpoint", arn("endpoint", "busy")),
            ("AWS::SageMaker::InferenceComponent", arn("inference-component", "of-another-endpoint")),
            ("AWS::CloudFormation::Stack", "arn:aws:cloudformation:eu-west-1:111122223333:stack/nested/1"),
        ],
    )
    def test_a_stack_that_holds_more_than_the_endpoint(self, world: World, more: tuple[str, str]) -> None:
        old(world)
        announce(world)
        world.stacks["stack-iris-ep"].resources.append(more)
        assert run(world).examined["iris-ep"].verdict.detail == (
            "stack stack-iris-ep: it holds more than this endpoint"
        )
        assert changes(world) == []

    @pytest.mark.parametrize(("more", "action"), [(96, Action.DELETE), (97, Action.REPORT)])
    def test_a_stack_with_more_resources_than_one_call_names(self, world: World, more: int, action: Action) -> None:
        old(world)
        announce(world)
        stack = world.stacks["stack-iris-ep"]
        assert len(stack.resources) == 3
        stack.resources += [("AWS::CloudWatch::Alarm", f"alarm-{at}") for at in range(more)]
        found = run(world).examined["iris-ep"].verdict
        assert found.action is action
        if action is Action.REPORT:
            assert found.detail == "stack stack-iris-ep: it has too many resources to know them all"

    @pytest.mark.parametrize("tag", ["slipway:stack", "aws:cloudformation:stack-name"])
    def test_an_endpoint_that_claims_another_stack(self, world: World, tag: str) -> None:
        endpoint = old(world, stack=None)
        announce(world)
        endpoint.tags[tag] = "gone"
        assert run(world).examined["iris-ep"].verdict.detail == (
            "its tags say that it belongs to the stack gone, which does not have it"
        )
        assert changes(world) == []

    def test_an_endpoint_that_names_the_wrong_stack(self, world: World) -> None:
        endpoint = old(world)
        announce(world)
        endpoint.tags["slipway:stack"] = "another"
        assert verdicts(run(world)) == {"iris-ep": (Action.REPORT, "not the cleanup's")}

    def test_an_endpoint_that_was_recreated_by_hand_under_the_name_of_a_deleted_stack(self, world: World) -> None:
        old(world)
        announce(world)
        del world.resources[arn("endpoint", "iris-ep")].tags["slipway:stack"]

        def forget(_: str, __: Json, answer: Json) -> None:
            for one in answer.get("StackResources", ()):
                one["ResourceStatus"] = "DELETE_COMPLETE"

        world.after = forget
        run(world)
        assert "DeleteEndpoint" in changes(world)
        assert "DeleteStack" not in changes(world)

    def test_a_stack_that_cannot_be_looked_for(self, world: World) -> None:
        old(world)
        announce(world)
        fail(world, "DescribeStackResources", throttled("DescribeStackResources"))
        report = run(world)
        assert verdicts(report) == {"iris-ep": (Action.KEEP, "failed")}
        assert "Rate exceeded" in report.failures["iris-ep"]
        assert changes(world) == []


class TestByHand:
    def test_in_order(self, world: World) -> None:
        endpoint = old(world, "chat", stack=None, components=["base", "adapter"])
        world.resources[arn("inference-component", "adapter")].about["base"] = "base"
        world.make("monitoring-schedule", "drift", endpoint="chat")
        dimension = "sagemaker:inference-component:DesiredCopyCount"
        world.make("scalable-target", "t", resource="inference-component/base", dimension=dimension, of="chat")
        world.age(30 * DAY)
        announce(world)
        assert verdicts(run(world)) == {"chat": (Action.DELETE, "idle")}
        done = changes(world)
        assert done == [
            "PutParameter",
            "DeleteMonitoringSchedule",
            "DeleteInferenceComponent",  # the base, which is refused while the adapter is there
            "DeleteInferenceComponent",
            *["DeleteInferenceComponent"] * 3,  # the base again, at each look, until the adapter is gone
            "DeregisterScalableTarget",
            "DeleteEndpoint",
            "DeleteEndpointConfig",
            "Publish",
        ]
        assert endpoint.arn not in world.resources

    def test_config_and_models_go_with_it(self, world: World) -> None:
        old(world, stack=None, variants=("a", "b"))
        announce(world)
        run(world)
        assert changes(world) == [
            "PutParameter",
            "DeleteEndpoint",
            "DeleteEndpointConfig",
            "DeleteModel",
            "DeleteModel",
            "Publish",
        ]
        assert world.resources == {}

    def test_unless_something_else_refers_to_them(self, world: World) -> None:
        endpoint = old(world, stack=None)
        config = world.of("endpoint-config")[0]
        other = world.endpoint("other", {"Environment": "prod"})
        other.about["config"] = endpoint.about["config"]
        announce(world)
        run(world)
        assert "DeleteEndpoint" in changes(world)
        assert config.arn in world.resources
        assert world._named("model", config.about["variants"][0]["ModelName"])

    def test_a_model_that_another_config_names_stays(self, world: World) -> None:
        old(world, stack=None)
        (model,) = world.of("model")
        world.make("endpoint-config", "mine", {}, variants=[{"VariantName": "v", "ModelName": model.name}])
        announce(world)
        run(world)
        assert [one.name for one in world.of("endpoint-config")] == ["mine"]
        assert world.of("model") == [model]

    def test_a_revision_of_another_endpoint_stays(self, world: World) -> None:
        endpoint = old(world, stack=None)
        other = world.revision("other", {**OURS, "Model": "other"})
        endpoint.about["config"] = other.name
        announce(world)
        run(world)
        assert endpoint.arn not in world.resources
        assert other.arn in world.resources

    def test_without_the_tag_of_a_model_it_takes_only_what_has_none_either(self, world: World) -> None:
        endpoint = old(world, stack=None)
        for one in world.resources.values():
            del one.tags["Model"]
        announce(world)
        run(world)
        assert endpoint.arn not in world.resources
        assert world.resources == {}

    @pytest.mark.parametrize("kind", ["endpoint-config", "model"])
    @pytest.mark.parametrize("tags", [{}, {**OURS, "slipway:keep": "x"}])
    def test_what_is_not_tagged_for_it_stays(self, world: World, kind: str, tags: dict[str, str]) -> None:
        old(world, stack=None)
        for one in world.of(kind):
            one.tags = tags
        announce(world)
        report = run(world)
        assert verdicts(report) == {"iris-ep": (Action.DELETE, "idle")}
        assert len(world.of(kind)) == 1
        assert report.failures == {}

    @pytest.mark.parametrize("kind", ["monitoring-schedule", "scalable-target", "inference-component"])
    def test_with_a_part_that_is_not_disposable_nothing_goes(self, world: World, kind: str) -> None:
        endpoint = old(world, "chat", stack=None, components=["base"])
        if kind == "inference-component":
            world.components_of(endpoint)[0].tags = {}
        elif kind == "scalable-target":
            dimension = "sagemaker:variant:DesiredInstanceCount"
            world.make(kind, "t", {}, resource="endpoint/chat/variant/primary", dimension=dimension, of="chat")
        else:
            world.make(kind, "drift", {}, endpoint="chat")
        announce(world)
        found = run(world).examined["chat"].verdict
        assert found.action is Action.REPORT
        assert found.detail.startswith(f"its {kind.replace('-', ' ')} ")
        assert found.detail.endswith(" is not tagged as disposable")
        assert changes(world) == []

    def test_a_failed_endpoint_goes_by_the_variants_of_its_config(self, world: World) -> None:
        old(world, stack=None, status="Failed")
        announce(world)
        assert verdicts(run(world)) == {"iris-ep": (Action.DELETE, "idle")}

    def test_traffic_while_its_parts_went_keeps_the_endpoint(self, world: World) -> None:
        endpoint = old(world, "chat", stack=None, components=["base"])
        announce(world)
        variant = ("Invocations", (("EndpointName", "chat"), ("VariantName", "primary")))
        at(world, "DeleteInferenceComponent", lambda: world.emit(variant))
        assert verdicts(run(world)) == {"chat": (Action.KEEP, "traffic")}
        assert "DeleteEndpoint" not in changes(world)
        assert MARK not in endpoint.tags

    def test_without_time_to_wait_the_next_run_goes_on(self, world: World) -> None:
        endpoint = old(world, "chat", stack=None, components=["base"])
        announce(world)
        report = run(world, limit=75)
        assert verdicts(report) == {"chat": (Action.WAIT, "not examined")}
        assert report.examined["chat"].verdict.detail == "its removal is under way"
        assert "DeleteEndpoint" not in changes(world)
        world.age(timedelta(minutes=5))
        assert verdicts(run(world)) == {"chat": (Action.DELETE, "idle")}
        assert endpoint.arn not in world.resources

    def test_a_component_that_cannot_be_deleted_stops_only_this_endpoint(self, world: World) -> None:
        old(world, "chat", stack=None, components=["base"])
        old(world, "iris-ep")
        announce(world)
        fail(world, "DeleteInferenceComponent", throttled("DeleteInferenceComponent"))
        assert verdicts(run(world)) == {
            "chat": (Action.KEEP, "failed"),
            "iris-ep": (Action.DELETE, "idle"),
        }

    def test_an_endpoint_gone_with_leftovers_is_a_failure(self, world: World) -> None:
        old(world, stack=None)
        announce(world)
        fail(world, "DeleteModel", throttled("DeleteModel"))
        report = run(world)
        assert "the endpoint is gone, but not" in report.failures["iris-ep"]
        assert world.of("endpoint") == []


class TestLimits:
    def test_no_more_than_the_cap_and_the_longest_announced_first(self, world: World) -> None:
        for name in ("c", "a", "b"):
            old(world, name).tags["slipway:keep"] = "for now"
        for name in ("c", "a", "b"):  # announced one after the other
            del world.resources[arn("endpoint", name)].tags["slipway:keep"]
            run(world)
            world.age(timedelta(hours=1))
        world.age(DAY)
        report = run(world, max_deletions=2)
        assert [world.stacks[f"stack-{name}"].status for name in ("c", "a", "b")] == [
            "DELETE_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
            "CREATE_COMPLETE",
        ]
        left = report.examined["b"].verdict
        assert (left.action, left.reason) == (Action.WAIT, "over the cap")
        assert left.detail == "a run removes no more than 2; those announced earlier go first"

    def test_a_failed_removal_counts(self, world: World) -> None:
        for name in ("a", "b"):
            old(world, name)
        announce(world)
        fail(world, "DeleteStack", throttled("DeleteStack"))
        report = run(world, max_deletions=1)
        assert verdicts(report)["a"] == (Action.KEEP, "failed")
        assert verdicts(report)["b"] == (Action.WAIT, "over the cap")
        assert changes(world).count("DeleteStack") == 1

    def test_what_is_kept_at_the_last_look_does_not(self, world: World) -> None:
        first = old(world, "a")
        old(world, "b")
        announce(world)
        at(world, "ListTags", lambda: world.invoke(first))
        assert verdicts(run(world, max_deletions=1)) == {"a": (Action.KEEP, "traffic"), "b": (Action.DELETE, "idle")}

    def test_the_cap_holds_in_a_dry_run_too(self, world: World) -> None:
        for name in ("a", "b"):
            old(world, name)
        announce(world)
        report = run(world, delete=False, max_deletions=1)
        assert verdicts(report) == {"a": (Action.DELETE, "idle"), "b": (Action.WAIT, "over the cap")}

    def test_near_the_time_limit_nothing_new_is_begun(self, world: World) -> None:
        old(world, "a")
        announce(world)
        old(world, "b")
        run(world)
        world.age(DAY)
        world.endpoint("c")
        world.age(30 * DAY)
        world.resources[arn("endpoint", "a")].tags[MARK] = (world.now - DAY).isoformat()
        world.calls.clear()
        report = run(world, limit=59)
        assert verdicts(report) == {
            "a": (Action.WAIT, "not examined"),
            "b": (Action.KEEP, "not examined"),
            "c": (Action.KEEP, "not examined"),
        }
        assert changes(world) == []
        assert {found.verdict.detail for found in report.examined.values()} == {
            "the run's time was up; the next run goes on"
        }
        assert verdicts(run(world))["c"] == (Action.MARK, "idle")

    def test_a_minute_is_enough_to_begin(self, world: World) -> None:
        old(world)
        assert verdicts(run(world, limit=61)) == {"iris-ep": (Action.MARK, "idle")}


class TestFailures:
    def test_a_survey_that_fails_fails_the_run(self, world: World) -> None:
        old(world)
        for operation in ("GetResources", "ListInferenceComponents", "ListMetrics"):
            fail(world, operation, throttled(operation))
            with pytest.raises(ClientError, match="Rate exceeded"):
                run(world)
        assert changes(world) == []

    def test_one_endpoint_that_fails_does_not_stop_the_others(self, world: World) -> None:
        for name in ("a", "b", "c"):
            old(world, name)
        fail(world, "DescribeEndpoint", throttled("DescribeEndpoint"), EndpointName="b")
        report = run(world)
        assert verdicts(report) == {
            "a": (Action.MARK, "idle"),
            "b": (Action.KEEP, "failed"),
            "c": (Action.MARK, "idle"),
        }
        assert list(report.failures) == ["b"]

    def test_a_mark_that_fails_does_not_stop_the_others(self, world: World) -> None:
        for name in ("a", "b"):
            old(world, name)
        fail(world, "AddTags", throttled("AddTags"), ResourceArn=arn("endpoint", "a"))
        report = run(world)
        assert verdicts(report) == {"a": (Action.KEEP, "failed"), "b": (Action.MARK, "idle")}
        assert "Rate exceeded" in report.failures["a"]

    def test_a_mark_that_cannot_be_taken_back_is_a_failure(self, world: World) -> None:
        endpoint = old(world)
        announce(world)
        endpoint.tags["slipway:keep"] = "x"
        fail(world, "DeleteTags", throttled("DeleteTags"))
        assert list(run(world).failures) == ["iris-ep"]

    def test_an_endpoint_that_went_meanwhile_is_no_failure(self, world: World) -> None:
        endpoint = old(world)
        at(world, "DescribeEndpoint", lambda: world.resources.pop(endpoint.arn))
        report = run(world)
        assert verdicts(report) == {"iris-ep": (Action.KEEP, "gone")}
        assert report.failures == {}

    def test_a_last_notice_that_fails_does_not_undo_the_removal(self, world: World) -> None:
        old(world)
        announce(world)
        fail(world, "Publish", throttled("Publish"))
        report = run(world)
        assert verdicts(report) == {"iris-ep": (Action.DELETE, "idle")}
        assert list(report.failures) == ["notice: Idle endpoints that were removed: 1"]

    def test_without_a_record_nothing_is_deleted(self, world: World) -> None:
        old(world)
        announce(world)
        fail(world, "PutParameter", error("PutParameter", "AccessDeniedException", "not authorized"))
        assert verdicts(run(world)) == {"iris-ep": (Action.KEEP, "failed")}
        assert "DeleteStack" not in changes(world)


def fail(world: World, operation: str, failure: Exception, **request: str) -> None:
    """Let an operation fail, or only the one with a certain request."""

    def before(_: int, name: str, found: Json) -> None:
        if name.endswith(f":{operation}") and request.items() <= found.items():
            raise failure

    world.before = before


def at(world: World, operation: str, happening: Any) -> None:
    """Let something happen once, before the first call of an operation."""

    def before(_: int, name: str, __: Json) -> None:
        if name.endswith(f":{operation}"):
            world.before = lambda *_: None
            happening()

    world.before = before
