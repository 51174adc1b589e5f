"""SageMaker hosting on the local AWS: refusals, updates, and invoking a model that really runs."""

import concurrent.futures
import json
from typing import Any

import pytest

from tests.local import hosting as shared
from tests.local.conftest import ACCOUNT, REGION, Client, LocalAws, Stack
from tests.local.hosting import BUCKET, ECHO, ROLE, Hosting, failing, metric

# fixtures
bucket, echo, hosting, name, sagemaker = shared.bucket, shared.echo, shared.hosting, shared.name, shared.sagemaker


# -- refusals


def test_what_is_missing_is_named_by_its_arn(sagemaker: Client) -> None:
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
    calls = {
        f'Could not find endpoint "{arn}:endpoint/gone".': lambda: sagemaker.describe_endpoint(EndpointName="gone"),
        f'Could not find endpoint configuration "{arn}:endpoint-config/gone".': lambda: sagemaker.create_endpoint(
            EndpointName="new", EndpointConfigName="gone"
        ),
        f'Could not find model "{arn}:model/gone".': lambda: sagemaker.create_endpoint_config(
            EndpointConfigName="new",
            ProductionVariants=[{"VariantName": "v", "ModelName": "gone", "InstanceType": "ml.m5.large"}],
        ),
    }
    for message, call in calls.items():
        error = failing(call)["Error"]
        assert (error["Code"], error["Message"]) == ("ValidationException", message)


def test_names_that_are_taken_are_refused_endpoints_ignoring_case(echo: Hosting) -> None:
    for call in (
        lambda: echo.model(None),
        lambda: echo.config(main=echo.name),
        lambda: echo.api.create_endpoint(EndpointName=echo.name.upper(), EndpointConfigName=echo.name),
    ):
        assert "Cannot create already existing" in failing(call)["Error"]["Message"]


def test_a_model_whose_data_is_not_in_our_bucket_is_refused(hosting: Hosting) -> None:
    error = failing(lambda: hosting.model(f"s3://{BUCKET}/nowhere.tar.gz"))["Error"]
    assert error["Message"] == f"Could not find model data at s3://{BUCKET}/nowhere.tar.gz."
    hosting.model("s3://bucket-of-somebody-else/model.tar.gz")


def test_deleting_the_live_config_only_shows_at_the_next_update(echo: Hosting) -> None:
    echo.api.delete_endpoint_config(EndpointConfigName=echo.name)
    assert echo.ask(1)["asked"] == 1
    new = echo.config("-new", main=echo.name)
    message = failing(lambda: echo.api.update_endpoint(EndpointName=echo.name, EndpointConfigName=new))["Error"][
        "Message"
    ]
    assert message.startswith("Could not find endpoint configuration")
    assert message.endswith(f'endpoint-config/{echo.name}".')


# -- updates


def counts(hosting: Hosting) -> dict[str, tuple[int, float]]:
    found = hosting.api.describe_endpoint(EndpointName=hosting.name)["ProductionVariants"]
    return {v["VariantName"]: (v["DesiredInstanceCount"], v["CurrentWeight"]) for v in found}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (2, 1.0)),
        ({"RetainAllVariantProperties": True}, (5, 3.0)),
        (
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
            },
            (5, 1.0),
        ),
    ],
)
def test_an_update_keeps_live_capacity_when_told_to(
    hosting: Hosting, options: dict[str, Any], expected: tuple[int, float]
) -> None:
    model = hosting.model(None)
    hosting.endpoint(hosting.config(main=model))
    hosting.api.update_endpoint_weights_and_capacities(
        EndpointName=hosting.name,
        DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredWeight": 3.0, "DesiredInstanceCount": 5}],
    )
    new = hosting.config("-new", main=model)
    hosting.api.update_endpoint(EndpointName=hosting.name, EndpointConfigName=new, **options)
    assert counts(hosting) == {"main": expected}


def test_an_update_stores_how_it_was_deployed(hosting: Hosting) -> None:
    model = hosting.model(None)
    hosting.endpoint(hosting.config(main=model))
    rolling = {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": 0,
    }
    hosting.api.update_endpoint(
        EndpointName=hosting.name,
        EndpointConfigName=hosting.config("-new", main=model),
        DeploymentConfig={"RollingUpdatePolicy": rolling},
    )
    found = hosting.api.describe_endpoint(EndpointName=hosting.name)
    assert found["EndpointConfigName"] == f"{hosting.name}-new"
    assert found["LastDeploymentConfig"] == {"RollingUpdatePolicy": rolling}


