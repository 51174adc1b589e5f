"""The log group into which SageMaker writes what an endpoint's containers print."""

from __future__ import annotations

from aws_cdk import CfnDeletionPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from slipway.spec.environment import Environment


def endpoint_log_group(
    scope: Construct, id: str, *, environment: Environment, name: str, removal: CfnDeletionPolicy  # noqa: A002
) -> logs.CfnLogGroup:
    """Declare a log group with retention; SageMaker would make one that keeps everything for ever.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name.
    removal
        ``DELETE`` where it goes with its endpoint; ``RETAIN_EXCEPT_ON_CREATE`` where it stays.

    Returns
    -------
    CfnLogGroup
        The log group.
    """
    group = logs.CfnLogGroup(
        scope,
        id,
        log_group_name=environment.names.log_group(name),
        retention_in_days=environment.endpoints[name].log_retention.days,
    )
    group.cfn_options.deletion_policy = removal
    group.cfn_options.update_replace_policy = (
        CfnDeletionPolicy.DELETE if removal is CfnDeletionPolicy.DELETE else CfnDeletionPolicy.RETAIN
    )
    return group
