"""The archives of a multi-model endpoint: what lies under its prefixes, and whether it is what was published."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway.ops.publish.storage import METADATA_KEY, PublishError, content_hash, refused, short
from slipway.ops.trouble import WrongOperation
from slipway.spec.lock import PUBLISHED_KEY
from slipway.spec.sources import artifacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from types_boto3_s3 import S3Client

    from slipway.spec.endpoint import Endpoint
    from slipway.spec.environment import Environment

#: What the names of archives end in; whatever else lies under a prefix is no model.
SUFFIX = ".tar.gz"
#: Objects that are asked for at a time; a boto3 client keeps ten connections.
PARALLEL = 8
RIGHTS = "listing archives needs s3:ListBucket on the bucket and s3:GetObject on models/*"

PUBLISHED, OTHER, UNRECORDED, MISSING = "published", "other bytes", "unrecorded", "missing"
UNREAD, NO_ARCHIVE = "unread", "no archive"
_WORDS = {
    PUBLISHED: "as published",
    OTHER: "other bytes than were published",
    UNRECORDED: "not in the lock file",
    MISSING: "not in this bucket",
    UNREAD: "no hash is stored with it: --verify reads it",
    NO_ARCHIVE: "is no gzip archive",
}
#: What nobody should serve from.
WRONG_STATES = frozenset({OTHER, NO_ARCHIVE})


@dataclass(frozen=True)
class Stored:
    """An object under a prefix, as S3 lists it.

    Attributes
    ----------
    key
        Its key.
    size
        Bytes.
    etag
        What changes with its content.
    modified
        When it was written.
    """

    key: str
    size: int
    etag: str
    modified: datetime


@dataclass(frozen=True)
class Archive:
    """An archive that requests can name, or could if it were there.

    Attributes
    ----------
    prefix
        Where it lies, such as ``models/demand/``.
    name
        As a request names it, such as ``store-1/v1/model.tar.gz``.
    stored
        The object; ``None`` where only the lock file knows it.
    recorded
        Its hash in the lock file; ``None`` where that does not know it.
    sha256
        The hash of what is in the bucket: what was written beside it, or that of its bytes if those were read; ``None``
        if neither is known.
    state
        One of the words of this module, such as ``published``.
    script
        Whether it is the script that the containers run, and no model.
    """

    prefix: str
    name: str
    stored: Stored | None
    recorded: str | None
    sha256: str | None
    state: str
    script: bool

    @property
    def what(self) -> str:
        """What it is, in words."""
        words = _WORDS[self.state]
        return f"the containers' script, {words}" if self.script else words

    @property
    def cells(self) -> tuple[str, ...]:
        """For a table, in the order of `COLUMNS`."""
        stored = self.stored
        return (
            self.name,
            f"{stored.size:,}" if stored else "",
            f"{stored.modified:%Y-%m-%d %H:%M}" if stored else "",
            short(self.recorded) if self.recorded else "",
            short(self.sha256) if self.sha256 else "",
            self.what,
        )

    def as_dict(self) -> dict[str, object]:
        """For JSON: hashes whole, the time with its zone, what is not known as null."""
        return {
            "prefix": self.prefix,
            "model": self.name,
            "size": self.stored.size if self.stored else None,
            "modified": self.stored.modified.isoformat() if self.stored else None,
            "recorded": self.recorded,
            "stored": self.sha256,
            "state": self.state,
            "script": self.script,
        }


#: Heads of the table; `recorded` is the lock file's hash, `stored` the bucket's.
COLUMNS = ("model", "bytes", "written (UTC)", "recorded", "stored", "what")


def prefixes(environment: Environment, name: str, chosen: str | None = None) -> tuple[str, ...]:
    """Say where an endpoint's archives lie.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.
    chosen
        Only this prefix.

    Returns
    -------
    tuple of str
        Keys in the model bucket, such as ``models/demand/``; at least one.

    Raises
    ------
    WrongOperation
        If it is no multi-model endpoint, its archives lie outside the model bucket, or it has no such prefix.
    """
    every = _declared(environment, name)
    if not every:
        others = [other for other in environment.endpoints if _declared(environment, other)]
        raise WrongOperation(
            f"endpoints.{name} is no multi-model endpoint: none of its containers has `models`. `slipway publish` "
            f"publishes what it serves. Multi-model endpoints: {', '.join(others) or 'none'}"
        )
    ours = tuple(key for key in every if not key.startswith("s3://"))
    if not ours:
        raise WrongOperation(
            f"endpoints.{name}: its archives lie outside the model bucket, where nothing is published and no bytes are "
            f"pinned: `aws s3 ls {every[0]} --recursive` lists them"
        )
    if chosen is None:
        return ours
    if chosen not in ours:
        raise WrongOperation(f"--prefix {chosen}: endpoints.{name} has {', '.join(ours)}")
    return (chosen,)


def one_prefix(environment: Environment, name: str, chosen: str | None = None) -> str:
    """Say under which prefix `publish` can put an archive of an endpoint.

    Parameters
    ----------
    environment, name, chosen
        As for `prefixes`.

    Returns
    -------
    str
        Such as ``models/demand/``.

    Raises
    ------
    WrongOperation
        If there are several, or `publish` cannot write there.
    """
    ours = prefixes(environment, name, chosen)
    if len(ours) > 1:
        raise WrongOperation(f"endpoints.{name} has several prefixes: say which with --prefix: {', '.join(ours)}")
    if not PUBLISHED_KEY.fullmatch(f"{ours[0]}name/v1/model.tar.gz"):
        raise WrongOperation(
            f"endpoints.{name}: archives are published as models/PREFIX/NAME/vVERSION/model.tar.gz, which is not under "
            f"{ours[0]}: declare `models: models/{name}/`, or upload the archive yourself"
        )
    return ours[0]


def serving(environment: Environment, key: str) -> tuple[tuple[str, str], ...]:
    """Say which multi-model endpoints serve an object as a model.

    Parameters
    ----------
    environment
        The environment.
    key
        Of an object in its model bucket.

    Returns
    -------
    tuple of (str, str)
        Short name of the endpoint, and what its requests call the object.
    """
    return tuple(
        (name, key.removeprefix(prefix))
        for name in environment.endpoints
        for prefix in _declared(environment, name)
        if key.startswith(prefix) and key not in scripts(environment, name)
    )


def scripts(environment: Environment, name: str) -> frozenset[str]:
    """Keys of the archives that hold the script of an endpoint's containers instead of a model."""
    endpoint = environment.endpoints[name]
    return frozenset(one.key for one in artifacts(name, endpoint, environment.names.bucket) if one.script_only)


