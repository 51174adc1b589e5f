"""What happens to a resource when it is replaced or removed."""

from __future__ import annotations

from aws_cdk import CfnDeletionPolicy, CfnResource

from slipway.spec.environment import Environment


def keep_replaced(resource: CfnResource, environment: Environment) -> None:
    """Keep a model or config when it is replaced, in every environment, and when it is removed, where guarded.

    After an automatic rollback SageMaker serves the old config while CloudFormation takes the update for a success and would
    delete it, and then no later update could find it. The housekeeping removes revisions beyond the last ones.

    Parameters
    ----------
    resource
        A model or an endpoint config.
    environment
        Its environment.
    """
    options = resource.cfn_options
    options.update_replace_policy = CfnDeletionPolicy.RETAIN
    options.deletion_policy = (
        CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE if environment.guarded else CfnDeletionPolicy.DELETE
    )
