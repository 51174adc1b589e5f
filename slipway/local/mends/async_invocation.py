"""InvokeEndpointAsync that runs the model; moto writes a fixed text to a bucket of its own.

The input comes from the local bucket that the request names, the answer goes where the endpoint
config says, and the config's topics are told.
"""

import json
import threading
import time
import uuid
from dataclasses import dataclass
from dataclasses import replace as replace_values

from botocore.exceptions import ClientError
from moto.core.common_types import TYPE_RESPONSE
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from slipway.local.engine.resource_type import Scope
from slipway.local.mends import endpoint_telemetry as telemetry
from slipway.local.mends.invocation import Call, InvalidError, call_of, refusal, run
from slipway.local.mends.patching import replace
from slipway.local.resources.calls import Calls
from slipway.local.runtime import ModelServerError

_PREFIX = "x-amzn-sagemaker-"
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


@dataclass(frozen=True)
class _Job:
    """One asynchronous invocation."""

    call: Call
    inference_id: str
    source: str
    output: str
    failure: str | None

    @property
    def scope(self) -> Scope:
        """For whom it reads and writes."""
        return Scope(self.call.account, self.call.region, "", "")


def invoke_endpoint_async(self: SageMakerRuntimeResponse) -> TYPE_RESPONSE:
    """InvokeEndpointAsync."""
    try:
        job = _job(call_of(self))
    except InvalidError as error:
        return refusal(error)
    threading.Thread(target=_work, args=(job,), daemon=True, name="async-invocation").start()
    headers = {"status": 202, "X-Amzn-SageMaker-OutputLocation": job.output}
    if job.failure:
        headers["X-Amzn-SageMaker-FailureLocation"] = job.failure
    return 202, headers, json.dumps({"InferenceId": job.inference_id})


def _job(call: Call) -> _Job:
    config = call.endpoint.config.async_inference_config
    if not config:
        raise InvalidError(f"Endpoint {call.endpoint.endpoint_name} is not asynchronous; use InvokeEndpoint.")
    source = call.headers.get(f"{_PREFIX}inputlocation", "")
    if not source.startswith("s3://"):
        raise InvalidError("InputLocation has to be an s3:// URI.")
    identity, output = str(uuid.uuid4()), config["OutputConfig"]
    failure = output.get("S3FailurePath")
    return _Job(
        call=replace_values(
            call,
            headers={
                **call.headers,
                "content-type": call.headers.get(f"{_PREFIX}content-type", ""),
                "accept": call.headers.get(f"{_PREFIX}accept", ""),
            },
        ),
        inference_id=call.headers.get(f"{_PREFIX}inference-id") or identity,
        source=source,
        output=f"{output['S3OutputPath'].rstrip('/')}/{identity}.out",
        failure=f"{failure.rstrip('/')}/{identity}-error.out" if failure else None,
    )


def _work(job: _Job) -> None:
    begin = time.perf_counter()
    s3, status = _calls.client(job.scope, "s3"), 200
    try:
        body = s3.get_object(**_place(job.source))["Body"].read()
        answer = run(job.call, body)
        s3.put_object(**_place(job.output), Body=answer.body, ContentType=answer.content_type)
    except (InvalidError, ModelServerError, ClientError) as error:
        status = 500
        if job.failure:
            s3.put_object(**_place(job.failure), Body=str(error).encode())
    outcome = telemetry.Outcome(
        account=job.call.account,
        region=job.call.region,
        endpoint=job.call.endpoint,
        variant=job.call.variant["VariantName"],
        status=status,
    )
    telemetry.publish_async(outcome, time.perf_counter() - begin)
    _notify(job, succeeded=status == 200)


def _place(uri: str) -> dict[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


def _notify(job: _Job, *, succeeded: bool) -> None:
    config = job.call.endpoint.config.async_inference_config
    topics = config["OutputConfig"].get("NotificationConfig") or {}
    topic = topics.get("SuccessTopic" if succeeded else "ErrorTopic")
    if not topic:
        return
    message = {
        "awsRegion": job.call.region,
        "eventName": "InferenceResult",
        "eventSource": "aws:sagemaker",
        "eventVersion": "1.0",
        "inferenceId": job.inference_id,
        "invocationStatus": "Completed" if succeeded else "Failed",
        "requestParameters": {
            "endpointName": job.call.endpoint.endpoint_name,
            "inputLocation": job.source,
        },
        "responseParameters": {"outputLocation": job.output if succeeded else job.failure},
    }
    _calls.client(job.scope, "sns").publish(TopicArn=topic, Message=json.dumps(message))
