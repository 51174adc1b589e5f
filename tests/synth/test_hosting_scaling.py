from __future__ import annotations

from typing import Any

import pytest

from tests.synth.conftest import Assembly
from tests.synth.hosting import BASE, SHARED, Declared, hosted

TARGET, POLICY = (
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
)
ALARM = "AWS::CloudWatch::Alarm"


def targets(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """Scalable targets by what they scale."""
    return {r["Properties"]["ResourceId"]: r["Properties"] for r in assembly.resources("iris", TARGET)}


def policies(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """Configurations of the policies, by the end of their names."""
    found = {}
    for resource in assembly.resources("iris", POLICY):
        properties = resource["Properties"]
        tracking = "TargetTrackingScalingPolicyConfiguration"
        key = tracking if properties["PolicyType"] == "TargetTrackingScaling" else "StepScalingPolicyConfiguration"
        found[properties["PolicyName"].removeprefix(SHARED).removeprefix(f"{BASE}-")] = properties[key]
    return found


def metric(policy: dict[str, Any]) -> str:
    predefined: str = policy["PredefinedMetricSpecification"]["PredefinedMetricType"]
    return predefined


def alarm(assembly: Assembly, what: str) -> dict[str, Any]:
    """Properties of a scaling alarm, with its dimensions as a mapping."""
    name = f"{BASE}-scaling-{what}"
    (only,) = [r["Properties"] for r in assembly.resources("iris", ALARM) if r["Properties"]["AlarmName"] == name]
    return {**only, "Dimensions": {d["Name"]: d["Value"] for d in only["Dimensions"]}}


def fired(assembly: Assembly, what: str) -> str:
    """Name of the policy that a scaling alarm fires."""
    (action,) = alarm(assembly, what)["AlarmActions"]
    name: str = assembly.template("iris")["Resources"][action["Ref"]]["Properties"]["PolicyName"]
    return name


@pytest.mark.parametrize(
    ("kind", "resource", "dimension", "limits"),
    [
        ("instances", f"endpoint/{BASE}/variant/primary", "sagemaker:variant:DesiredInstanceCount", (2, 4)),
        ("warm", f"endpoint/{BASE}/variant/primary", "sagemaker:variant:DesiredProvisionedConcurrency", (1, 8)),
        ("sleeping", f"endpoint/{BASE}/variant/primary", "sagemaker:variant:DesiredInstanceCount", (0, 4)),
        ("components", f"inference-component/{SHARED}prices", "sagemaker:inference-component:DesiredCopyCount", (0, 4)),
    ],
)
def test_each_mode_scales_what_it_has_more_or_fewer_of(
    declared: Declared, kind: str, resource: str, dimension: str, limits: tuple[int, int]
) -> None:
    target = targets(hosted(declared, kind))[resource]
    assert target["ScalableDimension"] == dimension
    assert (target["MinCapacity"], target["MaxCapacity"]) == limits


def test_a_serverless_endpoint_is_not_scaled_unless_it_says_so(declared: Declared) -> None:
    assert targets(hosted(declared, "serverless")) == {}


def test_components_are_scaled_one_by_one_and_not_where_it_is_off(declared: Declared) -> None:
    assert set(targets(hosted(declared, "components"))) == {
        f"inference-component/{SHARED}primary",
        f"inference-component/{SHARED}prices",
    }


@pytest.mark.parametrize("kind", ["instances", "warm", "sleeping", "components"])
def test_what_is_scaled_exists_before_its_target(declared: Declared, kind: str) -> None:
    resources = hosted(declared, kind).template("iris")["Resources"]
    for resource in resources.values():
        if resource["Type"] == TARGET:
            (before,) = (resources[key]["Properties"] for key in resource["DependsOn"])
            name = before.get("InferenceComponentName", before["EndpointName"])
            assert name in resource["Properties"]["ResourceId"].split("/")


def test_warm_capacity_follows_its_use_as_a_ratio(declared: Declared) -> None:
    (policy,) = policies(hosted(declared, "warm")).values()
    assert metric(policy) == "SageMakerVariantProvisionedConcurrencyUtilization"
    assert policy["TargetValue"] == 0.7


def test_schedules_change_the_limits_of_warm_capacity_too(declared: Declared) -> None:
    (target,) = targets(hosted(declared, "warm")).values()
    (action,) = target["ScheduledActions"]
    assert action["ScalableTargetAction"] == {"MinCapacity": 4, "MaxCapacity": 8}


def test_an_asynchronous_endpoint_follows_the_backlog_of_each_instance(declared: Declared) -> None:
    assert policies(hosted(declared, "asynchronous")) == {
        "primary-backlog": {
            "TargetValue": 5,
            "CustomizedMetricSpecification": {
                "Namespace": "AWS/SageMaker",
                "MetricName": "ApproximateBacklogSizePerInstance",
                "Statistic": "Average",
                # Of the whole endpoint: with a variant's name there is no data.
                "Dimensions": [{"Name": "EndpointName", "Value": BASE}],
            },
            "ScaleOutCooldown": 60,
            "ScaleInCooldown": 300,
        }
    }


@pytest.mark.parametrize(
    ("policy", "wanted", "value"),
    [
        ("primary-concurrency", "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution", 3),
        ("prices-invocations", "SageMakerInferenceComponentInvocationsPerCopy", 70),
    ],
)
def test_copies_follow_the_requests_of_each_copy(declared: Declared, policy: str, wanted: str, value: float) -> None:
    found = policies(hosted(declared, "components"))[policy]
    assert (metric(found), found["TargetValue"]) == (wanted, value)


@pytest.mark.parametrize(("key", "value"), [("gpu", 60), ("cpu", 50)])
def test_copies_follow_the_use_of_what_each_is_given_as_a_plain_percentage(
    declared: Declared, key: str, value: float
) -> None:
    # The machine has 48 cores and 4 GPUs, which the normalized metric does not count.
    policy = policies(hosted(declared, "adapters"))[f"llm-{key}"]
    assert policy["TargetValue"] == value
    assert policy["CustomizedMetricSpecification"] == {
        "Namespace": "/aws/sagemaker/InferenceComponents",
        "MetricName": f"{key.upper()}UtilizationNormalized",
        "Statistic": "Average",
        "Dimensions": [{"Name": "InferenceComponentName", "Value": f"{SHARED}llm"}],
    }


def test_the_first_instance_comes_with_the_first_request_that_waits(declared: Declared) -> None:
    assembly = hosted(declared, "sleeping")
    assert policies(assembly)["primary-steps-from-zero"] == {
        "AdjustmentType": "ChangeInCapacity",
        "MetricAggregationType": "Average",
        # A machine takes minutes to start; without the rest there would be one for each minute of it.
        "Cooldown": 300,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    }
    found = alarm(assembly, "from-zero")
    assert fired(assembly, "from-zero") == f"{BASE}-primary-steps-from-zero"
    assert found["Dimensions"] == {"EndpointName": BASE}
    assert (found["MetricName"], found["Statistic"]) == ("HasBacklogWithoutCapacity", "Average")
    assert (found["Period"], found["EvaluationPeriods"], found["DatapointsToAlarm"]) == (60, 2, 2)
    assert (found["ComparisonOperator"], found["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
    assert found["TreatMissingData"] == "missing"


def test_the_first_copy_comes_with_the_first_request_that_is_refused(declared: Declared) -> None:
    assembly = hosted(declared, "components")
    assert policies(assembly)["prices-steps-from-zero"] == {
        "AdjustmentType": "ChangeInCapacity",
        "MetricAggregationType": "Maximum",
        "Cooldown": 60,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    }
    found = alarm(assembly, "from-zero--prices")
    assert fired(assembly, "from-zero--prices") == f"{SHARED}prices-steps-from-zero"
    assert found["Dimensions"] == {"InferenceComponentName": f"{SHARED}prices"}
    assert (found["MetricName"], found["Statistic"]) == ("NoCapacityInvocationFailures", "Maximum")
    assert (found["Period"], found["EvaluationPeriods"]) == (60, 1)
    assert (found["ComparisonOperator"], found["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)


def test_a_schedule_that_lets_everything_go_needs_the_way_back_too(declared: Declared) -> None:
    nights = [{"name": "night", "at": "cron(0 22 * * ? *)", "min": 0, "max": 1}]
    endpoint = {
        "asynchronous": {},
        "scaling": {"min": 1, "max": 2, "schedules": nights},
        "deployment": {"strategy": "all_at_once", "rollback_alarms": False},
        "hosting": {"instance_type": "ml.m5.large", "instances": 1},
    }
    assert "primary-steps-from-zero" in policies(declared(endpoint))


@pytest.mark.parametrize("kind", ["instances", "asynchronous", "warm", "adapters"])
def test_what_never_has_nothing_needs_no_way_back(declared: Declared, kind: str) -> None:
    assert not any(name.endswith("from-zero") for name in policies(hosted(declared, kind)))


@pytest.mark.parametrize(
    ("what", "metric", "statistic", "threshold", "adjustments"),
    [
        # ml.m5.large has 2 cores, each of which counts 100.
        ("cpu", "CPUUtilization", "Average", 150, [(0, 30, 1), (30, None, 3)]),
        ("memory", "MemoryUtilization", "Average", 85, [(0, None, 2)]),
        ("latency", "ModelLatency", "p95", 500_000, [(0, None, 1)]),
    ],
)
def test_steps_of_one_metric_are_one_policy_with_an_alarm_at_the_lowest_level(
    declared: Declared,
    what: str,
    metric: str,
    statistic: str,
    threshold: float,
    adjustments: list[tuple[float, float | None, int]],
) -> None:
    assembly = hosted(declared, "stepped")
    policy = policies(assembly)[f"primary-steps-{what}"]
    assert [
        (a["MetricIntervalLowerBound"], a.get("MetricIntervalUpperBound"), a["ScalingAdjustment"])
        for a in policy["StepAdjustments"]
    ] == adjustments
    assert (policy["AdjustmentType"], policy["Cooldown"]) == ("ChangeInCapacity", 90)
    found = alarm(assembly, what)
    assert found["MetricName"] == metric
    assert found.get("Statistic", found.get("ExtendedStatistic")) == statistic
    assert (found["Threshold"], found["ComparisonOperator"]) == (threshold, "GreaterThanOrEqualToThreshold")
    assert found["Dimensions"] == {"EndpointName": BASE, "VariantName": "primary"}
    assert fired(assembly, what) == f"{BASE}-primary-steps-{what}"


def test_steps_stand_beside_the_targets(declared: Declared) -> None:
    assert set(policies(hosted(declared, "stepped"))) == {
        "primary-cpu",
        "primary-steps-cpu",
        "primary-steps-memory",
        "primary-steps-latency",
    }


def test_steps_on_a_backlog_count_what_waits_for_each_instance(declared: Declared) -> None:
    assembly = hosted(declared, "sleeping")
    assert policies(assembly)["primary-steps-backlog"]["StepAdjustments"] == [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 80, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 80, "ScalingAdjustment": 2},
    ]
    found = alarm(assembly, "backlog")
    assert (found["MetricName"], found["Threshold"]) == ("ApproximateBacklogSizePerInstance", 20)
    assert found["Dimensions"] == {"EndpointName": BASE}


def test_steps_of_a_component_look_at_its_own_share_of_the_machine(declared: Declared) -> None:
    found = alarm(hosted(declared, "adapters"), "gpu--llm")
    assert (found["Namespace"], found["MetricName"]) == (
        "/aws/sagemaker/InferenceComponents",
        "GPUUtilizationNormalized",
    )
    assert found["Threshold"] == 90
    assert found["Dimensions"] == {"InferenceComponentName": f"{SHARED}llm"}


def test_scaling_alarms_are_told_apart_by_variant(declared: Declared) -> None:
    steps = [{"metric": "cpu", "above": "80%", "add": 1}]
    variants = {
        name: {"model": {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}, "hosting": {"instance_type": kind}}
        for name, kind in (("a", "ml.m5.large"), ("b", "ml.m5.xlarge"))
    }
    endpoint = {
        "model": None,
        "hosting": None,
        "variants": variants,
        "scaling": {"min": 2, "max": 4, "cpu": "50%", "steps": steps},
    }
    assembly = declared(endpoint)
    assert [alarm(assembly, f"cpu-{name}")["Threshold"] for name in ("a", "b")] == [160, 320]
