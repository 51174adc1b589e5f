"""Managed policies for people and pipelines: manage endpoints, or only invoke them."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from slipway.spec.environment import Environment
from slipway_cdk.acknowledge import acknowledge_wildcards
from slipway_cdk.volume_keys import any_key, volume_key_statements


class DeployerPolicy(Construct):
    """Lets its holder create, update, scale and delete this environment's endpoints, and nothing of another one.

    Endpoints are told apart by name; models, endpoint configs and scalable targets by tag, since their names are
    generated. What bears another environment's tags can be neither changed nor tagged anew.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    key
        Whoever creates an endpoint with encrypted volumes grants SageMaker the use of it.

    Attributes
    ----------
    policy
        The managed policy.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, key: kms.IKey) -> None:
        super().__init__(scope, id)
        names = environment.names
        ours = {
            "Team": environment.team,
            "Project": environment.project,
            "Environment": environment.environment,
        }
        endpoints = names.arn("sagemaker", f"endpoint/{names.prefix}-*")
        revisions = [names.arn("sagemaker", "model/*"), names.arn("sagemaker", "endpoint-config/*")]
        configs = names.arn("sagemaker", "endpoint-config/*")
        scaling_changes = [
            "application-autoscaling:RegisterScalableTarget",
            "application-autoscaling:DeregisterScalableTarget",
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:DeleteScalingPolicy",
            "application-autoscaling:PutScheduledAction",
            "application-autoscaling:DeleteScheduledAction",
            "application-autoscaling:TagResource",
        ]
        scalable = names.arn("application-autoscaling", "scalable-target/*")
        alarms = names.arn("cloudwatch", f"alarm:{names.prefix}-*")
        requested = {"StringEquals": {f"aws:RequestTag/{key}": value for key, value in ours.items()}}
        owned = {"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in ours.items()}}
        statements = [
            iam.PolicyStatement(
                sid="CreateRevisions",
                actions=["sagemaker:CreateModel", "sagemaker:CreateEndpointConfig"],
                resources=revisions,
                conditions=requested,
            ),
            iam.PolicyStatement(
                sid="TagNewRevisions",
                actions=["sagemaker:AddTags"],
                resources=revisions,
                conditions=requested,
            ),
            iam.PolicyStatement(
                sid="ManageRevisions",
                actions=[
                    "sagemaker:DescribeModel",
                    "sagemaker:DeleteModel",
                    "sagemaker:DescribeEndpointConfig",
                    "sagemaker:DeleteEndpointConfig",
                    "sagemaker:ListTags",
                ],
                resources=revisions,
                conditions=owned,
            ),
            # Creating and updating are authorized on the endpoint and on the config that it gets.
            iam.PolicyStatement(
                sid="UseConfigs",
                actions=["sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"],
                resources=[configs],
                conditions=owned,
            ),
            iam.PolicyStatement(
                sid="ManageEndpoints",
                actions=[
                    "sagemaker:CreateEndpoint",
                    "sagemaker:UpdateEndpoint",
                    "sagemaker:UpdateEndpointWeightsAndCapacities",
                    "sagemaker:DeleteEndpoint",
                    "sagemaker:DescribeEndpoint",
                    "sagemaker:AddTags",
                    "sagemaker:ListTags",
                ],
                resources=[endpoints],
            ),
            iam.PolicyStatement(
                sid="PassExecutionRole",
                actions=["iam:PassRole"],
                resources=[names.execution_role_arn],
                conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            ),
            iam.PolicyStatement(
                sid="Scale",
                actions=scaling_changes,
                resources=[scalable],
                conditions={"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}},
            ),
            iam.PolicyStatement(
                sid="Alarm",
                actions=[
                    "cloudwatch:PutMetricAlarm",
                    "cloudwatch:DeleteAlarms",
                    "cloudwatch:DescribeAlarms",
                ],
                resources=[alarms],
            ),
            # These authorize on everything or nothing; they change nothing.
            iam.PolicyStatement(
                sid="Look",
                actions=[
                    "application-autoscaling:DescribeScalableTargets",
                    "application-autoscaling:DescribeScalingActivities",
                    "application-autoscaling:DescribeScalingPolicies",
                    "application-autoscaling:DescribeScheduledActions",
                    "cloudwatch:GetMetricData",
                    "cloudwatch:ListMetrics",
                    "sagemaker:ListEndpointConfigs",
                    "sagemaker:ListEndpoints",
                    "sagemaker:ListModels",
                ],
                resources=["*"],
            ),
        ]
        statements += volume_key_statements(environment, key)
        statements += [
            # Tags tell a model to be ours, so what is another environment's must not be tagged anew; and the ARN of a
            # scalable target names no endpoint.
            iam.PolicyStatement(
                sid=f"LeaveOthers{tag}Alone",
                effect=iam.Effect.DENY,
                actions=["sagemaker:AddTags", *scaling_changes],
                resources=[*revisions, scalable],
                conditions={
                    "Null": {f"aws:ResourceTag/{tag}": "false"},
                    "StringNotEquals": {f"aws:ResourceTag/{tag}": value},
                },
            )
            for tag, value in ours.items()
        ]
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            managed_policy_name=names.deployer_policy,
            description=f"Manage the SageMaker endpoints of {names.prefix}",
            statements=statements,
        )
        acknowledge_wildcards(
            self.policy,
            {
                endpoints: "all endpoints of this environment, by the prefix of their names",
                **dict.fromkeys(
                    revisions,
                    "names are generated; Team, Project and Environment tags are required by condition",
                ),
                scalable: "scalable targets have generated ids; only SageMaker's, and others' are denied by tag",
                any_key(environment): "keys are told apart by their alias, which the condition requires",
                alarms: "all alarms of this environment, by the prefix of their names",
                "*": "these actions only read, and authorize on everything or nothing",
            },
        )


class InvokerPolicy(Construct):
    """Lets an application invoke this environment's endpoints, and nothing else.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.

    Attributes
    ----------
    policy
        The managed policy.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        names = environment.names
        endpoints = names.arn("sagemaker", f"endpoint/{names.prefix}-*")
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            managed_policy_name=names.invoker_policy,
            description=f"Invoke the SageMaker endpoints of {names.prefix}",
            statements=[
                iam.PolicyStatement(
                    sid="Invoke",
                    actions=[
                        "sagemaker:InvokeEndpoint",
                        "sagemaker:InvokeEndpointAsync",
                        "sagemaker:InvokeEndpointWithResponseStream",
                    ],
                    resources=[endpoints],
                )
            ],
        )
        acknowledge_wildcards(
            self.policy,
            {endpoints: "all endpoints of this environment, by the prefix of their names"},
        )
