"""InvokeEndpoint that runs the model; moto answers a fixed text, even for endpoints that are not.

A request goes from the endpoint through its config to a model's artifact in the local bucket, into
a process of its own (``slipway.local.runtime``), and leaves the metrics and log lines that
SageMaker would.
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import replace as replace_values
from urllib.parse import unquote

from moto.core.common_types import TYPE_RESPONSE
from moto.s3.models import s3_backends
from moto.sagemaker.models import sagemaker_backends
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from slipway.local.engine.documents import Document
from slipway.local.engine.planning import partition
from slipway.local.mends import endpoint_telemetry as telemetry
from slipway.local.mends.hosting import HostedEndpoint, HostedModel
from slipway.local.mends.patching import replace
from slipway.local.runtime import FLEET, Artifact, ModelServerError, Request, Response, Served

_SERVING = ("InService", "Updating", "SystemUpdating", "RollingBack")


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


@dataclass(frozen=True)
class Call:
    """One request to one variant."""

    account: str
    region: str
    endpoint: HostedEndpoint
    variant: Document
    headers: Mapping[str, str]

    @property
    def target_model(self) -> str:
        """The artifact that a multi-model container is asked for; empty for the others."""
        return self.headers.get("x-amzn-sagemaker-target-model", "")


class InvalidError(Exception):
    """The request is refused before it reaches a model."""


def invoke_endpoint(self: SageMakerRuntimeResponse) -> TYPE_RESPONSE:
    """InvokeEndpoint."""
    begin = time.perf_counter()
    try:
        call = call_of(self)
        _refuse_asynchronous(call)
        response = run(call, self.raw_body or b"")
    except InvalidError as error:
        return refusal(error)
    except ModelServerError as error:
        seconds = time.perf_counter() - begin
        telemetry.publish(_outcome(call, error.status), seconds, 0.0)
        return _model_error(call, error)
    total = time.perf_counter() - begin - response.start_seconds
    telemetry.publish(_outcome(call), response.model_seconds, total - response.model_seconds)
    answer = {
        "Content-Type": response.content_type,
        "x-Amzn-Invoked-Production-Variant": call.variant["VariantName"],
    }
    return 200, answer, response.body


def _refuse_asynchronous(call: Call) -> None:
    if call.endpoint.config.async_inference_config:
        raise InvalidError(f"Endpoint {call.endpoint.endpoint_name} is asynchronous; use InvokeEndpointAsync.")


def _outcome(call: Call, status: int = 200) -> telemetry.Outcome:
    return telemetry.Outcome(
        account=call.account,
        region=call.region,
        endpoint=call.endpoint,
        variant=call.variant["VariantName"],
        status=status,
    )


def call_of(self: SageMakerRuntimeResponse) -> Call:
    """Return what a request asks of which variant.

    Raises
    ------
    InvalidError
        When there is no such endpoint in service, or no such variant.
    """
    headers = {name.lower(): value for name, value in self.headers.items()}
    account, region = self.current_account, self.region
    name = unquote(self.path.split("/endpoints/", 1)[1].split("/", 1)[0])
    endpoint = sagemaker_backends[account][region].endpoints.get(name)
    if not isinstance(endpoint, HostedEndpoint) or endpoint.endpoint_status not in _SERVING:
        raise InvalidError(f"Endpoint {name} of account {account} not found.")
    chosen = headers.get("x-amzn-sagemaker-target-variant") or _by_weight(endpoint)
    variant = endpoint.config.variant(chosen)
    if variant is None:
        raise InvalidError(f"Variant {chosen} not found for endpoint {name}.")
    return Call(account, region, endpoint, variant, headers)


def _by_weight(endpoint: HostedEndpoint) -> str:
    """Return a variant by the live weights; a variant of weight 0 gets no traffic."""
    variants = endpoint.production_variants
    weights = [float(variant.get("CurrentWeight", 1.0)) for variant in variants]
    if not any(weights):
        raise InvalidError(f"All variants of endpoint {endpoint.endpoint_name} have weight 0.")
    names: list[str] = [variant["VariantName"] for variant in variants]
    return random.choices(names, weights)[0]  # noqa: S311 - traffic, not secrets


def run(call: Call, body: bytes) -> Response:
    """Send a body through a variant's containers; return the last one's answer.

    Raises
    ------
    InvalidError
        When the request does not fit the model.
    ModelServerError
        When a container fails.
    """
    model = call.endpoint.config.models.get(call.variant.get("ModelName", ""))
    if model is None:
        raise InvalidError(
            f"Variant {call.variant['VariantName']} has no model; the local AWS does not run inference components."
        )
    response = Response(body, call.headers.get("content-type") or "application/json")
    for index, container in _chosen(call, model):
        served = Served(model.model_name, _artifact(call, container), _environment(call, container))
        name = call.endpoint.endpoint_name
        slot = (
            *(call.account, call.region, name, call.variant["VariantName"]),
            *(str(index), call.target_model),
        )
        request = Request(response.body, response.content_type, call.headers.get("accept", ""))
        answer = FLEET.invoke(slot, served, _log_to(call), request)
        response = replace_values(
            answer,
            model_seconds=answer.model_seconds + response.model_seconds,
            start_seconds=answer.start_seconds + response.start_seconds,
        )
    return response


def _chosen(call: Call, model: HostedModel) -> list[tuple[int, Document]]:
    """Return the containers that a request passes: all of a pipeline, or the one it names."""
    containers = list(enumerate(model.all_containers))
    wanted = call.headers.get("x-amzn-sagemaker-target-container-hostname")
    if not wanted:
        return containers
    found = [item for item in containers if item[1].get("ContainerHostname") == wanted]
    if not found:
        raise InvalidError(f"Container {wanted} not found in model {model.model_name}.")
    return found


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


# -- artifacts


def _artifact(call: Call, container: Document) -> Artifact:
    source = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    url = container.get("ModelDataUrl") or source.get("S3Uri") or ""
    if not url.startswith("s3://"):
        raise ModelServerError(
            500,
            "The local AWS runs inference.py from a model's artifact, and this model has none; "
            f"images ({container.get('Image', 'none')}) are not run.",
        )
    if container.get("Mode") == "MultiModel":
        if not call.target_model:
            raise InvalidError("TargetModel is required for a multi-model endpoint.")
        url = f"{url.rstrip('/')}/{call.target_model.lstrip('/')}"
    elif call.target_model:
        raise InvalidError("TargetModel is only for multi-model endpoints.")
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if source.get("S3DataType") == "S3Prefix" and source.get("CompressionType") == "None":
        return _prefix(call, bucket, key)
    found = s3_backends[call.account][partition(call.region)].get_object(bucket, key)
    if found is None:
        raise ModelServerError(500, f"Could not find model data at {url}.")
    return Artifact(f"{url} {found.etag}", lambda: found.value)


def _prefix(call: Call, bucket: str, prefix: str) -> Artifact:
    """Return an artifact that is not packed: every object under a prefix is a file."""
    s3 = s3_backends[call.account][partition(call.region)]
    keys = s3.get_bucket(bucket).keys if bucket in s3.buckets else {}
    found = {
        name.removeprefix(prefix): item
        for name, item in list(keys.items())
        if name.startswith(prefix) and not name.endswith("/")
    }
    if not found:
        raise ModelServerError(500, f"Could not find model data at s3://{bucket}/{prefix}.")
    version = " ".join(f"{name}:{item.etag}" for name, item in sorted(found.items()))
    return Artifact(
        f"s3://{bucket}/{prefix} {version}",
        lambda: {name: item.value for name, item in found.items()},
    )


# -- answers


def _log_to(call: Call) -> Callable[[str], None]:
    name, variant = call.endpoint.endpoint_name, call.variant["VariantName"]
    return lambda line: telemetry.write_log(call.account, call.region, name, variant, line)


def _model_error(call: Call, error: ModelServerError) -> TYPE_RESPONSE:
    if error.status == 0:
        said = error.message
    else:
        fault = "server" if error.status >= 500 else "client"
        said = f'Received {fault} error ({error.status}) from primary with message "{error.message}".'
    group = f"/aws/sagemaker/Endpoints/{call.endpoint.endpoint_name}"
    where = f"https://{call.region}.console.aws.amazon.com/cloudwatch/home?region={call.region}"
    return _error(
        424,
        "ModelError",
        {
            "Message": f"{said} See {where}#logEventViewer:group={group} "
            f"in account {call.account} for more information.",
            "OriginalMessage": error.message,
            "OriginalStatusCode": error.status,
            "LogStreamArn": f"arn:{partition(call.region)}:logs:{call.region}:{call.account}:log-group:{group}",
        },
    )


def refusal(error: InvalidError) -> TYPE_RESPONSE:
    """Return the answer to a request that is refused."""
    return _error(400, "ValidationError", {"Message": str(error)})


def _error(status: int, code: str, members: Document) -> TYPE_RESPONSE:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return status, {"status": status, **headers}, json.dumps({"__type": code, **members})
