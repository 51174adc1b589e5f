"""The bucket of the model artifacts, and the one of its access logs."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from slipway.spec.environment import Environment


class ModelBucket(Construct):
    """Versioned, encrypted, TLS only, not public, logged; artifacts lie under ``models/`` and are never overwritten.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    key
        Encrypts the artifacts where ``bucket.encryption`` is ``kms``.

    Attributes
    ----------
    bucket
        The artifacts.
    log_bucket
        Their access logs.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, key: kms.IKey) -> None:
        super().__init__(scope, id)
        declared = environment.bucket
        self.log_bucket = s3.Bucket(
            self,
            "Logs",
            bucket_name=environment.names.log_bucket,
            # Log delivery cannot write to a bucket whose default encryption is a KMS key.
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[s3.LifecycleRule(id="expire", expiration=Duration.days(declared.access_logs.days))],
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        kms_chosen = declared.encryption == "kms"
        self.bucket = s3.Bucket(
            self,
            "Models",
            bucket_name=environment.names.bucket,
            versioned=True,
            encryption=s3.BucketEncryption.KMS if kms_chosen else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key if kms_chosen else None,
            bucket_key_enabled=True if kms_chosen else None,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            server_access_logs_bucket=self.log_bucket,
            server_access_logs_prefix="models/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="old-versions",
                    noncurrent_version_expiration=Duration.days(declared.old_versions.days),
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                )
            ],
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
