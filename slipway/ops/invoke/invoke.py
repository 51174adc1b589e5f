"""Ask an endpoint in whatever way it is hosted: by variant, archive, container or component, at once or queued."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.invoke.errors import InvokeError, NotYetAnswered, UnansweredError, WrongRequest, refusal
from slipway.ops.invoke.request import Request, check
from slipway.ops.trouble import explained
from slipway.spec.sources import asynchronous_places

if TYPE_CHECKING:
    from collections.abc import Iterable

    from types_boto3_s3 import S3Client
    from types_boto3_sagemaker_runtime import SageMakerRuntimeClient

    from slipway.ops.target import Target
    from slipway.spec.environment import Environment

__all__ = ["PATIENCE", "Answer", "InvokeError", "Invoker", "Queued", "Request", "WrongRequest", "will_be"]

#: Seconds to wait for an asynchronous answer; the service itself works on a request for at most an hour.
PATIENCE = 120.0
#: Seconds between looks for it: the first, and the longest.
_FIRST_LOOK, _LONGEST_LOOK = 0.1, 5.0


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered.

    Attributes
    ----------
    body
        As it came.
    location
        The object that holds it, of an asynchronous endpoint.
    variant
        Which one answered; empty where the service does not say.
    content_type
        As the container named it.
    seconds
        How long it took, as seen from here.
    """

    body: bytes
    location: str = ""
    variant: str = ""
    content_type: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Queued:
    """A request that an asynchronous endpoint has accepted.

    Attributes
    ----------
    location, failure
        The objects that will hold the answer, or what went wrong; the latter is empty where none is configured.
    """

    location: str
    failure: str


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

    @cached_property
    def _s3(self) -> S3Client:
        client: S3Client = self._target.client("s3")
        return client

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
        UnansweredError
            If it was refused or failed.
        NotYetAnswered
            If it is queued and was not answered in time.
        InvokeError
            If the endpoint was not reached.
        """
        if self._environment.endpoints[name].asynchronous is not None:
            return self.wait(self.queue(name, request))
        check(name, self._environment.endpoints[name], request)
        begin = time.perf_counter()
        try:
            answer = self._runtime.invoke_endpoint(
                EndpointName=self._environment.names.endpoint(name),
                Body=request.body,
                ContentType=request.content_type,
                **self._choice(name, request),
            )
            body = answer["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise refusal(error, self._environment.names, name, request.component) from error
        return Answer(
            body,
            variant=answer.get("InvokedProductionVariant", ""),
            content_type=answer.get("ContentType", ""),
            seconds=time.perf_counter() - begin,
        )

    def _choice(self, name: str, request: Request) -> dict[str, Any]:
        component = request.component and self._environment.names.component(name, request.component)
        chosen = {
            "Accept": request.accept,
            "TargetVariant": request.variant,
            "TargetModel": request.target_model,
            "TargetContainerHostname": request.container,
            "InferenceComponentName": component,
        }
        return {key: value for key, value in chosen.items() if value is not None}

    def queue(self, name: str, request: Request) -> Queued:
        """Put a request where an asynchronous endpoint reads it, and tell the endpoint.

        Parameters
        ----------
        name
            Its short name.
        request
            What is asked.

        Returns
        -------
        Queued
            Where the answer will be.

        Raises
        ------
        WrongRequest
            If the request does not fit how the endpoint is hosted.
        InvokeError
            If it was refused.
        """
        check(name, self._environment.endpoints[name], request)
        # Named by its content, so that asking the same again leaves no further object.
        source = asynchronous_places(self._environment, name).input + hashlib.sha256(request.body).hexdigest()[:32]
        bucket, key = _split(source)
        try:
            self._s3.put_object(Bucket=bucket, Key=key, Body=request.body, ContentType=request.content_type)
        except (BotoCoreError, ClientError) as error:
            raise InvokeError(explained(error, f"put the request into {source}")) from error
        accept: dict[str, Any] = {} if request.accept is None else {"Accept": request.accept}
        try:
            accepted = self._runtime.invoke_endpoint_async(
                EndpointName=self._environment.names.endpoint(name),
                InputLocation=source,
                ContentType=request.content_type,
                **accept,
            )
        except (BotoCoreError, ClientError) as error:
            raise refusal(error, self._environment.names, name) from error
        return Queued(accepted["OutputLocation"], accepted.get("FailureLocation", ""))

    def wait(self, queued: Queued) -> Answer:
        """Wait for the object that answers a queued request.

        Parameters
        ----------
        queued
            From `queue`.

        Returns
        -------
        Answer
            Its content.

        Raises
        ------
        UnansweredError
            If it failed.
        NotYetAnswered
            If nothing came in time.
        InvokeError
            If S3 cannot be asked any more.
        """
        begin = time.perf_counter()
        try:
            for _ in _looks(self._patience):
                content = _read(self._s3, queued.location)
                if content is not None:
                    return Answer(content, queued.location, seconds=time.perf_counter() - begin)
                failed = _read(self._s3, queued.failure) if queued.failure else None
                if failed is not None:
                    words = failed.decode(errors="replace").strip()
                    raise UnansweredError(f"the request failed: {words} ({queued.failure})")
        except (BotoCoreError, ClientError) as error:
            raise InvokeError(f"{explained(error, 'wait for the answer')}; {will_be(queued)}") from error
        raise NotYetAnswered(
            f"no answer within {self._patience:.0f} s: the request waits or is at work, or you may not read what it "
            f"leaves; {will_be(queued)}"
        )


def will_be(queued: Queued) -> str:
    """Say where the answer to a queued request will be."""
    failed = f", or in {queued.failure} if it fails" if queued.failure else ""
    return f"the answer will be in {queued.location}{failed}"


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
