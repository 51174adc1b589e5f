"""Roles and policies, keys and their aliases."""

# ruff: noqa: ARG002, D102 - hooks, described where engine.resource_type and base define them

import contextlib
import json
from collections.abc import Iterator

from botocore.exceptions import ClientError

from slipway.local.engine.documents import Document, Json
from slipway.local.engine.resource_type import Created, Scope
from slipway.local.resources.base import ApiType, PolicyType
from slipway.local.resources.calls import is_missing, tag_changes, tag_list, tags_as_map, truth

_MAX_POLICY_VERSIONS = 5


class Role(ApiType):
    """AWS::IAM::Role, with its inline and managed policies."""

    service, name_property = "iam", "RoleName"
    create_operation, delete_operation = "CreateRole", "DeleteRole"

    def existing(self, scope: Scope, properties: Document) -> Created | None:
        try:
            there = self.client(scope).get_role(RoleName=properties["RoleName"])
        except ClientError:
            return None
        return self.identify(scope, properties, {"Role": there["Role"]})

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        role = answer["Role"]
        return Created(properties["RoleName"], {"Arn": role["Arn"], "RoleId": role["RoleId"]})

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        client = self.client(scope)
        before, after = set(old.get("ManagedPolicyArns", [])), set(new.get("ManagedPolicyArns", []))
        for policy in sorted(after - before):
            client.attach_role_policy(RoleName=physical_id, PolicyArn=policy)
        for policy in sorted(before - after):
            client.detach_role_policy(RoleName=physical_id, PolicyArn=policy)
        self._inline(scope, physical_id, old, new)
        if old:
            self._change(scope, physical_id, old, new)

    def _inline(self, scope: Scope, name: str, old: Document, new: Document) -> None:
        client = self.client(scope)
        before = {p["PolicyName"]: p["PolicyDocument"] for p in old.get("Policies", [])}
        after = {p["PolicyName"]: p["PolicyDocument"] for p in new.get("Policies", [])}
        for policy, document in after.items():
            if before.get(policy) != document:
                client.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
        for policy in before.keys() - after.keys():
            client.delete_role_policy(RoleName=name, PolicyName=policy)

    def _change(self, scope: Scope, name: str, old: Document, new: Document) -> None:
        client = self.client(scope)
        trust = "AssumeRolePolicyDocument"
        if old.get(trust) != new.get(trust):
            client.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(new[trust]))
        if any(old.get(key) != new.get(key) for key in ("Description", "MaxSessionDuration")):
            client.update_role(
                RoleName=name,
                Description=new.get("Description", ""),
                MaxSessionDuration=int(new.get("MaxSessionDuration", 3600)),
            )
        boundary = "PermissionsBoundary"
        if old.get(boundary) != new.get(boundary):
            if new.get(boundary):
                client.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=new[boundary])
            else:
                client.delete_role_permissions_boundary(RoleName=name)
        changed, gone = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            client.tag_role(RoleName=name, Tags=tag_list(changed))
        if gone:
            client.untag_role(RoleName=name, TagKeys=gone)

    def delete(self, scope: Scope, physical_id: str, properties: Document) -> None:
        client = self.client(scope)
        for policy in properties.get("ManagedPolicyArns", []):
            with _ignoring_missing():
                client.detach_role_policy(RoleName=physical_id, PolicyArn=policy)
        for policy in properties.get("Policies", []):
            with _ignoring_missing():
                client.delete_role_policy(RoleName=physical_id, PolicyName=policy["PolicyName"])
        super().delete(scope, physical_id, properties)


class Policy(PolicyType):
    """AWS::IAM::Policy: an inline policy of roles."""

    def put(self, scope: Scope, old: Document, new: Document) -> None:
        client = self.calls.client(scope, "iam")
        for role in new.get("Roles", []):
            client.put_role_policy(
                RoleName=role,
                PolicyName=new["PolicyName"],
                PolicyDocument=json.dumps(new["PolicyDocument"]),
            )
        kept = set(new.get("Roles", [])) if old.get("PolicyName") == new.get("PolicyName") else ()
        for role in old.get("Roles", []):
            if role not in kept:
                with _ignoring_missing():
                    client.delete_role_policy(RoleName=role, PolicyName=old["PolicyName"])


