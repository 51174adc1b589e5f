"""Ask an endpoint in whatever way it is hosted: by variant, archive, container or component, at once or queued."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from slipway.spec.model import Pipeline
from slipway.spec.sources import asynchronous_places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from types_boto3_s3 import S3Client
    from types_boto3_sagemaker_runtime import SageMakerRuntimeClient

    from slipway.ops.target import Target
    from slipway.spec.endpoint import Endpoint
    from slipway.spec.environment import Environment
    from slipway.spec.sample import Sample

#: Seconds to wait for an asynchronous answer; the service itself works on a request for at most an hour.
PATIENCE = 120.0
#: Seconds between looks for it: the first, and the longest.
_FIRST_LOOK, _LONGEST_LOOK = 0.1, 5.0


class InvokeError(Exception):
    """The endpoint did not answer."""


class WrongRequest(InvokeError):  # noqa: N818  (it is what was asked, not a malfunction)
    """The request does not fit how the endpoint is hosted; nothing was sent."""


@dataclass(frozen=True)
class Request:
    """What is asked, and of which part of the endpoint.

    Attributes
    ----------
    body, content_type
        What is sent.
    variant
        A production variant; by weight otherwise.
    target_model
        The archive of a multi-model endpoint, from its prefix on.
    container
        The container of a direct pipeline.
    component
        Short name of an inference component.
    """

    body: bytes
    content_type: str
    variant: str | None = None
    target_model: str | None = None
    container: str | None = None
    component: str | None = None


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered.

    Attributes
    ----------
    body
        As it came.
    location
        The object that holds it, of an asynchronous endpoint.
    """

    body: bytes
    location: str = ""


def sample_of(endpoint: Endpoint, component: str | None = None) -> Sample | None:
    """Find the sample that is declared for an endpoint, or for one of its components.

    Parameters
    ----------
    endpoint
        The endpoint.
    component
        Short name of one of its components.

    Returns
    -------
    Sample or None
        What is declared.
    """
    if component is None:
        return endpoint.sample
    declared = (endpoint.components or {}).get(component)
    return declared.sample if declared else None


def request_of(endpoint: Endpoint, sample: Sample, component: str | None = None) -> Request:
    """Make the request that a sample stands for.

    Parameters
    ----------
    endpoint
        The endpoint.
    sample
        From `sample_of`.
    component
        The component whose sample it is.

    Returns
    -------
    Request
        Its target is an archive or a container, as the endpoint is hosted.
    """
    direct = bool(_containers(endpoint))
    return Request(
        sample.body.encode(),
        sample.content_type,
        target_model=None if direct else sample.target,
        container=sample.target if direct else None,
        component=component,
    )


def check(name: str, endpoint: Endpoint, request: Request) -> None:
    """Hold a request against how an endpoint is hosted.

    Parameters
    ----------
    name
        The endpoint's short name.
    endpoint
        The endpoint.
    request
        What is asked.

    Raises
    ------
    WrongRequest
        With all that does not fit, and what to write.
    """
    wrong = list(_faults(endpoint, request))
    if wrong:
        raise WrongRequest("\n".join(f"{name}: {fault}" for fault in wrong))


def _faults(endpoint: Endpoint, request: Request) -> Iterator[str]:
    yield from _fault("--component", request.component, tuple(endpoint.components or {}), needed=True)
    yield from _fault("--container", request.container, _containers(endpoint), needed=True)
    # Asynchronous requests and those to a component cannot name a variant (API:InvokeEndpointAsync).
    variants = () if endpoint.mode in ("asynchronous", "components") else tuple(endpoint.fleet)
    yield from _fault("--variant", request.variant, variants, needed=False)
    multi_model = _multi_model(endpoint)
    if multi_model and request.target_model is None:
        known = endpoint.sample.target if endpoint.sample else None
        yield f"--target-model is missing: name an archive under the prefix, such as {known or 'NAME/v1/model.tar.gz'}"
    if not multi_model and request.target_model is not None:
        yield "--target-model is for multi-model endpoints: leave it out"


