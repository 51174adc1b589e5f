"""The cleanup of idle endpoints as it is deployed: what it is told, what it may do, when it runs, who hears of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from idle_endpoint_cleanup import handler
from idle_endpoint_cleanup.settings import Settings
from slipway.local.iam_policy import Decision, Request, Statement, evaluate
from slipway.spec.load import load
from tests.synth.conftest import Assembly
from tests.unit.idle.fake_aws import ACCOUNT, OURS, RECORDS, REGION, TOPIC, World
from tests.unit.idle.role import Role
from tests.unit.idle.test_role import calls, everything, of_tags, outcome, two_days

Synthesized = Callable[[str], Assembly]
Declared = Callable[..., Assembly]
Context = dict[str, str | list[str]]
DEV = {"environment": "dev"}
NAME = "rc-project-a-dev-idle-cleanup"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}-dead-letters"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"
TAGS = {**OURS, "Team": "rc", "Project": "project-a"}


def function(assembly: Assembly) -> dict[str, Any]:
    return assembly.only("operations", "AWS::Lambda::Function")


def variables(assembly: Assembly) -> dict[str, str]:
    found: dict[str, str] = function(assembly)["Environment"]["Variables"]
    return found


def role_of(assembly: Assembly, service: str) -> dict[str, Any]:
    """Properties of the one role that a service takes on."""
    (found,) = (
        role["Properties"]
        for role in assembly.resources("operations", "AWS::IAM::Role")
        if role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": service}
    )
    assert "ManagedPolicyArns" not in found
    return dict(found)


def statements(assembly: Assembly, service: str = "lambda.amazonaws.com") -> list[Statement]:
    """The whole policy of a role; there is no other one in the stack that it could have."""
    assert not assembly.resources("operations", "AWS::IAM::Policy")
    assert not assembly.resources("operations", "AWS::IAM::ManagedPolicy")
    (policy,) = role_of(assembly, service)["Policies"]
    found: list[Statement] = policy["PolicyDocument"]["Statement"]
    return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def actions(found: list[Statement]) -> list[str]:
    return [action for statement in found for action in listed(statement["Action"])]


def alarms(assembly: Assembly) -> dict[str, dict[str, Any]]:
    found = [alarm["Properties"] for alarm in assembly.resources("operations", "AWS::CloudWatch::Alarm")]
    return {alarm["AlarmName"].removeprefix(f"{assembly.environment.names.cleanup}-"): alarm for alarm in found}


# -- the function


def test_the_function_is_small_new_and_named(synthesized: Synthesized) -> None:
    found = function(synthesized("dev"))
    assert found["FunctionName"] == NAME
    assert found["Runtime"] == "python3.14"
    assert found["Architectures"] == ["arm64"]
    assert (found["MemorySize"], found["Timeout"]) == (256, 900)
    assert "ReservedConcurrentExecutions" not in found


def test_it_runs_on_the_newest_python_that_lambda_has(synthesized: Synthesized) -> None:
    """What cdk-nag would say of a function that is declared through CDK's class (AwsSolutions-L1)."""
    from aws_cdk import aws_lambda as lambda_

    known = [runtime.name for runtime in lambda_.Runtime.ALL if runtime.family is lambda_.RuntimeFamily.PYTHON]
    newest = max(known, key=lambda name: [int(part) for part in name.removeprefix("python").split(".")])
    assert function(synthesized("dev"))["Runtime"] == newest


def test_the_archive_holds_the_package_alone_and_what_the_handler_names(synthesized: Synthesized, root: Path) -> None:
    assembly = synthesized("dev")
    found = function(assembly)
    asset = assembly.folder / f"asset.{found['Code']['S3Key'].removesuffix('.zip')}"
    packed = {path.relative_to(asset) for path in asset.rglob("*") if path.is_file()}
    package = root / "lambda" / "idle_endpoint_cleanup"
    assert packed == {path.relative_to(root / "lambda") for path in package.glob("*.py")}
    module, _, called = found["Handler"].rpartition(".")
    assert Path(*module.split(".")).with_suffix(".py") in packed
    assert callable(getattr(handler, called))


