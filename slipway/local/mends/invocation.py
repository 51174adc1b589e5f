"""InvokeEndpoint that runs the model; moto answers a fixed text, even for endpoints that are not.

A request goes from the endpoint through its config to a model's artifact in the local bucket, into
a process of its own (``slipway.local.runtime``), and leaves the metrics, log lines, captured data and
shadow copies that SageMaker would.
"""

import json
import time
from collections.abc import Callable
from dataclasses import replace as replace_values
from typing import NoReturn

from moto.core.common_types import TYPE_RESPONSE
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from slipway.local.engine.documents import Document
from slipway.local.engine.planning import partition
from slipway.local.mends import data_capture, shadow
from slipway.local.mends import endpoint_telemetry as telemetry
from slipway.local.mends.artifacts import MULTI_MODEL, artifact_of, code_of, location, split
from slipway.local.mends.in_flight import InFlight
from slipway.local.mends.patching import replace
from slipway.local.mends.routing import (
    Call,
    InvalidError,
    Mode,
    NoCapacityError,
    ThrottlingError,
    call_of,
    target_container,
)
from slipway.local.model_server import ModelServerError, Request, Response, Served
from slipway.local.runtime import FLEET, Slot

IN_FLIGHT = InFlight()


def apply(url: str) -> None:
    """Install the mend.

    Parameters
    ----------
    url
        Where this server answers; models that call AWS are led here.
    """
    global _url
    _url = url
    # moto decodes every body as text, which arrays and images are not.
    replace(SageMakerRuntimeResponse, invoke_endpoint=invoke_endpoint, use_raw_body=True)


_url = ""


def invoke_endpoint(self: SageMakerRuntimeResponse) -> TYPE_RESPONSE:
    """InvokeEndpoint."""
    begin, body = time.perf_counter(), self.raw_body or b""
    try:
        call = call_of(self)
        _refuse_asynchronous(call)
        response = serve(call, body, begin)
    except NoCapacityError as error:
        telemetry.publish_no_capacity(error.call)
        return refusal(error)
    except InvalidError as error:
        return refusal(error)
    except ModelServerError as error:
        shadow.copy(call, lambda copied: serve(copied, body, time.perf_counter()))
        return _model_error(call, error)
    shadow.copy(call, lambda copied: serve(copied, body, time.perf_counter()))
    answer = {
        "Content-Type": response.content_type,
        "x-Amzn-Invoked-Production-Variant": call.variant_name,
    }
    return 200, answer, response.body


def _refuse_asynchronous(call: Call) -> None:
    if call.mode is Mode.ASYNCHRONOUS:
        raise InvalidError(f"Endpoint {call.endpoint.endpoint_name} is asynchronous; use InvokeEndpointAsync.")


def serve(call: Call, body: bytes, begin: float) -> Response:
    """Answer a request, and leave the metrics and the captured data of it.

    Parameters
    ----------
    call
        The request.
    body
        Its body.
    begin
        When it came, by ``time.perf_counter``.

    Raises
    ------
    InvalidError
        When the request does not fit the model, or there is no capacity for it.
    ModelServerError
        When a container fails.
    """
    with IN_FLIGHT.one(call.slot) as concurrent:
        _refuse_above_concurrency(call, concurrent)
        try:
            response = run(call, body)
        except ModelServerError as error:
            seconds = time.perf_counter() - begin
            telemetry.publish(telemetry.Outcome(call, error.status, seconds, seconds, concurrent))
            raise
        seconds = time.perf_counter() - begin
    telemetry.publish(telemetry.Outcome(call, 200, response.model_seconds, seconds, concurrent, response))
    data_capture.capture(call, body, response)
    return response


def _refuse_above_concurrency(call: Call, concurrent: int) -> None:
    if call.mode is Mode.SERVERLESS and concurrent > telemetry.serverless(call)["MaxConcurrency"]:
        raise ThrottlingError("Rate exceeded")


def run(call: Call, body: bytes, seconds: float | None = None) -> Response:
    """Send a body through a variant's containers; return the last one's answer.

    Parameters
    ----------
    call
        The request.
    body
        Its body.
    seconds
        How long each container may take; None for as long as in a real-time invocation.

    Raises
    ------
    InvalidError
        When the request does not fit the model.
    ModelServerError
        When a container fails.
    """
    chosen = _chosen(call)
    response = Response(body, call.headers.get("content-type") or "application/json")
    for position, (index, container) in enumerate(chosen):
        # Between containers each has its own default; what the caller accepts is for the last one to produce.
        accept = call.headers.get("accept", "") if position == len(chosen) - 1 else ""
        answer = _ask(call, index, container, Request(response.body, response.content_type, accept, seconds))
        response = replace_values(
            answer,
            model_seconds=answer.model_seconds + response.model_seconds,
            start_seconds=answer.start_seconds + response.start_seconds,
            loaded=answer.loaded and response.loaded,
            start=answer.start or response.start,
        )
    return response