def test_a_scaled_variant_cannot_be_removed(local_aws: LocalAws, hosting: Hosting) -> None:
    model = hosting.model(None)
    hosting.endpoint(hosting.config(main=model))
    scaling = local_aws.client("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{hosting.name}/variant/main",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    new = hosting.config("-new", other=model)
    message = failing(lambda: hosting.api.update_endpoint(EndpointName=hosting.name, EndpointConfigName=new))["Error"][
        "Message"
    ]
    assert 'The variant(s) "[main]" must be deregistered' in message
    hosting.api.delete_endpoint(EndpointName=hosting.name)
    left = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[target["ResourceId"]])
    assert left["ScalableTargets"] == []


def test_lists_are_filtered_and_in_pages(hosting: Hosting) -> None:
    model = hosting.model(None)
    for index in range(3):
        hosting.config(f"-{index}", main=model)
    pages = hosting.api.get_paginator("list_endpoint_configs").paginate(
        NameContains=hosting.name, PaginationConfig={"PageSize": 2}
    )
    found = [[c["EndpointConfigName"] for c in page["EndpointConfigs"]] for page in pages]
    assert found == [[f"{hosting.name}-2", f"{hosting.name}-1"], [f"{hosting.name}-0"]]


def test_a_config_keeps_what_was_requested_and_is_tagged(hosting: Hosting) -> None:
    model = hosting.model(None)
    variant = {
        "VariantName": "main",
        "ModelName": model,
        "InstanceType": "ml.g6.xlarge",
        "InitialInstanceCount": 1,
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    shadow = {**variant, "VariantName": "shadow"}
    made = hosting.api.create_endpoint_config(
        EndpointConfigName=hosting.name,
        ProductionVariants=[variant],
        ShadowProductionVariants=[shadow],
        EnableNetworkIsolation=True,
        Tags=[{"Key": "a", "Value": "1"}],
    )
    found = hosting.api.describe_endpoint_config(EndpointConfigName=hosting.name)
    assert found["ProductionVariants"] == [variant]
    assert found["ShadowProductionVariants"] == [shadow]
    assert found["EnableNetworkIsolation"] is True
    arn = made["EndpointConfigArn"]
    hosting.api.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}])
    assert hosting.api.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "2"}]


def test_endpoints_are_found_by_their_tags(local_aws: LocalAws, hosting: Hosting) -> None:
    hosting.config(main=hosting.model(None))
    made = hosting.api.create_endpoint(
        EndpointName=hosting.name,
        EndpointConfigName=hosting.name,
        Tags=[{"Key": "Name", "Value": hosting.name}],
    )
    found = local_aws.client("resourcegroupstaggingapi").get_resources(
        ResourceTypeFilters=["sagemaker:endpoint"],
        TagFilters=[{"Key": "Name", "Values": [hosting.name]}],
    )["ResourceTagMappingList"]
    assert [resource["ResourceARN"] for resource in found] == [made["EndpointArn"]]


def test_a_stack_moves_its_endpoint_to_a_new_model(stack: Stack, hosting: Hosting) -> None:
    def resources(version: str) -> dict[str, Any]:
        url = hosting.upload({"code/inference.py": ECHO, "name.txt": version}, f"{hosting.name}/{version}.tar.gz")
        variant = {
            "VariantName": "main",
            "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
            "InstanceType": "ml.m7i.large",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": 1,
        }
        return {
            "Model": {
                "Type": "AWS::SageMaker::Model",
                "Properties": {
                    "ExecutionRoleArn": ROLE,
                    "PrimaryContainer": {"Image": "image", "ModelDataUrl": url},
                },
            },
            "Config": {
                "Type": "AWS::SageMaker::EndpointConfig",
                "UpdateReplacePolicy": "Retain",
                "Properties": {"ProductionVariants": [variant]},
            },
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {
                    "EndpointName": hosting.name,
                    "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                    "Tags": [{"Key": "Version", "Value": version}],
                },
            },
        }

    assert stack.deploy(resources("v1")) == "CREATE_COMPLETE"
    first = hosting.api.describe_endpoint(EndpointName=hosting.name)["EndpointConfigName"]
    assert hosting.ask(1)["model"] == "v1"
    assert stack.deploy(resources("v2")) == "UPDATE_COMPLETE"
    found = hosting.api.describe_endpoint(EndpointName=hosting.name)
    assert found["EndpointConfigName"] != first
    assert hosting.ask(1)["model"] == "v2"
    hosting.api.describe_endpoint_config(EndpointConfigName=first)
    tags = hosting.api.list_tags(ResourceArn=found["EndpointArn"])["Tags"]
    assert tags == [{"Key": "Version", "Value": "v2"}]
    owner = stack.cloudformation.describe_stack_resources(PhysicalResourceId=found["EndpointArn"])
    assert {r["StackName"] for r in owner["StackResources"]} == {stack.name}


