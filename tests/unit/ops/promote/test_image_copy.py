"""Copying an image: what ECR refuses is said, and nothing is referred to before it is whole."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber

from slipway.ops.promote import image_copy
from slipway.ops.promote.image_copy import Copied, ImageError, Repository, copy_image

if TYPE_CHECKING:
    from types_boto3_ecr import ECRClient

LAYER, CONFIG = b"a layer", b"{}"
KIND = "application/vnd.oci.image.manifest.v1+json"
ADDRESS = "https://layers.example/1"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def described(content: bytes, **more: object) -> dict[str, object]:
    return {"digest": digest_of(content), "size": len(content), **more}


MANIFEST = json.dumps({"mediaType": KIND, "config": described(CONFIG), "layers": [described(LAYER)]}, indent=3)
DIGEST = digest_of(MANIFEST.encode())
BY_DIGEST = {"imageDigest": DIGEST}


class Registry:
    """A repository without a network, whose stub is to be told what is asked and answered."""

    def __init__(self, name: str, account: str, profile: str | None = None) -> None:
        self.ecr: ECRClient = boto3.Session().client(
            "ecr", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        self.stub = Stubber(self.ecr)
        self.stub.activate()
        address = f"{account}.dkr.ecr.eu-west-1.amazonaws.com/{name}"
        self.repository = Repository(self.ecr, name, address, name.rpartition("-")[2], "iris", profile)

    def _asks(self, method: str, answer: dict[str, Any], **asked: object) -> None:
        self.stub.add_response(method, answer, {"repositoryName": self.repository.name, **asked})

    def has(self, manifest: str = MANIFEST, **which: str) -> None:
        found = {"imageManifest": manifest, "imageManifestMediaType": KIND, "imageId": {"imageDigest": DIGEST, **which}}
        self._asks("batch_get_image", {"images": [found], "failures": []}, imageIds=[which or BY_DIGEST], **TYPES)

    def lacks(self, **which: str) -> None:
        failure = {"failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
        answer = {"images": [], "failures": [failure]}
        self._asks("batch_get_image", answer, imageIds=[which or BY_DIGEST], **TYPES)

    def available(self, *contents: bytes) -> None:
        layers = [{"layerDigest": digest_of(one), "layerAvailability": "AVAILABLE"} for one in contents]
        asked = [digest_of(LAYER), digest_of(CONFIG)]
        self._asks("batch_check_layer_availability", {"layers": layers, "failures": []}, layerDigests=asked)

    def hands_out(self, content: bytes) -> None:
        digest = digest_of(content)
        self._asks("get_download_url_for_layer", {"downloadUrl": ADDRESS, "layerDigest": digest}, layerDigest=digest)

    def takes(self, *parts: bytes, size: int = 100) -> None:
        self._asks("initiate_layer_upload", {"uploadId": UPLOAD, "partSize": size})
        first = 0
        for part in parts:
            last = first + len(part) - 1
            span = {"partFirstByte": first, "partLastByte": last, "layerPartBlob": part}
            self._asks("upload_layer_part", {"uploadId": UPLOAD, "lastByteReceived": last}, uploadId=UPLOAD, **span)
            first = last + 1
        digest = digest_of(b"".join(parts))
        self._asks("complete_layer_upload", {"layerDigest": digest}, uploadId=UPLOAD, layerDigests=[digest])

    def put(self, **tag: str) -> None:
        asked = {"imageManifest": MANIFEST, "imageManifestMediaType": KIND, "imageDigest": DIGEST, **tag}
        self._asks("put_image", {"image": {"imageId": BY_DIGEST}}, **asked)

    def refuses(self, method: str, code: str, message: str = "no", status: int = 400) -> None:
        self.stub.add_client_error(method, code, message, status)


UPLOAD = "2c0d2d4e-0000-4000-8000-000000000000"
TYPES = {"acceptedMediaTypes": list(image_copy.MANIFESTS)}


@pytest.fixture
def dev() -> Registry:
    return Registry("rc-project-a-dev", "111122223333")


@pytest.fixture
def prod() -> Registry:
    return Registry("rc-project-a-prod", "123456789012", "acme-prod")


@pytest.fixture(autouse=True)
def layers(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the addresses of layers answer, one after the other."""
    contents = [LAYER, CONFIG]

    def opened(url: str) -> Any:
        assert url == ADDRESS
        return nullcontext(io.BytesIO(contents.pop(0)))

    monkeypatch.setattr(image_copy, "_opened", opened)
    return contents