def test_it_is_told_what_the_config_says(declared: Declared) -> None:
    said = {"window": "10d", "grace": "36h", "most": 4, "revisions": 5, "reserved_concurrency": 1}
    assembly = declared({}, **DEV, cleanup=said)
    told = variables(assembly)
    assert Settings.read(told) == Settings(
        opt_in={"Environment": "dev", "Project": "project-a", "Team": "rc"},
        delete=True,
        window=timedelta(days=10),
        grace=timedelta(hours=36),
        max_deletions=4,
        kept_revisions=5,
        topic=TOPIC,
        records=RECORDS,
    )
    assert function(assembly)["ReservedConcurrentExecutions"] == 1


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_outside_development_it_only_reports_and_knows_nowhere_to_write_to(synthesized: Synthesized, name: str) -> None:
    told = variables(synthesized(name))
    settings = Settings.read(told)
    assert not settings.delete
    assert (settings.topic, settings.records) == ("", "")
    assert settings.opt_in["Environment"] == name


def test_off_leaves_all_of_it_out(declared: Declared) -> None:
    template = declared({}, **DEV, cleanup=False).template("operations")
    assert {resource["Type"] for resource in template["Resources"].values()} == {"AWS::CloudWatch::Dashboard"}
    assert "IdleEndpoints" not in json.dumps(template)


def test_its_log_is_kept_for_three_months_and_its_dead_letters_are_encrypted(synthesized: Synthesized) -> None:
    assembly = synthesized("dev")
    log = assembly.only("operations", "AWS::Logs::LogGroup")
    assert (log["LogGroupName"], log["RetentionInDays"]) == (f"/aws/lambda/{NAME}", 90)
    assert "LogGroup" in function(assembly)["LoggingConfig"]
    queue = assembly.only("operations", "AWS::SQS::Queue")
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 14 * 86400
    (denied,) = assembly.only("operations", "AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Action"]) == ("Deny", "sqs:*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    dead_letters, _ = function(assembly)["DeadLetterConfig"]["TargetArn"]["Fn::GetAtt"]
    assert assembly.template("operations")["Resources"][dead_letters]["Type"] == "AWS::SQS::Queue"


# -- when it runs


def test_each_task_has_a_schedule_with_tries_and_dead_letters(declared: Declared) -> None:
    assembly = declared({}, **DEV, cleanup={"at": "rate(12 hours)", "timezone": "Europe/Berlin"})
    found = {
        s["Properties"]["Name"]: s["Properties"] for s in assembly.resources("operations", "AWS::Scheduler::Schedule")
    }
    assert set(found) == {"endpoints", "revisions"}
    for name, schedule in found.items():
        target = schedule["Target"]
        assert json.loads(target["Input"]) == {"task": name}
        assert (schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"]) == (
            "rate(12 hours)",
            "Europe/Berlin",
        )
        assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 3}
        assert set(target["DeadLetterConfig"]) == {"Arn"}
    assert assembly.only("operations", "AWS::Scheduler::ScheduleGroup")["Name"] == NAME


def test_the_tasks_are_those_that_the_handler_knows(synthesized: Synthesized) -> None:
    world = World()
    for schedule in synthesized("dev").resources("operations", "AWS::Scheduler::Schedule"):
        task = json.loads(schedule["Properties"]["Target"]["Input"])["task"]
        assert handler.perform(task, world.run())["task"] == task


def test_the_schedules_may_invoke_this_function_and_give_up_to_its_queue_only(synthesized: Synthesized) -> None:
    assembly = synthesized("dev")
    (trust,) = role_of(assembly, "scheduler.amazonaws.com")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {
        "StringEquals": {
            "aws:SourceAccount": ACCOUNT,
            "aws:SourceArn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{NAME}",
        }
    }
    resources = assembly.template("operations")["Resources"]
    found = {
        statement["Action"]: resources[statement["Resource"]["Fn::GetAtt"][0]]["Type"]
        for statement in statements(assembly, "scheduler.amazonaws.com")
    }
    assert found == {"lambda:InvokeFunction": "AWS::Lambda::Function", "sqs:SendMessage": "AWS::SQS::Queue"}


# -- who hears of it