# -- invoking


def test_a_model_answers_with_its_own_environment_and_content_type(echo: Hosting) -> None:
    answer = echo.runtime.invoke_endpoint(EndpointName=echo.name, Body="[1, 2]", ContentType="application/json")
    assert answer["ContentType"] == "application/vnd.echo+json"
    assert answer["InvokedProductionVariant"] == "main"
    found = json.loads(answer["Body"].read())
    assert (found["asked"], found["model"], found["mode"]) == ([1, 2], "first", "test")


def test_requests_at_once_do_not_mix(echo: Hosting) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: echo.ask(number)["asked"], range(64)))
    assert answers == list(range(64))


def test_the_process_is_kept_until_the_artifact_changes(echo: Hosting) -> None:
    first = echo.ask(1)
    assert echo.ask(1)["pid"] == first["pid"]
    echo.upload({"code/inference.py": ECHO, "name.txt": "second"})
    second = echo.ask(1)
    assert second["model"] == "second"
    assert second["pid"] != first["pid"]


def test_what_the_model_raises_is_a_model_error(echo: Hosting) -> None:
    response = failing(lambda: echo.ask("fail"))
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["Error"]["Code"] == "ModelError"
    assert response["OriginalStatusCode"] == 500
    assert response["OriginalMessage"] == "the model says no"
    assert response["Error"]["Message"].startswith(
        'Received server error (500) from primary with message "the model says no". See https://'
    )
    assert echo.ask(1)["asked"] == 1


def test_a_content_type_that_the_model_does_not_take_is_a_client_error(echo: Hosting) -> None:
    response = failing(lambda: echo.ask(1, ContentType="image/png"))
    assert response["OriginalStatusCode"] == 415
    assert "Received client error (415) from primary" in response["Error"]["Message"]


def test_a_model_server_that_dies_is_started_again(echo: Hosting) -> None:
    assert failing(lambda: echo.ask("die"))["Error"]["Code"] == "ModelError"
    assert echo.ask(1)["asked"] == 1


def test_an_endpoint_that_is_not_there_is_refused(hosting: Hosting) -> None:
    error = failing(lambda: hosting.ask(1))["Error"]
    assert error["Code"] == "ValidationError"
    assert error["Message"] == f"Endpoint {hosting.name} of account {ACCOUNT} not found."


def test_traffic_follows_the_weights_and_the_target_variant(hosting: Hosting) -> None:
    models = {
        variant: hosting.model(
            hosting.upload({"inference.py": ECHO, "name.txt": variant}, f"{hosting.name}-{variant}"),
            f"-{variant}",
        )
        for variant in ("a", "b")
    }
    hosting.endpoint(hosting.config(**models))
    hosting.api.update_endpoint_weights_and_capacities(
        EndpointName=hosting.name,
        DesiredWeightsAndCapacities=[{"VariantName": "a", "DesiredWeight": 0.0, "DesiredInstanceCount": 1}],
    )
    assert {hosting.ask(1)["model"] for _ in range(10)} == {"b"}
    assert hosting.ask(1, TargetVariant="a")["model"] == "a"
    assert "Variant c not found" in failing(lambda: hosting.ask(1, TargetVariant="c"))["Error"]["Message"]


def test_models_that_are_not_packed_are_files_under_a_prefix(hosting: Hosting, bucket: Client) -> None:
    for key, text in {"code/inference.py": ECHO, "name.txt": "prefix"}.items():
        bucket.put_object(Bucket=BUCKET, Key=f"{hosting.name}/{key}", Body=text)
    source = {
        "S3Uri": f"s3://{BUCKET}/{hosting.name}/",
        "S3DataType": "S3Prefix",
        "CompressionType": "None",
    }
    model = hosting.model(None, ModelDataSource={"S3DataSource": source})
    hosting.endpoint(hosting.config(main=model))
    assert hosting.ask(1)["model"] == "prefix"


