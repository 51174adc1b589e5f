"""Shadow variants, serverless, multi-model and multi-container endpoints on the local AWS."""

import concurrent.futures
import json
import time
from typing import Any

import pytest

from tests.local import hosting as shared
from tests.local.conftest import Client, LocalAws, Stack
from tests.local.hosting import BUCKET, ECHO, ROLE, Hosting, eventually, failing, metric, metrics, unit

# fixtures
bucket, hosting, name = shared.bucket, shared.hosting, shared.name

REAL_TIME = {
    *("Invocations", "InvocationsPerInstance", "ConcurrentRequestsPerModel", "ModelLatency", "OverheadLatency"),
    *("Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors"),
}


def echo_model(hosting: Hosting, suffix: str, code: str = ECHO, **container: Any) -> str:
    url = hosting.upload({"inference.py": code, "name.txt": suffix}, f"{hosting.name}-{suffix}.tar.gz")
    return hosting.model(url, f"-{suffix}", **container)


# -- shadow variants


def shadowed(hosting: Hosting, shadow_code: str, own: float = 1.0, copied: float = 1.0) -> None:
    instances = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    hosting.serve(
        {"ModelName": echo_model(hosting, "primary"), "InitialVariantWeight": own},
        ShadowProductionVariants=[
            {
                "VariantName": "shadow",
                "ModelName": echo_model(hosting, "shadow", shadow_code),
                "InitialVariantWeight": copied,
                **instances,
            }
        ],
    )


def of_shadow(local_aws: LocalAws, hosting: Hosting, name: str, statistic: str = "Sum") -> list[float]:
    return metric(local_aws, name, statistic, EndpointName=hosting.name, VariantName="shadow")


def test_a_shadow_variant_gets_copies_and_answers_nobody(local_aws: LocalAws, hosting: Hosting) -> None:
    shadowed(hosting, ECHO)
    logs, group = local_aws.client("logs"), f"/aws/sagemaker/Endpoints/{hosting.name}"
    logs.create_log_group(logGroupName=group)
    assert [hosting.ask(number)["model"] for number in range(3)] == ["primary"] * 3
    found = eventually(lambda: of_shadow(local_aws, hosting, "Invocations"), lambda values: values == [3.0])
    assert found == [3.0]
    where = {"EndpointName": hosting.name, "VariantName": "shadow"}
    assert metrics(local_aws, **where) == REAL_TIME
    assert metric(local_aws, "Invocations", "Sum", EndpointName=hosting.name, VariantName="main") == [3.0]
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert {stream["logStreamName"].split("/")[0] for stream in streams} == {"main", "shadow"}


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("raise RuntimeError('does not start')", id="does not start"),
        pytest.param(ECHO.replace('if data == "fail"', "if True"), id="raises"),
        pytest.param(
            ECHO.replace('if data == "fail"', "import time; time.sleep(5)\n    if False"), id="takes its time"
        ),
    ],
)
def test_a_failing_shadow_changes_nothing(local_aws: LocalAws, hosting: Hosting, code: str) -> None:
    shadowed(hosting, code)
    hosting.ask(0)
    begin = time.perf_counter()
    assert [hosting.ask(number)["asked"] for number in range(4)] == [0, 1, 2, 3]
    assert time.perf_counter() - begin < 4
    where = {"EndpointName": hosting.name, "VariantName": "main"}
    assert metric(local_aws, "Invocations", "Sum", **where) == [5.0]
    assert metric(local_aws, "InvocationModelErrors", "Sum", **where) == [0.0]
    if "sleep" not in code:
        found = eventually(lambda: of_shadow(local_aws, hosting, "Invocation5XXErrors"), lambda found: found == [5.0])
        assert found == [5.0]


def test_the_share_of_copies_is_the_ratio_of_the_weights(local_aws: LocalAws, hosting: Hosting) -> None:
    shadowed(hosting, ECHO, own=2.0, copied=0.0)
    hosting.ask(1)
    assert of_shadow(local_aws, hosting, "Invocations") == []
    half = f"{hosting.name}-half"
    config = hosting.api.describe_endpoint_config(EndpointConfigName=hosting.name)
    (shadow,) = config["ShadowProductionVariants"]
    hosting.api.create_endpoint_config(
        EndpointConfigName=half,
        ProductionVariants=config["ProductionVariants"],
        ShadowProductionVariants=[{**shadow, "InitialVariantWeight": 1.0}],
    )
    hosting.api.update_endpoint(EndpointName=hosting.name, EndpointConfigName=half)
    for _ in range(60):
        hosting.ask(1)
    (copies,) = eventually(lambda: of_shadow(local_aws, hosting, "Invocations"), lambda found: sum(found) > 10)
    assert 10 < copies < 50  # of 60; outside once in a million runs


