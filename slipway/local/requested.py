"""What a request asks for, whatever its protocol: the service and the operation, from the SDK's own models."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl, unquote

import botocore.session
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, ServiceModel

Protocol: TypeAlias = Literal["json", "cbor", "query", "rest-json", "rest-xml"]

# The services whose requests are signed with another name than the SDK has for them.
_SIGNED_AS: Mapping[str, tuple[str, ...]] = {
    "monitoring": ("cloudwatch",),
    "sagemaker": ("sagemaker", "sagemaker-runtime"),
    "tagging": ("resourcegroupstaggingapi",),
    "servicequotas": ("service-quotas",),
    "states": ("stepfunctions",),
}
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/,]+)/[^/]*/(?P<region>[^/]*)/(?P<service>[^/]+)/aws4_request")
# Addresses of S3 that were signed the old way, as the SDK does where nothing says otherwise.
_SIGNED_ADDRESS = re.compile(r"AWSAccessKeyId=(?P<key>[^&]+)(?P<region>)(?P<service>)")


@dataclass(frozen=True)
class Requested:
    """An operation that somebody asks for.

    Attributes
    ----------
    service, operation
        Their names in the SDKs; the operation is empty when it is not known.
    protocol
        How the answer is to be written.
    access_key
        Whose request it is.
    region
        Where it goes; empty when the request does not say.
    query_codes
        Whether errors are to have the codes of the query protocol as well, which the service had before.
    """

    service: str
    operation: str
    protocol: Protocol
    access_key: str
    region: str
    query_codes: bool = False

    @property
    def permission(self) -> str:
        """What policies call it, such as ``sagemaker:UpdateEndpoint``; not all have the operation's name."""
        model = _model(self.service)
        prefix = model.signing_name if model is not None else self.service
        return f"{'cloudwatch' if prefix == 'monitoring' else prefix}:{self.operation}"


def requested(environ: dict[str, Any]) -> Requested | None:
    """Read a WSGI request; None for one that is not signed for a service of AWS.

    A body that has to be read for it can be read again afterwards.
    """
    signed = unquote(f"{environ.get('HTTP_AUTHORIZATION', '')}&{environ.get('QUERY_STRING', '')}")
    found = _CREDENTIAL.search(signed) or _SIGNED_ADDRESS.search(signed)
    if found is None:
        return None
    name = found["service"] or "s3"
    candidates = _SIGNED_AS.get(name, (name,))
    service, operation, protocol = _asked(environ, candidates)
    old_codes = environ.get("HTTP_X_AMZN_QUERY_MODE") == "true"
    return Requested(service, operation, protocol, found["key"], found["region"], old_codes)


def services() -> list[str]:
    """Return the names of all services of AWS."""
    return sorted(_session().get_available_services())


def operations(service: str) -> list[str]:
    """Return the names of the operations of a service; none for one that is unknown."""
    model = _model(service)
    return list(model.operation_names) if model is not None else []


def _asked(environ: dict[str, Any], candidates: tuple[str, ...]) -> tuple[str, str, Protocol]:
    target, path = environ.get("HTTP_X_AMZ_TARGET"), environ.get("PATH_INFO", "/")
    if environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor":
        return candidates[0], path.rpartition("/operation/")[2], "cbor"
    if target:
        return candidates[0], target.rpartition(".")[2], "json"
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    for service in candidates:
        model = _model(service)
        if model is not None and str(model.protocol).startswith("rest"):
            operation = _by_address(service, environ, query)
            if operation or service == candidates[-1]:
                return service, operation, "rest-xml" if model.protocol == "rest-xml" else "rest-json"
    return candidates[0], query.get("Action") or _form(environ).get("Action", ""), "query"


def _form(environ: dict[str, Any]) -> dict[str, str]:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    return dict(parse_qsl(body.decode(errors="replace")))


def _by_address(service: str, environ: dict[str, Any], query: Mapping[str, str]) -> str:
    """Return the operation of a REST service whose address a request has; the one that asks for most of it."""
    method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
    best, most = "", (-1, -1)
    for address in _addresses(service):
        if address.method == method and address.path.fullmatch(path) and address.fits(environ, query):
            rank = (len(address.query) + len(address.needed), address.literals)
            if rank > most:
                best, most = address.operation, rank
    return best


@dataclass(frozen=True)
class _Address:
    operation: str
    method: str
    path: re.Pattern[str]
    literals: int
    query: tuple[tuple[str, str], ...]
    needed: tuple[tuple[str, str], ...]

    def fits(self, environ: dict[str, Any], query: Mapping[str, str]) -> bool:
        given = all(query.get(key) == value if value else key in query for key, value in self.query)
        return given and all(
            name in query if where == "querystring" else f"HTTP_{name.upper().replace('-', '_')}" in environ
            for where, name in self.needed
        )


@cache
def _addresses(service: str) -> tuple[_Address, ...]:
    model = _model(service)
    return tuple(_address(model.operation_model(name)) for name in model.operation_names) if model is not None else ()


def _address(operation: OperationModel) -> _Address:
    path, _, query = operation.http["requestUri"].partition("?")
    parts = re.split(r"(\{[^}]+\})", path)
    pattern = "".join(
        (".+" if part.endswith("+}") else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts
    )
    shape = operation.input_shape
    members = [shape.members[name] for name in shape.required_members] if shape is not None else []
    needed = tuple(
        (member.serialization["location"], member.serialization["name"])
        for member in members
        if member.serialization.get("location") in ("querystring", "header")
    )
    literals = sum(len(part) for part in parts if not part.startswith("{"))
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    return _Address(operation.name, operation.http["method"], re.compile(pattern), literals, pairs, needed)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


@cache
def _model(service: str) -> ServiceModel | None:
    try:
        return _session().get_service_model(service)
    except UnknownServiceError:
        return None
