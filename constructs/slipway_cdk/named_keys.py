"""Permissions on KMS keys as the config names them: by id, by ARN, or by alias."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from slipway.spec.environment import Environment


def key_statements(
    environment: Environment,
    key: kms.IKey,
    named: Iterable[str],
    *,
    sid: str,
    actions: Sequence[str],
    conditions: Mapping[str, object] | None = None,
) -> Iterator[iam.PolicyStatement]:
    """Allow actions on keys, as far as any are named.

    Parameters
    ----------
    environment
        The environment.
    key
        Its own key, which is known by its ARN; other keys that go by an alias are known by that alias only.
    named
        Keys as the config names them.
    sid
        What the statement is called, such as ``GrantVolumeKey``.
    actions
        What is allowed.
    conditions
        Under which conditions.

    Yields
    ------
    PolicyStatement
        One for keys with an ARN, one for keys with an alias. A key of another account must allow it in its own policy
        too.
    """
    unique = sorted(set(named))
    own = environment.names.key_alias
    aliases = [_alias(name) for name in unique if "alias/" in name and name != own]
    resources = [key.key_arn] if own in unique else []
    resources += [_arn(environment, name) for name in unique if "alias/" not in name]
    if resources:
        yield iam.PolicyStatement(sid=sid, actions=list(actions), resources=resources, conditions=conditions)
    if aliases:
        by_alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": aliases}}
        yield iam.PolicyStatement(
            sid=f"{sid}ByAlias",
            actions=list(actions),
            resources=[any_key(environment)],
            conditions={**(conditions or {}), **by_alias},
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
