"""What a local AWS is told beside AWS's APIs: its clock is moved, schedules are fired."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.local import control, steering
from slipway.local.control import LocalAwsError
from tests.local.conftest import ACCOUNT, REGION, LocalAws
from tests.local.hosting import eventually
from tests.local.test_engine_lambda import Function, queue
from tests.local.test_engine_resources import ROLE

SOON = timedelta(minutes=1)


@pytest.fixture(scope="module")
def own_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS whose clock is moved; the others' is not."""
    home = tmp_path_factory.mktemp("steered")
    yield LocalAws(control.start(home, port=0).url)
    control.stop(home)


@pytest.fixture
def moving(own_aws: LocalAws) -> Iterator[LocalAws]:
    yield own_aws
    steering.reset_clock(own_aws.url)


def off(moment: datetime, by: timedelta) -> timedelta:
    """Return how far a moment is from where it should be."""
    return abs(moment.astimezone(UTC) - (datetime.now(UTC) + by))


# -- the clock


def test_the_clock_starts_with_the_real_time(moving: LocalAws) -> None:
    found = steering.clock(moving.url)
    assert found.ahead == timedelta()
    assert off(found.now, timedelta()) < SOON


def test_advances_add_up_until_the_clock_is_reset(moving: LocalAws) -> None:
    steering.advance_clock(moving.url, timedelta(days=8))
    found = steering.advance_clock(moving.url, timedelta(hours=1))
    assert found.ahead == timedelta(days=8, hours=1)
    assert off(found.now, found.ahead) < SOON
    assert steering.clock(moving.url).ahead == found.ahead
    found = steering.reset_clock(moving.url)
    assert (found.ahead, off(found.now, timedelta()) < SOON) == (timedelta(), True)


def test_a_faster_clock_runs_ahead_of_the_real_time_until_it_is_reset(moving: LocalAws) -> None:
    assert steering.set_speed(moving.url, 3600).speed == 3600
    before = steering.clock(moving.url)
    assert eventually(lambda: steering.clock(moving.url).now - before.now > SOON)
    found = steering.set_speed(moving.url, 1)
    assert (found.speed, found.ahead > SOON) == (1, True)
    assert off(found.now, found.ahead) < SOON
    steering.set_speed(moving.url, 60)
    assert steering.reset_clock(moving.url).real


@pytest.mark.parametrize("speed", [0, 0.5, 3601])
def test_a_speed_that_is_none_is_refused(moving: LocalAws, speed: float) -> None:
    with pytest.raises(LocalAwsError, match="runs 1 to 3600 times as fast as time does"):
        steering.set_speed(moving.url, speed)
    assert steering.clock(moving.url).speed == 1


def test_starting_it_again_sets_the_speed_that_is_asked_for_and_leaves_it_otherwise(home: Path) -> None:
    url = control.start(home, port=0, speed=30).url
    try:
        assert steering.clock(url).speed == 30
        control.start(home)
        assert steering.clock(url).speed == 30
        control.start(home, speed=2)
        assert steering.clock(url).speed == 2
        with pytest.raises(LocalAwsError, match="runs 1 to 3600 times"):
            control.start(home, speed=0)
    finally:
        control.stop(home)


@pytest.mark.parametrize("by", [timedelta(), timedelta(days=-1), timedelta(days=4000)])
def test_the_clock_only_moves_forwards_and_not_beyond_measure(moving: LocalAws, by: timedelta) -> None:
    with pytest.raises(LocalAwsError, match="moves forwards, up to 3650 days ahead"):
        steering.advance_clock(moving.url, by)
    assert steering.clock(moving.url).ahead == timedelta()


def test_what_is_stored_has_the_time_of_the_clock_and_goes_on_ageing(moving: LocalAws) -> None:
    sagemaker = moving.client("sagemaker")

    def created(name: str) -> datetime:
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "image"})
        found: datetime = sagemaker.describe_model(ModelName=name)["CreationTime"]
        return found

    before = created("before")
    steering.advance_clock(moving.url, timedelta(days=8))
    after = created("after")
    assert off(before, timedelta()) < SOON
    assert off(after, timedelta(days=8)) < SOON


def test_metrics_and_alarms_follow_the_clock(moving: LocalAws) -> None:
    cloudwatch = moving.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="no-run",
        Namespace="N",
        MetricName="runs",
        Statistic="Sum",
        Period=86400,
        EvaluationPeriods=2,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
    )

    def state() -> str:
        return str(cloudwatch.describe_alarms(AlarmNames=["no-run"])["MetricAlarms"][0]["StateValue"])

    assert state() == "ALARM"
    cloudwatch.put_metric_data(Namespace="N", MetricData=[{"MetricName": "runs", "Value": 1}])
    steering.advance_clock(moving.url, timedelta(days=1))  # a day counts when it is over
    assert state() == "OK"
    steering.advance_clock(moving.url, timedelta(days=7))
    assert state() == "ALARM"