def test_a_shadow_variant_cannot_be_asked(hosting: Hosting) -> None:
    shadowed(hosting, ECHO)
    error = failing(lambda: hosting.ask(1, TargetVariant="shadow"))["Error"]
    assert error["Message"] == f"Variant shadow not found for endpoint {hosting.name}."


# -- serverless

SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 4}


def serverless(hosting: Hosting, **config: Any) -> dict[str, str]:
    hosting.serve({"ModelName": echo_model(hosting, "small"), "ServerlessConfig": {**SERVERLESS, **config}})
    return {"EndpointName": hosting.name, "VariantName": "main"}


def test_a_serverless_variant_answers_and_has_its_own_metrics(local_aws: LocalAws, hosting: Hosting) -> None:
    where = serverless(hosting)
    assert hosting.ask(1)["model"] == "small"
    hosting.ask(2)
    assert metrics(local_aws, **where) == {
        *("Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "ModelLatency", "OverheadLatency"),
        *("ModelSetupTime", "ServerlessConcurrentExecutionsUtilization"),
    }
    assert metric(local_aws, "ModelSetupTime", "SampleCount", **where) == [1.0]  # the cold start only
    (setup,) = metric(local_aws, "ModelSetupTime", "Maximum", **where)
    assert 1_000 < setup < 60_000_000
    assert unit(local_aws, "ModelSetupTime", **where) == "Microseconds"
    assert metric(local_aws, "OverheadLatency", "Maximum", **where)[0] > setup  # which it contains
    assert metric(local_aws, "ServerlessConcurrentExecutionsUtilization", "Maximum", **where) == [0.25]
    assert metrics(local_aws, EndpointConfigName=hosting.name, **where) == set()


def test_provisioned_concurrency_is_counted_and_warm(local_aws: LocalAws, hosting: Hosting) -> None:
    where = serverless(hosting, ProvisionedConcurrency=2)
    hosting.ask(1)
    provisioned = "ServerlessProvisionedConcurrency"
    assert metric(local_aws, f"{provisioned}Executions", "Maximum", **where) == [1.0]
    assert metric(local_aws, f"{provisioned}Utilization", "Maximum", **where) == [0.5]
    assert metric(local_aws, f"{provisioned}Invocations", "Sum", **where) == [1.0]
    assert metric(local_aws, f"{provisioned}SpilloverInvocations", "Sum", **where) == [0.0]
    assert unit(local_aws, f"{provisioned}Invocations", **where) == "Count"
    assert metric(local_aws, "ModelSetupTime", "Sum", **where) == []


def test_requests_above_the_concurrency_spill_over_and_are_throttled(local_aws: LocalAws, hosting: Hosting) -> None:
    slow = ECHO.replace("    return {", "    time.sleep(0.5)\n    return {")
    config = {**SERVERLESS, "MaxConcurrency": 2, "ProvisionedConcurrency": 1}
    hosting.serve({"ModelName": echo_model(hosting, "slow", slow), "ServerlessConfig": config})

    def ask(number: int) -> str:
        try:
            hosting.ask(number)
        except hosting.runtime.exceptions.ClientError as error:
            return str(error.response["Error"]["Code"])
        return "answered"

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(ask, range(4)))
    assert answers == ["ThrottlingException", "ThrottlingException", "answered", "answered"]
    where = {"EndpointName": hosting.name, "VariantName": "main"}
    assert metric(local_aws, "ServerlessConcurrentExecutionsUtilization", "Maximum", **where) == [1.0]
    assert metric(local_aws, "ServerlessProvisionedConcurrencySpilloverInvocations", "Sum", **where) == [1.0]


