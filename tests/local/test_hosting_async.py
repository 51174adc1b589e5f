"""Asynchronous endpoints on the local AWS: objects, notifications, backlog, metrics."""

import base64
import itertools
import json
import re
import time
from typing import Any

import pytest

from tests.local import hosting as shared
from tests.local.conftest import ACCOUNT, REGION, Client, LocalAws, Stack
from tests.local.hosting import BUCKET, ECHO, ROLE, Hosting, eventually, failing, metric, metrics, unit

# fixtures
bucket, hosting, name = shared.bucket, shared.hosting, shared.name


class Asynchronous:
    """An asynchronous endpoint, with a queue for each of its topics."""

    def __init__(self, hosting: Hosting, **output: Any) -> None:
        self.hosting, self.name = hosting, hosting.name
        self._sns, self._sqs = hosting.aws.client("sns"), hosting.aws.client("sqs")
        self.folder = f"s3://{BUCKET}/{self.name}"
        self._queues, topics = {}, {}
        for kind in ("Success", "Error"):
            called = f"{self.name}-{kind}"
            self._queues[kind] = self._sqs.create_queue(QueueName=called)["QueueUrl"]
            topics[f"{kind}Topic"] = self._sns.create_topic(Name=called)["TopicArn"]
            arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{called}"
            self._sns.subscribe(TopicArn=topics[f"{kind}Topic"], Protocol="sqs", Endpoint=arn)
        notification = {**topics, **output.pop("NotificationConfig", {})}
        self.output = {
            "S3OutputPath": f"{self.folder}/out",
            "S3FailurePath": f"{self.folder}/failed/",
            "NotificationConfig": notification,
            **output,
        }

    def serve(self, code: str = ECHO, **client: Any) -> "Asynchronous":
        url = self.hosting.upload({"code/inference.py": code, "name.txt": "later"})
        config = {"OutputConfig": self.output, "ClientConfig": client}
        self.hosting.serve({"ModelName": self.hosting.model(url)}, AsyncInferenceConfig=config)
        return self

    def put(self, body: str) -> str:
        key = f"{self.name}/in-{next(_numbers)}"
        self.hosting.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def ask(self, location: str, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.hosting.runtime.invoke_endpoint_async(
            **{
                "EndpointName": self.name,
                "InputLocation": location,
                "ContentType": "application/json",
                **options,
            }
        )
        return answer

    def told(self, kind: str) -> dict[str, Any]:
        received = self._sqs.receive_message(QueueUrl=self._queues[kind], WaitTimeSeconds=10)["Messages"][0]
        self._sqs.delete_message(QueueUrl=self._queues[kind], ReceiptHandle=received["ReceiptHandle"])
        message: dict[str, Any] = json.loads(json.loads(received["Body"])["Message"])
        return message

    def read(self, uri: str) -> str:
        key = uri.removeprefix(f"s3://{BUCKET}/")
        body: bytes = self.hosting.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body.decode()

    @property
    def where(self) -> dict[str, str]:
        return {"EndpointName": self.name, "VariantName": "main"}


_numbers = itertools.count()
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_an_answer_is_written_and_the_topic_told(hosting: Hosting) -> None:
    later = Asynchronous(hosting).serve()
    source = later.put("[1]")
    answer = later.ask(source, InferenceId="mine", Accept="application/json", CustomAttributes="trace=1")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["InferenceId"] == "mine"
    message = later.told("Success")
    times = [message.pop(key) for key in ("eventTime", "receivedTime")]
    assert all(TIMESTAMP.fullmatch(each) for each in times)
    assert message == {
        "awsRegion": REGION,
        "invocationStatus": "Completed",
        "requestParameters": {
            "accept": "application/json",
            "contentType": "application/json",
            "customAttributes": "trace=1",
            "endpointName": later.name,
            "inputLocation": source,
        },
        "responseParameters": {
            "contentType": "application/vnd.echo+json",
            "outputLocation": answer["OutputLocation"],
        },
        "inferenceId": "mine",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    assert answer["OutputLocation"].startswith(f"{later.folder}/out/")
    assert json.loads(later.read(answer["OutputLocation"]))["asked"] == [1]


def test_a_failure_is_written_and_the_error_topic_told(local_aws: LocalAws, hosting: Hosting) -> None:
    later = Asynchronous(hosting).serve()
    answer = later.ask(later.put('"fail"'))
    message = later.told("Error")
    assert message["invocationStatus"] == "Failed"
    assert message["failureReason"].startswith(
        'ModelError: Received server error (500) from primary with message "the model says no".'
    )
    assert message["responseParameters"] == {"outputLocation": answer["FailureLocation"]}
    assert message["inferenceId"] == answer["InferenceId"]
    assert answer["FailureLocation"].startswith(f"{later.folder}/failed/")
    assert later.read(answer["FailureLocation"]) == "the model says no"
    found = eventually(lambda: metric(local_aws, "InvocationFailures", "Sum", **later.where))
    assert found == [1.0]
    assert metric(local_aws, "Invocation5XXErrors", "Average", **later.where) == [1.0]
    assert metric(local_aws, "Invocation4XXErrors", "Average", **later.where) == [0.0]
    assert metric(local_aws, "InvocationsProcessed", "Sum", **later.where) == []


def test_an_input_that_is_not_there_is_a_failure(local_aws: LocalAws, hosting: Hosting) -> None:
    later = Asynchronous(hosting).serve()
    later.ask(f"{later.folder}/nowhere")
    reason = later.told("Error")["failureReason"]
    assert reason.startswith(f"ClientError: Failed to download the input from {later.folder}/nowhere")
    assert eventually(lambda: metric(local_aws, "RequestDownloadFailures", "Sum", **later.where)) == [1.0]
    message = failing(lambda: later.ask("https://elsewhere/input"))["Error"]["Message"]
    assert message == "InputLocation has to be an s3:// URI."


def test_without_a_failure_path_the_reason_is_all_there_is(hosting: Hosting) -> None:
    later = Asynchronous(hosting)
    del later.output["S3FailurePath"]
    answer = later.serve().ask(later.put('"fail"'))
    assert "FailureLocation" not in answer
    assert "responseParameters" not in later.told("Error")


@pytest.mark.parametrize(("body", "kind"), [("[1]", "Success"), ('"fail"', "Error")])
def test_the_notification_holds_the_response_when_told_to(hosting: Hosting, body: str, kind: str) -> None:
    both = {"IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC"]}
    later = Asynchronous(hosting, NotificationConfig=both).serve()
    later.ask(later.put(body))
    held = later.told(kind)["responseBody"]
    content = base64.b64decode(held["content"]).decode()
    assert held["encoding"] == "BASE64"
    assert '"asked": [1]' in content if kind == "Success" else "the model says no" in content


def test_metrics_are_those_of_asynchronous_endpoints(local_aws: LocalAws, hosting: Hosting) -> None:
    later = Asynchronous(hosting).serve()
    later.ask(later.put("[1]"))
    later.told("Success")
    expected = {
        *("InvocationsProcessed", "TimeInBacklog", "TotalProcessingTime", "ModelLatency"),
        *("RequestDownloadLatency", "ResponseUploadLatency", "Invocation4XXErrors", "Invocation5XXErrors"),
    }
    assert eventually(lambda: metrics(local_aws, **later.where)) == expected
    units = {name: unit(local_aws, name, **later.where) for name in sorted(expected)}
    assert units == {
        "Invocation4XXErrors": "None",
        "Invocation5XXErrors": "None",
        "InvocationsProcessed": "Count",
        "ModelLatency": "Microseconds",
        "RequestDownloadLatency": "Microseconds",
        "ResponseUploadLatency": "Microseconds",
        "TimeInBacklog": "Milliseconds",
        "TotalProcessingTime": "Milliseconds",
    }
    (total,), (waited,), (model,) = (
        metric(local_aws, name, "Sum", **later.where)
        for name in ("TotalProcessingTime", "TimeInBacklog", "ModelLatency")
    )
    assert total > waited + model / 1000
    assert metrics(local_aws, EndpointName=later.name) == {
        *("ApproximateBacklogSize", "ApproximateBacklogSizePerInstance"),
        *("ApproximateAgeOfOldestRequest", "HasBacklogWithoutCapacity"),
    }
    assert unit(local_aws, "ApproximateAgeOfOldestRequest", EndpointName=later.name) == "Seconds"
    assert metric(local_aws, "ApproximateBacklogSize", "Maximum", EndpointName=later.name) == [1.0]


def test_without_instances_requests_wait_until_there_are_some(local_aws: LocalAws, hosting: Hosting) -> None:
    later = Asynchronous(hosting).serve()

    def scale(instances: int) -> None:
        hosting.api.update_endpoint_weights_and_capacities(
            EndpointName=later.name,
            DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": instances}],
        )

    later.ask(later.put("0"))
    later.told("Success")  # the model is loaded, so nothing but capacity is missing
    scale(0)
    answers = [later.ask(later.put(str(number))) for number in range(3)]
    where = {"EndpointName": later.name}
    assert metric(local_aws, "HasBacklogWithoutCapacity", "Maximum", **where) == [1.0]
    assert metric(local_aws, "ApproximateBacklogSize", "Maximum", **where) == [3.0]
    time.sleep(0.3)
    assert metric(local_aws, "InvocationsProcessed", "Sum", **later.where) == [1.0]
    scale(1)
    told = [later.told("Success")["inferenceId"] for _ in answers]
    assert told == [answer["InferenceId"] for answer in answers]  # one at a time, in order
    empty = lambda found: found == [0.0]  # noqa: E731
    assert eventually(lambda: metric(local_aws, "ApproximateBacklogSize", "Minimum", **where), empty) == [0.0]


def test_an_instance_works_on_as_many_requests_as_its_config_says(local_aws: LocalAws, hosting: Hosting) -> None:
    slow = ECHO.replace("    return {", "    time.sleep(0.3)\n    return {")
    later = Asynchronous(hosting).serve(slow, MaxConcurrentInvocationsPerInstance=2)
    for number in range(2):
        later.ask(later.put(str(number)))
    for _ in range(2):
        later.told("Success")
    found = eventually(
        lambda: metric(local_aws, "TimeInBacklog", "SampleCount", **later.where), lambda found: found == [2.0]
    )
    assert found == [2.0]
    assert metric(local_aws, "TimeInBacklog", "Maximum", **later.where)[0] < 250  # ms: both were started at once


def test_what_takes_longer_than_it_may_is_a_failure(hosting: Hosting) -> None:
    slow = ECHO.replace("    return {", "    time.sleep(30)\n    return {")
    later = Asynchronous(hosting).serve(slow)
    later.ask(later.put("1"), InvocationTimeoutSeconds=1)
    assert "timed out" in later.told("Error")["failureReason"]


def test_what_waits_is_forgotten_with_its_endpoint(local_aws: LocalAws, hosting: Hosting) -> None:
    later = Asynchronous(hosting).serve()
    hosting.api.update_endpoint_weights_and_capacities(
        EndpointName=later.name, DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": 0}]
    )
    later.ask(later.put("1"))
    hosting.api.delete_endpoint(EndpointName=later.name)
    hosting.endpoint(later.name)
    later.ask(later.put("2"))
    found = eventually(lambda: metric(local_aws, "InvocationsProcessed", "Sum", **later.where))
    assert found == [1.0]
    assert later.read(later.told("Success")["requestParameters"]["inputLocation"]) == "2"


def test_a_topic_that_is_gone_is_a_notification_failure(local_aws: LocalAws, hosting: Hosting) -> None:
    gone = f"arn:aws:sns:{REGION}:{ACCOUNT}:gone"
    later = Asynchronous(hosting, NotificationConfig={"SuccessTopic": gone}).serve()
    answer = later.ask(later.put("[1]"))
    assert eventually(lambda: metric(local_aws, "NotificationFailures", "Sum", **later.where)) == [1.0]
    assert json.loads(later.read(answer["OutputLocation"]))["asked"] == [1]


def test_each_kind_of_endpoint_has_its_own_operation(hosting: Hosting, bucket: Client) -> None:
    later = Asynchronous(hosting).serve()
    assert "use InvokeEndpointAsync" in failing(lambda: hosting.ask(1))["Error"]["Message"]
    now = Hosting(hosting.aws, bucket, f"{hosting.name}-now")
    now.serve({"ModelName": now.model(now.upload({"inference.py": ECHO, "name.txt": ""}))})
    later.name = now.name
    assert "use InvokeEndpoint." in failing(lambda: later.ask(later.put("1")))["Error"]["Message"]


def test_a_stack_deploys_an_asynchronous_endpoint_with_its_topics(stack: Stack, hosting: Hosting) -> None:
    url = hosting.upload({"inference.py": ECHO, "name.txt": "stack"})
    output = {
        "S3OutputPath": f"s3://{BUCKET}/{hosting.name}/out/",
        "KmsKeyId": "alias/any",
        "NotificationConfig": {"SuccessTopic": {"Ref": "Topic"}, "ErrorTopic": {"Ref": "Topic"}},
    }
    variant = {
        "VariantName": "primary",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
    }
    resources = {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": "image", "ModelDataUrl": url}},
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "ProductionVariants": [variant],
                "AsyncInferenceConfig": {
                    "OutputConfig": output,
                    "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 4},
                },
            },
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": hosting.name,
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
    }
    assert stack.deploy(resources) == "CREATE_COMPLETE", stack.reasons()
    hosting.s3.put_object(Bucket=BUCKET, Key=f"{hosting.name}/in", Body="[7]")
    answer = hosting.runtime.invoke_endpoint_async(
        EndpointName=hosting.name,
        InputLocation=f"s3://{BUCKET}/{hosting.name}/in",
        ContentType="application/json",
    )
    key = answer["OutputLocation"].removeprefix(f"s3://{BUCKET}/")

    def written() -> list[Any]:
        found: list[Any] = hosting.s3.list_objects_v2(Bucket=BUCKET, Prefix=key).get("Contents", [])
        return found

    assert eventually(written)
    assert json.loads(hosting.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())["model"] == "stack"
