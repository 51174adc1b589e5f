"""Functions that run: what was deployed is invoked, logs, is measured, retried and ended."""

import base64
import io
import itertools
import json
import os
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from slipway.local import control
from tests.local.conftest import ACCOUNT, OTHER_ACCOUNT, REGION, LocalAws
from tests.local.hosting import eventually, metric
from tests.local.test_engine_resources import trust

HELLO = "def handler(event, context): return {'hello': event.get('name')}"

_numbers = itertools.count()


def packed(files: Mapping[str, str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        for name, text in files.items():
            target.writestr(name, text)
    return archive.getvalue()


class Function:
    """A function of one test."""

    def __init__(self, local_aws: LocalAws, account: str = ACCOUNT) -> None:
        self.aws, self.account, self.name = local_aws, account, f"function-{next(_numbers)}"
        self.api = local_aws.client("lambda", account=account)
        self.role = f"{self.name}-role"
        local_aws.client("iam", account=account).create_role(
            RoleName=self.role, AssumeRolePolicyDocument=json.dumps(trust("lambda"))
        )

    def create(self, code: str | Mapping[str, str] = HELLO, **settings: Any) -> "Function":
        files = {"index.py": code} if isinstance(code, str) else code
        self.api.create_function(
            FunctionName=self.name,
            Role=f"arn:aws:iam::{self.account}:role/{self.role}",
            Code={"ZipFile": packed(files)},
            **{"Runtime": "python3.13", "Handler": "index.handler", "Timeout": 10, **settings},
        )
        return self

    def invoke(self, event: Any = None, **options: Any) -> dict[str, Any]:
        payload = {} if event is None else {"Payload": json.dumps(event)}
        answer: dict[str, Any] = self.api.invoke(**{"FunctionName": self.name, **payload, **options})
        return answer

    def ask(self, event: Any = None, **options: Any) -> Any:
        """Invoke it and return what it answers."""
        answer = self.invoke(event, **options)
        content = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, content
        return content

    def fail(self, event: Any = None) -> dict[str, Any]:
        """Invoke it and return the error."""
        answer = self.invoke(event)
        assert answer["FunctionError"] == "Unhandled"
        content: dict[str, Any] = json.loads(answer["Payload"].read())
        return content

    def log(self, group: str | None = None) -> list[str]:
        client = self.aws.client("logs", account=self.account)
        events = client.filter_log_events(logGroupName=group or f"/aws/lambda/{self.name}")["events"]
        return [event["message"] for event in events]

    def metric(self, name: str, statistic: str = "Sum") -> float:
        return sum(metric(self.aws, name, statistic, "AWS/Lambda", FunctionName=self.name))


@pytest.fixture
def function(local_aws: LocalAws) -> Function:
    return Function(local_aws)


# -- what it answers, and sees


def test_a_function_answers_what_its_handler_returns(function: Function) -> None:
    answer = function.create().invoke({"name": "you"})
    assert json.loads(answer["Payload"].read()) == {"hello": "you"}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer
    assert "LogResult" not in answer


def test_it_runs_in_a_process_of_its_own_each_time(function: Function) -> None:
    function.create("import os\nseen = []\ndef handler(e, c):\n seen.append(1)\n return [os.getpid(), len(seen)]")
    (first, one), (second, other) = function.ask(), function.ask()
    assert first != second
    assert one == other == 1


def test_no_payload_is_the_empty_event(function: Function) -> None:
    assert function.create("def handler(event, context): return event").ask() == {}


def test_the_context_tells_what_the_service_tells(function: Function) -> None:
    function.create(
        "def handler(event, context):\n"
        " told = {k: v for k, v in vars(context).items() if isinstance(v, str)}\n"
        " return {**told, 'left': context.get_remaining_time_in_millis()}",
        MemorySize=256,
        Timeout=7,
    )
    answer = function.invoke()
    told = json.loads(answer["Payload"].read())
    assert 6000 < told.pop("left") <= 7000
    assert told.pop("log_stream_name").split("[")[1].startswith("$LATEST]")
    assert told == {
        "function_name": function.name,
        "function_version": "$LATEST",
        "invoked_function_arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function.name}",
        "memory_limit_in_mb": "256",
        "aws_request_id": answer["ResponseMetadata"]["RequestId"],
        "log_group_name": f"/aws/lambda/{function.name}",
    }


def test_it_sees_its_variables_and_its_region_and_nothing_of_the_machine(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_MACHINE", "x")
    function.create("import os\ndef handler(e, c): return dict(os.environ)", Environment={"Variables": {"MINE": "1"}})
    seen = function.ask()
    assert (seen["MINE"], seen["AWS_REGION"], seen["AWS_LAMBDA_FUNCTION_NAME"]) == ("1", REGION, function.name)
    assert (seen["TZ"], seen["AWS_EXECUTION_ENV"]) == (":UTC", "AWS_Lambda_python3.13")
    assert not {"HOME", "OF_THE_MACHINE", "PYTHONPATH", "VIRTUAL_ENV"} & seen.keys()


@pytest.mark.parametrize("account", [ACCOUNT, OTHER_ACCOUNT])
def test_its_calls_come_from_its_role_in_its_account(local_aws: LocalAws, account: str) -> None:
    function = Function(local_aws, account).create(
        "import boto3\n"
        "def handler(e, c):\n"
        " found = boto3.client('sts').get_caller_identity()\n"
        " boto3.client('sns').create_topic(Name=c.function_name)\n"
        " return [found['Account'], found['Arn']]"
    )
    assert function.ask() == [account, f"arn:aws:sts::{account}:assumed-role/{function.role}/{function.name}"]
    topics = local_aws.client("sns", account=account).list_topics()["Topics"]
    assert f"arn:aws:sns:{REGION}:{account}:{function.name}" in [topic["TopicArn"] for topic in topics]


def test_an_archive_brings_modules_and_files(function: Function) -> None:
    function.create(
        {
            "pkg/__init__.py": "",
            "pkg/handler.py": "from pkg import data\ndef run(e, c): return data.VALUE + open('note.txt').read()",
            "pkg/data.py": "VALUE = 'a'",
            "note.txt": "b",
        },
        Handler="pkg.handler.run",
    )
    assert function.ask() == "ab"


def test_new_code_and_settings_hold_from_the_next_call(function: Function) -> None:
    function.create(Environment={"Variables": {"V": "1"}})
    code = "import os\ndef handler(e, c): return [os.environ.get('V'), c.memory_limit_in_mb]"
    function.api.update_function_code(FunctionName=function.name, ZipFile=packed({"index.py": code}))
    assert function.ask() == ["1", "128"]
    function.api.update_function_configuration(
        FunctionName=function.name, MemorySize=512, Environment={"Variables": {"V": "2"}}
    )
    assert function.ask() == ["2", "512"]


def test_versions_and_aliases_run_the_code_that_was_published(function: Function) -> None:
    function.create("def handler(e, c): return [1, c.function_version, c.invoked_function_arn.split(':', 6)[6]]")
    function.api.publish_version(FunctionName=function.name)
    function.api.create_alias(FunctionName=function.name, Name="live", FunctionVersion="1")
    code = "def handler(e, c): return 2"
    function.api.update_function_code(FunctionName=function.name, ZipFile=packed({"index.py": code}))
    assert function.ask() == 2
    assert function.ask(Qualifier="1") == [1, "1", f"{function.name}:1"]
    assert function.ask(Qualifier="live") == [1, "1", f"{function.name}:live"]
    assert function.ask(FunctionName=f"{function.name}:live") == [1, "1", f"{function.name}:live"]
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function.name}"
    assert function.ask(FunctionName=arn) == 2


def test_a_dry_run_runs_nothing(function: Function) -> None:
    assert function.create().invoke(InvocationType="DryRun")["StatusCode"] == 204
    assert function.metric("Invocations") == 0


def test_a_function_that_does_not_exist_is_not_found(function: Function) -> None:
    with pytest.raises(ClientError, match=f"Function not found: .*{function.name}") as caught:
        function.invoke()
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_an_event_that_is_no_json_is_refused(function: Function) -> None:
    with pytest.raises(ClientError, match="Could not parse request body into json"):
        function.create().invoke(Payload=b"{")


@pytest.mark.parametrize(("settings", "text"), [({"Runtime": "nodejs22.x"}, "nodejs22.x")])
def test_other_runtimes_are_refused_by_name(function: Function, settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ClientError, match=f"runs Python functions from archives, not {text}"):
        function.create(**settings).invoke()


# -- how it fails


def test_what_the_handler_raises_is_the_answer(function: Function) -> None:
    function.create("def handler(e, c):\n    check(e)\ndef check(e):\n    raise KeyError('x')")
    error = function.fail()
    assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'x'")
    assert [line.split(", in ")[1].split("\n")[0] for line in error["stackTrace"]] == ["handler", "check"]
    assert error["requestId"] in function.log()[0]
    logged = next(line for line in function.log() if line.startswith("[ERROR]"))
    assert logged.startswith("[ERROR] KeyError: 'x'\nTraceback (most recent call last):\n")
    assert "check(e)" in logged


@pytest.mark.parametrize(
    ("code", "handler", "kind", "message"),
    [
        ("import pydantic", "index.handler", "Runtime.ImportModuleError", "No module named 'pydantic'"),
        ("import slipway", "index.handler", "Runtime.ImportModuleError", "No module named 'slipway'"),
        ("", "missing.handler", "Runtime.ImportModuleError", "Unable to import module 'missing'"),
        ("", "index.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'index'"),
        ("", "index", "Runtime.MalformedHandlerName", "Bad handler 'index'"),
        ("def f(:", "index.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'index'"),
        ("1 / 0", "index.handler", "ZeroDivisionError", "division by zero"),
        ("def handler(e, c): return {1, 2}", "index.handler", "Runtime.MarshalError", "Unable to marshal response"),
        ("import os\ndef handler(e, c): os._exit(3)", "index.handler", "Runtime.ExitError", "exit status 3"),
        (
            "import os\ndef handler(e, c): os.kill(os.getpid(), 9)",
            "index.handler",
            "Runtime.ExitError",
            "signal: killed",
        ),
    ],
)
def test_each_way_to_fail_has_the_services_name(
    function: Function, code: str, handler: str, kind: str, message: str
) -> None:
    error = function.create(code, Handler=handler).fail()
    assert error["errorType"] == kind
    assert message in error["errorMessage"]


def test_a_function_is_ended_at_its_timeout(function: Function) -> None:
    function.create("import time\ndef handler(e, c):\n print('begun')\n time.sleep(60)", Timeout=1)
    begin = time.monotonic()
    error = function.fail()
    assert time.monotonic() - begin < 10
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    log = function.log()
    assert "begun" in log
    assert any(line.endswith(" Task timed out after 1.00 seconds") for line in log)
    assert log[-1].endswith("Status: timeout")


# -- what it leaves behind


def test_what_it_prints_and_logs_is_in_its_log_group(function: Function) -> None:
    function.create(
        "import logging, sys\n"
        "def handler(e, c):\n"
        " print('one\\ntwo')\n"
        " print('three', file=sys.stderr)\n"
        " logging.getLogger().setLevel('INFO')\n"
        " logging.getLogger('x').info('four\\nfive')",
    )
    request = function.invoke()["ResponseMetadata"]["RequestId"]
    start, *lines, record, end, report = function.log()
    assert start == f"START RequestId: {request} Version: $LATEST"
    assert lines == ["one", "two", "three"]
    level, _, its_request, message = record.split("\t")
    assert (level, its_request, message) == ("[INFO]", request, "four\nfive")
    assert end == f"END RequestId: {request}"
    fields = dict(field.split(": ", 1) for field in report.split("\t"))
    assert fields["REPORT RequestId"] == request
    assert fields["Memory Size"] == "128 MB"
    assert float(fields["Duration"].removesuffix(" ms")) < float(fields["Billed Duration"].removesuffix(" ms"))


def test_durations_tell_imports_from_the_handler(function: Function) -> None:
    function.create("import time\ntime.sleep(0.5)\ndef handler(e, c): time.sleep(0.2)").ask()
    fields = dict(field.split(": ", 1) for field in function.log()[-1].split("\t"))
    imports, handler = (float(fields[name].removesuffix(" ms")) for name in ("Init Duration", "Duration"))
    assert imports >= 500
    assert 200 <= handler < imports
    assert function.metric("Duration", "Average") == pytest.approx(handler, abs=0.01)


def test_the_tail_of_the_log_comes_with_the_answer(function: Function) -> None:
    function.create("def handler(e, c): print('x' * 5000 + 'end')")
    tail = base64.b64decode(function.invoke(LogType="Tail")["LogResult"]).decode()
    assert len(tail) == 4096
    assert "xend\nEND RequestId" in tail
    assert tail.endswith("MB\n") or "Init Duration" in tail


def test_memory_is_what_the_process_took(function: Function) -> None:
    function.create("def handler(e, c):\n held = bytearray(e['mb'] * 2**20)\n return len(held)")

    def used(mb: int) -> int:
        tail = base64.b64decode(function.invoke({"mb": mb}, LogType="Tail")["LogResult"]).decode()
        return int(tail.split("Max Memory Used: ")[1].split(" MB")[0])

    small, large = used(1), used(101)
    assert 5 < small < 60
    assert 95 <= large - small <= 105


def test_it_logs_to_the_group_that_it_is_given(function: Function, local_aws: LocalAws) -> None:
    group = f"/its/own/{function.name}"
    local_aws.client("logs").create_log_group(logGroupName=group)
    function.create("def handler(e, c): return c.log_group_name", LoggingConfig={"LogGroup": group})
    assert function.ask() == group
    assert function.log(group)[0].startswith("START")
    config = function.api.get_function_configuration(FunctionName=function.name)
    assert config["LoggingConfig"]["LogGroup"] == group


def test_invocations_are_measured(function: Function) -> None:
    function.create("def handler(e, c):\n if e: raise ValueError")
    function.invoke()
    function.invoke()
    function.invoke({"fail": True})
    assert function.metric("Invocations") == 3
    assert function.metric("Errors") == 1
    assert function.metric("Throttles") == 0
    assert function.metric("Duration", "SampleCount") == 3


def test_an_alarm_on_errors_goes_off(function: Function, local_aws: LocalAws) -> None:
    cloudwatch = local_aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=function.name,
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": "FunctionName", "Value": function.name}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )

    def state() -> str:
        return str(cloudwatch.describe_alarms(AlarmNames=[function.name])["MetricAlarms"][0]["StateValue"])

    function.create("def handler(e, c): raise ValueError")
    assert state() == "OK"
    function.invoke()
    assert state() == "ALARM"


def test_embedded_metrics_are_published(function: Function, local_aws: LocalAws) -> None:
    directive = {
        "Namespace": function.name,
        "Dimensions": [["Environment"], []],
        "Metrics": [{"Name": "Deleted", "Unit": "Count"}, {"Name": "Sizes"}],
    }
    function.create(
        "import json, time\n"
        "def handler(e, c):\n"
        f" about = {{'Timestamp': int(time.time() * 1000), 'CloudWatchMetrics': [{directive}]}}\n"
        " print(json.dumps({'_aws': about, 'Environment': 'dev', 'Deleted': 3, 'Sizes': [1, 2]}))"
    )
    function.ask()
    assert metric(local_aws, "Deleted", "Sum", function.name, Environment="dev") == [3]
    assert metric(local_aws, "Deleted", "Sum", function.name) == [3]
    assert metric(local_aws, "Sizes", "Average", function.name, Environment="dev") == [1.5]


# -- concurrency


def test_above_its_reserved_concurrency_it_is_throttled(function: Function) -> None:
    function.create()
    function.api.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="Rate Exceeded") as caught:
        function.invoke()
    assert caught.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert (function.metric("Throttles"), function.metric("Invocations")) == (1, 0)
    function.api.delete_function_concurrency(FunctionName=function.name)
    assert function.ask({"name": "x"}) == {"hello": "x"}


# -- events


def queue(local_aws: LocalAws, name: str) -> tuple[str, Callable[[], list[dict[str, Any]]]]:
    """Return the ARN of a new queue, and what reads its messages."""
    sqs = local_aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]

    def received() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
        ).get("Messages", [])
        return found

    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", received


