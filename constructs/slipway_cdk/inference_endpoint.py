"""An inference endpoint with everything around it."""

from __future__ import annotations

from typing import Any

from constructs import Construct

from slipway.spec.endpoint import GUARDABLE, Endpoint
from slipway.spec.environment import Environment
from slipway_cdk.alarms import EndpointAlarms
from slipway_cdk.autoscaling import scale_instances
from slipway_cdk.dashboards import endpoint_dashboard
from slipway_cdk.deployment_config import deployment_config
from slipway_cdk.fleet import endpoint_config
from slipway_cdk.inference_components import inference_component
from slipway_cdk.log_group import endpoint_log_group
from slipway_cdk.resource import declare, overlaid, present, tags
from slipway_cdk.served_models import served_models


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
    components
        Its inference components, by short name.
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
        models = served_models(self, environment=environment, name=name)
        self.config = endpoint_config(self, environment=environment, name=name, models=models)
        config_name = self.config.get_att("EndpointConfigName")
        rollback = alarms.rollback(config_name)
        self.endpoint = declare(
            self,
            "Endpoint",
            "AWS::SageMaker::Endpoint",
            overlaid(
                present(
                    {
                        "EndpointName": environment.names.endpoint(name),
                        "EndpointConfigName": config_name,
                        "DeploymentConfig": deployment_config(declared, rollback.references),
                        **_retained(declared),
                        "Tags": tags(environment, name, version=str(declared.version)),
                    }
                ),
                declared.overrides.endpoint,
            ),
        )
        if not environment.guarded:
            log_group = endpoint_log_group(self, "LogGroup", environment=environment, name=name)
            # SageMaker would make the log group itself, and CloudFormation then find its name taken.
            self.endpoint.add_resource_dependency(log_group)
        self.alarm_names = (*rollback.names, *alarms.operating())
        self.components = {
            component: inference_component(
                self,
                environment=environment,
                name=name,
                component=component,
                endpoint_name=self.endpoint.get_att("EndpointName"),
                models=models,
                alarm_names=alarms.component_rollback(component).references,
            )
            for component in declared.components or {}
        }
        scale_instances(self, environment=environment, name=name, after=self.endpoint)
        if declared.dashboard:
            endpoint_dashboard(self, "Dashboard", environment=environment, name=name, alarm_names=self.alarm_names)


def _retained(declared: Endpoint) -> dict[str, Any]:
    """What an update keeps of the live endpoint: without it every update resets what autoscaling set."""
    if declared.scaling is None or declared.mode not in GUARDABLE:
        return {}
    kept = ["DesiredInstanceCount"] if not declared.deployment.apply_capacity else []
    several = len(declared.fleet) > 1
    if several and not declared.deployment.apply_weights:
        kept.append("DesiredWeight")
    if not kept:
        return {}
    given = [
        p for p in ("DesiredInstanceCount", "DesiredWeight") if p not in kept and (several or p != "DesiredWeight")
    ]
    return {
        "RetainAllVariantProperties": True,
        "ExcludeRetainedVariantProperties": [{"VariantPropertyType": p} for p in given] or None,
    }
