"""The log groups into which SageMaker writes what the containers of an endpoint or of a component print."""

from __future__ import annotations

from aws_cdk import CfnResource
from constructs import Construct

from slipway.spec.environment import Environment
from slipway_cdk.resource import declare, tags


def endpoint_log_group(
    scope: Construct, id: str, *, environment: Environment, name: str, component: str | None = None
) -> CfnResource:
    """Declare a log group with retention; SageMaker would make one that keeps everything for ever.

    In development it goes with its endpoint; where guarded it belongs to the foundation and stays.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name.
    component
        One of its inference components, each of which has a log group of its own.

    Returns
    -------
    CfnResource
        The log group.
    """
    names = environment.names
    return declare(
        scope,
        id,
        "AWS::Logs::LogGroup",
        {
            "LogGroupName": names.component_log_group(name, component) if component else names.log_group(name),
            "RetentionInDays": environment.endpoints[name].log_retention.days,
            "Tags": tags(environment, name),
        },
        removed="RetainExceptOnCreate" if environment.guarded else "Delete",
        replaced="Retain" if environment.guarded else "Delete",
    )
