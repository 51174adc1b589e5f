"""Managed policies for people and pipelines: manage endpoints, or only invoke them."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from slipway.spec.environment import Environment
from slipway_cdk.acknowledge import acknowledge_wildcards
from slipway_cdk.budgets import has_budget
from slipway_cdk.named_keys import any_key
from slipway_cdk.stored_data import caller_statements
from slipway_cdk.volume_keys import volume_key_statements

#: What of SageMaker can be scaled.
DIMENSIONS = (
    "sagemaker:variant:DesiredInstanceCount",
    "sagemaker:variant:DesiredProvisionedConcurrency",
    "sagemaker:inference-component:DesiredCopyCount",
)


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
        ]
        scalable = names.arn("application-autoscaling", "scalable-target/*")
        alarms = names.arn("cloudwatch", f"alarm:{names.prefix}-*")
        requested = {"StringEquals": {f"aws:RequestTag/{tag}": value for tag, value in ours.items()}}
        by_tag = {f"aws:ResourceTag/{tag}": value for tag, value in ours.items()}
        owned = {"StringEquals": by_tag}
        # Tags tell a model to be ours, so what is another environment's must not be tagged anew; and the ARN of a
        # scalable target names no endpoint. Denying it instead would say all this three times, once for each tag, and
        # a managed policy has room for 6,144 characters.
        nobodys = {"StringEqualsIfExists": by_tag}
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
                conditions={**requested, **nobodys},
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
                    "sagemaker:DeleteTags",
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
                conditions={
                    "StringEquals": {
                        "application-autoscaling:service-namespace": "sagemaker",
                        "application-autoscaling:scalable-dimension": list(DIMENSIONS),
                    },
                    **nobodys,
                },
            ),
            # The request to tag names no dimension.
            iam.PolicyStatement(
                sid="TagScalableTargets",
                actions=["application-autoscaling:TagResource"],
                resources=[scalable],
                conditions={**requested, **nobodys},
            ),
            iam.PolicyStatement(
                sid="Alarm",
                actions=[
                    "cloudwatch:PutMetricAlarm",
                    "cloudwatch:DeleteAlarms",
                    "cloudwatch:DescribeAlarms",
                    "cloudwatch:TagResource",
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
                    "application-autoscaling:ListTagsForResource",
                    "cloudwatch:GetMetricData",
                    "cloudwatch:ListMetrics",
                    "sagemaker:ListEndpointConfigs",
                    "sagemaker:ListEndpoints",
                    "sagemaker:ListModels",
                    "sagemaker:ListMonitoringSchedules",
                ],
                resources=["*"],
            ),
        ]
        components = names.arn("sagemaker", f"inference-component/{names.prefix}-*")
        if any(endpoint.components for endpoint in environment.endpoints.values()):
            statements += _component_statements(endpoints, components)
        budgets = names.arn("budgets", f"budget/{names.prefix}-*", region="")
        if has_budget(environment):
            statements.append(
                iam.PolicyStatement(
                    sid="Budget",
                    actions=[
                        "budgets:ModifyBudget",
                        "budgets:ViewBudget",
                        "budgets:TagResource",
                        "budgets:ListTagsForResource",
                    ],
                    resources=[budgets],
                )
            )
        statements += volume_key_statements(environment, key)
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
                components: "all inference components of this environment, by the prefix of their names",
                budgets: "all budgets of this environment, by the prefix of their names",
                **dict.fromkeys(
                    revisions,
                    "names are generated; Team, Project and Environment tags are required by condition",
                ),
                scalable: "scalable targets have generated ids; SageMaker's only, and none with others' tags",
                any_key(environment): "keys are told apart by their alias, which the condition requires",
                alarms: "all alarms of this environment, by the prefix of their names",
                "*": "these actions only read, and authorize on everything or nothing",
            },
        )


def _component_statements(endpoints: str, components: str) -> list[iam.PolicyStatement]:
    """Creating a component is authorized on the endpoint too."""
    return [
        iam.PolicyStatement(
            sid="CreateComponents", actions=["sagemaker:CreateInferenceComponent"], resources=[endpoints, components]
        ),
        iam.PolicyStatement(
            sid="ManageComponents",
            actions=[
                "sagemaker:UpdateInferenceComponent",
                "sagemaker:UpdateInferenceComponentRuntimeConfig",
                "sagemaker:DeleteInferenceComponent",
                "sagemaker:DescribeInferenceComponent",
                "sagemaker:AddTags",
                "sagemaker:ListTags",
            ],
            resources=[components],
        ),
        iam.PolicyStatement(sid="LookAtComponents", actions=["sagemaker:ListInferenceComponents"], resources=["*"]),
    ]


class InvokerPolicy(Construct):
    """Lets an application invoke this environment's endpoints, and nothing else.

    For asynchronous endpoints that means to put requests and to fetch answers too.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    key
        Whoever puts requests into an encrypted bucket, or fetches answers, uses it.

    Attributes
    ----------
    policy
        The managed policy.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, key: kms.IKey) -> None:
        super().__init__(scope, id)
        names = environment.names
        endpoints = names.arn("sagemaker", f"endpoint/{names.prefix}-*")
        components = names.arn("sagemaker", f"inference-component/{names.prefix}-*")
        reasons = {
            endpoints: "all endpoints of this environment, by the prefix of their names",
            components: "all inference components of this environment, by the prefix of their names",
            any_key(environment): "keys are told apart by their alias, which the condition requires",
        }
        declared = environment.endpoints.values()
        invoke = ["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"]
        statements = [
            iam.PolicyStatement(sid="Invoke", actions=[*invoke, "sagemaker:InvokeEndpointAsync"], resources=[endpoints])
        ]
        if any(endpoint.components for endpoint in declared):
            # A request that names a component is authorized on it too.
            statements.append(iam.PolicyStatement(sid="InvokeComponents", actions=invoke, resources=[components]))
        statements += caller_statements(environment, key, reasons)
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            managed_policy_name=names.invoker_policy,
            description=f"Invoke the SageMaker endpoints of {names.prefix}",
            statements=statements,
        )
        acknowledge_wildcards(self.policy, reasons)
