"""Every example that can run here, deployed with the real CDK command-line interface, and asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar

import pytest

from slipway.cli import main
from slipway.local import control
from slipway.ops import target as targets
from slipway.ops.deploy.deploy import cdk_command
from slipway.ops.invoke.invoke import InvokeError, Invoker, Request
from slipway.ops.publish.publish import publish
from slipway.ops.status.inventory import Inventory, Row
from slipway.ops.target import Target, local_target
from slipway.spec.endpoint import Endpoint
from slipway.spec.environment import Environment
from slipway.spec.lock import PUBLISHED_KEY, read_lock
from slipway.spec.names import Names
from tests import examples
from tests.local.conftest import ACCOUNT, Client, LocalAws

T = TypeVar("T")

FLOWER, PAYMENT = b"[5.1, 3.5, 1.4, 0.2]", b"31.5,,,1,"


@dataclass(frozen=True)
class Example:
    """An example as it was deployed."""

    name: str
    target: Target

    @cached_property
    def environment(self) -> Environment:
        return examples.environment(self.name)

    @property
    def names(self) -> Names:
        return self.environment.names

    @property
    def short(self) -> str:
        """The short name of its one endpoint."""
        (name,) = self.environment.endpoints
        return name

    @property
    def declared(self) -> Endpoint:
        return self.environment.endpoints[self.short]

    @property
    def endpoint(self) -> str:
        return self.names.endpoint(self.short)

    @cached_property
    def invoker(self) -> Invoker:
        return Invoker(self.environment, self.target, patience=20)

    def client(self, service: str) -> Client:
        return self.target.client(service)

    def ask(self, body: bytes, content_type: str = "application/json", **which: str) -> dict[str, Any]:
        """Ask through slipway, and read the JSON that comes back."""
        answer = self.invoker.invoke(self.short, Request(body, content_type, **which))
        read: dict[str, Any] = json.loads(answer.body)
        return read

    @cached_property
    def _inventory(self) -> Inventory:
        return Inventory(self.environment, self.target)

    def rows(self, *, ask: bool = True) -> list[Row]:
        return list(self._inventory.rows(ask=ask))

    def invocations(self, variant: str) -> float:
        """How many requests CloudWatch knows of a variant."""
        where = [{"Name": "EndpointName", "Value": self.endpoint}, {"Name": "VariantName", "Value": variant}]
        now = datetime.now(UTC)
        found = self.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=where,
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in found["Datapoints"]))


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    return examples.training(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def deployed(
    local_aws: LocalAws, train: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory, root: Path
) -> Callable[[str], Example]:
    """Deploy all of them in one app, in the order of `slipway deploy`: foundations, what is published, the rest."""
    out = tmp_path_factory.mktemp("assembly")
    first = examples.environment(examples.RUNNABLE[0])
    target = local_target(first, control.Running(0, 0, local_aws.url))
    assert all(examples.environment(name).account == target.account for name in examples.RUNNABLE)

    def cdk(*arguments: str) -> subprocess.Popen[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.Popen(
            [*cdk_command(), *arguments, "--no-notices"],
            cwd=root,
            env={**target.child_environ(), "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ended(process: subprocess.Popen[str]) -> None:
        printed, _ = process.communicate()
        assert process.returncode == 0, printed

    app = f"{sys.executable} -m tests.examples {' '.join(examples.RUNNABLE)}"
    ready = ("--require-approval", "never", "--concurrency", "8")
    bootstrap = cdk("bootstrap", f"aws://{ACCOUNT}/{first.region}")
    synth = cdk("synth", "--quiet", "--app", app, "--output", str(out))
    wanted = [(name, key) for name in examples.RUNNABLE for key in read_lock(_lock(name))]
    folders = {key: train(*_published(key)) for _, key in wanted}
    ended(bootstrap)
    ended(synth)
    ended(cdk("deploy", "--app", str(out), *ready, "*-foundation"))
    for name, key in wanted:
        model, version = _published(key)
        publish(
            folders[key],
            model=model,
            version=version,
            bucket=examples.environment(name).names.bucket,
            lock_path=_lock(name),
            s3=target.client("s3"),
        )
    ended(cdk("deploy", "--app", str(out), *ready, "--all"))
    return cache(lambda name: Example(name, target))


def _lock(name: str) -> Path:
    return examples.CONFIGS / name / "models.lock.json"


def _published(key: str) -> tuple[str, str]:
    found = PUBLISHED_KEY.fullmatch(key)
    assert found, key
    return found["model"], found["version"]


Deployed = Callable[[str], Example]


def settled(read: Callable[[], T], enough: Callable[[T], bool]) -> T:
    """Read until it is enough and stays the same: what happens in the background has ended then."""
    end, before = time.monotonic() + 15, read()
    while time.monotonic() < end:
        time.sleep(0.3)
        now = read()
        if enough(now) and now == before:
            return now
        before = now
    return before


def many(ask: Callable[[], T], times: int) -> list[T]:
    """Ask often, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return [future.result() for future in [pool.submit(ask) for _ in range(times)]]


