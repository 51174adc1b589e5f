"""What AWS refuses, in words that say what to do; and what a command raises when it cannot go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_THROTTLED = frozenset(
    {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "ThrottledException"}
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
_FAILING = frozenset({"InternalFailure", "InternalServerError", "ServiceUnavailable", "InternalServiceError"})
_LOST = (ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError)
_NOBODY = (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

AwsError = BotoCoreError | ClientError


class OperationError(Exception):
    """An operation could not be done, or not to its end; the message says what is left and what to do. Exit code 1."""


class WrongOperation(OperationError):  # noqa: N818  (it is what was asked, not a malfunction)
    """What was asked cannot be done; nothing was changed. Exit code 2."""


class NoEndpointError(OperationError):
    """There is no such endpoint."""


class BusyError(OperationError):
    """Somebody or something else changes the endpoint; nothing was changed."""


def code(error: BaseException) -> str:
    """The error code of an answer; empty for what is none."""
    return error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""


def message(error: BaseException) -> str:
    """The service's own words."""
    return error.response.get("Error", {}).get("Message", "") if isinstance(error, ClientError) else str(error)


def is_missing(error: BaseException) -> bool:
    """Whether something does not exist. SageMaker has one code for many refusals, so its message decides."""
    words = message(error)
    return isinstance(error, ClientError) and (
        "Could not find" in words or "does not exist" in words or code(error) in ("ResourceNotFound", "NotFound")
    )


def is_busy(error: BaseException) -> bool:
    """Whether an endpoint is being changed, so that another change is refused."""
    return isinstance(error, ClientError) and "in-progress" in message(error).replace("in progress", "in-progress")


def is_throttled(error: BaseException) -> bool:
    """Whether there were too many calls."""
    return code(error) in _THROTTLED


def is_expired(error: BaseException) -> bool:
    """Whether the credentials are over, or there are none any more."""
    return code(error) in _EXPIRED or isinstance(error, _NOBODY)


def is_denied(error: BaseException) -> bool:
    """Whether the caller may not do this."""
    return code(error) in _DENIED


def is_passing(error: BaseException) -> bool:
    """Whether the same call may well go through in a moment: throttled, a lost connection, a fault of the service."""
    return is_throttled(error) or isinstance(error, _LOST) or code(error) in _FAILING


def explained(error: AwsError, what: str) -> str:
    """Say what AWS refused, and what to do.

    Parameters
    ----------
    error
        From boto3.
    what
        What was tried, such as ``update rc-project-a-dev-iris-ep``.

    Returns
    -------
    str
        One line.
    """
    if is_expired(error):
        return f"{what}: the credentials have expired or are gone ({_brief(error)}): log in again, then repeat this"
    if is_denied(error):
        return f"{what}: not allowed: {message(error)}"
    if is_throttled(error):
        return f"{what}: AWS throttles these calls ({_brief(error)}): wait a minute, then repeat this"
    if isinstance(error, _LOST):
        return f"{what}: the connection to AWS was lost ({_brief(error)}): look whether the network is there"
    if is_busy(error):
        return f"{what}: an update is under way ({message(error)}): wait for its end with `slipway watch`"
    if is_missing(error):
        return f"{what}: {message(error)}"
    return f"{what}: {_brief(error)}"


def _brief(error: AwsError) -> str:
    """Code and message, without boto3's own sentence around them."""
    return f"{code(error)}: {message(error)}" if isinstance(error, ClientError) else str(error)


def counted(names: Sequence[str], what: str) -> str:
    """Say how many there are of something: ``1 alarm``, ``2 alarms``."""
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'}"