def test_functions_run_in_the_time_of_the_clock(moving: LocalAws) -> None:
    function = Function(moving).create(
        "import time, datetime, boto3\n"
        "def handler(e, c):\n"
        " boto3.client('sns').create_topic(Name='from-the-future')\n"
        " utc = datetime.datetime.now(datetime.timezone.utc)\n"
        " print('at', utc.year)\n"
        " return [time.time(), utc.timestamp(), c.get_remaining_time_in_millis(), time.tzname[0]]",
        Timeout=9,
    )
    ahead = timedelta(days=400)
    steering.advance_clock(moving.url, ahead)
    for _ in range(2):  # whatever the first one loaded
        first, second, left, zone = function.ask()
        assert off(datetime.fromtimestamp(first, UTC), ahead) < SOON
        assert abs(first - second) < 5
        assert 5000 < left <= 9000
        assert zone == "UTC"
    events = moving.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function.name}")["events"]
    assert f"at {(datetime.now(UTC) + ahead).year}" in [event["message"] for event in events]
    assert off(datetime.fromtimestamp(events[0]["timestamp"] / 1000, UTC), ahead) < SOON
    steering.reset_clock(moving.url)
    assert off(datetime.fromtimestamp(function.ask()[0], UTC), timedelta()) < SOON


def test_a_server_that_is_gone_is_said_to_be(home: Path) -> None:
    running = control.start(home, port=0)
    control.stop(home)
    with pytest.raises(LocalAwsError, match="does not answer"):
        steering.clock(running.url)


def test_a_message_that_a_queue_keeps_no_longer_does_not_hide_those_after_it(moving: LocalAws) -> None:
    sqs = moving.client("sqs")
    url = sqs.create_queue(QueueName="kept")["QueueUrl"]
    for text in ("old", "older"):
        sqs.send_message(QueueUrl=url, MessageBody=text)
    steering.advance_clock(moving.url, timedelta(days=5))
    sqs.send_message(QueueUrl=url, MessageBody="new")
    assert [message["Body"] for message in sqs.receive_message(QueueUrl=url)["Messages"]] == ["new"]


# -- schedules


def schedule(local_aws: LocalAws, name: str, target: str, **members: Any) -> None:
    """Make a schedule of an event once a day; ``Input`` goes to its target."""
    wanted: dict[str, Any] = {"Arn": target, "RoleArn": ROLE}
    if "Input" in members:
        wanted["Input"] = members.pop("Input")
    local_aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=wanted,
        **members,
    )


def fire(local_aws: LocalAws, name: str, group: str = "default") -> str:
    return steering.fire_schedule(local_aws.url, ACCOUNT, REGION, name, group)


def test_a_fired_schedule_invokes_its_function_with_its_input(local_aws: LocalAws) -> None:
    function = Function(local_aws).create("import json\ndef handler(e, c): print('got', json.dumps(e))")
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function.name}"
    local_aws.client("scheduler").create_schedule_group(Name=function.name)
    schedule(local_aws, "daily", arn, GroupName=function.name, Input='{"task": "endpoints"}')
    fire(local_aws, "daily", function.name)
    assert eventually(lambda: 'got {"task": "endpoints"}' in function.log())


def test_a_schedule_without_input_sends_an_event_that_names_it(local_aws: LocalAws) -> None:
    arn, received = queue(local_aws, "fired-without-input")
    schedule(local_aws, "plain", arn)
    execution = fire(local_aws, "plain")
    event = json.loads(eventually(received)[0]["Body"])
    assert (event["source"], event["detail-type"]) == ("aws.scheduler", "Scheduled Event")
    assert event["resources"] == [f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/plain"]
    assert event["id"] == execution


def test_context_attributes_in_the_input_are_filled_in(local_aws: LocalAws) -> None:
    arn, received = queue(local_aws, "fired-with-attributes")
    schedule(local_aws, "told", arn, Input="<aws.scheduler.execution-id> <aws.scheduler.attempt-number>")
    execution = fire(local_aws, "told")
    assert eventually(received)[0]["Body"] == f"{execution} 1"


def test_a_schedule_may_call_an_api(local_aws: LocalAws) -> None:
    schedule(local_aws, "api", "arn:aws:scheduler:::aws-sdk:sns:createTopic", Input='{"Name": "by-schedule"}')
    fire(local_aws, "api")
    topics = [topic["TopicArn"] for topic in local_aws.client("sns").list_topics()["Topics"]]
    assert f"arn:aws:sns:{REGION}:{ACCOUNT}:by-schedule" in topics


def test_a_schedule_that_is_not_there_is_named(local_aws: LocalAws) -> None:
    with pytest.raises(LocalAwsError, match=rf"no schedule default/none in account {ACCOUNT}, {REGION}"):
        fire(local_aws, "none")
    with pytest.raises(LocalAwsError, match="no schedule nowhere/none"):
        fire(local_aws, "none", "nowhere")


def test_a_disabled_schedule_does_not_fire(local_aws: LocalAws) -> None:
    arn, _ = queue(local_aws, "never-fired")
    schedule(local_aws, "off", arn, State="DISABLED")
    with pytest.raises(LocalAwsError, match="default/off is disabled"):
        fire(local_aws, "off")


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (f"arn:aws:sqs:{REGION}:{ACCOUNT}:no-such-queue", "refused: .*NonExistentQueue"),
        (f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/c", "functions, queues and topics, not to arn:aws:ecs"),
    ],
)
def test_a_target_that_cannot_be_reached_is_an_error(local_aws: LocalAws, target: str, text: str) -> None:
    name = f"lost-{target.split(':')[2]}"
    schedule(local_aws, name, target)
    with pytest.raises(LocalAwsError, match=text):
        fire(local_aws, name)


def test_a_schedule_group_is_not_made_twice(local_aws: LocalAws) -> None:
    scheduler = local_aws.client("scheduler")
    scheduler.create_schedule_group(Name="once")
    with pytest.raises(scheduler.exceptions.ConflictException, match="once already exists"):
        scheduler.create_schedule_group(Name="once")
