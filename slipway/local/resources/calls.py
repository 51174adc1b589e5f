"""Calls to this very server: resources are made through the public APIs, as CloudFormation does."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape

from slipway.local.engine.documents import Document, Json
from slipway.local.engine.resource_type import Scope

# A client's methods are made at run time from the service's model.
Client: TypeAlias = Any

USER_AGENT = "slipway-local-aws"
"""By which the server knows its own calls."""

_MISSING = ("NotFound", "NoSuch", "NonExistent", "not exist", "Could not find", "does not exist")


@dataclass(frozen=True)
class Credentials:
    """The credentials of a role's session."""

    access_key_id: str
    secret_access_key: str
    session_token: str


class Calls:
    """Clients for this server, one for each service, account and Region.

    Parameters
    ----------
    url
        Where this server answers.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = botocore.session.get_session()
        self._clients: dict[tuple[str, str, str], Client] = {}
        self._lock = threading.Lock()

    def client(self, scope: Scope, service: str) -> Client:
        """Return the client of a service for a stack's account and Region."""
        key = (service, scope.account, scope.region)
        with self._lock:
            if key not in self._clients:
                # Nothing checks the secret.
                self._clients[key] = self._create(service, scope, Credentials(scope.account, "local", ""))
            return self._clients[key]

    def assume(self, scope: Scope, role_arn: str, session: str) -> Credentials:
        """Assume a role, as a service does for whom it works."""
        issued = self.client(scope, "sts").assume_role(RoleArn=role_arn, RoleSessionName=session)["Credentials"]
        return Credentials(issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])

    def client_as(self, credentials: Credentials, scope: Scope, service: str) -> Client:
        """Return a client that calls as a role's session, in a Region."""
        with self._lock:  # a session's loaders are not for several threads
            return self._create(service, scope, credentials)

    def _create(self, service: str, scope: Scope, credentials: Credentials) -> Client:
        return self._session.create_client(
            service,
            region_name=scope.region,
            endpoint_url=self.url,
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token or None,
            config=Config(
                retries={"max_attempts": 0},
                connect_timeout=5,
                read_timeout=60,
                max_pool_connections=20,
                s3={"addressing_style": "path"},
                proxies={},
                user_agent_extra=USER_AGENT,
            ),
        )

    def call(self, scope: Scope, service: str, operation: str, properties: Document) -> Document:
        """Call an operation with CloudFormation properties, shaped as the operation wants them."""
        client = self.client(scope, service)
        model = client.meta.service_model.operation_model(operation)
        shaped = shape(model.input_shape, properties) if model.input_shape else {}
        return method(client, operation)(**shaped)


def method(client: Client, operation: str) -> Callable[..., Document]:
    """Return a client's method for an operation of the API."""
    names = client.meta.method_to_api_mapping
    found: Callable[..., Document] = getattr(client, next(name for name, api in names.items() if api == operation))
    return found


def shape(wanted: Shape, value: Json) -> Json:
    """Turn a CloudFormation value into what an operation's input shape wants.

    Names are matched ignoring case, members that the API does not have are left out, text becomes
    numbers and booleans where those are wanted, documents become JSON text, and lists of tags
    become maps.
    """
    if isinstance(wanted, StructureShape):
        members = {name.lower(): (name, member) for name, member in wanted.members.items()}
        known = ((members[key.lower()], item) for key, item in value.items() if key.lower() in members)
        return {name: shape(member, item) for (name, member), item in known}
    if isinstance(wanted, ListShape):
        items = value if isinstance(value, list) else [value]
        return [shape(wanted.member, item) for item in items]
    if isinstance(wanted, MapShape):
        pairs = tags_as_map(value) if isinstance(value, list) else value
        return {key: shape(wanted.value, item) for key, item in pairs.items()}
    return scalar(wanted.type_name, value)


def scalar(kind: str, value: Json) -> Json:
    """Turn a CloudFormation value into a value of one of botocore's scalar kinds."""
    if kind == "string":
        return text(value)
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("double", "float"):
        return float(value)
    if kind == "boolean":
        return truth(value)
    return value


def text(value: Json) -> str:
    """Return a value as the text that APIs want: JSON for documents, lower-case booleans."""
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def truth(value: Json) -> bool:
    """Return a boolean that may be written as text."""
    return value if isinstance(value, bool) else str(value).lower() == "true"


def tags_as_map(tags: Json) -> dict[str, str]:
    """Return CloudFormation's list of tags, or a map of them, as a map."""
    if isinstance(tags, dict):
        return dict(tags)
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def tag_changes(old: Json, new: Json) -> tuple[dict[str, str], list[str]]:
    """Return the tags to set and the keys to remove."""
    before, after = tags_as_map(old), tags_as_map(new)
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    return changed, [key for key in before if key not in after]


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return a map of tags as a list of Key and Value."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def is_missing(error: ClientError) -> bool:
    """Tell whether an error says that the thing is not there."""
    details = error.response["Error"]
    said = f"{details.get('Code', '')} {details.get('Message', '')}"
    return any(word in said for word in _MISSING)
