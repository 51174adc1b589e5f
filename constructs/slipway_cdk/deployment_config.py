"""The DeploymentConfig of an endpoint: how an update shifts traffic, and what rolls it back."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_sagemaker as sagemaker

from slipway.spec.deployment import AllAtOnce, Canary, Deployment, Fleet, Linear, Rolling
from slipway.spec.endpoint import Endpoint
from slipway.spec.units import Percent

Cfn = sagemaker.CfnEndpoint


def _size(size: int | Percent) -> Cfn.CapacitySizeProperty:
    # CAPACITY_PERCENT: the documentation's CAPACITY_PERCENTAGE is refused.
    if isinstance(size, Percent):
        return Cfn.CapacitySizeProperty(type="CAPACITY_PERCENT", value=round(size))
    return Cfn.CapacitySizeProperty(type="INSTANCE_COUNT", value=size)


def live_fleet(endpoint: Endpoint) -> Fleet:
    """The instance counts that the variants of an endpoint can have, all together.

    Parameters
    ----------
    endpoint
        The endpoint.

    Returns
    -------
    Fleet
        From the smallest variant's lowest to the largest one's highest: one size has to fit them all.
    """
    fleets = [endpoint.live(variant) for variant in endpoint.fleet.values()]
    return Fleet(min(f.lowest for f in fleets), max(f.highest for f in fleets))


def deployment_config(endpoint: Endpoint, alarm_names: Sequence[str]) -> Cfn.DeploymentConfigProperty:
    """Declare how updates reach an endpoint's fleet.

    Parameters
    ----------
    endpoint
        The endpoint.
    alarm_names
        The rollback alarms, at most ten; as references, so that they exist before the endpoint.

    Returns
    -------
    CfnEndpoint.DeploymentConfigProperty
        With exactly one update policy.
    """
    deployment: Deployment = endpoint.deployment
    fleet = live_fleet(endpoint)
    timeout = deployment.timeout_for(fleet).seconds
    rollback = (
        Cfn.AutoRollbackConfigProperty(alarms=[Cfn.AlarmProperty(alarm_name=name) for name in alarm_names])
        if alarm_names
        else None
    )
    if isinstance(deployment, Rolling):
        return Cfn.DeploymentConfigProperty(
            auto_rollback_configuration=rollback,
            rolling_update_policy=Cfn.RollingUpdatePolicyProperty(
                maximum_batch_size=_size(deployment.size_for(fleet)),
                wait_interval_in_seconds=deployment.wait.seconds,
                maximum_execution_timeout_in_seconds=timeout,
                rollback_maximum_batch_size=_size(deployment.rollback_batch if deployment.rollback_batch else Percent(100)),
            ),
        )
    return Cfn.DeploymentConfigProperty(
        auto_rollback_configuration=rollback,
        blue_green_update_policy=Cfn.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=_routing(deployment, fleet),
            termination_wait_in_seconds=deployment.termination_wait.seconds,
            maximum_execution_timeout_in_seconds=timeout,
        ),
    )


def _routing(deployment: Canary | Linear | AllAtOnce, fleet: Fleet) -> Cfn.TrafficRoutingConfigProperty:
    if isinstance(deployment, Canary):
        return Cfn.TrafficRoutingConfigProperty(
            type="CANARY", canary_size=_size(deployment.size_for(fleet)), wait_interval_in_seconds=deployment.wait.seconds
        )
    if isinstance(deployment, Linear):
        return Cfn.TrafficRoutingConfigProperty(
            type="LINEAR",
            linear_step_size=_size(deployment.size_for(fleet)),
            wait_interval_in_seconds=deployment.wait.seconds,
        )
    # It has no step interval, but the API asks for one all the same.
    return Cfn.TrafficRoutingConfigProperty(type="ALL_AT_ONCE", wait_interval_in_seconds=0)
