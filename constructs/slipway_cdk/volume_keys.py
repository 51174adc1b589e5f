"""Permissions on the keys of volumes: whoever runs and whoever creates an endpoint grants SageMaker their use."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from slipway.spec.environment import Environment
from slipway.spec.hosting import Hosting
from slipway_cdk.named_keys import key_statements

_GRANT = {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def volume_key_statements(environment: Environment, key: kms.IKey) -> Iterator[iam.PolicyStatement]:
    """Allow the keys of this environment's volumes, as far as there are any.

    Parameters
    ----------
    environment
        The environment.
    key
        Its own key.

    Yields
    ------
    PolicyStatement
        CreateGrant for AWS services only, and DescribeKey.
    """
    named = {
        member.hosting.kms_key
        for endpoint in environment.endpoints.values()
        for member in (*endpoint.fleet.values(), *endpoint.shadows.values())
        if isinstance(member.hosting, Hosting) and member.hosting.kms_key
    }
    if environment.encrypt_volumes:
        named.add(environment.names.key_alias)
    yield from key_statements(
        environment, key, named, sid="GrantVolumeKey", actions=["kms:CreateGrant"], conditions=_GRANT
    )
    yield from key_statements(environment, key, named, sid="DescribeVolumeKey", actions=["kms:DescribeKey"])
