"""Changes of rights and of network access, which deserve a look of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from slipway.local.engine.documents import Json
from slipway.plan.changes import Change, Comparison
from slipway.plan.endpoints import mappings
from slipway.plan.findings import Finding, Kind
from slipway.plan.resolution import Resource, plain

_POLICIES = (
    "PolicyDocument",
    "AssumeRolePolicyDocument",
    "KeyPolicy",
    "ResourcePolicy",
    "RepositoryPolicyText",
    "Policy",
)
_RIGHTS = ("ManagedPolicyArns", "PermissionsBoundary", "ExecutionRoleArn", "Role", "RoleArn", "Roles")
_NETWORK = (
    *("VpcConfig", "EnableNetworkIsolation", "SecurityGroupIds", "SubnetIds", "SecurityGroupIngress"),
    *("SecurityGroupEgress", "PublicAccessBlockConfiguration", "VpcId", "CidrIp", "PubliclyAccessible"),
)
_KEYS = ("KmsKeyId", "BucketEncryption", "KmsMasterKeyId", "EnableKeyRotation")
_RIGHTS_TYPES = ("AWS::IAM::", "AWS::Lambda::Permission")
_NETWORK_TYPES = (
    *("AWS::EC2::SecurityGroup", "AWS::EC2::Subnet", "AWS::EC2::Route", "AWS::EC2::VPC", "AWS::EC2::NetworkAcl"),
)


def findings(comparison: Comparison) -> Iterator[Finding]:
    """Find what changes rights, network access and encryption in a stack.

    Parameters
    ----------
    comparison
        Of its two versions.

    Yields
    ------
    Finding
        One for each resource and what changes in it, with the statements that come and go.
    """
    for change in comparison.changes:
        old, new = comparison.old.get(change.logical_id), comparison.new.get(change.logical_id)
        lines = list(_lines(change, old, new))
        if lines:
            what = {"add": "comes", "remove": "goes", "change": "changes", "replace": "is replaced"}[change.action]
            yield Finding(Kind.SECURITY, f"{change.type} {what}.", (), change.logical_id, tuple(lines))


def _lines(change: Change, old: Resource | None, new: Resource | None) -> Iterator[str]:
    before, after = (side.properties if side is not None else {} for side in (old, new))
    for key in _POLICIES:
        if isinstance(before.get(key) or after.get(key), dict):
            yield from _statements(before.get(key), after.get(key))
    yield from _inline(before.get("Policies"), after.get("Policies"))
    if change.action in ("add", "remove"):
        if change.type.startswith((*_RIGHTS_TYPES, *_NETWORK_TYPES)):
            for key in (*_RIGHTS, *_NETWORK, "RoleName", "ManagedPolicyName", "Principal", "Action"):
                if key in before or key in after:
                    yield f"{key} {_short(after.get(key, before.get(key)))}"
        return
    for one in change.properties:
        top = one.path.split(".")[0].split("[")[0]
        if one.path.startswith("Policies["):
            continue
        named = top in (*_RIGHTS, *_NETWORK, *_KEYS) and not (top == "Role" and one.path.count("."))
        whole = change.type.startswith((*_RIGHTS_TYPES, *_NETWORK_TYPES)) and top not in ("Tags", "Description")
        if top not in _POLICIES and (named or whole) and _short(one.old) != _short(one.new):
            yield f"{one.path} {_short(one.old)} → {_short(one.new)}"


def _inline(old: Json, new: Json) -> Iterator[str]:
    """Statements of the policies inside a role."""
    sides = [{str(one.get("PolicyName")): one.get("PolicyDocument") for one in mappings(side)} for side in (old, new)]
    for name in {**sides[0], **sides[1]}:
        yield from (f"{name}: {line}" for line in _statements(sides[0].get(name), sides[1].get(name)))


def _statements(old: Json, new: Json) -> Iterator[str]:
    """Statements of a policy that come (+) and go (−)."""
    before, after = _texts(old), _texts(new)
    yield from (f"+ {text}" for text in after if text not in before)
    yield from (f"− {text}" for text in before if text not in after)


def _texts(policy: Json) -> list[str]:
    listed = policy.get("Statement") if isinstance(policy, dict) else None
    return [_statement(one) for one in mappings([listed] if isinstance(listed, dict) else listed)]


def _statement(given: Mapping[str, Json]) -> str:
    parts = [str(given.get("Effect", "Allow")), _listed(given.get("Action", {"not": given.get("NotAction")}))]
    if "Resource" in given or "NotResource" in given:
        parts.append(f"on {_listed(given.get('Resource', {'not': given.get('NotResource')}))}")
    if "Principal" in given:
        parts.append(f"to {_listed(given['Principal'])}")
    if "Condition" in given:
        parts.append(f"if {_short(given['Condition'])}")
    return " ".join(parts)


def _listed(value: Json) -> str:
    return ", ".join(_short(one) for one in value) if isinstance(value, list) else _short(value)


def _short(value: Json) -> str:
    if value is None:
        return "nothing"
    return plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