def test_serverless_capacity_is_updated_in_place(hosting: Hosting) -> None:
    serverless(hosting, ProvisionedConcurrency=1)

    def update(**wanted: Any) -> None:
        hosting.api.update_endpoint_weights_and_capacities(
            EndpointName=hosting.name, DesiredWeightsAndCapacities=[{"VariantName": "main", **wanted}]
        )

    update(ServerlessUpdateConfig={"ProvisionedConcurrency": 3})
    (variant,) = hosting.api.describe_endpoint(EndpointName=hosting.name)["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == {**SERVERLESS, "ProvisionedConcurrency": 3}
    assert variant["CurrentWeight"] == 1.0
    assert "CurrentInstanceCount" not in variant
    for wanted, expected in (
        ({"DesiredInstanceCount": 2}, "which is serverless"),
        ({"ServerlessUpdateConfig": {"ProvisionedConcurrency": 5}}, "is above its MaxConcurrency 4"),
    ):
        assert expected in failing(lambda wanted=wanted: update(**wanted))["Error"]["Message"]  # type: ignore[misc]


def test_weights_and_counts_that_are_not_named_stay(hosting: Hosting) -> None:
    hosting.endpoint(hosting.config(main=hosting.model(None)))

    def update(*wanted: dict[str, Any]) -> dict[str, Any]:
        hosting.api.update_endpoint_weights_and_capacities(
            EndpointName=hosting.name, DesiredWeightsAndCapacities=list(wanted)
        )
        (variant,) = hosting.api.describe_endpoint(EndpointName=hosting.name)["ProductionVariants"]
        return dict(variant)

    assert update({"VariantName": "main", "DesiredInstanceCount": 5})["CurrentWeight"] == 1.0
    assert update({"VariantName": "main", "DesiredWeight": 3.0})["CurrentInstanceCount"] == 5
    for wanted, expected in (
        ([{"VariantName": "gone", "DesiredWeight": 1}], 'The variant name(s) "gone" is/are not present'),
        ([{"VariantName": "main", "DesiredWeight": 1}] * 2, "non-unique"),
        (
            [{"VariantName": "main", "ServerlessUpdateConfig": {"MaxConcurrency": 2}}],
            "ServerlessUpdateConfig cannot be specified",
        ),
    ):
        assert expected in failing(lambda wanted=wanted: update(*wanted))["Error"]["Message"]  # type: ignore[misc]


# -- multi-model


def many(hosting: Hosting, *names: str, **container: Any) -> dict[str, str]:
    for model in names:
        hosting.upload({"code/inference.py": ECHO, "name.txt": model}, f"{hosting.name}/{model}.tar.gz")
    hosting.serve(
        {"ModelName": hosting.model(f"s3://{BUCKET}/{hosting.name}/", "-many", Mode="MultiModel", **container)}
    )
    return {"EndpointName": hosting.name, "VariantName": "main"}


def loaded(local_aws: LocalAws, statistic: str, **where: str) -> list[float]:
    return metric(local_aws, "LoadedModelCount", statistic, "/aws/sagemaker/Endpoints", **where)


def test_a_multi_model_endpoint_says_what_it_loads(local_aws: LocalAws, hosting: Hosting) -> None:
    where = many(hosting, "one", "two", "sub/three")
    for target in ("one", "two", "one", "sub/three"):
        assert hosting.ask(1, TargetModel=f"{target}.tar.gz")["model"] == target
    loading = {"ModelCacheHit", "ModelLoadingWaitTime", "ModelLoadingTime", "ModelDownloadingTime"}
    assert metrics(local_aws, **where) == REAL_TIME | loading
    assert metric(local_aws, "ModelCacheHit", "Average", **where) == [0.25]
    for name in loading - {"ModelCacheHit"}:
        assert metric(local_aws, name, "SampleCount", **where) == [3.0]
        assert unit(local_aws, name, **where) == "Microseconds"
    (waited,), (took,) = (
        metric(local_aws, name, "Maximum", **where) for name in ("ModelLoadingWaitTime", "ModelLoadingTime")
    )
    assert waited >= took > 1_000
    assert (loaded(local_aws, "Minimum", **where), loaded(local_aws, "Maximum", **where)) == ([1.0], [3.0])


def test_an_archive_that_changed_or_went_is_unloaded(local_aws: LocalAws, hosting: Hosting, bucket: Client) -> None:
    where = many(hosting, "one")
    hosting.ask(1, TargetModel="one.tar.gz")
    hosting.upload({"code/inference.py": ECHO, "name.txt": "new"}, f"{hosting.name}/one.tar.gz")
    assert hosting.ask(1, TargetModel="one.tar.gz")["model"] == "new"
    assert metric(local_aws, "ModelUnloadingTime", "SampleCount", **where) == [1.0]
    assert unit(local_aws, "ModelUnloadingTime", **where) == "Microseconds"
    key = f"{hosting.name}/one.tar.gz"
    bucket.delete_object(Bucket=BUCKET, Key=key)
    error = failing(lambda: hosting.ask(1, TargetModel="one.tar.gz"))
    assert (error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"]) == (400, "ValidationError")
    assert error["Error"]["Message"].startswith(f"Failed to download model data(bucket: {BUCKET}, key: {key}).")
    assert metric(local_aws, "ModelUnloadingTime", "SampleCount", **where) == [2.0]
    assert loaded(local_aws, "Minimum", **where) == [0.0]


def test_without_a_cache_every_request_loads_its_model(local_aws: LocalAws, hosting: Hosting) -> None:
    where = many(hosting, "one", MultiModelConfig={"ModelCacheSetting": "Disabled"})
    pids = {hosting.ask(1, TargetModel="one.tar.gz")["pid"] for _ in range(2)}
    assert len(pids) == 2
    assert metric(local_aws, "ModelCacheHit", "Sum", **where) == [0.0]
    assert metric(local_aws, "ModelUnloadingTime", "SampleCount", **where) == [2.0]


def test_a_target_model_is_for_multi_model_endpoints_and_required_there(hosting: Hosting) -> None:
    many(hosting, "one")
    assert "is missing a target model header" in failing(lambda: hosting.ask(1))["Error"]["Message"]
    other = Hosting(hosting.aws, hosting.s3, f"{hosting.name}-single")
    other.serve({"ModelName": echo_model(other, "single")})
    message = failing(lambda: other.ask(1, TargetModel="one.tar.gz"))["Error"]["Message"]
    assert message == f"Endpoint {other.name} is not a multi-model endpoint and does not support target model header."


def test_models_under_a_prefix_may_share_a_script(hosting: Hosting) -> None:
    script = hosting.upload({"inference.py": ECHO}, f"{hosting.name}-script.tar.gz")
    for model in ("one", "two"):
        hosting.upload({"name.txt": model}, f"{hosting.name}/{model}.tar.gz")
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": script, "MODE": "shared"}
    model = hosting.model(f"s3://{BUCKET}/{hosting.name}/", Mode="MultiModel", Environment=environment)
    hosting.serve({"ModelName": model})
    found = [hosting.ask(1, TargetModel=f"{model}.tar.gz") for model in ("one", "two")]
    assert [(answer["model"], answer["mode"]) for answer in found] == [("one", "shared"), ("two", "shared")]
    hosting.upload({"other.py": ""}, f"{hosting.name}-script.tar.gz")
    message = failing(lambda: hosting.ask(1, TargetModel="one.tar.gz"))["OriginalMessage"]
    assert "SAGEMAKER_SUBMIT_DIRECTORY has no inference.py at its root" in message


# -- pipelines and direct invocation

# Appends its hostname and what it was given; answers in a content type of its own.
STEP = """
import json, os
def model_fn(directory): return os.environ["STEP"]
def input_fn(body, content_type): return [*json.loads(body), content_type]
def predict_fn(data, model):
    if "fail-" + model in data: raise ValueError("step " + model)
    return [*data, model]
def output_fn(prediction, accept): return json.dumps(prediction), f"application/{os.environ['STEP']}+json"
"""


def containers(hosting: Hosting, mode: str | None, *names: str) -> dict[str, str]:
    url = hosting.upload({"code/inference.py": STEP})
    hosting.api.create_model(
        ModelName=hosting.name,
        ExecutionRoleArn=ROLE,
        Containers=[
            {"Image": "image", "ModelDataUrl": url, "ContainerHostname": name, "Environment": {"STEP": name}}
            for name in names
        ],
        **({"InferenceExecutionConfig": {"Mode": mode}} if mode else {}),
    )
    hosting.serve({"ModelName": hosting.name})
    return {"EndpointName": hosting.name, "VariantName": "main"}


def test_a_pipeline_passes_content_and_its_type_on(local_aws: LocalAws, hosting: Hosting) -> None:
    where = containers(hosting, "Serial", "scale", "predict")
    answer = hosting.runtime.invoke_endpoint(EndpointName=hosting.name, Body="[]", ContentType="application/json")
    assert answer["ContentType"] == "application/predict+json"
    assert json.loads(answer["Body"].read()) == ["application/json", "scale", "application/scale+json", "predict"]
    for container in ("scale", "predict"):
        latency = metric(local_aws, "ContainerLatency", "SampleCount", ContainerName=container, **where)
        assert latency == [1.0]
    assert metric(local_aws, "Invocations", "Sum", **where) == [1.0]


def test_the_container_of_a_pipeline_that_fails_is_named(local_aws: LocalAws, hosting: Hosting) -> None:
    where = containers(hosting, None, "scale", "predict")
    error = failing(lambda: hosting.ask(["fail-predict"]))["Error"]
    assert error["Message"].startswith('Received server error (500) from predict with message "step predict".')
    failed = {
        name: metric(local_aws, "Invocation5XXErrors", "Sum", ContainerName=name, **where)
        for name in ("scale", "predict")
    }
    assert failed == {"scale": [0.0], "predict": [1.0]}


def test_direct_invocation_asks_the_container_that_is_named(hosting: Hosting) -> None:
    containers(hosting, "Direct", "one", "two")
    answer = hosting.runtime.invoke_endpoint(
        EndpointName=hosting.name, Body="[]", ContentType="application/json", TargetContainerHostname="two"
    )
    assert json.loads(answer["Body"].read()) == ["application/json", "two"]
    message = failing(lambda: hosting.ask([]))["Error"]["Message"]
    assert "is missing a target container hostname header" in message
    message = failing(lambda: hosting.ask([], TargetContainerHostname="three"))["Error"]["Message"]
    assert message == f"Target container hostname three not found in endpoint {hosting.name}."


def test_a_pipeline_takes_no_target_container(hosting: Hosting) -> None:
    containers(hosting, "Serial", "one", "two")
    error = failing(lambda: hosting.ask([], TargetContainerHostname="one"))["Error"]
    assert error["Code"] == "ValidationError"
    assert "is not configured for direct invocation" in error["Message"]


def test_what_the_caller_accepts_is_for_the_last_container(hosting: Hosting) -> None:
    code = "import json\ndef model_fn(d): return None\ndef input_fn(body, content_type): return json.loads(body)\n"
    code += "def predict_fn(data, model): return data\n"
    code += "def output_fn(data, accept): return json.dumps([*data, accept]), 'application/json'\n"
    container = {"Image": "image", "ModelDataUrl": hosting.upload({"code/inference.py": code})}
    hosting.api.create_model(ModelName=hosting.name, ExecutionRoleArn=ROLE, Containers=[container] * 2)
    hosting.serve({"ModelName": hosting.name})
    answer = hosting.runtime.invoke_endpoint(
        EndpointName=hosting.name, Body="[]", ContentType="application/json", Accept="text/csv"
    )
    assert json.loads(answer["Body"].read()) == ["application/json", "text/csv"]


# -- by a stack


@pytest.mark.parametrize("mode", ["shadow", "serverless", "direct"])
def test_each_mode_deploys_by_a_stack(stack: Stack, hosting: Hosting, mode: str) -> None:
    url = hosting.upload({"inference.py": ECHO, "name.txt": mode})
    container = {"Image": "image", "ModelDataUrl": url}
    instances = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1, "InitialVariantWeight": 1}
    variant = {"VariantName": "primary", "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]}}
    model: dict[str, Any] = {"PrimaryContainer": container}
    config: dict[str, Any] = {"ProductionVariants": [{**variant, **instances}]}
    options = {}
    if mode == "shadow":
        config["ShadowProductionVariants"] = [{**variant, **instances, "VariantName": "shadow"}]
    if mode == "serverless":
        config = {"ProductionVariants": [{**variant, "InitialVariantWeight": 1, "ServerlessConfig": SERVERLESS}]}
    if mode == "direct":
        model = {
            "Containers": [{**container, "ContainerHostname": name} for name in ("one", "two")],
            "InferenceExecutionConfig": {"Mode": "Direct"},
        }
        options = {"TargetContainerHostname": "two"}
    resources = {
        "Model": {"Type": "AWS::SageMaker::Model", "Properties": {"ExecutionRoleArn": ROLE, **model}},
        "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": config},
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": hosting.name,
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
    }
    assert stack.deploy(resources) == "CREATE_COMPLETE", stack.reasons()
    assert hosting.ask(1, **options)["model"] == mode