def copy(dev: Registry, prod: Registry) -> Copied:
    done = copy_image(dev.repository, prod.repository, digest=DIGEST)
    dev.stub.assert_no_pending_responses()
    prod.stub.assert_no_pending_responses()
    return done


def begun(dev: Registry, prod: Registry, *available: bytes) -> None:
    """Up to the question which layers are there."""
    dev.has()
    prod.lacks()
    prod.available(*available)


def test_layers_go_first_and_the_manifest_last_as_it_is(dev: Registry, prod: Registry) -> None:
    begun(dev, prod)
    dev.hands_out(LAYER)
    prod.takes(LAYER)
    dev.hands_out(CONFIG)
    prod.takes(CONFIG)
    prod.put()
    prod.has()
    assert copy(dev, prod) == Copied(DIGEST, copied=True, layers=2, size=len(LAYER + CONFIG))


def test_an_image_that_is_there_is_only_looked_at(dev: Registry, prod: Registry) -> None:
    dev.has()
    prod.has()
    prod.has()
    assert copy(dev, prod) == Copied(DIGEST, copied=False)


def test_parts_have_the_size_that_ecr_asks_for(dev: Registry, prod: Registry) -> None:
    begun(dev, prod, CONFIG)
    dev.hands_out(LAYER)
    prod.takes(b"a l", b"aye", b"r", size=3)
    prod.put()
    prod.has()
    assert copy(dev, prod).layers == 1


def test_more_layers_than_one_question_holds_are_asked_in_several(dev: Registry, prod: Registry) -> None:
    contents = [str(number).encode() for number in range(120)]
    manifest = json.dumps({"mediaType": KIND, "layers": [described(one) for one in contents]})
    digest = digest_of(manifest.encode())
    dev.has(manifest, imageDigest=digest)
    prod.lacks(imageDigest=digest)
    for some in (contents[:100], contents[100:]):
        available = [{"layerDigest": digest_of(one), "layerAvailability": "AVAILABLE"} for one in some]
        asked = [digest_of(one) for one in some]
        prod._asks("batch_check_layer_availability", {"layers": available, "failures": []}, layerDigests=asked)
    prod.stub.add_response("put_image", {"image": {}}, {"repositoryName": ANY, **dict.fromkeys(PUT, ANY)})
    prod.has(manifest, imageDigest=digest)
    assert copy_image(dev.repository, prod.repository, digest=digest).layers == 0


PUT = ("imageManifest", "imageManifestMediaType", "imageDigest")


def test_a_layer_that_has_an_address_of_its_own_is_not_pushed(dev: Registry, prod: Registry) -> None:
    foreign = described(b"licensed", urls=["https://vendor.example/layer"])
    manifest = json.dumps({"mediaType": KIND, "config": described(CONFIG), "layers": [described(LAYER), foreign]})
    digest = digest_of(manifest.encode())
    dev.has(manifest, imageDigest=digest)
    prod.lacks(imageDigest=digest)
    prod.available(LAYER, CONFIG)
    prod.stub.add_response("put_image", {"image": {}}, {"repositoryName": ANY, **dict.fromkeys(PUT, ANY)})
    prod.has(manifest, imageDigest=digest)
    assert copy_image(dev.repository, prod.repository, digest=digest).copied
    prod.stub.assert_no_pending_responses()


def test_a_layer_and_an_image_that_somebody_else_pushes_meanwhile_count_as_there(dev: Registry, prod: Registry) -> None:
    begun(dev, prod, CONFIG)
    dev.hands_out(LAYER)
    prod._asks("initiate_layer_upload", {"uploadId": UPLOAD, "partSize": 100})
    prod.stub.add_response("upload_layer_part", {"lastByteReceived": 6})
    prod.refuses("complete_layer_upload", "LayerAlreadyExistsException")
    prod.refuses("put_image", "ImageAlreadyExistsException")
    prod.has()
    assert copy(dev, prod).copied


def test_a_manifest_that_is_not_what_its_digest_says_is_not_copied(dev: Registry, prod: Registry) -> None:
    dev.has(MANIFEST + " ", imageDigest=DIGEST)
    with pytest.raises(ImageError, match=rf"@{DIGEST}: its manifest hashes to sha256:\w+, so it is not what"):
        copy(dev, prod)


