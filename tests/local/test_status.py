"""`slipway status` on the local AWS: what serves is held against the stack, and what is under way is told."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.cli import main
from slipway.local import control, steering
from slipway.ops import target as targets
from slipway.ops.status.inventory import Inventory, Row
from slipway.ops.target import Target, local_target
from slipway.spec.environment import Environment
from slipway.spec.load import load
from tests.local.conftest import ACCOUNT, REGION, Client, LocalAws, Stack
from tests.local.hosting import BUCKET, ECHO, ROLE, Hosting

CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 600,
        }
    }
}
_numbers = itertools.count()


@pytest.fixture(scope="module")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS whose clock these tests move."""
    home = tmp_path_factory.mktemp("status")
    running = control.start(home, port=0)
    aws = LocalAws(running.url)
    aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    yield aws
    assert control.stop(home)


@dataclass
class Deployed:
    """An environment with an endpoint `it` whose stack has a config for each version that was deployed."""

    environment: Environment
    config: Path
    target: Target
    stack: Stack
    url: str

    def deploy(self, version: str) -> str:
        """Deploy a version as Slipway's stacks do; return its config."""
        names = self.environment.names
        tags = [{"Key": "Version", "Value": version}]
        variant = {"ModelName": {"Fn::GetAtt": ["Model", "ModelName"]}, "VariantName": "primary"}
        capacity = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2, "InitialVariantWeight": 1.0}
        container = {"Image": "image", "ModelDataUrl": self.url, "Environment": {"VERSION": version}}
        kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
        model = {"ExecutionRoleArn": ROLE, "PrimaryContainer": container, "Tags": tags}
        config = {"ProductionVariants": [{**variant, **capacity}], "Tags": tags}
        endpoint = {
            "EndpointName": names.endpoint("it"),
            "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
        }
        status = self.stack.deploy(
            {
                "Model": {"Type": "AWS::SageMaker::Model", "Properties": model, **kept},
                "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": config, **kept},
                "Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": endpoint},
            }
        )
        assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), self.stack.reasons()
        return self.serving

    @property
    def sagemaker(self) -> Client:
        return self.target.client("sagemaker")

    @property
    def serving(self) -> str:
        found = self.sagemaker.describe_endpoint(EndpointName=self.environment.names.endpoint("it"))
        return str(found["EndpointConfigName"])

    def update(self, config: str, **options: Any) -> None:
        """Move the endpoint behind its stack."""
        name = self.environment.names.endpoint("it")
        self.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config, **options)

    @property
    def row(self) -> Row:
        (row,) = Inventory(self.environment, self.target).rows()
        return row

    def status(self, *arguments: str) -> int:
        return main(["status", *arguments, "--config", str(self.config)])


@pytest.fixture
def deployed(local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    (tmp_path / "base.yaml").write_text(
        f"company: acme\nteam: rc\nproject: status-{next(_numbers)}\n"
        "endpoints:\n  it:\n    version: 2\n"
        "    model: {image: {framework: sklearn, tag: 1.4-2-cpu-py3}, artifact: false}\n"
        "    hosting: {instance_type: ml.m5.large}\n",
        encoding="utf-8",
    )
    (tmp_path / "dev.yaml").write_text(f'account: "{ACCOUNT}"\nregion: {REGION}\n', encoding="utf-8")
    environment = load(tmp_path, "dev").environment
    target = local_target(environment, control.Running(0, 0, local_aws.url))
    monkeypatch.setattr(targets, "choose", lambda *_, **__: target)
    names = environment.names
    url = Hosting(local_aws, local_aws.client("s3"), names.endpoint("it")).upload({"code/inference.py": ECHO})
    return Deployed(environment, tmp_path, target, Stack(local_aws.client("cloudformation"), names.stack("it")), url)


def test_an_endpoint_that_serves_what_its_stack_holds_is_fine(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    config = deployed.deploy("1")
    row = deployed.row
    assert (row.status, row.version, row.config, row.stack_config.casefold()) == (
        "InService",
        "1",
        config,
        config.casefold(),
    )
    assert (row.drift, row.notes) == ("", ())
    assert deployed.status() == 0
    assert "rolled back" not in capsys.readouterr().out


def test_a_rollback_that_looks_like_success_is_told(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    first = deployed.deploy("1")
    second = deployed.deploy("2")
    assert first != second
    deployed.update(first)
    assert deployed.status() == 3
    out = capsys.readouterr().out
    assert "InService, rolled back" in out
    assert f"rolled back: serves {first} of version 1, the stack holds {second} of version 2\n" in out
    deployed.update(second)
    assert deployed.status() == 0


def test_a_config_from_elsewhere_is_told_apart_from_a_rollback(deployed: Deployed) -> None:
    serving = deployed.deploy("1")
    described = deployed.sagemaker.describe_endpoint_config(EndpointConfigName=serving)
    steering.advance_clock(deployed.target.environ["AWS_ENDPOINT_URL"], timedelta(minutes=1))
    other = f"{deployed.environment.names.prefix}-by-hand"
    deployed.sagemaker.create_endpoint_config(
        EndpointConfigName=other, ProductionVariants=described["ProductionVariants"]
    )
    deployed.update(other)
    assert deployed.row.drift == "changed outside its stack"


def test_an_update_under_way_says_where_it_goes_and_is_no_drift(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    url = deployed.target.environ["AWS_ENDPOINT_URL"]
    first = deployed.deploy("1")
    second = deployed.deploy("2")
    steering.set_pace(url, timedelta(minutes=2))
    try:
        deployed.update(first, DeploymentConfig=CANARY)
        steering.advance_clock(url, timedelta(minutes=5))
        row = deployed.row
        assert (row.status, row.config, row.drift) == ("Updating", second, "")
        assert row.update.startswith(f"to {first} of version 1, since ")
        assert row.update.endswith("Baking")
        assert deployed.status("--json") == 0
        (found,) = json.loads(capsys.readouterr().out)
        assert found["update"] == row.update
        steering.advance_clock(url, timedelta(minutes=30))
        assert (deployed.row.status, deployed.row.drift) == ("InService", "rolled back")
    finally:
        steering.set_pace(url, timedelta())


def test_an_update_whose_rollback_failed_is_a_failure_with_its_reason(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    url, name = deployed.target.environ["AWS_ENDPOINT_URL"], deployed.environment.names.endpoint("it")
    first = deployed.deploy("1")
    deployed.deploy("2")
    steering.set_pace(url, timedelta(minutes=2))
    try:
        for flaw in ("unhealthy", "rollback-fails"):
            steering.give_flaw(url, ACCOUNT, REGION, name, flaw)
        deployed.update(first, DeploymentConfig=CANARY)
        steering.advance_clock(url, timedelta(hours=2))
        row = deployed.row
        assert row.status == "UpdateRollbackFailed"
        assert deployed.status() == 1
        assert f"{name}: UpdateRollbackFailed: {row.failure}" in capsys.readouterr().out
        assert row.failure
    finally:
        steering.clear_flaws(url, ACCOUNT, REGION, name)
        steering.set_pace(url, timedelta())