MODELS = {
    "asynchronous": ["prices"],
    "data-capture": ["iris"],
    "inference-components": ["iris", "prices"],
    "multi-model": ["demand"],
    "pipeline": ["fraud"],
    "real-time": ["iris"],
    "serverless": ["iris"],
    "shadow": ["iris"],
    "tabular": ["prices"],
    "weighted-variants": ["iris"],
}


@pytest.mark.parametrize("name", examples.RUNNABLE)
def test_an_example_is_in_service_and_answers_its_sample(deployed: Deployed, name: str) -> None:
    rows = deployed(name).rows()
    assert {row.status for row in rows} == {"InService"}
    answers = [json.loads(answer) for answer in dict.fromkeys(row.answer for row in rows if row.answer)]
    if name == "pipeline-direct":
        assert [len(answer["instances"][0]) for answer in answers] == [5]
    else:
        assert [answer["model"] for answer in answers] == MODELS[name]


def test_status_tells_how_each_is_hosted(deployed: Deployed) -> None:
    def said(name: str) -> list[tuple[str, ...]]:
        rows = deployed(name).rows(ask=False)
        return [(row.component or row.variant, row.mode, row.traffic, row.instances, row.scaling) for row in rows]

    one = "1 × ml.m5.large"
    assert said("real-time") == [("primary", "", "", one, "off")]
    assert said("weighted-variants") == [("current", "", "90%", one, "off"), ("challenger", "", "10%", one, "off")]
    assert said("shadow") == [("primary", "", "", one, "off"), ("shadow", "shadow", "50% copied", one, "off")]
    assert said("multi-model") == [("primary", "multi-model", "", one, "off")]
    assert said("pipeline") == [("primary", "pipeline, serial", "", one, "off")]
    assert said("pipeline-direct") == [("primary", "pipeline, direct", "", one, "off")]
    assert said("serverless") == [("primary", "serverless", "", "2 GB × 5, 2 warm", "off")]
    assert said("asynchronous") == [("primary", "asynchronous", "", one, "0–4")]
    assert said("tabular") == [("primary", "", "", one, "1–4")]
    copy = "1 copy × 1 core, 1 GB"
    assert said("inference-components") == [
        ("primary", "components", "", "1 × ml.m5.xlarge", "1–4, managed"),
        ("iris", "component", "", copy, "off"),
        ("prices", "component", "", copy, "0–4"),
    ]


def test_variants_share_the_requests_by_weight(deployed: Deployed) -> None:
    example = deployed("weighted-variants")
    runtime = example.client("sagemaker-runtime")

    def ask() -> tuple[str, int]:
        answer = runtime.invoke_endpoint(EndpointName=example.endpoint, Body=FLOWER, ContentType="application/json")
        return answer["InvokedProductionVariant"], json.load(answer["Body"])["version"]

    answered = Counter(many(ask, 400))
    assert set(answered) == {("current", 1), ("challenger", 2)}
    # Of 400 a tenth is 40, give or take 6; five times that is passed once in a million runs.
    assert 10 <= answered["challenger", 2] <= 70


