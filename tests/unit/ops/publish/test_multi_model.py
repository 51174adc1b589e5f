"""The archives of a multi-model endpoint: each is shown for what it is, and only what the endpoint serves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slipway.ops.publish.multi_model import Archive, archives, one_prefix, prefixes, scripts, serving
from slipway.ops.publish.storage import PublishError
from slipway.ops.trouble import WrongOperation
from slipway.spec.lock import read_lock, record
from tests.unit.ops.conftest import MODEL, Declare
from tests.unit.ops.publish import multi_model as shared
from tests.unit.ops.publish.multi_model import (
    BUCKET,
    PREFIX,
    SCRIPT,
    STORE_1,
    STORE_2,
    config,
    environment,
    put,
    refuse,
)

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from slipway.ops.target import Target

CONTAINER = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}
REST = {"version": 1, "hosting": {"instance_type": "ml.m5.large"}}
OTHER = "f" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return config(tmp_path)


@pytest.fixture
def lock(folder: Path) -> Path:
    return folder / "models.lock.json"


@pytest.fixture
def s3(account: Target) -> S3Client:
    client: S3Client = account.client("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return client


def look(folder: Path, s3: S3Client, *, verify: bool = False) -> dict[str, Archive]:
    hashes = read_lock(folder / "models.lock.json")
    found = archives(environment(folder), "demand", s3=s3, hashes=hashes, verify=verify)
    assert all(one.prefix == PREFIX for one in found)
    return {one.name: one for one in found}


def test_an_archive_as_it_was_published_is_shown_with_size_time_and_both_hashes(
    folder: Path, lock: Path, s3: S3Client
) -> None:
    sha256 = put(s3, STORE_1, lock=lock)
    (found,) = look(folder, s3).values()
    assert (found.name, found.state, found.recorded, found.sha256) == (
        "store-1/v1/model.tar.gz",
        "published",
        sha256,
        sha256,
    )
    head = s3.head_object(Bucket=BUCKET, Key=STORE_1)
    assert found.stored
    assert found.cells == (
        "store-1/v1/model.tar.gz",
        f"{head['ContentLength']:,}",
        f"{head['LastModified']:%Y-%m-%d %H:%M}",
        f"{sha256[:12]}…",
        f"{sha256[:12]}…",
        "as published",
    )
    assert found.as_dict() == {
        "prefix": PREFIX,
        "model": "store-1/v1/model.tar.gz",
        "size": head["ContentLength"],
        "modified": head["LastModified"].isoformat(),
        "recorded": sha256,
        "stored": sha256,
        "state": "published",
        "script": False,
    }


def test_other_bytes_than_the_lock_file_records_are_told(folder: Path, lock: Path, s3: S3Client) -> None:
    put(s3, STORE_1)
    record(lock, STORE_1, OTHER)
    (found,) = look(folder, s3).values()
    assert (found.state, found.what) == ("other bytes", "other bytes than were published")
    assert found.cells[3] != found.cells[4]


def test_what_only_the_bucket_or_only_the_lock_file_knows_is_told(folder: Path, lock: Path, s3: S3Client) -> None:
    put(s3, STORE_1)
    record(lock, STORE_2, OTHER)
    record(lock, "models/iris/v1/model.tar.gz", OTHER)
    found = look(folder, s3)
    assert {name: one.what for name, one in found.items()} == {
        "store-1/v1/model.tar.gz": "not in the lock file",
        "store-2/v1/model.tar.gz": "not in this bucket",
    }
    missing = found["store-2/v1/model.tar.gz"]
    assert missing.cells[1:5] == ("", "", "ffffffffffff…", "")
    assert missing.as_dict()["size"] is missing.as_dict()["modified"] is None


def test_the_script_of_the_containers_is_told_from_models(folder: Path, lock: Path, s3: S3Client) -> None:
    put(s3, SCRIPT, lock=lock)
    put(s3, STORE_1, lock=lock)
    assert {name: one.what for name, one in look(folder, s3).items()} == {
        "source/v1/model.tar.gz": "the containers' script, as published",
        "store-1/v1/model.tar.gz": "as published",
    }


def test_what_is_no_archive_is_not_listed(folder: Path, s3: S3Client) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}notes.txt", Body=b"")
    s3.put_object(Bucket=BUCKET, Key=PREFIX, Body=b"")
    put(s3, "models/demanding/v1/model.tar.gz")
    assert look(folder, s3) == {}


def test_an_archive_without_a_hash_beside_it_is_read_only_on_demand(folder: Path, lock: Path, s3: S3Client) -> None:
    put(s3, STORE_1, lock=lock, metadata=False)
    (found,) = look(folder, s3).values()
    assert (found.state, found.sha256, found.what) == ("unread", None, "no hash is stored with it: --verify reads it")
    (read,) = look(folder, s3, verify=True).values()
    assert (read.state, read.sha256) == ("published", read.recorded)


def test_verifying_finds_bytes_that_are_not_what_is_written_beside_them(folder: Path, lock: Path, s3: S3Client) -> None:
    sha256 = put(s3, STORE_1, lock=lock)
    other, _ = shared.archive("other")
    s3.put_object(Bucket=BUCKET, Key=STORE_1, Body=other, Metadata={"sha256": sha256})
    assert look(folder, s3)["store-1/v1/model.tar.gz"].state == "published"
    assert look(folder, s3, verify=True)["store-1/v1/model.tar.gz"].state == "other bytes"
    s3.put_object(Bucket=BUCKET, Key=STORE_1, Body=b"PK", Metadata={"sha256": sha256})
    read = look(folder, s3, verify=True)["store-1/v1/model.tar.gz"]
    assert (read.state, read.sha256, read.what) == ("no archive", None, "is no gzip archive")


def test_more_archives_than_fit_on_a_page_are_all_listed(folder: Path, s3: S3Client) -> None:
    names = [f"store-{n}/v1/model.tar.gz" for n in range(1005)]
    content, sha256 = shared.archive("x")
    for name in names:
        s3.put_object(Bucket=BUCKET, Key=PREFIX + name, Body=content, Metadata={"sha256": sha256})
    assert sorted(look(folder, s3)) == sorted(names)


@pytest.mark.parametrize(
    ("operation", "code", "status", "message"),
    [
        ("ListObjectsV2", "AccessDenied", 403, "access denied to ListObjectsV2: listing archives needs s3:ListBucket"),
        ("HeadObject", "403", 403, "access denied to HeadObject: listing archives needs s3:ListBucket"),
        ("HeadObject", "503", 503, "S3 asked to slow down at HeadObject, again and again"),
        ("ListObjectsV2", "SlowDown", 503, "S3 asked to slow down at ListObjectsV2, again and again"),
        ("ListObjectsV2", "NoSuchBucket", 404, "does not exist: deploy the environment's foundation first"),
    ],
)
def test_what_s3_refuses_is_explained(
    folder: Path, s3: S3Client, operation: str, code: str, status: int, message: str
) -> None:
    put(s3, STORE_1)
    refuse(s3, operation, code, status)
    with pytest.raises(PublishError, match=message):
        look(folder, s3)


# -- prefixes


def test_an_endpoint_that_is_none_is_refused_with_those_that_are(declare: Declare) -> None:
    made = declare(iris=MODEL, demand={**REST, "model": {**CONTAINER, "models": "models/demand/"}})
    with pytest.raises(
        WrongOperation, match=r"endpoints\.iris is no multi-model endpoint: .* Multi-model endpoints: demand$"
    ):
        prefixes(made, "iris")
    with pytest.raises(WrongOperation, match=r"Multi-model endpoints: none$"):
        prefixes(declare(), "iris")


def test_archives_outside_the_model_bucket_are_their_owners_affair(declare: Declare) -> None:
    made = declare(demand={**REST, "model": {**CONTAINER, "models": "s3://others/demand/"}})
    with pytest.raises(WrongOperation, match=r"outside the model bucket.*`aws s3 ls s3://others/demand/ --recursive`"):
        prefixes(made, "demand")


def test_a_uri_in_the_model_bucket_counts_as_its_key(declare: Declare) -> None:
    made = declare(demand={**REST, "model": {**CONTAINER, "models": f"s3://{BUCKET}/{PREFIX}"}})
    assert prefixes(made, "demand") == (PREFIX,)


def test_of_several_prefixes_one_has_to_be_named(declare: Declare) -> None:
    variants = {
        name: {"weight": 1, "hosting": REST["hosting"], "model": {**CONTAINER, "models": f"models/{name}/"}}
        for name in ("day", "night")
    }
    made = declare(demand={"version": 1, "variants": variants})
    assert prefixes(made, "demand") == ("models/day/", "models/night/")
    with pytest.raises(WrongOperation, match=r"say which with --prefix: models/day/, models/night/$"):
        one_prefix(made, "demand")
    assert one_prefix(made, "demand", "models/night/") == "models/night/"
    with pytest.raises(
        WrongOperation, match=r"--prefix models/noon/: endpoints\.demand has models/day/, models/night/$"
    ):
        prefixes(made, "demand", "models/noon/")


def test_a_prefix_that_publishing_cannot_write_under_is_refused(declare: Declare) -> None:
    made = declare(demand={**REST, "model": {**CONTAINER, "models": "archives/demand/"}})
    with pytest.raises(WrongOperation, match=r"not under archives/demand/: declare `models: models/demand/`"):
        one_prefix(made, "demand")


def test_who_serves_an_object_is_told_by_its_key(folder: Path) -> None:
    made = environment(folder)
    assert serving(made, STORE_1) == (("demand", "store-1/v1/model.tar.gz"),)
    assert serving(made, SCRIPT) == ()
    assert serving(made, "models/iris/v1/model.tar.gz") == ()
    assert scripts(made, "demand") == {SCRIPT}
