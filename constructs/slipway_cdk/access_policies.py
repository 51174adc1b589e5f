"""Managed policies for people and pipelines: manage endpoints, or only invoke them."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from slipway.spec.environment import Environment
from slipway_cdk.acknowledge import acknowledge_wildcards


class DeployerPolicy(Construct):
    """Lets its holder create, update, scale and delete this environment's endpoints, and nothing of another one.

    Endpoints are told apart by name; models and endpoint configs by tag, since CloudFormation generates their names.

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
                actions=[
                    "application-autoscaling:RegisterScalableTarget",
                    "application-autoscaling:DeregisterScalableTarget",
                    "application-autoscaling:PutScalingPolicy",
                    "application-autoscaling:DeleteScalingPolicy",
                    "application-autoscaling:PutScheduledAction",
                    "application-autoscaling:DeleteScheduledAction",
                ],
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
        if environment.encrypt_volumes:
            statements += [
                iam.PolicyStatement(
                    sid="GrantVolumeKey",
                    actions=["kms:CreateGrant"],
                    resources=[key.key_arn],
                    conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
                ),
                iam.PolicyStatement(sid="DescribeVolumeKey", actions=["kms:DescribeKey"], resources=[key.key_arn]),
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
                scalable: "scalable targets have generated ids; limited to SageMaker's by condition",
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
