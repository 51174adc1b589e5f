"""Publish a model version: upload its package under its own key, once, and record its hash.

No object is ever overwritten: of two publishers of one version S3 lets one through, and the other compares.

The lock file is written last. So an interruption leaves nothing, or an object that the next run finds equal; at worst
also parts of an upload that the bucket's lifecycle rule removes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway.ops.publish.package import Package, package
from slipway.ops.publish.storage import PublishError, refused, short, stored_hash, upload
from slipway.spec.lock import PUBLISHED_KEY, artifact_key, read_lock, record
from slipway.spec.sources import artifacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from types_boto3_s3 import S3Client

    from slipway.spec.environment import Environment

#: What publishing takes, besides keys of KMS.
RIGHTS = "s3:ListBucket on the bucket, s3:GetObject, s3:PutObject and s3:AbortMultipartUpload on models/*"


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
        The model folder, as `slipway.ops.publish.package.package` takes it.
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
    slipway.ops.publish.package.PackageError
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
                uploaded = upload(s3, bucket, key, packed)
                stored = packed.sha256 if uploaded else stored_hash(s3, bucket, key)
        except ClientError as error:
            raise refused(error, bucket, key, f"publishing needs {RIGHTS}") from error
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