def _chosen(call: Call) -> list[tuple[int, Document]]:
    """Return the containers that a request passes: all of a pipeline, or the one it names."""
    containers, wanted = list(enumerate(call.containers)), target_container(call)
    if not wanted:
        return containers
    return [item for item in containers if item[1].get("ContainerHostname") == wanted]


def _ask(call: Call, index: int, container: Document, request: Request) -> Response:
    """Ask one container."""
    many = container.get("Mode") == MULTI_MODEL
    target = call.target_model if many else ""
    slot = (*call.slot, str(index), target)
    hostname = (container.get("ContainerHostname") or f"container-{index + 1}") if len(call.containers) > 1 else ""
    artifact = artifact_of(call.account, call.region, container, target)
    if artifact is None:
        _refuse_missing(call, container, slot)
    code = code_of(call.account, call.region, container)
    served = Served(call.model.model_name, artifact, _environment(call, container), code)
    begin = time.perf_counter()
    try:
        response = FLEET.invoke(slot, served, _log_to(call), request)
    except ModelServerError as error:
        if hostname:
            telemetry.publish_container(call, hostname, error.status, time.perf_counter() - begin)
            raise ModelServerError(error.status, error.message, hostname) from error
        raise
    if hostname:
        telemetry.publish_container(call, hostname, 200, response.model_seconds)
    if many:
        _leave_loading(call, slot, container, response)
    return response


def _refuse_missing(call: Call, container: Document, slot: Slot) -> NoReturn:
    """Refuse a model whose files are not there; a multi-model endpoint also lets go of what it had loaded.

    Raises
    ------
    InvalidError, ModelServerError
        The latter where the service would have noticed at deployment.
    """
    url = location(container, call.target_model)
    if container.get("Mode") != MULTI_MODEL:
        raise ModelServerError(500, f"Could not find model data at {url}.")
    unloading = FLEET.unload(slot)
    if unloading is not None:
        telemetry.publish_unloading(call, unloading)
    bucket, key = split(url)
    raise InvalidError(
        f"Failed to download model data(bucket: {bucket}, key: {key}). Please ensure that there is an object located "
        "at the URL and that the role passed to CreateModel has permissions to download the model."
    )


def _leave_loading(call: Call, slot: Slot, container: Document, response: Response) -> None:
    """Publish what a multi-model container loaded and unloaded; without a cache it unloads after each request."""
    if response.start is not None and response.start.unloading is not None:
        telemetry.publish_unloading(call, response.start.unloading)
    elif response.start is not None:
        telemetry.publish_loaded(call)
    if (container.get("MultiModelConfig") or {}).get("ModelCacheSetting") == "Disabled":
        unloading = FLEET.unload(slot)
        if unloading is not None:
            telemetry.publish_unloading(call, unloading)


def _environment(call: Call, container: Document) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": _url,
        "AWS_ACCESS_KEY_ID": call.account,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": call.region,
        "AWS_DEFAULT_REGION": call.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        **{name: str(value) for name, value in (container.get("Environment") or {}).items()},
    }


# -- answers


def _log_to(call: Call) -> Callable[[str], None]:
    return lambda line: telemetry.write_log(call, line)


def model_error_text(error: ModelServerError) -> str:
    """Return what the service says about a container's failure."""
    if error.status == 0:
        return error.message
    fault = "server" if error.status >= 500 else "client"
    return f'Received {fault} error ({error.status}) from {error.container} with message "{error.message}".'


def _model_error(call: Call, error: ModelServerError) -> TYPE_RESPONSE:
    group = telemetry.log_group(call)
    where = f"https://{call.region}.console.aws.amazon.com/cloudwatch/home?region={call.region}"
    return _error(
        424,
        "ModelError",
        {
            "Message": f"{model_error_text(error)} See {where}#logEventViewer:group={group} "
            f"in account {call.account} for more information.",
            "OriginalMessage": error.message,
            "OriginalStatusCode": error.status,
            "LogStreamArn": f"arn:{partition(call.region)}:logs:{call.region}:{call.account}:log-group:{group}",
        },
    )


def refusal(error: InvalidError) -> TYPE_RESPONSE:
    """Return the answer to a request that is refused."""
    return _error(error.status, error.code, {"Message": str(error)})


def _error(status: int, code: str, members: Document) -> TYPE_RESPONSE:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return status, {"status": status, **headers}, json.dumps({"__type": code, **members})