def test_errors_dead_letters_and_two_days_without_a_run_are_told_to_the_topic(synthesized: Synthesized) -> None:
    found = alarms(synthesized("dev"))
    assert set(found) == {"errors", "dead-letters", "no-run"}
    for alarm in found.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [TOPIC]
    assert found["errors"]["Dimensions"] == [{"Name": "FunctionName", "Value": NAME}]
    assert found["dead-letters"]["Dimensions"] == [{"Name": "QueueName", "Value": f"{NAME}-dead-letters"}]
    for name in ("errors", "dead-letters"):
        assert (found[name]["Threshold"], found[name]["TreatMissingData"]) == (0, "notBreaching")
    late = found["no-run"]
    runs, filled = late["Metrics"]
    assert runs["MetricStat"]["Period"] * late["EvaluationPeriods"] == 2 * 86400
    assert (runs["ReturnData"], filled["ReturnData"], filled["Expression"]) == (False, True, "FILL(runs, 0)")
    assert (late["ComparisonOperator"], late["Threshold"], late["TreatMissingData"]) == (
        "LessThanThreshold",
        1,
        "breaching",
    )


def embedded(assembly: Assembly) -> tuple[str, list[dict[str, str]], set[str]]:
    """Namespace, dimensions and names of the metrics that a run of the deployed settings writes."""
    settings = Settings.read(variables(assembly))
    record: Any = handler.perform("endpoints", World().run(**vars(settings)))
    (described,) = record["_aws"]["CloudWatchMetrics"]
    (keys,) = described["Dimensions"]
    dimensions = [{"Name": key, "Value": record[key]} for key in keys]
    return described["Namespace"], dimensions, {metric["Name"] for metric in described["Metrics"]}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_alarm_on_missing_runs_watches_what_a_run_writes(synthesized: Synthesized, name: str) -> None:
    assembly = synthesized(name)
    watched = alarms(assembly)["no-run"]["Metrics"][0]["MetricStat"]["Metric"]
    namespace, dimensions, metrics = embedded(assembly)
    assert (watched["Namespace"], watched["Dimensions"]) == (namespace, dimensions)
    assert watched["MetricName"] in metrics


def test_the_environments_dashboard_shows_what_a_run_writes(synthesized: Synthesized) -> None:
    assembly = synthesized("dev")
    body = json.loads(assembly.only("operations", "AWS::CloudWatch::Dashboard")["DashboardBody"])
    (graph,) = [w["properties"] for w in body["widgets"] if w["properties"]["title"].startswith("Idle endpoints")]
    namespace, dimensions, metrics = embedded(assembly)
    whole = [part for dimension in dimensions for part in (dimension["Name"], dimension["Value"])]
    for line in graph["metrics"]:
        assert line[0] == namespace
        assert line[1] in metrics
        assert line[2:-1] == whole


# -- what it may do


@pytest.fixture
def policy(synthesized: Synthesized) -> list[Statement]:
    """The policy of development, so that a test may change it."""
    return copy.deepcopy(statements(synthesized("dev")))


def around() -> list[Request]:
    """What the services ask of the role besides the calls of the code: to log, to encrypt a notice, to give up."""
    log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{NAME}:log-stream:2025/06/02/[$LATEST]1"
    through_sns: Context = {
        "kms:ResourceAliases": ["alias/rc-project-a-dev"],
        "kms:ViaService": f"sns.{REGION}.amazonaws.com",
    }
    return [
        Request("logs:CreateLogStream", log),
        Request("logs:PutLogEvents", log),
        Request("kms:GenerateDataKey", KEY, through_sns),
        Request("kms:Decrypt", KEY, through_sns),
        Request("sqs:SendMessage", QUEUE),
    ]


def scenario(found: Sequence[Statement]) -> tuple[list[object], list[str], tuple[object, ...]]:
    """Run both tasks on two days under a policy: what failed, which actions were refused, and what is left."""
    world = everything()
    for tags in (one.tags for there in (world.resources, world.stacks) for one in there.values()):
        tags["Project"] = "project-a"
    failures, role = two_days(world, list(found))
    refused = [request.action for request in around() if evaluate(found, request) is not Decision.ALLOWED]
    return failures, [*dict.fromkeys(action for action, _ in role.denied), *refused], outcome(world)


def test_with_the_deployed_role_everything_succeeds(policy: list[Statement]) -> None:
    failures, denied, (_, stacks, records, notices) = scenario(policy)
    assert (failures, denied) == ([], [])
    assert len(records) == 3  # type: ignore[arg-type]
    assert stacks == set()
    assert notices


