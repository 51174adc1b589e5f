"""What the tests of hosting share: models that really run, and endpoints of each mode."""

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import botocore.serialize
import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import ACCOUNT, REGION, Client, LocalAws, archive

T = TypeVar("T")

ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
BUCKET = "models-of-tests"
# Answers what it is asked, with a trace of the model and its environment.
ECHO = """
import json, os, time
def model_fn(directory):
    print("loaded", flush=True)
    return open(os.path.join(directory, "name.txt")).read()
def input_fn(body, content_type):
    if content_type != "application/json":
        raise UnsupportedFormatError(content_type)
    return json.loads(body)
def predict_fn(data, model):
    if data == "fail":
        raise ValueError("the model says no")
    if data == "die":
        os._exit(1)
    return {"asked": data, "model": model, "mode": os.environ.get("MODE"), "pid": os.getpid()}
def output_fn(prediction, accept):
    return json.dumps(prediction), "application/vnd.echo+json"
class UnsupportedFormatError(Exception):
    pass
"""

_numbers = itertools.count()


@pytest.fixture
def name() -> str:
    return f"ep-{next(_numbers)}"


@pytest.fixture(scope="module")
def bucket(local_aws: LocalAws) -> Client:
    s3 = local_aws.client("s3")
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):  # by another module's tests
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return s3


@pytest.fixture
def sagemaker(local_aws: LocalAws) -> Client:
    return local_aws.client("sagemaker")


class Hosting:
    """Makes models, configs and endpoints of one name."""

    def __init__(self, local_aws: LocalAws, s3: Client, name: str) -> None:
        self.name, self.aws, self.s3 = name, local_aws, s3
        self.api = local_aws.client("sagemaker")
        self.runtime = local_aws.client("sagemaker-runtime")

    def upload(self, files: Mapping[str, str], key: str | None = None) -> str:
        key = key or f"{self.name}.tar.gz"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=archive(files))
        return f"s3://{BUCKET}/{key}"

    def model(self, url: str | None, suffix: str = "", **container: Any) -> str:
        name = f"{self.name}{suffix}"
        if url is not None:
            container["ModelDataUrl"] = url
        self.api.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": "image", **container},
        )
        return name

    def config(self, suffix: str = "", **models: str) -> str:
        name = f"{self.name}{suffix}"
        variants = [
            {
                "VariantName": variant,
                "ModelName": model,
                "InstanceType": "ml.m7i.large",
                "InitialInstanceCount": 2,
                "InitialVariantWeight": 1.0,
            }
            for variant, model in models.items()
        ]
        self.api.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
        return name

    def serve(self, *variants: Mapping[str, Any], **config: Any) -> None:
        """Make an endpoint of variants as the API has them, with instances unless they are serverless."""
        made: list[dict[str, Any]] = []
        for variant in variants:
            serverless = "ServerlessConfig" in variant
            instances = {} if serverless else {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
            made.append({"VariantName": "main", **instances, **variant})
        self.api.create_endpoint_config(EndpointConfigName=self.name, ProductionVariants=made, **config)
        self.endpoint(self.name)

    def endpoint(self, config: str) -> None:
        self.api.create_endpoint(EndpointName=self.name, EndpointConfigName=config)

    def ask(self, data: Any, **options: Any) -> dict[str, Any]:
        answer = self.runtime.invoke_endpoint(
            **{
                "EndpointName": self.name,
                "Body": json.dumps(data),
                "ContentType": "application/json",
                **options,
            }
        )
        found: dict[str, Any] = json.loads(answer["Body"].read())
        return found


@pytest.fixture
def hosting(local_aws: LocalAws, bucket: Client, name: str) -> Hosting:
    return Hosting(local_aws, bucket, name)


@pytest.fixture
def echo(hosting: Hosting) -> Hosting:
    """An endpoint with one variant that echoes."""
    url = hosting.upload({"code/inference.py": ECHO, "name.txt": "first"})
    hosting.endpoint(hosting.config(main=hosting.model(url, Environment={"MODE": "test"})))
    return hosting


def failing(call: Callable[[], object]) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call()
    response: dict[str, Any] = dict(caught.value.response)
    return response


def unchecked(local_aws: LocalAws) -> Client:
    """Return a SageMaker client that sends what it is given, required members or not."""
    client = local_aws.client("sagemaker")
    client.meta.config.parameter_validation = False
    client._serializer = botocore.serialize.create_serializer("json", include_validation=False)
    return client


def metric(
    local_aws: LocalAws, metric: str, statistic: str, namespace: str = "AWS/SageMaker", **dimensions: str
) -> list[float]:
    """Return a metric's statistic of the last hour; empty when there is no such metric."""
    now = datetime.now(UTC)
    query = {
        "Metric": {
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        },
        "Period": 3600,
        "Stat": statistic,
    }
    results = local_aws.client("cloudwatch").get_metric_data(
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        MetricDataQueries=[{"Id": "m", "MetricStat": query}],
    )["MetricDataResults"]
    values: list[float] = results[0]["Values"]
    return values


def metrics(local_aws: LocalAws, namespace: str = "AWS/SageMaker", **dimensions: str) -> set[str]:
    """Return the names of the metrics that have exactly these dimensions."""
    where = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    pages = local_aws.client("cloudwatch").get_paginator("list_metrics").paginate(Namespace=namespace, Dimensions=where)
    found = [metric for page in pages for metric in page["Metrics"]]
    return {metric["MetricName"] for metric in found if len(metric["Dimensions"]) == len(where)}


def unit(local_aws: LocalAws, name: str, **dimensions: str) -> str:
    """Return the unit of a metric that has data."""
    now = datetime.now(UTC)
    found = local_aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=3600,
        Statistics=["Sum"],
    )
    return str(found["Datapoints"][0]["Unit"])


def eventually(look: Callable[[], T], wanted: Callable[[T], bool] = bool, seconds: float = 10.0) -> T:
    """Return what is there once it is as wanted: what happens in the background takes a moment."""
    deadline = time.monotonic() + seconds
    while not wanted(found := look()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found
