"""Removing a model from a multi-model endpoint: both traces of it go, nothing that is needed does, and all is said."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slipway.ops.publish.archive_removal import Removal, Removed, plan_removal, remove
from slipway.ops.publish.storage import PublishError
from slipway.ops.trouble import BusyError, OperationError, WrongOperation
from slipway.spec.lock import LockError, read_lock, record
from tests.unit.ops.publish.multi_model import (
    BUCKET,
    PREFIX,
    SCRIPT,
    STORE_1,
    STORE_2,
    before,
    config,
    environment,
    put,
    refuse,
)

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from slipway.ops.target import Target

ARCHIVE = STORE_2.removeprefix(PREFIX)
LOADED = (
    "instances that have it loaded go on answering for it until they need its memory and its disk space for others: "
    "stop sending such requests first, and publish no other bytes under this name"
)


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
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


@pytest.fixture
def filled(s3: S3Client, lock: Path) -> S3Client:
    for key in (SCRIPT, STORE_1, STORE_2):
        put(s3, key, lock=lock)
    return s3


def plan(folder: Path, s3: S3Client, archive: str = ARCHIVE, name: str = "dev") -> Removal:
    return plan_removal(environment(folder, name), "demand", archive, config=folder, s3=s3)


def keys(s3: S3Client) -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_object_and_entry_go_and_the_old_version_can_be_had_back(folder: Path, lock: Path, filled: S3Client) -> None:
    removal = plan(folder, filled)
    assert (removal.bucket, removal.key, removal.endpoint) == (BUCKET, STORE_2, "rc-project-a-dev-demand-ep")
    assert removal.what == f"this removes {ARCHIVE} from s3://{BUCKET}/{PREFIX}, and requests that name it fail then"
    assert removal.notes == (LOADED,)
    assert STORE_2 in keys(filled), "planning changes nothing"
    done = remove(removal, s3=filled)
    assert (done.deleted, done.forgotten) == (True, True)
    assert keys(filled) == [SCRIPT, STORE_1]
    assert set(read_lock(lock)) == {SCRIPT, STORE_1}
    filled.delete_object(Bucket=BUCKET, Key=STORE_2, VersionId=done.marker)
    assert STORE_2 in keys(filled)


def test_where_the_bucket_keeps_no_versions_there_is_none_to_have_back(
    folder: Path, account: Target, lock: Path
) -> None:
    s3: S3Client = account.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    put(s3, STORE_2, lock=lock)
    assert remove(plan(folder, s3), s3=s3) == Removed(deleted=True, marker="", forgotten=True)


def test_what_the_lock_file_does_not_know_goes_as_well(folder: Path, lock: Path, s3: S3Client) -> None:
    put(s3, STORE_1, lock=lock)
    put(s3, STORE_2)
    before_it = lock.read_bytes()
    assert remove(plan(folder, s3), s3=s3).forgotten is False
    assert keys(s3) == [STORE_1]
    assert lock.read_bytes() == before_it


def test_what_does_not_exist_is_refused_with_the_nearest_name(folder: Path, filled: S3Client) -> None:
    with pytest.raises(
        WrongOperation,
        match=rf"s3://{BUCKET}/{PREFIX} holds no store-22/v1/model\.tar\.gz, did you mean store-2/v1/model\.tar\.gz\? "
        r"There is: source/v1/model\.tar\.gz, store-1/v1/model\.tar\.gz, store-2/v1/model\.tar\.gz$",
    ):
        plan(folder, filled, "store-22/v1/model.tar.gz")


def test_the_second_of_two_who_remove_it_is_told_when_it_went(folder: Path, filled: S3Client) -> None:
    remove(plan(folder, filled), s3=filled)
    with pytest.raises(
        WrongOperation, match=rf"holds no {ARCHIVE} any more: it was removed on 2\d{{3}}-.* UTC\. There"
    ):
        plan(folder, filled)


@pytest.mark.parametrize(
    ("code", "status"),
    [("PreconditionFailed", 412), ("ConditionalRequestConflict", 409), ("NoSuchKey", 404)],
)
def test_what_somebody_else_removes_at_the_same_moment_is_told(
    folder: Path, lock: Path, filled: S3Client, code: str, status: int
) -> None:
    removal = plan(folder, filled)
    refuse(filled, "DeleteObject", code, status)
    with pytest.raises(BusyError, match="was removed or replaced by somebody else just now: look again"):
        remove(removal, s3=filled)
    assert STORE_2 in read_lock(lock)


def test_only_the_content_that_was_looked_at_is_removed(folder: Path, filled: S3Client) -> None:
    removal = plan(folder, filled)
    sent: list[object] = []
    filled.meta.events.register(
        "before-call.s3.DeleteObject", lambda params, **_: sent.append(params["headers"]["If-Match"])
    )
    remove(removal, s3=filled)
    assert sent == [removal.etag]


def test_an_interruption_waits_until_both_are_done(folder: Path, lock: Path, filled: S3Client) -> None:
    removal = plan(folder, filled)
    before(filled, "DeleteObject", lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        remove(removal, s3=filled)
    assert STORE_2 not in keys(filled)
    assert STORE_2 not in read_lock(lock)


def test_what_died_between_the_two_is_finished_by_the_next_run(folder: Path, lock: Path, filled: S3Client) -> None:
    folder = config(folder, prod="")
    filled.delete_object(Bucket=BUCKET, Key=STORE_2)
    removal = plan(folder, filled)
    assert removal.etag is None
    assert LOADED not in removal.notes
    assert remove(removal, s3=filled) == Removed(deleted=False, marker="", forgotten=True)
    assert STORE_2 not in read_lock(lock)


def test_a_lock_file_that_cannot_be_written_says_what_is_left(
    folder: Path, filled: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    removal = plan(folder, filled)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("slipway.ops.publish.archive_removal.write_lock", full)
    with pytest.raises(OperationError, match=r"is removed, but .*models\.lock\.json cannot be written \(No space"):
        remove(removal, s3=filled)
    monkeypatch.undo()


def test_a_damaged_lock_file_stops_it_before_anything_is_removed(folder: Path, lock: Path, filled: S3Client) -> None:
    lock.write_text("<<<<<<<")
    with pytest.raises(LockError):
        plan(folder, filled)
    assert STORE_2 in keys(filled)


# -- who needs it


def test_the_script_of_the_containers_is_needed(folder: Path, filled: S3Client) -> None:
    with pytest.raises(WrongOperation, match=rf"{SCRIPT} is needed, since endpoints\.demand\.model\.source names it"):
        plan(folder, filled, SCRIPT.removeprefix(PREFIX))


def test_what_the_sample_is_sent_to_is_needed(folder: Path, filled: S3Client) -> None:
    with pytest.raises(WrongOperation, match=r"endpoints\.demand\.sample is sent to store-1/v1/model\.tar\.gz"):
        plan(folder, filled, STORE_1.removeprefix(PREFIX))


def test_another_environment_that_serves_the_prefix_is_said(folder: Path, lock: Path, filled: S3Client) -> None:
    config(folder, staging="", prod="")
    note, loaded = plan(folder, filled).notes
    assert loaded == LOADED
    assert note == (
        f"{lock} is for staging and prod, too: what lies there under this key stays and is served, but its bytes are "
        "not pinned any more until it is removed there as well, with --env"
    )


def test_another_environment_that_names_the_archive_itself_stops_it(folder: Path, filled: S3Client) -> None:
    alone = (
        "endpoints:\n  demand:\n    sample: null\n"
        f"    model: {{models: null, source: null, artifact: {STORE_2}, script: inference.py}}\n"
    )
    config(folder, prod=alone)
    with pytest.raises(WrongOperation, match=rf"{STORE_2} is needed in prod, since endpoints\.demand\.model\.artifact"):
        plan(folder, filled)


def test_an_environment_whose_config_has_errors_is_said(folder: Path, filled: S3Client) -> None:
    config(folder, prod="endpoints: {demand: {version: nought!}}\n")
    assert "prod cannot be asked, since its config has errors" in plan(folder, filled).notes


def test_what_was_published_elsewhere_only_is_not_forgotten_here(folder: Path, lock: Path, s3: S3Client) -> None:
    config(folder, prod="")
    put(s3, STORE_1, lock=lock)
    record(lock, STORE_2, "f" * 64)
    with pytest.raises(WrongOperation, match=rf"{ARCHIVE} was never in s3://{BUCKET}/{PREFIX}: .* knows it for prod"):
        plan(folder, s3)


def test_what_only_the_lock_file_knows_is_forgotten_where_nobody_else_serves_it(
    folder: Path, lock: Path, s3: S3Client
) -> None:
    put(s3, STORE_1, lock=lock)
    record(lock, STORE_2, "f" * 64)
    assert remove(plan(folder, s3), s3=s3) == Removed(deleted=False, marker="", forgotten=True)
    assert set(read_lock(lock)) == {STORE_1}


def test_another_endpoint_that_serves_it_is_said(folder: Path, filled: S3Client) -> None:
    again = (
        "endpoints:\n  forecast:\n    version: 1\n    hosting: {instance_type: ml.m5.large}\n"
        "    model: {image: {framework: sklearn, tag: 1.4-2-cpu-py3}, models: models/demand/}\n"
    )
    config(folder)
    (folder / "dev.yaml").write_text((folder / "dev.yaml").read_text() + again)
    assert "endpoints.forecast serves it, too" in plan(folder, filled).notes


def test_without_the_cache_nothing_is_answered_any_more(folder: Path, filled: S3Client) -> None:
    (folder / "dev.yaml").write_text(
        (folder / "dev.yaml").read_text() + "endpoints: {demand: {model: {cache: false}}}\n"
    )
    (note,) = plan(folder, filled).notes
    assert note == "instances drop a model after each request (`cache: false`), so requests for it fail from now on"


def test_the_last_archive_is_said_to_be_the_last(folder: Path, lock: Path, s3: S3Client) -> None:
    put(s3, STORE_2, lock=lock)
    assert plan(folder, s3).notes[-1] == f"it is the last archive under {PREFIX}, and the next deployment asks for one"


@pytest.mark.parametrize(
    ("operation", "code", "status", "message"),
    [
        ("DeleteObject", "AccessDenied", 403, "access denied to DeleteObject: removing an archive needs s3:ListBucket"),
        ("DeleteObject", "SlowDown", 503, "S3 asked to slow down at DeleteObject"),
        ("ListObjectVersions", "AccessDenied", 403, "access denied to ListObjectVersions: removing an archive needs"),
    ],
)
def test_what_s3_refuses_is_explained_and_nothing_is_changed(
    folder: Path, lock: Path, filled: S3Client, operation: str, code: str, status: int, message: str
) -> None:
    refuse(filled, operation, code, status)
    archive = "store-9/v1/model.tar.gz" if operation == "ListObjectVersions" else ARCHIVE
    with pytest.raises(PublishError, match=message):
        remove(plan(folder, filled, archive), s3=filled)
    assert STORE_2 in keys(filled)
    assert STORE_2 in read_lock(lock)