def starts(function: Function) -> list[str]:
    return [line for line in function.log() if line.startswith("START")]


def test_an_event_is_accepted_and_run_in_the_background(function: Function) -> None:
    function.create("import time\ndef handler(e, c):\n time.sleep(1)\n print('did', e)")
    begin = time.monotonic()
    answer = function.invoke({"a": 1}, InvocationType="Event")
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    assert time.monotonic() - begin < 0.9
    assert eventually(lambda: [line for line in function.log() if line == "did {'a': 1}"])


def test_an_event_that_fails_is_tried_three_times_and_goes_to_the_dead_letter_queue(
    function: Function, local_aws: LocalAws
) -> None:
    arn, received = queue(local_aws, f"{function.name}-dead")
    function.create("def handler(e, c): raise ValueError('never')", DeadLetterConfig={"TargetArn": arn})
    request = function.invoke({"a": 1}, InvocationType="Event")["ResponseMetadata"]["RequestId"]
    (message,) = eventually(received, seconds=20)
    assert json.loads(message["Body"]) == {"a": 1}
    attributes = {key: item["StringValue"] for key, item in message["MessageAttributes"].items()}
    assert attributes == {"RequestID": request, "ErrorCode": "200", "ErrorMessage": "never"}
    assert starts(function) == [f"START RequestId: {request} Version: $LATEST"] * 3
    assert (function.metric("Invocations"), function.metric("Errors")) == (3, 3)


