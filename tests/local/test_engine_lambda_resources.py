"""The resource types of a function and of what stands around it: made, changed in place, working together."""

import json
from typing import Any

import pytest

from slipway.local import steering
from tests.local.conftest import ACCOUNT, REGION, LocalAws, Stack
from tests.local.hosting import eventually, metric
from tests.local.test_engine_lambda import packed
from tests.local.test_engine_resources import as_map, deploy, policy, resource, tags, trust

ROLE = resource("AWS::IAM::Role", AssumeRolePolicyDocument=trust("lambda"))
BUCKET = "assets-of-functions"


def function(code: str = "def handler(e, c): return 1", **settings: Any) -> dict[str, Any]:
    return resource(
        "AWS::Lambda::Function",
        **{
            "Code": {"ZipFile": code},
            "Handler": "index.handler",
            "Runtime": "python3.13",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            **settings,
        },
    )


def asset(local_aws: LocalAws, key: str, **files: str) -> dict[str, str]:
    """Upload an archive as `cdk deploy` does; return a function's code."""
    s3 = local_aws.client("s3")
    if BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=BUCKET, Key=key, Body=packed({name.replace("__", "."): text for name, text in files.items()}))
    return {"S3Bucket": BUCKET, "S3Key": key}


def ask(local_aws: LocalAws, name: str) -> Any:
    return json.loads(local_aws.client("lambda").invoke(FunctionName=name)["Payload"].read())


def test_a_function_runs_the_asset_that_was_deployed_last(stack: Stack, local_aws: LocalAws) -> None:
    for number in (1, 2):
        code = asset(local_aws, f"{stack.name}-{number}.zip", index__py=f"def handler(e, c): return {number}")
        deploy(stack, Role=ROLE, F=function(Code=code))
        assert ask(local_aws, stack.physical_id("F")) == number


def test_settings_change_and_go_back_when_they_leave_the_template(stack: Stack, local_aws: LocalAws) -> None:
    queue = resource("AWS::SQS::Queue")
    group = resource("AWS::Logs::LogGroup", LogGroupName=f"/its/{stack.name}")
    full = function(
        Timeout=60,
        MemorySize=256,
        Description="what for",
        Architectures=["arm64"],
        Environment={"Variables": {"A": "1"}},
        EphemeralStorage={"Size": 1024},
        TracingConfig={"Mode": "Active"},
        DeadLetterConfig={"TargetArn": {"Fn::GetAtt": ["Q", "Arn"]}},
        LoggingConfig={"LogGroup": {"Ref": "G"}},
        ReservedConcurrentExecutions=1,
    )
    client = local_aws.client("lambda")

    def found() -> dict[str, Any]:
        answer: dict[str, Any] = client.get_function(FunctionName=stack.physical_id("F"))
        return {**answer["Configuration"], **answer.get("Concurrency", {})}

    deploy(stack, Role=ROLE, Q=queue, G=group, F=full)
    made = found()
    deploy(stack, Role=ROLE, Q=queue, G=group, F=function())
    plain = found()
    deploy(stack, Role=ROLE, Q=queue, G=group, F=full)
    again = found()
    for state in (made, again):
        assert (state["Timeout"], state["MemorySize"], state["Description"]) == (60, 256, "what for")
        assert (state["Architectures"], state["EphemeralStorage"]) == (["arm64"], {"Size": 1024})
        assert state["DeadLetterConfig"] == {"TargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue_name(stack)}"}
        assert state["LoggingConfig"] == {"LogGroup": f"/its/{stack.name}"}
        assert (state["TracingConfig"], state["ReservedConcurrentExecutions"]) == ({"Mode": "Active"}, 1)
        assert state["Environment"]["Variables"] == {"A": "1"}
    assert (plain["Timeout"], plain["MemorySize"], plain["Description"]) == (3, 128, "")
    assert (plain["Architectures"], plain["EphemeralStorage"]) == (["x86_64"], {"Size": 512})
    assert plain["TracingConfig"] == {"Mode": "PassThrough"}
    assert not {"DeadLetterConfig", "LoggingConfig", "Environment", "ReservedConcurrentExecutions"} & plain.keys()


def queue_name(stack: Stack) -> str:
    return stack.physical_id("Q").rsplit("/", 1)[-1]


