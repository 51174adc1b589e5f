"""The checklist as a user meets it: before an update of a deployed endpoint, and as the first step of a deployment."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.local import control, steering
from slipway.local.iam_policy import Decision, evaluate
from slipway.ops.preflight.checklist import Scope, preflight
from slipway.ops.target import Target
from slipway.spec.load import load
from tests.iam.calls import Account, request_of
from tests.local.test_launch import LINKED, Project

PREFIX = "rc-project-a-staging"
ENDPOINT, STACK = f"{PREFIX}-iris-ep", f"{PREFIX}-iris"
BUCKET, KEY = "acme-sm-rc-project-a-staging-eu-west-1", "models/iris/v1/model.tar.gz"
ROLE = f"SageMaker-{PREFIX}-eu-west-1-ExecutionRole"
#: One that somebody else made, and that tests let go off.
ALARM = "checkout-failures"
STAGING = f"""\
environment: staging
account: "111122223333"
region: eu-west-1
endpoints:
  iris:
    deployment: {{strategy: linear, rollback_alarms: {{also: [{ALARM}]}}}}
"""


def started(folder: Path, root: Path) -> Project:
    folder.mkdir()
    for name in LINKED:
        (folder / name).symlink_to(root / name)
    shutil.copytree(root / "config", folder / "config")
    (folder / "config" / "staging.yaml").write_text(STAGING)
    command = [str(folder / ".venv/bin/slipway"), "local", "start", "--port", "0"]
    out = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    return Project(folder, next(word for word in out.split() if word.startswith("http://")))


def set_alarm(project: Project, *, off: bool) -> None:
    """Let the alarm go off: it has no data, which is bad or not as it says."""
    project.client("cloudwatch").put_metric_alarm(
        AlarmName=ALARM,
        Namespace="checkout",
        MetricName="failures",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="breaching" if off else "notBreaching",
    )


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Project]:
    """Staging with version 1 of iris; whoever changes it puts it back."""
    project = started(tmp_path_factory.mktemp("preflight") / "project", root)
    set_alarm(project, off=False)
    ended = project.slipway("deploy", "--env", "staging")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    yield project
    subprocess.run([project.folder / ".venv/bin/slipway", "local", "stop"], cwd=project.folder, check=True)


Found = Mapping[tuple[str, str], Mapping[str, Any]]


def look(project: Project, *more: str) -> tuple[int, Found]:
    """Run the checklist; return its exit code, and each check by endpoint and name."""
    ended = project.slipway("preflight", "--env", "staging", "--json", *more)
    assert ended.stdout, ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("local AWS http://127.0.0.1")
    found = json.loads(ended.stdout)
    assert found["passed"] is all(check["outcome"] != "failed" for check in found["checks"])
    return ended.returncode, {(check["endpoint"], check["check"]): check for check in found["checks"]}


def only_failure(project: Project, name: str) -> Mapping[str, Any]:
    """Run the checklist, see that nothing but one check of the endpoint failed, and return what it found."""
    code, found = look(project)
    assert code == 1
    assert [key for key, check in found.items() if check["outcome"] == "failed"] == [("iris", name)]
    finding: Mapping[str, Any] = found["iris", name]["findings"][0]
    return finding


def test_a_deployed_endpoint_is_ready_for_an_update(deployed: Project) -> None:
    begun = time.monotonic()
    code, found = look(deployed, "--strict")
    assert code == 0
    assert {check["outcome"] for check in found.values()} == {"ok"}
    assert list(found)[:3] == [("", "credentials"), ("", "stacks"), ("iris", "stack")]
    assert len(found) == 11
    texts = {name: check["findings"][0]["text"] for (_, name), check in found.items()}
    assert texts["artifacts"] == f"{KEY} as published, and the execution role may read it"
    assert texts["alarms"] == "4 that end an update, none in ALARM"
    assert texts["quota"] == "at most 8 × ml.m5.large at one time; the local AWS limits nothing"
    assert time.monotonic() - begun < 30


def test_people_read_where_it_looked_each_check_and_a_summary(deployed: Project) -> None:
    out = deployed.slipway("preflight", "iris", "--env", "staging").stdout.splitlines()
    assert out[0].startswith("local AWS http://127.0.0.1")
    assert out[1] == "environment"
    assert "  ok       endpoint           InService, and nobody else works on it" in out
    assert out[-1] == "11 checks: 11 ok"


def test_an_endpoint_that_is_not_declared_is_wrong_usage(deployed: Project) -> None:
    ended = deployed.slipway("preflight", "irsi", "--env", "staging")
    assert ended.returncode == 2
    assert "no endpoint is called 'irsi', did you mean iris?" in ended.stderr


def test_an_artifact_that_is_gone_fails_and_leaves_no_way_back(deployed: Project) -> None:
    s3 = deployed.client("s3")
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    try:
        finding = only_failure(deployed, "artifacts")
        assert finding["text"] == f"s3://{BUCKET}/{KEY} is not there"
        assert finding["do"] == "slipway publish FOLDER --model iris --version 1 --env staging"
        _, found = look(deployed)
        assert found["iris", "previous revision"]["outcome"] == "warning"
    finally:
        (marker,) = s3.list_object_versions(Bucket=BUCKET, Prefix=KEY)["DeleteMarkers"]
        s3.delete_object(Bucket=BUCKET, Key=KEY, VersionId=marker["VersionId"])


def test_an_artifact_that_the_role_may_not_read_fails(deployed: Project) -> None:
    iam = deployed.client("iam")
    no = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}]}
    iam.put_role_policy(RoleName=ROLE, PolicyName="no", PolicyDocument=json.dumps(no))
    try:
        finding = only_failure(deployed, "artifacts")
        assert f"may not read s3://{BUCKET}/{KEY}: a policy forbids it" in finding["text"]
    finally:
        iam.delete_role_policy(RoleName=ROLE, PolicyName="no")


def test_an_alarm_that_went_off_fails_and_stops_a_deployment_before_anything_changes(deployed: Project) -> None:
    set_alarm(deployed, off=True)
    try:
        finding = only_failure(deployed, "alarms")
        assert finding["text"].startswith(f"{ALARM} is in ALARM, and would end the update")
        before = deployed.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
        ended = deployed.slipway("deploy", "--env", "staging")
        assert ended.returncode == 1
        assert f"  failed   alarms             {ALARM} is in ALARM" in ended.stdout
        assert "· preflight: 11 checks: 10 ok, 1 failed" in ended.stdout
        assert "  ok  " not in ended.stdout
        assert "preflight: 1 check failed, so nothing was deployed." in ended.stderr
        assert "cdk deploy" not in ended.stdout
        assert deployed.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"] == before
    finally:
        set_alarm(deployed, off=False)


def test_another_instance_type_under_the_scalable_target_fails(deployed: Project) -> None:
    deployed.edit("base.yaml", "ml.m5.large", "ml.m5.xlarge")
    try:
        finding = only_failure(deployed, "update")
        assert "changes from ml.m5.large to ml.m5.xlarge while the variant is a scalable target" in finding["text"]
        assert finding["do"].startswith("1. Deploy with ml.m5.large as it is")
    finally:
        deployed.edit("base.yaml", "ml.m5.xlarge", "ml.m5.large")


def test_another_operator_at_work_fails(deployed: Project) -> None:
    sagemaker = deployed.client("sagemaker")
    arn = sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointArn"]
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    tag = {"Key": "slipway:operation", "Value": f"shift by them@there until {until} 0123abcd"}
    sagemaker.add_tags(ResourceArn=arn, Tags=[tag])
    try:
        finding = only_failure(deployed, "endpoint")
        assert "another operator works on it (shift by them@there" in finding["text"]
        assert finding["do"].startswith("wait, or if that one is dead remove the tag")
    finally:
        sagemaker.delete_tags(ResourceArn=arn, TagKeys=[tag["Key"]])


def test_the_operators_policy_allows_all_that_the_checklist_asks(
    deployed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam, sagemaker = deployed.client("iam"), deployed.client("sagemaker")
    arn = f"arn:aws:iam::111122223333:policy/SageMaker-{PREFIX}-eu-west-1-Operator"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    statements = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]["Statement"]
    asked: list[tuple[str, str, Mapping[str, Any]]] = []
    plain = Target.client

    def noting(self: Target, service: str) -> Any:
        made = plain(self, service)
        made.meta.events.register(
            "provide-client-params", lambda params, model, **_: asked.append((service, model.name, dict(params)))
        )
        return made

    monkeypatch.setattr(Target, "client", noting)
    loaded = load(deployed.folder / "config", "staging")
    here = control.environment(deployed.url, "111122223333", "eu-west-1")
    report = preflight(
        loaded.environment,
        Target("local", "111122223333", "eu-west-1", here, ""),
        Scope(("iris",), loaded.hashes),
    )
    assert report.passed(strict=True), "\n".join(report.lines())

    def tags(resource: str) -> dict[str, str]:
        if ":sagemaker:" not in resource:
            return {}
        return {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=resource)["Tags"]}

    account = Account("111122223333", "eu-west-1", tags, lambda _: "")
    requests = {
        (request.action, request.resource): evaluate(statements, request)
        for service, operation, call in asked
        if operation != "GetCallerIdentity"  # which takes no right
        for request in [request_of(account, service, operation, call)]
    }
    assert {key: decision for key, decision in requests.items() if decision is not Decision.ALLOWED} == {}
    assert len({action for action, _ in requests}) >= 10


def test_of_two_deployments_at_once_the_second_is_told_before_it_begins(deployed: Project) -> None:
    cloudformation = deployed.client("cloudformation")

    def status() -> str:
        return str(cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"])

    deployed.edit("base.yaml", "version: 1", "version: 2")
    command = [str(deployed.folder / ".venv/bin/slipway"), "deploy", "--env", "staging"]
    with subprocess.Popen(command, cwd=deployed.folder, stdout=subprocess.PIPE, text=True) as first:
        while status() != "UPDATE_IN_PROGRESS":
            assert first.poll() is None, first.communicate()
            time.sleep(0.2)
        second = deployed.slipway("deploy", "--env", "staging")
        assert second.returncode == 1
        told = second.stdout.splitlines()
        assert (
            f"  failed   stack              {STACK} is UPDATE_IN_PROGRESS: another deployment is at work on it, and "
            in (second.stdout)
        )
        assert any(
            line.startswith("  failed   endpoint           Updating to rc-project-a-staging-iris-") for line in told
        )
        assert "cdk deploy" not in second.stdout
        steering.set_speed(deployed.url, 600)  # nobody has to wait for the bakes
        out, _ = first.communicate(timeout=300)
        steering.set_speed(deployed.url, 1)
    assert first.returncode == 0, out
    assert "· update iris: takes 10m here, with the bakes that it declares; `make deploy SPEED=60`" in out
    deployed.edit("base.yaml", "version: 2", "version: 1")
    deployed.done("deploy", "--env", "staging", "--speed", "600")


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Iterator[Project]:
    """A project of a test's own."""
    made = started(tmp_path / "project", root)
    yield made
    subprocess.run([made.folder / ".venv/bin/slipway", "local", "stop"], cwd=made.folder, check=True)


