"""Adding and removing the models of a multi-model endpoint that serves, through the commands, in two accounts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from slipway.ops.deploy.deploy import BOOTSTRAP_PARAMETER, Deployer
from slipway.ops.publish.publish import Published, VersionTaken, publish
from slipway.spec.lock import read_lock
from tests.local.conftest import LocalAws
from tests.local.hosting import ROLE
from tests.local.two_accounts import Project

PREFIX = "models/demand/"
BASE = """\
notify: [ml-oncall@example.com]
endpoints:
  demand:
    version: 1
    model:
      image: {framework: sklearn, tag: 1.4-2-cpu-py3}
      models: models/demand/
    hosting: {instance_type: ml.m5.large}
    sample: {body: "1", target: store-1/v1/model.tar.gz}
"""


class Stores(Project):
    """A project whose endpoint serves a model for each store."""

    def add(self, name: str, text: str, env: str = "dev") -> None:
        assert self.run("models", "add", "demand", name, str(self.model(text)), "--version", "1", "--env", env) == 0


@pytest.fixture
def project(local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stores:
    return Stores(tmp_path, local_aws).set_up(BASE, monkeypatch)


@pytest.fixture
def ask(project: Stores) -> Callable[[str], str]:
    """Serve the prefix in dev, and return what asks one of its models for its text."""
    names = project.environment().names
    sagemaker = project.aws.client("sagemaker")
    name = names.endpoint("demand")
    url = f"s3://{names.bucket}/{PREFIX}"
    container = {"Image": "image", "Mode": "MultiModel", "ModelDataUrl": url}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "main", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    runtime = project.aws.client("sagemaker-runtime")

    def asked(archive: str) -> str:
        answer = runtime.invoke_endpoint(
            EndpointName=name, Body="1", ContentType="application/json", TargetModel=archive
        )
        return str(json.loads(answer["Body"].read())["model"])

    return asked


def test_a_model_that_is_added_answers_at_once_and_one_that_is_removed_goes(
    project: Stores, ask: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    project.add("store-1", "one")
    assert ask("store-1/v1/model.tar.gz") == "one"
    project.add("store-2", "two")
    name = project.environment().names.endpoint("demand")
    printed = capsys.readouterr().out
    assert printed.endswith(f"a request to {name} names it store-2/v1/model.tar.gz; that takes no deployment\n")
    assert ask("store-2/v1/model.tar.gz") == "two"
    assert project.run("models", "remove", "demand", "store-2/v1/model.tar.gz") == 0
    assert project.objects() == [f"{PREFIX}store-1/v1/model.tar.gz"]
    assert set(read_lock(project.lock)) == {f"{PREFIX}store-1/v1/model.tar.gz"}
    with pytest.raises(ClientError, match="Failed to download model data"):
        ask("store-2/v1/model.tar.gz")
    assert ask("store-1/v1/model.tar.gz") == "one"


def test_the_command_that_is_printed_brings_a_removed_model_back(
    project: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    project.add("store-1", "one")
    project.add("store-2", "two")
    assert project.run("models", "remove", "demand", "store-2/v1/model.tar.gz") == 0
    printed = capsys.readouterr().out
    words = next(line for line in printed.splitlines() if "brings it back: aws " in line).split()
    said = dict(zip(words[words.index("--bucket") :: 2], words[words.index("--bucket") + 1 :: 2], strict=True))
    project.s3().delete_object(Bucket=said["--bucket"], Key=said["--key"], VersionId=said["--version-id"])
    assert f"{PREFIX}store-2/v1/model.tar.gz" in project.objects()
    assert words[:2] == ["for", "90d"]


def test_the_next_deployment_agrees_with_a_removal(project: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    project.add("store-1", "one")
    project.add("store-2", "two")
    ssm = project.aws.client("ssm")
    ssm.put_parameter(Name=BOOTSTRAP_PARAMETER, Value="30", Type="String", Overwrite=True)
    ran: list[str] = []

    def run(_: Deployer, verb: str, _arguments: list[str]) -> int:
        ran.append(verb)
        return 0

    monkeypatch.setattr(Deployer, "_run_cdk", run)
    assert project.run("models", "remove", "demand", "store-2/v1/model.tar.gz") == 0
    Deployer(project.environment(), project.target(), project.folder).run()
    assert ran == ["deploy"]
    assert project.objects() == [f"{PREFIX}store-1/v1/model.tar.gz"]


def test_production_asks_for_the_endpoints_name(project: Stores, capsys: pytest.CaptureFixture[str]) -> None:
    project.add("store-1", "one", "prod")
    project.add("store-2", "two", "prod")
    name = project.environment("prod").names.endpoint("demand")
    removing = ("models", "remove", "demand", "store-2/v1/model.tar.gz", "--env", "prod")
    capsys.readouterr()
    assert project.run(*removing) == 2
    assert f"say `--confirm {name}`; nothing was changed" in capsys.readouterr().err
    assert project.run(*removing, "--confirm", name.replace("prod", "dev")) == 2
    assert len(project.objects("prod")) == 2
    assert project.run(*removing, "--confirm", name) == 0
    assert project.objects("prod") == [f"{PREFIX}store-1/v1/model.tar.gz"]


def test_removing_in_one_environment_leaves_the_other_and_says_so(
    project: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    for env in ("dev", "prod"):
        project.add("store-1", "one", env)
        project.add("store-2", "two", env)
    capsys.readouterr()
    assert project.run("models", "remove", "demand", "store-2/v1/model.tar.gz") == 0
    assert f"{project.lock} is for prod, too: what lies there under this key stays" in capsys.readouterr().err
    assert len(project.objects("prod")) == 2
    assert project.run("models", "list", "demand", "--env", "prod", "--json") == 0
    states = {one["model"]: one["state"] for one in json.loads(capsys.readouterr().out)}
    assert states == {"store-1/v1/model.tar.gz": "published", "store-2/v1/model.tar.gz": "unrecorded"}
    name = project.environment("prod").names.endpoint("demand")
    arguments = ("models", "remove", "demand", "store-2/v1/model.tar.gz", "--env", "prod", "--confirm", name)
    assert project.run(*arguments) == 0
    assert len(project.objects("prod")) == 1


def test_the_list_fails_for_what_nobody_should_serve(project: Stores, capsys: pytest.CaptureFixture[str]) -> None:
    assert project.run("models", "list", "demand") == 0
    assert "no archive: `slipway models add demand NAME FOLDER --version 1`" in capsys.readouterr().out
    project.add("store-1", "one")
    assert project.run("models", "list", "demand", "--verify") == 0
    bucket, key = project.environment().names.bucket, f"{PREFIX}store-1/v1/model.tar.gz"
    metadata = project.s3().head_object(Bucket=bucket, Key=key)["Metadata"]
    project.s3().put_object(Bucket=bucket, Key=key, Body=b"PK", Metadata=metadata)
    assert project.run("models", "list", "demand") == 0
    capsys.readouterr()
    assert project.run("models", "list", "demand", "--verify") == 1
    assert "is no gzip archive" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "demnad"], "no endpoint is called 'demnad', did you mean demand?"),
        (["add", "demnad", "store-1", ".", "--version", "1"], "did you mean demand?"),
        (["add", "demand", "Store", ".", "--version", "1"], "model 'demand/Store': write lower-case letters"),
        (["add", "demand", "store", ".", "--version", "0"], "version '0' of model demand/store: write 1 or more"),
        (["remove", "demnad", "store-1/v1/model.tar.gz"], "did you mean demand?"),
        (["remove", "demand", "store-1"], "holds no store-1. There is: none"),
        (["list", "demand", "--prefix", "models/x/"], "--prefix models/x/: endpoints.demand has models/demand/"),
    ],
)
def test_wrong_usage_is_told_and_changes_nothing(
    project: Stores, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert project.run("models", *arguments) == 2
    assert message in capsys.readouterr().err
    assert project.objects() == []


@pytest.mark.parametrize("alike", [True, False], ids=["the same bytes", "different bytes"])
def test_of_two_who_publish_a_version_at_once_the_second_is_told(
    project: Stores, tmp_path: Path, *, alike: bool
) -> None:
    bucket = project.environment().names.bucket
    together = threading.Barrier(2)

    def meet(**_: object) -> None:
        together.wait(10)

    folders = {who: project.model("both" if alike else who) for who in ("alice", "bob")}

    def run(who: str) -> Published | VersionTaken:
        s3 = project.s3()
        s3.meta.events.register("before-call.s3.PutObject", meet)
        lock = tmp_path / f"{who}.lock.json"
        try:
            return publish(folders[who], model="demand/store-9", version=1, bucket=bucket, lock_path=lock, s3=s3)
        except VersionTaken as taken:
            return taken

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(run, ("alice", "bob")))
    published = [one for one in outcomes if isinstance(one, Published)]
    assert sorted(one.uploaded for one in published) == ([False, True] if alike else [True])
    refused = [str(one) for one in outcomes if isinstance(one, VersionTaken)]
    assert all("let requests name store-9/v2/model.tar.gz" in one for one in refused)
    versions = project.s3().list_object_versions(Bucket=bucket)["Versions"]
    assert len(versions) == 1, "nothing was overwritten"
