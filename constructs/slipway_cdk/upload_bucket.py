"""The bucket that SageMaker Studio uploads to."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from slipway.spec.environment import Environment
from slipway_cdk.model_bucket import protected_bucket


class UploadBucket(Construct):
    """A place where uploads wait to be published, protected like the model bucket.

    Its name starts with ``sagemaker``, since Studio's usual permissions reach such buckets only. Endpoints never read
    from it: what they serve is what `slipway publish` put into the model bucket with its hash. So an upload expires as
    an old version of an artifact does.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    key
        Encrypts the uploads where ``bucket.encryption`` is ``kms``; whoever uploads needs the right to use it then.
    log_bucket
        The bucket of access logs.

    Attributes
    ----------
    bucket
        The bucket.
    """

    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, key: kms.IKey, log_bucket: s3.IBucket
    ) -> None:
        super().__init__(scope, id)
        waiting = Duration.days(environment.bucket.old_versions.days)
        self.bucket = protected_bucket(
            self,
            "Uploads",
            environment=environment,
            key=key,
            name=environment.names.upload_bucket,
            log_bucket=log_bucket,
            log_prefix="uploads/",
            lifecycle=[s3.LifecycleRule(id="published-or-forgotten", expiration=waiting)],
        )
