"""What the tests of commands that change an endpoint share: a place of its own, whose clock they move."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from slipway.local import control, steering
from slipway.ops.aws_clock import AwsClock
from slipway.ops.target import Target
from slipway.spec.environment import Environment
from slipway.spec.load import from_mapping
from tests.local.conftest import ACCOUNT, REGION, Client, LocalAws
from tests.local.hosting import ROLE

_numbers = itertools.count()
MODEL = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}
HOSTING = {"instance_type": "ml.m5.large", "instances": 1}
PLACE = {
    "company": "acme",
    "team": "rc",
    "project": "project-a",
    "account": ACCOUNT,
    "region": REGION,
    "environment": "dev",
}


class Advancing(AwsClock):
    """Moves the local clock instead of waiting; something else may happen meanwhile."""

    def __init__(self, target: Target, *meanwhile: Callable[[], object]) -> None:
        super().__init__(target)
        self.url, self.meanwhile = target.environ["AWS_ENDPOINT_URL"], meanwhile

    def pause(self, seconds: float) -> None:
        for act in self.meanwhile:
            act()
        steering.advance_clock(self.url, timedelta(seconds=seconds))


@dataclass
class Site:
    """An endpoint of an environment: its declaration, and itself on a local AWS."""

    aws: LocalAws
    declared: Mapping[str, Any]
    name: str = field(default_factory=lambda: f"op-{next(_numbers)}")

    def __post_init__(self) -> None:
        self.environment: Environment = from_mapping({**PLACE, "endpoints": {self.name: self.declared}}).environment
        self.full = self.environment.names.endpoint(self.name)
        where = control.environment(self.aws.url, ACCOUNT, REGION)
        self.target = Target("local", ACCOUNT, REGION, where, "here")
        self.sagemaker: Client = self.aws.client("sagemaker")
        self.scaling: Client = self.aws.client("application-autoscaling")
        self.cloudwatch: Client = self.aws.client("cloudwatch")
        self.said: list[str] = []

    def serve(self, **container: Any) -> None:
        """Make the endpoint as a deployment would."""
        image = {"Image": "image", **container}
        self.sagemaker.create_model(ModelName=self.full, ExecutionRoleArn=ROLE, PrimaryContainer=image)
        endpoint = self.environment.endpoints[self.name]
        variants = [
            {
                "VariantName": name,
                "ModelName": self.full,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
                "InitialVariantWeight": member.weight,
            }
            for name, member in endpoint.fleet.items()
        ]
        self.sagemaker.create_endpoint_config(EndpointConfigName=self.full, ProductionVariants=variants)
        self.sagemaker.create_endpoint(
            EndpointName=self.full,
            EndpointConfigName=self.full,
            Tags=[{"Key": "Model", "Value": self.name}],
            DeploymentConfig={
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                    "WaitIntervalInSeconds": 300,
                }
            },
        )
        self.until(lambda: self.status == "InService")

    @property
    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=self.full)
        return found

    @property
    def status(self) -> str:
        return str(self.described["EndpointStatus"])

    @property
    def weights(self) -> dict[str, float]:
        return {one["VariantName"]: one["CurrentWeight"] for one in self.described["ProductionVariants"]}

    @property
    def count(self) -> int:
        return int(self.described["ProductionVariants"][0]["CurrentInstanceCount"])

    @property
    def tags(self) -> dict[str, str]:
        found = self.sagemaker.list_tags(ResourceArn=self.described["EndpointArn"])["Tags"]
        return {tag["Key"]: tag["Value"] for tag in found}

    @property
    def scaled(self) -> dict[str, str]:
        """The key of what scales its first variant."""
        variant = next(iter(self.environment.endpoints[self.name].fleet))
        return {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{self.full}/variant/{variant}",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }

    @property
    def limits(self) -> tuple[int, int] | None:
        targets = self.scaling.describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[self.scaled["ResourceId"]]
        )["ScalableTargets"]
        return (targets[0]["MinCapacity"], targets[0]["MaxCapacity"]) if targets else None

    def advance(self, **by: float) -> None:
        steering.advance_clock(self.aws.url, timedelta(**by))

    def until(self, reached: Callable[[], bool]) -> None:
        """Move the clock until something is so, by two hours at most."""
        for _ in range(120):
            if reached():
                return
            self.advance(minutes=1)
        raise AssertionError("it does not come")
