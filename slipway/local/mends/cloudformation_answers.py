"""How stacks, resources, events and change sets look in the CloudFormation API's answers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from slipway.local.engine.documents import Document
from slipway.local.engine.state import Change, ChangeSet, Event, Request, Resource, Stack

Item = TypeVar("Item")


def page(items: Sequence[Item], token: str | None, size: int) -> tuple[list[Item], str | None]:
    """Return a page of a list, and the token of the next one."""
    start = int(token or 0)
    end = start + size
    return list(items[start:end]), str(end) if len(items) > end else None


def without_rollback(request: Request) -> Request:
    """Return the request with OnFailure=DO_NOTHING."""
    return replace(request, disable_rollback=True)


def stack(of: Stack) -> Document:
    """Return a stack as DescribeStacks and ListStacks have it."""
    declared = of.template.get("Parameters") or {}
    return {
        "StackId": of.stack_id,
        "StackName": of.name,
        "Description": of.template.get("Description"),
        "TemplateDescription": of.template.get("Description"),
        "Parameters": [
            {
                "ParameterKey": key,
                "ParameterValue": (
                    "****"
                    if str(definition.get("NoEcho", "")).lower() == "true"
                    else str(of.request.parameters.get(key, definition.get("Default", "")))
                ),
            }
            for key, definition in declared.items()
        ],
        "CreationTime": of.created,
        "LastUpdatedTime": of.updated,
        "DeletionTime": of.deleted,
        "StackStatus": of.status,
        "StackStatusReason": of.status_reason,
        "DisableRollback": of.request.disable_rollback,
        "NotificationARNs": list(of.request.notification_arns),
        "Capabilities": list(of.request.capabilities),
        "Outputs": [
            {
                "OutputKey": output.key,
                "OutputValue": output.value,
                "Description": output.description,
                "ExportName": output.export,
            }
            for output in of.outputs.values()
        ],
        "RoleARN": of.request.role_arn,
        "Tags": _tags(of.request),
        "EnableTerminationProtection": of.termination_protection,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def resource(of: Stack, one: Resource) -> Document:
    """Return a resource as DescribeStackResources and ListStackResources have it."""
    return {
        "StackName": of.name,
        "StackId": of.stack_id,
        "LogicalResourceId": one.logical_id,
        "PhysicalResourceId": one.physical_id,
        "ResourceType": one.type,
        "Timestamp": one.updated,
        "LastUpdatedTimestamp": one.updated,
        "ResourceStatus": one.status,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def event(of: Stack, one: Event) -> Document:
    """Return an event as DescribeStackEvents has it."""
    return {
        "StackId": of.stack_id,
        "StackName": of.name,
        "EventId": one.event_id,
        "OperationId": one.operation_id,
        "LogicalResourceId": one.logical_id,
        "PhysicalResourceId": one.physical_id,
        "ResourceType": one.type,
        "Timestamp": one.time,
        "ResourceStatus": one.status,
        "ResourceStatusReason": one.reason,
    }


def change_set(of: Stack, one: ChangeSet) -> Document:
    """Return a change set as DescribeChangeSet and ListChangeSets have it, without changes."""
    return {
        "ChangeSetId": one.change_set_id,
        "ChangeSetName": one.name,
        "StackId": of.stack_id,
        "StackName": of.name,
        "Description": one.description,
        "CreationTime": one.created,
        "ExecutionStatus": one.execution_status,
        "Status": one.status,
        "StatusReason": one.status_reason,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in one.request.parameters.items()],
        "NotificationARNs": list(one.request.notification_arns),
        "Capabilities": list(one.request.capabilities),
        "Tags": _tags(one.request),
        "IncludeNestedStacks": False,
    }


def change(one: Change) -> Document:
    """Return a change as DescribeChangeSet has it."""
    recreation = "Always" if one.replacement else "Never"
    return {
        "Type": "Resource",
        "ResourceChange": {
            "Action": one.action,
            "LogicalResourceId": one.logical_id,
            "PhysicalResourceId": one.physical_id,
            "ResourceType": one.type,
            "Replacement": str(one.replacement) if one.action == "Modify" else None,
            "Scope": ["Properties"] if one.properties else [],
            "Details": [
                {
                    "Target": {
                        "Attribute": "Properties",
                        "Name": name,
                        "RequiresRecreation": recreation,
                    },
                    "Evaluation": "Static",
                    "ChangeSource": "DirectModification",
                }
                for name in one.properties
            ],
        },
    }


def template_summary(template: Document) -> Document:
    """Return what GetTemplateSummary and ValidateTemplate say of a template."""
    return {
        "Description": template.get("Description"),
        "Version": template.get("AWSTemplateFormatVersion"),
        "Metadata": None,
        "ResourceTypes": sorted({r["Type"] for r in template["Resources"].values()}),
        "Capabilities": [],
        "DeclaredTransforms": [],
        "Parameters": [
            {
                "ParameterKey": key,
                "ParameterType": definition.get("Type", "String"),
                "Description": definition.get("Description"),
                "DefaultValue": definition.get("Default"),
                "NoEcho": str(definition.get("NoEcho", False)).lower() == "true",
            }
            for key, definition in (template.get("Parameters") or {}).items()
        ],
    }


def _tags(request: Request) -> list[Document]:
    return [{"Key": key, "Value": value} for key, value in request.tags.items()]
