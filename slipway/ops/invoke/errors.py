"""Why an endpoint did not answer, in words: the service's refusals, and what a container said when it failed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slipway.ops.trouble import code, explained, is_denied, is_expired, is_throttled, message

if TYPE_CHECKING:
    from slipway.ops.trouble import AwsError
    from slipway.spec.names import Names

_CONTAINER = re.compile(r"^Received (?:client|server) error \(\d+\) from (?P<container>\S+) with message")
_NO_ENDPOINT = re.compile(r"^Endpoint \S+ of account \d+ not found")
#: What a single container is called in the service's messages.
_SINGLE = ("model", "primary")


class InvokeError(Exception):
    """The endpoint was not reached, or is not known: the next request would fare no better."""


class WrongRequest(InvokeError):  # noqa: N818  (it is what was asked, not a malfunction)
    """The request does not fit how the endpoint is hosted; nothing was sent."""


class UnansweredError(InvokeError):
    """The request was refused or failed; another one may be answered."""


class NotYetAnswered(InvokeError):  # noqa: N818  (it is no malfunction)
    """A queued request has no answer yet; it stays queued."""


def refusal(error: AwsError, names: Names, name: str, component: str | None = None) -> InvokeError:
    """Say why an endpoint did not answer.

    Parameters
    ----------
    error
        From boto3.
    names
        Of the environment.
    name
        The endpoint's short name.
    component
        Short name of the component that was asked.

    Returns
    -------
    InvokeError
        To be raised; an `UnansweredError` where another request may fare better.
    """
    endpoint, words = names.endpoint(name), message(error)
    log = names.component_log_group(name, component) if component else names.log_group(name)
    if code(error) == "ModelError":
        return UnansweredError(f"{_failure(error)}. Its log: {log}")
    if _NO_ENDPOINT.match(words):
        return InvokeError(f"there is no endpoint {endpoint}: `slipway deploy` makes it")
    if code(error) == "ModelNotReadyException":
        return UnansweredError(
            f"{endpoint} is not ready, its capacity or the model is still coming: ask again ({words})"
        )
    if "no capacity" in words:
        return UnansweredError(
            f"{endpoint} has no copy that could answer: where it scales from zero this request starts one, ask again "
            f"in some minutes; `slipway status` shows how many there are ({words})"
        )
    if code(error) in ("ServiceUnavailable", "InternalFailure", "InternalDependencyException"):
        return UnansweredError(f"SageMaker could not answer for {endpoint} ({code(error)}: {words}): ask again")
    if is_throttled(error):
        return UnansweredError(
            f"{endpoint} was asked more at once than it may answer ({code(error)}: {words}): ask more slowly, or give "
            "it more instances, or a serverless one more `concurrency`"
        )
    if is_denied(error) and not is_expired(error):
        return InvokeError(f"{explained(error, f'invoke {endpoint}')}. The policy {names.invoker_policy} allows it")
    if code(error) == "ValidationError":
        return InvokeError(f"invoke {endpoint}: {words}")
    return InvokeError(explained(error, f"invoke {endpoint}"))


def _failure(error: AwsError) -> str:
    """Say what a container answered."""
    answered = getattr(error, "response", {})
    status, said = answered.get("OriginalStatusCode"), answered.get("OriginalMessage")
    found = _CONTAINER.match(message(error))
    container = found["container"] if found else ""
    who = f"container {container}" if container and container not in _SINGLE else "the model"
    words = said or message(error)
    if not status:
        return f"{who} did not answer: {words.rstrip('.')}"
    did = "refused the request" if status < 500 else "failed"
    return f"{who} {did} ({status}): {words.strip().rstrip('.')}"
