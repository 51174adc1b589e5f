"""An inference endpoint with everything around it."""

from __future__ import annotations

from aws_cdk import CfnDeletionPolicy, CfnTag
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from slipway.spec.environment import Environment
from slipway_cdk.alarms import OperatingAlarms, RollbackAlarms
from slipway_cdk.autoscaling import InstanceScaling
from slipway_cdk.dashboards import endpoint_dashboard
from slipway_cdk.deployment_config import deployment_config
from slipway_cdk.fleet import Fleet
from slipway_cdk.log_group import endpoint_log_group


class InferenceEndpoint(Construct):
    """A SageMaker endpoint: models, config, endpoint, alarms, scaling, dashboard and log group.

    Everything has a literal name, so it needs nothing from other stacks but that they are deployed before.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment that declares it.
    name
        Its short name among ``environment.endpoints``.

    Attributes
    ----------
    endpoint
        The endpoint.
    fleet
        Its models and config.
    rollback_alarms, operating_alarms
        What watches the new fleet, and what watches all of it.

    Examples
    --------
    >>> from aws_cdk import App, Environment as Account, Stack
    >>> from slipway.spec.load import from_mapping
    >>> environment = from_mapping(
    ...     {
    ...         "company": "acme", "team": "rc", "project": "project-a",
    ...         "environment": "dev", "account": "111122223333", "region": "eu-west-1",
    ...         "endpoints": {
    ...             "iris": {
    ...                 "version": 1,
    ...                 "model": {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}},
    ...                 "hosting": {"instance_type": "ml.m5.large"},
    ...             }
    ...         },
    ...     }
    ... ).environment
    >>> stack = Stack(App(), "mine", env=Account(account=environment.account, region=environment.region))
    >>> InferenceEndpoint(stack, "Iris", environment=environment, name="iris").endpoint.endpoint_name
    'rc-project-a-dev-iris-ep'
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, name: str) -> None:  # noqa: A002
        super().__init__(scope, id)
        declared = environment.endpoints[name]
        names = environment.names
        self.fleet = Fleet(self, "Fleet", environment=environment, name=name)
        self.rollback_alarms = RollbackAlarms(
            self, "Rollback", environment=environment, name=name, config_name=self.fleet.config_name
        )
        keeps_capacity = not declared.deployment.apply_capacity and declared.scaling is not None
        self.endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=names.endpoint(name),
            endpoint_config_name=self.fleet.config_name,
            deployment_config=deployment_config(declared, self.rollback_alarms.alarm_names),
            # Without it every update resets what autoscaling set.
            retain_all_variant_properties=True if keeps_capacity else None,
            tags=[CfnTag(key="Version", value=str(declared.version))],
        )
        if not environment.guarded:
            log_group = endpoint_log_group(
                self, "LogGroup", environment=environment, name=name, removal=CfnDeletionPolicy.DELETE
            )
            self.endpoint.add_resource_dependency(log_group)
        self.operating_alarms = OperatingAlarms(self, "Alarms", environment=environment, name=name)
        if declared.scaling is not None:
            InstanceScaling(self, "Scaling", environment=environment, name=name, after=self.endpoint)
        if declared.dashboard:
            endpoint_dashboard(
                self,
                "Dashboard",
                environment=environment,
                name=name,
                alarm_names=[*self.rollback_alarms.literal_names, *self.operating_alarms.alarms],
            )