def test_without_any_single_action_something_is_refused(policy: list[Statement]) -> None:
    every = actions(policy)
    assert len(every) == len(set(every))
    for action in every:
        less = [
            {**statement, "Action": [one for one in listed(statement["Action"]) if one != action]}
            for statement in policy
        ]
        _, denied, _ = scenario(less)
        assert denied == [action]


@pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in calls()])
@pytest.mark.parametrize(
    "tags",
    [
        pytest.param({**TAGS, "Environment": "prod"}, id="production"),
        pytest.param({**TAGS, "Project": "project-b"}, id="another project of the account"),
        pytest.param({**TAGS, "slipway:disposable": "false"}, id="not disposable"),
    ],
)
def test_what_is_not_this_environments_and_disposable_is_refused_even_if_the_code_asks(
    policy: list[Statement], call: Callable[..., object], tags: dict[str, str]
) -> None:
    world = of_tags(tags)
    world.authorize = Role(world, policy).authorize
    with pytest.raises(ClientError, match="not authorized to perform"):
        call(world.run())


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_outside_development_the_role_has_nothing_to_change_anything_with(synthesized: Synthesized, name: str) -> None:
    found = actions(statements(synthesized(name)))
    own = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}
    assert own < set(found)
    verbs = [action.partition(":")[2] for action in found if action not in own]
    assert verbs
    assert all(verb.startswith(("Get", "List", "Describe")) for verb in verbs), found


def test_whatever_deletes_has_conditions_on_the_tags_of_this_environment(policy: list[Statement]) -> None:
    deleting = [s for s in policy if any(":De" in a and ":Describe" not in a for a in listed(s["Action"]))]
    assert {a for s in deleting for a in listed(s["Action"])} >= {"cloudformation:DeleteStack", "kms:Decrypt"}
    for statement in deleting:
        if statement["Sid"] == "EncryptNotices":
            continue
        wanted = {f"aws:ResourceTag/{key}": TAGS[key] for key in ("Environment", "Project", "Team")}
        assert wanted.items() <= statement["Condition"]["StringEquals"].items(), statement["Sid"]


def test_the_key_is_used_for_notices_only(policy: list[Statement]) -> None:
    alias: Context = {"kms:ResourceAliases": ["alias/rc-project-a-dev"]}
    service: Context = {"kms:ViaService": f"sns.{REGION}.amazonaws.com"}
    assert evaluate(policy, Request("kms:Decrypt", KEY, {**alias, **service})) is Decision.ALLOWED
    for context in (alias, service, {**alias, "kms:ViaService": f"s3.{REGION}.amazonaws.com"}):
        assert evaluate(policy, Request("kms:Decrypt", KEY, context)) is Decision.IMPLICITLY_DENIED


def test_an_endpoint_as_it_is_deployed_is_one_that_the_role_may_remove(
    synthesized: Synthesized, policy: list[Statement], root: Path
) -> None:
    """The tags of the deployed endpoint and its stack, on the fake, under the deployed role."""
    assembly = synthesized("dev")
    tags = {tag["Key"]: tag["Value"] for tag in assembly.only("iris", "AWS::SageMaker::Endpoint")["Tags"]}
    manifest = json.loads((assembly.folder / "manifest.json").read_text())
    environment = load(root / "config", "dev").environment
    stack = environment.names.stack("iris")
    on_stack = manifest["artifacts"][stack]["properties"]["tags"]
    world = World()
    world.endpoint(environment.names.endpoint("iris"), tags, stack=stack)
    world.stacks[stack].tags = on_stack
    settings = Settings.read(variables(assembly))
    world.authorize = Role(world, policy).authorize
    world.age(settings.window + settings.grace)
    handler.perform("endpoints", world.run(**vars(settings)))
    assert stack in world.stacks
    world.age(settings.grace)
    record: Any = handler.perform("endpoints", world.run(**vars(settings)))
    assert record["failures"] == {}
    assert [one["endpoint"] for one in record["deleted"]] == [environment.names.endpoint("iris")]
    assert set(world.parameters) == {f"{RECORDS}/{environment.names.endpoint('iris')}"}
