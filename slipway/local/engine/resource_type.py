"""The interface between the engine and what makes resources."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from slipway.local.engine.documents import Document, Json
from slipway.local.engine.errors import TemplateError


@dataclass(frozen=True)
class Scope:
    """For which stack, and where, a resource is made."""

    account: str
    region: str
    stack_name: str
    stack_id: str


@dataclass(frozen=True)
class Created:
    """A resource that was made: what Ref and Fn::GetAtt answer for it."""

    physical_id: str
    attributes: Mapping[str, Json]


class ResourceType(ABC):
    """Makes, changes and removes the resources of one type.

    Attributes
    ----------
    name_property
        The property with which a user names the resource; None when there is none.
    """

    name_property: str | None = None

    @abstractmethod
    def create(self, scope: Scope, logical_id: str, properties: Document) -> Created:
        """Make a resource; leave nothing behind when it fails."""

    def existing(self, scope: Scope, properties: Document) -> Created | None:
        """Return what is there already under the name that the properties give, for types that can be imported."""
        del scope, properties
        return None

    @abstractmethod
    def update(self, scope: Scope, physical_id: str, old: Document, new: Document) -> Mapping[str, Json]:
        """Change a resource in place; return the attributes that may have changed."""

    @abstractmethod
    def delete(self, scope: Scope, physical_id: str, properties: Document) -> None:
        """Remove a resource; do nothing when it is gone already."""


class Catalogue:
    """The resource types that are there.

    Parameters
    ----------
    types
        By CloudFormation's name of the type.
    """

    def __init__(self, types: Mapping[str, ResourceType]) -> None:
        self._types = types

    def __getitem__(self, name: str) -> ResourceType:
        if name not in self._types:
            raise TemplateError(
                f"Resource type {name} is not supported by the local CloudFormation. "
                f"Add it to slipway/local/resources, or deploy this stack to AWS."
            )
        return self._types[name]

    def __contains__(self, name: str) -> bool:
        return name in self._types
