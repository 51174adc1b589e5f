"""Queues and topics."""

# ruff: noqa: ARG002, D102 - hooks, described where engine.resource_type and base define them

import json
from collections.abc import Mapping

from botocore.exceptions import ClientError

from slipway.local.engine.documents import Document, Json
from slipway.local.engine.resource_type import Created, Scope
from slipway.local.resources.base import ApiType, PolicyType, found
from slipway.local.resources.calls import is_missing, tag_changes, tag_list, tags_as_map, text
from slipway.local.resources.monitoring import arn


class Queue(ApiType):
    """AWS::SQS::Queue."""

    service, name_property, longest_name = "sqs", "QueueName", 80
    create_operation, delete_operation = "CreateQueue", "DeleteQueue"

    def exists(self, scope: Scope, name: str) -> bool:
        return found(lambda: self.client(scope).get_queue_url(QueueName=name))

    def parameters(self, scope: Scope, properties: Document) -> Document:
        return {
            "QueueName": properties["QueueName"],
            "Attributes": _queue_attributes(properties),
            "tags": tags_as_map(properties.get("Tags")),
        }

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        name, url = properties["QueueName"], answer["QueueUrl"]
        return Created(url, {"Arn": arn(scope, "sqs", name), "QueueName": name, "QueueUrl": url})

    def name_of(self, physical_id: str) -> str:
        return physical_id.rsplit("/", 1)[-1]

    def key(self, physical_id: str, properties: Document) -> Document:
        return {"QueueUrl": physical_id}

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        if not old:
            return
        client = self.client(scope)
        before, after = _queue_attributes(old), _queue_attributes(new)
        wanted = {key: value for key, value in after.items() if before.get(key) != value}
        wanted |= {key: _QUEUE_DEFAULTS[key] for key in before.keys() - after.keys()}
        if wanted:
            client.set_queue_attributes(QueueUrl=physical_id, Attributes=wanted)
        changed, gone = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            client.tag_queue(QueueUrl=physical_id, Tags=changed)
        if gone:
            client.untag_queue(QueueUrl=physical_id, TagKeys=gone)


# What a property goes back to when it leaves the template.
_QUEUE_DEFAULTS = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "262144",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
    "RedrivePolicy": "",
    "RedriveAllowPolicy": "",
    "KmsMasterKeyId": "",
    "KmsDataKeyReusePeriodSeconds": "300",
    "SqsManagedSseEnabled": "true",
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
    "FifoQueue": "false",
}


def _queue_attributes(properties: Document) -> dict[str, str]:
    return {key: text(value) for key, value in properties.items() if key in _QUEUE_DEFAULTS}


class QueuePolicy(PolicyType):
    """AWS::SQS::QueuePolicy."""

    def put(self, scope: Scope, old: Document, new: Document) -> None:
        client = self.calls.client(scope, "sqs")
        for url in new.get("Queues", []):
            policy = json.dumps(new["PolicyDocument"])
            client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        for url in set(old.get("Queues", [])) - set(new.get("Queues", [])):
            try:
                client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
            except ClientError as error:
                if not is_missing(error):
                    raise


