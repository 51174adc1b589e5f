"""Data capture on the local AWS."""

import base64
import json
import re
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.local import hosting as shared
from tests.local.hosting import BUCKET, ECHO, Hosting, eventually

# fixtures
bucket, hosting, name = shared.bucket, shared.hosting, shared.name

BOTH = [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]
TEXT = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json", "application/vnd.echo+json"]}


def capturing(hosting: Hosting, **config: Any) -> None:
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/captured",
        "CaptureOptions": BOTH,
        "CaptureContentTypeHeader": TEXT,
        **config,
    }
    url = hosting.upload({"inference.py": ECHO, "name.txt": "captured"})
    hosting.serve({"ModelName": hosting.model(url)}, DataCaptureConfig=capture)


def captured(hosting: Hosting, wanted: int = 1) -> dict[str, dict[str, Any]]:
    """Return what is captured, by key."""

    def keys() -> list[str]:
        found = hosting.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"captured/{hosting.name}/").get("Contents", [])
        return [item["Key"] for item in found]

    found: dict[str, dict[str, Any]] = {}
    for key in eventually(keys, lambda keys: len(keys) == wanted):
        (line,) = hosting.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode().splitlines()
        found[key] = json.loads(line)
    return found


def test_a_request_and_its_response_are_written_where_and_as_the_service_does(hosting: Hosting) -> None:
    capturing(hosting)
    before = datetime.now(UTC)
    hosting.ask([1, 2], InferenceId="mine", CustomAttributes="trace=1")
    ((key, event),) = captured(hosting).items()
    folder, _, file = key.rpartition("/")
    assert folder in {f"captured/{hosting.name}/main/{time:%Y/%m/%d/%H}" for time in (before, datetime.now(UTC))}
    assert re.fullmatch(r"[0-9a-f-]{36}\.jsonl", file)
    metadata, output = event["eventMetadata"], event["captureData"]["endpointOutput"]
    assert uuid.UUID(metadata.pop("eventId"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata.pop("inferenceTime"))
    assert metadata == {"inferenceId": "mine", "customAttributes": ["trace=1"]}
    assert event["eventVersion"] == "0"
    assert event["captureData"]["endpointInput"] == {
        "observedContentType": "application/json",
        "mode": "INPUT",
        "data": "[1, 2]",
        "encoding": "JSON",
    }
    assert json.loads(output.pop("data"))["asked"] == [1, 2]
    assert output == {"observedContentType": "application/vnd.echo+json", "mode": "OUTPUT", "encoding": "JSON"}


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        (["Input"], {"endpointInput"}),
        (["Output"], {"endpointOutput"}),
        (["InputAndOutput"], {"endpointInput", "endpointOutput"}),
    ],
)
def test_only_the_modes_of_the_config_are_captured(hosting: Hosting, modes: list[str], expected: set[str]) -> None:
    capturing(hosting, CaptureOptions=[{"CaptureMode": mode} for mode in modes])
    hosting.ask(1)
    (event,) = captured(hosting).values()
    assert set(event["captureData"]) == expected


@pytest.mark.parametrize(
    ("content_type", "body", "encoding"),
    [
        ("text/csv; charset=utf-8", b"1,2\n", "CSV"),
        ("application/json", b"[1]", "JSON"),
        ("application/x-npy", b"\x93NUMPY", "BASE64"),
    ],
)
def test_the_content_type_decides_how_a_body_is_written(
    hosting: Hosting, content_type: str, body: bytes, encoding: str
) -> None:
    raw = "def model_fn(d): return None\ndef input_fn(b, c): return b\n"
    raw += "def predict_fn(x, m): return x\ndef output_fn(p, a): return p, 'application/octet-stream'\n"
    hosting.upload({"inference.py": raw})
    capturing(hosting)
    hosting.upload({"inference.py": raw})
    hosting.runtime.invoke_endpoint(EndpointName=hosting.name, Body=body, ContentType=content_type)
    (event,) = captured(hosting).values()
    given, answered = (event["captureData"][side] for side in ("endpointInput", "endpointOutput"))
    data = base64.b64decode(given["data"]) if encoding == "BASE64" else given["data"].encode()
    assert (given["encoding"], given["observedContentType"], data) == (encoding, content_type, body)
    assert (answered["encoding"], base64.b64decode(answered["data"])) == ("BASE64", body)


@pytest.mark.parametrize("config", [{"EnableCapture": False}, {"InitialSamplingPercentage": 0}])
def test_nothing_is_captured_that_should_not_be(hosting: Hosting, config: dict[str, Any]) -> None:
    capturing(hosting, **config)
    hosting.ask(1)
    other = Hosting(hosting.aws, hosting.s3, f"{hosting.name}-other")
    capturing(other)
    other.ask(1)
    assert len(captured(other)) == 1  # by now the first would be there as well
    assert captured(hosting, 0) == {}


def test_every_request_is_captured_and_a_missing_bucket_hurts_nobody(hosting: Hosting) -> None:
    capturing(hosting)
    for number in range(5):
        hosting.ask(number)
    events = captured(hosting, 5).values()
    assert sorted(event["captureData"]["endpointInput"]["data"] for event in events) == list("01234")
    assert len({event["eventMetadata"]["eventId"] for event in events}) == 5
    other = Hosting(hosting.aws, hosting.s3, f"{hosting.name}-other")
    capturing(other, DestinationS3Uri="s3://bucket-that-is-not-there/captured")
    assert other.ask(1)["asked"] == 1


def test_the_endpoint_says_that_it_captures(hosting: Hosting) -> None:
    capturing(hosting)
    found = hosting.api.describe_endpoint(EndpointName=hosting.name)["DataCaptureConfig"]
    assert (found["EnableCapture"], found["CaptureStatus"]) == (True, "Started")
