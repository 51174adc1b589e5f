"""Publishing: a version gets its bytes once, whoever publishes, however often it is interrupted."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws

from slipway.ops.publish import storage
from slipway.ops.publish.package import PackageError, package
from slipway.ops.publish.publish import Published, VersionTaken, publish, published_models
from slipway.ops.publish.storage import PublishError
from slipway.spec.lock import LockError, read_lock, record
from tests.unit.ops.conftest import Declare

if TYPE_CHECKING:
    from pathlib import Path

    from types_boto3_s3 import S3Client

BUCKET = "acme-sm-rc-project-a-dev-eu-west-1"
KEY = "models/iris/v1/model.tar.gz"
URI = f"s3://{BUCKET}/{KEY}"
OTHER = "f" * 64

Run = Callable[[], Published]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="eu-west-1")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/model.json").write_text("{}")
    return tmp_path / "model"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "models.lock.json"


@pytest.fixture
def run(s3: S3Client, folder: Path, lock: Path) -> Run:
    return lambda: publish(folder, model="iris", version=1, bucket=BUCKET, lock_path=lock, s3=s3)


@pytest.fixture
def large(folder: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Make the model need two parts; 5 MiB is the smallest part that S3 takes."""
    monkeypatch.setattr(storage, "PART_SIZE", 5 * 1024 * 1024)
    weights = random.Random(7).randbytes(6 * 1024 * 1024)  # noqa: S311 - not for secrets
    (folder / "weights.bin").write_bytes(weights)
    return weights


def sha256_of(folder: Path) -> str:
    with package(folder) as packed:
        return packed.sha256


def stored_versions(s3: S3Client) -> int:
    return len(s3.list_object_versions(Bucket=BUCKET).get("Versions", []))


def before(s3: S3Client, operation: str, action: Callable[[], object]) -> None:
    """Do something once, right before the client sends an operation."""
    event = f"before-call.s3.{operation}"

    def once(**_: object) -> None:
        s3.meta.events.unregister(event, once)
        action()

    s3.meta.events.register(event, once)


def after(s3: S3Client, operation: str, action: Callable[[], object]) -> None:
    def then(**_: object) -> None:
        action()

    s3.meta.events.register(f"after-call.s3.{operation}", then)


def interrupt() -> None:
    raise KeyboardInterrupt


def refuse(s3: S3Client, operation: str, code: str, status: int) -> None:
    """Have S3 answer an error to an operation."""
    parsed: dict[str, object] = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    answer = AWSResponse("", status, HTTPHeaders(), None), parsed

    def instead(**_: object) -> tuple[AWSResponse, dict[str, object]]:
        return answer

    # botocore takes what a before-call handler answers for S3's answer; its stubs do not say so.
    s3.meta.events.register(f"before-call.s3.{operation}", instead)  # type: ignore[arg-type]


def put(s3: S3Client, archive: bytes, sha256: str | None = None) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=archive, Metadata={} if sha256 is None else {"sha256": sha256})


def archive_of(folder: Path, level: int = 1) -> bytes:
    """Deflate otherwise than this machine's package() does, as another zlib would."""
    with package(folder) as packed:
        return gzip.compress(gzip.decompress(packed.archive.read_bytes()), level)


def test_a_new_version_is_uploaded_with_its_hash_and_recorded(run: Run, s3: S3Client, folder: Path, lock: Path) -> None:
    published = run()
    sha256 = sha256_of(folder)
    stored = s3.get_object(Bucket=BUCKET, Key=KEY)
    assert published == Published(KEY, URI, sha256, stored["ContentLength"], uploaded=True)
    assert stored["Metadata"] == {"sha256": sha256}
    with package(folder) as packed:
        assert stored["Body"].read() == packed.archive.read_bytes()
    assert read_lock(lock) == {KEY: sha256}


def test_publishing_again_changes_nothing(run: Run, s3: S3Client, lock: Path) -> None:
    first, recorded = run(), lock.read_bytes()
    second = run()
    assert (second.uploaded, second.sha256) == (False, first.sha256)
    assert lock.read_bytes() == recorded
    assert stored_versions(s3) == 1


