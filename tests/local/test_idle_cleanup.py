"""The cleanup as a team has it: deployed, invoked by name and by its schedule, undone by a deployment that wakes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from slipway.local import steering
from tests.local.hosting import eventually
from tests.local.test_launch import ACCOUNT, Project, project

__all__ = ["project"]

REGION = "eu-west-1"
NAME = "rc-project-a-dev-idle-cleanup"
ENDPOINT = "rc-project-a-dev-iris-ep"
STACK = "rc-project-a-dev-iris"
RECORD = f"/slipway/rc-project-a-dev/removed/{ENDPOINT}"


def run(project: Project, task: str = "endpoints") -> dict[str, Any]:
    """Invoke the deployed function by its name."""
    answer = project.client("lambda").invoke(FunctionName=NAME, Payload=json.dumps({"task": task}))
    record: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, record
    return record


def named(listed: list[dict[str, Any]]) -> list[str]:
    return [one["endpoint"] for one in listed]


def listener(project: Project) -> Callable[[], list[str]]:
    """Subscribe to the alarm topic, and return what reads the subjects of the cleanup's notices."""
    sqs = project.client("sqs")
    url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:rc-project-a-dev-alarms"
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox"
    project.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    subjects: list[str] = []

    def heard() -> list[str]:
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            subjects.extend(json.loads(message["Body"]).get("Subject", "") for message in found)
            for message in found:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        # Alarms tell the same topic.
        return sorted(subject for subject in subjects if subject.startswith("Idle endpoints"))

    return heard


def records(project: Project) -> list[str]:
    found = project.client("ssm").get_parameters_by_path(Path=RECORD.rpartition("/")[0])["Parameters"]
    return [one["Name"] for one in found]


def stack_is_there(project: Project) -> bool:
    stacks = project.client("cloudformation").describe_stacks()["Stacks"]
    return STACK in [stack["StackName"] for stack in stacks]


def statuses(project: Project) -> list[str]:
    return [row["status"] for row in json.loads(project.slipway("status", "--json").stdout)]


def outlook(project: Project) -> list[tuple[str, str]]:
    """What `slipway idle` says of each endpoint."""
    found = json.loads(project.slipway("idle", "--json").stdout)
    return [(row["endpoint"], row["action"]) for row in found["endpoints"]]


def test_an_idle_endpoint_goes_after_mark_and_grace_stays_away_and_comes_back(project: Project) -> None:
    project.done("deploy")
    heard = listener(project)

    young = run(project)
    assert (young["Examined"], young["Idle"], young["mode"]) == (1, 0, "delete")
    assert outlook(project) == [(ENDPOINT, "keep")]

    steering.advance_clock(project.url, timedelta(days=8))
    assert outlook(project) == [(ENDPOINT, "mark")]
    assert named(run(project)["marked"]) == [ENDPOINT]
    assert heard() == ["Idle endpoints that will be removed: 1"]
    assert named(run(project)["waiting"]) == [ENDPOINT], "the second run of the day does nothing"
    assert outlook(project) == [(ENDPOINT, "wait")]
    assert stack_is_there(project)
    assert records(project) == []

    steering.advance_clock(project.url, timedelta(hours=25))
    assert outlook(project) == [(ENDPOINT, "delete")]
    gone = run(project)
    assert (named(gone["deleted"]), gone["failures"]) == ([ENDPOINT], {})
    assert not stack_is_there(project)
    assert records(project) == [RECORD]
    assert heard() == ["Idle endpoints that were removed: 1", "Idle endpoints that will be removed: 1"]
    left = project.client("sagemaker")
    assert (left.list_endpoints()["Endpoints"], left.list_endpoint_configs()["EndpointConfigs"]) == ([], [])
    assert left.list_models()["Models"] == []

    (status,) = statuses(project)
    assert status.startswith("removed (idle since ")
    without = project.done("deploy")
    assert "· leave out iris: removed (idle since " in without
    assert "`make deploy WAKE=iris` or `slipway deploy --wake iris` brings it back" in without
    assert not stack_is_there(project)

    woken = project.done("deploy", "--wake", "iris")
    assert '"species": "setosa"' in woken
    assert records(project) == []
    assert statuses(project) == ["InService"]
    assert run(project)["Idle"] == 0


def test_its_schedules_run_it_and_the_alarm_on_missing_runs_heeds_those_over_the_endpoints(project: Project) -> None:
    project.edit("dev.yaml", "region: eu-west-1", "region: eu-west-1\nendpoints: {iris: null}")
    project.done("deploy")
    logs, cloudwatch = project.client("logs"), project.client("cloudwatch")

    def tasks() -> list[str]:
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{NAME}")["events"]
        return [json.loads(event["message"])["task"] for event in events if event["message"].startswith("{")]

    def fired(task: str) -> bool:
        steering.fire_schedule(project.url, ACCOUNT, REGION, task, NAME)
        return eventually(lambda: task in tasks())

    def no_run() -> str:
        return str(cloudwatch.describe_alarms(AlarmNames=[f"{NAME}-no-run"])["MetricAlarms"][0]["StateValue"])

    assert no_run() == "ALARM"
    assert fired("revisions")
    steering.advance_clock(project.url, timedelta(days=1))  # a day counts when it is over
    assert no_run() == "ALARM"
    assert fired("endpoints")
    steering.advance_clock(project.url, timedelta(days=1))
    assert no_run() == "OK"
    steering.advance_clock(project.url, timedelta(days=1))
    assert no_run() == "OK"
    steering.advance_clock(project.url, timedelta(days=1))
    assert no_run() == "ALARM"
