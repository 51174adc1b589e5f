"""Take an archive away from a multi-model endpoint: the object, and what the lock file knows of it.

The object goes first. If the command dies between the two steps, its next run finds S3's delete marker and finishes.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway.ops.publish.multi_model import listed, prefixes, serving
from slipway.ops.publish.storage import refused
from slipway.ops.trouble import BusyError, OperationError, WrongOperation
from slipway.ops.unfinished import uninterrupted
from slipway.spec.errors import ConfigError
from slipway.spec.load import LOCK, environments, load_unpublished
from slipway.spec.lock import read_lock, write_lock
from slipway.spec.sources import artifacts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from types_boto3_s3 import S3Client

    from slipway.spec.environment import Environment
    from slipway.spec.model import Container

RIGHTS = (
    "removing an archive needs s3:ListBucket and s3:ListBucketVersions on the bucket, s3:GetObject and s3:DeleteObject "
    "on models/*"
)
#: The object that was looked at is not there any more (S3: "How to perform conditional deletes").
_CHANGED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412", "404"})


@dataclass(frozen=True)
class Removal:
    """What taking an archive away comes to; nothing is done yet.

    Attributes
    ----------
    bucket, key
        The object.
    etag
        Which content it has; ``None`` if it is not there, and only the lock file is to forget it.
    lock_path
        The lock file.
    endpoint
        Full name of the endpoint.
    what
        What happens, as a clause, for whoever has to confirm it.
    notes
        What else it means, each a sentence without a full stop.
    """

    bucket: str
    key: str
    etag: str | None
    lock_path: Path
    endpoint: str
    what: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Removed:
    """What was done.

    Attributes
    ----------
    deleted
        Whether there was an object to delete.
    marker
        Version of the delete marker that S3 put over it; empty where the bucket keeps no versions.
    forgotten
        Whether the lock file knew it.
    """

    deleted: bool
    marker: str
    forgotten: bool


def plan_removal(
    environment: Environment, name: str, archive: str, *, config: Path, s3: S3Client, chosen: str | None = None
) -> Removal:
    """Look at what would be taken away, and at who needs it.

    Parameters
    ----------
    environment
        The environment.
    name
        The multi-model endpoint's short name.
    archive
        As requests name it, such as ``store-1/v1/model.tar.gz``.
    config
        The config folder: its lock file is for all environments, and they are asked, too.
    s3
        A client of the environment's account and Region.
    chosen
        The prefix that is meant, where the endpoint has several.

    Returns
    -------
    Removal
        For `remove`.

    Raises
    ------
    WrongOperation
        If there is no such archive, or a config still needs it.
    slipway.ops.publish.storage.PublishError
        If S3 refuses.
    slipway.spec.lock.LockError
        If the lock file cannot be read.
    """
    bucket, lock_path = environment.names.bucket, config / LOCK
    hashes = read_lock(lock_path)
    ours = prefixes(environment, name, chosen)
    stored = {one.key: one for prefix in ours for one in listed(s3, bucket, prefix)}
    there = [prefix for prefix in ours if prefix + archive in stored]
    known = [prefix for prefix in ours if prefix + archive in hashes]
    if len(there) > 1:
        raise WrongOperation(f"{archive} lies under several prefixes: say which with --prefix: {', '.join(there)}")
    prefix = (there or known or ours)[0]
    key = prefix + archive
    if not there and not known:
        names = [one.removeprefix(prefix) for prefix in ours for one in sorted(stored) if one.startswith(prefix)]
        raise WrongOperation(_no_archive(f"s3://{bucket}/{prefix}", archive, names, _removed(s3, bucket, key)))
    _refuse_needed(environment, key)
    sharing, unknown = _others(config, environment, key)
    if not there and sharing and _removed(s3, bucket, key) is None:
        raise WrongOperation(
            f"{archive} was never in s3://{bucket}/{prefix}: {lock_path} knows it for {_joined(sharing)}, so nothing "
            "was changed. Remove it there, with --env"
        )
    notes = [f"{other} cannot be asked, since its config has errors" for other in unknown]
    if sharing and known:
        notes.append(
            f"{lock_path} is for {_joined(sharing)}, too: what lies there under this key stays and is served, but its "
            "bytes are not pinned any more until it is removed there as well, with --env"
        )
    if there:
        notes += _effects(environment, name, prefix, archive)
    if there and len(stored) == 1:
        notes.append(f"it is the last archive under {prefix}, and the next deployment asks for one")
    return Removal(
        bucket=bucket,
        key=key,
        etag=stored[key].etag if there else None,
        lock_path=lock_path,
        endpoint=environment.names.endpoint(name),
        what=f"this removes {archive} from s3://{bucket}/{prefix}, and requests that name it fail then",
        notes=tuple(notes),
    )


def remove(removal: Removal, *, s3: S3Client) -> Removed:
    """Take the archive away; signals wait until both steps are done.

    Parameters
    ----------
    removal
        From `plan_removal`.
    s3
        A client of the environment's account and Region.

    Returns
    -------
    Removed
        What was done.

    Raises
    ------
    BusyError
        If somebody else removed or replaced the object since it was looked at; nothing was changed.
    slipway.ops.publish.storage.PublishError
        If S3 refuses; nothing was changed.
    OperationError
        If the object is gone, but the lock file cannot be written.
    """
    marker = ""
    with uninterrupted():
        if removal.etag is not None:
            try:
                answer = s3.delete_object(Bucket=removal.bucket, Key=removal.key, IfMatch=removal.etag)
            except ClientError as error:
                if error.response["Error"]["Code"] in _CHANGED:
                    raise BusyError(
                        f"s3://{removal.bucket}/{removal.key} was removed or replaced by somebody else just now: look "
                        "again with `slipway models list`"
                    ) from error
                raise refused(error, removal.bucket, removal.key, RIGHTS) from error
            marker = answer.get("VersionId", "") if answer.get("DeleteMarker") else ""
        try:
            forgotten = _forget(removal.lock_path, removal.key)
        except OSError as error:
            raise OperationError(
                f"s3://{removal.bucket}/{removal.key} is removed, but {removal.lock_path} cannot be written "
                f"({error.strerror}): run the same command again, or take its entry out by hand"
            ) from error
    return Removed(removal.etag is not None, marker, forgotten)


def _forget(lock_path: Path, key: str) -> bool:
    hashes = dict(read_lock(lock_path))
    if hashes.pop(key, None) is None:
        return False
    write_lock(lock_path, hashes)
    return True


def _refuse_needed(environment: Environment, key: str) -> None:
    """Refuse what the environment's own config names: as a script, as an artifact, or as what a sample is sent to."""
    for where in _literal(environment, key):
        raise WrongOperation(f"{key} is needed, since {where} names it: change that, deploy, and then remove it")
    for name, target in serving(environment, key):
        sample = environment.endpoints[name].sample
        if sample is not None and sample.target == target:
            raise WrongOperation(
                f"endpoints.{name}.sample is sent to {target}: name another archive there (`sample: {{target: ...}}`), "
                "and then remove this one"
            )


