"""One operation on a stack: create, update, delete, and the way back when it fails."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from slipway.local.engine.documents import Document, dependency_order
from slipway.local.engine.errors import ResourceError, TemplateError, reason_of
from slipway.local.engine.intrinsics import Resolver
from slipway.local.engine.planning import (
    check_same_type,
    resolved_outputs,
    resolved_properties,
)
from slipway.local.engine.resource_type import Catalogue, Created
from slipway.local.engine.schemas import needs_replacement
from slipway.local.engine.state import Output, Request, Resource, Stack, now

log = logging.getLogger(__name__)

RETAINING = ("Retain", "RetainExceptOnCreate")


@dataclass
class Deployment:
    """Brings a stack to what a request says.

    Attributes
    ----------
    check_exports
        Refuses outputs whose exports collide or are in use; called before the stack changes.
    """

    stack: Stack
    request: Request
    catalogue: Catalogue
    make_resolver: Callable[[dict[str, Resource]], Resolver]
    check_exports: Callable[[dict[str, Output]], None]
    kind: str = "UPDATE"
    _resources: dict[str, Resource] = field(default_factory=dict)
    _created: list[Resource] = field(default_factory=list)
    _updated: list[tuple[Resource, Resource]] = field(default_factory=list)
    _replaced: list[Resource] = field(default_factory=list)

    def run(self) -> bool:
        """Deploy; return whether it succeeded. The stack has its final status then."""
        stack = self.stack
        previous = dict(stack.resources)
        # Readers of the API see each resource as soon as it is there.
        stack.resources = self._resources = dict(previous)
        failing: str | None = None
        try:
            resolving = self.make_resolver(self._resources)
            wanted = resolving.active()
            for name in dependency_order(wanted):
                failing = name
                self._deploy(name, wanted[name], resolving)
            failing = None
            outputs = resolved_outputs(resolving)
            self.check_exports(outputs)
        except Exception as error:  # noqa: BLE001 - whatever is raised rolls the stack back
            log_failure(f"stack {stack.name}, resource {failing}", error)
            self._fail(failing, previous, reason_of(error))
            return False
        self._finish(wanted, previous, outputs)
        return True

    def _deploy(self, name: str, definition: Document, resolving: Resolver) -> None:
        present = self._resources.get(name)
        properties = resolved_properties(self.stack, self.request, resolving, definition)
        if present is None:
            self._create(name, definition, properties)
            return
        check_same_type(present, definition)
        if properties == present.properties:
            self._resources[name] = replace(present, definition=definition)
        elif needs_replacement(present.type, self.stack.region, present.properties, properties):
            self._replace(present, definition, properties)
        else:
            self._update(present, definition, properties)

    def _create(self, name: str, definition: Document, properties: Document) -> None:
        resource = Resource(name, definition["Type"], "", {}, properties, definition)
        found = self._importable(resource)
        if found is not None:
            # Not noted as created: a rollback lets go of it, and does not delete it.
            resource.physical_id, resource.attributes = found.physical_id, found.attributes
            self._resources[name] = resource
            self.stack.record(resource, "IMPORT_COMPLETE", "Resource import completed.")
            return
        self.stack.record(resource, "CREATE_IN_PROGRESS")
        self._make(resource)
        self.stack.record(resource, "CREATE_COMPLETE")

    def _importable(self, resource: Resource) -> Created | None:
        kept = resource.definition.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")
        kind = self.catalogue[resource.type]
        if not (self.request.import_existing and kept and resource.properties.get(kind.name_property or "")):
            return None
        return kind.existing(self.stack.scope, resource.properties)

    def _make(self, resource: Resource) -> None:
        made = self.catalogue[resource.type].create(self.stack.scope, resource.logical_id, resource.properties)
        resource.physical_id, resource.attributes = made.physical_id, made.attributes
        self._created.append(resource)
        self._resources[resource.logical_id] = resource

    def _replace(self, present: Resource, definition: Document, properties: Document) -> None:
        self._refuse_same_name(present, properties)
        self.stack.record(
            present,
            "UPDATE_IN_PROGRESS",
            "Requested update requires the creation of a new physical resource; hence creating one.",
        )
        successor = Resource(present.logical_id, present.type, "", {}, properties, definition)
        self._make(successor)
        self._replaced.append(present)
        self.stack.record(successor, "UPDATE_COMPLETE")

    def _refuse_same_name(self, present: Resource, properties: Document) -> None:
        key = self.catalogue[present.type].name_property
        if key and properties.get(key) and properties[key] == present.properties.get(key):
            raise ResourceError(
                "CloudFormation cannot update a stack when a custom-named resource requires "
                f"replacing. Rename {properties[key]} and update the stack again."
            )

    def _update(self, present: Resource, definition: Document, properties: Document) -> None:
        changed = Resource(
            present.logical_id,
            present.type,
            present.physical_id,
            present.attributes,
            properties,
            definition,
        )
        self.stack.record(changed, "UPDATE_IN_PROGRESS")
        # Noted before the attempt: an update that fails half-way has to be taken back as well.
        self._updated.append((present, changed))
        attributes = self.catalogue[present.type].update(
            self.stack.scope, present.physical_id, present.properties, properties
        )
        changed.attributes = {**present.attributes, **attributes}
        self._resources[present.logical_id] = changed
        self.stack.record(changed, "UPDATE_COMPLETE")

    # -- the end, when it went well

    def _finish(self, wanted: dict[str, Document], previous: dict[str, Resource], outputs: dict[str, Output]) -> None:
        stack = self.stack
        removed = [old for name, old in previous.items() if name not in wanted]
        superseded = [*self._replaced, *stack.superseded]
        if self.kind == "UPDATE":
            stack.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        policies = {id(old): "DeletionPolicy" for old in removed}
        for old in _users_first(previous, removed + superseded):
            policy = old.definition.get(policies.get(id(old), "UpdateReplacePolicy"), "Delete")
            # A failed clean-up does not fail the deployment: CloudFormation gives up on it.
            remove(stack, self.catalogue, old, retain=policy in RETAINING)
        for old in removed:
            self._resources.pop(old.logical_id, None)
        stack.superseded = []
        stack.outputs = outputs
        stack.request = self.request
        stack.updated = now()
        stack.set_status(f"{self.kind}_COMPLETE")

    # -- the way back

    def _fail(self, failing: str | None, previous: dict[str, Resource], reason: str) -> None:
        stack = self.stack
        if failing is not None:
            self._record_failure(failing, previous, reason)
            reason = f"The following resource(s) failed to {self.kind.lower()}: [{failing}]. "
        if self.request.disable_rollback:
            stack.superseded += self._replaced
            if self.kind == "CREATE":
                stack.request = self.request
            stack.set_status(f"{self.kind}_FAILED", reason)
            return
        prefix = "" if self.kind == "CREATE" else "UPDATE_"
        stack.begin(f"{prefix}ROLLBACK_IN_PROGRESS", reason)
        ok = self._take_back_updates(previous)
        if self.kind == "UPDATE":
            stack.set_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        ok = self._take_back_creations(previous) and ok
        stack.resources = previous if self.kind == "UPDATE" else {}
        if self.kind == "CREATE":
            stack.request = self.request
        stack.updated = now()
        stack.set_status(f"{prefix}ROLLBACK_{'COMPLETE' if ok else 'FAILED'}")

    def _record_failure(self, name: str, previous: dict[str, Resource], reason: str) -> None:
        definition = self.request.template["Resources"][name]
        present = previous.get(name)
        attempt = Resource(name, definition["Type"], present.physical_id if present else "", {}, {}, definition)
        self.stack.record(attempt, f"{'UPDATE' if present else 'CREATE'}_FAILED", reason)

    def _take_back_updates(self, previous: dict[str, Resource]) -> bool:
        ok = True
        for old, changed in reversed(self._updated):
            self.stack.record(changed, "UPDATE_IN_PROGRESS")
            try:
                self.catalogue[old.type].update(self.stack.scope, old.physical_id, changed.properties, old.properties)
            except Exception as error:  # noqa: BLE001 - the other resources are still taken back
                ok = False
                self.stack.record(changed, "UPDATE_FAILED", reason_of(error))
            else:
                self._resources[old.logical_id] = previous[old.logical_id] = old
                self.stack.record(old, "UPDATE_COMPLETE")
        for old in self._replaced:
            self.stack.record(old, "UPDATE_COMPLETE")
        return ok

    def _take_back_creations(self, previous: dict[str, Resource]) -> bool:
        replacing = {old.logical_id for old in self._replaced}
        ok = True
        for made in reversed(self._created):
            # On rollback Retain keeps what the operation made; RetainExceptOnCreate does not.
            key = "UpdateReplacePolicy" if made.logical_id in replacing else "DeletionPolicy"
            retain = made.definition.get(key) == "Retain" and not self.request.delete_new_on_rollback
            ok = remove(self.stack, self.catalogue, made, retain=retain) and ok
            if made.logical_id in previous:
                self._resources[made.logical_id] = previous[made.logical_id]
            else:
                self._resources.pop(made.logical_id, None)
        return ok


def delete(stack: Stack, catalogue: Catalogue, keep: frozenset[str] = frozenset()) -> bool:
    """Remove a stack's resources, those that use others first; return whether all went.

    Parameters
    ----------
    keep
        Logical ids to leave behind (the API's RetainResources).
    """
    failed: list[str] = []
    for resource in _users_first(stack.resources, [*stack.resources.values(), *stack.superseded]):
        policy = resource.definition.get("DeletionPolicy", "Delete")
        retain = policy in RETAINING or resource.logical_id in keep
        if remove(stack, catalogue, resource, retain=retain):
            if stack.resources.get(resource.logical_id) is resource:
                del stack.resources[resource.logical_id]
        else:
            failed.append(resource.logical_id)
    if failed:
        stack.set_status(
            "DELETE_FAILED",
            f"The following resource(s) failed to delete: [{', '.join(failed)}]. ",
        )
        return False
    stack.superseded = []
    stack.deleted = now()
    stack.set_status("DELETE_COMPLETE")
    return True


def remove(stack: Stack, catalogue: Catalogue, resource: Resource, *, retain: bool) -> bool:
    """Remove one resource, or leave it behind; return False when removing failed."""
    if retain:
        stack.record(resource, "DELETE_SKIPPED")
        return True
    stack.record(resource, "DELETE_IN_PROGRESS")
    try:
        catalogue[resource.type].delete(stack.scope, resource.physical_id, resource.properties)
    except Exception as error:  # noqa: BLE001 - one failure must not keep the rest
        log_failure(f"deleting {resource.logical_id} of stack {stack.name}", error)
        stack.record(resource, "DELETE_FAILED", reason_of(error))
        return False
    stack.record(resource, "DELETE_COMPLETE")
    return True


def log_failure(what: str, error: Exception) -> None:
    """Log a failure; with its traceback when no API and no template is to blame for it."""
    expected = isinstance(error, (TemplateError, ResourceError)) or hasattr(error, "response")
    log.info("%s: %s", what, reason_of(error), exc_info=None if expected else error)


def _users_first(known: dict[str, Resource], chosen: list[Resource]) -> list[Resource]:
    """Sort resources so that what uses another comes before it."""
    try:
        order = dependency_order({name: r.definition for name, r in known.items()})
    except TemplateError:
        order = list(known)
    place = {name: index for index, name in enumerate(order)}
    return sorted(chosen, key=lambda r: -place.get(r.logical_id, 0))