def test_an_image_that_is_not_there_after_all_is_told(dev: Registry, prod: Registry) -> None:
    begun(dev, prod, LAYER, CONFIG)
    prod.put()
    prod.lacks()
    with pytest.raises(ImageError, match="is not there although ECR took it: run this again"):
        copy(dev, prod)


def test_an_image_of_an_index_that_is_gone_is_told(dev: Registry, prod: Registry) -> None:
    index = json.dumps({"mediaType": image_copy.MANIFESTS[3], "manifests": [{"digest": DIGEST}]})
    digest = digest_of(index.encode())
    dev.has(index, imageDigest=digest)
    prod.lacks(imageDigest=digest)
    dev.lacks()
    with pytest.raises(ImageError, match=rf"@{DIGEST} is not there, but {digest} refers to it"):
        copy_image(dev.repository, prod.repository, digest=digest)


def test_a_tag_that_somebody_else_gives_to_another_image_meanwhile_is_told(dev: Registry, prod: Registry) -> None:
    other = json.dumps({"mediaType": KIND, "layers": []})
    dev.has(imageTag="v1")
    prod.lacks()
    prod.lacks(imageTag="v1")
    prod.available(LAYER, CONFIG)
    prod.refuses("put_image", "ImageTagAlreadyExistsException")
    prod.has()
    found = {"imageManifest": other, "imageId": {"imageDigest": digest_of(other.encode())}}
    prod._asks("batch_get_image", {"images": [found], "failures": []}, imageIds=[{"imageTag": "v1"}], **TYPES)
    with pytest.raises(ImageError, match=r":v1 is another image .* and a tag never moves"):
        copy_image(dev.repository, prod.repository, tag="v1")


# -- what is refused


NOT_ALLOWED = "User: arn:aws:iam::1:user/x is not authorized to perform: ecr:X"


def test_a_source_that_may_not_be_read_says_which_rights_it_takes(dev: Registry, prod: Registry) -> None:
    dev.refuses("batch_get_image", "AccessDeniedException", NOT_ALLOWED)
    with pytest.raises(
        ImageError, match=r"-dev: access denied to BatchGetImage: copying takes .*GetDownloadUrlForLayer"
    ):
        copy(dev, prod)


@pytest.mark.parametrize(
    ("method", "operation"),
    [("batch_check_layer_availability", "BatchCheckLayerAvailability"), ("put_image", "PutImage")],
)
def test_a_target_that_may_not_be_written_says_which_rights_it_takes(
    dev: Registry, prod: Registry, method: str, operation: str
) -> None:
    dev.has()
    prod.lacks()
    if method == "put_image":
        prod.available(LAYER, CONFIG)
    prod.refuses(method, "AccessDeniedException", NOT_ALLOWED)
    with pytest.raises(ImageError, match=rf"-prod: access denied to {operation}: copying takes .*ecr:PutImage"):
        copy(dev, prod)


PASSWORD = "aws ecr get-login-password --region eu-west-1"
LOGIN = "crane auth login --username AWS --password-stdin"


@pytest.mark.parametrize(
    ("method", "of"),
    [
        ("get_download_url_for_layer", "dev"),
        ("initiate_layer_upload", "prod"),
        ("upload_layer_part", "prod"),
        ("complete_layer_upload", "prod"),
    ],
)
def test_layers_that_may_not_be_moved_are_left_to_crane(dev: Registry, prod: Registry, method: str, of: str) -> None:
    begun(dev, prod, CONFIG)
    if of == "prod":
        dev.hands_out(LAYER)
    if method in ("upload_layer_part", "complete_layer_upload"):
        prod._asks("initiate_layer_upload", {"uploadId": UPLOAD, "partSize": 100})
    if method == "complete_layer_upload":
        prod.stub.add_response("upload_layer_part", {"lastByteReceived": 6})
    (dev if of == "dev" else prod).refuses(method, "AccessDeniedException", NOT_ALLOWED)
    with pytest.raises(ImageError) as caught:
        copy(dev, prod)
    first, *rest = str(caught.value).splitlines()
    assert first.startswith(f"{(dev if of == 'dev' else prod).repository.address}: access denied to ")
    addresses = [one.repository.address for one in (dev, prod)]
    assert rest == [
        "Copy it by hand, and run this again; it finds the image then:",
        f"  {PASSWORD} | {LOGIN} 111122223333.dkr.ecr.eu-west-1.amazonaws.com",
        f"  {PASSWORD} --profile acme-prod | {LOGIN} 123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        f"  crane copy {addresses[0]}@{DIGEST} {addresses[1]}@{DIGEST}",
    ]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ThrottlingException", "AWS throttles these calls"),
        ("ExpiredTokenException", "the credentials have expired or are gone"),
    ],
)
def test_what_passes_is_said_without_crane(dev: Registry, prod: Registry, code: str, words: str) -> None:
    begun(dev, prod, CONFIG)
    dev.refuses("get_download_url_for_layer", code, "Rate exceeded")
    with pytest.raises(ImageError, match=words) as caught:
        copy(dev, prod)
    assert "crane" not in str(caught.value)


