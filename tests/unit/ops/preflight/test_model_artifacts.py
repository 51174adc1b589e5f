"""Artifacts: there, as they were published, and readable by the execution role."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Collection, Mapping
from typing import Any

import pytest
from botocore.response import StreamingBody

from slipway.ops.preflight.model_artifacts import ArtifactCheck
from slipway.ops.preflight.permissions import Role
from slipway.ops.preflight.report import Finding, Outcome
from tests.unit.ops.preflight.fakes import CONTAINER, ROLE, Stubs, environment

BUCKET = environment().names.bucket
KEY = "models/iris/v2/model.tar.gz"
ARN = f"arn:aws:s3:::{BUCKET}/{KEY}"
SHA = "a" * 64
OK, WARNING, FAILED = Outcome.OK, Outcome.WARNING, Outcome.FAILED


@pytest.fixture
def stubs() -> Stubs:
    return Stubs("s3", "iam")


def check(
    stubs: Stubs,
    model: Mapping[str, Any] | None = None,
    *,
    hashes: Mapping[str, str] | None = None,
    coming: Collection[str] = (),
) -> list[Finding]:
    declared = environment({"model": {**CONTAINER, **(model or {})}})
    known = {KEY: SHA} if hashes is None else hashes
    role = Role(stubs.clients, ROLE)
    return list(ArtifactCheck(declared, stubs.clients, role, known, " --env staging", coming).findings("iris"))


def head(stubs: Stubs, key: str = KEY, bucket: str = BUCKET, sha: str = SHA, **more: str) -> None:
    metadata = {"sha256": sha} if sha else {}
    stubs["s3"].add_response("head_object", {"Metadata": metadata, **more}, {"Bucket": bucket, "Key": key})


def test_an_artifact_as_published_that_the_role_may_read_is_well(stubs: Stubs) -> None:
    head(stubs)
    stubs.allowed("s3:GetObject", ARN)
    (found,) = check(stubs)
    assert (found.outcome, found.text) == (OK, f"{KEY} as published, and the execution role may read it")


def test_the_key_that_encrypts_it_has_to_be_allowed_too(stubs: Stubs) -> None:
    key = "arn:aws:kms:eu-west-1:111122223333:key/1"
    head(stubs, SSEKMSKeyId=key)
    stubs.allowed("s3:GetObject", ARN)
    stubs.allowed("kms:Decrypt", key, decision="implicitDeny")
    (found,) = check(stubs)
    assert found.outcome is FAILED
    assert f"the key that encrypts s3://{BUCKET}/{KEY}" in found.text


def test_an_artifact_that_is_gone_says_how_to_publish_it(stubs: Stubs) -> None:
    stubs["s3"].add_client_error("head_object", "404", "Not Found")
    (found,) = check(stubs)
    assert (found.outcome, found.text) == (FAILED, f"s3://{BUCKET}/{KEY} is not there")
    assert found.do == "slipway publish FOLDER --model iris --version 2 --env staging"


def test_an_artifact_that_the_deployment_publishes_need_not_be_there(stubs: Stubs) -> None:
    (found,) = check(stubs, coming={KEY})
    assert (found.outcome, found.text) == (OK, f"{KEY} published by this deployment")
    stubs.done()


def test_an_object_that_somebody_replaced_is_refused(stubs: Stubs) -> None:
    head(stubs, sha="b" * 64)
    (found,) = check(stubs)
    assert found.outcome is FAILED
    assert f"has sha256 {'b' * 12}…, and the lock file {'a' * 12}…" in found.text
    assert f"list-object-versions --bucket {BUCKET} --prefix {KEY}" in found.do


def body(content: bytes) -> StreamingBody:
    return StreamingBody(io.BytesIO(content), len(content))


def test_an_object_without_a_hash_beside_it_is_told_by_its_content(stubs: Stubs) -> None:
    head(stubs, sha="")
    stubs["s3"].add_response("get_object", {"Body": body(gzip.compress(b"tar"))}, {"Bucket": BUCKET, "Key": KEY})
    stubs.allowed("s3:GetObject", ARN)
    (found,) = check(stubs, hashes={KEY: hashlib.sha256(b"tar").hexdigest()})
    assert found.outcome is OK


def test_an_object_that_is_no_archive_is_refused(stubs: Stubs) -> None:
    head(stubs, sha="")
    stubs["s3"].add_response("get_object", {"Body": body(b"PK")}, {"Bucket": BUCKET, "Key": KEY})
    (found,) = check(stubs)
    assert found.outcome is FAILED
    assert "is no gzip archive" in found.text
    assert found.do.startswith("publish under another version")


def test_what_may_not_be_looked_at_is_a_warning(stubs: Stubs) -> None:
    stubs["s3"].add_client_error("head_object", "403", "Forbidden")
    (found,) = check(stubs)
    assert found.outcome is WARNING
    assert "s3:GetObject" in found.do


def test_an_artifact_elsewhere_has_no_hash_and_its_right_may_come_with_the_deployment(stubs: Stubs) -> None:
    head(stubs, "llm.tar.gz", "elsewhere", sha="")
    stubs.allowed("s3:GetObject", "arn:aws:s3:::elsewhere/llm.tar.gz", decision="implicitDeny")
    (found,) = check(stubs, {"artifact": "s3://elsewhere/llm.tar.gz"})
    assert found.outcome is WARNING
    assert found.text == "the execution role may not read s3://elsewhere/llm.tar.gz yet (s3:GetObject)"


def test_an_artifact_elsewhere_that_is_gone_is_to_be_uploaded(stubs: Stubs) -> None:
    stubs["s3"].add_client_error("head_object", "404", "Not Found")
    (found,) = check(stubs, {"artifact": "s3://elsewhere/llm.tar.gz"})
    assert (found.outcome, found.do) == (FAILED, "upload it, or declare another one")


@pytest.mark.parametrize("count", [0, 1])
def test_a_prefix_has_to_hold_something(stubs: Stubs, count: int) -> None:
    listed = {"Bucket": BUCKET, "Prefix": "models/iris/raw/", "MaxKeys": 1}
    stubs["s3"].add_response("list_objects_v2", {"KeyCount": count}, listed)
    if count:
        stubs.allowed("s3:GetObject", f"arn:aws:s3:::{BUCKET}/models/iris/raw/any")
    (found,) = check(stubs, {"artifact": "models/iris/raw/"})
    assert found.outcome is (OK if count else FAILED)
    stubs.done()


def test_of_a_multi_model_prefix_every_archive_that_the_lock_file_knows_is_looked_at(stubs: Stubs) -> None:
    keys = [f"models/demand/{store}/v1/model.tar.gz" for store in ("north", "south")]
    for _ in keys:
        stubs["s3"].add_response("head_object", {"Metadata": {"sha256": SHA}})
    stubs.allowed("s3:GetObject", *(f"arn:aws:s3:::{BUCKET}/{key}" for key in keys))
    (found,) = check(stubs, {"models": "models/demand/"}, hashes=dict.fromkeys([*keys, KEY], SHA))
    assert found.text.startswith(f"{keys[0]}, {keys[1]} as published")
    stubs.done()


def test_a_model_without_an_artifact_needs_none(stubs: Stubs) -> None:
    (found,) = check(stubs, {"artifact": "off"})
    assert (found.outcome, found.text) == (OK, "its models download none from a bucket")