def test_a_silent_rollback_is_told_after_the_deployment_and_before_the_next_one(project: Project) -> None:
    set_alarm(project, off=False)
    first = project.done("deploy", "--env", "staging")
    assert "· preflight: 2 checks: 2 ok" in first
    set_alarm(project, off=True)
    project.edit("base.yaml", "version: 1", "version: 2")

    ended = project.slipway("deploy", "--env", "staging", "--no-preflight", "--speed", "60")
    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert "· preflight: left out, as --no-preflight says" in ended.stdout
    told = ended.stderr[ended.stderr.index("iris: rolled back") :].splitlines()
    assert told[0].startswith("iris: rolled back, although CloudFormation reports success: it serves version 1 (")
    assert "its stack holds version 2 (" in told[0]
    assert any(line.startswith(f"  {ALARM} went off at ") for line in told)
    assert told[-1] == (
        "  deploying version 2 again would change nothing: publish a cure under another version and declare that, or "
        "write `version: 1` to keep what serves"
    )
    assert steering.clock(project.url).speed == 1.0, "it runs as before"
    assert project.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] == (
        "UPDATE_COMPLETE"
    )

    set_alarm(project, off=False)
    finding = only_failure(project, "live config")
    assert "Deploying version 2 again changes nothing, since CloudFormation believes it to serve" in finding["text"]
    project.edit("base.yaml", "version: 2", "version: 1")
    code, found = look(project)
    assert code == 0
    assert found["iris", "live config"]["outcome"] == "warning"
    assert look(project, "--strict")[0] == 1
    back = project.done("deploy", "--env", "staging", "--speed", "600")
    assert "  warning  live config        it serves version 1 (" in back
    assert look(project, "--strict")[0] == 0