@pytest.mark.parametrize(("variant", "version"), [("current", 1), ("challenger", 2)])
def test_a_request_can_name_its_variant(deployed: Deployed, variant: str, version: int) -> None:
    example = deployed("weighted-variants")
    assert {example.ask(FLOWER, variant=variant)["version"] for _ in range(20)} == {version}


def test_the_shadow_gets_half_of_the_requests_and_its_answers_are_dropped(deployed: Deployed) -> None:
    example = deployed("shadow")
    before = settled(lambda: example.invocations("shadow"), lambda _: True)
    primary = example.invocations("primary")
    answers = many(lambda: example.ask(FLOWER), 100)
    assert {answer["version"] for answer in answers} == {1}
    assert example.invocations("primary") == primary + 100
    # Of 100 a half is 50, give or take 5.
    copied = settled(lambda: example.invocations("shadow"), lambda count: count >= before + 25) - before
    assert 25 <= copied <= 75


@pytest.mark.parametrize("store", ["store-1", "store-2", "store-3"])
def test_each_archive_answers_for_itself(deployed: Deployed, store: str) -> None:
    answer = deployed("multi-model").ask(b"[6, 0, 21]", target_model=f"{store}/v1/model.tar.gz")
    assert answer["store"] == store


def test_an_archive_that_is_published_later_answers_without_a_deployment(
    deployed: Deployed, train: Callable[[str, str], Path], tmp_path: Path
) -> None:
    example, later = deployed("multi-model"), "store-4/v1/model.tar.gz"
    with pytest.raises(InvokeError, match="Failed to download model data"):
        example.ask(b"[6, 0, 21]", target_model=later)
    publish(
        train("demand/store-2", "1"),
        model="demand/store-4",
        version=1,
        bucket=example.names.bucket,
        lock_path=tmp_path / "models.lock.json",
        s3=example.client("s3"),
    )
    assert example.ask(b"[6, 0, 21]", target_model=later)["store"] == "store-2"


def test_a_pipeline_makes_class_probabilities_of_a_raw_record_with_gaps(deployed: Deployed) -> None:
    (prediction,) = deployed("pipeline").ask(PAYMENT, "text/csv")["predictions"]
    assert prediction["class"] == "genuine"
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)


def test_containers_that_are_asked_one_by_one_give_what_the_pipeline_gives(deployed: Deployed) -> None:
    direct = deployed("pipeline-direct")
    scaled = direct.ask(PAYMENT, "text/csv", container="scale")
    by_hand = direct.ask(json.dumps(scaled).encode(), container="classify")
    assert by_hand["predictions"] == deployed("pipeline").ask(PAYMENT, "text/csv")["predictions"]


