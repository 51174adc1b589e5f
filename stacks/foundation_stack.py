"""What an environment stands on and keeps: buckets, key, roles and policies, repositories, topics."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack, Tags
from aws_cdk import Environment as Account
from constructs import Construct

from slipway.spec.environment import Environment
from slipway_cdk.access_policies import DeployerPolicy, InvokerPolicy
from slipway_cdk.alarm_topic import AlarmTopic
from slipway_cdk.environment_key import EnvironmentKey
from slipway_cdk.execution_role import ExecutionRole
from slipway_cdk.image_repository import ImageRepository
from slipway_cdk.log_group import endpoint_log_group
from slipway_cdk.model_bucket import ModelBucket
from slipway_cdk.operator_policy import OperatorPolicy
from slipway_cdk.resource import declare, tags
from slipway_cdk.results_topics import ResultsTopics
from slipway_cdk.upload_bucket import UploadBucket


class FoundationStack(Stack):
    """Retained, and protected against deletion. Deploy it first; every other stack depends on it.

    Parameters
    ----------
    scope
        The app.
    environment
        The environment.
    """

    def __init__(self, scope: Construct, *, environment: Environment) -> None:
        names = environment.names
        super().__init__(
            scope,
            names.stack("foundation"),
            description=f"Slipway: what the endpoints of {names.prefix} stand on",
            env=Account(account=environment.account, region=environment.region),
            tags=dict(environment.own_tags),
            termination_protection=True,
        )
        key = EnvironmentKey(self, "Key", environment=environment).key
        bucket = ModelBucket(self, "ModelBucket", environment=environment, key=key)
        ExecutionRole(self, "ExecutionRole", environment=environment, key=key)
        DeployerPolicy(self, "Deployer", environment=environment, key=key)
        OperatorPolicy(self, "Operator", environment=environment, key=key)
        InvokerPolicy(self, "Invoker", environment=environment, key=key)
        AlarmTopic(self, "Alarms", environment=environment, key=key)
        ResultsTopics(self, "Results", environment=environment, key=key)
        if environment.bucket.studio_upload:
            UploadBucket(self, "UploadBucket", environment=environment, key=key, log_bucket=bucket.log_bucket)
        for name in environment.repositories:
            ImageRepository(self, f"Repository-{name}", environment=environment, name=name, key=key)
        for name in environment.model_package_groups:
            declare(
                self,
                f"Packages-{name}",
                "AWS::SageMaker::ModelPackageGroup",
                {"ModelPackageGroupName": names.package_group(name), "Tags": tags(environment)},
                removed="RetainExceptOnCreate",
                replaced="Retain",
            )
        if environment.guarded:
            for name, endpoint in environment.endpoints.items():
                endpoint_log_group(self, f"Log-{name}", environment=environment, name=name)
                for component in endpoint.components or {}:
                    id = f"Log-{name}--{component}"
                    endpoint_log_group(self, id, environment=environment, name=name, component=component)
        CfnOutput(self, "BucketName", value=bucket.bucket.bucket_name, description="Model artifacts")
        for tag, value in environment.own_tags.items():
            Tags.of(self).add(tag, value)