def _literal(environment: Environment, key: str) -> Iterator[str]:
    for name, endpoint in environment.endpoints.items():
        for one in artifacts(name, endpoint, environment.names.bucket):
            if one.key == key and not one.several:
                yield ".".join(str(key) for key in one.decided_by)


def _others(config: Path, environment: Environment, key: str) -> tuple[list[str], list[str]]:
    """Say which other environments serve what lies under the same key in their buckets, and which cannot be asked.

    One whose config names the key itself would be refused at its next synth, so then the removal is.
    """
    sharing, unknown = [], []
    for name in environments(config):
        if name == environment.environment:
            continue
        try:
            other = load_unpublished(config, name)
        except ConfigError:
            unknown.append(name)
            continue
        for where in _literal(other, key):
            raise WrongOperation(f"{key} is needed in {name}, since {where} names it: change that first")
        if serving(other, key):
            sharing.append(name)
    return sharing, unknown


def _effects(environment: Environment, name: str, prefix: str, archive: str) -> Iterator[str]:
    also = [other for other, _ in serving(environment, prefix + archive) if other != name]
    if also:
        yield f"{_joined([f'endpoints.{other}' for other in also])} serves it, too"
    # DG:multi-model-caching and DG:how-multi-mode-endpoints-work.
    if all(container.cache is False for container in _containers(environment, name, prefix)):
        yield "instances drop a model after each request (`cache: false`), so requests for it fail from now on"
    else:
        yield (
            "instances that have it loaded go on answering for it until they need its memory and its disk space for "
            "others: stop sending such requests first, and publish no other bytes under this name"
        )


def _containers(environment: Environment, name: str, prefix: str) -> list[Container]:
    bucket = environment.names.bucket
    found = [one for served in environment.endpoints[name].served for _, _, one in served.containers]
    return [one for one in found if one.models and one.models.removeprefix(f"s3://{bucket}/") == prefix]


def _removed(s3: S3Client, bucket: str, key: str) -> datetime | None:
    """When an object was deleted, where its bucket remembers; ``None`` if none was."""
    try:
        found = s3.list_object_versions(Bucket=bucket, Prefix=key, MaxKeys=10)
    except ClientError as error:
        raise refused(error, bucket, key, RIGHTS) from error
    markers = [one for one in found.get("DeleteMarkers", ()) if one["Key"] == key and one["IsLatest"]]
    return markers[0]["LastModified"] if markers else None


def _no_archive(where: str, archive: str, names: list[str], removed: datetime | None) -> str:
    close = get_close_matches(archive, names, 1)
    hint = f", did you mean {close[0]}?" if close else "."
    if removed is not None:
        hint = f" any more: it was removed on {removed:%Y-%m-%d %H:%M} UTC."
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{where} holds no {archive}{hint} There is: {', '.join(names[:5]) or 'none'}{more}"


def _joined(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