def test_a_multi_model_endpoint_serves_the_model_that_is_named(hosting: Hosting) -> None:
    for name in ("one", "two"):
        hosting.upload({"code/inference.py": ECHO, "name.txt": name}, f"{hosting.name}/{name}.tar.gz")
    model = hosting.model(f"s3://{BUCKET}/{hosting.name}/", Mode="MultiModel")
    hosting.endpoint(hosting.config(main=model))
    for name in ("one", "two"):
        assert hosting.ask(1, TargetModel=f"{name}.tar.gz")["model"] == name
    assert "is missing a target model header" in failing(lambda: hosting.ask(1))["Error"]["Message"]


def test_a_pipeline_passes_its_containers_in_order(hosting: Hosting) -> None:
    step = """
import json
def model_fn(directory): return None
def input_fn(body, content_type): return json.loads(body)
def predict_fn(data, model): return data + [len(data)]
"""
    url = hosting.upload({"code/inference.py": step})
    hosting.api.create_model(
        ModelName=hosting.name,
        ExecutionRoleArn=ROLE,
        Containers=[{"Image": "image", "ModelDataUrl": url}] * 3,
    )
    hosting.endpoint(hosting.config(main=hosting.name))
    answer = hosting.runtime.invoke_endpoint(EndpointName=hosting.name, Body="[]", ContentType="application/json")
    assert json.loads(answer["Body"].read()) == [0, 1, 2]


