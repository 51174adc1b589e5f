"""Scaling and budgets of hosting on the local AWS: stored, found, updated in place, gone with the stack."""

from typing import Any

import pytest

from tests.local.conftest import ACCOUNT, LocalAws, Stack
from tests.local.hosting import failing

VARIANT = "sagemaker:variant:DesiredProvisionedConcurrency"
COMPONENT = "sagemaker:inference-component:DesiredCopyCount"
WHERE = {"ServiceNamespace": "sagemaker"}


def resources(resource: str, dimension: str, adjustment: int = 1, most: int = 4) -> dict[str, Any]:
    """A target, a step policy, and the alarm whose action the policy is."""
    return {
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": {
                "ServiceNamespace": "sagemaker",
                "ResourceId": resource,
                "ScalableDimension": dimension,
                "MinCapacity": 0,
                "MaxCapacity": most,
            },
        },
        "Steps": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": "from-zero",
                "PolicyType": "StepScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "StepScalingPolicyConfiguration": {
                    "AdjustmentType": "ChangeInCapacity",
                    "MetricAggregationType": "Maximum",
                    "Cooldown": 60,
                    "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": adjustment}],
                },
            },
        },
        "Tracking": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": "tracking",
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "TargetTrackingScalingPolicyConfiguration": {
                    "TargetValue": 5,
                    "CustomizedMetricSpecification": {
                        "Namespace": "AWS/SageMaker",
                        "MetricName": "ConcurrentRequestsPerCopy",
                        "Statistic": "Maximum",
                        "Dimensions": [{"Name": "InferenceComponentName", "Value": "any"}],
                    },
                },
            },
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "Namespace": "AWS/SageMaker",
                "MetricName": "NoCapacityInvocationFailures",
                "Dimensions": [{"Name": "InferenceComponentName", "Value": "any"}],
                "Statistic": "Maximum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 1,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "TreatMissingData": "missing",
                "AlarmActions": [{"Ref": "Steps"}],
            },
        },
    }


@pytest.mark.parametrize(
    ("resource", "dimension"), [("endpoint/{}/variant/main", VARIANT), ("inference-component/{}", COMPONENT)]
)
def test_targets_and_policies_of_every_dimension_deploy(
    local_aws: LocalAws, stack: Stack, resource: str, dimension: str
) -> None:
    resource = resource.format(stack.name)
    scaling, cloudwatch = local_aws.client("application-autoscaling"), local_aws.client("cloudwatch")
    assert stack.deploy(resources(resource, dimension)) == "CREATE_COMPLETE", stack.reasons()
    first = stack.physical_id("Steps")
    assert stack.deploy(resources(resource, dimension, adjustment=2, most=8)) == "UPDATE_COMPLETE", stack.reasons()
    targets = scaling.describe_scalable_targets(**WHERE, ScalableDimension=dimension, ResourceIds=[resource])
    assert [(t["MinCapacity"], t["MaxCapacity"]) for t in targets["ScalableTargets"]] == [(0, 8)]
    policies = scaling.describe_scaling_policies(**WHERE, ResourceId=resource, ScalableDimension=dimension)
    found = {policy["PolicyName"]: policy for policy in policies["ScalingPolicies"]}
    steps = found["from-zero"]["StepScalingPolicyConfiguration"]["StepAdjustments"]
    assert [step["ScalingAdjustment"] for step in steps] == [2]
    assert found["tracking"]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 5
    alarm = cloudwatch.describe_alarms(AlarmNames=[stack.physical_id("Alarm")])["MetricAlarms"][0]
    # A policy that is changed stays the same one, so the alarm's action still names it.
    assert alarm["AlarmActions"] == [first] == [found["from-zero"]["PolicyARN"]]
    stack.delete()
    left = scaling.describe_scaling_policies(**WHERE, ResourceId=resource)["ScalingPolicies"]
    left += scaling.describe_scalable_targets(**WHERE, ResourceIds=[resource])["ScalableTargets"]
    assert left == []


def test_policies_of_a_resource_are_not_those_of_another_whose_name_begins_alike(
    local_aws: LocalAws, stack: Stack
) -> None:
    name = f"inference-component/{stack.name}"
    assert stack.deploy(resources(name, COMPONENT)) == "CREATE_COMPLETE", stack.reasons()
    scaling = local_aws.client("application-autoscaling")
    assert scaling.describe_scaling_policies(**WHERE, ResourceId=f"{name}-2")["ScalingPolicies"] == []
    assert len(scaling.describe_scaling_policies(**WHERE, ResourceId=name)["ScalingPolicies"]) == 2


def test_a_dimension_that_is_none_is_refused(local_aws: LocalAws) -> None:
    error = failing(
        lambda: local_aws.client("application-autoscaling").register_scalable_target(
            **WHERE, ResourceId="inference-component/any", ScalableDimension="sagemaker:variant:Desired", MinCapacity=0
        )
    )["Error"]
    assert error["Code"] == "ValidationException"


def test_a_budget_with_notifications_is_made_changed_and_removed(local_aws: LocalAws, stack: Stack) -> None:
    def budget(amount: int, threshold: float) -> dict[str, Any]:
        return {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
            "Budget": {
                "Type": "AWS::Budgets::Budget",
                "Properties": {
                    "Budget": {
                        "BudgetName": f"{stack.name}-daily",
                        "BudgetType": "COST",
                        "TimeUnit": "DAILY",
                        "BudgetLimit": {"Amount": amount, "Unit": "USD"},
                        "CostFilters": {"TagKeyValue": ["user:Endpoint$iris"]},
                    },
                    "NotificationsWithSubscribers": [
                        {
                            "Notification": {
                                "NotificationType": "ACTUAL",
                                "ComparisonOperator": "GREATER_THAN",
                                "Threshold": threshold,
                                "ThresholdType": "PERCENTAGE",
                            },
                            "Subscribers": [{"SubscriptionType": "SNS", "Address": {"Ref": "Topic"}}],
                        }
                    ],
                },
            },
        }

    api, which = local_aws.client("budgets"), {"AccountId": ACCOUNT, "BudgetName": f"{stack.name}-daily"}

    def found() -> tuple[float, list[float]]:
        limit = api.describe_budget(**which)["Budget"]["BudgetLimit"]["Amount"]
        notifications = api.describe_notifications_for_budget(**which)["Notifications"]
        return float(limit), [notification["Threshold"] for notification in notifications]

    assert stack.deploy(budget(10, 80)) == "CREATE_COMPLETE", stack.reasons()
    assert found() == (10, [80])
    assert stack.physical_id("Budget") == which["BudgetName"]
    assert stack.deploy(budget(20, 80)) == "UPDATE_COMPLETE", stack.reasons()
    assert found() == (20, [80])
    assert api.describe_budget(**which)["Budget"]["CostFilters"] == {"TagKeyValue": ["user:Endpoint$iris"]}
    stack.delete()
    assert failing(lambda: api.describe_budget(**which))["Error"]["Code"] == "NotFoundException"
