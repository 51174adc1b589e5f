"""Schedules, budgets, parameters."""

# ruff: noqa: ARG002, D102 - hooks, described where engine.resource_type and base define them

from collections.abc import Mapping

from botocore.exceptions import ClientError

from slipway.local.engine.documents import Document, Json
from slipway.local.engine.resource_type import Created, ResourceType, Scope
from slipway.local.resources.base import ApiType, generated_name
from slipway.local.resources.calls import Calls, is_missing, tag_changes, tag_list, tags_as_map
from slipway.local.resources.monitoring import arn


class Schedule(ApiType):
    """AWS::Scheduler::Schedule."""

    service, name_property = "scheduler", "Name"
    create_operation, update_operation = "CreateSchedule", "UpdateSchedule"
    delete_operation = "DeleteSchedule"

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        return Created(properties["Name"], {"Arn": answer["ScheduleArn"]})

    def key(self, physical_id: str, properties: Document) -> Document:
        group = properties.get("GroupName")
        return {"Name": physical_id, **({"GroupName": group} if group else {})}


class ScheduleGroup(ApiType):
    """AWS::Scheduler::ScheduleGroup."""

    service, name_property = "scheduler", "Name"
    create_operation, delete_operation = "CreateScheduleGroup", "DeleteScheduleGroup"

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        return Created(properties["Name"], {"Arn": answer["ScheduleGroupArn"]})

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        if not old:
            return
        changed, gone = tag_changes(old.get("Tags"), new.get("Tags"))
        where = arn(scope, "scheduler", f"schedule-group/{physical_id}")
        if changed:
            self.client(scope).tag_resource(ResourceArn=where, Tags=tag_list(changed))
        if gone:
            self.client(scope).untag_resource(ResourceArn=where, TagKeys=gone)


class Budget(ResourceType):
    """AWS::Budgets::Budget."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    def create(self, scope: Scope, logical_id: str, properties: Document) -> Created:
        name = properties["Budget"].get("BudgetName") or generated_name(scope, logical_id, 100)
        self._make(scope, name, properties)
        return Created(name, {"Id": name})

    def _make(self, scope: Scope, name: str, properties: Document) -> None:
        request = {
            "AccountId": scope.account,
            "Budget": {**properties["Budget"], "BudgetName": name},
            "NotificationsWithSubscribers": properties.get("NotificationsWithSubscribers", []),
        }
        self.calls.call(scope, "budgets", "CreateBudget", request)

    def update(self, scope: Scope, physical_id: str, old: Document, new: Document) -> Mapping[str, Json]:
        # moto has no UpdateBudget.
        self.delete(scope, physical_id, old)
        self._make(scope, physical_id, new)
        return {}

    def delete(self, scope: Scope, physical_id: str, properties: Document) -> None:
        try:
            self.calls.client(scope, "budgets").delete_budget(AccountId=scope.account, BudgetName=physical_id)
        except ClientError as error:
            if not is_missing(error):
                raise


class Parameter(ApiType):
    """AWS::SSM::Parameter."""

    service, name_property, longest_name = "ssm", "Name", 1011
    create_operation, delete_operation = "PutParameter", "DeleteParameter"

    def parameters(self, scope: Scope, properties: Document) -> Document:
        return {**properties, "Tags": tag_list(tags_as_map(properties.get("Tags")))}

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        return Created(properties["Name"], _parameter_attributes(properties))

    def update(self, scope: Scope, physical_id: str, old: Document, new: Document) -> Mapping[str, Json]:
        settings = {k: v for k, v in new.items() if k not in ("Tags", "Name")}
        self.calls.call(
            scope,
            "ssm",
            "PutParameter",
            {**settings, "Name": physical_id, "Overwrite": True},
        )
        changed, gone = tag_changes(old.get("Tags"), new.get("Tags"))
        which = {"ResourceType": "Parameter", "ResourceId": physical_id}
        if changed:
            self.client(scope).add_tags_to_resource(**which, Tags=tag_list(changed))
        if gone:
            self.client(scope).remove_tags_from_resource(**which, TagKeys=gone)
        return _parameter_attributes(new)


def _parameter_attributes(properties: Document) -> dict[str, str]:
    return {"Value": str(properties["Value"]), "Type": properties["Type"]}


TYPES = {
    "AWS::Scheduler::Schedule": Schedule,
    "AWS::Scheduler::ScheduleGroup": ScheduleGroup,
    "AWS::Budgets::Budget": Budget,
    "AWS::SSM::Parameter": Parameter,
}
