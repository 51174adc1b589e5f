"""How calls fail that are told to: in the words of the service, and in the form of the request's protocol."""

import contextlib
import json
import socket
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from moto.iam import models as iam
from moto.sts.models import sts_backends

from slipway.local.engine.planning import partition
from slipway.local.faults import FAULTS, FaultKind
from slipway.local.requested import Requested, requested
from slipway.local.resources.calls import USER_AGENT
from slipway.local.steering_api import Respond

# In the query protocol, and in what came after it for services that had it.
_OLD_CODES = {FaultKind.THROTTLE: "Throttling", FaultKind.DENY: "AccessDenied", FaultKind.EXPIRE: "ExpiredToken"}


@dataclass(frozen=True)
class _Refusal:
    code: str
    status: int
    message: str


def answer(environ: dict[str, Any], respond: Respond) -> Iterable[bytes] | None:
    """Answer a request that is to fail; None for one that is not.

    Calls of the local AWS to itself, as CloudFormation's, never fail.

    Raises
    ------
    ConnectionResetError
        When the connection is closed, so that the server answers nothing.
    """
    if USER_AGENT in environ.get("HTTP_USER_AGENT", ""):
        return None
    asked = requested(environ)
    fault = None if asked is None else FAULTS.take(asked.service, asked.operation)
    if asked is None or fault is None:
        return None
    if fault.kind is FaultKind.DISCONNECT:
        _disconnect(environ)
    refusal = _refusal(fault.kind, asked)
    headers, body = _written(refusal, asked)
    if asked.query_codes:
        headers.append(("x-amzn-query-error", f"{_OLD_CODES[fault.kind]};Sender"))
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))  # or whoever still sends it sees no answer
    respond(f"{refusal.status} Refused", [*headers, ("x-amzn-RequestId", str(uuid.uuid4()))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _disconnect(environ: dict[str, Any]) -> None:
    connection = environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("a fault was to close the connection")


def _refusal(kind: FaultKind, asked: Requested) -> _Refusal:
    s3, old = asked.protocol == "rest-xml", asked.protocol in ("query", "rest-xml")
    if kind is FaultKind.THROTTLE:
        if s3:
            return _Refusal("SlowDown", 503, "Please reduce your request rate.")
        return _Refusal(_OLD_CODES[kind] if old else "ThrottlingException", 400, "Rate exceeded")
    if kind is FaultKind.EXPIRE:
        if s3:
            return _Refusal("ExpiredToken", 400, "The provided token has expired.")
        words = "The security token included in the request is expired"
        return _Refusal(_OLD_CODES[kind] if old else "ExpiredTokenException", 403 if old else 400, words)
    words = (
        f"User: {_caller(asked)} is not authorized to perform: {asked.permission} on resource: * because no "
        f"identity-based policy allows the {asked.permission} action"
    )
    forbidden = old or asked.protocol == "rest-json"
    return _Refusal(_OLD_CODES[kind] if old else "AccessDeniedException", 403 if forbidden else 400, words)


def _caller(asked: Requested) -> str:
    """Return who a request's credentials are, as GetCallerIdentity says it."""
    account = iam.get_account_id_from(asked.access_key)
    region = asked.region or "us-east-1"
    return str(sts_backends[account][partition(region)].get_caller_identity(asked.access_key, region)[1])


def _written(refusal: _Refusal, asked: Requested) -> tuple[list[tuple[str, str]], bytes]:
    code, message = refusal.code, refusal.message
    match asked.protocol:
        case "json":
            return [("Content-Type", "application/x-amz-json-1.1")], _json({"__type": code, "message": message})
        case "rest-json":
            headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)]
            return headers, _json({"message": message})
        case "cbor":
            headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
            return headers, _cbor({"__type": code, "message": message})
        case "rest-xml":
            text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        case "query":
            text = (
                f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
                "</Error></ErrorResponse>"
            )
    return [("Content-Type", "text/xml")], f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _json(members: dict[str, str]) -> bytes:
    return json.dumps(members).encode()


def _cbor(members: dict[str, str]) -> bytes:
    """Write a map of texts (RFC 8949: major types 5 and 3)."""
    out = bytes([0xA0 + len(members)])
    for text in (text for pair in members.items() for text in pair):
        data = text.encode()
        out += b"\x79" + len(data).to_bytes(2, "big") + data
    return out
