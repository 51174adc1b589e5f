"""InvokeEndpointAsync that runs the model; moto writes a fixed text to a bucket of its own.

The input comes from the local bucket that the request names, the answer goes where the endpoint
config says, and the config's topics are told.
"""

import base64
import contextlib
import json
import time
import uuid
from dataclasses import dataclass
from dataclasses import replace as replace_values
from datetime import UTC, datetime

from botocore.exceptions import ClientError
from moto.core.common_types import TYPE_RESPONSE
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from slipway.local.engine.documents import Document
from slipway.local.engine.resource_type import Scope
from slipway.local.mends import endpoint_telemetry as telemetry
from slipway.local.mends.artifacts import split
from slipway.local.mends.backlog import BACKLOGS
from slipway.local.mends.invocation import model_error_text, refusal, run
from slipway.local.mends.patching import replace
from slipway.local.mends.routing import HEADER, Call, InvalidError, Mode, call_of
from slipway.local.model_server import ModelServerError, Response
from slipway.local.resources.calls import Calls

# InvokeEndpointAsync's defaults: how long a request may wait, and how long its processing may take.
_TTL_SECONDS = 21600
_INVOCATION_SECONDS = 900
_calls = Calls("")


def apply(url: str) -> None:
    """Install the mend.

    Parameters
    ----------
    url
        Where this server answers; inputs and answers go through its S3.
    """
    global _calls
    _calls = Calls(url)
    replace(SageMakerRuntimeResponse, invoke_endpoint_async=invoke_endpoint_async)


class _FailedError(Exception):
    """An asynchronous invocation failed.

    Attributes
    ----------
    body
        What goes to the S3FailurePath: a container's own words, else the reason that the topic gets.
    """

    def __init__(self, reason: str, body: str | None = None) -> None:
        super().__init__(reason)
        self.body = reason if body is None else body


@dataclass(frozen=True)
class _Job:
    """One asynchronous invocation.

    Attributes
    ----------
    received
        When it came, by the clock, which may be moved while it waits.
    """

    call: Call
    inference_id: str
    source: str
    output: str
    failure: str | None
    received: datetime

    @property
    def scope(self) -> Scope:
        """For whom it reads and writes."""
        return Scope(self.call.account, self.call.region, "", "")

    @property
    def notification(self) -> Document:
        """The config's topics."""
        config = self.call.config.async_inference_config
        return config["OutputConfig"].get("NotificationConfig") or {}


def invoke_endpoint_async(self: SageMakerRuntimeResponse) -> TYPE_RESPONSE:
    """InvokeEndpointAsync."""
    try:
        job = _job(call_of(self))
    except InvalidError as error:
        return refusal(error)
    BACKLOGS.add((job.call.account, job.call.region, job.call.endpoint.endpoint_name), lambda: _work(job))
    headers = {"status": 202, "X-Amzn-SageMaker-OutputLocation": job.output}
    if job.failure:
        headers["X-Amzn-SageMaker-FailureLocation"] = job.failure
    return 202, headers, json.dumps({"InferenceId": job.inference_id})


def _job(call: Call) -> _Job:
    config = call.config.async_inference_config
    if call.mode is not Mode.ASYNCHRONOUS or not config:
        raise InvalidError(f"Endpoint {call.endpoint.endpoint_name} is not asynchronous; use InvokeEndpoint.")
    source = call.headers.get(f"{HEADER}inputlocation", "")
    if not source.startswith("s3://"):
        raise InvalidError("InputLocation has to be an s3:// URI.")
    identity, output = str(uuid.uuid4()), config["OutputConfig"]
    failure = output.get("S3FailurePath")
    return _Job(
        call=replace_values(
            call,
            headers={
                **call.headers,
                "content-type": call.headers.get(f"{HEADER}content-type", ""),
                "accept": call.headers.get(f"{HEADER}accept", ""),
            },
        ),
        inference_id=call.headers.get(f"{HEADER}inference-id") or identity,
        source=source,
        output=f"{output['S3OutputPath'].rstrip('/')}/{identity}.out",
        failure=f"{failure.rstrip('/')}/{identity}-error.out" if failure else None,
        received=datetime.now(UTC),
    )


def _work(job: _Job) -> None:
    """Process a request, tell the topic, and publish what it took."""
    waited, begin = (datetime.now(UTC) - job.received).total_seconds(), time.perf_counter()
    processed = telemetry.Processed(job.call, in_backlog=max(0.0, waited))
    answer, reason = None, None
    try:
        answer = _process(job, processed)
    except _FailedError as error:
        reason, processed.status = str(error), 500
        _write_failure(job, error)
    processed.notification_failed = not _notify(job, answer, reason)
    processed.in_all = processed.in_backlog + time.perf_counter() - begin
    telemetry.publish_processed(processed)