#: Stands in for the CDK CLI: makes a stack's update begin, and says which signal ends it.
FAKE_CDK = """
const fs = require("fs");
const note = name => () => { fs.writeFileSync("came", name); process.exit(1); };
process.on("SIGTERM", note("SIGTERM"));
process.on("SIGINT", note("SIGINT"));
fs.writeFileSync("begun", process.argv.slice(2).join(" "));
setTimeout(() => {}, 60000);
"""


def _with_fake_cdk(folder: Path) -> Path:
    """Put a program in the place of the CDK CLI."""
    (folder / "node_modules").unlink()
    fake = folder / "node_modules" / "aws-cdk" / "bin" / "cdk"
    fake.parent.mkdir(parents=True)
    fake.write_text(FAKE_CDK)
    return fake


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_deployment_that_is_interrupted_ends_the_cdk_cli_and_says_what_goes_on(
    project: Project, number: signal.Signals, code: int, word: str
) -> None:
    _with_fake_cdk(project.folder)
    ssm = project.client("ssm")
    ssm.put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    command = [str(project.folder / ".venv/bin/slipway"), "deploy", "--env", "staging", "--speed", "60"]
    with subprocess.Popen(
        command, cwd=project.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while not (project.folder / "begun").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code, out + err
    assert (project.folder / "came").read_text() == number.name
    assert (project.folder / "begun").read_text().startswith(f"deploy {PREFIX}-foundation")
    assert "no stack is being changed: `slipway deploy` goes on from here" in err
    assert err.splitlines()[-1] == word
    assert steering.clock(project.url).speed == 1.0, "it runs as before"
