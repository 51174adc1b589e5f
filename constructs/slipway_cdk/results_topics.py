"""The topics that asynchronous endpoints tell of answers and failures."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from slipway.spec.environment import Environment


class ResultsTopics(Construct):
    """Encrypted, TLS-only topics, one for each of `topics`.

    SageMaker publishes as the execution role, whose own policy allows it, so no service is let in. Who listens is the
    applications' affair: they subscribe themselves.

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
    topics
        The topics, by short name.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self.topics: Mapping[str, sns.ITopic] = {
            name: self._topic(name, environment.names.results_topic(name), key) for name in environment.topics
        }

    def _topic(self, id: str, name: str, key: kms.IKey) -> sns.Topic:
        topic = sns.Topic(self, id, topic_name=name, master_key=key, enforce_ssl=True)
        topic.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        return topic
