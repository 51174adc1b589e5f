"""Endpoints to rehearse, with alarms such as templates declare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slipway.rehearsal.published import Place
from slipway.rehearsal.target import Target
from slipway.rollout.alarm import Alarm, read
from slipway.rollout.fleets import Update, Variant
from slipway.rollout.policy import read as read_policy
from slipway.spec.scaling import Mode

ENDPOINT, CONFIG, VARIANT = "shop", "shop-2", "primary"
NEW_FLEET = {"EndpointName": ENDPOINT, "VariantName": VARIANT, "EndpointConfigName": CONFIG}
BOTH_FLEETS = {"EndpointName": ENDPOINT, "VariantName": VARIANT}
CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 600,
        },
        "TerminationWaitInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 2700,
    }
}
ROLLING = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 2},
        "WaitIntervalInSeconds": 300,
    }
}


def alarm(
    name: str,
    metric: str = "ModelLatency",
    threshold: float = 500_000,
    dimensions: Mapping[str, str] = NEW_FLEET,
    *,
    statistic: str = "",
    namespace: str = "AWS/SageMaker",
    **properties: object,
) -> Alarm:
    """An alarm as Slipway declares its rollback alarms; properties come on top."""
    statistic = statistic or ("p95" if metric.endswith("Latency") else "Average")
    declared: dict[str, Any] = {
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        "ExtendedStatistic" if statistic.startswith("p") else "Statistic": statistic,
        "Period": 60,
        "EvaluationPeriods": 2,
        "Threshold": threshold,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    return read(name, {**declared, **properties})


LATENCY = alarm("latency")
ERRORS_5XX = alarm("errors-5xx", "Invocation5XXErrors", 0.001)
MODEL_ERRORS = alarm("model-errors", "InvocationModelErrors", 0.01)
GUARDS = (LATENCY, ERRORS_5XX, MODEL_ERRORS)


def target(
    guards: Sequence[Alarm] = GUARDS,
    operating: Sequence[Alarm] = (),
    config: Mapping[str, Any] = CANARY,
    *,
    mode: Mode = "instances",
    variants: Sequence[Variant] = (Variant.of(VARIANT, 4, "ml.m5.large"),),
    exclusion: str = "",
    gpus: bool = False,
    descriptions: Mapping[str, str] | None = None,
    names: Sequence[str] | None = None,
) -> Target:
    """A canary of one of four, as prod has it; ``names`` are those in the DeploymentConfig."""
    listed = [one.name for one in guards] if names is None else list(names)
    whole = {**config, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in listed]}}
    policy = read_policy(whole if listed else config)
    update = Update(policy, tuple(variants), exclusion=exclusion)
    place = Place(ENDPOINT, CONFIG, mode)
    return Target(ENDPOINT, place, update, (*guards, *operating), gpus, descriptions or {})
