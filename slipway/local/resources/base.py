"""What resource types have in common: names, and create, update and delete as one API call each."""

# ruff: noqa: ARG002, D102 - hooks, described where engine.resource_type and base define them

import contextlib
import secrets
import string
from abc import abstractmethod
from collections.abc import Callable, Mapping

from botocore.exceptions import ClientError

from slipway.local.engine.documents import Document, Json
from slipway.local.engine.errors import ResourceError
from slipway.local.engine.resource_type import Created, ResourceType, Scope
from slipway.local.resources.calls import Calls, Client, is_missing

_LETTERS = string.ascii_uppercase + string.digits


def generated_name(scope: Scope, logical_id: str, longest: int = 64, *, lower: bool = False) -> str:
    """Return a name as CloudFormation makes it: stack, logical id, twelve random characters."""
    ending = "".join(secrets.choice(_LETTERS) for _ in range(12))
    name = f"{f'{scope.stack_name}-{logical_id}'[: longest - 13]}-{ending}"
    return name.lower() if lower else name


class ApiType(ResourceType):
    """A resource that one operation makes, one changes, and one removes.

    Subclasses state the operations; they override the hooks below where the API differs.

    Attributes
    ----------
    service
        botocore's name of the service.
    create_operation, update_operation, delete_operation
        The API's names. Without an update operation, ``configure`` does what can be changed.
    longest_name
        The length that generated names are cut to.
    """

    service = ""
    create_operation = ""
    update_operation: str | None = None
    delete_operation = ""
    longest_name = 64
    lower_case_names = False

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    def client(self, scope: Scope) -> Client:
        """Return the client of the type's own service."""
        return self.calls.client(scope, self.service)

    def named(self, scope: Scope, logical_id: str, properties: Document) -> Document:
        """Return the properties with a generated name where the user gave none."""
        key = self.name_property
        if key is None or properties.get(key):
            return properties
        name = generated_name(scope, logical_id, self.longest_name, lower=self.lower_case_names)
        return {**properties, key: name}

    def create(self, scope: Scope, logical_id: str, properties: Document) -> Created:
        given = properties.get(self.name_property or "")
        if given and self.exists(scope, given):
            raise ResourceError(f"{given} already exists")
        properties = self.named(scope, logical_id, properties)
        answer = self.calls.call(scope, self.service, self.create_operation, self.parameters(scope, properties))
        made = self.identify(scope, properties, answer or {})
        try:
            self.configure(scope, made.physical_id, {}, properties)
        except Exception:
            # The engine never hears of what failed half-way, so it could not remove it.
            with contextlib.suppress(ClientError):
                self.delete(scope, made.physical_id, properties)
            raise
        return made

    def update(self, scope: Scope, physical_id: str, old: Document, new: Document) -> Mapping[str, Json]:
        if self.name_property:
            new = {**new, self.name_property: self.name_of(physical_id)}
        if self.update_operation:
            self.calls.call(scope, self.service, self.update_operation, self.parameters(scope, new))
        self.configure(scope, physical_id, old, new)
        return {}

    def delete(self, scope: Scope, physical_id: str, properties: Document) -> None:
        try:
            self.calls.call(
                scope,
                self.service,
                self.delete_operation,
                self.key(physical_id, properties),
            )
        except ClientError as error:
            if not is_missing(error):
                raise

    # -- hooks

    def exists(self, scope: Scope, name: str) -> bool:
        """Tell whether something of this name is there.

        For APIs whose create operation would take it over; CloudFormation refuses to.
        """
        return False

    def parameters(self, scope: Scope, properties: Document) -> Document:
        """Return the input of the create and update operations, before it is shaped."""
        return properties

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        """Return what Ref and Fn::GetAtt answer; the name and nothing, unless overridden."""
        return Created(properties[self.name_property or ""], {})

    def name_of(self, physical_id: str) -> str:
        """Return the name in a physical id, where that is an ARN or a URL."""
        return physical_id

    def key(self, physical_id: str, properties: Document) -> Document:
        """Return the input of the delete operation."""
        return {self.name_property or "": self.name_of(physical_id)}

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        """Set what the operations do not; ``old`` is empty after creation."""


def found(call: Callable[[], object]) -> bool:
    """Tell whether a call finds something; its error says when it does not."""
    try:
        call()
    except ClientError:
        return False
    return True


class PolicyType(ResourceType):
    """A policy that is put on other resources and has no existence of its own."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    def create(self, scope: Scope, logical_id: str, properties: Document) -> Created:
        self.put(scope, {}, properties)
        identity = generated_name(scope, logical_id)
        return Created(identity, {"Id": identity})

    def update(
        self,
        scope: Scope,
        physical_id: str,
        old: Document,
        new: Document,
    ) -> Mapping[str, Json]:
        self.put(scope, old, new)
        return {}

    def delete(self, scope: Scope, physical_id: str, properties: Document) -> None:
        self.put(scope, properties, {})

    @abstractmethod
    def put(self, scope: Scope, old: Document, new: Document) -> None:
        """Put the new policy where it belongs; take the old one from where it no longer does."""


class Nothing(ResourceType):
    """A type that only has to be accepted (``AWS::CDK::Metadata``)."""

    def create(self, scope: Scope, logical_id: str, properties: Document) -> Created:
        identity = generated_name(scope, logical_id)
        return Created(identity, {"Id": identity})

    def update(
        self,
        scope: Scope,
        physical_id: str,
        old: Document,
        new: Document,
    ) -> Mapping[str, Json]:
        return {}

    def delete(self, scope: Scope, physical_id: str, properties: Document) -> None:
        """Do nothing."""