@pytest.fixture
def told(deployed: Deployed) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Reads the next notification of a topic of the asynchronous example."""
    example = deployed("asynchronous")
    sns, sqs = example.client("sns"), example.client("sqs")
    queues, subscriptions = {}, []
    for topic in ("results", "failures"):
        queues[topic] = sqs.create_queue(QueueName=f"examples-{topic}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queues[topic], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        where = example.names.arn("sns", example.names.results_topic(topic))
        subscriptions.append(sns.subscribe(TopicArn=where, Protocol="sqs", Endpoint=arn)["SubscriptionArn"])

    def read(topic: str) -> dict[str, Any]:
        (message,) = sqs.receive_message(QueueUrl=queues[topic], WaitTimeSeconds=5)["Messages"]
        notification: dict[str, Any] = json.loads(json.loads(message["Body"])["Message"])
        return notification

    yield read
    for subscription in subscriptions:
        sns.unsubscribe(SubscriptionArn=subscription)
    for queue in queues.values():
        sqs.delete_queue(QueueUrl=queue)


def test_a_queued_request_is_answered_in_s3_and_its_topic_is_told(
    deployed: Deployed, told: Callable[[str], dict[str, Any]]
) -> None:
    example = deployed("asynchronous")
    answer = example.invoker.invoke("prices", Request(b"80,3,35,4.5\n120,4,10,2\n", "text/csv"))
    assert len(json.loads(answer.body)["predictions"]) == 2
    assert answer.location.startswith(f"s3://{example.names.bucket}/async/prices/out/")
    notification = told("results")
    assert notification["invocationStatus"] == "Completed"
    assert notification["responseParameters"]["outputLocation"] == answer.location


def test_a_queued_request_that_fails_leaves_its_reason_and_the_other_topic_is_told(
    deployed: Deployed, told: Callable[[str], dict[str, Any]]
) -> None:
    with pytest.raises(InvokeError, match=r"age: 1990\.0 is not within .*async/prices/failed/"):
        deployed("asynchronous").ask(b"80,3,1990,4.5", "text/csv")
    assert told("failures")["invocationStatus"] == "Failed"


@pytest.mark.parametrize(("component", "body"), [("iris", FLOWER), ("prices", b"[80, 3, 35, 4.5]")])
def test_a_component_answers_by_its_name(deployed: Deployed, component: str, body: bytes) -> None:
    assert deployed("inference-components").ask(body, component=component)["model"] == component


def test_a_component_without_copies_is_not_asked(deployed: Deployed) -> None:
    example = deployed("inference-components")
    sagemaker, own = example.client("sagemaker"), example.names.component("shared", "prices")

    def copies(count: int) -> None:
        sagemaker.update_inference_component_runtime_config(
            InferenceComponentName=own, DesiredRuntimeConfig={"CopyCount": count}
        )

    copies(0)
    try:
        rows = {row.component: row for row in example.rows()}
        assert rows["prices"].instances == "0 copies × 1 core, 1 GB"
        assert rows["prices"].answer == "not asked, it has no copies now; a request starts one"
        assert json.loads(rows["iris"].answer)["model"] == "iris"
        with pytest.raises(InvokeError, match="capacity"):
            example.ask(b"[80, 3, 35, 4.5]", component="prices")
    finally:
        copies(1)


def test_a_fifth_of_the_requests_is_captured(deployed: Deployed) -> None:
    example = deployed("data-capture")
    s3, bucket = example.client("s3"), example.names.bucket

    def captured() -> list[str]:
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"capture/{example.endpoint}/primary/").get("Contents", [])
        return [item["Key"] for item in found]

    before = len(settled(captured, lambda _: True))
    many(lambda: example.ask(FLOWER), 200)
    # Of 200 a fifth is 40, give or take 5.7.
    keys = settled(captured, lambda keys: len(keys) >= before + 12)
    assert 12 <= len(keys) - before <= 68
    event = json.loads(s3.get_object(Bucket=bucket, Key=keys[-1])["Body"].read())["captureData"]
    assert event["endpointInput"] == {
        "observedContentType": "application/json",
        "mode": "INPUT",
        "data": FLOWER.decode(),
        "encoding": "JSON",
    }
    assert json.loads(event["endpointOutput"]["data"])["model"] == "iris"


@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("weighted-variants", ["iris", "--variant", "challenger"], '"version": 2'),
        ("multi-model", ["demand"], '"store": "store-1"'),
        ("multi-model", ["demand", "[6, 0, 21]", "--target-model", "store-3/v1/model.tar.gz"], '"store": "store-3"'),
        ("pipeline-direct", ["payments"], '"instances"'),
        ("inference-components", ["shared", "--component", "prices"], '"model": "prices"'),
        ("asynchronous", ["prices"], '"model": "prices"'),
    ],
)
def test_the_command_asks_in_each_way(
    deployed: Deployed,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    arguments: list[str],
    answer: str,
) -> None:
    target = deployed(name).target
    monkeypatch.setattr(targets, "choose", lambda *_, **__: target)
    assert main(["invoke", *arguments, "--config", str(examples.CONFIGS / name)]) == 0
    assert answer in capsys.readouterr().out
