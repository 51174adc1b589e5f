"""An ECR repository for images of one's own."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_kms as kms
from constructs import Construct

from slipway.spec.environment import Environment


class ImageRepository(Construct):
    """Immutable tags, scanned on push, encrypted. Only ``candidate-*`` images expire.

    Endpoints pin digests, so an untagged image may well be the one that runs: the usual rule that expires those is
    not here.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    name
        The repository's short name.
    key
        Encrypts the images.

    Attributes
    ----------
    repository
        The repository.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, name: str, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self.repository = ecr.Repository(
            self,
            "Repository",
            repository_name=environment.names.repository(name),
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            image_scan_on_push=True,
            encryption_key=key,
            lifecycle_rules=[
                ecr.LifecycleRule(
                    rule_priority=1,
                    description="Candidates that were never released",
                    tag_pattern_list=["candidate-*"],
                    max_image_age=Duration.days(30),
                )
            ],
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
