"""Images in the local ECR: layers come back as they went in, and digests are those of the bytes."""

from __future__ import annotations

import hashlib
import itertools
import json
import urllib.request

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import Client, LocalAws

_numbers = itertools.count()
MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture
def ecr(local_aws: LocalAws) -> Client:
    return local_aws.client("ecr")


@pytest.fixture
def repository(ecr: Client) -> str:
    name = f"images-{next(_numbers)}"
    ecr.create_repository(repositoryName=name)
    return name


def push(ecr: Client, repository: str, content: bytes, stated: str | None = None) -> str:
    upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    half = len(content) // 2
    for first, last in ((0, half - 1), (half, len(content) - 1)):
        ecr.upload_layer_part(
            repositoryName=repository,
            uploadId=upload,
            partFirstByte=first,
            partLastByte=last,
            layerPartBlob=content[first : last + 1],
        )
    answer = ecr.complete_layer_upload(
        repositoryName=repository, uploadId=upload, layerDigests=[stated or digest(content)]
    )
    return str(answer["layerDigest"])


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_a_layer_can_be_downloaded_by_the_address_that_is_given_for_it(local_aws: LocalAws, region: str) -> None:
    ecr = local_aws.client("ecr", region=region)
    name = f"images-{next(_numbers)}"
    ecr.create_repository(repositoryName=name)
    layer = push(ecr, name, b"a layer")
    url = ecr.get_download_url_for_layer(repositoryName=name, layerDigest=layer)["downloadUrl"]
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - this server's own address
        assert answer.read() == b"a layer"
    buckets = [bucket["Name"] for bucket in local_aws.client("s3", region=region).list_buckets()["Buckets"]]
    assert not any("starport" in name for name in buckets), "it is the service's own"


def test_a_layer_of_another_repository_is_not_there(ecr: Client, repository: str) -> None:
    other = f"{repository}-other"
    ecr.create_repository(repositoryName=other)
    layer = push(ecr, other, b"of the other")
    with pytest.raises(ClientError) as error:
        ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=layer)
    assert code(error) == "LayersNotFoundException"


def test_bytes_that_are_not_what_their_digest_says_are_refused(ecr: Client, repository: str) -> None:
    with pytest.raises(ClientError) as error:
        push(ecr, repository, b"these bytes", digest(b"other bytes"))
    assert code(error) == "InvalidLayerException"
    found = ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[digest(b"these bytes")])
    assert found["layers"] == []


def test_an_images_digest_is_that_of_its_manifest(ecr: Client, repository: str) -> None:
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MEDIA_TYPE, "layers": []})
    made = ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag="v1")["image"]
    assert made["imageId"]["imageDigest"] == digest(manifest.encode())
    with pytest.raises(ClientError) as error:
        ecr.put_image(
            repositoryName=repository, imageManifest=manifest, imageTag="v2", imageDigest=digest(b"another one")
        )
    assert code(error) == "ImageDigestDoesNotMatchException"
