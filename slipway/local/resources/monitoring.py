"""CloudWatch alarms and dashboards, log groups, scaling."""

# ruff: noqa: ARG002, D102 - hooks, described where engine.resource_type and base define them

from slipway.local.engine.documents import Document
from slipway.local.engine.planning import partition
from slipway.local.engine.resource_type import Created, Scope
from slipway.local.resources.base import ApiType, found
from slipway.local.resources.calls import tag_changes, tag_list, tags_as_map


def arn(scope: Scope, service: str, rest: str) -> str:
    """Return an ARN in a stack's account and Region."""
    return f"arn:{partition(scope.region)}:{service}:{scope.region}:{scope.account}:{rest}"


class Alarm(ApiType):
    """AWS::CloudWatch::Alarm."""

    service, name_property, longest_name = "cloudwatch", "AlarmName", 255
    create_operation = update_operation = "PutMetricAlarm"
    delete_operation = "DeleteAlarms"

    def exists(self, scope: Scope, name: str) -> bool:
        alarms = self.client(scope).describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        return bool(alarms["MetricAlarms"] or alarms["CompositeAlarms"])

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        name = properties["AlarmName"]
        return Created(name, {"Arn": arn(scope, "cloudwatch", f"alarm:{name}")})

    def key(self, physical_id: str, properties: Document) -> Document:
        return {"AlarmNames": [physical_id]}

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        # PutMetricAlarm ignores the tags of an alarm that exists.
        if not old:
            return
        changed, gone = tag_changes(old.get("Tags"), new.get("Tags"))
        where = arn(scope, "cloudwatch", f"alarm:{physical_id}")
        if changed:
            self.client(scope).tag_resource(ResourceARN=where, Tags=tag_list(changed))
        if gone:
            self.client(scope).untag_resource(ResourceARN=where, TagKeys=gone)


class CompositeAlarm(Alarm):
    """AWS::CloudWatch::CompositeAlarm."""

    create_operation = update_operation = "PutCompositeAlarm"


class Dashboard(ApiType):
    """AWS::CloudWatch::Dashboard."""

    service, name_property, longest_name = "cloudwatch", "DashboardName", 255
    create_operation = update_operation = "PutDashboard"
    delete_operation = "DeleteDashboards"

    def exists(self, scope: Scope, name: str) -> bool:
        return found(lambda: self.client(scope).get_dashboard(DashboardName=name))

    def key(self, physical_id: str, properties: Document) -> Document:
        return {"DashboardNames": [physical_id]}


class LogGroup(ApiType):
    """AWS::Logs::LogGroup."""

    service, name_property, longest_name = "logs", "LogGroupName", 512
    create_operation, delete_operation = "CreateLogGroup", "DeleteLogGroup"

    def parameters(self, scope: Scope, properties: Document) -> Document:
        return {**properties, "Tags": tags_as_map(properties.get("Tags"))}

    def existing(self, scope: Scope, properties: Document) -> Created | None:
        name = properties["LogGroupName"]
        groups = self.client(scope).describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        there = any(group["logGroupName"] == name for group in groups)
        return self.identify(scope, properties, {}) if there else None

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        name = properties["LogGroupName"]
        return Created(name, {"Arn": arn(scope, "logs", f"log-group:{name}:*")})

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        client = self.client(scope)
        days = new.get("RetentionInDays")
        if days:
            client.put_retention_policy(logGroupName=physical_id, retentionInDays=int(days))
        elif old.get("RetentionInDays"):
            client.delete_retention_policy(logGroupName=physical_id)
        if not old:
            return
        if old.get("KmsKeyId") != new.get("KmsKeyId"):
            if new.get("KmsKeyId"):
                client.associate_kms_key(logGroupName=physical_id, kmsKeyId=new["KmsKeyId"])
            else:
                client.disassociate_kms_key(logGroupName=physical_id)
        changed, gone = tag_changes(old.get("Tags"), new.get("Tags"))
        where = arn(scope, "logs", f"log-group:{physical_id}")
        if changed:
            client.tag_resource(resourceArn=where, tags=changed)
        if gone:
            client.untag_resource(resourceArn=where, tagKeys=gone)


class MetricFilter(ApiType):
    """AWS::Logs::MetricFilter."""

    service, name_property, longest_name = "logs", "FilterName", 512
    create_operation = update_operation = "PutMetricFilter"
    delete_operation = "DeleteMetricFilter"

    def key(self, physical_id: str, properties: Document) -> Document:
        return {"filterName": physical_id, "logGroupName": properties["LogGroupName"]}


def _target(properties: Document) -> Document:
    """Return the key of the scalable target that properties mean."""
    if properties.get("ScalingTargetId"):
        resource, dimension, namespace = properties["ScalingTargetId"].split("|")
    else:
        resource, dimension, namespace = (
            properties[key] for key in ("ResourceId", "ScalableDimension", "ServiceNamespace")
        )
    return {
        "ResourceId": resource,
        "ScalableDimension": dimension,
        "ServiceNamespace": namespace,
    }


class ScalableTarget(ApiType):
    """AWS::ApplicationAutoScaling::ScalableTarget, with its scheduled actions."""

    service = "application-autoscaling"
    create_operation = update_operation = "RegisterScalableTarget"
    delete_operation = "DeregisterScalableTarget"

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        target = _target(properties)
        identity = "|".join(target[key] for key in ("ResourceId", "ScalableDimension", "ServiceNamespace"))
        return Created(identity, {"Id": identity})

    def key(self, physical_id: str, properties: Document) -> Document:
        return _target(properties)

    def configure(
        self,
        scope: Scope,
        physical_id: str,
        old: Document,
        new: Document,
    ) -> None:
        target = _target(new)
        before = {a["ScheduledActionName"]: a for a in old.get("ScheduledActions", [])}
        after = {a["ScheduledActionName"]: a for a in new.get("ScheduledActions", [])}
        for name in before.keys() - after.keys():
            self.client(scope).delete_scheduled_action(ScheduledActionName=name, **target)
        for name, action in after.items():
            if before.get(name) != action:
                self.calls.call(scope, self.service, "PutScheduledAction", {**action, **target})

    def delete(self, scope: Scope, physical_id: str, properties: Document) -> None:
        self.configure(scope, physical_id, properties, {**_target(properties), "ScheduledActions": []})
        super().delete(scope, physical_id, properties)


class ScalingPolicy(ApiType):
    """AWS::ApplicationAutoScaling::ScalingPolicy."""

    service = "application-autoscaling"
    create_operation = update_operation = "PutScalingPolicy"
    delete_operation = "DeleteScalingPolicy"

    def parameters(self, scope: Scope, properties: Document) -> Document:
        return {**properties, **_target(properties)}

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        found = answer["PolicyARN"]
        return Created(found, {"Arn": found, "ScalableDimension": _target(properties)["ScalableDimension"]})

    def key(self, physical_id: str, properties: Document) -> Document:
        return {"PolicyName": properties["PolicyName"], **_target(properties)}


TYPES = {
    "AWS::CloudWatch::Alarm": Alarm,
    "AWS::CloudWatch::CompositeAlarm": CompositeAlarm,
    "AWS::CloudWatch::Dashboard": Dashboard,
    "AWS::Logs::LogGroup": LogGroup,
    "AWS::Logs::MetricFilter": MetricFilter,
    "AWS::ApplicationAutoScaling::ScalableTarget": ScalableTarget,
    "AWS::ApplicationAutoScaling::ScalingPolicy": ScalingPolicy,
}
