"""Permissions on the keys of volumes: whoever runs and whoever creates an endpoint grants SageMaker their use."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from slipway.spec.environment import Environment
from slipway.spec.hosting import Hosting

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
        CreateGrant for AWS services only, and DescribeKey. A key of another account must allow it in its own policy
        too.
    """
    named = {
        member.hosting.kms_key
        for endpoint in environment.endpoints.values()
        for member in (*endpoint.fleet.values(), *endpoint.shadows.values())
        if isinstance(member.hosting, Hosting)
        and member.hosting.kms_key
        and member.hosting.kms_key != environment.names.key_alias
    }
    aliases = sorted(_alias(name) for name in named if "alias/" in name)
    resources = [key.key_arn] if environment.encrypt_volumes else []
    resources += sorted(_arn(environment, name) for name in named if "alias/" not in name)
    if resources:
        yield iam.PolicyStatement(
            sid="GrantVolumeKey", actions=["kms:CreateGrant"], resources=resources, conditions=_GRANT
        )
        yield iam.PolicyStatement(sid="DescribeVolumeKey", actions=["kms:DescribeKey"], resources=resources)
    if aliases:
        by_alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": aliases}}
        yield iam.PolicyStatement(
            sid="GrantAliasedVolumeKey",
            actions=["kms:CreateGrant"],
            resources=[any_key(environment)],
            conditions={**_GRANT, **by_alias},
        )
        yield iam.PolicyStatement(
            sid="DescribeAliasedVolumeKey",
            actions=["kms:DescribeKey"],
            resources=[any_key(environment)],
            conditions=by_alias,
        )


def any_key(environment: Environment) -> str:
    """The ARN of any key of the account and Region; only ever used with a condition on the key's alias.

    Parameters
    ----------
    environment
        The environment.

    Returns
    -------
    str
        With a wildcard.
    """
    return environment.names.arn("kms", "key/*")


def _alias(name: str) -> str:
    return f"alias/{name.split('alias/', 1)[1]}"


def _arn(environment: Environment, name: str) -> str:
    return name if name.startswith("arn:") else environment.names.arn("kms", f"key/{name}")
