"""What the tests of multi-model endpoints share: an environment with one, its bucket, and what is published there."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from slipway.spec.load import load_unpublished
from slipway.spec.lock import record

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from slipway.spec.environment import Environment

BUCKET = "acme-sm-rc-project-a-dev-eu-west-1"
PREFIX = "models/demand/"
SCRIPT, STORE_1, STORE_2 = (f"{PREFIX}{name}/v1/model.tar.gz" for name in ("source", "store-1", "store-2"))

BASE = """\
company: acme
team: rc
project: project-a
notify: [ml-oncall@example.com]
endpoints:
  demand:
    version: 1
    model:
      image: {framework: sklearn, tag: 1.4-2-cpu-py3}
      models: models/demand/
      script: inference.py
      source: models/demand/source/v1/model.tar.gz
    hosting: {instance_type: ml.m5.large}
    sample: {body: "[6, 0, 21]", target: store-1/v1/model.tar.gz}
"""
PLACE = 'account: "123456789012"\nregion: eu-west-1\n'


def config(folder: Path, **environments: str) -> Path:
    """Write a config folder: dev, and other environments with what their files say besides the place."""
    (folder / "base.yaml").write_text(BASE, encoding="utf-8")
    for name, text in {"dev": "", **environments}.items():
        (folder / f"{name}.yaml").write_text(PLACE + text, encoding="utf-8")
    return folder


def environment(folder: Path, name: str = "dev") -> Environment:
    return load_unpublished(folder, name)


def archive(text: str) -> tuple[bytes, str]:
    """An archive with one file, and the hash of its tar."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("name.txt")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(packed.getvalue(), mtime=0), hashlib.sha256(packed.getvalue()).hexdigest()


def put(s3: S3Client, key: str, *, lock: Path | None = None, metadata: bool = True, bucket: str = BUCKET) -> str:
    """Put an archive into the bucket whose content is its key; record its hash if there is a lock file to."""
    content, sha256 = archive(key)
    s3.put_object(Bucket=bucket, Key=key, Body=content, Metadata={"sha256": sha256} if metadata else {})
    if lock is not None:
        record(lock, key, sha256)
    return sha256


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


def before(s3: S3Client, operation: str, action: Callable[[], object]) -> None:
    """Do something once, right before the client sends an operation."""
    event = f"before-call.s3.{operation}"

    def once(**_: object) -> None:
        s3.meta.events.unregister(event, once)
        action()

    s3.meta.events.register(event, once)