class Topic(ApiType):
    """AWS::SNS::Topic, with the subscriptions that are written in it."""

    service, name_property, longest_name = "sns", "TopicName", 256
    create_operation, delete_operation = "CreateTopic", "DeleteTopic"

    def exists(self, scope: Scope, name: str) -> bool:
        topic = arn(scope, "sns", name)
        return found(lambda: self.client(scope).get_topic_attributes(TopicArn=topic))

    def existing(self, scope: Scope, properties: Document) -> Created | None:
        name = properties["TopicName"]
        return (
            self.identify(scope, properties, {"TopicArn": arn(scope, "sns", name)})
            if self.exists(scope, name)
            else None
        )

    def parameters(self, scope: Scope, properties: Document) -> Document:
        return {
            "Name": properties["TopicName"],
            "Attributes": _topic_attributes(properties),
            "Tags": properties.get("Tags", []),
        }

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        topic = answer["TopicArn"]
        return Created(topic, {"TopicArn": topic, "TopicName": properties["TopicName"]})

    def name_of(self, physical_id: str) -> str:
        return physical_id.rsplit(":", 1)[-1]

    def key(self, physical_id: str, properties: Document) -> Document:
        return {"TopicArn": physical_id}

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        client = self.client(scope)
        if old:
            before, after = _topic_attributes(old), _topic_attributes(new)
            wanted = {key: value for key, value in after.items() if before.get(key) != value}
            wanted |= dict.fromkeys(before.keys() - after.keys(), "")
            for key, value in wanted.items():
                client.set_topic_attributes(TopicArn=physical_id, AttributeName=key, AttributeValue=value)
            changed, gone = tag_changes(old.get("Tags"), new.get("Tags"))
            if changed:
                client.tag_resource(ResourceArn=physical_id, Tags=tag_list(changed))
            if gone:
                client.untag_resource(ResourceArn=physical_id, TagKeys=gone)
        self._subscribe(scope, physical_id, old, new)

    def _subscribe(self, scope: Scope, topic: str, old: Document, new: Document) -> None:
        client = self.client(scope)
        before, after = old.get("Subscription", []), new.get("Subscription", [])
        for wanted in after:
            if wanted not in before:
                client.subscribe(TopicArn=topic, Protocol=wanted["Protocol"], Endpoint=wanted["Endpoint"])
        gone = [(s["Protocol"], s["Endpoint"]) for s in before if s not in after]
        if gone:
            present = client.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
            for subscription in present:
                if (subscription["Protocol"], subscription["Endpoint"]) in gone:
                    client.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])

    def delete(self, scope: Scope, physical_id: str, properties: Document) -> None:
        self._subscribe(scope, physical_id, properties, {})
        super().delete(scope, physical_id, properties)


_TOPIC_ATTRIBUTES = (
    "KmsMasterKeyId",
    "DisplayName",
    "FifoTopic",
    "ContentBasedDeduplication",
    "SignatureVersion",
    "TracingConfig",
)


def _topic_attributes(properties: Document) -> dict[str, str]:
    return {key: text(properties[key]) for key in _TOPIC_ATTRIBUTES if key in properties}


class Subscription(ApiType):
    """AWS::SNS::Subscription."""

    service = "sns"
    create_operation, delete_operation = "Subscribe", "Unsubscribe"

    def parameters(self, scope: Scope, properties: Document) -> Document:
        return {
            "TopicArn": properties["TopicArn"],
            "Protocol": properties["Protocol"],
            "Endpoint": properties.get("Endpoint", ""),
            "Attributes": _subscription_attributes(properties),
            "ReturnSubscriptionArn": True,
        }

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        subscription = answer["SubscriptionArn"]
        return Created(subscription, {"Arn": subscription})

    def key(self, physical_id: str, properties: Document) -> Document:
        return {"SubscriptionArn": physical_id}

    def update(self, scope: Scope, physical_id: str, old: Document, new: Document) -> Mapping[str, Json]:
        before, after = _subscription_attributes(old), _subscription_attributes(new)
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                self.client(scope).set_subscription_attributes(
                    SubscriptionArn=physical_id,
                    AttributeName=key,
                    AttributeValue=after.get(key, _SUBSCRIPTION_DEFAULTS[key]),
                )
        return {}


_SUBSCRIPTION_DEFAULTS = {
    "FilterPolicy": "{}",
    "FilterPolicyScope": "MessageAttributes",
    "RawMessageDelivery": "false",
    "RedrivePolicy": "{}",
    "DeliveryPolicy": "{}",
}


def _subscription_attributes(properties: Document) -> dict[str, str]:
    return {k: text(v) for k, v in properties.items() if k in _SUBSCRIPTION_DEFAULTS}


class TopicPolicy(PolicyType):
    """AWS::SNS::TopicPolicy; a topic has always one, so removing it leaves the last."""

    def put(self, scope: Scope, old: Document, new: Document) -> None:
        client = self.calls.client(scope, "sns")
        for topic in new.get("Topics", []):
            client.set_topic_attributes(
                TopicArn=topic,
                AttributeName="Policy",
                AttributeValue=json.dumps(new["PolicyDocument"]),
            )


TYPES = {
    "AWS::SQS::Queue": Queue,
    "AWS::SQS::QueuePolicy": QueuePolicy,
    "AWS::SNS::Topic": Topic,
    "AWS::SNS::Subscription": Subscription,
    "AWS::SNS::TopicPolicy": TopicPolicy,
}
