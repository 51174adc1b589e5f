"""An inference endpoint with everything around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from idle_endpoint_cleanup.tags import DEVELOPMENT, VARIANTS
from slipway.spec.endpoint import GUARDABLE, Endpoint
from slipway.spec.environment import Environment
from slipway.spec.environment_rules import LONGEST_TAG_VALUE
from slipway_cdk.alarms import EndpointAlarms
from slipway_cdk.autoscaling import scale
from slipway_cdk.dashboards import endpoint_dashboard
from slipway_cdk.deployment_config import deployment_config
from slipway_cdk.fleet import endpoint_config
from slipway_cdk.inference_components import inference_components
from slipway_cdk.log_group import endpoint_log_group
from slipway_cdk.resource import declare, overlaid, present, tags
from slipway_cdk.served_models import served_models


class InferenceEndpoint(Construct):
    """A SageMaker endpoint: models, config, endpoint, components, alarms, scaling, dashboard and log groups.

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
        Rollback alarms, of the fleet and of components, and operating alarms; not those that fire scaling policies.

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
        self.endpoint = _endpoint(self, environment, name, config_name, rollback.references)
        updates = {component: alarms.component_rollback(component) for component in declared.components or {}}
        self.components = inference_components(
            self,
            environment=environment,
            name=name,
            endpoint=self.endpoint,
            models=models,
            alarm_names={component: update.references for component, update in updates.items()},
        )
        scale(self, environment=environment, name=name, endpoint=self.endpoint, components=self.components)
        ending_updates = (alarm for update in (rollback, *updates.values()) for alarm in update.names)
        # Several components may name the same further alarm.
        self.alarm_names = tuple(dict.fromkeys((*ending_updates, *alarms.operating())))
        if declared.dashboard:
            endpoint_dashboard(self, "Dashboard", environment=environment, name=name, alarm_names=self.alarm_names)


def _endpoint(
    scope: Construct, environment: Environment, name: str, config_name: object, alarm_names: Sequence[str]
) -> CfnResource:
    declared = environment.endpoints[name]
    properties = {
        "EndpointName": environment.names.endpoint(name),
        "EndpointConfigName": config_name,
        "DeploymentConfig": deployment_config(declared, alarm_names),
        **_retained(declared),
        "Tags": tags(environment, name, version=str(declared.version), **_variants(environment, declared)),
    }
    endpoint = declare(
        scope, "Endpoint", "AWS::SageMaker::Endpoint", overlaid(present(properties), declared.overrides.endpoint)
    )
    if not environment.guarded:
        # SageMaker would make the log group itself, and CloudFormation then find its name taken.
        endpoint.add_resource_dependency(endpoint_log_group(scope, "LogGroup", environment=environment, name=name))
    return endpoint


def _variants(environment: Environment, declared: Endpoint) -> dict[str, str]:
    """The variants' names as a tag: the cleanup asks for their traffic by them, beyond what CloudWatch lists."""
    names = "/".join([*declared.fleet, *declared.shadows])
    return {VARIANTS: names} if environment.environment == DEVELOPMENT and len(names) <= LONGEST_TAG_VALUE else {}


def _retained(declared: Endpoint) -> dict[str, Any]:
    """What an update keeps of the live endpoint: without it every update resets what autoscaling set.

    SageMaker keeps what is not excluded, of all variants alike; the shadow's weight is its share.
    """
    if declared.scaling is None or declared.mode not in GUARDABLE:
        return {}
    applied = {"DesiredInstanceCount": declared.deployment.apply_capacity}
    if len(declared.fleet) + len(declared.shadows) > 1:
        applied["DesiredWeight"] = declared.deployment.apply_weights
    if all(applied.values()):
        return {}
    return {
        "RetainAllVariantProperties": True,
        "ExcludeRetainedVariantProperties": [{"VariantPropertyType": key} for key, yes in applied.items() if yes]
        or None,
    }
