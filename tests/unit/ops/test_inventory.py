from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from slipway.cli import main
from slipway.ops import target as targets
from slipway.ops.inventory import Inventory, Row, _capacity, _mode, _strategy, _traffic
from slipway.ops.target import Target
from tests.unit.ops.conftest import MODEL, Declare

PREFIX = "rc-project-a-dev"
IMAGE = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/iris:1"


def size(kind: str, value: int) -> dict[str, Any]:
    return {"Type": kind, "Value": value}


def blue_green(routing: dict[str, Any]) -> dict[str, Any]:
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (None, "all_at_once"),
        ({}, "all_at_once"),
        ({"AutoRollbackConfiguration": {"Alarms": []}}, "all_at_once"),
        (blue_green({"Type": "ALL_AT_ONCE"}), "all_at_once"),
        (blue_green({"Type": "CANARY", "CanarySize": size("INSTANCE_COUNT", 2)}), "canary, 2"),
        (blue_green({"Type": "LINEAR", "LinearStepSize": size("CAPACITY_PERCENT", 25)}), "linear, 25% a step"),
        ({"RollingUpdatePolicy": {"MaximumBatchSize": size("INSTANCE_COUNT", 1)}}, "rolling, 1 a batch"),
    ],
)
def test_a_strategy_is_told_in_the_words_of_the_config(config: Any, words: str) -> None:
    assert _strategy(config) == words


def test_where_there_are_no_guardrails_only_a_strategy_that_there_is_is_told() -> None:
    rolling = {"RollingUpdatePolicy": {"MaximumBatchSize": size("COPY_COUNT", 1)}}
    assert _strategy(None, guardable=False) == ""
    assert _strategy(rolling, guardable=False) == "rolling, 1 a batch"


MULTI = {"PrimaryContainer": {"Mode": "MultiModel"}}
SERIAL = {"Containers": [{}, {}], "InferenceExecutionConfig": {"Mode": "Serial"}}
DIRECT = {"Containers": [{}, {}], "InferenceExecutionConfig": {"Mode": "Direct"}}
QUEUED: dict[str, Any] = {"AsyncInferenceConfig": {"OutputConfig": {}}}


@pytest.mark.parametrize(
    ("config", "variant", "model", "words"),
    [
        ({}, {"ModelName": "m"}, {"PrimaryContainer": {}}, ""),
        ({}, {"ModelName": "m"}, MULTI, "multi-model"),
        ({}, {"ModelName": "m"}, SERIAL, "pipeline, serial"),
        ({}, {"ModelName": "m"}, {"Containers": [{}, {}]}, "pipeline, serial"),
        ({}, {"ModelName": "m"}, DIRECT, "pipeline, direct"),
        ({}, {"ModelName": "m", "ServerlessConfig": {}}, {"PrimaryContainer": {}}, "serverless"),
        (QUEUED, {"ModelName": "m"}, {"PrimaryContainer": {}}, "asynchronous"),
        (QUEUED, {"ModelName": "m"}, SERIAL, "asynchronous, pipeline, serial"),
        ({}, {"InstanceType": "ml.m5.large"}, {}, "components"),
    ],
)
def test_how_a_variant_is_hosted_is_read_from_what_is_there(config: Any, variant: Any, model: Any, words: str) -> None:
    assert _mode(config, variant, model) == words


@pytest.mark.parametrize(
    ("live", "declared", "words"),
    [
        ({"CurrentInstanceCount": 2}, {"InstanceType": "ml.m5.large"}, "2 × ml.m5.large"),
        ({"CurrentInstanceCount": 0}, {"InstanceType": "ml.m5.large"}, "0 × ml.m5.large"),
        ({}, {"InstanceType": "ml.m5.large"}, "? × ml.m5.large"),
        (
            {"CurrentInstanceCount": 1},
            {"InstancePools": [{"InstanceType": "ml.g5.xlarge"}, {"InstanceType": "ml.g6.xlarge"}]},
            "1 × ml.g5.xlarge or ml.g6.xlarge",
        ),
        ({}, {"ServerlessConfig": {"MemorySizeInMB": 3072, "MaxConcurrency": 10}}, "3 GB × 10"),
        (
            {"CurrentServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 3}},
            {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 1}},
            "2 GB × 5, 3 warm",
        ),
    ],
)
def test_the_capacity_is_what_there_is_now(live: Any, declared: Any, words: str) -> None:
    assert _capacity(live, declared) == words


def test_traffic_is_told_where_there_is_more_than_one_variant() -> None:
    one, other, shadow = {"CurrentWeight": 3.0}, {"CurrentWeight": 1.0}, {"CurrentWeight": 0.25}
    assert _traffic({"ProductionVariants": [one]}, one, shadow=False) == ""
    assert _traffic({"ProductionVariants": [one, other]}, other, shadow=False) == "25%"
    assert _traffic({"ProductionVariants": [other]}, shadow, shadow=True) == "25% copied"
    assert _traffic({"ProductionVariants": [{"CurrentWeight": 0.0}, {}]}, {}, shadow=False) == ""


