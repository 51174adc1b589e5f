"""Buckets, their policies, container repositories."""

# ruff: noqa: ARG002, D102 - hooks, described where engine.resource_type and base define them

import json
from collections.abc import Mapping

from botocore.exceptions import ClientError

from slipway.local.engine.documents import Document, Json
from slipway.local.engine.planning import partition
from slipway.local.engine.resource_type import Created, ResourceType, Scope
from slipway.local.resources.base import ApiType, found
from slipway.local.resources.bucket_settings import SETTINGS
from slipway.local.resources.calls import Calls, is_missing, tag_changes, tag_list, truth
from slipway.local.resources.monitoring import arn


class Bucket(ApiType):
    """AWS::S3::Bucket."""

    service, name_property = "s3", "BucketName"
    create_operation, delete_operation = "CreateBucket", "DeleteBucket"
    longest_name, lower_case_names = 63, True

    def parameters(self, scope: Scope, properties: Document) -> Document:
        request: Document = {
            "Bucket": properties["BucketName"],
            "ObjectLockEnabledForBucket": properties.get("ObjectLockEnabled", False),
        }
        if scope.region != "us-east-1":  # S3 refuses this one Region as a constraint
            request["CreateBucketConfiguration"] = {"LocationConstraint": scope.region}
        return request

    def exists(self, scope: Scope, name: str) -> bool:
        # In us-east-1 S3 answers CreateBucket of one's own with 200.
        return found(lambda: self.client(scope).head_bucket(Bucket=name))

    def existing(self, scope: Scope, properties: Document) -> Created | None:
        return self.identify(scope, properties, {}) if self.exists(scope, properties["BucketName"]) else None

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        name, region = properties["BucketName"], scope.region
        return Created(
            name,
            {
                "Arn": f"arn:{partition(region)}:s3:::{name}",
                "DomainName": f"{name}.s3.amazonaws.com",
                "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
                "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
                "WebsiteURL": f"http://{name}.s3-website-{region}.amazonaws.com",
            },
        )

    def key(self, physical_id: str, properties: Document) -> Document:
        return {"Bucket": physical_id}

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        client = self.client(scope)
        for name, setting in SETTINGS.items():
            if old.get(name) != new.get(name):
                setting(client, physical_id, new.get(name))


class BucketPolicy(ResourceType):
    """AWS::S3::BucketPolicy."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    def create(self, scope: Scope, logical_id: str, properties: Document) -> Created:
        self._put(scope, properties)
        return Created(properties["Bucket"], {})

    def update(
        self,
        scope: Scope,
        physical_id: str,
        old: Document,
        new: Document,
    ) -> Mapping[str, Json]:
        self._put(scope, new)
        return {}

    def delete(self, scope: Scope, physical_id: str, properties: Document) -> None:
        try:
            self.calls.client(scope, "s3").delete_bucket_policy(Bucket=properties["Bucket"])
        except ClientError as error:
            if not is_missing(error):
                raise

    def _put(self, scope: Scope, properties: Document) -> None:
        self.calls.client(scope, "s3").put_bucket_policy(
            Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"])
        )


class Repository(ApiType):
    """AWS::ECR::Repository."""

    service, name_property = "ecr", "RepositoryName"
    create_operation, delete_operation = "CreateRepository", "DeleteRepository"
    longest_name, lower_case_names = 256, True

    def existing(self, scope: Scope, properties: Document) -> Created | None:
        name = properties["RepositoryName"]
        try:
            (made,) = self.client(scope).describe_repositories(repositoryNames=[name])["repositories"]
        except ClientError:
            return None
        return self.identify(scope, properties, {"repository": made})

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        made = answer["repository"]
        return Created(
            made["repositoryName"],
            {"Arn": made["repositoryArn"], "RepositoryUri": made["repositoryUri"]},
        )

    def key(self, physical_id: str, properties: Document) -> Document:
        return {"repositoryName": physical_id, "force": properties.get("EmptyOnDelete", False)}

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        self._policies(scope, physical_id, old, new)
        if not old:
            return
        client = self.client(scope)
        scan, mutability = "ImageScanningConfiguration", "ImageTagMutability"
        if old.get(scan) != new.get(scan):
            wanted = truth((new.get(scan) or {}).get("ScanOnPush", False))
            client.put_image_scanning_configuration(
                repositoryName=physical_id, imageScanningConfiguration={"scanOnPush": wanted}
            )
        if old.get(mutability) != new.get(mutability):
            client.put_image_tag_mutability(
                repositoryName=physical_id, imageTagMutability=new.get(mutability, "MUTABLE")
            )
        changed, gone = tag_changes(old.get("Tags"), new.get("Tags"))
        where = arn(scope, "ecr", f"repository/{physical_id}")
        if changed:
            client.tag_resource(resourceArn=where, tags=tag_list(changed))
        if gone:
            client.untag_resource(resourceArn=where, tagKeys=gone)

    def _policies(self, scope: Scope, name: str, old: Document, new: Document) -> None:
        client = self.client(scope)
        lifecycle = (new.get("LifecyclePolicy") or {}).get("LifecyclePolicyText")
        if lifecycle:
            client.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=lifecycle)
        elif old.get("LifecyclePolicy"):
            client.delete_lifecycle_policy(repositoryName=name)
        policy = new.get("RepositoryPolicyText")
        if policy:
            client.set_repository_policy(
                repositoryName=name,
                policyText=policy if isinstance(policy, str) else json.dumps(policy),
            )
        elif old.get("RepositoryPolicyText"):
            client.delete_repository_policy(repositoryName=name)


TYPES = {
    "AWS::S3::Bucket": Bucket,
    "AWS::S3::BucketPolicy": BucketPolicy,
    "AWS::ECR::Repository": Repository,
}
