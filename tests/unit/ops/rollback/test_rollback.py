"""The way back is chosen, checked and guarded; whatever is brought along for it goes, or is said to be left."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from slipway.ops.rollback import rollback as module
from slipway.ops.rollback.rollback import Rollback
from slipway.ops.rollback.way import Ended, Way
from slipway.ops.target import Target
from slipway.ops.trouble import BusyError, NoEndpointError, OperationError, WrongOperation
from slipway.ops.watch.events import Outcome, Result
from slipway.spec.environment import Environment
from tests.unit.ops.conftest import MODEL, Declare
from tests.unit.ops.rollback.fake_endpoint import CANARY, ENDPOINT, IN_PROGRESS, STACK, TAGS, World, arn, error

AT_ONCE = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
        "TerminationWaitInSeconds": 0,
    }
}
SIGNALS = ("latency", "errors-5xx")


def outcome(kind: Result, serves: str = "") -> Outcome:
    return Outcome(kind, ENDPOINT, "", serves, "", datetime(2026, 11, 26, tzinfo=UTC))


@dataclass
class Watching:
    """Stands for the watch: does something to the world, and says how it ended."""

    world: World
    kind: Result = Result.DEPLOYED
    meanwhile: Callable[[], object] = lambda: None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, _: Target, endpoint: str, **options: Any) -> Outcome:
        assert endpoint == ENDPOINT
        self.asked.append(options)
        self.meanwhile()
        if self.kind is not Result.TIMED_OUT:
            self.world.finish(served=self.kind is Result.DEPLOYED)
        return outcome(self.kind, self.world.live)


@pytest.fixture
def world() -> World:
    """An endpoint at version 2, which can go back to version 1."""
    world = World()
    world.revision("1")
    world.revision("2")
    world.declare(*SIGNALS)
    return world


@pytest.fixture
def watching(world: World, monkeypatch: pytest.MonkeyPatch) -> Watching:
    made = Watching(world)
    monkeypatch.setattr(module, "follow", made)
    return made


@pytest.fixture
def environment(declare: Declare) -> Environment:
    return declare(iris={**MODEL, "version": 2})


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def back(world: World, environment: Environment, said: list[str], watching: Watching) -> Rollback:
    del watching
    return Rollback(environment, "iris", world.target(), again=" --target aws", say=said.append)


def go(back: Rollback, to: str | None = None, *, now: bool = False) -> Ended:
    return back.go(back.prepare(to, now=now))


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


# -- which revision


def test_it_goes_to_the_previous_revision_under_the_name_in_which_it_was_created(world: World, back: Rollback) -> None:
    assert go(back).outcome.kind is Result.DEPLOYED
    (asked,) = world.asked("UpdateEndpoint")
    assert asked["EndpointConfigName"] == "Config-1Xy"
    assert world.live == "Config-1Xy"


def test_revisions_that_serve_the_same_or_have_lost_their_model_are_passed_over(world: World, back: Rollback) -> None:
    lost = world.revision("3", url="s3://b/lost")
    world.lose_model(lost)
    world.revision("4", url="s3://b/new")
    world.revision("4", url="s3://b/new", InitialInstanceCount=7)
    way = back.prepare()
    assert way.to.version == "2"
    assert way.notes[:2] == (
        "passed over version 4 (config-4xy): it serves the same (instances)",
        "passed over version 3 (config-3xy): Model-primary-3Xy is gone",
    )


def test_a_revision_that_is_newer_than_the_live_one_is_not_previous(world: World, back: Rollback) -> None:
    world.revision("3")
    world.live = "Config-2Xy"
    assert back.prepare().to.version == "1"


@pytest.mark.parametrize("to", ["1", "Config-1Xy", "config-1xy"])
def test_a_revision_can_be_named_by_version_and_by_config(world: World, back: Rollback, to: str) -> None:
    world.revision("3")
    assert back.prepare(to).to.config == "Config-1Xy"


def test_of_several_revisions_of_a_version_the_newest_sound_one_is_meant_and_that_is_said(
    world: World, back: Rollback
) -> None:
    world.revision("1", InstanceType="ml.m5.xlarge")
    world.lose_model(world.revision("1"))
    world.revision("4")
    way = back.prepare("1")
    assert way.to.config == "Config-3Xy"
    assert "3 revisions are called 1; this is config-3xy of 2026-11-20 11:00 UTC, the newest" in way.notes[0]


def test_going_forward_again_is_possible_too(world: World, back: Rollback) -> None:
    world.live = "Config-1Xy"
    assert back.prepare("2").to.config == "Config-2Xy"


def test_what_it_serves_already_is_nothing_to_do(back: Rollback) -> None:
    way = back.prepare("2")
    assert way.there
    assert list(way.lines()) == [f"{ENDPOINT}: InService, serves version 2 (Config-2Xy)"]


def test_without_a_previous_revision_it_says_what_to_do_instead(world: World, back: Rollback) -> None:
    world.live = "Config-1Xy"
    with pytest.raises(OperationError, match="has no previous revision: it serves version 1") as caught:
        back.prepare()
    assert "Deploy the old version from git instead" in str(caught.value)
    assert not isinstance(caught.value, WrongOperation)
    assert world.asked("UpdateEndpoint") == []


def test_when_all_older_models_are_gone_that_is_said(world: World, back: Rollback) -> None:
    world.lose_model("Config-1Xy")
    with pytest.raises(OperationError, match=r"Passed over: version 1 \(config-1xy\): Model-primary-1Xy is gone"):
        back.prepare()


def test_a_revision_that_does_not_exist_is_wrong_usage_and_those_that_do_are_named(back: Rollback) -> None:
    with pytest.raises(WrongOperation, match=r"--to 7: .* version 2 \(Config-2Xy\), version 1 \(config-1xy\)"):
        back.prepare("7")


# -- how


def test_it_is_guarded_by_the_stacks_strategy_and_by_copies_of_its_alarms_on_the_config_gone_back_to(
    world: World, back: Rollback
) -> None:
    for name in list(world.alarms):
        world.alarms[name]["StateValue"] = "ALARM"
    world.alarms[f"{ENDPOINT}-rollback-latency"]["TreatMissingData"] = "breaching"
    made: dict[str, Any] = {}
    world.refuse["UpdateEndpoint"] = lambda _: made.update({name: world.alarms[name] for name in world.temporary})
    go(back)
    (asked,) = world.asked("UpdateEndpoint")
    alarms = [one["AlarmName"] for one in asked["DeploymentConfig"].pop("AutoRollbackConfiguration")["Alarms"]]
    assert asked == {
        "EndpointName": ENDPOINT,
        "EndpointConfigName": "Config-1Xy",
        "RetainAllVariantProperties": True,
        "DeploymentConfig": CANARY,
    }
    assert sorted(alarms) == sorted(made)
    for name, alarm in made.items():
        assert name.startswith(f"{ENDPOINT}-rollback-")
        assert name.endswith(SIGNALS)
        dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
        assert dimensions == {
            "EndpointName": ENDPOINT,
            "VariantName": "primary",
            "EndpointConfigName": "Config-1Xy",
        }
        assert (alarm["Threshold"], alarm["Period"], alarm["EvaluationPeriods"]) == (0.001, 60, 2)
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["ActionsEnabled"] is False
        assert "AlarmActions" not in alarm
        tags = world.tags[f"alarm:{name}"]
        assert tags.items() >= TAGS.items()
        assert tags["slipway:temporary"] == "rollback"
        assert "If it is left: `slipway rollback iris --clean --target aws`" in alarm["AlarmDescription"]


def test_alarms_that_watch_more_than_the_new_fleet_do_not_guard_it_and_that_is_said(
    world: World, back: Rollback
) -> None:
    world.declare("latency", literal=("checkout-conversion-low", "gone"))
    world.alarm("checkout-conversion-low", config=None, state="ALARM")
    way = back.prepare()
    assert [alarm.like for alarm in way.alarms] == [f"{ENDPOINT}-rollback-latency"]
    assert any("checkout-conversion-low watches more than the new fleet" in note for note in way.notes)
    assert any("the rollback alarm gone is no metric alarm that exists" in note for note in way.notes)


def test_without_any_alarm_it_says_that_nothing_ends_it_early(world: World, back: Rollback) -> None:
    world.declare()
    way = back.prepare()
    assert way.alarms == ()
    assert "no alarm guards this: watch it, since nothing ends it early" in way.notes
    assert "AutoRollbackConfiguration" not in way.request()["DeploymentConfig"]


def test_now_is_all_at_once_without_bake_and_alarms(world: World, back: Rollback) -> None:
    go(back, now=True)
    (asked,) = world.asked("UpdateEndpoint")
    assert asked["DeploymentConfig"] == AT_ONCE
    assert asked["RetainAllVariantProperties"] is True
    assert world.asked("PutMetricAlarm") == []


def test_after_a_rollback_at_once_the_next_one_has_the_stacks_strategy_again(world: World, back: Rollback) -> None:
    go(back, now=True)
    assert world.deployment == AT_ONCE
    way = back.prepare("2")
    assert way.strategy.config == CANARY
    assert way.strategy.words == "canary, 1 first, 10m bake, 5m with both fleets at the end"


def test_an_endpoint_whose_stack_cannot_be_read_goes_back_as_its_last_update_ran(world: World, back: Rollback) -> None:
    world.deployment = {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
            "WaitIntervalInSeconds": 300,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": f"{ENDPOINT}-rollback-latency"}]},
    }
    denied = error("x", "User is not authorized", "AccessDenied")
    world.refuse |= {"DescribeStacks": denied, "DescribeStackResources": denied}
    way = back.prepare()
    assert way.strategy.words == "rolling, 25 % a batch, 5m bake after each"
    assert [alarm.like for alarm in way.alarms] == [f"{ENDPOINT}-rollback-latency"]
    assert f"{STACK} could not be read, so this runs as the last update did" in way.notes
    assert f"what {STACK} holds is not known: User is not authorized" in way.notes


@pytest.mark.parametrize(
    ("stack", "excluded"),
    [
        ({}, ["DesiredWeight"]),
        ({"RetainAllVariantProperties": True}, None),
        (
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
            },
            ["DesiredWeight"],
        ),
        (
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredInstanceCount"}],
            },
            None,
        ),
    ],
    ids=["no scaling", "apply_weights off", "scaling", "apply_capacity"],
)
def test_live_counts_stay_and_weights_follow_the_config_as_the_stack_has_it(
    world: World, back: Rollback, stack: dict[str, Any], excluded: list[str] | None
) -> None:
    variants = {"current": 90.0, "challenger": 10.0}
    world.configs.clear()
    world.revision("1", variants=variants)
    world.revision("2", variants=variants)
    world.declare("latency", **stack)
    asked = back.prepare().request()
    assert asked["RetainAllVariantProperties"] is True
    found = asked.get("ExcludeRetainedVariantProperties")
    assert (found and [one["VariantPropertyType"] for one in found]) == excluded


def test_a_serverless_endpoint_has_no_guardrails_and_nothing_to_retain(world: World, back: Rollback) -> None:
    world.configs.clear()
    for version in "12":
        world.revision(version, ServerlessConfig={"MemorySizeInMB": 2048, "MaxConcurrency": 5})
    world.template = {"Resources": {"Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": {}}}}
    way = back.prepare()
    assert way.request() == {"EndpointName": ENDPOINT, "EndpointConfigName": way.to.config}
    assert "how: as the service updates serverless endpoints, which have no guardrails" in list(way.lines())


def test_it_is_watched_for_the_config_gone_back_to_as_long_as_it_may_take(
    world: World, back: Rollback, watching: Watching
) -> None:
    deployment = {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 300,
            "MaximumExecutionTimeoutInSeconds": 28800,
        }
    }
    world.declare("latency", deployment=deployment)
    go(back)
    (asked,) = watching.asked
    assert (asked["expect"], asked["begun"], asked["timeout"]) == ("Config-1Xy", True, 29400.0)
    assert asked["again"] == "slipway watch iris --expect Config-1Xy --target aws"


# -- what is refused, before anything changes


def changes(world: World) -> list[str]:
    reading = ("Describe", "List", "Get", "Head")
    return [operation for operation, _ in world.calls if not operation.startswith(reading)]


def test_preparing_only_reads(world: World, back: Rollback) -> None:
    back.prepare()
    back.prepare(now=True)
    back.listing()
    assert changes(world) == []


def test_while_an_update_runs_it_is_refused_with_the_alarm_that_ends_it(world: World, back: Rollback) -> None:
    world.live, world.pending, world.status = "Config-1Xy", "Config-2Xy", "Updating"
    with pytest.raises(BusyError) as caught:
        back.prepare()
    words = str(caught.value)
    assert "an update to Config-2Xy is under way since 08:00:00 UTC. No call stops it" in words
    assert "wait for its end with `slipway watch iris --expect Config-2Xy --target aws`" in words
    assert f"--alarm-name {ENDPOINT}-rollback-latency`" in words
    assert changes(world) == []


def test_while_another_rollback_runs_its_own_alarm_is_named(world: World, back: Rollback) -> None:
    world.pending, world.status = "Config-1Xy", "Updating"
    world.alarm(f"{ENDPOINT}-rollback-0badcafe-latency", config="Config-1Xy")
    with pytest.raises(BusyError, match=f"--alarm-name {ENDPOINT}-rollback-0badcafe-latency`"):
        back.prepare()


def test_that_it_is_busy_is_told_also_to_whoever_may_not_look_at_alarms(world: World, back: Rollback) -> None:
    world.pending, world.status = "Config-1Xy", "Updating"
    world.refuse["DescribeAlarms"] = error("DescribeAlarms", "not authorized", "AccessDenied")
    with pytest.raises(BusyError, match="is under way"):
        back.prepare()


@pytest.mark.parametrize("status", ["SystemUpdating", "RollingBack", "Creating", "Deleting"])
def test_in_any_other_busy_status_one_can_only_wait(world: World, back: Rollback, status: str) -> None:
    world.status = status
    with pytest.raises(BusyError, match=f"is {status}, so the service refuses a rollback: wait") as caught:
        back.prepare()
    assert "set-alarm-state" not in str(caught.value)


def test_a_failed_endpoint_can_only_be_deleted(world: World, back: Rollback) -> None:
    world.status = "Failed"
    with pytest.raises(OperationError, match="is Failed: the service lets such an endpoint only be deleted"):
        back.prepare()


def test_an_endpoint_that_is_not_there_is_told(world: World, back: Rollback) -> None:
    world.live = ""
    with pytest.raises(NoEndpointError, match="there is no endpoint rc-project-a-dev-iris-ep"):
        back.prepare()


def test_an_artifact_that_is_gone_is_refused(world: World, back: Rollback) -> None:
    world.objects = {one for one in world.objects if "v1" not in one}
    with pytest.raises(
        OperationError, match=r"version 1 \(Config-1Xy\) cannot serve any more: artifact s3://.*v1.* gone"
    ):
        back.prepare()
    assert changes(world) == []


def test_a_model_that_is_gone_is_refused_when_its_revision_is_named(world: World, back: Rollback) -> None:
    world.lose_model("Config-1Xy")
    with pytest.raises(OperationError, match="cannot serve any more: model Model-primary-1Xy is gone"):
        back.prepare("1")


def test_other_variants_are_refused(world: World, back: Rollback) -> None:
    world.revision("3", variants={"current": 1.0, "challenger": 1.0})
    with pytest.raises(OperationError, match=r"has the variants primary, but .* has current, challenger"):
        back.prepare()


def test_another_instance_type_of_a_scaled_variant_is_refused_with_what_to_do(world: World, back: Rollback) -> None:
    world.revision("3", InstanceType="ml.m5.xlarge")
    assert back.prepare().to.version == "2", "without scaling it is no obstacle"
    world.scaled = ("primary",)
    with pytest.raises(OperationError, match=r"runs primary on ml\.m5\.large instead of ml\.m5\.xlarge") as caught:
        back.prepare()
    assert "take `scaling` out of the config, deploy, and repeat this" in str(caught.value)


def test_a_fleet_of_components_has_no_models_to_go_back_to(world: World, back: Rollback) -> None:
    for config in world.configs.values():
        del config["ProductionVariants"][0]["ModelName"]
    with pytest.raises(WrongOperation, match="hosts inference components"):
        back.prepare()


@pytest.mark.parametrize(
    ("operation", "raised", "words"),
    [
        ("DescribeEndpoint", error("x", "Rate exceeded", "ThrottlingException"), "AWS throttles these calls"),
        ("GetResources", error("x", "token has expired", "ExpiredTokenException"), "log in again, then repeat this"),
        ("DescribeModel", error("x", "no identity-based policy", "AccessDeniedException"), "not allowed: no identity"),
        ("DescribeEndpoint", EndpointConnectionError(endpoint_url="https://x"), "the connection to AWS was lost"),
    ],
)
def test_what_aws_refuses_while_looking_is_told_in_words(
    world: World, back: Rollback, operation: str, raised: Exception, words: str
) -> None:
    world.refuse[operation] = raised
    with pytest.raises(OperationError, match=words):
        back.prepare()


def test_whoever_may_not_ask_by_tag_finds_the_revisions_by_name(world: World, back: Rollback) -> None:
    world.refuse["GetResources"] = error("x", "not authorized to perform: tag:GetResources", "AccessDeniedException")
    foreign = world.revision("9")
    world.tags[arn("endpoint-config", foreign)]["Environment"] = "prod"
    world.live = world.held = "Config-2Xy"
    assert back.prepare().to.config == "Config-1Xy"
    assert [one.revision.version for one in back.listing()] == ["2", "1"]


def test_a_stack_under_way_is_told(world: World, back: Rollback) -> None:
    world.stack_status = "UPDATE_ROLLBACK_IN_PROGRESS"
    assert any("its deployment may update the endpoint again" in note for note in back.prepare().notes)


def test_from_a_mixture_of_two_configs_it_asks_which_and_goes_to_either(world: World, back: Rollback) -> None:
    world.status = "UpdateRollbackFailed"
    with pytest.raises(OperationError, match=r"Say which one it is to have with --to: version 2 .*, version 1"):
        back.prepare()
    assert back.prepare("2").there is False, "also to the one that it names"
    go(back, "1")
    assert (world.live, world.status) == ("Config-1Xy", "InService")


def test_an_endpoint_whose_config_is_gone_asks_which_revision(world: World, back: Rollback) -> None:
    del world.configs["config-2xy"]
    with pytest.raises(OperationError, match="serves Config-2Xy, which is gone"):
        back.prepare()


# -- two operators


def test_the_second_of_two_is_told_and_changes_nothing(world: World, back: Rollback) -> None:
    way = back.prepare()
    world.tags[arn("endpoint", ENDPOINT)]["slipway:operation"] = (
        "shift by other@there until 2999-01-01T00:00:00+00:00 0badcafe"
    )
    with pytest.raises(BusyError, match="another operator works on it"):
        back.go(way)
    assert world.asked("UpdateEndpoint") == []
    assert world.temporary == []


def test_whoever_is_overtaken_by_an_update_is_told_and_its_alarms_go(
    world: World, back: Rollback, said: list[str]
) -> None:
    world.refuse["UpdateEndpoint"] = error("UpdateEndpoint", IN_PROGRESS)
    with pytest.raises(BusyError, match=r"Cannot update in-progress endpoint.*somebody else was faster"):
        go(back)
    assert len(world.asked("PutMetricAlarm")) == 2
    assert world.temporary == []
    assert world.operation is None
    (line,) = said
    assert line.startswith(f"undone: 2 temporary alarms, {ENDPOINT}-rollback-")


def test_while_it_prepares_others_are_told_and_afterwards_the_service_guards_it(world: World, back: Rollback) -> None:
    held: list[str | None] = []
    world.refuse["UpdateEndpoint"] = lambda _: held.append(world.operation)
    go(back)
    assert (held[0] or "").startswith("rollback by ")
    assert world.operation is None


def test_whoever_may_not_tag_the_endpoint_goes_back_all_the_same(world: World, back: Rollback, said: list[str]) -> None:
    world.refuse["AddTags"] = error("AddTags", "not authorized: sagemaker:AddTags", "AccessDeniedException")
    assert go(back).outcome.kind is Result.DEPLOYED
    assert said == ["note: other operators are not told of this: not authorized: sagemaker:AddTags"]


def test_whoever_may_not_tag_alarms_makes_them_without(world: World, back: Rollback, said: list[str]) -> None:
    def only_without(request: dict[str, Any]) -> ClientError | None:
        return error("PutMetricAlarm", "cloudwatch:TagResource", "AccessDenied") if "Tags" in request else None

    world.refuse["PutMetricAlarm"] = only_without
    assert go(back).outcome.kind is Result.DEPLOYED
    assert len(world.asked("PutMetricAlarm")) == 3
    assert said == ["note: the temporary alarms have no tags: that takes cloudwatch:TagResource"]


def test_with_the_rights_on_endpoints_revisions_and_alarms_alone_it_goes_back_and_says_what_it_does_not_know(
    world: World, back: Rollback, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("GetResources", "DescribeStacks", "GetTemplate", "DescribeStackResources", "DescribeImages")
    for operation in (*more, "HeadObject", "ListObjectsV2", "DeleteTags", "DescribeScalableTargets"):
        world.refuse[operation] = error(operation, f"not authorized: {operation}", "AccessDeniedException")
    world.deployment = {
        **CANARY,
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": f"{ENDPOINT}-rollback-latency"}]},
    }
    way = back.prepare()
    assert back.go(way).outcome.kind is Result.DEPLOYED
    assert (world.live, world.temporary, len(way.alarms)) == ("Config-1Xy", [], 1)
    assert way.notes[0] == f"what {STACK} holds is not known: not authorized: DescribeStackResources"
    assert "could not be looked at" in way.notes[1]
    assert "left as it is: the tag slipway:operation" in capsys.readouterr().err


# -- what is left


@pytest.mark.parametrize("kind", [Result.DEPLOYED, Result.ROLLED_BACK, Result.FAILED])
def test_the_alarms_go_however_it_ends(world: World, back: Rollback, watching: Watching, kind: Result) -> None:
    watching.kind = kind
    assert go(back).outcome.kind is kind
    assert world.temporary == []
    assert f"{ENDPOINT}-rollback-latency" in world.alarms, "the stack's own stay"


def test_which_alarm_ended_it_is_told(world: World, back: Rollback, watching: Watching) -> None:
    def trip() -> None:
        (name,) = (name for name in world.temporary if name.endswith("errors-5xx"))
        world.alarms[name]["StateValue"] = "ALARM"

    watching.kind, watching.meanwhile = Result.ROLLED_BACK, trip
    assert go(back).tripped == (f"{ENDPOINT}-rollback-errors-5xx",)


def test_alarms_of_an_update_that_is_not_over_stay_and_it_says_how_they_go(
    world: World, back: Rollback, watching: Watching, said: list[str]
) -> None:
    watching.kind = Result.TIMED_OUT
    go(back)
    assert len(world.temporary) == 2
    (line,) = said
    token = world.temporary[0].removeprefix(f"{ENDPOINT}-rollback-").partition("-")[0]
    assert line == (
        f"left as it is: 2 temporary alarms, {ENDPOINT}-rollback-{token}-… ({ENDPOINT} is Updating, and its update "
        "names them). By hand: slipway rollback iris --clean --target aws, when the update is over"
    )


def test_ctrl_c_before_the_update_leaves_nothing(
    world: World, back: Rollback, watching: Watching, said: list[str]
) -> None:
    made: list[str] = []

    def second(request: dict[str, Any]) -> None:
        made.append(request["AlarmName"])
        if len(made) == 2:
            interrupt()

    world.refuse["PutMetricAlarm"] = second
    with pytest.raises(KeyboardInterrupt):
        go(back)
    assert world.asked("UpdateEndpoint") == watching.asked == []
    assert world.temporary == []
    assert world.operation is None
    assert said[-1].startswith("undone: 2 temporary alarms")


def test_an_alarm_that_cannot_be_made_takes_the_others_with_it(world: World, back: Rollback) -> None:
    def second(_: dict[str, Any]) -> ClientError | None:
        again = len(world.asked("PutMetricAlarm")) > 1
        return error("PutMetricAlarm", "limit of 5000 alarms", "LimitExceeded") if again else None

    world.refuse["PutMetricAlarm"] = second
    with pytest.raises(OperationError, match="limit of 5000 alarms"):
        go(back)
    assert world.temporary == []
    assert world.asked("UpdateEndpoint") == []


def test_ctrl_c_while_the_update_is_asked_for_comes_after_it_and_leaves_its_alarms(
    world: World, back: Rollback, said: list[str]
) -> None:
    world.refuse["UpdateEndpoint"] = lambda _: interrupt()
    with pytest.raises(KeyboardInterrupt):
        go(back)
    assert world.status == "Updating"
    assert len(world.temporary) == 2
    assert world.operation is None
    assert said[0] == (
        f"{ENDPOINT}: the update to version 1 (Config-1Xy) goes on without this command; "
        "`slipway watch iris --expect Config-1Xy --target aws` watches it"
    )
    assert said[1].startswith("left as it is: 2 temporary alarms")


def test_ctrl_c_while_watching_leaves_the_alarms_that_the_update_names(
    world: World, back: Rollback, watching: Watching, said: list[str]
) -> None:
    watching.meanwhile = interrupt
    with pytest.raises(KeyboardInterrupt):
        go(back)
    assert len(world.temporary) == 2
    assert "By hand: slipway rollback iris --clean --target aws, when the update is over" in said[-1]
    world.finish()
    removed = back.clean()
    assert len(removed) == 2
    assert world.temporary == []


def test_ctrl_c_at_the_moment_in_which_it_is_over_removes_them(
    world: World, back: Rollback, watching: Watching
) -> None:
    def over() -> None:
        world.finish()
        interrupt()

    watching.meanwhile = over
    with pytest.raises(KeyboardInterrupt):
        go(back)
    assert world.temporary == []


def test_an_update_that_does_not_show_yet_is_not_taken_for_over(
    world: World, back: Rollback, watching: Watching
) -> None:
    def unseen() -> None:
        world.status = "InService"
        interrupt()

    watching.meanwhile = unseen
    with pytest.raises(KeyboardInterrupt):
        go(back)
    assert len(world.temporary) == 2


def test_credentials_that_expire_while_watching_leave_the_alarms_and_say_so(
    world: World, back: Rollback, watching: Watching, said: list[str]
) -> None:
    def expire() -> None:
        expired = error("x", "The security token is expired", "ExpiredTokenException")
        world.refuse |= {"DescribeEndpoint": expired, "DescribeAlarms": expired}
        raise OperationError("log in again")

    watching.meanwhile = expire
    with pytest.raises(OperationError, match="log in again"):
        go(back)
    assert len(world.temporary) == 2
    assert "The security token is expired" in said[-1]


def test_when_nobody_knows_whether_the_update_began_the_alarms_stay(
    world: World, back: Rollback, said: list[str]
) -> None:
    world.refuse["UpdateEndpoint"] = ConnectTimeoutError(endpoint_url="https://x")
    with pytest.raises(OperationError, match="the connection to AWS was lost"):
        go(back)
    assert len(world.temporary) == 2
    assert "left as it is" in said[-1]


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "ValidationException"])
def test_an_update_that_is_refused_leaves_nothing(world: World, back: Rollback, code: str) -> None:
    world.refuse["UpdateEndpoint"] = error("UpdateEndpoint", "no", code)
    with pytest.raises(OperationError, match="no") as caught:
        go(back)
    assert world.temporary == []
    assert world.live == "Config-2Xy"
    assert ("`slipway rollback iris --now --target aws` goes without one" in str(caught.value)) is (
        code == "ValidationException"
    )


def test_cleaning_waits_for_the_update_and_takes_only_temporary_alarms(world: World, back: Rollback) -> None:
    left = f"{ENDPOINT}-rollback-0badcafe-latency"
    world.alarm(left, config="Config-1Xy")
    others = [f"{ENDPOINT}-rollback-fallback0-x", f"{ENDPOINT}-next-rollback-0badcafe-latency", "other"]
    for name in others:
        world.alarm(name, config=None)
    world.status = "Updating"
    with pytest.raises(BusyError, match="the update may name these alarms, so they stay"):
        back.clean()
    assert left in world.alarms
    world.status = "InService"
    assert back.clean() == [left]
    assert {*others, f"{ENDPOINT}-rollback-latency", f"{ENDPOINT}-rollback-errors-5xx"} == set(world.alarms)
    assert back.clean() == []


def test_names_of_alarms_stay_within_their_limit_and_apart(world: World, back: Rollback) -> None:
    long = [f"{ENDPOINT}-rollback-{'x' * 220}-{number}" for number in range(2)]
    world.declare("latency", literal=tuple(long))
    for name in long:
        world.alarm(name, config="Config-2Xy")
    way: Way = back.prepare()
    names = [alarm.name for alarm in way.alarms]
    assert len(set(names)) == 3
    assert max(map(len, names)) == 255
    assert way == replace(way)
