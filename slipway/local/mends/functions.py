"""Lambda that runs what was deployed, in a process of its own; moto wants Docker for it.

And what moto's Lambda forgets: layers of other accounts, the dead-letter queue, the log group, changes of an
event-invoke configuration, the qualifier of an invocation.
"""

import base64
import copy
import json
import re
import uuid
from collections.abc import Callable
from urllib.parse import unquote

from moto.awslambda.models import EventInvokeConfig, LambdaBackend, LambdaFunction, LambdaStorage
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.utils import get_backend, split_layer_arn
from moto.core.common_types import TYPE_RESPONSE

from slipway.local.engine.documents import Document, Json
from slipway.local.mends.answers import ApiError
from slipway.local.mends.function_events import accept
from slipway.local.mends.function_run import CONCURRENCY, run
from slipway.local.mends.patching import replace
from slipway.local.resources.calls import Calls

# The service's limits for a request and its answer, and for an event (Developer Guide, "Lambda quotas").
_MAX_PAYLOAD = 6_291_556
_MAX_EVENT = 1_048_576
_TAIL = 4096
_REQUEST_ID = "x-amzn-requestid"
# Members of a function's configuration that moto does not keep: CreateFunction's name, and where it is kept here.
_KEPT = {"DeadLetterConfig": "dead_letter_config", "LoggingConfig": "logging_config"}
_STATUS = {
    "InvalidRequestContentException": 400,
    "InvalidRuntimeException": 502,
    "InvalidZipFileException": 502,
    "RequestTooLargeException": 413,
    "TooManyRequestsException": 429,
}
_calls = Calls("")


def apply(url: str) -> None:
    """Install the mends.

    Parameters
    ----------
    url
        Where this server answers, which functions call.
    """
    global _calls
    _calls = Calls(url)
    replace(
        LambdaFunction,
        __init__=_keeping(LambdaFunction.__init__),
        _get_layers_data=layers_data,
        get_configuration=_with_kept(LambdaFunction.get_configuration),
        invoke=invoke_by_service,
        update_configuration=_updating(LambdaFunction.update_configuration),
        update_function_code=_with_architectures(LambdaFunction.update_function_code),
    )
    replace(LambdaStorage, publish_version=publish_version)
    replace(
        LambdaBackend,
        put_function_event_invoke_config=put_event_invoke_config,
        update_function_event_invoke_config=update_event_invoke_config,
    )
    replace(
        LambdaResponse,
        invoke=invoke,
        invoke_async=invoke_async,
        _enrich_response=staticmethod(_keeping_request_id(LambdaResponse._enrich_response)),
    )


# -- configuration


def _keeping(original: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: LambdaFunction, *arguments: Json, **named: Json) -> None:  # noqa: N807 - replaces it
        """Keep what moto does not."""
        original(self, *arguments, **named)
        spec = named["spec"]
        for member, attribute in _KEPT.items():
            setattr(self, attribute, spec.get(member))

    return __init__


def _with_kept(original: Callable[..., Document]) -> Callable[..., Document]:
    def get_configuration(self: LambdaFunction, on_create: bool = False) -> Document:  # noqa: FBT001, FBT002 - moto's
        """Answer what was kept."""
        configuration = original(self, on_create)
        kept = {member: getattr(self, attribute) for member, attribute in _KEPT.items()}
        return {**configuration, **{member: item for member, item in kept.items() if item}}

    return get_configuration


def _updating(original: Callable[..., Document]) -> Callable[..., Document]:
    def update_configuration(self: LambdaFunction, config_updates: Document) -> Document:
        """Change the members that moto leaves as they are as well."""
        for member, attribute in {**_KEPT, "TracingConfig": "tracing_config", "KMSKeyArn": "kms_key_arn"}.items():
            if member in config_updates:
                setattr(self, attribute, config_updates[member])
        if "EphemeralStorage" in config_updates:
            self.ephemeral_storage = config_updates["EphemeralStorage"]["Size"]
        original(self, config_updates)
        return self.get_configuration()

    return update_configuration


def _with_architectures(original: Callable[..., Document]) -> Callable[..., Document]:
    def update_function_code(self: LambdaFunction, updated_spec: Document) -> Document:
        """Change the architecture, too."""
        if updated_spec.get("Architectures"):
            self.architectures = updated_spec["Architectures"]
        return original(self, updated_spec)

    return update_function_code


def publish_version(self: LambdaStorage, name_or_arn: str, description: str = "") -> LambdaFunction:
    """PublishVersion that never gives a number twice; moto counts the versions that are left."""
    function = self.get_function_by_name_or_arn_forbid_qualifier(name_or_arn)
    versions: list[LambdaFunction] = self._functions[function.function_name]["versions"]
    if versions and not function.code_or_config_updated:
        return versions[-1]
    function.code_or_config_updated = False
    number = getattr(function, "last_version", 0) + 1
    function.last_version = number  # type: ignore[attr-defined]
    version: LambdaFunction = copy.copy(function)
    version.set_version(number)
    version.description = description or version.description
    versions.append(version)
    self._arns[version.function_arn] = version
    return version


def layers_data(self: LambdaFunction, layers_versions_arns: list[str]) -> list[Document]:
    """Return a function's layers; those of accounts that are not here, such as AWS's own, are taken as they are.

    Raises
    ------
    ApiError
        When a layer of the function's own account is not there.
    """
    found = []
    for arn in layers_versions_arns:
        where = split_layer_arn(arn)
        version = get_backend(where.account, where.region).layers_versions_by_arn(arn)
        if version is None and where.account == self.account_id:
            raise ApiError("InvalidParameterValueException", f"Layer version {arn} does not exist.")
        found.append({"Arn": arn, "CodeSize": version.code_size if version else 0})
    return found


