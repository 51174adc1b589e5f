"""Publish a model version: upload its package under its own key, once, and record its hash.

No object is ever overwritten. The upload is a conditional write (``If-None-Match: *``), so of two publishers of one
version S3 lets one through, and the other compares. boto3's ``upload_file`` does not pass that condition on
(https://github.com/boto/boto3/issues/4366), which is why the multipart upload is written out here.

The lock file is written last. So an interruption leaves nothing, or an object that the next run finds equal; at worst
also parts of an upload that the bucket's lifecycle rule removes.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.package import Package, package
from slipway.spec.lock import PUBLISHED_KEY, artifact_key, read_lock, record
from slipway.spec.sources import artifacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

    from slipway.spec.environment import Environment

#: Bytes; a larger archive is uploaded in parts of this size, four at a time (so 256 MiB of memory).
PART_SIZE = 64 * 1024 * 1024
PARALLEL_PARTS = 4
MOST_PARTS = 10_000  # S3: "Amazon S3 multipart upload limits"

#: Object metadata that holds the SHA-256 of the uncompressed tar.
METADATA_KEY = "sha256"

_CONTENT_TYPE = "application/gzip"
#: Somebody else's object is there, or is just being written. NoSuchUpload: our own completion got through, its answer
#: was lost, and botocore asked again.
_NOT_FIRST = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchUpload"})


class PublishError(Exception):
    """A model version that could not be published."""


class VersionTaken(PublishError):  # noqa: N818 - it is a state of the registry, not a malfunction
    """The version was published before, with other bytes."""


@dataclass(frozen=True)
class Published:
    """A model version that is safely in the bucket and in the lock file.

    Attributes
    ----------
    key
        The S3 key, as the config names it.
    uri
        The ``s3://`` URI.
    sha256
        SHA-256 of the uncompressed tar, in lower-case hexadecimal.
    size
        Size in bytes of the archive that was packaged.
    uploaded
        False if an equal object was there already.
    """

    key: str
    uri: str
    sha256: str
    size: int
    uploaded: bool


def publish(folder: Path, *, model: str, version: int | str, bucket: str, lock_path: Path, s3: S3Client) -> Published:
    """Publish a folder as one version of a model; doing so again changes nothing.

    Parameters
    ----------
    folder
        The model folder, as `slipway.ops.package.package` takes it.
    model
        What the config calls it: most often the endpoint's short name. Under the multi-model prefix ``models/demand/``
        an archive is called such as ``demand/store-1``; a request names it as ``store-1/v1/model.tar.gz``.
    version
        A whole number of 1 or more, or a word such as ``2026-11-21``.
    bucket
        The environment's model bucket.
    lock_path
        The lock file to check and to record the hash in.
    s3
        A client of the environment's account and Region.

    Raises
    ------
    VersionTaken
        If the lock file or the bucket has this version with another hash.
    PublishError
        If the bucket is missing or refuses, or an object is there that nobody can compare.
    slipway.ops.package.PackageError
        If the folder cannot be packaged.
    slipway.spec.lock.LockError
        If the lock file cannot be read.
    ValueError
        If the model's name or the version is none.
    """
    key = artifact_key(model, version)
    hashes = read_lock(lock_path)
    with package(folder) as packed:
        recorded = hashes.get(key)
        if recorded is not None and recorded != packed.sha256:
            raise _taken(model, version, str(lock_path), recorded, packed, hashes)
        uri = f"s3://{bucket}/{key}"
        uploaded = False
        try:
            stored = stored_hash(s3, bucket, key)
            if stored is None:
                uploaded = _upload(s3, bucket, key, packed)
                stored = packed.sha256 if uploaded else stored_hash(s3, bucket, key)
        except ClientError as error:
            raise _explained(error, bucket, uri) from error
        if stored is None:
            raise PublishError(f"{uri} is being published by somebody else right now: try again")
        if stored != packed.sha256:
            raise _taken(model, version, uri, stored, packed, hashes)
        record(lock_path, key, packed.sha256)
        return Published(key=key, uri=uri, sha256=packed.sha256, size=packed.size, uploaded=uploaded)


def published_models(environment: Environment) -> tuple[str, ...]:
    """Say which models the endpoints of an environment use that `publish` can write.

    Parameters
    ----------
    environment
        The environment.

    Returns
    -------
    tuple of str
        Such as ``iris``; ``demand/`` for the archives under a multi-model prefix.
    """
    found: dict[str, None] = {}
    for name, endpoint in environment.endpoints.items():
        for artifact in artifacts(name, endpoint, environment.names.bucket):
            key = PUBLISHED_KEY.fullmatch(f"{artifact.key}name/v1/model.tar.gz" if artifact.several else artifact.key)
            if key is not None:
                found[key["model"].removesuffix("name") if artifact.several else key["model"]] = None
    return tuple(found)


def stored_hash(s3: S3Client, bucket: str, key: str) -> str | None:
    """Answer the hash of the tar in the bucket: what publishing wrote beside it, or else its content's own.

    Parameters
    ----------
    s3
        A client of the bucket's account and Region.
    bucket, key
        Where the object is.

    Returns
    -------
    str or None
        SHA-256 of the uncompressed tar, in lower-case hexadecimal; None if there is no object.

    Raises
    ------
    PublishError
        If an object without a recorded hash is no gzip archive.
    botocore.exceptions.ClientError
        If S3 refuses.
    """
    try:
        head = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return None  # or the bucket is missing, which the upload reports
        raise
    recorded = head["Metadata"].get(METADATA_KEY)
    if recorded is not None:
        return recorded
    # Uploaded by other means, the console for instance: the content itself has to tell.
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    try:
        with gzip.GzipFile(fileobj=body, mode="rb") as tar:
            return hashlib.file_digest(tar, "sha256").hexdigest()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise PublishError(
            f"s3://{bucket}/{key} was uploaded by other means and is no gzip archive ({error}): "
            "publish under another version, or delete it if no endpoint uses it"
        ) from error


def _upload(s3: S3Client, bucket: str, key: str, packed: Package) -> bool:
    """Upload unless an object is there; answer whether this call made the object."""
    try:
        if packed.size > PART_SIZE:
            _upload_parts(s3, bucket, key, packed)
        else:
            with packed.archive.open("rb") as content:
                s3.put_object(
                    Bucket=bucket,
                    Key=key,
                    Body=content,
                    ContentType=_CONTENT_TYPE,
                    Metadata={METADATA_KEY: packed.sha256},
                    IfNoneMatch="*",
                )
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_FIRST:
            return False
        raise
    return True


def _upload_parts(s3: S3Client, bucket: str, key: str, packed: Package) -> None:
    """Upload in parts; the condition holds for the last step, which makes the object."""
    part_size = max(PART_SIZE, -(-packed.size // MOST_PARTS))
    upload_id = s3.create_multipart_upload(
        Bucket=bucket,
        Key=key,
        ContentType=_CONTENT_TYPE,
        Metadata={METADATA_KEY: packed.sha256},
        ChecksumAlgorithm="CRC32",
    )["UploadId"]

    def upload_part(number: int) -> CompletedPartTypeDef:
        with packed.archive.open("rb") as content:
            content.seek((number - 1) * part_size)
            part = s3.upload_part(
                Bucket=bucket,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                Body=content.read(part_size),
                ChecksumAlgorithm="CRC32",
            )
        return {
            "PartNumber": number,
            "ETag": part["ETag"],
            "ChecksumCRC32": part["ChecksumCRC32"],
        }

    try:
        with ThreadPoolExecutor(PARALLEL_PARTS) as pool:
            parts = list(pool.map(upload_part, range(1, -(-packed.size // part_size) + 1)))
        s3.complete_multipart_upload(
            Bucket=bucket,
            Key=key,
            UploadId=upload_id,
            MultipartUpload={"Parts": parts},
            IfNoneMatch="*",
        )
    except BaseException:
        with suppress(ClientError, BotoCoreError):  # what went wrong first is what counts
            s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
        raise


def _taken(
    model: str,
    version: int | str,
    where: str,
    present: str,
    packed: Package,
    hashes: Mapping[str, str],
) -> VersionTaken:
    return VersionTaken(
        f"{model} version {version} was published with other bytes: {where} has sha256 "
        f"{short(present)}, this folder gives {short(packed.sha256)}. A version never changes: "
        f"publish it as {_free(model, version, hashes)}"
    )


def _free(model: str, version: int | str, hashes: Mapping[str, str]) -> str:
    if not str(version).isdigit():
        return f"another version, and write that where the config names {model}"
    free = int(version) + 1
    while artifact_key(model, free) in hashes:
        free += 1
    if "/" in model:
        return f"version {free}, and let requests name {model.partition('/')[2]}/v{free}/model.tar.gz"
    return f"version {free}, and write `version: {free}` where the config names {model}"


def short(sha256: str) -> str:
    """Shorten a hash to what a person compares."""
    return f"{sha256:.12}…"


def _explained(error: ClientError, bucket: str, uri: str) -> PublishError:
    code = error.response["Error"]["Code"]
    if code == "NoSuchBucket":
        return PublishError(
            f"bucket {bucket} does not exist: deploy the environment's foundation first, "
            "or check that the credentials and the Region are that environment's"
        )
    if code in ("403", "AccessDenied"):
        return PublishError(
            f"{uri}: access denied to {error.operation_name}: publishing needs s3:ListBucket on "
            "the bucket, s3:GetObject, s3:PutObject and s3:AbortMultipartUpload on models/*, and, "
            "where a KMS key encrypts the bucket, kms:GenerateDataKey and kms:Decrypt"
        )
    return PublishError(f"{uri}: {error}")