def _fault(option: str, given: str | None, known: tuple[str, ...], *, needed: bool) -> Iterator[str]:
    if given is None:
        if needed and known:
            yield f"{option} is missing: name one of {', '.join(known)}"
    elif not known:
        yield f"{option} is not for an endpoint hosted like this: leave it out"
    elif given not in known:
        close = get_close_matches(given, known, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        yield f"{option} {given}: there is no such one; {hint}There is: {', '.join(known)}"


def _containers(endpoint: Endpoint) -> tuple[str, ...]:
    """Names of the containers that a request must choose from: those of a direct pipeline."""
    models = [member.model for member in endpoint.fleet.values()]
    direct = [m for m in models if isinstance(m, Pipeline) and m.invocation == "direct"]
    return tuple(dict.fromkeys(name for model in direct for name in model.containers))


def _multi_model(endpoint: Endpoint) -> bool:
    return any(container.models for served in endpoint.served for _, _, container in served.containers)


class Invoker:
    """Asks the endpoints of an environment.

    Parameters
    ----------
    environment
        The environment.
    target
        Where it is.
    patience
        Seconds to wait for an asynchronous answer.
    """

    def __init__(self, environment: Environment, target: Target, *, patience: float = PATIENCE) -> None:
        self._environment = environment
        self._target = target
        self._patience = patience
        self._runtime: SageMakerRuntimeClient = target.client("sagemaker-runtime")

    def invoke(self, name: str, request: Request) -> Answer:
        """Ask an endpoint.

        Parameters
        ----------
        name
            Its short name.
        request
            What is asked.

        Returns
        -------
        Answer
            What it answered.

        Raises
        ------
        WrongRequest
            If the request does not fit how the endpoint is hosted.
        InvokeError
            If it was refused or failed, or was not answered in time.
        """
        endpoint = self._environment.endpoints[name]
        check(name, endpoint, request)
        try:
            if endpoint.asynchronous is not None:
                return self._queued(name, request)
            answer = self._runtime.invoke_endpoint(
                EndpointName=self._environment.names.endpoint(name),
                Body=request.body,
                ContentType=request.content_type,
                **self._choice(name, request),
            )
        except ClientError as error:
            own = error.operation_name.startswith("InvokeEndpoint")
            raise InvokeError(error.response["Error"].get("Message", "") if own else str(error)) from error
        return Answer(answer["Body"].read())

    def _choice(self, name: str, request: Request) -> dict[str, Any]:
        component = request.component and self._environment.names.component(name, request.component)
        chosen = {
            "TargetVariant": request.variant,
            "TargetModel": request.target_model,
            "TargetContainerHostname": request.container,
            "InferenceComponentName": component,
        }
        return {key: value for key, value in chosen.items() if value is not None}

    def _queued(self, name: str, request: Request) -> Answer:
        """Put the request where the endpoint reads it, and wait for the object that answers it."""
        s3: S3Client = self._target.client("s3")
        # Named by its content, so that asking the same again leaves no further object.
        source = asynchronous_places(self._environment, name).input + hashlib.sha256(request.body).hexdigest()[:32]
        bucket, key = _split(source)
        s3.put_object(Bucket=bucket, Key=key, Body=request.body, ContentType=request.content_type)
        accepted = self._runtime.invoke_endpoint_async(
            EndpointName=self._environment.names.endpoint(name),
            InputLocation=source,
            ContentType=request.content_type,
        )
        output, failure = accepted["OutputLocation"], accepted.get("FailureLocation", "")
        for _ in _looks(self._patience):
            content = _read(s3, output)
            if content is not None:
                return Answer(content, output)
            failed = _read(s3, failure) if failure else None
            if failed is not None:
                raise InvokeError(f"{failed.decode(errors='replace').strip()} ({failure})")
        raise InvokeError(
            f"no answer within {self._patience:.0f} s: the request waits or is at work, or you may not read its "
            f"answer. It will be in {output}{f', or in {failure}' if failure else ''}"
        )


def _looks(seconds: float) -> Iterable[None]:
    """Yield at growing intervals until the time is over, and once more then."""
    end, pause = time.monotonic() + seconds, _FIRST_LOOK
    while time.monotonic() < end:
        yield
        time.sleep(max(0.0, min(pause, end - time.monotonic())))
        pause = min(2 * pause, _LONGEST_LOOK)
    yield


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _read(s3: S3Client, uri: str) -> bytes | None:
    """Read an object; ``None`` while there is none.

    To who may read but not list, such as the environment's invokers, S3 says "access denied" of what is not there.
    """
    bucket, key = _split(uri)
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "AccessDenied"):
            return None
        raise