def launch(account: Target, *endpoints: str) -> None:
    sagemaker = account.client("sagemaker")
    role = "arn:aws:iam::123456789012:role/Endpoints"
    sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=role)
    variant = {"VariantName": "main", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    for name in endpoints:
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="c")


def alarm(account: Target, endpoint: str, what: str, state: str = "OK", variant: str | None = "main") -> None:
    cloudwatch = account.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=f"{endpoint}-{what}",
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=[
            {"Name": "EndpointName", "Value": endpoint},
            *([{"Name": "VariantName", "Value": variant}] if variant else []),
        ],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=f"{endpoint}-{what}", StateValue=state, StateReason="test")


def test_the_alarms_of_a_model_whose_name_goes_on_are_not_counted(account: Target, declare: Declare) -> None:
    ours, longer = f"{PREFIX}-iris-ep", f"{PREFIX}-iris-ep-next-ep"
    launch(account, ours, longer)
    alarm(account, ours, "latency")
    alarm(account, ours, "rollback-latency")
    alarm(account, longer, "latency", "ALARM")
    alarms = {r.endpoint: r.alarms for r in Inventory(declare(iris=MODEL, **{"iris-ep-next": MODEL}), account).rows()}
    assert alarms == {ours: "2, none in ALARM", longer: "1, ALARM: latency"}


def test_a_variant_counts_its_own_alarms_and_those_of_the_whole_endpoint(account: Target, declare: Declare) -> None:
    ours = f"{PREFIX}-iris-ep"
    launch(account, ours)
    alarm(account, ours, "latency")
    alarm(account, ours, "latency-other", "ALARM", variant="other")
    alarm(account, ours, "backlog", "ALARM", variant=None)
    (row,) = Inventory(declare(iris=MODEL), account).rows()
    assert row.alarms == "2, ALARM: backlog"


def test_a_component_that_is_not_there_is_missing(
    account: Target, declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    component = {"model": MODEL["model"], "memory": "1GB", "cpus": 1}
    environment = declare(shared={"version": 1, "hosting": MODEL["hosting"], "components": {"one": component}})
    launch(account, f"{PREFIX}-shared-ep")
    inventory = Inventory(environment, account)

    def missing(**_: str) -> None:
        message = 'Could not find inference component "arn:…".'
        raise ClientError({"Error": {"Code": "ValidationException", "Message": message}}, "DescribeInferenceComponent")

    monkeypatch.setattr(inventory._sagemaker, "describe_inference_component", missing)
    fleet, one = inventory.rows()
    assert (fleet.component, fleet.status) == ("", "InService")
    assert (one.component, one.status) == ("one", "missing")


def test_an_endpoint_that_is_no_longer_declared_is_found_and_other_environments_are_left_alone(
    account: Target, declare: Declare
) -> None:
    other = ["rc-project-a-prod-iris-ep", "x-rc-project-a-dev-iris-ep", "rc-project-a-devs-iris-ep"]
    launch(account, f"{PREFIX}-iris-ep", f"{PREFIX}-old-ep", f"{PREFIX}-by-hand", *other)
    inventory = Inventory(declare(), account)
    found = list(inventory.undeclared())
    assert found == [
        Row(endpoint=f"{PREFIX}-by-hand", status="InService", declared=False),
        Row(endpoint=f"{PREFIX}-old-ep", status="InService", declared=False),
    ]
    by_hand, old = (inventory.remedy(row) for row in found)
    assert by_hand.startswith(f"{PREFIX}-by-hand (InService) is there but not declared: it is no endpoint of Slipway's")
    command = f"aws cloudformation delete-stack --stack-name {PREFIX}-old --region eu-west-1"
    assert old.startswith(f"{PREFIX}-old-ep (InService) is there but not declared: destroy its stack with `{command}`")


def test_status_prints_what_is_not_declared_below_the_table_and_as_json(
    account: Target, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "choose", lambda *_, **__: account)
    launch(account, f"{PREFIX}-iris-ep", f"{PREFIX}-old-ep")
    assert main(["status", "--config", str(root / "config")]) == 0
    table, line = capsys.readouterr().out.strip().rsplit("\n", 1)
    assert f"{PREFIX}-iris-ep" in table
    assert f"{PREFIX}-old-ep" not in table
    assert line.startswith(f"{PREFIX}-old-ep (InService) is there but not declared: destroy its stack")
    assert main(["status", "--json", "--config", str(root / "config")]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(r["endpoint"], r["declared"]) for r in rows] == [(f"{PREFIX}-iris-ep", True), (f"{PREFIX}-old-ep", False)]
