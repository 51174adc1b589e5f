"""Deploying: no object is served that is not the one that was published."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slipway.cli import main
from slipway.ops import target as targets
from slipway.ops.deploy import artifacts as needed_artifacts
from slipway.ops.deploy.deploy import BOOTSTRAP_PARAMETER, Deployer, DeployError, WrongArtifact
from slipway.ops.publish.package import package
from slipway.spec.lock import read_lock, record
from tests.unit.ops.conftest import MODEL, Declare

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from slipway.ops.target import Target

BUCKET = "acme-sm-rc-project-a-dev-eu-west-1"
V1, V2 = "models/iris/v1/model.tar.gz", "models/iris/v2/model.tar.gz"
CONTENT = {V1: b"one", V2: b"two"}
SHA = {key: hashlib.sha256(content).hexdigest() for key, content in CONTENT.items()}


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the CDK CLI was asked for."""
    made: list[str] = []

    def run(_: Deployer, verb: str, arguments: list[str]) -> int:
        made.append(" ".join([verb, *arguments]))
        return 0

    monkeypatch.setattr(Deployer, "_run_cdk", run)
    return made


@pytest.fixture
def s3(account: Target) -> S3Client:
    account.client("ssm").put_parameter(Name=BOOTSTRAP_PARAMETER, Value="30", Type="String")
    client: S3Client = account.client("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return client


@pytest.fixture
def config(tmp_path: Path, root: Path) -> Path:
    """A config folder whose lock file knows both versions."""
    for key, sha256 in SHA.items():
        record(tmp_path / "models.lock.json", key, sha256)
    for name in ("base.yaml", "dev.yaml"):
        text = (root / "config" / name).read_text(encoding="utf-8").replace("111122223333", "123456789012")
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def put(s3: S3Client, key: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(CONTENT[key], mtime=0), Metadata={"sha256": SHA[key]})


def copy(s3: S3Client, old: str, new: str, *, metadata: bool) -> None:
    source = {"Bucket": BUCKET, "Key": old}
    if metadata:
        s3.copy_object(Bucket=BUCKET, Key=new, CopySource={"Bucket": BUCKET, "Key": old})
    else:
        body = s3.get_object(**source)["Body"].read()  # type: ignore[arg-type]
        s3.put_object(Bucket=BUCKET, Key=new, Body=body)


def test_an_object_as_it_was_published_is_deployed(
    account: Target, s3: S3Client, config: Path, commands: list[str], declare: Declare
) -> None:
    put(s3, V1)
    Deployer(declare(), account, config).run()
    assert commands == ["deploy --all --concurrency 4 --import-existing-resources"]


@pytest.mark.parametrize("metadata", [True, False], ids=["with its metadata", "without metadata"])
def test_another_versions_object_under_a_key_stops_everything(
    account: Target, s3: S3Client, config: Path, commands: list[str], declare: Declare, *, metadata: bool
) -> None:
    put(s3, V2)
    copy(s3, V2, V1, metadata=metadata)
    with pytest.raises(WrongArtifact) as caught:
        Deployer(declare(), account, config).run()
    text = str(caught.value)
    assert f"s3://{BUCKET}/{V1} has sha256 {SHA[V2][:12]}…, but {config / 'models.lock.json'} has" in text
    assert SHA[V1][:12] in text
    assert f"`aws s3api list-object-versions --bucket {BUCKET} --prefix {V1}`" in text
    assert text.endswith("Nothing was deployed.")
    assert commands == []


def test_an_object_put_there_by_other_means_with_the_same_content_is_fine(
    account: Target, s3: S3Client, config: Path, commands: list[str], declare: Declare
) -> None:
    s3.put_object(Bucket=BUCKET, Key=V1, Body=gzip.compress(CONTENT[V1], 1, mtime=0))
    Deployer(declare(), account, config).run()
    assert len(commands) == 1


def test_an_object_that_is_no_archive_stops_everything(
    account: Target, s3: S3Client, config: Path, commands: list[str], declare: Declare
) -> None:
    s3.put_object(Bucket=BUCKET, Key=V1, Body=b"PK")
    with pytest.raises(WrongArtifact, match="is no gzip archive"):
        Deployer(declare(), account, config).run()
    assert commands == []


def test_the_command_ends_with_wrong_usage(
    account: Target,
    s3: S3Client,
    config: Path,
    commands: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(targets, "choose", lambda *_, **__: account)
    put(s3, V2)
    copy(s3, V2, V1, metadata=True)
    assert main(["deploy", "--config", str(config), "--target", "aws"]) == 2
    assert "Nothing was deployed." in capsys.readouterr().err
    assert commands == []


CONTAINER = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}
HOSTING = {"hosting": {"instance_type": "ml.m5.large"}}


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of training scripts, empty at first."""
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(needed_artifacts, "TRAINING", tmp_path / "models")
    return tmp_path / "models"


def script(training: Path, model: str, *parts: str) -> None:
    """A training script that makes a model's folder, or one for each part, and counts its runs."""
    (training / model).mkdir()
    (training / model / "train.py").write_text(
        "import pathlib, sys\n"
        "out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1])\n"
        f"for part in {list(parts or ('',))!r}:\n"
        "    (out / part).mkdir(parents=True, exist_ok=True)\n"
        f"    (out / part / 'model.json').write_text({model!r} + part)\n"
        "with pathlib.Path(__file__).with_name('runs').open('a') as runs: runs.write(sys.argv[2] + chr(10))\n"
    )


def keys(s3: S3Client) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_an_artifact_is_trained_and_published_as_the_model_that_its_key_names_once(
    account: Target, s3: S3Client, tmp_path: Path, training: Path, commands: list[str], declare: Declare
) -> None:
    script(training, "scaling")
    script(training, "fraud")
    scale = {**CONTAINER, "artifact": "models/scaling/v3/model.tar.gz"}
    classify = {**CONTAINER, "artifact": "models/fraud/v1/model.tar.gz"}
    chain = {"version": 1, "model": {"containers": {"scale": scale, "classify": classify}}, **HOSTING}
    component = {"model": {"artifact": scale["artifact"], **CONTAINER}, "memory": "1GB", "cpus": 1}
    shared = {"version": 1, "components": {"first": component, "second": component}, **HOSTING}
    Deployer(declare(chain=chain, shared=shared), account, tmp_path).run()
    assert keys(s3) == ["models/fraud/v1/model.tar.gz", "models/scaling/v3/model.tar.gz"]
    assert set(read_lock(tmp_path / "models.lock.json")) == set(keys(s3))
    assert (training / "scaling" / "runs").read_text() == "3\n"
    assert len(commands) == 1


MANY = {"version": 1, "model": {**CONTAINER, "models": "models/demand/"}, **HOSTING}


def test_the_archives_of_a_multi_model_prefix_that_the_lock_file_knows_are_trained_together_and_published(
    account: Target, s3: S3Client, tmp_path: Path, training: Path, commands: list[str], declare: Declare
) -> None:
    script(training, "demand", "north", "south")
    lock = tmp_path / "models.lock.json"
    for store in ("north", "south"):
        folder = tmp_path / store
        folder.mkdir()
        (folder / "model.json").write_text(f"demand{store}")
        with package(folder) as packed:
            record(lock, f"models/demand/{store}/v1/model.tar.gz", packed.sha256)
    Deployer(declare(many=MANY), account, tmp_path).run()
    assert keys(s3) == ["models/demand/north/v1/model.tar.gz", "models/demand/south/v1/model.tar.gz"]
    assert (training / "demand" / "runs").read_text() == "1\n"
    assert len(commands) == 1


def test_an_archive_under_a_multi_model_prefix_that_was_replaced_stops_everything(
    account: Target, s3: S3Client, tmp_path: Path, commands: list[str], declare: Declare
) -> None:
    key = "models/demand/north/v1/model.tar.gz"
    record(tmp_path / "models.lock.json", key, SHA[V1])
    s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(CONTENT[V2]))
    with pytest.raises(WrongArtifact, match=f"endpoints.many: s3://{BUCKET}/{key} has sha256 {SHA[V2][:12]}"):
        Deployer(declare(many=MANY), account, tmp_path).run()
    assert commands == []


