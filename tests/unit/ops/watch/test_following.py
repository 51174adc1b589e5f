"""A watch from its first look to its outcome, against AWS's answers as a test scripts them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from slipway.cli import main
from slipway.ops import target as targets
from slipway.ops.trouble import NoEndpointError, OperationError
from slipway.ops.unfinished import Terminated
from slipway.ops.watch.events import Outcome, Result
from tests.unit.ops.answering import EXPIRED, THROTTLED, Refusal, denied
from tests.unit.ops.watch.watching import (
    ALARMS,
    CANARY,
    DEPLOYED,
    ENDPOINT,
    MOVES,
    NEW,
    OLD,
    STACK,
    World,
    described,
    updating,
    variant,
)

LATENCY = ALARMS[0]
WHY = "Threshold Crossed: 2 datapoints were greater than the threshold (800000.0)."
TRIPPED = ((480.0, LATENCY, "ALARM", WHY), (900.0, LATENCY, "OK", ""))
BACK = (*MOVES[:3], (500.0, described()))
WATCHED = "15m of bakes; 2 alarms watch it"
RECONCILE = (
    "deploying that again would change nothing; publish a cure under another version and declare that, or write "
    "`version: 1` to keep what serves"
)
LOST = EndpointConnectionError(endpoint_url="https://api.sagemaker.eu-west-1.amazonaws.com/")


def held(config: str, status: str = "UPDATE_COMPLETE") -> Any:
    return lambda _: (status, config.lower())


def warnings(outcome: Outcome) -> list[str]:
    return [event.text for event in outcome.events if event.kind == "warning"]


# -- deployed


def test_stages_traffic_and_what_is_left_are_told_as_they_change() -> None:
    assert [line for line in World().lines() if " · " not in line][:6] == [
        f"12:00:00  {ENDPOINT} moves from version 1 ({OLD}) to version 2 ({NEW}): canary, 2 steps, {WATCHED}",
        "12:00:00  provisioning 3 new instances, all done in about 25m",
        # Instances came in five minutes, not in the ten that are assumed.
        "12:05:00  shifting traffic, step 1 of 2, all done in about 15m",
        "12:05:00  traffic: 33 % to the new fleet",
        "12:05:10  baking, step 1 of 2, 10m left; all done in about 15m",
        "12:15:10  shifting traffic, step 2 of 2, all done in about 5m",
    ]


def test_a_heartbeat_comes_once_a_minute_in_which_nothing_else_happened() -> None:
    beats = [line for line in World().lines() if " · " in line]
    assert [line[:8] for line in beats[:7]] == [
        *("12:01:00", "12:02:00", "12:03:00", "12:04:00"),
        *("12:06:10", "12:07:10", "12:08:10"),
    ]
    answered = "new: 40 requests, no errors, p95 12 ms · old: 420 requests, no errors, p95 12 ms"
    assert beats[4] == f"12:06:10  baking, step 1 of 2, 9m left; all done in about 14m · {answered}"


def test_the_end_says_what_serves_and_how_long_it_took() -> None:
    lines = [line for line in World().lines() if " · " not in line]
    assert lines[-6:] == [
        "12:15:10  shifting traffic, step 2 of 2, all done in about 5m",
        "12:15:10  traffic: 100 % to the new fleet",
        "12:15:20  final bake, 5m left",
        "12:20:20  removing 3 old instances",
        f"12:20:50  deployed: {ENDPOINT} serves version 2 ({NEW}), after 21m",
        f"          its stack {STACK} is not done yet (UPDATE_IN_PROGRESS)",
    ]


def test_what_was_deployed_is_an_outcome() -> None:
    outcome = World().watch()
    assert (outcome.kind, outcome.exit_code, outcome.moved) == (Result.DEPLOYED, 0, True)
    assert (outcome.expected, outcome.serves) == (NEW, NEW)
    assert outcome.events[0].kind == "started"
    assert outcome.events[-1].kind == "finished"


def test_nothing_under_way_and_the_right_config_is_told_at_once() -> None:
    world = World(moves=((0, described()),), stack=held(OLD))
    assert world.lines() == [f"12:00:00  nothing is under way: {ENDPOINT} serves version 1 ({OLD}), as its stack says"]
    assert world.watch().exit_code == 0
    assert "as expected" in world.watch(expect=OLD.lower()).why
    assert "no stack says what it should serve" in World(moves=((0, described()),), stack=lambda _: None).watch().why


def test_a_stack_whose_last_update_did_not_go_through_is_said() -> None:
    outcome = World(moves=((0, described()),), stack=held(OLD, "UPDATE_ROLLBACK_COMPLETE")).watch()
    assert outcome.exit_code == 0
    assert outcome.advice == (f"the last update of its stack {STACK} did not go through (UPDATE_ROLLBACK_COMPLETE)",)


def test_a_watch_that_begins_before_the_stack_comes_to_the_endpoint_waits_for_it() -> None:
    world = World(
        moves=((0, described()), *((second + 60, found) for second, found in DEPLOYED)),
        stack=lambda second: ("UPDATE_IN_PROGRESS", (OLD if second < 30 else NEW).lower()),
    )
    outcome = world.watch()
    assert outcome.kind is Result.DEPLOYED
    assert outcome.events[0].text.startswith("nothing moves yet")
    assert outcome.serves == NEW


def test_an_update_that_was_just_begun_may_take_a_moment_to_show() -> None:
    world = World(moves=((0, described()), *((second + 20, found) for second, found in DEPLOYED)), stack=held(OLD))
    assert world.watch(expect=NEW, begun=True).kind is Result.DEPLOYED
    nothing = World(moves=((0, described()),), stack=held(OLD))
    assert nothing.watch(expect=NEW, begun=True).kind is Result.ROLLED_BACK
    assert nothing.second == pytest.approx(60)


def test_a_creation_is_watched_until_it_serves() -> None:
    creating = described("Creating", new=variant(0, 3, "Creating", "Launching 3 instance(s)."), to=OLD)
    creating["ProductionVariants"] = []
    outcome = World(moves=((0, creating), (400, described())), stack=held(OLD, "CREATE_IN_PROGRESS")).watch()
    assert outcome.kind is Result.DEPLOYED
    assert outcome.events[0].text == f"{ENDPOINT} is created with version 1 ({OLD})"
    assert outcome.events[1].text == "Creating, Creating"


def test_weights_and_counts_that_change_are_no_update() -> None:
    moves = ((0, described("Updating", old=variant(3, 6, "Updating", "Launching 3 instance(s)."))), (90, described()))
    outcome = World(moves=moves, stack=held(OLD)).watch()
    assert outcome.kind is Result.DEPLOYED
    assert outcome.events[0].text.startswith(f"weights or instance counts of {ENDPOINT} change")


def test_a_pending_deployment_that_is_gone_early_does_not_begin_anything_new() -> None:
    gone = described("Updating", old=variant(3, 3, "Deleting", "Terminating 3 instance(s).", 1220))
    outcome = World(moves=(*MOVES[:5], (1220, gone), (1250, described(config=NEW)))).watch()
    assert outcome.kind is Result.DEPLOYED
    assert [event.kind for event in outcome.events].count("started") == 1
    assert "removing 3 old instances" in [event.text for event in outcome.events]


def test_the_alarms_of_the_stacks_template_count_until_the_endpoint_names_its_own() -> None:
    def unnamed(found: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in found.items() if key != "LastDeploymentConfig"}

    world = World(moves=tuple((second, unnamed(found)) for second, found in DEPLOYED))
    alarms = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": {"Ref": "Own"}}]}}
    properties = {"DeploymentConfig": {**CANARY, **alarms}}
    template = {"Resources": {"E": {"Type": "AWS::SageMaker::Endpoint", "Properties": properties}}}
    world.aws.answers["GetTemplate"] = lambda _: {"TemplateBody": json.dumps(template)}
    world.made["Own"] = LATENCY
    assert world.lines()[0].endswith("canary, 2 steps, 15m of bakes; 1 alarm watches it")


# -- rolled back


def test_a_rollback_looks_like_success_and_is_none() -> None:
    world = World(moves=BACK, states=TRIPPED, stack=held(NEW))
    outcome = world.watch()
    assert (outcome.kind, outcome.exit_code) == (Result.ROLLED_BACK, 3)
    assert (outcome.expected, outcome.serves) == (NEW, OLD)
    assert outcome.why == (
        f"rolled back: {ENDPOINT} serves version 1 ({OLD}), not version 2 ({NEW}); "
        "AWS gives no reason (FailureReason is empty)"
    )
    assert outcome.advice == (
        f"alarm {LATENCY} went off at 12:08:00 and is in ALARM still: {WHY}",
        f"its stack {STACK} still holds version 2 ({NEW}): {RECONCILE}",
    )
    assert [(trip.name, trip.reason) for trip in outcome.trips] == [(LATENCY, WHY)]


def test_the_way_back_is_shown_as_one() -> None:
    back = described("RollingBack", new=variant(1, 3, "Deleting", "Terminating 3 instance(s).", 500))
    lines = World(moves=(*MOVES[:3], (500, back), (560, described())), states=TRIPPED, stack=held(NEW)).lines()
    assert f"12:08:00  alarm {LATENCY}: OK → ALARM: {WHY}" in lines
    assert "12:08:20  rolling back: removing 3 new instances" in lines
    assert "12:08:20  traffic: 0 % to the new fleet" in lines


def test_a_rollback_that_was_over_before_the_watch_began_is_found() -> None:
    world = World(moves=((0, described()),), states=((-50, LATENCY, "ALARM", WHY),), stack=held(NEW))
    outcome = world.watch()
    assert (outcome.kind, outcome.moved) == (Result.ROLLED_BACK, False)
    assert outcome.why.startswith(f"rolled back: nothing is under way, and {ENDPOINT} serves version 1 ({OLD})")
    assert outcome.advice[0] == f"alarm {LATENCY} is in ALARM, since before"


def test_a_rollback_without_an_alarm_says_where_to_look() -> None:
    outcome = World(moves=(*MOVES[:1], (200, described(FailureReason="No instances.")))).watch()
    assert outcome.why.endswith("AWS says: No instances.")
    assert outcome.advice[0].startswith("none of its alarms went off meanwhile")
    assert outcome.advice[0].endswith(f"see the log group /aws/sagemaker/Endpoints/{ENDPOINT}")


def test_an_update_that_does_not_lead_to_what_is_expected_is_said_at_once() -> None:
    outcome = World(stack=held(OLD)).watch()
    assert warnings(outcome)[0] == (
        f"the update does not lead to what is expected, version 1 ({OLD}) (held by its stack {STACK}): watch for what "
        f"it leads to with --expect {NEW}"
    )
    assert outcome.kind is Result.ROLLED_BACK


def test_a_stack_that_goes_back_does_not_make_the_old_config_the_expected_one() -> None:
    again = updating(variant(0, 3, "Creating", "Launching 3 instance(s).", 520))
    again["PendingDeploymentSummary"]["EndpointConfigName"] = OLD
    world = World(
        moves=(*MOVES[:3], (500, again), (900, described())),
        stack=lambda second: ("UPDATE_IN_PROGRESS" if second < 500 else "UPDATE_ROLLBACK_IN_PROGRESS", NEW.lower()),
    )
    outcome = world.watch()
    assert (outcome.kind, outcome.expected) == (Result.ROLLED_BACK, NEW)


# -- failed


@pytest.mark.parametrize(
    ("status", "mend"),
    [
        ("Failed", "an endpoint that has failed can only be deleted"),
        ("OutOfService", "it cannot answer: another update mends it"),
        ("UpdateRollbackFailed", "the rollback did not get to its end, so its instances may serve two configs"),
    ],
)
def test_an_update_that_fails_says_how_to_mend_it(status: str, mend: str) -> None:
    outcome = World(moves=(*MOVES[:3], (500, described(status, FailureReason="It broke.")))).watch()
    assert (outcome.kind, outcome.exit_code) == (Result.FAILED, 1)
    assert outcome.why == f"failed: {ENDPOINT} is {status}: It broke."
    assert outcome.advice[0].startswith(mend)


def test_an_update_that_cannot_be_rolled_back_is_mended_by_another_one() -> None:
    advice = World(moves=(*MOVES[:3], (500, described("UpdateRollbackFailed")))).watch().advice
    assert advice[0].endswith(f"aws sagemaker update-endpoint --endpoint-name {ENDPOINT} --endpoint-config-name {OLD}")


@pytest.mark.parametrize(
    ("found", "words"), [(None, "was deleted"), (described("Deleting"), "is being deleted")], ids=["gone", "going"]
)
def test_an_endpoint_that_is_deleted_meanwhile_has_failed(found: dict[str, Any] | None, words: str) -> None:
    outcome = World(moves=(*MOVES[:3], (500, found))).watch()
    assert (outcome.kind, outcome.why) == (Result.FAILED, f"failed: {ENDPOINT} {words}")


def test_there_is_nothing_to_watch_where_there_is_no_endpoint() -> None:
    with pytest.raises(NoEndpointError, match=f"there is no {ENDPOINT}: `slipway deploy` makes it"):
        World(moves=((0, None),)).watch()


# -- timed out


def test_a_watch_ends_when_its_time_is_over_and_the_update_goes_on() -> None:
    outcome = World().watch(timeout=600.0)
    assert (outcome.kind, outcome.exit_code) == (Result.TIMED_OUT, 4)
    assert outcome.why == (
        f"timed out: after 10m {ENDPOINT} is not done: baking, step 1 of 2 (5m10s left; all done in about 10m)"
    )
    assert outcome.advice == ("the update goes on; watch it again with `slipway watch iris`",)


# -- what AWS does not answer


def test_throttling_is_said_once_and_waited_out() -> None:
    world = World()
    world.aws.next["DescribeEndpoint"] = [None, THROTTLED, THROTTLED, THROTTLED]
    outcome = world.watch()
    assert outcome.kind is Result.DEPLOYED
    first, second = warnings(outcome)[:2]
    assert first == (
        f"look at {ENDPOINT}: AWS throttles these calls (ThrottlingException: Rate exceeded); trying again since "
        "12:00:10, the update goes on meanwhile"
    )
    assert second.startswith("AWS answers again, after ")


def test_waits_grow_while_calls_fail_and_are_not_all_alike() -> None:
    world = World()
    world.aws.next["DescribeEndpoint"] = [THROTTLED] * 6
    waits: list[float] = []
    world.aws.on_pause.append(lambda: waits.append(world.second))
    world.watch()
    steps = [after - before for before, after in zip([0.0, *waits], waits, strict=False)][:6]
    longest = [min(60, 2**n) for n in range(1, 7)]
    assert all(most / 2 - 1e-3 <= step <= most + 1e-3 for most, step in zip(longest, steps, strict=True)), steps


def test_a_lost_connection_is_tried_again_until_the_time_is_over() -> None:
    world = World()
    world.aws.next["DescribeEndpoint"] = [None, *[LOST] * 500]
    outcome = world.watch(timeout=900.0)
    assert outcome.kind is Result.TIMED_OUT
    (said,) = warnings(outcome)
    assert "the connection to AWS was lost" in said
    assert said.endswith("trying again since 12:00:10, the update goes on meanwhile")


@pytest.mark.parametrize("error", [EXPIRED, NoCredentialsError()], ids=["expired", "gone"])
def test_credentials_that_are_over_are_read_once_more_and_then_end_the_watch(error: Exception) -> None:
    world = World()
    world.aws.next["DescribeEndpoint"] = [None, error, error]
    with pytest.raises(OperationError) as raised:
        world.watch()
    said = str(raised.value)
    assert f"look at {ENDPOINT}: the credentials have expired or are gone" in said
    assert said.endswith("whatever is under way goes on; watch it again with `slipway watch iris`")


def test_credentials_that_somebody_renewed_are_taken() -> None:
    world = World()
    world.aws.next["DescribeEndpoint"] = [None, EXPIRED]
    assert world.watch().kind is Result.DEPLOYED


def test_credentials_that_expire_while_something_else_is_asked_end_the_watch_too() -> None:
    world = World()
    world.aws.next["DescribeAlarms"] = [None, EXPIRED, EXPIRED]
    with pytest.raises(OperationError, match="expired"):
        world.watch()


def test_an_endpoint_that_may_not_be_described_cannot_be_watched() -> None:
    world = World()
    world.aws.next["DescribeEndpoint"] = [denied("sagemaker:DescribeEndpoint")]
    with pytest.raises(OperationError, match="not authorized to perform: sagemaker:DescribeEndpoint"):
        world.watch()


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("DescribeAlarms", "the alarms cannot be seen: cloudwatch:DescribeAlarms is not allowed"),
        ("GetMetricData", "the requests cannot be seen: cloudwatch:GetMetricData is not allowed"),
        (
            "DescribeStacks",
            "the stack cannot be seen: cloudformation:DescribeStacks or DescribeStackResources is not allowed",
        ),
        ("ListTags", "the versions cannot be seen: sagemaker:ListTags is not allowed"),
        (
            "DescribeEndpointConfig",
            f"endpoint config {OLD} cannot be seen: sagemaker:DescribeEndpointConfig is not allowed",
        ),
    ],
)
def test_a_watch_goes_on_without_what_may_not_be_seen_and_names_the_permission(operation: str, said: str) -> None:
    world = World()
    world.aws.next[operation] = [denied("it") for _ in range(500)]
    outcome = world.watch()
    assert outcome.kind is Result.DEPLOYED
    assert warnings(outcome)[0] == f"{said}; the watch goes on without"
    assert len(world.aws.of(operation)) <= 3


def test_a_rollback_whose_alarms_may_not_be_seen_is_still_one() -> None:
    world = World(moves=BACK, states=TRIPPED, stack=held(NEW))
    world.aws.next["DescribeAlarmHistory"] = [denied("it")] * 9
    outcome = world.watch()
    assert outcome.kind is Result.ROLLED_BACK
    assert "whether an alarm went off cannot be seen" in outcome.advice


def test_what_is_refused_for_another_reason_is_said_once_and_asked_again() -> None:
    world = World()
    world.aws.next["DescribeAlarms"] = [Refusal("ValidationError", "odd") for _ in range(3)]
    outcome = world.watch()
    assert warnings(outcome) == ["the alarms cannot be seen (odd); the watch goes on without"]
    assert len(world.aws.of("DescribeAlarms")) > 100


def test_what_fails_in_passing_is_as_it_was() -> None:
    world = World()
    world.aws.next["DescribeAlarms"] = [None, THROTTLED, Refusal("InternalFailure", "oops", 500)]
    assert warnings(world.watch()) == []


# -- traffic


def test_a_bake_that_saw_no_traffic_could_not_have_seen_a_fault() -> None:
    outcome = World(asked=lambda _, config: 0.0 if config == NEW else 60.0).watch()
    said = "no request was counted on the new fleet, so its alarms could not have seen a fault"
    assert warnings(outcome) == [f"baking, step 1 of 2: {said}", f"final bake: {said}"]
    # CloudWatch is behind, so a bake is judged two minutes after its end.
    assert [f"{event.at:%H:%M:%S}" for event in outcome.events if event.kind == "warning"] == ["12:17:10", "12:20:50"]


def test_traffic_in_a_part_of_a_bake_is_enough() -> None:
    assert warnings(World(asked=lambda second, _: 1.0 if second in (780, 1200) else 0.0).watch()) == []


def test_an_alarm_that_is_off_or_missing_from_the_beginning_is_said() -> None:
    world = World(states=((-50, LATENCY, "ALARM", WHY),))
    known = world.aws.answers["DescribeAlarms"]
    world.aws.answers["DescribeAlarms"] = lambda given: {"MetricAlarms": (known(given) or {})["MetricAlarms"][:1]}
    outcome = world.watch()
    assert [event.text for event in outcome.events if event.kind == "alarm"] == [
        f"alarm {LATENCY} is in ALARM already: {WHY}"
    ]
    assert warnings(outcome) == [f"alarm {ALARMS[1]} is to end a bad update, but does not exist"]


def test_instances_that_come_later_than_assumed_are_said_once() -> None:
    late = tuple((second + 900 if second else second, found) for second, found in DEPLOYED)
    outcome = World(moves=late).watch()
    assert warnings(outcome) == ["instances take longer to come than assumed (provisioning 3 new instances)"]


# -- the command


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """What `slipway watch` looks at."""
    world = World(moves=((0, described()),), stack=held(OLD))
    world.aws.answers["GetCallerIdentity"] = lambda _: {"Account": "111122223333"}
    monkeypatch.setattr(targets, "choose", lambda *_, **__: world.aws.target())
    return world


def command(root: Path, *arguments: str) -> int:
    return main(["watch", "iris", "--config", str(root / "config"), *arguments])


def test_the_command_says_where_it_looks_and_ends_as_the_update_did(
    world: World, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(root) == 0
    where, line = capsys.readouterr().out.splitlines()
    assert where == "here"
    assert line.endswith(f"nothing is under way: {ENDPOINT} serves version 1 ({OLD}), as its stack says")
    world.stack = held(NEW)
    assert command(root) == 3


def test_json_has_standard_output_for_itself(world: World, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(root, "--json") == 0
    printed = capsys.readouterr()
    assert printed.err == "here\n"
    (line,) = printed.out.splitlines()
    assert json.loads(line)["outcome"] == "deployed"
    assert world.aws.of("DescribeEndpoint")


@pytest.mark.parametrize(("signal", "code"), [(KeyboardInterrupt, 130), (Terminated, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_watch_says_that_the_update_goes_on(
    world: World, root: Path, capsys: pytest.CaptureFixture[str], signal: type[BaseException], code: int
) -> None:
    world.aws.next["DescribeEndpoint"] = [signal()]
    assert command(root, "--env", "dev", "--expect", NEW) == code
    again = f"slipway watch iris --expect {NEW} --config {root / 'config'}"
    assert capsys.readouterr().err.splitlines()[0] == f"whatever is under way goes on; watch it again with `{again}`"


def test_a_watch_may_wait_for_an_update_to_begin() -> None:
    world = World(moves=((0, described()), *((second + 240, found) for second, found in DEPLOYED)), stack=held(OLD))
    assert world.watch(expect=NEW, wait_start=300.0).kind is Result.DEPLOYED
    assert World(moves=((0, described()),), stack=held(OLD)).watch(wait_start=300.0).moved is False


def test_an_endpoint_or_a_component_that_nobody_declared_is_wrong_usage(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", "irsi", "--config", str(root / "config")]) == 2
    assert "did you mean iris?" in capsys.readouterr().err
    configs = str(root / "examples/configs/inference-components")
    assert main(["watch", "shared", "--component", "price", "--config", configs]) == 2
    assert "shared has no component 'price', did you mean prices?" in capsys.readouterr().err