def listed(s3: S3Client, bucket: str, prefix: str) -> Iterator[Stored]:
    """List the archives under a prefix.

    Parameters
    ----------
    s3
        A client of the bucket's account and Region.
    bucket, prefix
        Where to look.

    Yields
    ------
    Stored
        In the order of their keys.

    Raises
    ------
    slipway.ops.publish.storage.PublishError
        If S3 refuses.
    """
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for one in page.get("Contents", ()):
                if one["Key"].endswith(SUFFIX):
                    yield Stored(one["Key"], one["Size"], one["ETag"], one["LastModified"])
    except ClientError as error:
        raise refused(error, bucket, prefix, RIGHTS) from error


def archives(
    environment: Environment,
    name: str,
    *,
    s3: S3Client,
    hashes: Mapping[str, str],
    chosen: str | None = None,
    verify: bool = False,
) -> list[Archive]:
    """Hold the archives of an endpoint against the lock file.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.
    s3
        A client of its account and Region.
    hashes
        The lock file's, by key.
    chosen
        Only this prefix.
    verify
        Read all of every archive, instead of believing the hash that is stored beside it.

    Returns
    -------
    list of Archive
        Those in the bucket, and those that only the lock file knows; by prefix and name.

    Raises
    ------
    WrongOperation
        As for `prefixes`.
    slipway.ops.publish.storage.PublishError
        If S3 refuses.
    """
    bucket = environment.names.bucket
    own_scripts = scripts(environment, name)
    found: list[Archive] = []
    for prefix in prefixes(environment, name, chosen):
        objects = {one.key: one for one in listed(s3, bucket, prefix)}
        with ThreadPoolExecutor(PARALLEL) as pool:
            seen = dict(zip(objects, pool.map(lambda key: _hash(s3, bucket, key, verify=verify), objects), strict=True))
        for key in sorted({*objects, *(locked for locked in hashes if locked.startswith(prefix))}):
            recorded, sha256 = hashes.get(key), seen.get(key)
            state = _state(recorded, sha256, there=key in objects)
            known = None if sha256 == NO_ARCHIVE else sha256
            name_there = key.removeprefix(prefix)
            found.append(Archive(prefix, name_there, objects.get(key), recorded, known, state, key in own_scripts))
    return found


def _declared(environment: Environment, name: str) -> tuple[str, ...]:
    endpoint: Endpoint = environment.endpoints[name]
    found = artifacts(name, endpoint, environment.names.bucket)
    return tuple(dict.fromkeys(one.key for one in found if one.several))


def _hash(s3: S3Client, bucket: str, key: str, *, verify: bool) -> str | None:
    try:
        if verify:
            return content_hash(s3, bucket, key)
        return s3.head_object(Bucket=bucket, Key=key)["Metadata"].get(METADATA_KEY)
    except PublishError:
        return NO_ARCHIVE
    except ClientError as error:
        raise refused(error, bucket, key, RIGHTS) from error


def _state(recorded: str | None, sha256: str | None, *, there: bool) -> str:
    if not there:
        return MISSING
    if sha256 == NO_ARCHIVE:
        return NO_ARCHIVE
    if recorded is None:
        return UNRECORDED
    if sha256 is None:
        return UNREAD
    return PUBLISHED if sha256 == recorded else OTHER