def test_a_repository_that_does_not_exist_says_what_to_declare(dev: Registry, prod: Registry) -> None:
    dev.has()
    prod.refuses("batch_get_image", "RepositoryNotFoundException", "The repository does not exist")
    with pytest.raises(ImageError, match=r"write `repositories: \[iris\]` for prod and deploy its foundation first"):
        copy(dev, prod)


def test_an_image_of_a_form_that_ecr_does_not_give_is_told(dev: Registry, prod: Registry) -> None:
    failure = {"failureCode": "UnsupportedImageType", "failureReason": "Schema 1 is not supported"}
    dev._asks("batch_get_image", {"images": [], "failures": [failure]}, imageIds=[BY_DIGEST], **TYPES)
    with pytest.raises(ImageError, match="UnsupportedImageType: Schema 1 is not supported"):
        copy(dev, prod)


# -- the addresses of layers


@contextmanager
def server(status: int, body: bytes) -> Iterator[str]:
    """An address that answers once, and perhaps less than it promises."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "7")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as one:
        thread = threading.Thread(target=one.handle_request, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{one.server_port}/"
        thread.join(5)


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch, layers: list[bytes]) -> None:
    """Addresses are opened for real, without a proxy."""
    assert layers
    monkeypatch.undo()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def moved(dev: Registry, prod: Registry, url: str) -> Copied:
    begun(dev, prod, CONFIG)
    digest = digest_of(LAYER)
    dev._asks("get_download_url_for_layer", {"downloadUrl": url, "layerDigest": digest}, layerDigest=digest)
    return copy(dev, prod)


@pytest.mark.usefixtures("real")
def test_a_layer_is_read_from_its_address(dev: Registry, prod: Registry) -> None:
    begun(dev, prod, CONFIG)
    digest = digest_of(LAYER)
    with server(200, LAYER) as url:
        dev._asks("get_download_url_for_layer", {"downloadUrl": url, "layerDigest": digest}, layerDigest=digest)
        prod.takes(LAYER)
        prod.put()
        prod.has()
        assert copy(dev, prod).layers == 1


@pytest.mark.usefixtures("real")
def test_an_address_that_refuses_is_left_to_crane(dev: Registry, prod: Registry) -> None:
    with (
        server(403, b"refused") as url,
        pytest.raises(ImageError, match=r"layer's address answers 403\nCopy it by hand"),
    ):
        moved(dev, prod, url)


@pytest.mark.usefixtures("real")
def test_a_connection_that_is_lost_asks_to_run_it_again(dev: Registry, prod: Registry) -> None:
    begun(dev, prod, CONFIG)
    prod._asks("initiate_layer_upload", {"uploadId": UPLOAD, "partSize": 100})
    prod.stub.add_response("upload_layer_part", {"lastByteReceived": 2})
    digest = digest_of(LAYER)
    with server(200, b"a l") as url:
        dev._asks("get_download_url_for_layer", {"downloadUrl": url, "layerDigest": digest}, layerDigest=digest)
        with pytest.raises(ImageError, match=r"the connection was lost .*: run this again"):
            copy(dev, prod)


def test_an_address_that_nobody_answers_says_so(dev: Registry, prod: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(url: str) -> Any:
        raise EndpointConnectionError(endpoint_url=url)

    monkeypatch.setattr(image_copy, "_opened", opened)
    begun(dev, prod, CONFIG)
    dev.hands_out(LAYER)
    with pytest.raises(ImageError, match="the connection to AWS was lost") as caught:
        copy(dev, prod)
    assert "crane" not in str(caught.value)
