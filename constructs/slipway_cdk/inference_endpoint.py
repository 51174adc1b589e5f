"""An inference endpoint with everything around it."""

from __future__ import annotations

from constructs import Construct

from slipway.spec.environment import Environment
from slipway_cdk.alarms import EndpointAlarms
from slipway_cdk.autoscaling import scale_instances
from slipway_cdk.dashboards import endpoint_dashboard
from slipway_cdk.deployment_config import deployment_config
from slipway_cdk.fleet import endpoint_config
from slipway_cdk.log_group import endpoint_log_group
from slipway_cdk.resource import declare, tags


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
    config
        What puts its models on instances.
    alarm_names
        Rollback alarms and operating alarms.

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
    >>> InferenceEndpoint(stack, "Iris", environment=environment, name="iris").alarm_names[0]
    'rc-project-a-dev-iris-ep-latency'
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, name: str) -> None:
        super().__init__(scope, id)
        declared = environment.endpoints[name]
        alarms = EndpointAlarms(self, environment=environment, name=name)
        self.config = endpoint_config(self, environment=environment, name=name)
        config_name = self.config.get_att("EndpointConfigName")
        rollback = alarms.rollback(config_name)
        keeps_capacity = declared.scaling is not None and not declared.deployment.apply_capacity
        self.endpoint = declare(
            self,
            "Endpoint",
            "AWS::SageMaker::Endpoint",
            {
                "EndpointName": environment.names.endpoint(name),
                "EndpointConfigName": config_name,
                "DeploymentConfig": deployment_config(declared, rollback.references),
                # Without it every update resets what autoscaling set.
                "RetainAllVariantProperties": True if keeps_capacity else None,
                "Tags": tags(environment, name, version=str(declared.version)),
            },
        )
        if not environment.guarded:
            log_group = endpoint_log_group(self, "LogGroup", environment=environment, name=name)
            # SageMaker would make the log group itself, and CloudFormation then find its name taken.
            self.endpoint.add_resource_dependency(log_group)
        self.alarm_names = (*rollback.names, *alarms.operating())
        scale_instances(self, environment=environment, name=name, after=self.endpoint)
        if declared.dashboard:
            endpoint_dashboard(self, "Dashboard", environment=environment, name=name, alarm_names=self.alarm_names)
