"""Promote a model version: the same bytes from one environment's bucket to another's, and the image that runs them.

The image goes first, the archive last and in one step, so an archive that is there was promoted. The hash is that of
the lock file, and it is computed anew from the bytes on both sides: what is written beside an object is only a claim.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

from slipway.ops.promote.image_copy import Repository, copy_image
from slipway.ops.promote.users import Use, uses
from slipway.ops.publish.publish import RIGHTS
from slipway.ops.publish.storage import PublishError, content_hash, fetch, refused, short, upload
from slipway.ops.target import WrongTarget
from slipway.ops.trouble import OperationError, WrongOperation
from slipway.spec.load import LOCK
from slipway.spec.lock import artifact_key, read_lock
from slipway.spec.model import FrameworkImage, RepositoryImage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from types_boto3_s3 import S3Client

    from slipway.ops.target import Target
    from slipway.spec.environment import Environment
    from slipway.spec.model import Image

_PULL = "promoting needs s3:ListBucket on the bucket and s3:GetObject on models/* in the environment that it comes from"
_PUSH = f"promoting needs {RIGHTS} in the environment that it goes to"


class PromoteError(OperationError):
    """The version was not promoted; what was there is as it was."""


@dataclass(frozen=True)
class Side:
    """Where a version comes from, or goes to.

    Attributes
    ----------
    environment
        The environment.
    target
        Proven to be its own.
    """

    environment: Environment
    target: Target

    @property
    def bucket(self) -> str:
        """Its model bucket."""
        return self.environment.names.bucket

    @property
    def s3(self) -> S3Client:
        """A client of its account and Region."""
        client: S3Client = self.target.client("s3")
        return client

    def repository(self, short_name: str) -> Repository:
        """One of its image repositories, whether it exists or not."""
        names = self.environment.names
        return Repository(
            ecr=self.target.client("ecr"),
            name=names.repository(short_name),
            address=names.repository_uri(short_name),
            environment=self.environment.environment,
            short=short_name,
            profile=self.target.profile,
        )


@dataclass(frozen=True)
class PromotedImage:
    """What became of an image that runs the model.

    Attributes
    ----------
    said
        In words.
    moves
        Whether the same name may stand for other bytes one day, which nothing here prevents.
    pinned
        What the target's config has to say to run the same bytes.
    """

    said: str
    moves: bool
    pinned: Image


@dataclass(frozen=True)
class Promoted:
    """A model version that is in the target environment.

    Attributes
    ----------
    uri
        The ``s3://`` URI there.
    sha256
        Of the uncompressed tar, as the lock file has it and both buckets hold it.
    uploaded
        False if it was there already.
    images
        By what uses them in the source environment.
    """

    uri: str
    sha256: str
    uploaded: bool
    images: Mapping[Use, PromotedImage]


def refuse_one_login(
    source: Environment, to: Environment, kind: Literal["local", "aws"], profiles: tuple[str | None, str | None]
) -> None:
    """Refuse to go to two accounts with one login.

    Parameters
    ----------
    source, to
        The environments.
    kind
        Where they are.
    profiles
        The AWS profile of each; ``None`` for what any AWS tool would take.

    Raises
    ------
    WrongOperation
        If the environments are one, or profiles are named for the local AWS.
    slipway.ops.target.WrongTarget
        If they are in different accounts, and not told apart by a profile.
    """
    if source.environment == to.environment:
        raise WrongOperation(f"--from and --to are both {to.environment}: name two environments")
    if kind == "local":
        if profiles != (None, None):
            raise WrongOperation("--from-profile and --to-profile are for `--target aws`: the local AWS takes no login")
    elif source.account != to.account and profiles[0] == profiles[1]:
        raise WrongTarget(
            f"{source.environment} lives in account {source.account}, {to.environment} in {to.account}, and one login "
            "is not both: name a profile of each, `--from-profile NAME --to-profile NAME` (`aws configure "
            "list-profiles` lists them)"
        )


def promote(
    model: str,
    version: str,
    *,
    source: Side,
    to: Side,
    config: Path,
    say: Callable[[str], object] = lambda _: None,
) -> Promoted:
    """Promote a version; doing so again changes nothing.

    Parameters
    ----------
    model, version
        As it was published, such as ``iris`` and ``2``.
    source, to
        Where from and where to.
    config
        The config folder, for its lock file.
    say
        Told each step that can take long.

    Returns
    -------
    Promoted
        What is there now.

    Raises
    ------
    WrongOperation
        If the version was never published.
    PromoteError
        If the source has other bytes than were published, or none, or the target has others under the same version.
    slipway.ops.promote.image_copy.ImageError
        If the image cannot be copied.
    slipway.ops.publish.storage.PublishError
        If S3 refuses.
    slipway.spec.lock.LockError
        If the lock file cannot be read.
    ValueError
        If the model's name or the version is none.
    """
    key = artifact_key(model, version)
    lock_path = config / LOCK
    recorded = read_lock(lock_path).get(key)
    if recorded is None:
        raise WrongOperation(
            f"{key} is not in {lock_path}, so nobody knows which bytes it has: publish it first, with `slipway publish "
            f"FOLDER --model {model} --version {version} --env {source.environment.environment}`"
        )
    there = _stored(to, key, lock_path, recorded)
    if there:
        images = _copy_images(model, source, to, say)
        return Promoted(f"s3://{to.bucket}/{key}", recorded, uploaded=False, images=images)
    say(f"read s3://{source.bucket}/{key}")
    try:
        packed = fetch(source.s3, source.bucket, key)
    except ClientError as error:
        raise refused(error, source.bucket, key, _PULL) from error
    if packed is None:
        raise PromoteError(
            f"s3://{source.bucket}/{key} is not there: publish it to {source.environment.environment}, or name the "
            "environment that has it with --from"
        )
    with packed:
        if packed.sha256 != recorded:
            raise PromoteError(
                f"s3://{source.bucket}/{key} has sha256 {short(packed.sha256)}, but {lock_path} has {short(recorded)}: "
                "somebody replaced the object, so nothing was promoted. Delete its newest version, so that the one "
                "that was published shows again "
                f"(`aws s3api list-object-versions --bucket {source.bucket} --prefix {key}`)"
            )
        images = _copy_images(model, source, to, say)
        say(f"write s3://{to.bucket}/{key} ({packed.size:,} bytes)")
        try:
            uploaded = upload(to.s3, to.bucket, key, packed)
        except ClientError as error:
            raise refused(error, to.bucket, key, _PUSH) from error
    if not _stored(to, key, lock_path, recorded):
        raise PromoteError(f"s3://{to.bucket}/{key} is being written by somebody else right now: try again")
    return Promoted(f"s3://{to.bucket}/{key}", recorded, uploaded=uploaded, images=images)


def _stored(to: Side, key: str, lock_path: Path, recorded: str) -> bool:
    """Whether the target has the version, by the bytes that are really there; refuse others."""
    uri = f"s3://{to.bucket}/{key}"
    try:
        found = content_hash(to.s3, to.bucket, key)
    except ClientError as error:
        raise refused(error, to.bucket, key, _PUSH) from error
    except PublishError as error:
        raise PromoteError(str(error)) from error
    if found is not None and found != recorded:
        raise PromoteError(
            f"{uri} has other bytes: sha256 {short(found)}, but {lock_path} has {short(recorded)}. A version never "
            "changes, so it was left as it is. Delete that object if no endpoint uses it "
            f"(`aws s3api delete-object --bucket {to.bucket} --key {key}`), or publish under another version"
        )
    return found is not None


def _copy_images(model: str, source: Side, to: Side, say: Callable[[str], object]) -> Mapping[Use, PromotedImage]:
    """See to it that the images which run a model in the source environment are there for the target."""
    images: dict[Use, PromotedImage] = {}
    copied: dict[Image, PromotedImage] = {}
    for use in uses(source.environment, model):
        image = use.container.image
        # A multi-model container runs whatever archive, so its image belongs to no one of them.
        if image is None or use.artifact.several or use.artifact.script_only:
            continue
        if image not in copied:
            copied[image] = _copied(image, source, to, say)
        images[use] = copied[image]
    return images


def _copied(image: Image, source: Side, to: Side, say: Callable[[str], object]) -> PromotedImage:
    if isinstance(image, RepositoryImage):
        done = copy_image(
            source.repository(image.repository),
            to.repository(image.repository),
            digest=image.digest,
            tag=image.tag,
            say=say,
        )
        name = f"{to.environment.names.repository_uri(image.repository)}@{done.digest}"
        pinned = RepositoryImage(repository=image.repository, digest=done.digest)
        return PromotedImage(
            f"image {'copied' if done.copied else 'already there'}: {name}", moves=False, pinned=pinned
        )
    if isinstance(image, FrameworkImage):
        said = (
            f"image {image.framework} {image.tag}: AWS publishes it, so there is nothing to copy; AWS may renew what "
            "a tag stands for"
        )
        return PromotedImage(said, moves=False, pinned=image)
    if "@sha256:" in image.uri:
        return PromotedImage(f"image {image.uri}: pinned by its digest, nothing to copy", moves=False, pinned=image)
    said = (
        f"image {image.uri}: a tag, which may stand for other bytes one day: write it with its digest "
        f"({image.uri.rpartition(':')[0] or image.uri}@sha256:...) to run the same in {to.environment.environment}"
    )
    return PromotedImage(said, moves=True, pinned=image)
