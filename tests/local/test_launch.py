"""The main job as a user does it: the real CDK command-line interface against the local AWS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

LINKED = ("app.py", "cdk.json", "constructs", "examples", "lambda", "node_modules", "slipway", "stacks", ".venv")
ACCOUNT, OTHER_ACCOUNT = "111122223333", "123456789012"


@dataclass(frozen=True)
class Project:
    """A checkout of its own: the same code, its own config, its own local AWS."""

    folder: Path
    url: str

    def run(self, *command: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        return subprocess.run(
            command, cwd=self.folder, env={**clean, **(environ or {})}, capture_output=True, text=True, check=False
        )

    def slipway(self, *arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return self.run(".venv/bin/slipway", *arguments, environ=environ)

    def done(self, *arguments: str) -> str:
        """Run slipway, see that it succeeded, and return what it printed."""
        ended = self.slipway(*arguments)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    def cdk(self, *arguments: str, account: str = ACCOUNT) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
        credentials = {"AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "local", "AWS_ENDPOINT_URL": self.url}
        return self.run("node_modules/.bin/cdk", *arguments, environ={"PATH": path, **credentials})

    def client(self, service: str, account: str = ACCOUNT) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            region_name="eu-west-1",
            endpoint_url=self.url,
            aws_access_key_id=account,
            aws_secret_access_key="local",
        )

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / "config" / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Iterator[Project]:
    folder = tmp_path / "project"
    folder.mkdir()
    for name in LINKED:
        (folder / name).symlink_to(root / name)
    shutil.copytree(root / "config", folder / "config")
    started = subprocess.run(
        [folder / ".venv/bin/slipway", "local", "start", "--port", "0"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    url = next(word for word in started.stdout.split() if word.startswith("http://"))
    yield Project(folder, url)
    subprocess.run([folder / ".venv/bin/slipway", "local", "stop"], cwd=folder, capture_output=True, check=True)


def events(project: Project, stack: str) -> int:
    return len(project.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"])


def test_an_endpoint_is_launched_updated_and_destroyed(project: Project) -> None:
    first = project.done("deploy")
    assert '"species": "setosa"' in first
    assert '"version": 1' in first
    sagemaker = project.client("sagemaker")
    before = sagemaker.describe_endpoint(EndpointName="rc-project-a-dev-iris-ep")
    assert before["EndpointStatus"] == "InService"
    stacks = ("rc-project-a-dev-foundation", "rc-project-a-dev-iris", "rc-project-a-dev-operations")
    counted = [events(project, stack) for stack in stacks]

    again = project.done("deploy")
    assert again.count("(no changes)") == 3
    assert [events(project, stack) for stack in stacks] == counted
    assert "There were no differences" in project.done("diff")

    project.edit("base.yaml", "version: 1", "version: 2")
    changed = project.slipway("diff")
    assert "requires replacement" in changed.stdout + changed.stderr
    second = project.done("deploy")
    assert '"version": 2' in second
    after = sagemaker.describe_endpoint(EndpointName="rc-project-a-dev-iris-ep")
    assert after["EndpointArn"] == before["EndpointArn"]
    assert after["CreationTime"] == before["CreationTime"]
    assert after["EndpointConfigName"] != before["EndpointConfigName"]
    old = sagemaker.describe_endpoint_config(EndpointConfigName=before["EndpointConfigName"])
    assert sagemaker.describe_model(ModelName=old["ProductionVariants"][0]["ModelName"])

    gone = project.cdk("destroy", "rc-project-a-dev-iris", "--force", "-c", "env=dev")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    with pytest.raises(ClientError, match="Could not find"):
        sagemaker.describe_endpoint(EndpointName="rc-project-a-dev-iris-ep")
    scaling = project.client("application-autoscaling")
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    assert project.client("s3").head_object(
        Bucket="acme-sm-rc-project-a-dev-eu-west-1", Key="models/iris/v2/model.tar.gz"
    )
    with pytest.raises(ClientError, match="TerminationProtection"):
        project.client("cloudformation").delete_stack(StackName="rc-project-a-dev-foundation")

    assert '"version": 2' in project.done("deploy"), "it can be deployed again without loss"


def test_a_guarded_environment_has_what_its_config_names(project: Project) -> None:
    project.done("deploy", "--env", "prod")
    sagemaker = project.client("sagemaker", OTHER_ACCOUNT)
    endpoint = sagemaker.describe_endpoint(EndpointName="rc-project-a-prod-iris-ep")
    named = {a["AlarmName"] for a in _deployment_config(project)["AutoRollbackConfiguration"]["Alarms"]}
    existing = {
        alarm["AlarmName"]: alarm
        for page in project.client("cloudwatch", OTHER_ACCOUNT).get_paginator("describe_alarms").paginate()
        for alarm in page["MetricAlarms"]
    }
    assert named == {f"rc-project-a-prod-iris-ep-rollback-{w}" for w in ("latency", "errors-5xx", "model-errors")}
    assert named <= set(existing)
    for name in named:
        dimensions = {d["Name"]: d["Value"] for d in existing[name]["Dimensions"]}
        assert dimensions["EndpointConfigName"] == endpoint["EndpointConfigName"]
    (target,) = project.client("application-autoscaling", OTHER_ACCOUNT).describe_scalable_targets(
        ServiceNamespace="sagemaker"
    )["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (4, 12)
    s3 = project.client("s3", OTHER_ACCOUNT)
    assert s3.get_bucket_versioning(Bucket="acme-sm-rc-project-a-prod-eu-west-1")["Status"] == "Enabled"
    iam = project.client("iam", OTHER_ACCOUNT)
    assert iam.get_role(RoleName="SageMaker-rc-project-a-prod-eu-west-1-ExecutionRole")
    topics = project.client("sns", OTHER_ACCOUNT).list_topics()["Topics"]
    assert topics == [{"TopicArn": "arn:aws:sns:eu-west-1:123456789012:rc-project-a-prod-alarms"}]

    row = json.loads(project.slipway("status", "--env", "prod", "--json").stdout)[0]
    assert (row["status"], row["version"], row["instances"]) == ("InService", "1", "4 × ml.m5.large")
    assert (row["strategy"], row["scaling"]) == ("canary, 1", "4–12")


def _deployment_config(project: Project) -> dict[str, Any]:
    stack = project.client("cloudformation", OTHER_ACCOUNT).get_template(StackName="rc-project-a-prod-iris")
    body = stack["TemplateBody"]
    template = body if isinstance(body, dict) else json.loads(body)
    resources = template["Resources"]
    config = next(r for r in resources.values() if r["Type"] == "AWS::SageMaker::Endpoint")["Properties"][
        "DeploymentConfig"
    ]
    for alarm in config["AutoRollbackConfiguration"]["Alarms"]:
        alarm["AlarmName"] = resources[alarm["AlarmName"]["Ref"]]["Properties"]["AlarmName"]
    made: dict[str, Any] = config
    return made


def test_two_environments_live_in_one_account(project: Project) -> None:
    (project.folder / "config" / "prod.yaml").unlink()
    project.done("deploy", "--env", "dev")
    project.done("deploy", "--env", "staging")
    endpoints = {e["EndpointName"] for e in project.client("sagemaker").list_endpoints()["Endpoints"]}
    assert endpoints == {"rc-project-a-dev-iris-ep", "rc-project-a-staging-iris-ep"}


def test_a_guarded_endpoint_can_be_taken_out_and_declared_again(project: Project) -> None:
    project.done("deploy", "--env", "staging")
    here = (project.folder / "config" / "staging.yaml").read_text()
    (project.folder / "config" / "staging.yaml").write_text(here.split("endpoints:")[0] + "endpoints: {iris: null}\n")
    project.done("deploy", "--env", "staging")
    gone = project.client("cloudformation").delete_stack(StackName="rc-project-a-staging-iris")
    assert gone
    (project.folder / "config" / "staging.yaml").write_text(here)
    assert '"species": "setosa"' in project.done("deploy", "--env", "staging")


def test_an_endpoint_url_that_points_elsewhere_stops_every_command(project: Project) -> None:
    for arguments in (
        ("deploy",),
        ("diff",),
        ("status",),
        ("invoke", "iris"),
        ("publish", "examples/models/iris", "--model", "iris", "--version", "3"),
    ):
        ended = project.slipway(*arguments, environ={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
        assert ended.returncode == 2, arguments
        assert "AWS_ENDPOINT_URL points to http://127.0.0.1:9" in ended.stderr
        ended = project.slipway(*arguments, "--target", "aws", environ={"AWS_ENDPOINT_URL": project.url})
        assert ended.returncode == 2, arguments
        assert "unset AWS_ENDPOINT_URL" in ended.stderr
    assert project.client("cloudformation").list_stacks()["StackSummaries"] == []


def test_the_account_is_never_touched_without_credentials(project: Project) -> None:
    nothing = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    ended = project.slipway("deploy", "--target", "aws", environ=nothing)
    assert ended.returncode == 2
    assert "log in to account 111122223333" in ended.stderr


def test_a_profile_of_the_users_does_not_lead_a_local_deployment_astray(project: Project) -> None:
    elsewhere = {"AWS_PROFILE": "does-not-exist", "AWS_ACCESS_KEY_ID": OTHER_ACCOUNT, "AWS_SECRET_ACCESS_KEY": "x"}
    ended = project.slipway("status", environ=elsewhere)
    assert ended.returncode == 1
    assert "missing" in ended.stdout


def test_the_shell_is_pointed_at_the_local_aws_and_nowhere_else(project: Project) -> None:
    printed = project.slipway("local", "env", environ={"AWS_PROFILE": "mine"}).stdout
    assert "unset AWS_PROFILE" in printed
    assert f"export AWS_ENDPOINT_URL={project.url}" in printed
    assert f"export AWS_ACCESS_KEY_ID={ACCOUNT}" in printed