def test_a_destination_is_told_of_failures(function: Function, local_aws: LocalAws) -> None:
    arn, received = queue(local_aws, f"{function.name}-failed")
    function.create("def handler(e, c): raise ValueError('never')")
    function.api.put_function_event_invoke_config(
        FunctionName=function.name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    function.invoke({"a": 1}, InvocationType="Event")
    record = json.loads(eventually(received, seconds=20)[0]["Body"])
    assert record["requestPayload"] == {"a": 1}
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestContext"]["functionArn"].endswith(f":function:{function.name}:$LATEST")
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorMessage"] == "never"
    assert len(starts(function)) == 1


def test_a_destination_is_told_of_successes(function: Function, local_aws: LocalAws) -> None:
    arn, received = queue(local_aws, f"{function.name}-done")
    function.create("def handler(e, c): return 'fine'")
    function.api.put_function_event_invoke_config(
        FunctionName=function.name, DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    function.invoke(InvocationType="Event")
    record = json.loads(eventually(received)[0]["Body"])
    assert (record["requestContext"]["condition"], record["responsePayload"]) == ("Success", "fine")
    assert "functionError" not in record["responseContext"]


def test_what_cannot_be_delivered_is_counted(function: Function) -> None:
    lost = f"arn:aws:sqs:{REGION}:{ACCOUNT}:no-such-queue"
    function.create("def handler(e, c): raise ValueError", DeadLetterConfig={"TargetArn": lost})
    function.api.put_function_event_invoke_config(
        FunctionName=function.name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": lost}},
    )
    function.invoke(InvocationType="Event")
    assert eventually(lambda: function.metric("DestinationDeliveryFailures"), seconds=20) == 1
    assert function.metric("DeadLetterErrors") == 1
    assert function.metric("AsyncEventsReceived") == function.metric("AsyncEventsDropped") == 1


def test_functions_end_with_the_server(home: Path) -> None:
    running = control.start(home, port=0)
    function = Function(LocalAws(running.url)).create(
        "import os, time\ndef handler(e, c):\n print('pid', os.getpid())\n time.sleep(300)", Timeout=300
    )
    function.invoke(InvocationType="Event")
    lines = eventually(lambda: [line for line in function.log() if line.startswith("pid ")])
    pid = int(lines[0].removeprefix("pid "))
    os.kill(pid, 0)
    control.stop(home)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_later_configuration_of_events_holds(function: Function) -> None:
    function.create()
    for attempts in (1, 0):
        function.api.put_function_event_invoke_config(FunctionName=function.name, MaximumRetryAttempts=attempts)
    function.api.update_function_event_invoke_config(FunctionName=function.name, MaximumEventAgeInSeconds=60)
    found = function.api.get_function_event_invoke_config(FunctionName=function.name)
    assert (found["MaximumRetryAttempts"], found["MaximumEventAgeInSeconds"]) == (0, 60)


def test_a_topic_runs_a_function(function: Function, local_aws: LocalAws) -> None:
    function.create("def handler(e, c): print(e['Records'][0]['Sns']['Message'])")
    sns = local_aws.client("sns")
    topic = sns.create_topic(Name=function.name)["TopicArn"]
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function.name}"
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="the news")
    assert eventually(lambda: "the news" in function.log())


