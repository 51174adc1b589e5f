"""Data capture: requests and responses as JSON lines in S3, in the format that Model Monitor reads.

The format is that of the Developer Guide ("Capture data from real-time endpoint"); each request gets a file of its
own, where the service puts those of a few minutes into one.
"""

import base64
import json
import logging
import random
import threading
import uuid
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from slipway.local.engine.documents import Document
from slipway.local.engine.resource_type import Scope
from slipway.local.mends.artifacts import split
from slipway.local.mends.routing import HEADER, Call
from slipway.local.model_server import Response
from slipway.local.resources.calls import Calls

log = logging.getLogger(__name__)
_calls = Calls("")


def apply(url: str) -> None:
    """Say where this server answers; what is captured goes through its S3."""
    global _calls
    _calls = Calls(url)


def capture(call: Call, body: bytes, response: Response) -> None:
    """Write a request and its response if the endpoint config says so, in the background."""
    config = call.config.request.get("DataCaptureConfig") or {}
    sampled = random.random() * 100 < config.get("InitialSamplingPercentage", 0)  # noqa: S311 - a sample
    if not config.get("EnableCapture", True) or not sampled:
        return
    now = datetime.now(UTC)
    bucket, prefix = split(config["DestinationS3Uri"])
    folder = f"{call.endpoint.endpoint_name}/{call.variant_name}/{now:%Y/%m/%d/%H}"
    key = f"{prefix.rstrip('/')}/{folder}/{uuid.uuid4()}.jsonl".lstrip("/")
    line = json.dumps(event(config, call, body, response, now)) + "\n"
    threading.Thread(target=_write, args=(call, bucket, key, line), daemon=True, name="data-capture").start()


def event(config: Document, call: Call, body: bytes, response: Response, now: datetime) -> Document:
    """Return what is captured of a request and its response."""
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    captured: Document = {}
    if modes & {"Input", "InputAndOutput"}:
        content_type = call.headers.get("content-type") or "application/json"
        captured["endpointInput"] = _side(config, "INPUT", body, content_type)
    if modes & {"Output", "InputAndOutput"}:
        captured["endpointOutput"] = _side(config, "OUTPUT", response.body, response.content_type)
    metadata: Document = {"eventId": call.request_id, "inferenceTime": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
    attributes = call.headers.get(f"{HEADER}custom-attributes")
    if attributes:
        metadata["customAttributes"] = [attributes]
    inference_id = call.headers.get(f"{HEADER}inference-id")
    if inference_id:
        metadata["inferenceId"] = inference_id
    return {"captureData": captured, "eventMetadata": metadata, "eventVersion": "0"}


def _side(config: Document, mode: str, body: bytes, content_type: str) -> Document:
    encoding = _encoding(config, content_type)
    data = base64.b64encode(body).decode() if encoding == "BASE64" else body.decode(errors="replace")
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}


def _encoding(config: Document, content_type: str) -> str:
    """Return how a body is written: as text for the content types that the config lists, else in base64."""
    listed, plain = config.get("CaptureContentTypeHeader") or {}, content_type.partition(";")[0].strip().lower()
    for encoding, member in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
        if plain in {known.partition(";")[0].strip().lower() for known in listed.get(member, [])}:
            return encoding
    return "BASE64"


def _write(call: Call, bucket: str, key: str, line: str) -> None:
    scope = Scope(call.account, call.region, "", "")
    try:
        _calls.client(scope, "s3").put_object(Bucket=bucket, Key=key, Body=line.encode())
    except ClientError as error:
        log.warning("captured data of %s is lost: %s", call.endpoint.endpoint_name, error)
