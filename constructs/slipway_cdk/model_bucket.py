"""The bucket of the model artifacts, and the one of its access logs."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from slipway.spec.environment import Environment

#: What SageMaker Studio needs to upload from the browser.
_STUDIO = s3.CorsRule(
    allowed_methods=[s3.HttpMethods.PUT, s3.HttpMethods.POST],
    allowed_origins=["https://*.sagemaker.aws"],
    allowed_headers=["*"],
    exposed_headers=["ETag"],
)


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
        self.bucket = protected_bucket(
            self,
            "Models",
            environment=environment,
            key=key,
            name=environment.names.bucket,
            log_bucket=self.log_bucket,
            log_prefix="models/",
        )


def protected_bucket(
    scope: Construct,
    id: str,
    *,
    environment: Environment,
    key: kms.IKey,
    name: str,
    log_bucket: s3.IBucket,
    log_prefix: str,
    lifecycle: Sequence[s3.LifecycleRule] = (),
) -> s3.Bucket:
    """Declare a bucket that is protected as all of an environment's are, and stays.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment; with ``bucket.studio_upload`` SageMaker Studio may upload from the browser.
    key
        Encrypts the objects where ``bucket.encryption`` is ``kms``.
    name
        The bucket's name.
    log_bucket, log_prefix
        Where its access is logged.
    lifecycle
        Rules besides the one on old versions and on uploads that were never finished.

    Returns
    -------
    Bucket
        The bucket.
    """
    declared = environment.bucket
    kms_chosen = declared.encryption == "kms"
    return s3.Bucket(
        scope,
        id,
        bucket_name=name,
        versioned=True,
        encryption=s3.BucketEncryption.KMS if kms_chosen else s3.BucketEncryption.S3_MANAGED,
        encryption_key=key if kms_chosen else None,
        bucket_key_enabled=True if kms_chosen else None,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        server_access_logs_bucket=log_bucket,
        server_access_logs_prefix=log_prefix,
        cors=[_STUDIO] if declared.studio_upload else None,
        lifecycle_rules=[
            s3.LifecycleRule(
                id="old-versions",
                noncurrent_version_expiration=Duration.days(declared.old_versions.days),
                abort_incomplete_multipart_upload_after=Duration.days(7),
            ),
            *lifecycle,
        ],
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    )
