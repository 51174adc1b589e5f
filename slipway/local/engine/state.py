"""What the engine remembers: stacks, their resources, events, outputs and change sets."""

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from slipway.local.engine.documents import Document, Json
from slipway.local.engine.resource_type import Scope

STACK_TYPE = "AWS::CloudFormation::Stack"


def now() -> datetime:
    """Return the time, as the API's timestamps have it."""
    return datetime.now(UTC)


@dataclass
class Resource:
    """A resource of a stack, with the properties that it was last given."""

    logical_id: str
    type: str
    physical_id: str
    attributes: Mapping[str, Json]
    properties: Document
    definition: Document
    status: str = "CREATE_COMPLETE"
    updated: datetime = field(default_factory=now)


@dataclass(frozen=True)
class Event:
    """One line of a stack's history."""

    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    operation_id: str
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    time: datetime = field(default_factory=now)


@dataclass(frozen=True)
class Output:
    """An output of a stack."""

    key: str
    value: str
    description: str | None
    export: str | None


@dataclass(frozen=True)
class Request:
    """What a deployment is asked to make of a stack."""

    text: str
    template: Document
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    role_arn: str | None = None
    notification_arns: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    disable_rollback: bool = False
    # The API's RetainExceptOnCreate: on rollback also delete what its policy would retain.
    delete_new_on_rollback: bool = False
    # The API's ImportExistingResources: take over what is there under a literal name and would be retained.
    import_existing: bool = False


@dataclass(frozen=True)
class Change:
    """What an update would do to one resource."""

    action: str
    logical_id: str
    type: str
    physical_id: str | None = None
    replacement: bool = False
    properties: tuple[str, ...] = ()


@dataclass
class ChangeSet:
    """A change set; its changes stay as they were when it was created."""

    change_set_id: str
    name: str
    kind: str
    description: str | None
    request: Request
    changes: list[Change] = field(default_factory=list)
    status: str = "CREATE_COMPLETE"
    execution_status: str = "AVAILABLE"
    status_reason: str | None = None
    created: datetime = field(default_factory=now)


@dataclass
class Stack:
    """A stack."""

    stack_id: str
    name: str
    account: str
    region: str
    request: Request
    status: str = "REVIEW_IN_PROGRESS"
    status_reason: str | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    # Replaced resources that a deployment without rollback left; the next success removes them.
    superseded: list[Resource] = field(default_factory=list)
    termination_protection: bool = False
    operation_id: str = ""
    created: datetime = field(default_factory=now)
    updated: datetime | None = None
    deleted: datetime | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def scope(self) -> Scope:
        """For whom its resources are made."""
        return Scope(self.account, self.region, self.name, self.stack_id)

    @property
    def template(self) -> Document:
        """The parsed template of the last deployment."""
        return self.request.template

    @property
    def exports(self) -> dict[str, str]:
        """Its exported outputs, by export name."""
        return {o.export: o.value for o in self.outputs.values() if o.export}

    def begin(self, status: str, reason: str | None = "User Initiated") -> None:
        """Begin an operation: what follows in the events carries an id of its own.

        As at the service, a rollback is an operation of its own. The CDK CLI reads the failures of the newest
        operation, and of the one before when the newest is a rollback.
        """
        self.operation_id = str(uuid.uuid4())
        self.set_status(status, reason)

    def set_status(self, status: str, reason: str | None = None) -> None:
        """Move the stack on, and say so in its events."""
        self.status, self.status_reason = status, reason
        self.events.append(Event(self.name, self.stack_id, STACK_TYPE, status, reason, self.operation_id))

    def record(self, resource: Resource, status: str, reason: str | None = None) -> None:
        """Say in the events what became of a resource."""
        resource.status, resource.updated = status, now()
        where = resource.logical_id, resource.physical_id, resource.type
        self.events.append(Event(*where, status, reason, self.operation_id))