def _process(job: _Job, processed: telemetry.Processed) -> Response:
    """Read the input, ask the model, write the answer."""
    ttl = int(job.call.headers.get(f"{HEADER}requestttlseconds") or _TTL_SECONDS)
    if processed.in_backlog > ttl:
        processed.expired = True
        raise _FailedError(f"ClientError: The request waited longer than its time to live of {ttl} seconds.")
    s3, begin = _calls.client(job.scope, "s3"), time.perf_counter()
    try:
        body: bytes = s3.get_object(**_place(job.source))["Body"].read()
    except ClientError as error:
        processed.download_failed = True
        raise _FailedError(f"ClientError: Failed to download the input from {job.source}: {error}") from error
    processed.downloading = time.perf_counter() - begin
    answer = _answer(job, body, processed)
    processed.answered = 200
    processed.model, begin = answer.model_seconds, time.perf_counter()
    try:
        s3.put_object(**_place(job.output), Body=answer.body, ContentType=answer.content_type)
    except ClientError as error:
        processed.upload_failed = True
        raise _FailedError(f"ClientError: Failed to upload the output to {job.output}: {error}") from error
    processed.uploading = time.perf_counter() - begin
    return answer


def _answer(job: _Job, body: bytes, processed: telemetry.Processed) -> Response:
    seconds = float(job.call.headers.get(f"{HEADER}invocationtimeoutseconds") or _INVOCATION_SECONDS)
    try:
        return run(job.call, body, seconds)
    except InvalidError as error:
        raise _FailedError(f"ClientError: {error}") from error
    except ModelServerError as error:
        processed.answered = error.status or 500  # a container that died or took too long has none
        fault = "ClientError" if error.status in range(400, 500) else "ModelError"
        reason = (
            f"{fault}: {model_error_text(error)} See the SageMaker Endpoint logs in your account for more information."
        )
        raise _FailedError(reason, error.message) from error


def _write_failure(job: _Job, error: _FailedError) -> None:
    """Write what a container answered to the config's S3FailurePath; it may fail to take it, as the output may."""
    if job.failure:
        with contextlib.suppress(ClientError):
            _calls.client(job.scope, "s3").put_object(**_place(job.failure), Body=error.body.encode())


def _place(uri: str) -> dict[str, str]:
    bucket, key = split(uri)
    return {"Bucket": bucket, "Key": key}


# -- notifications


def _notify(job: _Job, answer: Response | None, reason: str | None) -> bool:
    """Tell the topic for the outcome, if there is one; return whether nothing went wrong."""
    topic = job.notification.get("SuccessTopic" if reason is None else "ErrorTopic")
    if not topic:
        return True
    try:
        _calls.client(job.scope, "sns").publish(TopicArn=topic, Message=json.dumps(_message(job, answer, reason)))
    except ClientError:
        return False
    return True


def _message(job: _Job, answer: Response | None, reason: str | None) -> Document:
    """Return a notification (Developer Guide, "Check prediction results")."""
    request = {
        "accept": job.call.headers.get("accept"),
        "contentType": job.call.headers.get("content-type"),
        "customAttributes": job.call.headers.get(f"{HEADER}custom-attributes"),
        "endpointName": job.call.endpoint.endpoint_name,
        "inputLocation": job.source,
    }
    location = job.output if answer else job.failure
    response = {"contentType": answer.content_type if answer else None, "outputLocation": location}
    message: Document = {
        "awsRegion": job.call.region,
        "eventTime": _timestamp(datetime.now(UTC)),
        "receivedTime": _timestamp(job.received),
        "invocationStatus": "Completed" if reason is None else "Failed",
        **({"failureReason": reason} if reason is not None else {}),
        "requestParameters": {key: item for key, item in request.items() if item},
        **({"responseParameters": {key: item for key, item in response.items() if item}} if location else {}),
        "inferenceId": job.inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    kind = "SUCCESS_NOTIFICATION_TOPIC" if answer else "ERROR_NOTIFICATION_TOPIC"
    if kind in (job.notification.get("IncludeInferenceResponseIn") or []):
        content = answer.body if answer else (reason or "").encode()
        message["responseBody"] = {"content": base64.b64encode(content).decode(), "encoding": "BASE64"}
    return message


def _timestamp(time_: datetime) -> str:
    return f"{time_:%Y-%m-%dT%H:%M:%S}.{time_.microsecond // 1000:03d}Z"