def test_an_asynchronous_endpoint_writes_its_answer_and_tells_the_topic(
    local_aws: LocalAws, hosting: Hosting, bucket: Client
) -> None:
    sns, sqs = local_aws.client("sns"), local_aws.client("sqs")
    queue = sqs.create_queue(QueueName=hosting.name)["QueueUrl"]
    topics = {}
    for kind in ("Success", "Error"):
        topics[kind] = sns.create_topic(Name=f"{hosting.name}-{kind}")["TopicArn"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{hosting.name}"
        sns.subscribe(TopicArn=topics[kind], Protocol="sqs", Endpoint=arn)
    url = hosting.upload({"code/inference.py": ECHO, "name.txt": "later"})
    variant = {
        "VariantName": "main",
        "ModelName": hosting.model(url),
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    output: dict[str, Any] = {
        "S3OutputPath": f"s3://{BUCKET}/{hosting.name}/out",
        "S3FailurePath": f"s3://{BUCKET}/{hosting.name}/failed",
        "NotificationConfig": {f"{kind}Topic": topic for kind, topic in topics.items()},
    }
    hosting.api.create_endpoint_config(
        EndpointConfigName=hosting.name,
        ProductionVariants=[variant],
        AsyncInferenceConfig={"OutputConfig": output},
    )
    hosting.endpoint(hosting.name)
    assert "use InvokeEndpointAsync" in failing(lambda: hosting.ask(1))["Error"]["Message"]

    def told(body: str) -> tuple[dict[str, Any], str, str]:
        bucket.put_object(Bucket=BUCKET, Key=f"{hosting.name}/in", Body=body)
        answer = hosting.runtime.invoke_endpoint_async(
            EndpointName=hosting.name,
            InputLocation=f"s3://{BUCKET}/{hosting.name}/in",
            ContentType="application/json",
        )
        received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"][0]
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=received["ReceiptHandle"])
        message = json.loads(json.loads(received["Body"])["Message"])
        where = message["responseParameters"]["outputLocation"]
        key = where.removeprefix(f"s3://{BUCKET}/")
        written = bucket.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
        locations = {"Completed": "OutputLocation", "Failed": "FailureLocation"}
        assert where == answer[locations[message["invocationStatus"]]]
        return message, where, written

    message, where, written = told("[1]")
    assert message["invocationStatus"] == "Completed"
    assert where.startswith(output["S3OutputPath"])
    assert json.loads(written)["model"] == "later"
    message, where, written = told('"fail"')
    assert message["invocationStatus"] == "Failed"
    assert (where.startswith(output["S3FailurePath"]), written) == (True, "the model says no")
    where_ = {"EndpointName": hosting.name, "VariantName": "main"}
    assert metric(local_aws, "InvocationsProcessed", "Sum", **where_) == [1.0]
    assert metric(local_aws, "InvocationFailures", "Sum", **where_) == [1.0]
    assert metric(local_aws, "Invocations", "Sum", **where_) == []


def test_starting_the_model_server_is_no_latency(local_aws: LocalAws, hosting: Hosting) -> None:
    url = hosting.upload({"inference.py": f"import time\ntime.sleep(0.5)\n{ECHO}", "name.txt": ""})
    hosting.endpoint(hosting.config(main=hosting.model(url)))
    hosting.ask(1)
    where = {"EndpointName": hosting.name, "VariantName": "main"}
    for name in ("ModelLatency", "OverheadLatency"):
        assert max(metric(local_aws, name, "Maximum", **where)) < 400_000


def test_bodies_need_not_be_text(hosting: Hosting) -> None:
    code = "def model_fn(d): return None\ndef input_fn(b, c): return b\n"
    code += "def predict_fn(x, m): return x[::-1]\ndef output_fn(p, a): return p, 'application/x-raw'\n"
    url = hosting.upload({"inference.py": code})
    hosting.endpoint(hosting.config(main=hosting.model(url)))
    answer = hosting.runtime.invoke_endpoint(
        EndpointName=hosting.name, Body=b"\x00\xff\xfe", ContentType="application/x-raw"
    )
    assert answer["Body"].read() == b"\xfe\xff\x00"


def test_a_model_without_code_says_what_is_missing(hosting: Hosting) -> None:
    url = hosting.upload({"model.bin": "weights"})
    hosting.endpoint(hosting.config(main=hosting.model(url)))
    message = failing(lambda: hosting.ask(1))["OriginalMessage"]
    assert "neither code/inference.py nor inference.py" in message


# -- what invoking leaves behind


@pytest.mark.parametrize("by_config", [False, True])
def test_invocations_leave_the_metrics_of_the_service(
    local_aws: LocalAws,
    echo: Hosting,
    by_config: bool,  # noqa: FBT001
) -> None:
    for _ in range(2):
        echo.ask(1)
    failing(lambda: echo.ask("fail"))
    failing(lambda: echo.ask(1, ContentType="image/png"))
    where = {"EndpointName": echo.name, "VariantName": "main"}
    if by_config:
        where["EndpointConfigName"] = echo.name

    def total(name: str, statistic: str = "Sum") -> float:
        return sum(metric(local_aws, name, statistic, **where))

    assert total("Invocations") == 4
    assert total("InvocationsPerInstance") == 2  # two instances
    assert total("Invocation5XXErrors") == 1
    assert total("Invocation4XXErrors") == 1
    assert total("Invocation4XXErrors", "Average") == 0.25
    assert total("InvocationModelErrors") == 2
    assert 100 < total("ModelLatency", "p50") < 60_000_000
    assert 0 < total("OverheadLatency", "Average") < 60_000_000


def test_what_a_model_prints_is_in_the_endpoints_log_group(local_aws: LocalAws, echo: Hosting) -> None:
    group, logs = f"/aws/sagemaker/Endpoints/{echo.name}", local_aws.client("logs")
    logs.create_log_group(logGroupName=group)
    echo.ask(1)
    failing(lambda: echo.ask("fail"))
    events = logs.filter_log_events(logGroupName=group)["events"]
    lines = [event["message"] for event in events]
    assert "loaded" in lines
    assert any("ValueError: the model says no" in line for line in lines)
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert [s["logStreamName"].split("/")[0] for s in streams] == ["main"]


def test_an_alarm_on_the_new_fleet_sees_its_errors_only(local_aws: LocalAws, echo: Hosting) -> None:
    cloudwatch = local_aws.client("cloudwatch")

    def state(config: str) -> str:
        name = f"{echo.name}-{config}"
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            # in another order than they are published
            Dimensions=[
                {"Name": "VariantName", "Value": "main"},
                {"Name": "EndpointConfigName", "Value": config},
                {"Name": "EndpointName", "Value": echo.name},
            ],
            Statistic="Average",
            Period=60,
            EvaluationPeriods=1,
            ComparisonOperator="GreaterThanThreshold",
            Threshold=0.01,
            TreatMissingData="notBreaching",
        )
        found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        return str(found["StateValue"])

    failing(lambda: echo.ask("fail"))
    assert state(echo.name) == "ALARM"
    new = echo.config("-new", main=echo.name)
    echo.api.update_endpoint(EndpointName=echo.name, EndpointConfigName=new)
    assert state(new) == "OK"
    failing(lambda: echo.ask("fail"))
    assert state(new) == "ALARM"
