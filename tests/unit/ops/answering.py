"""Real boto3 clients whose calls a test answers: requests are checked by botocore, refusals come as the service's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from slipway.ops.aws_clock import AwsClock
from slipway.ops.target import Target

Answer = Callable[[dict[str, Any]], Mapping[str, Any] | None]
START = datetime(2026, 12, 24, 12, tzinfo=UTC)


class Refusal(Exception):  # noqa: N818
    """What the service answers instead."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


THROTTLED = Refusal("ThrottlingException", "Rate exceeded")
IN_PROGRESS = Refusal("ValidationException", "Cannot update in-progress endpoint")
EXPIRED = Refusal("ExpiredTokenException", "The security token included in the request is expired")
GONE = Refusal("ValidationException", 'Could not find endpoint "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/x".')


def denied(operation: str) -> Refusal:
    return Refusal("AccessDeniedException", f"User: x is not authorized to perform: {operation}")


class Aws:
    """Answers calls by their names, and remembers them; whatever nobody taught it fails the test."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        #: To be raised by the next calls of an operation, in this order; ``None`` lets one through.
        self.next: dict[str, list[BaseException | None]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.now = START
        #: Called whenever somebody waits.
        self.on_pause: list[Callable[[], None]] = []
        #: By the number of the call: what happens when it comes, before it is answered, and when it was answered.
        self.on_call: dict[int, Callable[[], object]] = {}
        self.on_answer: dict[int, Callable[[], object]] = {}

    def target(self) -> Target:
        return _Target("aws", "123456789012", "eu-west-1", {}, "here", aws=self)

    def client(self, service: str) -> Any:
        made = boto3.client(  # type: ignore[call-overload]
            service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        made.meta.events.register("before-parameter-build", self._remember)
        made.meta.events.register("before-call", self._answer)
        return made

    def of(self, operation: str) -> list[dict[str, Any]]:
        """Requests of one operation."""
        return [given for name, given in self.calls if name == operation]

    def clock(self) -> AwsClock:
        return _Clock(self)

    def _remember(self, params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        context["given"] = dict(params)

    def _answer(self, model: Any, context: dict[str, Any], **_: object) -> Any:
        given = context["given"]
        number = len(self.calls)
        self.calls.append((model.name, given))
        self.on_call.get(number, _nothing)()
        queued = self.next.get(model.name, [])
        error = queued.pop(0) if queued else None
        try:
            if error is not None:
                raise error
            found = self.answers[model.name](given)
        except Refusal as refusal:
            self.on_answer.get(number, _nothing)()
            body = {"Error": {"Code": refusal.code, "Message": refusal.message}, "ResponseMetadata": {}}
            return AWSResponse("", refusal.status, HTTPHeaders(), None), body
        self.on_answer.get(number, _nothing)()
        return AWSResponse("", 200, HTTPHeaders(), None), {**(found or {}), "ResponseMetadata": {}}


def _nothing() -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class _Target(Target):
    aws: Aws

    def client(self, service: str) -> Any:
        return self.aws.client(service)


class _Clock(AwsClock):
    """Passes only while somebody waits."""

    def __init__(self, aws: Aws) -> None:
        super().__init__(aws.target())
        self._aws = aws

    def now(self) -> datetime:
        return self._aws.now

    def pause(self, seconds: float) -> None:
        self._aws.now += timedelta(seconds=seconds)
        for act in self._aws.on_pause:
            act()
