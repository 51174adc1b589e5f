"""Facts on autoscaling: Application Auto Scaling's dimensions, minimums and metrics for SageMaker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.fuzz.alarm_facts import dimensions_of, published, reach
from tests.fuzz.stack import Mode, Properties, Stack

COUNT = "sagemaker:variant:DesiredInstanceCount"
WARM = "sagemaker:variant:DesiredProvisionedConcurrency"
COPIES = "sagemaker:inference-component:DesiredCopyCount"

#: What is scaled and the fewest of it, by way of hosting.
SCALED: Mapping[Mode, tuple[str, int]] = {
    "instances": (COUNT, 1),
    "asynchronous": (COUNT, 0),
    "serverless": (WARM, 1),
    "components": (COPIES, 0),
}
#: The metrics that Application Auto Scaling knows by name. Asynchronous endpoints publish none of them.
PREDEFINED: Mapping[Mode, set[str]] = {
    "instances": {
        "SageMakerVariantInvocationsPerInstance",
        "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    },
    "asynchronous": set(),
    "serverless": {"SageMakerVariantProvisionedConcurrencyUtilization"},
    "components": {
        "SageMakerInferenceComponentInvocationsPerCopy",
        "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
    },
}
#: The metric that says that a request came while nothing runs.
WAKING: Mapping[Mode, str] = {
    "asynchronous": "HasBacklogWithoutCapacity",
    "components": "NoCapacityInvocationFailures",
}


def _targets(stack: Stack) -> Iterator[tuple[str, Properties]]:
    for id, (type, properties) in stack.resolved.items():
        if type == "AWS::ApplicationAutoScaling::ScalableTarget":
            yield id, properties


def _limits(target: Properties) -> list[Properties]:
    return [target, *(action["ScalableTargetAction"] for action in target.get("ScheduledActions", []))]


def what_is_scaled_is_what_the_way_of_hosting_has(stack: Stack) -> Iterator[str]:
    """Application Auto Scaling: dimensions, resource ids, minimums."""
    wanted, fewest = SCALED[stack.mode]
    there = {f"endpoint/{stack.endpoint['EndpointName']}/variant/{v['VariantName']}" for v in stack.variants}
    if stack.mode == "components":
        components = stack.of("SageMaker::InferenceComponent")
        there = {f"inference-component/{component['InferenceComponentName']}" for component in components}
    for _, target in _targets(stack):
        if target["ScalableDimension"] != wanted or target["ResourceId"] not in there:
            yield f"{target['ScalableDimension']} of {target['ResourceId']}"
        for limits in _limits(target):
            if not fewest <= limits["MinCapacity"] <= limits["MaxCapacity"]:
                yield f"{target['ResourceId']}: {limits['MinCapacity']} to {limits['MaxCapacity']}"


def warm_requests_are_no_more_than_all_requests(stack: Stack) -> Iterator[str]:
    """Serverless: ProvisionedConcurrency is at most MaxConcurrency, and it is there where it is scaled."""
    for variant in stack.variants:
        serverless = variant.get("ServerlessConfig")
        if serverless is None:
            continue
        most = serverless["MaxConcurrency"]
        if serverless.get("ProvisionedConcurrency", 0) > most:
            yield f"{serverless}"
        for _, target in _targets(stack):
            if "ProvisionedConcurrency" not in serverless:
                yield "scales provisioned concurrency that there is none of"
            if any(limits["MaxCapacity"] > most for limits in _limits(target)):
                yield f"scales to {target['MaxCapacity']} of {most}"


def burstable_machines_are_not_scaled(stack: Stack) -> Iterator[str]:
    """Application Auto Scaling: T types are refused."""
    types = [kind for variant in stack.variants for kind in stack.types(variant)]
    if any(target["ScalableDimension"] == COUNT for _, target in _targets(stack)):
        yield from (kind for kind in types if kind.startswith("ml.t"))


def a_target_is_tracked_that_is_published(stack: Stack) -> Iterator[str]:
    """Application Auto Scaling: predefined metrics by dimension; CPU and GPU by a customized one, 100 for each."""
    for policy in stack.of("ApplicationAutoScaling::ScalingPolicy"):
        tracking = policy.get("TargetTrackingScalingPolicyConfiguration")
        if tracking is None:
            continue
        name = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
        own = tracking.get("CustomizedMetricSpecification")
        if name is not None and name not in PREDEFINED[stack.mode]:
            yield f"{policy['PolicyName']} tracks {name}"
        if own is not None and not published(stack, own["Namespace"], own["MetricName"], dimensions_of(own)):
            yield f"{policy['PolicyName']} tracks {own['MetricName']} {sorted(dimensions_of(own))}"
        ratio = name == "SageMakerVariantProvisionedConcurrencyUtilization"
        most = 1 if ratio else reach(stack, own["MetricName"], dimensions_of(own)) if own else float("inf")
        if not 0 < tracking["TargetValue"] <= most:
            yield f"{policy['PolicyName']} aims at {tracking['TargetValue']} of {most}"


def every_scaled_thing_has_a_target(stack: Stack) -> Iterator[str]:
    """Application Auto Scaling: limits alone move nothing."""
    tracking = {
        policy["ScalingTargetId"]
        for policy in stack.of("ApplicationAutoScaling::ScalingPolicy")
        if policy["PolicyType"] == "TargetTrackingScaling"
    }
    yield from (target["ResourceId"] for id, target in _targets(stack) if id not in tracking)


def what_went_to_zero_comes_back(stack: Stack) -> Iterator[str]:
    """Scale to zero: target tracking cannot leave it, so a step policy does, on the metric of lost requests."""
    for id, target in _targets(stack):
        if all(limits["MinCapacity"] > 0 for limits in _limits(target)):
            continue
        steps = {
            f"arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:{policy['PolicyName']}"
            for policy in stack.of("ApplicationAutoScaling::ScalingPolicy")
            if policy["ScalingTargetId"] == id and policy["PolicyType"] == "StepScaling"
        }
        component = target["ResourceId"].removeprefix("inference-component/")
        waking = [
            alarm
            for alarm in stack.of("CloudWatch::Alarm")
            if alarm["MetricName"] == WAKING.get(stack.mode)
            and steps & set(alarm.get("AlarmActions", []))
            and dimensions_of(alarm).get("InferenceComponentName", component) == component
        ]
        if not waking:
            yield f"nothing wakes {target['ResourceId']}"


def a_step_is_taken_on_an_alarm(stack: Stack) -> Iterator[str]:
    """Application Auto Scaling: a step policy acts only when an alarm calls it."""
    called = {action for alarm in stack.of("CloudWatch::Alarm") for action in alarm.get("AlarmActions", [])}
    for policy in stack.of("ApplicationAutoScaling::ScalingPolicy"):
        arn = f"arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:{policy['PolicyName']}"
        if policy["PolicyType"] == "StepScaling" and arn not in called:
            yield f"nothing calls {policy['PolicyName']}"


FACTS = (
    what_is_scaled_is_what_the_way_of_hosting_has,
    warm_requests_are_no_more_than_all_requests,
    burstable_machines_are_not_scaled,
    a_target_is_tracked_that_is_published,
    every_scaled_thing_has_a_target,
    what_went_to_zero_comes_back,
    a_step_is_taken_on_an_alarm,
)
