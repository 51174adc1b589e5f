"""The DeploymentConfig of an endpoint: how an update shifts traffic, and what rolls it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slipway.spec.component import Component
from slipway.spec.deployment import AllAtOnce, Canary, Fleet, Linear, Rolling
from slipway.spec.endpoint import GUARDABLE, Endpoint
from slipway.spec.units import Percent
from slipway_cdk.resource import present


def _size(size: int | Percent, unit: str = "INSTANCE_COUNT") -> dict[str, Any]:
    # CAPACITY_PERCENT: the documentation's CAPACITY_PERCENTAGE is refused.
    if isinstance(size, Percent):
        return {"Type": "CAPACITY_PERCENT", "Value": round(size)}
    return {"Type": unit, "Value": size}


def deployment_config(endpoint: Endpoint, alarm_names: Sequence[str]) -> dict[str, Any] | None:
    """Declare how updates reach an endpoint's fleet.

    Parameters
    ----------
    endpoint
        The endpoint.
    alarm_names
        The rollback alarms, at most ten; as references, so that they exist before the endpoint.

    Returns
    -------
    dict or None
        AWS::SageMaker::Endpoint's DeploymentConfig, with exactly one update policy; ``None`` where the service knows no
        guardrails.
    """
    if endpoint.mode not in GUARDABLE:
        return None
    deployment = endpoint.deployment
    fleet = endpoint.live_fleet
    if isinstance(deployment, Rolling):
        return _rolling(deployment, fleet, "INSTANCE_COUNT", alarm_names)
    policy = {
        "TrafficRoutingConfiguration": _routing(deployment, fleet),
        "TerminationWaitInSeconds": deployment.termination_wait.seconds,
        "MaximumExecutionTimeoutInSeconds": deployment.timeout_for(fleet).seconds,
    }
    return present({"BlueGreenUpdatePolicy": policy, "AutoRollbackConfiguration": _rollback(alarm_names)})


def component_deployment_config(
    endpoint: Endpoint, component: Component, alarm_names: Sequence[str]
) -> dict[str, Any] | None:
    """Declare how updates reach a component's copies.

    Parameters
    ----------
    endpoint
        The endpoint.
    component
        One of its components.
    alarm_names
        The component's rollback alarms, at most ten.

    Returns
    -------
    dict or None
        AWS::SageMaker::InferenceComponent's DeploymentConfig, which knows rolling updates only; ``None`` for an update
        all at once.
    """
    deployment = endpoint.deployment_of(component)
    if not isinstance(deployment, Rolling):
        return None
    return _rolling(deployment, endpoint.copies_of(component), "COPY_COUNT", alarm_names)


def _rolling(deployment: Rolling, fleet: Fleet, unit: str, alarm_names: Sequence[str]) -> dict[str, Any]:
    policy = {
        "MaximumBatchSize": _size(deployment.size_for(fleet), unit),
        "WaitIntervalInSeconds": deployment.wait.seconds,
        "MaximumExecutionTimeoutInSeconds": deployment.timeout_for(fleet).seconds,
        "RollbackMaximumBatchSize": _size(deployment.rollback_batch or Percent(100), unit),
    }
    return present({"RollingUpdatePolicy": policy, "AutoRollbackConfiguration": _rollback(alarm_names)})


def _rollback(alarm_names: Sequence[str]) -> dict[str, Any] | None:
    return {"Alarms": [{"AlarmName": name} for name in alarm_names]} if alarm_names else None


def _routing(deployment: Canary | Linear | AllAtOnce, fleet: Fleet) -> dict[str, Any]:
    if isinstance(deployment, Canary):
        size = _size(deployment.size_for(fleet))
        return {
            "Type": "CANARY",
            "CanarySize": size,
            "WaitIntervalInSeconds": deployment.wait.seconds,
        }
    if isinstance(deployment, Linear):
        size = _size(deployment.size_for(fleet))
        return {
            "Type": "LINEAR",
            "LinearStepSize": size,
            "WaitIntervalInSeconds": deployment.wait.seconds,
        }
    # It has no step interval, but the API asks for one all the same.
    return {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