def test_versions_count_up_and_the_alias_follows(stack: Stack, local_aws: LocalAws) -> None:
    found = []
    for number in (1, 2, 3):
        # The CDK gives a version a new logical id with each change of its function.
        deploy(
            stack,
            Role=ROLE,
            F=function(f"def handler(e, c): return {number}"),
            **{f"V{number}": resource("AWS::Lambda::Version", FunctionName={"Ref": "F"})},
            A=resource(
                "AWS::Lambda::Alias",
                Name="live",
                FunctionName={"Ref": "F"},
                FunctionVersion={"Fn::GetAtt": [f"V{number}", "Version"]},
            ),
        )
        found.append((ask(local_aws, stack.physical_id("A")), stack.physical_id(f"V{number}").rsplit(":", 1)[-1]))
    assert found == [(1, "1"), (2, "2"), (3, "3")]
    versions = local_aws.client("lambda").list_versions_by_function(FunctionName=stack.physical_id("F"))["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "3"]


def test_a_layer_version_is_imported_from(stack: Stack, local_aws: LocalAws) -> None:
    def resources(value: int) -> dict[str, dict[str, Any]]:
        content = asset(local_aws, f"{stack.name}-{value}.zip", **{"python/extra__py": f"VALUE = {value}"})
        return {
            "Role": ROLE,
            "L": resource("AWS::Lambda::LayerVersion", Content=content),
            "F": function("import extra\ndef handler(e, c): return extra.VALUE", Layers=[{"Ref": "L"}]),
        }

    for value in (1, 2):
        deploy(stack, **resources(value))
        assert ask(local_aws, stack.physical_id("F")) == value
    stack.delete()
    layers = local_aws.client("lambda").list_layers()["Layers"]
    assert not [layer for layer in layers if stack.name in layer["LayerName"]]


def test_what_becomes_of_events_is_configured(stack: Stack, local_aws: LocalAws) -> None:
    def resources(retries: int) -> dict[str, dict[str, Any]]:
        destination = {"OnFailure": {"Destination": {"Fn::GetAtt": ["Q", "Arn"]}}}
        return {
            "Role": ROLE,
            "Q": resource("AWS::SQS::Queue"),
            "F": function("def handler(e, c): raise ValueError"),
            "E": resource(
                "AWS::Lambda::EventInvokeConfig",
                FunctionName={"Ref": "F"},
                Qualifier="$LATEST",
                MaximumRetryAttempts=retries,
                DestinationConfig=destination,
            ),
        }

    deploy(stack, **resources(2))
    deploy(stack, **resources(0))
    client, sqs = local_aws.client("lambda"), local_aws.client("sqs")
    client.invoke(FunctionName=stack.physical_id("F"), InvocationType="Event")
    url = stack.physical_id("Q")
    (message,) = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages", []), seconds=20)
    assert json.loads(message["Body"])["requestContext"]["approximateInvokeCount"] == 1
    deploy(stack, **{name: item for name, item in resources(0).items() if name != "E"})
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function_event_invoke_config(FunctionName=stack.physical_id("F"))


def test_events_of_an_alias_have_no_configuration_of_their_own(stack: Stack) -> None:
    config = resource("AWS::Lambda::EventInvokeConfig", FunctionName={"Ref": "F"}, Qualifier="live")
    stack.deploy({"Role": ROLE, "F": function(), "E": config})
    assert "one configuration of events for each function, that of $LATEST, none for live" in stack.reasons()


def test_a_metric_filter_counts_what_matches(stack: Stack, local_aws: LocalAws) -> None:
    def resources(pattern: str) -> dict[str, dict[str, Any]]:
        transformation = {"MetricName": "found", "MetricNamespace": stack.name, "MetricValue": "1"}
        return {
            "G": resource("AWS::Logs::LogGroup"),
            "M": resource(
                "AWS::Logs::MetricFilter",
                LogGroupName={"Ref": "G"},
                FilterPattern=pattern,
                MetricTransformations=[transformation],
            ),
        }

    logs = local_aws.client("logs")

    def put(*messages: str) -> float:
        group = stack.physical_id("G")
        if not logs.describe_log_streams(logGroupName=group)["logStreams"]:
            logs.create_log_stream(logGroupName=group, logStreamName="s")
        now = int(steering.clock(local_aws.url).now.timestamp() * 1000)
        events = [{"timestamp": now, "message": message} for message in messages]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
        return sum(metric(local_aws, "found", "Sum", stack.name))

    deploy(stack, **resources("ERROR"))
    assert put("ERROR one", "all is well", "[ERROR] two") == 2
    deploy(stack, **resources('?FATAL ?"went wrong" -harmless'))
    assert put("ERROR", "FATAL", "it went wrong", "it went wrong, harmless") == 4
    assert len(logs.describe_metric_filters(logGroupName=stack.physical_id("G"))["metricFilters"]) == 1
    stack.delete()
    assert logs.describe_metric_filters(filterNamePrefix=stack.name)["metricFilters"] == []


def test_a_pattern_that_would_never_count_is_refused(stack: Stack) -> None:
    transformation = {"MetricName": "found", "MetricNamespace": "N", "MetricValue": "1"}
    stack.deploy(
        {
            "G": resource("AWS::Logs::LogGroup"),
            "M": resource(
                "AWS::Logs::MetricFilter",
                LogGroupName={"Ref": "G"},
                FilterPattern="{ $.level = ERROR }",
                MetricTransformations=[transformation],
            ),
        }
    )
    assert "matches terms and phrases only" in stack.reasons()


def test_an_alarm_on_a_queue_sees_its_messages(stack: Stack, local_aws: LocalAws) -> None:
    alarm = resource(
        "AWS::CloudWatch::Alarm",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": {"Fn::GetAtt": ["Q", "QueueName"]}}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=2,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    deploy(stack, Q=resource("AWS::SQS::Queue"), A=alarm)
    sqs, url = local_aws.client("sqs"), stack.physical_id("Q")

    def state() -> str:
        found = local_aws.client("cloudwatch").describe_alarms(AlarmNames=[stack.physical_id("A")])
        return str(found["MetricAlarms"][0]["StateValue"])

    def visible() -> list[float]:
        where = {"QueueName": queue_name(stack)}
        return metric(local_aws, "ApproximateNumberOfMessagesVisible", "Sum", "AWS/SQS", **where)

    sqs.send_message(QueueUrl=url, MessageBody="one")
    assert state() == "OK"
    sqs.send_message(QueueUrl=url, MessageBody="two")
    assert state() == "ALARM"
    assert visible() in ([2], [3])  # one datapoint a minute, the latest; a minute may have passed between them
    for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    hidden = metric(
        local_aws, "ApproximateNumberOfMessagesNotVisible", "Minimum", "AWS/SQS", QueueName=queue_name(stack)
    )
    assert hidden == [0]


def test_what_a_scheduled_function_takes_works_together(stack: Stack, local_aws: LocalAws) -> None:
    """All that a construct of a scheduled function brings: role, queue, log group, schedule, alarms."""
    arn = {"Fn::GetAtt": ["F", "Arn"]}
    parameter = f"/{stack.name}/done"
    code = (
        "import boto3, os\n"
        "def handler(e, c):\n"
        " boto3.client('ssm').put_parameter(Name=os.environ['NAME'], Value=e['task'], Type='String')\n"
    )
    caller = resource(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument=trust("scheduler"),
        Policies=[{"PolicyName": "p", "PolicyDocument": policy("lambda:InvokeFunction")}],
    )
    deploy(
        stack,
        Role=ROLE,
        Rights=resource(
            "AWS::IAM::Policy", PolicyName="p", PolicyDocument=policy("ssm:PutParameter"), Roles=[{"Ref": "Role"}]
        ),
        Q=resource("AWS::SQS::Queue", Tags=tags(a="1")),
        QP=resource("AWS::SQS::QueuePolicy", Queues=[{"Ref": "Q"}], PolicyDocument=policy("sqs:SendMessage")),
        G=resource("AWS::Logs::LogGroup", LogGroupName=f"/aws/lambda/{stack.name}", RetentionInDays=30),
        F=function(code, FunctionName=stack.name, Environment={"Variables": {"NAME": parameter}}, Timeout=30),
        P=resource(
            "AWS::Lambda::Permission",
            FunctionName=arn,
            Action="lambda:InvokeFunction",
            Principal="scheduler.amazonaws.com",
        ),
        Caller=caller,
        SG=resource("AWS::Scheduler::ScheduleGroup", Name=stack.name),
        S=resource(
            "AWS::Scheduler::Schedule",
            Name="daily",
            GroupName={"Ref": "SG"},
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
            Target={
                "Arn": arn,
                "RoleArn": {"Fn::GetAtt": ["Caller", "Arn"]},
                "Input": '{"task": "endpoints"}',
                "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Q", "Arn"]}},
                "RetryPolicy": {"MaximumRetryAttempts": 2},
            },
        ),
    )
    assert as_map_of_queue(local_aws, stack.physical_id("Q")) == {"a": "1"}
    steering.fire_schedule(local_aws.url, ACCOUNT, REGION, "daily", stack.name)
    ssm = local_aws.client("ssm")

    def done() -> list[str]:
        found = ssm.get_parameters_by_path(Path=f"/{stack.name}")["Parameters"]
        return [item["Value"] for item in found]

    assert eventually(done, seconds=20) == ["endpoints"]
    runs = eventually(lambda: metric(local_aws, "Invocations", "Sum", "AWS/Lambda", FunctionName=stack.name))
    assert runs == [1]


def as_map_of_queue(local_aws: LocalAws, url: str) -> dict[str, str]:
    found = local_aws.client("sqs").list_queue_tags(QueueUrl=url)["Tags"]
    return as_map([{"Key": key, "Value": value} for key, value in found.items()])
