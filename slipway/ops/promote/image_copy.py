"""Copy an image from one ECR repository to another: the same manifest, so the same digest, with the layers it needs.

It takes only the ECR API, no Docker, in the order that Amazon's own containerd resolver has
(https://github.com/awslabs/amazon-ecr-containerd-resolver): layers that the target lacks, then what a list of manifests
refers to, and the manifest itself last. So an interruption leaves at most layers that no image refers to.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError, IncompleteReadError, ResponseStreamingError
from botocore.httpsession import URLLib3Session
from botocore.response import StreamingBody
from botocore.utils import get_environ_proxies

from slipway.ops.trouble import OperationError, code, explained, is_denied, is_expired, is_passing

if TYPE_CHECKING:
    from types_boto3_ecr import ECRClient
    from types_boto3_ecr.type_defs import ImageIdentifierTypeDef, PutImageRequestTypeDef

#: Every form that a manifest can have here; ECR converts none that is asked for.
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
#: Layer digests in one question (API:BatchCheckLayerAvailability).
MOST_LAYERS = 100
PULL = "ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on the repository"
PUSH = (
    "ecr:BatchGetImage, ecr:BatchCheckLayerAvailability, ecr:InitiateLayerUpload, ecr:UploadLayerPart, "
    "ecr:CompleteLayerUpload and ecr:PutImage on the repository"
)

_READ = 1024 * 1024


class ImageError(OperationError):
    """An image that could not be copied; the target is as it was, but for layers that no image refers to."""


@dataclass(frozen=True)
class Repository:
    """An ECR repository of an environment.

    Attributes
    ----------
    ecr
        A client of its account and Region.
    name
        Its whole name.
    address
        Registry and name, as images are addressed.
    environment
        Whose it is.
    short
        What the config calls it.
    profile
        The AWS profile whose credentials the client has, if one was named.
    """

    ecr: ECRClient
    name: str
    address: str
    environment: str
    short: str
    profile: str | None = None


@dataclass(frozen=True)
class Copied:
    """An image that is in the target repository.

    Attributes
    ----------
    digest
        Of its manifest, ``sha256:`` and 64 hexadecimal digits; the same in both repositories.
    copied
        False if it was there already.
    layers
        How many layers had to be moved.
    size
        Their bytes.
    """

    digest: str
    copied: bool
    layers: int = 0
    size: int = 0


@dataclass(frozen=True)
class _Manifest:
    digest: str
    text: str
    media_type: str

    @property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found


class _Stream(Protocol):
    def read(self, size: int) -> bytes: ...


def copy_image(
    source: Repository,
    to: Repository,
    *,
    digest: str | None = None,
    tag: str | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> Copied:
    """Copy an image, unless it is there.

    Parameters
    ----------
    source, to
        The repositories.
    digest
        Which image.
    tag
        Which image, if there is no digest; it gets this tag there, too.
    say
        Told before layers are moved, which can take long.

    Returns
    -------
    Copied
        With the digest that both repositories have.

    Raises
    ------
    ImageError
        If the image or a repository is not there, the tag is another image's in the target, something is refused, or
        the layers cannot be moved; the message says what to type instead.
    """
    tag = None if digest else tag
    reference = digest or tag or ""
    manifest = _manifest(source, {"imageDigest": digest} if digest else {"imageTag": reference})
    if manifest is None:
        raise ImageError(f"{_address(source, reference)} is not there: push it, or name another image in the config")
    there = _manifest(to, {"imageDigest": manifest.digest}) is not None
    tagged = tag is None or _is_tagged(to, tag, manifest.digest)
    layers, size = (0, 0) if there else _copy_content(source, to, manifest, reference, say)
    if not there or not tagged:
        _put(to, manifest, tag)
    # Whoever else pushed at the same moment: what is there now is what counts.
    stored = _manifest(to, {"imageDigest": manifest.digest})
    if stored is None or (tag is not None and not _is_tagged(to, tag, manifest.digest)):
        raise ImageError(f"{_address(to, manifest.digest)} is not there although ECR took it: run this again")
    return Copied(manifest.digest, not there, layers, size)


def _manifest(repository: Repository, wanted: ImageIdentifierTypeDef) -> _Manifest | None:
    """Read a manifest, and see that its digest is that of its bytes; ``None`` if there is no such image."""
    try:
        found = repository.ecr.batch_get_image(
            repositoryName=repository.name, imageIds=[wanted], acceptedMediaTypes=list(MANIFESTS)
        )
    except (ClientError, BotoCoreError) as error:
        raise _refused(error, repository, PULL) from error
    if not found["images"]:
        for one in found["failures"]:
            if one.get("failureCode") != "ImageNotFound":
                raise ImageError(f"{repository.address}: {one.get('failureCode')}: {one.get('failureReason')}")
        return None
    image = found["images"][0]
    text = image["imageManifest"]
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    stated = wanted.get("imageDigest") or image["imageId"]["imageDigest"]
    if digest != stated:
        raise ImageError(
            f"{_address(repository, stated)}: its manifest hashes to {digest}, so it is not what its digest says: "
            "nothing was copied"
        )
    kind = image.get("imageManifestMediaType") or json.loads(text).get("mediaType") or MANIFESTS[0]
    return _Manifest(digest, text, kind)


def _is_tagged(to: Repository, tag: str, digest: str) -> bool:
    """Whether the tag is the image's; refuse to move one that is another image's."""
    there = _manifest(to, {"imageTag": tag})
    if there is not None and there.digest != digest:
        raise ImageError(
            f"{to.address}:{tag} is another image ({there.digest}) than the one to be copied ({digest}), and a tag "
            "never moves: push it under a tag of its own, and name its digest in the config"
        )
    return there is not None


def _copy_content(
    source: Repository, to: Repository, manifest: _Manifest, reference: str, say: Callable[[str], object]
) -> tuple[int, int]:
    """Bring what a manifest refers to into the target; answer how many layers that took, and their bytes."""
    content, count, size = manifest.content, 0, 0
    for child in content.get("manifests", ()):
        inner = _manifest(source, {"imageDigest": child["digest"]})
        if inner is None:
            raise ImageError(f"{_address(source, child['digest'])} is not there, but {reference} refers to it")
        if _manifest(to, {"imageDigest": inner.digest}) is None:
            moved = _copy_content(source, to, inner, reference, say)
            count, size = count + moved[0], size + moved[1]
            _put(to, inner, None)
    # What has addresses of its own is licensed, and never pushed.
    described = [*content.get("layers", ()), *([content["config"]] if "config" in content else [])]
    layers = {one["digest"]: one["size"] for one in described if not one.get("urls")}
    try:
        missing = _missing(to, list(layers))
    except (ClientError, BotoCoreError) as error:
        raise _refused(error, to, PUSH) from error
    if missing:
        amount = sum(layers[digest] for digest in missing)
        say(f"image {_address(source, reference)}: {len(missing)} of {len(layers)} layers, {amount:,} bytes")
        for digest in missing:
            _move(source, to, digest, layers[digest], reference)
        count, size = count + len(missing), size + amount
    return count, size


def _missing(to: Repository, digests: list[str]) -> list[str]:
    available: set[str] = set()
    for first in range(0, len(digests), MOST_LAYERS):
        found = to.ecr.batch_check_layer_availability(
            repositoryName=to.name, layerDigests=digests[first : first + MOST_LAYERS]
        )
        available |= {one["layerDigest"] for one in found["layers"] if one["layerAvailability"] == "AVAILABLE"}
    return [digest for digest in digests if digest not in available]


def _move(source: Repository, to: Repository, digest: str, size: int, reference: str) -> None:
    """Move one layer of so many bytes, or say why not and what to type instead."""
    try:
        _transfer(source, to, digest, size)
    except (IncompleteReadError, ResponseStreamingError) as error:
        raise ImageError(f"{source.address}: the connection was lost ({error}): run this again") from error
    except (ClientError, BotoCoreError, OSError) as error:
        if code(error) == "LayerAlreadyExistsException":  # somebody else copies the same image
            return
        asked = to if getattr(error, "operation_name", "") in _WRITES else source
        reason = _refused(error, asked, PUSH if asked is to else PULL)
        if is_expired(error) or is_passing(error):
            raise reason from error
        raise ImageError(f"{reason}\n{_by_hand(source, to, reference)}") from error


_WRITES = frozenset({"InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"})


def _transfer(source: Repository, to: Repository, digest: str, size: int) -> None:
    """Move one layer; ECR checks its digest when it is complete."""
    url = source.ecr.get_download_url_for_layer(repositoryName=source.name, layerDigest=digest)["downloadUrl"]
    with _opened(url) as content:
        upload = to.ecr.initiate_layer_upload(repositoryName=to.name)
        first = 0
        for part in _parts(content, upload["partSize"]):
            to.ecr.upload_layer_part(
                repositoryName=to.name,
                uploadId=upload["uploadId"],
                partFirstByte=first,
                partLastByte=first + len(part) - 1,
                layerPartBlob=part,
            )
            first += len(part)
    if first != size:  # a connection that ends early may look like the end
        raise IncompleteReadError(actual_bytes=first, expected_bytes=size)
    to.ecr.complete_layer_upload(repositoryName=to.name, uploadId=upload["uploadId"], layerDigests=[digest])


def _parts(content: _Stream, size: int) -> Iterator[bytes]:
    """Cut a stream into parts of one size; the last one may be smaller."""
    part = bytearray()
    while piece := content.read(min(_READ, size - len(part))):
        part += piece
        if len(part) == size:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


@contextmanager
def _opened(url: str) -> Iterator[_Stream]:
    """Open the address that ECR gave for a layer, which holds for an hour and takes no credentials."""
    verify: Any = os.environ.get("AWS_CA_BUNDLE", True)  # botocore takes a path as well; its stubs do not say so
    session = URLLib3Session(verify=verify, proxies=get_environ_proxies(url))
    try:
        answer = session.send(AWSRequest("GET", url, stream_output=True).prepare())
        if answer.status_code != 200:
            raise OSError(f"the layer's address answers {answer.status_code}")
        unknown: Any = None  # the manifest knows how long it is
        yield StreamingBody(answer.raw, unknown)
    finally:
        session.close()


def _put(to: Repository, manifest: _Manifest, tag: str | None) -> None:
    request: PutImageRequestTypeDef = {
        "repositoryName": to.name,
        "imageManifest": manifest.text,
        "imageManifestMediaType": manifest.media_type,
        "imageDigest": manifest.digest,  # ECR refuses it if its own hash differs
    }
    if tag is not None:
        request["imageTag"] = tag
    try:
        to.ecr.put_image(**request)
    except (ClientError, BotoCoreError) as error:
        # Somebody else was first: what is there is looked at again.
        if code(error) not in ("ImageAlreadyExistsException", "ImageTagAlreadyExistsException"):
            raise _refused(error, to, PUSH) from error


def _refused(error: ClientError | BotoCoreError | OSError, repository: Repository, needs: str) -> ImageError:
    if not isinstance(error, ClientError | BotoCoreError):
        return ImageError(f"{repository.address}: {error}")
    if code(error) == "RepositoryNotFoundException":
        return ImageError(
            f"{repository.address} does not exist: write `repositories: [{repository.short}]` for "
            f"{repository.environment} and deploy its foundation first"
        )
    if is_denied(error) and isinstance(error, ClientError):
        return ImageError(f"{repository.address}: access denied to {error.operation_name}: copying takes {needs}")
    return ImageError(explained(error, f"image in {repository.address}"))


def _address(repository: Repository, reference: str) -> str:
    return f"{repository.address}{'@' if reference.startswith('sha256:') else ':'}{reference}"


def _by_hand(source: Repository, to: Repository, reference: str) -> str:
    """What to type instead: crane keeps the digest, whatever the manifest is."""
    lines = ["Copy it by hand, and run this again; it finds the image then:"]
    for one in (source, to):
        registry = one.address.partition("/")[0]
        region = one.ecr.meta.region_name
        profile = f" --profile {one.profile}" if one.profile else ""
        lines.append(
            f"  aws ecr get-login-password --region {region}{profile} | "
            f"crane auth login --username AWS --password-stdin {registry}"
        )
    lines.append(f"  crane copy {_address(source, reference)} {_address(to, reference)}")
    return "\n".join(lines)
