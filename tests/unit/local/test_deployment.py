"""Deployments of stacks whose resources exist only in a dictionary."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from slipway.local.engine.documents import Document
from slipway.local.engine.errors import ResourceError, TemplateError
from slipway.local.engine.resource_type import Catalogue, Created, ResourceType, Scope
from slipway.local.engine.service import CloudFormation
from slipway.local.engine.state import Request, Stack

# Its schema says that Name is set once; nothing else here needs a real type.
KIND = "AWS::SNS::Topic"


class Shelf(ResourceType):
    """Things on a shelf; a thing whose DisplayName is "bad" cannot be made or set."""

    name_property = "TopicName"

    def __init__(self) -> None:
        self.things: dict[str, Document] = {}
        self.made = 0
        self.stuck: set[str] = set()

    def create(self, scope: Scope, logical_id: str, properties: Document) -> Created:
        self._refuse_bad(properties)
        self.made += 1
        identity = f"{scope.stack_name}/{logical_id}/{self.made}"
        self.things[identity] = properties
        return Created(identity, {"TopicName": properties.get("DisplayName", "")})

    def update(
        self,
        scope: Scope,  # noqa: ARG002
        physical_id: str,
        old: Document,  # noqa: ARG002
        new: Document,
    ) -> Mapping[str, Any]:
        self.things[physical_id] = new  # what fails half-way leaves a trace
        self._refuse_bad(new)
        return {"TopicName": new.get("DisplayName", "")}

    def delete(self, scope: Scope, physical_id: str, properties: Document) -> None:  # noqa: ARG002
        if physical_id in self.stuck:
            raise ResourceError("is in use")
        self.things.pop(physical_id, None)

    @staticmethod
    def _refuse_bad(properties: Document) -> None:
        if properties.get("DisplayName") == "bad":
            raise ResourceError("bad is not a name")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def service(shelf: Shelf) -> CloudFormation:
    def sibling(_: str) -> CloudFormation:
        raise AssertionError

    catalogue = Catalogue({KIND: shelf})
    return CloudFormation("111122223333", "eu-west-1", catalogue, lambda _: None, sibling)


def request(resources: Document, **sections: Any) -> Request:
    return Request(text="", template={"Resources": resources, **sections}, parameters={}, tags={})


def thing(name: Any = "good", *, after: str | None = None, **node: Any) -> Document:
    made = {"Type": KIND, "Properties": {"DisplayName": name}, **node}
    return {**made, "DependsOn": after} if after else made


def create(service: CloudFormation, resources: Document) -> Stack:
    return service.create_stack("s", request(resources))


def names(shelf: Shelf) -> list[Any]:
    return sorted(str(t.get("DisplayName")) for t in shelf.things.values())


def test_changed_attributes_reach_those_who_read_them(service: CloudFormation, shelf: Shelf) -> None:
    reader = {"Type": KIND, "Properties": {"DisplayName": {"Fn::GetAtt": ["A", "TopicName"]}}}
    create(service, {"A": thing("one"), "B": reader})
    service.update_stack("s", request({"A": thing("two"), "B": reader}))
    assert names(shelf) == ["two", "two"]
    assert shelf.made == 2


def test_an_update_that_fails_half_way_is_taken_back(service: CloudFormation, shelf: Shelf) -> None:
    stack = create(service, {"A": thing("one"), "B": thing("two", after="A")})
    service.update_stack("s", request({"A": thing("new"), "B": thing("bad", after="A")}))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert names(shelf) == ["one", "two"]
    assert stack.request.template["Resources"]["A"] == thing("one")


def test_what_cannot_be_taken_back_is_a_failed_rollback(service: CloudFormation, shelf: Shelf) -> None:
    stack = create(service, {"A": thing("one")})
    shelf.stuck.add("s/New/2")
    service.update_stack("s", request({"A": thing("one"), "New": thing(), "Z": thing("bad")}))
    assert stack.status == "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(TemplateError, match="UPDATE_ROLLBACK_FAILED state"):
        service.update_stack("s", request({"A": thing("two")}))


def test_a_policy_alone_is_a_change_and_is_taken_back_as_well(service: CloudFormation) -> None:
    stack = create(service, {"A": thing()})
    kept = thing(DeletionPolicy="Retain")
    service.update_stack("s", request({"A": kept, "Z": thing("bad", after="A")}))
    assert "DeletionPolicy" not in stack.resources["A"].definition
    service.update_stack("s", request({"A": kept}))
    assert stack.resources["A"].definition["DeletionPolicy"] == "Retain"
    assert stack.status == "UPDATE_COMPLETE"


def test_what_cannot_be_removed_does_not_fail_an_update_but_a_deletion(service: CloudFormation, shelf: Shelf) -> None:
    stack = create(service, {"A": thing(), "B": thing()})
    shelf.stuck |= {"s/B/2"}
    service.update_stack("s", request({"A": thing()}))
    assert stack.status == "UPDATE_COMPLETE"
    assert ("B", "DELETE_FAILED") in [(e.logical_id, e.status) for e in stack.events]
    shelf.stuck |= {"s/A/1"}
    service.delete_stack("s")
    assert stack.status == "DELETE_FAILED"
    shelf.stuck.clear()
    service.delete_stack("s")
    assert stack.status == "DELETE_COMPLETE"


def test_on_rollback_what_the_operation_made_may_be_deleted_though_retained(
    service: CloudFormation, shelf: Shelf
) -> None:
    resources = {"A": thing(DeletionPolicy="Retain"), "Z": thing("bad", after="A")}
    service.create_change_set("s", "c", "CREATE", request(resources), None)
    service.execute_change_set("c", "s", disable_rollback=False, delete_new=True)
    assert service.find("s").status == "ROLLBACK_COMPLETE"
    assert shelf.things == {}


def test_a_stack_that_is_busy_refuses_more_work(service: CloudFormation) -> None:
    stack = create(service, {"A": thing()})
    stack.set_status("UPDATE_IN_PROGRESS")
    with pytest.raises(TemplateError, match="UPDATE_IN_PROGRESS state and can not be updated"):
        service.update_stack("s", request({"A": thing("two")}))
    with pytest.raises(TemplateError, match="cannot be deleted while in status"):
        service.delete_stack("s")


def test_a_long_operation_goes_on_after_the_request(
    service: CloudFormation, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.local.engine.service.PATIENCE_SECONDS", 0.01)
    finish = threading.Event()
    make = shelf.create

    def slowly(*arguments: Any) -> Created:
        finish.wait(10)
        return make(*arguments)

    monkeypatch.setattr(shelf, "create", slowly)
    stack = create(service, {"A": thing()})
    assert stack.status == "CREATE_IN_PROGRESS"
    finish.set()
    deadline = time.monotonic() + 10
    while stack.status == "CREATE_IN_PROGRESS" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert stack.status == "CREATE_COMPLETE"


def test_a_parameter_outside_its_allowed_values_is_refused(service: CloudFormation) -> None:
    declared = {"P": {"Type": "String", "Default": "c", "AllowedValues": ["a", "b"]}}
    with pytest.raises(TemplateError, match="'P' must be one of AllowedValues"):
        service.create_stack("s", request({"A": thing()}, Parameters=declared))
    assert service.named("s") is None


def test_a_deleted_stack_is_found_by_id_only(service: CloudFormation) -> None:
    stack = create(service, {"A": thing()})
    service.delete_stack("s")
    assert service.find(stack.stack_id).status == "DELETE_COMPLETE"
    with pytest.raises(TemplateError, match="Stack with id s does not exist"):
        service.find("s")
