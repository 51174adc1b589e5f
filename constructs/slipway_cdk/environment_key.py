"""The KMS key of an environment."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from slipway.spec.environment import Environment
from slipway_cdk.budgets import has_budget


class EnvironmentKey(Construct):
    """A rotating key for the topics and, by choice, artifacts and volumes.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.

    Attributes
    ----------
    key
        The key; others find it by its alias.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        self.key = kms.Key(
            self,
            "Key",
            description=f"{environment.names.prefix}: alarm topic, artifacts and volumes",
            enable_key_rotation=True,
            rotation_period=Duration.days(365),
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
            alias=environment.names.key_alias,
        )
        # Without this a service cannot publish to a topic that is encrypted with a key of one's own, and says so
        # nowhere.
        services = {"AlarmsToTopic": "cloudwatch"}
        if has_budget(environment):
            services["BudgetsToTopic"] = "budgets"
        for sid, service in services.items():
            self.key.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=sid,
                    principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                    actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                    resources=["*"],
                    conditions={"StringEquals": {"aws:SourceAccount": environment.account}},
                )
            )