# -- layers


def test_a_layer_brings_packages(function: Function) -> None:
    layer = function.api.publish_layer_version(
        LayerName=function.name, Content={"ZipFile": packed({"python/extra.py": "VALUE = 7"})}
    )["LayerVersionArn"]
    function.create("import extra\ndef handler(e, c): return extra.VALUE", Layers=[layer])
    assert function.ask() == 7


AWS_LAYER = f"arn:aws:lambda:{REGION}:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-x86_64:18"


def test_packages_of_a_layer_of_aws_are_those_of_this_environment(function: Function) -> None:
    function.create("import pydantic\ndef handler(e, c): return pydantic.VERSION.split('.')[0]", Layers=[AWS_LAYER])
    assert function.ask() == "2"
    config = function.api.get_function_configuration(FunctionName=function.name)
    assert [layer["Arn"] for layer in config["Layers"]] == [AWS_LAYER]


def test_a_package_of_a_layer_that_is_nowhere_is_explained(function: Function) -> None:
    error = function.create("import in_no_environment", Layers=[AWS_LAYER]).fail()
    assert "No module named 'in_no_environment'" in error["errorMessage"]
    assert f"cannot fetch the layer {AWS_LAYER}; install what it brings" in error["errorMessage"]


def test_the_projects_own_packages_are_no_layer(function: Function) -> None:
    error = function.create("import slipway", Layers=[AWS_LAYER]).fail()
    assert "No module named 'slipway'" in error["errorMessage"]


def test_a_layer_of_ones_own_that_is_not_there_is_refused(function: Function) -> None:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:none:1"
    with pytest.raises(ClientError, match=r"Layer version .*none:1 does not exist"):
        function.create(Layers=[arn])
