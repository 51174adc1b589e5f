"""ECR: what is pushed can be pulled again, under the digest of its own bytes.

moto keeps of a layer only its size, has no address to download it from, and makes up the digest of a manifest. As on
AWS, layers lie in a bucket of the service's own account, and the address is a presigned one.
"""

import hashlib
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ecr.models import ECRBackend, Image
from moto.ecr.responses import ECRResponse

from slipway.local.engine.documents import Document
from slipway.local.engine.resource_type import Scope
from slipway.local.mends.patching import replace
from slipway.local.resources.calls import Calls, Client, is_missing

#: The service's own account, which nobody else has.
SERVICE = "000000000000"
_calls = Calls("")


class InvalidLayerError(ServiceException):
    """The bytes are not those that the digest says."""

    code = "InvalidLayerException"


class LayersNotFoundError(ServiceException):
    """A layer was never pushed to the repository."""

    code = "LayersNotFoundException"


class ImageDigestDoesNotMatchError(ServiceException):
    """The manifest is not the one that the digest says."""

    code = "ImageDigestDoesNotMatchException"


def apply(url: str) -> None:
    """Install the mends; layers go through this server's S3."""
    global _calls
    _calls = Calls(url)
    replace(
        ECRBackend,
        complete_layer_upload=_keeping_bytes(ECRBackend.complete_layer_upload),
        put_image=_checking_digest(ECRBackend.put_image),
    )
    replace(ECRResponse, get_download_url_for_layer=get_download_url_for_layer)
    replace(Image, _create_digest=create_digest)


def get_download_url_for_layer(self: ECRResponse) -> ActionResult:
    """Answer where the bytes of a layer are, for an hour and without credentials."""
    name, digest = self._get_param("repositoryName"), self._get_param("layerDigest")
    repository = self.ecr_backend._get_repository(name, self._get_param("registryId"))
    if digest not in repository.layers:
        raise LayersNotFoundError(f"Layer '{digest}' could not be found in the repository with name '{name}'")
    s3, bucket = _bucket(self.region)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": digest}, ExpiresIn=3600)
    return ActionResult({"downloadUrl": url, "layerDigest": digest})


def create_digest(self: Image) -> None:
    """Give an image the digest of its manifest."""
    self._image_digest = _digest(self.image_manifest.encode())


def _keeping_bytes(original: Any) -> Any:  # noqa: ANN401 - moto's, which has no types
    def complete_layer_upload(
        self: ECRBackend,
        repository_name: str,
        upload_id: str,
        layer_digests: list[str],
        registry_id: str | None = None,
    ) -> Document:
        upload = self._get_repository(repository_name, registry_id).uploads.get(upload_id)
        if upload is not None:
            content = bytes(upload.layer_parts)
            if _digest(content) not in layer_digests:
                raise InvalidLayerError(
                    f"Layer with digest '{_digest(content)}' does not match the provided digest '{layer_digests[0]}'"
                )
            s3, bucket = _bucket(self.region_name)
            s3.put_object(Bucket=bucket, Key=_digest(content), Body=content)
        answer: Document = original(self, repository_name, upload_id, layer_digests, registry_id=registry_id)
        return answer

    return complete_layer_upload


def _checking_digest(original: Any) -> Any:  # noqa: ANN401 - moto's, which has no types
    def put_image(
        self: ECRBackend,
        repository_name: str,
        image_manifest: str,
        image_tag: str,
        image_manifest_mediatype: str | None = None,
        digest: str | None = None,
    ) -> Image:
        own = _digest(image_manifest.encode())
        if digest not in (None, own):
            raise ImageDigestDoesNotMatchError(
                f"The provided digest '{digest}' does not match the digest of the manifest, '{own}'"
            )
        made: Image = original(self, repository_name, image_manifest, image_tag, image_manifest_mediatype, own)
        return made

    return put_image


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _bucket(region: str) -> tuple[Client, str]:
    """The bucket that holds the layers of a Region."""
    s3, name = _calls.client(Scope(SERVICE, region, "", ""), "s3"), f"prod-{region}-starport-layer-bucket"
    try:
        s3.head_bucket(Bucket=name)
    except s3.exceptions.ClientError as error:
        if not is_missing(error) and error.response["Error"]["Code"] != "404":
            raise
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **place)
    return s3, name
