"""An endpoint that is deleted and created again on a local AWS, with its stack and what scales it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.local import control
from slipway.ops.recreate.note import Note, note_path
from slipway.ops.recreate.recreate import Recreator
from slipway.ops.trouble import NoEndpointError
from tests.local.conftest import LocalAws, Stack
from tests.local.hosting import ROLE
from tests.local.operating import HOSTING, MODEL, Advancing, Site

HOURS = timedelta(hours=2)
DECLARED = {"version": 1, "model": MODEL, "hosting": HOSTING, "scaling": {"min": 1, "max": 4}}


@pytest.fixture(scope="module")
def own_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS whose clock is moved; the others' is not."""
    home = tmp_path_factory.mktemp("again")
    yield LocalAws(control.start(home, port=0).url)
    control.stop(home)


@pytest.fixture
def site(own_aws: LocalAws) -> Site:
    return Site(own_aws, DECLARED)


def template(site: Site, steps: int = 1) -> dict[str, Any]:
    """What an endpoint's stack has: model, config, endpoint, target, a policy of steps, and the alarm that fires it."""
    dimensions = {"EndpointName": site.full, "VariantName": "primary"}
    return {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {"PrimaryContainer": {"Image": "image"}, "ExecutionRoleArn": ROLE},
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "ProductionVariants": [
                    {
                        "VariantName": "primary",
                        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                        "InstanceType": "ml.m5.large",
                        "InitialInstanceCount": 1,
                        "InitialVariantWeight": 1.0,
                    }
                ]
            },
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": site.full,
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                "Tags": [{"Key": "Model", "Value": site.name}],
                "DeploymentConfig": {
                    "RollingUpdatePolicy": {
                        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                        "WaitIntervalInSeconds": 300,
                    }
                },
            },
        },
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "DependsOn": "Endpoint",
            "Properties": {
                **site.scaled,
                "MinCapacity": 1,
                "MaxCapacity": 4,
                "Tags": {"Model": site.name},
                "ScheduledActions": [
                    {
                        "ScheduledActionName": "night",
                        "Schedule": "cron(0 20 * * ? *)",
                        "Timezone": "Europe/Berlin",
                        "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 2},
                    }
                ],
            },
        },
        "Steps": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": f"{site.full}-steps",
                "PolicyType": "StepScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "StepScalingPolicyConfiguration": {
                    "AdjustmentType": "ChangeInCapacity",
                    "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": steps}],
                },
            },
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": f"{site.full}-scaling-cpu",
                "Namespace": "/aws/sagemaker/Endpoints",
                "MetricName": "CPUUtilization",
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                "Statistic": "Average",
                "Period": 60,
                "EvaluationPeriods": 2,
                "Threshold": 160,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "AlarmActions": [{"Ref": "Steps"}],
            },
        },
    }


@pytest.fixture
def stack(site: Site) -> Stack:
    stack = Stack(site.aws.client("cloudformation"), site.environment.names.stack(site.name))
    assert stack.deploy(template(site)) == "CREATE_COMPLETE"
    site.until(lambda: site.status == "InService")
    return stack


def again(site: Site, home: Path, *meanwhile: Any) -> Recreator:
    return Recreator(
        site.environment,
        site.name,
        site.target,
        home=home,
        clock=Advancing(site.target, *meanwhile),
        say=site.said.append,
        warn=site.said.append,
    )


def scaling(site: Site) -> dict[str, Any]:
    """What scales it, without what is given anew."""
    key = {"ServiceNamespace": "sagemaker", "ResourceId": site.scaled["ResourceId"]}
    policies = site.scaling.describe_scaling_policies(**key)["ScalingPolicies"]
    actions = site.scaling.describe_scheduled_actions(**key)["ScheduledActions"]
    fresh = ("CreationTime", "PolicyARN", "ScheduledActionARN", "Alarms")
    return {
        "limits": site.limits,
        "policies": [{k: v for k, v in one.items() if k not in fresh} for one in policies],
        "actions": [{k: v for k, v in one.items() if k not in fresh} for one in actions],
    }


def fires(site: Site) -> bool:
    """Whether the alarm fires the policy that there is."""
    policies = site.scaling.describe_scaling_policies(
        ServiceNamespace="sagemaker", ResourceId=site.scaled["ResourceId"]
    )["ScalingPolicies"]
    alarm = site.cloudwatch.describe_alarms(AlarmNames=[f"{site.full}-scaling-cpu"])["MetricAlarms"][0]
    return bool(alarm["AlarmActions"] == [policies[0]["PolicyARN"]])


def test_an_endpoint_comes_back_with_what_scales_it(site: Site, stack: Stack, tmp_path: Path) -> None:
    before, scaled = site.described, scaling(site)
    assert fires(site)
    again(site, tmp_path).begin(None, HOURS)
    after = site.described
    assert after["CreationTime"] > before["CreationTime"]
    same = ("EndpointName", "EndpointArn", "EndpointConfigName", "EndpointStatus", "LastDeploymentConfig")
    assert {key: after[key] for key in same} == {key: before[key] for key in same}
    assert site.tags == {"Model": site.name}
    assert scaling(site) == scaled
    assert fires(site)
    assert not note_path(site.full, tmp_path).exists()
    # The stack knows it by its name, so that its next update finds it.
    assert stack.deploy(template(site, steps=2)) == "UPDATE_COMPLETE"
    assert (
        scaling(site)["policies"][0]["StepScalingPolicyConfiguration"]["StepAdjustments"][0]["ScalingAdjustment"] == 2
    )
    stack.delete()
    assert site.limits is None


def test_an_interrupted_run_is_resumed(site: Site, stack: Stack, tmp_path: Path) -> None:
    assert stack.status == "CREATE_COMPLETE"
    scaled = scaling(site)
    first = again(site, tmp_path)

    def stop(note: Note) -> None:
        assert note.endpoint == site.full
        raise KeyboardInterrupt

    first._create = stop  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        first.begin(None, HOURS)
    assert f"`slipway recreate {site.name} --resume` goes on" in site.said[-1]
    with pytest.raises(site.sagemaker.exceptions.ClientError, match="Could not find"):
        assert site.described
    assert json.loads(note_path(site.full, tmp_path).read_text())["endpoint"] == site.full
    again(site, tmp_path).resume(HOURS)
    assert site.status == "InService"
    assert scaling(site) == scaled
    assert not note_path(site.full, tmp_path).exists()


def test_an_endpoint_that_is_gone_without_a_note_is_its_stacks(site: Site, stack: Stack, tmp_path: Path) -> None:
    site.sagemaker.delete_endpoint(EndpointName=site.full)
    site.advance(minutes=10)
    with pytest.raises(NoEndpointError, match=f"its stack {stack.name} believes that there is"):
        again(site, tmp_path).begin(None, HOURS)
