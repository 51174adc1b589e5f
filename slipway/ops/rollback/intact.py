"""Whether a revision can serve again: its models, their artifacts and their images are still there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.rollback.contents import artifact, containers
from slipway.ops.trouble import AwsError, code, is_missing, message

if TYPE_CHECKING:
    from types_boto3_ecr import ECRClient
    from types_boto3_s3 import S3Client

    from slipway.ops.live import Revision
    from slipway.ops.rollback.contents import Models
    from slipway.ops.target import Target

_S3 = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>.*)")
_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z.]+/"
    r"(?P<repository>[^:@]+)(:(?P<tag>[^@]+))?(@(?P<digest>sha256:[0-9a-f]{64}))?"
)
#: What S3 answers to a HEAD of what the caller may not read, or of nothing where the caller may not list.
_FORBIDDEN = "403"
#: What S3 and ECR answer about what is not there; a HEAD has no words.
_ABSENT = frozenset({"404", "NoSuchKey", "NoSuchBucket", "ImageNotFoundException", "RepositoryNotFoundException"})


@dataclass(frozen=True, slots=True)
class Soundness:
    """What is known of a revision's parts.

    Attributes
    ----------
    missing
        What is not there, a sentence each: the revision cannot serve.
    doubtful
        What could not be looked at, and why.
    """

    missing: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()


class Inspector:
    """Looks for the parts of revisions; it only reads.

    Takes s3:GetObject or s3:ListBucket (without the latter S3 does not tell absent from forbidden) and
    ecr:DescribeImages on the environment's own repositories. What may not be looked at is doubtful, not missing.

    Parameters
    ----------
    target
        Where they are.
    models
        Describes models.
    """

    def __init__(self, target: Target, models: Models) -> None:
        self._account, self._region = target.account, target.region
        self._models = models
        self._s3: S3Client = target.client("s3")
        self._ecr: ECRClient = target.client("ecr")

    def inspect(self, revision: Revision) -> Soundness:
        """Look for everything that a revision needs.

        Parameters
        ----------
        revision
            The revision.

        Returns
        -------
        Soundness
            Without anything when all is there.
        """
        missing, doubtful = [], []
        for name in revision.models:
            model = self._models.get(name)
            if model is None:
                missing.append(f"model {name} is gone")
                continue
            for what, look in self._parts(model):
                try:
                    there = look()
                except (ClientError, BotoCoreError) as error:
                    if code(error) in _ABSENT or is_missing(error):
                        missing.append(f"{what} of model {name} is gone")
                    else:
                        doubtful.append(f"{what} of model {name} could not be looked at ({_brief(error)})")
                else:
                    if not there:
                        missing.append(f"nothing lies under {what} of model {name}")
        return Soundness(tuple(dict.fromkeys(missing)), tuple(dict.fromkeys(doubtful)))

    def _parts(self, model: Mapping[str, Any]) -> Iterator[tuple[str, Callable[[], bool]]]:
        for container in containers(model):
            uri = artifact(container)
            found = _S3.fullmatch(uri)
            if found is not None:
                yield f"artifact {uri}", partial(self._artifact, found["bucket"], found["key"])
            image = _ECR.fullmatch(container.get("Image", ""))
            # The registries of AWS let others pull, but not ask.
            if image is not None and (image["account"], image["region"]) == (self._account, self._region):
                how = {"imageDigest": image["digest"]} if image["digest"] else {"imageTag": image["tag"] or "latest"}
                yield f"image {image[0]}", partial(self._image, image["repository"], how)

    def _artifact(self, bucket: str, key: str) -> bool:
        whole = bool(key) and not key.endswith("/")
        if whole:
            try:
                return bool(self._s3.head_object(Bucket=bucket, Key=key))
            except ClientError as error:
                if code(error) != _FORBIDDEN:
                    raise
        # The key itself comes first of those that begin with it.
        found = self._s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
        return bool(found) and (not whole or found[0].get("Key") == key)

    def _image(self, repository: str, how: Mapping[str, str]) -> bool:
        found = self._ecr.describe_images(
            registryId=self._account,
            repositoryName=repository,
            imageIds=[how],  # type: ignore[list-item]  # of two keys only one is given
        )
        return bool(found["imageDetails"])


def _brief(error: AwsError) -> str:
    return f"{code(error)}: {message(error)}" if isinstance(error, ClientError) else str(error)
