"""Checks of the artifacts of the new models: there, as published, and readable by the execution role."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway.ops.preflight.permissions import MAY_READ, Read, Role, readable
from slipway.ops.preflight.report import Finding, failed, listed, ok, warning
from slipway.ops.publish.storage import METADATA_KEY, PublishError, content_hash, short
from slipway.ops.trouble import code, is_denied
from slipway.spec.lock import PUBLISHED_KEY
from slipway.spec.sources import artifacts

if TYPE_CHECKING:
    from slipway.ops.preflight.clients import Clients
    from slipway.spec.environment import Environment

#: A HEAD has no words, only a status.
_ABSENT = ("404", "NoSuchKey", "NoSuchBucket", "NotFound")
#: Objects that are looked at side by side.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Object:
    """An object, or a prefix, that a container downloads."""

    bucket: str
    key: str
    elsewhere: bool

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def said(self) -> str:
        """Short, where it is in the model bucket."""
        return self.uri if self.elsewhere else self.key


class ArtifactCheck:
    """Looks at an endpoint's artifacts.

    Parameters
    ----------
    environment
        The environment.
    clients
        To ask; takes s3:GetObject, and s3:ListBucket, without which S3 does not tell absent from forbidden.
    role
        The execution role.
    hashes
        The lock file.
    options
        What a command that is told to people needs to go to the same place.
    coming
        Keys that the deployment itself publishes before it updates endpoints.
    """

    def __init__(
        self,
        environment: Environment,
        clients: Clients,
        role: Role,
        hashes: Mapping[str, str],
        options: str,
        coming: Collection[str] = (),
    ) -> None:
        self._environment, self._clients, self._role = environment, clients, role
        self._hashes, self._options, self._coming = hashes, options, coming
        self._bucket = environment.names.bucket

    def findings(self, name: str) -> Iterator[Finding]:
        """Look.

        Parameters
        ----------
        name
            The endpoint's short name.

        Yields
        ------
        Finding
            What is not there, was replaced or cannot be read; or that all is well.
        """
        wanted = list(dict.fromkeys(self._objects(name)))
        objects = [one for one in wanted if one.key not in self._coming or one.elsewhere]
        with ThreadPoolExecutor(_AT_ONCE) as pool:  # of a multi-model prefix there may be many
            looked = list(pool.map(self._object, objects))
        found = [finding for finding, _ in looked if finding]
        reads = [
            read
            for one, (finding, key) in zip(objects, looked, strict=True)
            if not finding
            for read in self._reads(one, key)
        ]
        refused, told = readable(self._role, reads)
        if found or refused:
            yield from (*found, *refused)
            return
        news = [one.key for one in wanted if one not in objects]
        words = [f"{listed([one.said for one in objects])} as published{MAY_READ if told else ''}"] if objects else []
        words += [f"{listed(news)} published by this deployment"] if news else []
        yield ok("; ".join(words) or "its models download none from a bucket")

    def _objects(self, name: str) -> Iterator[_Object]:
        """What an endpoint's artifacts are made of; of a multi-model prefix the archives that the lock file knows."""
        for artifact in artifacts(name, self._environment.endpoints[name], self._bucket):
            bucket, _, key = artifact.uri(self._environment).removeprefix("s3://").partition("/")
            locked = [one for one in sorted(self._hashes) if one.startswith(key)] if artifact.several else []
            for one in locked if not artifact.elsewhere and locked else [key]:
                yield _Object(bucket, one, artifact.elsewhere)

    def _object(self, one: _Object) -> tuple[Finding | None, str]:
        """Look at one object; answer what is wrong, and which KMS key it is encrypted with."""
        bucket, key = one.bucket, one.key
        try:
            if not key or key.endswith("/"):
                found = self._clients.s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
                return (None if found.get("KeyCount") else self._missing(one)), ""
            head = self._clients.s3.head_object(Bucket=bucket, Key=key)
            stored = None if one.elsewhere else head["Metadata"].get(METADATA_KEY) or self._content(key)
        except ClientError as error:
            if code(error) in _ABSENT:
                return self._missing(one), ""
            if code(error) == "403" or is_denied(error):
                needs = f"looking takes s3:GetObject on it, and s3:ListBucket on {bucket}"
                return warning(f"{one.uri} could not be looked at: access denied", needs), ""
            raise
        except PublishError as error:
            what, _, do = str(error).partition(": publish ")
            return failed(what, f"publish {do}"), ""
        recorded = self._hashes.get(key)
        if not one.elsewhere and recorded is not None and stored != recorded:
            return self._replaced(one, stored, recorded), ""
        return None, head.get("SSEKMSKeyId", "")

    def _content(self, key: str) -> str | None:
        """The hash of an object without one beside it, uploaded by other means: its content has to tell."""
        return content_hash(self._clients.s3, self._bucket, key) if key in self._hashes else None

    def _missing(self, one: _Object) -> Finding:
        published = None if one.elsewhere else PUBLISHED_KEY.fullmatch(one.key)
        if published:
            where = f"--model {published['model']} --version {published['version']}"
            return failed(f"{one.uri} is not there", f"slipway publish FOLDER {where}{self._options}")
        return failed(f"{one.uri} is not there", "upload it, or declare another one")

    @staticmethod
    def _replaced(one: _Object, stored: str | None, recorded: str) -> Finding:
        has = f"has sha256 {short(stored)}" if stored else "has no known hash"
        return failed(
            f"{one.uri} {has}, and the lock file {short(recorded)}: somebody replaced the object",
            "delete its newest version, so that the one that was published shows again (aws s3api "
            f"list-object-versions --bucket {one.bucket} --prefix {one.key}), or publish these bytes as another one",
        )

    def _reads(self, one: _Object, kms_key: str) -> Iterator[Read]:
        # A prefix stands for what lies under it.
        arn = f"arn:{self._environment.names.partition}:s3:::{one.bucket}/{one.key}"
        standing = one.bucket == self._bucket and one.key.startswith("models/")
        yield Read(one.uri, "s3:GetObject", f"{arn}any" if arn.endswith("/") else arn, standing)
        if kms_key and not one.elsewhere:
            yield Read(f"the key that encrypts {one.uri}", "kms:Decrypt", kms_key, standing=True)
