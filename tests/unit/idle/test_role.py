"""The role's policy is enough, nothing in it is too much, and what it refuses stays refused whatever the code asks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from idle_endpoint_cleanup.handler import perform
from idle_endpoint_cleanup.run import Run
from slipway.local.iam_policy import Statement
from tests.unit.idle.fake_aws import ACCOUNT, DAY, OURS, RECORDS, REGION, TOPIC, World, arn
from tests.unit.idle.role import Role, policy

MARK = "slipway:removal-marked"
TEAM = {"Environment": "dev", "Team": "rc"}
TAGS = {**OURS, "Team": "rc"}


def everything() -> World:
    """Make a world in which a few days of runs need every action."""
    world = World()
    world.endpoint("stacked", TAGS, stack="stack")
    chat = world.endpoint("chat", TAGS, components=["base"])
    world.make("monitoring-schedule", "drift", TAGS, endpoint="chat")
    dimension = "sagemaker:variant:DesiredInstanceCount"
    world.make("scalable-target", "t", TAGS, resource="endpoint/chat/variant/primary", dimension=dimension, of="chat")
    world.endpoint("plain", TAGS)
    woken = world.endpoint("woken", TAGS)
    hosting = world.endpoint("hosting", TAGS, components=["served"])
    retired = world.endpoint("retired", TAGS)
    for _ in range(5):
        world.age(DAY)
        world.update(retired)
    world.age(30 * DAY)
    for endpoint in (retired, hosting):
        endpoint.tags["slipway:keep"] = "x"
    world.endpoint("production", {**TAGS, "Environment": "prod"})
    assert chat.arn in world.resources
    woken.tags[MARK] = (world.now - DAY).isoformat()
    world.invoke(woken)
    return world


def two_days(world: World, statements: list[Statement]) -> tuple[list[object], Role]:
    """Run both tasks on two days, and return what failed."""
    role = Role(world, statements)
    world.authorize = role.authorize
    failures: list[object] = []
    for _ in range(2):
        for task in ("endpoints", "revisions"):
            try:
                failures += [perform(task, world.run(opt_in=TEAM))["failures"]]
            except (ClientError, BotoCoreError) as error:
                failures.append(error)
        world.age(DAY + DAY / 24)
    return [failure for failure in failures if failure], role


def outcome(world: World) -> tuple[object, ...]:
    """Say what two days have left."""
    tags = {one.arn: one.tags for one in world.resources.values()}
    return tags, set(world.stacks), set(world.parameters), [subject for _, subject, _ in world.notices]


def own_policy(*, delete: bool = True) -> list[Statement]:
    return policy(World().run(opt_in=TEAM, delete=delete).settings)


def actions(statements: list[Statement]) -> list[str]:
    return [action for statement in statements for action in statement["Action"]]


def without(action: str) -> list[Statement]:
    statements = copy.deepcopy(own_policy())
    for statement in statements:
        statement["Action"][:] = [one for one in statement["Action"] if one != action]
    return statements


def test_with_it_everything_succeeds() -> None:
    world = everything()
    failures, role = two_days(world, own_policy())
    assert failures == []
    assert role.denied == []
    assert {one.name for one in world.of("endpoint")} == {"woken", "hosting", "retired", "production"}
    assert len(world.of("endpoint-config")) == 1 + 1 + 4 + 1
    assert len(world.parameters) == 3
    assert MARK not in world.resources[arn("endpoint", "woken")].tags


@pytest.mark.parametrize("action", actions(own_policy()))
def test_without_any_single_action_it_fails(action: str) -> None:
    complete, world = everything(), everything()
    two_days(complete, own_policy())
    failures, role = two_days(world, without(action))
    assert {denied for denied, _ in role.denied} == {action}
    assert outcome(world) != outcome(complete)
    if action != "cloudwatch:GetMetricData":  # without which nothing fails, but everything stays unknown
        assert failures


def test_no_action_stands_there_twice() -> None:
    assert len(set(actions(own_policy()))) == len(actions(own_policy()))


def test_every_statement_has_a_name_of_its_own() -> None:
    names = [statement["Sid"] for statement in own_policy()]
    assert len(set(names)) == len(names)
    assert all(name.isalnum() for name in names)


def test_a_dry_run_can_only_look() -> None:
    verbs = {action.partition(":")[2] for action in actions(own_policy(delete=False))}
    assert all(verb.startswith(("Get", "List", "Describe")) for verb in verbs)
    world = everything()
    role = Role(world, own_policy(delete=False))
    world.authorize = role.authorize
    for task in ("endpoints", "revisions"):
        assert perform(task, world.run(opt_in=TEAM, delete=False))["failures"] == {}
    assert role.denied == []


def calls() -> Iterator[tuple[str, Callable[[Run], object]]]:
    """Everything by which the cleanup changes something, asked for things of which only the tags decide."""
    yield (
        "DeleteStack",
        lambda run: run.aws.cloudformation.delete_stack(
            StackName=f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/stack/1b2c"
        ),
    )
    yield "DeleteEndpoint", lambda run: run.aws.sagemaker.delete_endpoint(EndpointName="x")
    yield "DeleteEndpointConfig", lambda run: run.aws.sagemaker.delete_endpoint_config(EndpointConfigName="x")
    yield "DeleteModel", lambda run: run.aws.sagemaker.delete_model(ModelName="x")
    yield "DeleteComponent", lambda run: run.aws.sagemaker.delete_inference_component(InferenceComponentName="x")
    yield "DeleteSchedule", lambda run: run.aws.sagemaker.delete_monitoring_schedule(MonitoringScheduleName="x")
    yield (
        "Deregister",
        lambda run: run.aws.scaling.deregister_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId="endpoint/x/variant/v",
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        ),
    )


def of_tags(tags: dict[str, str]) -> World:
    """Make one of everything, with tags."""
    world = World()
    world.endpoint("x", tags, stack="stack", components=["x"])
    world.stacks["stack"].tags = tags
    world.resources.pop(world.of("endpoint-config")[0].arn)
    world.make("endpoint-config", "x", tags, variants=[{"VariantName": "v"}])
    world.of("endpoint")[0].about["config"] = "x"
    world.make("model", "x", tags)
    world.make("monitoring-schedule", "x", tags, endpoint="x")
    world.make("scalable-target", "x", tags, resource="endpoint/x/variant/v", dimension="d", of="x")
    world.authorize = Role(world, own_policy()).authorize
    return world


REFUSED = {
    "production": {**TAGS, "Environment": "prod"},
    "staging": {**TAGS, "Environment": "staging"},
    "another team": {**TAGS, "Team": "others"},
    "not disposable": TEAM,
    "disposable in other words": {**TEAM, "slipway:disposable": "yes"},
    "no tags": {},
}


@pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in calls()])
@pytest.mark.parametrize("tags", [pytest.param(tags, id=name) for name, tags in REFUSED.items()])
def test_what_is_not_disposable_and_of_development_cannot_be_deleted(
    call: Callable[[Run], object], tags: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="not authorized to perform"):
        call(of_tags(tags).run())


@pytest.mark.parametrize("name", ["DeleteStack", "DeleteEndpointConfig", "DeleteModel", "DeleteSchedule", "Deregister"])
def test_the_same_calls_are_allowed_where_the_tags_say_so(name: str) -> None:
    dict(calls())[name](of_tags(TAGS).run())


@pytest.mark.parametrize("kind", ["endpoint", "endpoint-config", "model"])
class TestTags:
    def test_the_mark_can_be_set_and_taken_away(self, kind: str) -> None:
        run = of_tags(TAGS).run()
        run.aws.sagemaker.add_tags(ResourceArn=arn(kind, "x"), Tags=[{"Key": MARK, "Value": "now"}])
        run.aws.sagemaker.delete_tags(ResourceArn=arn(kind, "x"), TagKeys=[MARK])

    @pytest.mark.parametrize("key", ["Environment", "Team", "slipway:disposable", "slipway:keep", "slipway:keep-until"])
    def test_no_other_tag_can(self, kind: str, key: str) -> None:
        """Or the cleanup could make production disposable, or take away what keeps an endpoint."""
        run = of_tags({**TAGS, key: "x"} if key.startswith("slipway:keep") else TAGS).run()
        for keys in ([key], [MARK, key]):
            with pytest.raises(ClientError, match="not authorized"):
                run.aws.sagemaker.add_tags(
                    ResourceArn=arn(kind, "x"), Tags=[{"Key": one, "Value": "dev"} for one in keys]
                )
            with pytest.raises(ClientError, match="not authorized"):
                run.aws.sagemaker.delete_tags(ResourceArn=arn(kind, "x"), TagKeys=keys)

    def test_nothing_of_production_can_be_tagged(self, kind: str) -> None:
        run = of_tags(REFUSED["production"]).run()
        with pytest.raises(ClientError, match="not authorized"):
            run.aws.sagemaker.add_tags(ResourceArn=arn(kind, "x"), Tags=[{"Key": MARK, "Value": "now"}])


def test_records_and_notices_go_nowhere_else() -> None:
    run = of_tags(TAGS).run()
    run.aws.ssm.put_parameter(Name=f"{RECORDS}/x", Value="x", Type="String")
    run.aws.sns.publish(TopicArn=TOPIC, Subject="s", Message="m")
    for name in ("/slipway/rc-project-a-prod/removed/x", f"{RECORDS}x", "/cdk-bootstrap/hnb659fds/version"):
        with pytest.raises(ClientError, match="not authorized"):
            run.aws.ssm.put_parameter(Name=name, Value="x", Type="String")
    with pytest.raises(ClientError, match="not authorized"):
        run.aws.sns.publish(TopicArn=f"{TOPIC}-of-others", Subject="s", Message="m")


def test_a_stack_or_endpoint_retagged_after_the_last_look_is_refused() -> None:
    for name, stack in (("stacked", "stack"), ("plain", None)):
        world = World()
        endpoint = world.endpoint(name, TAGS, stack=stack)
        world.age(30 * DAY)
        perform("endpoints", world.run(opt_in=TEAM))
        world.age(DAY)
        role = Role(world, own_policy())
        world.authorize = role.authorize

        def retag(_: int, call: str, __: object, world: World = world) -> None:
            if call == "ssm:PutParameter":
                for tags in (one.tags for found in (world.stacks, world.resources) for one in found.values()):
                    tags["Environment"] = "prod"

        world.before = retag
        assert perform("endpoints", world.run(opt_in=TEAM))["failures"]
        assert [action for action, _ in role.denied] == [
            "cloudformation:DeleteStack" if stack else "sagemaker:DeleteEndpoint"
        ]
        assert endpoint.about["status"] == "InService"
