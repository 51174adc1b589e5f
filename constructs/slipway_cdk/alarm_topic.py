"""The topic to which all alarms of an environment go."""

from __future__ import annotations

import hashlib

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from slipway.spec.environment import Environment
from slipway_cdk.budgets import has_budget


def _protocol(target: str) -> sns.SubscriptionProtocol:
    if target.startswith("https://"):
        return sns.SubscriptionProtocol.HTTPS
    if target.startswith("arn:"):
        return sns.SubscriptionProtocol.LAMBDA if target.split(":")[2] == "lambda" else sns.SubscriptionProtocol.SQS
    return sns.SubscriptionProtocol.EMAIL


class AlarmTopic(Construct):
    """An encrypted, TLS-only topic with the `notify:` subscribers.

    CloudWatch may publish to it, and AWS Budgets where there is a budget.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    key
        Encrypts the messages.

    Attributes
    ----------
    topic
        The topic.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self.topic = sns.Topic(self, "Topic", topic_name=environment.names.topic, master_key=key, enforce_ssl=True)
        self.topic.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Alarms",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[environment.names.topic_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": environment.account},
                    "ArnLike": {"aws:SourceArn": environment.names.arn("cloudwatch", "alarm:*")},
                },
            )
        )
        if has_budget(environment):
            self.topic.add_to_resource_policy(
                iam.PolicyStatement(
                    sid="Budgets",
                    principals=[iam.ServicePrincipal("budgets.amazonaws.com")],
                    actions=["sns:Publish"],
                    resources=[environment.names.topic_arn],
                    conditions={
                        "StringEquals": {"aws:SourceAccount": environment.account},
                        "ArnLike": {"aws:SourceArn": environment.names.arn("budgets", "*", region="")},
                    },
                )
            )
        for target in environment.notify:
            # Named by the address. By its position in the list, taking one out would move the next into its place; SNS
            # answers a second subscription with the first one's ARN, and CloudFormation's clean-up would then end it.
            known = hashlib.sha256(target.encode()).hexdigest()[:8]
            sns.Subscription(self, f"Subscriber-{known}", topic=self.topic, protocol=_protocol(target), endpoint=target)