class ManagedPolicy(ApiType):
    """AWS::IAM::ManagedPolicy."""

    service, name_property, longest_name = "iam", "ManagedPolicyName", 128
    create_operation, delete_operation = "CreatePolicy", "DeletePolicy"

    def parameters(self, scope: Scope, properties: Document) -> Document:
        return {**properties, "PolicyName": properties["ManagedPolicyName"]}

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        made = answer["Policy"]
        return Created(made["Arn"], {"PolicyArn": made["Arn"], "PolicyId": made["PolicyId"]})

    def name_of(self, physical_id: str) -> str:
        return physical_id.rsplit("/", 1)[-1]

    def key(self, physical_id: str, properties: Document) -> Document:
        return {"PolicyArn": physical_id}

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        client = self.client(scope)
        if old and old["PolicyDocument"] != new["PolicyDocument"]:
            self._new_version(scope, physical_id, new["PolicyDocument"])
        before, after = set(old.get("Roles", [])), set(new.get("Roles", []))
        for role in sorted(after - before):
            client.attach_role_policy(RoleName=role, PolicyArn=physical_id)
        for role in sorted(before - after):
            with _ignoring_missing():
                client.detach_role_policy(RoleName=role, PolicyArn=physical_id)

    def _new_version(self, scope: Scope, policy: str, document: Json) -> None:
        client = self.client(scope)
        versions = client.list_policy_versions(PolicyArn=policy)["Versions"]
        if len(versions) >= _MAX_POLICY_VERSIONS:
            oldest = min((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: v["CreateDate"])
            client.delete_policy_version(PolicyArn=policy, VersionId=oldest["VersionId"])
        client.create_policy_version(PolicyArn=policy, PolicyDocument=json.dumps(document), SetAsDefault=True)

    def delete(self, scope: Scope, physical_id: str, properties: Document) -> None:
        client = self.client(scope)
        for role in properties.get("Roles", []):
            with _ignoring_missing():
                client.detach_role_policy(RoleName=role, PolicyArn=physical_id)
        with _ignoring_missing():
            for version in client.list_policy_versions(PolicyArn=physical_id)["Versions"]:
                if not version["IsDefaultVersion"]:
                    client.delete_policy_version(PolicyArn=physical_id, VersionId=version["VersionId"])
        super().delete(scope, physical_id, properties)


class Key(ApiType):
    """AWS::KMS::Key."""

    service = "kms"
    create_operation, delete_operation = "CreateKey", "ScheduleKeyDeletion"

    def parameters(self, scope: Scope, properties: Document) -> Document:
        tags = tags_as_map(properties.get("Tags"))
        return {
            "Policy": properties.get("KeyPolicy", {}),
            "Description": properties.get("Description", ""),
            "KeyUsage": properties.get("KeyUsage", "ENCRYPT_DECRYPT"),
            "KeySpec": properties.get("KeySpec", "SYMMETRIC_DEFAULT"),
            "MultiRegion": properties.get("MultiRegion", False),
            "Tags": [{"TagKey": key, "TagValue": value} for key, value in tags.items()],
        }

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        made = answer["KeyMetadata"]
        return Created(made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]})

    def key(self, physical_id: str, properties: Document) -> Document:
        days = int(properties.get("PendingWindowInDays", 30))
        return {"KeyId": physical_id, "PendingWindowInDays": days}

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        client = self.client(scope)
        rotating, was_rotating = (truth(p.get("EnableKeyRotation", False)) for p in (new, old))
        if rotating != was_rotating:
            switch = client.enable_key_rotation if rotating else client.disable_key_rotation
            switch(KeyId=physical_id)
        enabled, was_enabled = (truth(p.get("Enabled", True)) for p in (new, old))
        if enabled != was_enabled:
            (client.enable_key if enabled else client.disable_key)(KeyId=physical_id)
        if not old:
            return
        if old.get("KeyPolicy") != new.get("KeyPolicy"):
            client.put_key_policy(KeyId=physical_id, PolicyName="default", Policy=json.dumps(new["KeyPolicy"]))
        if old.get("Description") != new.get("Description"):
            client.update_key_description(KeyId=physical_id, Description=new.get("Description", ""))
        changed, gone = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            tags = [{"TagKey": key, "TagValue": value} for key, value in changed.items()]
            client.tag_resource(KeyId=physical_id, Tags=tags)
        if gone:
            client.untag_resource(KeyId=physical_id, TagKeys=gone)


class Alias(ApiType):
    """AWS::KMS::Alias."""

    service, name_property = "kms", "AliasName"
    create_operation, update_operation = "CreateAlias", "UpdateAlias"
    delete_operation = "DeleteAlias"


@contextlib.contextmanager
def _ignoring_missing() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if not is_missing(error):
            raise


TYPES = {
    "AWS::IAM::Role": Role,
    "AWS::IAM::Policy": Policy,
    "AWS::IAM::ManagedPolicy": ManagedPolicy,
    "AWS::KMS::Key": Key,
    "AWS::KMS::Alias": Alias,
}
