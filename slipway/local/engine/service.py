"""CloudFormation of one account and Region: its stacks, and the operations on them."""

import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace

from slipway.local.engine import deployment
from slipway.local.engine.documents import Json
from slipway.local.engine.errors import TemplateError, reason_of
from slipway.local.engine.intrinsics import Resolver
from slipway.local.engine.planning import changes, partition, resolved_outputs, resolver
from slipway.local.engine.resource_type import Catalogue
from slipway.local.engine.state import Change, ChangeSet, Output, Request, Resource, Stack

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
# How long a request waits for the operation that it started. Most are done by then, so clients
# need not poll; longer ones go on in the background, as they do at the service.
PATIENCE_SECONDS = 3.0
# Deleted stacks are found by id for a while; the service keeps them ninety days.
_KEPT_DELETED = 100
_UPDATABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "CREATE_FAILED",
    "UPDATE_FAILED",
    "IMPORT_COMPLETE",
}


class CloudFormation:
    """The stacks of one account and Region.

    Parameters
    ----------
    account
        Twelve digits.
    region
        For example eu-west-1.
    catalogue
        The resource types that can be deployed.
    stored_parameter
        Reads a Systems Manager parameter of this account and Region; None when there is none.
    sibling
        Returns the same account's CloudFormation in another Region.
    """

    def __init__(
        self,
        account: str,
        region: str,
        catalogue: Catalogue,
        stored_parameter: Callable[[str], str | None],
        sibling: Callable[[str], "CloudFormation"],
    ) -> None:
        self.account = account
        self.region = region
        self.stacks: dict[str, Stack] = {}
        self.deleted: dict[str, Stack] = {}
        self._catalogue = catalogue
        self._stored_parameter = stored_parameter
        self._sibling = sibling
        self._lock = threading.RLock()

    # -- finding

    def named(self, name: str) -> Stack | None:
        """Return the stack with a name or id, deleted ones only by id."""
        if name in self.stacks or name in self.deleted:
            return self.stacks.get(name) or self.deleted[name]
        return next((s for s in list(self.stacks.values()) if s.name == name), None)

    def find(self, name: str) -> Stack:
        """Return the stack with a name or id.

        Raises
        ------
        TemplateError
            When there is none.
        """
        stack = self.named(name)
        if stack is None:
            raise TemplateError(f"Stack with id {name} does not exist")
        return stack

    def owner_of(self, physical_id: str) -> tuple[Stack, Resource]:
        """Return the resource with a physical id, and its stack."""
        for stack in [*self.stacks.values(), *self.deleted.values()]:
            for resource in list(stack.resources.values()):
                if resource.physical_id == physical_id:
                    return stack, resource
        raise TemplateError(f"Stack for {physical_id} does not exist")

    def find_change_set(self, name: str, stack_name: str | None) -> tuple[Stack, ChangeSet]:
        """Return a change set by its id, or by its name and its stack.

        Raises
        ------
        TemplateError
            With code ChangeSetNotFound.
        """
        stacks: Iterable[Stack] = list(self.stacks.values())
        if stack_name:
            stacks = [self.find(stack_name)]
        for stack in stacks:
            for change_set in stack.change_sets.values():
                if name == change_set.change_set_id or (stack_name and name == change_set.name):
                    return stack, change_set
        raise TemplateError(f"ChangeSet [{name}] does not exist", "ChangeSetNotFound")

    # -- what templates see of other stacks

    def exported(self, name: str) -> str:
        """Return the value of an export."""
        for stack in list(self.stacks.values()):
            if name in stack.exports:
                return stack.exports[name]
        raise TemplateError(f"No export named {name} found.")

    def output(self, stack_name: str, output: str, region: str | None) -> str:
        """Return an output of a stack."""
        if region and region != self.region:
            return self._sibling(region).output(stack_name, output, None)
        stack = self.named(stack_name)
        if stack is None or output not in stack.outputs:
            raise TemplateError(f"Stack output {stack_name}.{output} does not exist")
        return stack.outputs[output].value

    def importers(self, export: str) -> list[str]:
        """Return the names of the stacks that import an export."""
        return [
            stack.name for stack in list(self.stacks.values()) if stack.resources and _imports(stack.template, export)
        ]

    # -- stacks

    def create_stack(self, name: str, request: Request, *, termination_protection: bool = False) -> Stack:
        """Create a stack from a template.

        Raises
        ------
        TemplateError
            With code AlreadyExistsException, or when the template is not valid.
        """
        with self._lock:
            if self.named(name):
                raise TemplateError(f"Stack [{name}] already exists", "AlreadyExistsException")
            stack = self._new_stack(name, request)
            # Refuse before anything exists, as the service validates templates first.
            changes(stack, request, self._resolver(stack, request, planning=True), self._catalogue)
            stack.termination_protection = termination_protection
            self.stacks[stack.stack_id] = stack
            stack.begin("CREATE_IN_PROGRESS")
        self._run(stack, request, "CREATE")
        return stack

    def update_stack(self, name: str, request: Request) -> Stack:
        """Update a stack.

        Raises
        ------
        TemplateError
            When nothing changes, the stack cannot be updated now, or the template is not valid.
        """
        stack = self.find(name)
        with stack.lock:
            _refuse_unless_updatable(stack)
            if not self._differences(stack, request)[1]:
                raise TemplateError("No updates are to be performed.")
            stack.begin("UPDATE_IN_PROGRESS")
        self._run(stack, request, "UPDATE")
        return stack

    def delete_stack(self, name: str, keep: frozenset[str] = frozenset()) -> None:
        """Delete a stack; do nothing when there is none.

        Raises
        ------
        TemplateError
            When the stack is protected or an operation is in progress.
        """
        stack = self.named(name)
        if stack is None or stack.stack_id in self.deleted:
            return
        with stack.lock:
            if stack.termination_protection:
                raise TemplateError(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
            if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
                raise TemplateError(f"Stack [{stack.stack_id}] cannot be deleted while in status {stack.status}")
            stack.begin("DELETE_IN_PROGRESS")
            for export in stack.exports:
                users = [user for user in self.importers(export) if user != stack.name]
                if users:
                    stack.set_status(
                        "DELETE_FAILED",
                        f"Delete canceled. Cannot delete export {export} as it is in use by {', '.join(users)}.",
                    )
                    return

        def work() -> None:
            if deployment.delete(stack, self._catalogue, keep):
                with self._lock:
                    self.deleted[stack.stack_id] = self.stacks.pop(stack.stack_id)
                    for oldest in list(self.deleted)[:-_KEPT_DELETED]:
                        del self.deleted[oldest]

        _in_background(work)

    # -- change sets

    def create_change_set(
        self, stack_name: str, name: str, kind: str, request: Request, description: str | None
    ) -> tuple[Stack, ChangeSet]:
        """Create a change set; a CREATE one makes an empty stack in review.

        What is wrong with the template makes the change set FAILED, as at the service.

        Raises
        ------
        TemplateError
            When the stack is missing, cannot be updated, or exists although kind is CREATE.
        """
        if kind not in ("CREATE", "UPDATE"):
            raise TemplateError(f"The local CloudFormation has no change sets of type {kind}.")
        with self._lock:
            stack = self.named(stack_name)
            if kind == "CREATE":
                if stack is not None and stack.status != "REVIEW_IN_PROGRESS":
                    raise TemplateError(
                        f"Stack [{stack_name}] already exists and cannot be created again with the changeSet [{name}].",
                        "AlreadyExistsException",
                    )
                if stack is None:
                    stack = self._new_stack(stack_name, request)
                    stack.begin("REVIEW_IN_PROGRESS")
                    self.stacks[stack.stack_id] = stack
        if stack is None:
            raise TemplateError(f"Stack [{stack_name}] does not exist")
        with stack.lock:
            if kind != "CREATE":
                _refuse_unless_updatable(stack)
            if any(known.name == name for known in stack.change_sets.values()):
                raise TemplateError(f"ChangeSet [{name}] already exists", "AlreadyExistsException")
            arn = self._arn(f"changeSet/{name}/{uuid.uuid4()}")
            change_set = ChangeSet(arn, name, kind, description, request)
            self._fill(stack, change_set)
            stack.change_sets[arn] = change_set
        return stack, change_set

    def _fill(self, stack: Stack, change_set: ChangeSet) -> None:
        try:
            change_set.changes, different = self._differences(stack, change_set.request)
        except TemplateError as error:
            reason = reason_of(error)
        else:
            if different or change_set.kind == "CREATE":
                return
            reason = NO_CHANGES
        change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
        change_set.status_reason = reason

    def execute_change_set(
        self, name: str, stack_name: str | None, *, disable_rollback: bool, delete_new: bool
    ) -> None:
        """Deploy what a change set says; the stack's other change sets are dropped.

        Raises
        ------
        TemplateError
            With code InvalidChangeSetStatus when it cannot be executed.
        """
        stack, change_set = self.find_change_set(name, stack_name)
        with stack.lock:
            if change_set.execution_status != "AVAILABLE":
                raise TemplateError(
                    f"ChangeSet [{change_set.change_set_id}] cannot be executed in its current "
                    f"execution status of [{change_set.execution_status}]",
                    "InvalidChangeSetStatus",
                )
            kind = "CREATE" if stack.status == "REVIEW_IN_PROGRESS" else "UPDATE"
            if kind == "UPDATE":
                _refuse_unless_updatable(stack)
            change_set.execution_status = "EXECUTE_IN_PROGRESS"
            stack.change_sets = {change_set.change_set_id: change_set}
            stack.begin(f"{kind}_IN_PROGRESS")
        request = replace(
            change_set.request,
            disable_rollback=disable_rollback,
            delete_new_on_rollback=delete_new,
        )

        def done(succeeded: bool) -> None:  # noqa: FBT001 - a callback with the one outcome
            change_set.execution_status = "EXECUTE_COMPLETE" if succeeded else "EXECUTE_FAILED"

        self._run(stack, request, kind, done)

    # -- inside

    def _new_stack(self, name: str, request: Request) -> Stack:
        empty = replace(request, text="", template={"Resources": {}}, parameters={})
        stack_id = self._arn(f"stack/{name}/{uuid.uuid4()}")
        return Stack(stack_id, name, self.account, self.region, empty)

    def _arn(self, rest: str) -> str:
        where = partition(self.region)
        return f"arn:{where}:cloudformation:{self.region}:{self.account}:{rest}"

    def _resolver(
        self,
        stack: Stack,
        request: Request,
        resources: dict[str, Resource] | None = None,
        *,
        planning: bool = False,
    ) -> Resolver:
        known = stack.resources if resources is None else resources
        return resolver(stack, request, known, self, self._stored_parameter, planning=planning)

    def _differences(self, stack: Stack, request: Request) -> tuple[list[Change], bool]:
        """Return the changes to resources, and whether anything at all differs."""
        resolving = self._resolver(stack, request, planning=True)
        found = changes(stack, request, resolving, self._catalogue)
        outputs = resolved_outputs(resolving)
        different = (
            bool(found)
            or outputs != stack.outputs
            or dict(request.tags) != dict(stack.request.tags)
            or stack.status in ("CREATE_FAILED", "UPDATE_FAILED")
        )
        return found, different

    def _run(
        self,
        stack: Stack,
        request: Request,
        kind: str,
        done: Callable[[bool], None] = lambda _: None,
    ) -> None:
        operation = deployment.Deployment(
            stack=stack,
            request=request,
            catalogue=self._catalogue,
            make_resolver=lambda resources: self._resolver(stack, request, resources),
            check_exports=lambda outputs: self._check_exports(stack, outputs),
            kind=kind,
        )
        _in_background(lambda: done(operation.run()))

    def _check_exports(self, stack: Stack, outputs: dict[str, Output]) -> None:
        wanted = {o.export: o.value for o in outputs.values() if o.export}
        for other in list(self.stacks.values()):
            if other is stack:
                continue
            for export in sorted(set(wanted) & set(other.exports)):
                raise TemplateError(
                    f"Export with name {export} is already exported by stack {other.name}. "
                    "Rule: Export names must be unique across a given region"
                )
        for export, value in stack.exports.items():
            if wanted.get(export) == value:
                continue
            users = [user for user in self.importers(export) if user != stack.name]
            if users:
                verb = "updated" if export in wanted else "deleted"
                raise TemplateError(f"Export {export} cannot be {verb} as it is in use by {', '.join(users)}")


def _refuse_unless_updatable(stack: Stack) -> None:
    if stack.status not in _UPDATABLE:
        raise TemplateError(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")


def _in_background(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, daemon=True, name="cloudformation")
    thread.start()
    thread.join(PATIENCE_SECONDS)


def _imports(value: Json, export: str) -> bool:
    if isinstance(value, list):
        return any(_imports(item, export) for item in value)
    if isinstance(value, dict):
        return any(
            (key == "Fn::ImportValue" and item == export) or _imports(item, export) for key, item in value.items()
        )
    return False
