"""Facts on updates: the DeploymentConfig, and the Developer Guide's pages on deployment guardrails."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tests.fuzz.stack import Properties, Stack


def _policies(stack: Stack) -> Iterator[tuple[str, Properties, range, bool]]:
    """Each DeploymentConfig: whose, what, the counts that can be live, and whether they are copies of a component."""
    if "DeploymentConfig" in stack.endpoint:
        for variant in stack.variants:
            yield variant["VariantName"], stack.endpoint["DeploymentConfig"], stack.live(variant), False
    for component in stack.of("SageMaker::InferenceComponent"):
        if "DeploymentConfig" in component:
            name = component["InferenceComponentName"]
            yield name, component["DeploymentConfig"], stack.copies(component), True


def _stage(policy: Properties) -> tuple[str, dict[str, Any], int, int, int] | None:
    """What moves a part of the fleet: its name, its size, least and most percent, and the wait after it."""
    rolling = policy.get("RollingUpdatePolicy")
    if rolling:
        return "rolling batch", rolling["MaximumBatchSize"], 5, 50, rolling["WaitIntervalInSeconds"]
    routing = policy.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    if routing.get("Type") == "CANARY":
        return "canary", routing["CanarySize"], 0, 50, routing["WaitIntervalInSeconds"]
    if routing.get("Type") == "LINEAR":
        return "linear step", routing["LinearStepSize"], 10, 50, routing["WaitIntervalInSeconds"]
    return None


def _fits(size: Properties, count: int, least: int, most: int) -> bool:
    value = size["Value"]
    share = 100 * value if size["Type"] != "CAPACITY_PERCENT" else value * count
    return bool(value >= 1 and least * count <= share <= most * count)


def there_is_at_most_one_update_policy(stack: Stack) -> Iterator[str]:
    """Deployment guardrails, policies."""
    for whose, policy, _, copies in _policies(stack):
        update = policy.keys() & {"BlueGreenUpdatePolicy", "RollingUpdatePolicy"}
        if len(update) > 1 or (copies and "BlueGreenUpdatePolicy" in policy):
            yield f"{whose} has {', '.join(sorted(update))}"


def a_stage_has_the_size_that_the_service_takes(stack: Stack) -> Iterator[str]:
    """Deployment guardrails, sizes: canary at most 50 %, linear 10 to 50 %, rolling 5 to 50 % of every live fleet."""
    for whose, policy, counts, copies in _policies(stack):
        stage = _stage(policy)
        if stage is None:
            continue
        what, size, least, most, _ = stage
        unit = {"COPY_COUNT"} if copies else {"INSTANCE_COUNT"}
        if size["Type"] not in unit | {"CAPACITY_PERCENT"}:
            yield f"{whose}: a {what} in {size['Type']}"
        for count in counts:
            if copies and count == 0:
                continue
            # No part of a single instance can go first; of a single copy a share can be said.
            if not ((copies or count >= 2) and _fits(size, count, least, most)):
                yield f"{whose}: a {what} of {size['Value']} {size['Type']} with {count} running"
                break


def a_rollback_takes_five_to_a_hundred_percent(stack: Stack) -> Iterator[str]:
    """Deployment guardrails, RollbackMaximumBatchSize."""
    for whose, policy, counts, _ in _policies(stack):
        size = policy.get("RollingUpdatePolicy", {}).get("RollbackMaximumBatchSize")
        for count in counts if size else ():
            if count and not _fits(size, count, 5, 100):
                yield f"{whose}: a rollback batch of {size['Value']} {size['Type']} with {count} running"
                break


def canary_and_linear_bake_before_they_go_on(stack: Stack) -> Iterator[str]:
    """Deployment guardrails: CANARY without a wait is a shift at once that nothing can end."""
    for whose, policy, _, _ in _policies(stack):
        routing = policy.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
        if routing.get("Type") in ("CANARY", "LINEAR") and routing.get("WaitIntervalInSeconds", 0) <= 0:
            yield f"{whose}: {routing['Type']} waits {routing.get('WaitIntervalInSeconds')}"


def an_update_may_take_longer_than_its_waits(stack: Stack) -> Iterator[str]:
    """Deployment guardrails, minimum time: canary W + T, linear (⌈100/step⌉ − 1) W + T, rolling ⌈100/batch⌉ W."""
    for whose, policy, counts, _ in _policies(stack):
        blue = policy.get("BlueGreenUpdatePolicy", {})
        most = {**blue, **policy.get("RollingUpdatePolicy", {})}.get("MaximumExecutionTimeoutInSeconds")
        waits = blue.get("TerminationWaitInSeconds", 0)
        stage = _stage(policy)
        if stage:
            what, size, _, _, wait = stage
            whole = 100 if size["Type"] == "CAPACITY_PERCENT" else max(counts)
            steps = math.ceil(whole / size["Value"])
            waits += {"canary": 1, "linear step": steps - 1, "rolling batch": steps}[what] * wait
        if most is not None and waits >= most:
            yield f"{whose}: waits of {waits} s, a timeout of {most} s"


def an_alarm_that_ends_an_update_can_trip_during_its_bake(stack: Stack) -> Iterator[str]:
    """Rollback alarms: period × evaluations fits inside the bake."""
    alarms = {alarm["AlarmName"]: alarm for alarm in stack.of("CloudWatch::Alarm")}
    for whose, policy, _, _ in _policies(stack):
        stage = _stage(policy)
        bake = stage[4] if stage else policy.get("BlueGreenUpdatePolicy", {}).get("TerminationWaitInSeconds", 0)
        for named in policy.get("AutoRollbackConfiguration", {}).get("Alarms", []):
            alarm = alarms.get(named["AlarmName"])
            needed = alarm["Period"] * alarm["EvaluationPeriods"] if alarm else 0
            if needed > bake:
                yield f"{whose}: {named['AlarmName']} needs {needed} s of a bake of {bake} s"


def an_update_has_at_most_ten_different_alarms(stack: Stack) -> Iterator[str]:
    """Deployment guardrails, AutoRollbackConfiguration: 1 to 10, unique."""
    for whose, policy, _, _ in _policies(stack):
        listed = policy.get("AutoRollbackConfiguration", {}).get("Alarms")
        names = [alarm["AlarmName"] for alarm in listed or ()]
        if listed is not None and not (1 <= len(names) <= 10 and len(set(names)) == len(names)):
            yield f"{whose}: {names}"


def staged_updates_have_something_that_ends_them(stack: Stack) -> Iterator[str]:
    """Deployment guardrails: what a stage bakes for."""
    if stack.mode == "components":
        return
    for whose, policy, _, _ in _policies(stack):
        if _stage(policy) and not policy.get("AutoRollbackConfiguration", {}).get("Alarms"):
            yield f"{whose}: a staged update without alarms"


def rolling_updates_exclude_several_variants(stack: Stack) -> Iterator[str]:
    """Deployment guardrails, exclusions."""
    if "RollingUpdatePolicy" in stack.endpoint.get("DeploymentConfig", {}) and len(stack.variants) > 1:
        yield f"{len(stack.variants)} variants"


def serverless_endpoints_have_no_guardrails(stack: Stack) -> Iterator[str]:
    """Deployment guardrails, exclusions: they exist for real-time and asynchronous endpoints only."""
    if stack.mode == "serverless" and "DeploymentConfig" in stack.endpoint:
        yield "a DeploymentConfig"


def updates_keep_what_autoscaling_set(stack: Stack) -> Iterator[str]:
    """Deployment guardrails, retain flags: unless asked to, no update resets the live instance counts."""
    given = stack.endpoint.get("ExcludeRetainedVariantProperties", [])
    excluded = [one["VariantPropertyType"] for one in given]
    if not set(excluded) <= {"DesiredInstanceCount", "DesiredWeight"} or len(excluded) > 3:
        yield f"excludes {excluded}"
    retains = stack.endpoint.get("RetainAllVariantProperties", False)
    if excluded and not retains:
        yield "excludes something from nothing"
    deployment = stack.declared.get("deployment") or {}
    dimensions = {target["ScalableDimension"] for target in stack.of("ApplicationAutoScaling::ScalableTarget")}
    kept = retains and "DesiredInstanceCount" not in excluded
    if "sagemaker:variant:DesiredInstanceCount" in dimensions and kept is deployment.get("apply_capacity", False):
        yield f"retains {retains}, excludes {excluded}, apply_capacity is {deployment.get('apply_capacity')}"


FACTS = (
    there_is_at_most_one_update_policy,
    a_stage_has_the_size_that_the_service_takes,
    a_rollback_takes_five_to_a_hundred_percent,
    canary_and_linear_bake_before_they_go_on,
    an_update_may_take_longer_than_its_waits,
    an_alarm_that_ends_an_update_can_trip_during_its_bake,
    an_update_has_at_most_ten_different_alarms,
    staged_updates_have_something_that_ends_them,
    rolling_updates_exclude_several_variants,
    serverless_endpoints_have_no_guardrails,
    updates_keep_what_autoscaling_set,
)
