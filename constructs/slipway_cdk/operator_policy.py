"""Managed policy for whoever watches over endpoints: everything that operating commands look at, and no change."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from idle_endpoint_cleanup.tags import DEVELOPMENT
from slipway.spec.environment import Environment
from slipway_cdk.acknowledge import acknowledge_wildcards


class OperatorPolicy(Construct):
    """Lets its holder look at this environment's endpoints and at what they rest on; it changes nothing.

    A pipeline checks and watches with it alone. Whoever also rolls back, shifts or scales holds the deployer's policy
    beside it, which has no room for this.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    key
        Whoever looks at encrypted artifacts uses it, through S3 only.

    Attributes
    ----------
    policy
        The managed policy.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self._environment = environment
        self._reasons = {"*": "these actions only read, and authorize on everything or nothing"}
        names = environment.names
        statements = [
            *self._endpoints(),
            *self._revisions(),
            *self._stacks(),
            *self._alarms(),
            *self._content(key),
            iam.PolicyStatement(
                sid="AskForRights", actions=["iam:SimulatePrincipalPolicy"], resources=[names.execution_role_arn]
            ),
            iam.PolicyStatement(sid="Look", actions=self._unscoped(), resources=["*"]),
        ]
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            managed_policy_name=names.operator_policy,
            description=f"Look at the SageMaker endpoints of {names.prefix}, and at what they rest on",
            statements=statements,
        )
        acknowledge_wildcards(self.policy, self._reasons)

    @property
    def _components(self) -> bool:
        return any(endpoint.components for endpoint in self._environment.endpoints.values())

    def _endpoints(self) -> Iterator[iam.PolicyStatement]:
        names = self._environment.names
        every = [names.arn("sagemaker", f"{kind}/*") for kind in ("endpoint", "endpoint-config")]
        mine = [names.arn("sagemaker", f"endpoint/{names.prefix}-*")]
        components = names.arn("sagemaker", f"inference-component/{names.prefix}-*")
        self._reasons |= dict.fromkeys(
            every, "the instances of all endpoints of the account count against the quota that an update needs"
        )
        self._reasons[mine[0]] = "all endpoints of this environment, by the prefix of their names"
        yield iam.PolicyStatement(
            sid="LookAtEndpoints",
            actions=["sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig"],
            resources=every,
        )
        if self._components:
            self._reasons[components] = "all inference components of this environment, by the prefix of their names"
            mine.append(components)
            yield iam.PolicyStatement(
                sid="LookAtComponents", actions=["sagemaker:DescribeInferenceComponent"], resources=[components]
            )
        # Who works on an endpoint is a tag of it.
        yield iam.PolicyStatement(sid="LookAtTags", actions=["sagemaker:ListTags"], resources=mine)

    def _revisions(self) -> Iterator[iam.PolicyStatement]:
        environment = self._environment
        revisions = [environment.names.arn("sagemaker", f"{kind}/*") for kind in ("endpoint-config", "model")]
        self._reasons[revisions[1]] = (
            "names are generated; Team, Project and Environment tags are required by condition"
        )
        ours = {"Team": environment.team, "Project": environment.project, "Environment": environment.environment}
        yield iam.PolicyStatement(
            sid="LookAtRevisions",
            actions=["sagemaker:DescribeModel", "sagemaker:ListTags"],
            resources=revisions,
            conditions={"StringEquals": {f"aws:ResourceTag/{tag}": value for tag, value in ours.items()}},
        )

    def _stacks(self) -> Iterator[iam.PolicyStatement]:
        names = self._environment.names
        stacks = names.arn("cloudformation", f"stack/{names.prefix}-*/*")
        self._reasons[stacks] = "all stacks of this environment, by the prefix of their names; their ids are generated"
        yield iam.PolicyStatement(
            sid="LookAtStacks",
            actions=[
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStackResource",
                "cloudformation:DescribeStackResources",
                "cloudformation:DescribeStacks",
                "cloudformation:GetTemplate",
                "cloudformation:ListStackResources",
            ],
            resources=[stacks],
        )

    def _alarms(self) -> Iterator[iam.PolicyStatement]:
        names = self._environment.names
        alarms = {names.arn("cloudwatch", f"alarm:{names.prefix}-*"): None}
        self._reasons[next(iter(alarms))] = "all alarms of this environment, by the prefix of their names"
        for endpoint in self._environment.endpoints.values():
            components = (endpoint.components or {}).values()
            for deployment in (endpoint.deployment, *map(endpoint.deployment_of, components)):
                also = deployment.rollback_alarms.also if deployment.rollback_alarms else ()
                alarms |= {names.arn("cloudwatch", f"alarm:{alarm}"): None for alarm in also}
        yield iam.PolicyStatement(
            sid="LookBackAtAlarms", actions=["cloudwatch:DescribeAlarmHistory"], resources=list(alarms)
        )

    def _content(self, key: kms.IKey) -> Iterator[iam.PolicyStatement]:
        environment, names = self._environment, self._environment.names
        bucket = f"arn:{names.partition}:s3:::{names.bucket}"
        self._reasons[f"{bucket}/models/*"] = "every version of every model of this environment lies there"
        yield iam.PolicyStatement(sid="LookAtArtifacts", actions=["s3:GetObject"], resources=[f"{bucket}/models/*"])
        # Without it S3 does not tell what is not there from what is forbidden.
        yield iam.PolicyStatement(sid="ListArtifacts", actions=["s3:ListBucket"], resources=[bucket])
        if environment.bucket.encryption == "kms":
            suffix = ".cn" if names.partition == "aws-cn" else ""
            yield iam.PolicyStatement(
                sid="DecryptArtifacts",
                actions=["kms:Decrypt"],
                resources=[key.key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"s3.{environment.region}.amazonaws.com{suffix}"}},
            )
        repositories = [names.arn("ecr", f"repository/{names.repository(one)}") for one in environment.repositories]
        if repositories:
            yield iam.PolicyStatement(
                sid="LookAtImages", actions=["ecr:BatchGetImage", "ecr:DescribeImages"], resources=repositories
            )
        if environment.environment == DEVELOPMENT:
            yield iam.PolicyStatement(
                sid="LookForRemovals",
                actions=["ssm:GetParametersByPath"],
                resources=[names.arn("ssm", f"parameter{names.removals}")],
            )

    def _unscoped(self) -> list[str]:
        return [
            "application-autoscaling:DescribeScalableTargets",
            "application-autoscaling:DescribeScalingActivities",
            "application-autoscaling:DescribeScalingPolicies",
            "application-autoscaling:DescribeScheduledActions",
            # On alarms of certain names it does not answer about composite ones.
            "cloudwatch:DescribeAlarms",
            "cloudwatch:GetMetricData",
            "cloudwatch:ListDashboards",
            "cloudwatch:ListMetrics",
            "sagemaker:ListEndpointConfigs",
            "sagemaker:ListEndpoints",
            *(["sagemaker:ListInferenceComponents"] if self._components else []),
            "sagemaker:ListModels",
            "servicequotas:ListServiceQuotas",
            "tag:GetResources",
        ]