def test_another_environment_gets_the_same_bytes(run: Run, s3: S3Client, folder: Path, lock: Path) -> None:
    first = run()
    s3.create_bucket(Bucket="another", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    second = publish(folder, model="iris", version=1, bucket="another", lock_path=lock, s3=s3)
    assert second.uploaded
    assert second.sha256 == first.sha256


def test_no_temporary_file_stays(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    run()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_version_recorded_with_another_hash_is_refused_before_s3_is_asked(
    run: Run, s3: S3Client, folder: Path, lock: Path
) -> None:
    record(lock, KEY, OTHER)
    before(s3, "HeadObject", interrupt)
    with pytest.raises(VersionTaken) as caught:
        run()
    assert str(caught.value) == (
        f"iris version 1 was published with other bytes: {lock} has sha256 ffffffffffff…, "
        f"this folder gives {sha256_of(folder)[:12]}…. A version never changes: publish it as "
        "version 2, and write `version: 2` where the config names iris"
    )
    assert stored_versions(s3) == 0


def test_the_suggested_version_is_one_that_is_free(run: Run, lock: Path) -> None:
    for version in (1, 2, 3, 5):
        record(lock, f"models/iris/v{version}/model.tar.gz", OTHER)
    with pytest.raises(
        VersionTaken, match=r"publish it as version 4, and write `version: 4` where the config names iris"
    ):
        run()


def test_an_object_with_another_hash_is_neither_overwritten_nor_recorded(run: Run, s3: S3Client, lock: Path) -> None:
    put(s3, b"theirs", OTHER)
    with pytest.raises(VersionTaken, match=f"{URI} has sha256 ffffffffffff…"):
        run()
    assert s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == b"theirs"
    assert not lock.exists()


def test_an_object_without_a_hash_is_compared_by_its_content(run: Run, s3: S3Client, folder: Path, lock: Path) -> None:
    put(s3, archive_of(folder))
    assert not run().uploaded
    assert read_lock(lock) == {KEY: sha256_of(folder)}


def test_an_object_without_a_hash_and_with_other_content_is_refused(
    run: Run, s3: S3Client, folder: Path, lock: Path
) -> None:
    put(s3, archive_of(folder))
    (folder / "model.json").write_text("[]")
    with pytest.raises(VersionTaken):
        run()
    assert not lock.exists()


@pytest.mark.parametrize("content", [b"PK", gzip.compress(b"cut off", mtime=0)[:-9]], ids=["no gzip", "cut off"])
def test_an_object_that_cannot_be_compared_is_refused(run: Run, s3: S3Client, lock: Path, content: bytes) -> None:
    put(s3, content)
    with pytest.raises(PublishError, match=r"is no gzip archive .*: publish under another version"):
        run()
    assert not lock.exists()


@pytest.mark.parametrize("failing", ["HeadObject", "PutObject"])
def test_an_interruption_before_the_upload_leaves_nothing(run: Run, s3: S3Client, lock: Path, failing: str) -> None:
    before(s3, failing, interrupt)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert stored_versions(s3) == 0
    assert not lock.exists()
    assert run().uploaded


def test_an_interruption_after_the_upload_leaves_what_the_next_run_finds_equal(
    run: Run, s3: S3Client, folder: Path, lock: Path
) -> None:
    after(s3, "PutObject", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert not lock.exists()
    assert not run().uploaded
    assert read_lock(lock) == {KEY: sha256_of(folder)}
    assert stored_versions(s3) == 1


def test_of_two_publishers_of_the_same_bytes_one_uploads(run: Run, s3: S3Client, folder: Path, lock: Path) -> None:
    content, sha256 = archive_of(folder), sha256_of(folder)
    before(s3, "PutObject", lambda: put(s3, content, sha256))
    assert not run().uploaded
    assert read_lock(lock) == {KEY: sha256}
    assert stored_versions(s3) == 1


def test_of_two_publishers_of_different_bytes_the_second_is_refused(run: Run, s3: S3Client, lock: Path) -> None:
    before(s3, "PutObject", lambda: put(s3, b"theirs", OTHER))
    with pytest.raises(VersionTaken):
        run()
    assert stored_versions(s3) == 1
    assert not lock.exists()


def test_an_upload_that_collides_with_one_under_way_asks_to_try_again(run: Run, s3: S3Client, lock: Path) -> None:
    refuse(s3, "PutObject", "ConditionalRequestConflict", 409)
    with pytest.raises(PublishError, match="published by somebody else right now: try again"):
        run()
    assert not lock.exists()


def test_a_large_model_is_uploaded_in_parts(run: Run, s3: S3Client, folder: Path, large: bytes, lock: Path) -> None:
    assert run().uploaded
    stored = s3.get_object(Bucket=BUCKET, Key=KEY)
    assert stored["ETag"].endswith('-2"')
    assert stored["Metadata"] == {"sha256": sha256_of(folder)}
    assert large in gzip.decompress(stored["Body"].read())
    assert read_lock(lock) == {KEY: sha256_of(folder)}
    assert not run().uploaded


@pytest.mark.usefixtures("large")
def test_of_two_publishers_of_a_large_model_the_second_is_refused(run: Run, s3: S3Client, lock: Path) -> None:
    before(s3, "CompleteMultipartUpload", lambda: put(s3, b"theirs", OTHER))
    with pytest.raises(VersionTaken):
        run()
    assert stored_versions(s3) == 1
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
    assert not lock.exists()


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("failing", ["UploadPart", "CompleteMultipartUpload"])
def test_an_interrupted_large_upload_leaves_no_object_and_no_parts(
    run: Run, s3: S3Client, lock: Path, failing: str
) -> None:
    before(s3, failing, interrupt)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert stored_versions(s3) == 0
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
    assert not lock.exists()
    assert run().uploaded


@pytest.mark.usefixtures("large")
def test_a_failed_clean_up_does_not_hide_what_failed_first(run: Run, s3: S3Client) -> None:
    before(s3, "UploadPart", interrupt)
    refuse(s3, "AbortMultipartUpload", "AccessDenied", 403)
    with pytest.raises(KeyboardInterrupt):
        run()


@pytest.mark.usefixtures("large")
def test_a_completion_whose_answer_was_lost_counts_as_there(run: Run, s3: S3Client, folder: Path, lock: Path) -> None:
    content, sha256 = archive_of(folder), sha256_of(folder)
    before(s3, "CompleteMultipartUpload", lambda: put(s3, content, sha256))
    refuse(s3, "CompleteMultipartUpload", "NoSuchUpload", 404)
    assert not run().uploaded
    assert read_lock(lock) == {KEY: sha256}


@pytest.mark.parametrize("large_model", [False, True])
def test_a_missing_bucket_asks_to_deploy_the_foundation(
    s3: S3Client, folder: Path, lock: Path, monkeypatch: pytest.MonkeyPatch, *, large_model: bool
) -> None:
    if large_model:
        monkeypatch.setattr(storage, "PART_SIZE", 1)
    with pytest.raises(PublishError, match="bucket nowhere does not exist: deploy the environment's foundation"):
        publish(folder, model="iris", version=1, bucket="nowhere", lock_path=lock, s3=s3)
    assert not lock.exists()


@pytest.mark.parametrize(("operation", "code"), [("HeadObject", "403"), ("PutObject", "AccessDenied")])
def test_denied_access_says_what_publishing_needs(run: Run, s3: S3Client, operation: str, code: str) -> None:
    refuse(s3, operation, code, 403)
    with pytest.raises(PublishError, match=f"access denied to {operation}: publishing needs s3:"):
        run()


def test_a_bucket_that_asks_to_slow_down_is_named_with_what_to_do(run: Run, s3: S3Client, lock: Path) -> None:
    refuse(s3, "PutObject", "SlowDown", 503)
    with pytest.raises(PublishError, match=rf"{URI}: S3 asked to slow down at PutObject, .*wait a minute, then repeat"):
        run()
    assert not lock.exists()


def test_any_other_refusal_names_the_object_and_the_reason(run: Run, s3: S3Client) -> None:
    refuse(s3, "PutObject", "InvalidStorageClass", 400)
    with pytest.raises(PublishError, match=rf"{URI}: .*InvalidStorageClass"):
        run()


def test_a_folder_that_cannot_be_packaged_or_a_broken_lock_leaves_the_bucket_alone(
    run: Run, s3: S3Client, folder: Path, lock: Path
) -> None:
    (folder / "model.json").unlink()
    with pytest.raises(PackageError):
        run()
    (folder / "model.json").write_text("{}")
    lock.write_text("<<<<<<<")
    with pytest.raises(LockError):
        run()
    assert stored_versions(s3) == 0


def test_an_archive_under_a_multi_model_prefix_is_published_where_requests_find_it(
    s3: S3Client, folder: Path, lock: Path
) -> None:
    done = publish(folder, model="demand/store-1", version=1, bucket=BUCKET, lock_path=lock, s3=s3)
    assert done.key == "models/demand/store-1/v1/model.tar.gz"
    assert read_lock(lock) == {done.key: sha256_of(folder)}
    (folder / "model.json").write_text("[]")
    with pytest.raises(VersionTaken, match=r"as version 2, and let requests name store-1/v2/model\.tar\.gz$"):
        publish(folder, model="demand/store-1", version=1, bucket=BUCKET, lock_path=lock, s3=s3)


def test_what_an_environment_can_publish_is_named_as_its_keys_name_it(declare: Declare) -> None:
    container = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}
    rest = {"version": 1, "hosting": {"instance_type": "ml.m5.large"}}
    environment = declare(
        iris={**rest, "model": container},
        chain={
            **rest,
            "model": {"containers": {"a": {**container, "artifact": "models/scaling/v2/model.tar.gz"}, "b": container}},
        },
        many={**rest, "model": {**container, "models": "models/demand/"}},
        away={**rest, "model": {**container, "artifact": "s3://others/model.tar.gz"}},
    )
    assert published_models(environment) == ("iris", "scaling", "chain-b", "demand/")