@pytest.mark.usefixtures("training", "s3", "commands")
def test_a_multi_model_prefix_without_archives_says_how_to_publish_one(
    account: Target, tmp_path: Path, declare: Declare
) -> None:
    with pytest.raises(DeployError) as caught:
        Deployer(declare(many=MANY), account, tmp_path).run()
    assert str(caught.value) == (
        f"publish: s3://{BUCKET}/models/demand/ is not there, and no archive lies under it: publish one with `slipway "
        "publish FOLDER --model demand/NAME --version 1`, which a request then names as NAME/v1/model.tar.gz"
    )


@pytest.mark.usefixtures("s3", "commands")
def test_a_training_script_that_makes_no_such_archive_is_an_error_with_what_it_makes(
    account: Target, tmp_path: Path, training: Path, declare: Declare
) -> None:
    script(training, "demand", "north", "south")
    record(tmp_path / "models.lock.json", "models/demand/east/v1/model.tar.gz", SHA[V1])
    with pytest.raises(
        DeployError, match=r"train\.py makes no east, which .* is published from; it makes north, south"
    ):
        Deployer(declare(many=MANY), account, tmp_path).run()


@pytest.mark.usefixtures("training", "s3", "commands")
def test_a_model_without_a_training_script_says_what_to_type(account: Target, tmp_path: Path, declare: Declare) -> None:
    model = {**MODEL, "model": {**CONTAINER, "artifact": "models/other/v2/model.tar.gz"}}
    with pytest.raises(DeployError, match="`slipway publish FOLDER --model other --version 2`"):
        Deployer(declare(iris=model), account, tmp_path).run()


@pytest.mark.parametrize("there", [True, False])
def test_a_prefix_only_has_to_hold_something(
    account: Target, s3: S3Client, config: Path, commands: list[str], declare: Declare, *, there: bool
) -> None:
    model = {**MODEL, "model": {**MODEL["model"], "artifact": "models/iris/raw/"}}  # type: ignore[dict-item]
    deployer = Deployer(declare(iris=model), account, config)
    if there:
        s3.put_object(Bucket=BUCKET, Key="models/iris/raw/weights.bin", Body=b"w")
        deployer.run()
        assert len(commands) == 1
    else:
        with pytest.raises(DeployError, match="models/iris/raw/ is not there, and `slipway publish` writes to another"):
            deployer.run()
        assert commands == []
