"""Archives in the model bucket: which bytes they have, and uploads that overwrite nothing.

An upload is a conditional write (``If-None-Match: *``). boto3's ``upload_file`` does not pass that condition on
(https://github.com/boto/boto3/issues/4366), which is why the multipart upload is written out here.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.publish.package import Package
from slipway.ops.trouble import is_denied, is_throttled

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

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
    """An archive that could not be published, or read."""


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
    # Uploaded by other means, the console for instance: the content itself has to tell.
    return recorded if recorded is not None else content_hash(s3, bucket, key)


def content_hash(s3: S3Client, bucket: str, key: str) -> str | None:
    """Answer the hash of the tar in the bucket by reading all of it, whatever was written beside it.

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
        If the object is no gzip archive.
    botocore.exceptions.ClientError
        If S3 refuses.
    """
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None
        raise
    with closing(body):
        return _tar_hash(body, f"s3://{bucket}/{key}")


def fetch(s3: S3Client, bucket: str, key: str) -> Package | None:
    """Download an archive into a temporary file, and hash the tar in it.

    Parameters
    ----------
    s3
        A client of the bucket's account and Region.
    bucket, key
        Where the object is.

    Returns
    -------
    Package or None
        To be used in a ``with`` statement, which removes the file; None if there is no object.

    Raises
    ------
    PublishError
        If the object is no gzip archive.
    botocore.exceptions.ClientError
        If S3 refuses.
    """
    handle, name = tempfile.mkstemp(prefix="slipway-", suffix=".tar.gz")
    archive = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            s3.download_fileobj(bucket, key, out)
        with archive.open("rb") as content:
            sha256 = _tar_hash(content, f"s3://{bucket}/{key}")
        return Package(archive=archive, sha256=sha256, size=archive.stat().st_size)
    except BaseException as error:
        archive.unlink(missing_ok=True)
        if isinstance(error, ClientError) and error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            return None
        raise


def upload(s3: S3Client, bucket: str, key: str, packed: Package) -> bool:
    """Upload an archive with its hash beside it, unless an object is there.

    Parameters
    ----------
    s3
        A client of the bucket's account and Region.
    bucket, key
        Where the object is to be.
    packed
        The archive, of up to 5 TiB.

    Returns
    -------
    bool
        Whether this call made the object. If not, there is one, or somebody else is just writing one.

    Raises
    ------
    botocore.exceptions.ClientError
        If S3 refuses.
    """
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


def _tar_hash(archive: IO[bytes] | StreamingBody, uri: str) -> str:
    try:
        with gzip.GzipFile(fileobj=archive, mode="rb") as tar:
            return hashlib.file_digest(tar, "sha256").hexdigest()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise PublishError(
            f"{uri} was uploaded by other means and is no gzip archive ({error}): "
            "publish under another version, or delete it if no endpoint uses it"
        ) from error


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


def short(sha256: str) -> str:
    """Shorten a hash to what a person compares."""
    return f"{sha256:.12}…"


def refused(error: ClientError, bucket: str, key: str, needs: str) -> PublishError:
    """Say what S3 refused, and what to do.

    Parameters
    ----------
    error
        From S3.
    bucket, key
        What it was about.
    needs
        Which rights the command takes, as a clause such as ``publishing needs s3:PutObject on models/*``.

    Returns
    -------
    PublishError
        To be raised.
    """
    code = error.response["Error"]["Code"]
    uri = f"s3://{bucket}/{key}"
    if code == "NoSuchBucket":
        return PublishError(
            f"bucket {bucket} does not exist: deploy the environment's foundation first, "
            "or check that the credentials and the Region are that environment's"
        )
    if code == "403" or is_denied(error):  # what has no body, such as the answer to HeadObject, has no better code
        return PublishError(
            f"{uri}: access denied to {error.operation_name}: {needs}, and, "
            "where a KMS key encrypts the bucket, kms:GenerateDataKey and kms:Decrypt"
        )
    if code in ("503", "SlowDown") or is_throttled(error):
        return PublishError(
            f"{uri}: S3 asked to slow down at {error.operation_name}, again and again: nothing there was changed; "
            "wait a minute, then repeat this"
        )
    return PublishError(f"{uri}: {error}")
