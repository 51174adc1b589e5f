"""The plans whose outputs are held against files: one of each kind of news."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slipway.plan.assembly import Assembly, Stack
from slipway.plan.live import LiveEndpoint
from slipway.plan.planning import plan
from slipway.plan.prices import Prices
from slipway.plan.story import Plan
from slipway.spec.deployment import Fleet

from .pairs import CONFIG, ENDPOINT, NAME, TARGET, edited, next_model, planned, template

_COMPONENT_MODEL = "InferenceModeliris9F949C28"
_PRICES = Prices("2026-11-21", {"eu-west-1": {"ml.m5.large": 0.128, "ml.c5.xlarge": 0.25}})


def new_version() -> Plan:
    """A new version of a scaled model behind a canary."""
    return planned(template(), next_model(template()), prices=_PRICES)


def refused() -> Plan:
    """Another instance type under a scalable target, and a count that is ignored."""
    variant = f"{CONFIG}__ProductionVariants___0"
    return planned(
        template(),
        edited(template(), **{f"{variant}__InstanceType": "ml.c5.xlarge", f"{variant}__InitialInstanceCount": 6}),
    )


def rolling() -> Plan:
    """A rolling update in batches, more instances by scaling, while five of them run."""
    one = {"Type": "INSTANCE_COUNT", "Value": 2}
    policy = {
        "RollingUpdatePolicy": {"MaximumBatchSize": one, "WaitIntervalInSeconds": 300},
        "AutoRollbackConfiguration": template()["Resources"][ENDPOINT]["Properties"]["DeploymentConfig"][
            "AutoRollbackConfiguration"
        ],
    }
    changes = {f"{ENDPOINT}__DeploymentConfig": policy, f"{TARGET}__MaxCapacity": 16}
    live = LiveEndpoint(
        NAME, "InService", "config-a", "config-a", {"primary": 5}, {"primary": 1.0}, {"primary": Fleet(4, 12)}
    )
    return planned(template(), edited(next_model(template()), **changes), live={NAME: live}, prices=_PRICES)


def components() -> Plan:
    """A new version of an inference component."""
    return planned(template("components"), next_model(template("components"), _COMPONENT_MODEL))


def foundation() -> Plan:
    """Rights, network, a bucket that goes, a stack that is not declared any more, and one that comes."""
    role: dict[str, Any] = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": "serve",
            "AssumeRolePolicyDocument": _policy("sts:AssumeRole", Principal={"Service": "sagemaker.amazonaws.com"}),
            "Policies": [
                {"PolicyName": "read", "PolicyDocument": _policy("s3:GetObject", Resource="arn:aws:s3:::models/*")}
            ],
        },
    }
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "captured"}}
    logs = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "iris"}, "DeletionPolicy": "Retain"}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alarms"}}
    before = {"Role": role, "Bucket": bucket, "Logs": logs, "Topic": topic}
    wider = {
        **role,
        "Properties": {
            **role["Properties"],
            "Policies": [{"PolicyName": "read", "PolicyDocument": _policy("s3:*", Resource="*")}],
        },
    }
    after = {"Role": wider, "Topic": {**topic, "Properties": {"TopicName": "alarms-2"}}}
    sides = []
    for resources, other in ((before, "rc-old"), (after, "rc-new")):
        stacks = [
            Stack("rc-foundation", {"Resources": resources}),
            Stack(other, template("all-at-once"), "123456789012", "eu-west-1"),
        ]
        sides.append(Assembly(other.removeprefix("rc-"), {stack.name: stack for stack in stacks}))
    return plan(*sides)


def nothing() -> Plan:
    """The same on both sides."""
    return planned(template(), template())


def _policy(action: str, **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **more}]}


CASES: dict[str, Callable[[], Plan]] = {
    made.__name__: made for made in (new_version, refused, rolling, components, foundation, nothing)
}
