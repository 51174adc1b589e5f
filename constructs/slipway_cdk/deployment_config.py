"""The DeploymentConfig of an endpoint: how an update shifts traffic, and what rolls it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slipway.spec.deployment import AllAtOnce, Canary, Fleet, Linear, Rolling
from slipway.spec.endpoint import Endpoint
from slipway.spec.units import Percent
from slipway_cdk.resource import present


def _size(size: int | Percent) -> dict[str, Any]:
    # CAPACITY_PERCENT: the documentation's CAPACITY_PERCENTAGE is refused.
    if isinstance(size, Percent):
        return {"Type": "CAPACITY_PERCENT", "Value": round(size)}
    return {"Type": "INSTANCE_COUNT", "Value": size}


def deployment_config(endpoint: Endpoint, alarm_names: Sequence[str]) -> dict[str, Any]:
    """Declare how updates reach an endpoint's fleet.

    Parameters
    ----------
    endpoint
        The endpoint.
    alarm_names
        The rollback alarms, at most ten; as references, so that they exist before the endpoint.

    Returns
    -------
    dict
        AWS::SageMaker::Endpoint's DeploymentConfig, with exactly one update policy.
    """
    deployment = endpoint.deployment
    fleet = endpoint.live_fleet
    timeout = deployment.timeout_for(fleet).seconds
    rollback = {"Alarms": [{"AlarmName": name} for name in alarm_names]} if alarm_names else None
    if isinstance(deployment, Rolling):
        policy = {
            "MaximumBatchSize": _size(deployment.size_for(fleet)),
            "WaitIntervalInSeconds": deployment.wait.seconds,
            "MaximumExecutionTimeoutInSeconds": timeout,
            "RollbackMaximumBatchSize": _size(deployment.rollback_batch or Percent(100)),
        }
        return present({"RollingUpdatePolicy": policy, "AutoRollbackConfiguration": rollback})
    policy = {
        "TrafficRoutingConfiguration": _routing(deployment, fleet),
        "TerminationWaitInSeconds": deployment.termination_wait.seconds,
        "MaximumExecutionTimeoutInSeconds": timeout,
    }
    return present({"BlueGreenUpdatePolicy": policy, "AutoRollbackConfiguration": rollback})


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