def put_event_invoke_config(self: LambdaBackend, function_name: str, config: Document) -> Document:
    """PutFunctionEventInvokeConfig in place of the one before; moto goes on answering with the first."""
    function = self.get_function(function_name)
    function.event_invoke_config = [EventInvokeConfig(function.function_arn, function.last_modified, config)]
    answer: Document = function.event_invoke_config[0].response()
    return answer


def update_event_invoke_config(self: LambdaBackend, function_name: str, config: Document) -> Document:
    """UpdateFunctionEventInvokeConfig, which leaves alone what it does not name."""
    present = self.get_function(function_name).event_invoke_config
    return put_event_invoke_config(self, function_name, {**(present[0].config if present else {}), **config})


# -- invoking


def invoke(self: LambdaResponse) -> TYPE_RESPONSE:
    """Invoke."""
    try:
        return _invoked(self)
    except ApiError as error:
        headers = {"x-amzn-ErrorType": error.code, "Content-Type": "application/json"}
        status = _STATUS[error.code]
        return status, {"status": status, **headers}, json.dumps({"Type": "User", "Message": error.message})


def _invoked(self: LambdaResponse) -> TYPE_RESPONSE:
    named = unquote(re.sub(r".*/functions/(.+)/invocations/?$", r"\1", self.path))
    function = self.backend.get_function(named, self.querystring.get("Qualifier", [None])[0])
    invoked_arn = _invoked_arn(self, function, named)
    kind = self.headers.get("X-Amz-Invocation-Type") or "RequestResponse"
    event = _event(self.body, _MAX_EVENT if kind == "Event" else _MAX_PAYLOAD)
    request_id = str(uuid.uuid4())
    headers: Document = {_REQUEST_ID: request_id, "Content-Type": "application/json"}
    if kind == "DryRun":
        return 204, {**headers, "status": 204}, ""
    if kind == "Event":
        accept(_calls, function, event, request_id, invoked_arn)
        return 202, {**headers, "status": 202}, ""
    with CONCURRENCY.place(function, wait=False):
        answer = run(_calls, function, event, request_id, invoked_arn)
    headers["X-Amz-Executed-Version"] = str(function.version)
    if answer.failed:
        # What the runtime caught and what it did not are one at the service by now; "Handled" is not answered.
        headers["X-Amz-Function-Error"] = "Unhandled"
    if self.headers.get("X-Amz-Log-Type") == "Tail":
        headers["X-Amz-Log-Result"] = base64.b64encode(answer.log.encode()[-_TAIL:]).decode()
    if len(answer.payload) > _MAX_PAYLOAD:
        headers["X-Amz-Function-Error"] = "Unhandled"
        message = f"Response payload size exceeded maximum allowed payload size ({_MAX_PAYLOAD} bytes)."
        wrong = {"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}
        return 200, headers, json.dumps(wrong)
    return 200, headers, answer.payload


def _invoked_arn(self: LambdaResponse, function: LambdaFunction, named: str) -> str:
    """Return the ARN as the caller named it: of the function, or of a version or an alias."""
    own = f"arn:{function.partition}:lambda:{function.region}:{function.account_id}:function:{function.function_name}"
    rest = named.split(":function:")[-1]
    qualifier = rest.partition(":")[2] or self.querystring.get("Qualifier", [""])[0]
    return f"{own}:{qualifier}" if qualifier else own


def _event(body: bytes | str, longest: int) -> str:
    """Return the event; none is the empty object.

    Raises
    ------
    ApiError
        When it is too long, or no JSON.
    """
    text = body.decode() if isinstance(body, bytes) else body or ""
    if len(text.encode()) > longest:
        raise ApiError("RequestTooLargeException", f"Request must be smaller than {longest} bytes for the operation.")
    try:
        json.loads(text or "{}")
    except ValueError as error:
        raise ApiError("InvalidRequestContentException", f"Could not parse request body into json: {error}") from error
    return text or "{}"


def _keeping_request_id(original: Callable[..., tuple[Document, Json]]) -> Callable[..., tuple[Document, Json]]:
    def enrich(headers: Document, body: Json) -> tuple[Document, Json]:
        """Leave an invocation its own request id, by which its log is found; moto adds another."""
        own = headers.pop(_REQUEST_ID, None)
        headers, body = original(headers, body)
        return ({**headers, _REQUEST_ID: own} if own else headers), body

    return enrich


def invoke_async(self: LambdaResponse) -> TYPE_RESPONSE:
    """InvokeAsync, the older name of an event."""
    named = unquote(re.sub(r".*/functions/(.+)/invoke-async/?$", r"\1", self.path))
    function = self.backend.get_function(named, None)
    accept(_calls, function, _event(self.body, _MAX_EVENT), str(uuid.uuid4()), _invoked_arn(self, function, named))
    return 202, {"status": 202}, json.dumps({"Status": 202})


def invoke_by_service(self: LambdaFunction, body: str, request_headers: Json, response_headers: Document) -> bytes:
    """Run a function for moto's own services: topics, queues and log subscriptions call this."""
    del request_headers
    with CONCURRENCY.place(self, wait=True):
        answer = run(_calls, self, body or "{}", str(uuid.uuid4()), self.function_arn)
    if answer.failed:
        response_headers["x-amz-function-error"] = "Unhandled"
    return answer.payload
