"""Acknowledge findings of cdk-nag beside the construct that causes them, one by one, with the real reason."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge findings.

    Parameters
    ----------
    construct
        What cdk-nag reports, or what it is part of.
    reasons
        Why each is no fault here, by the rule, such as ``AwsSolutions-SQS3``.
    """
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=f"AwsSolutions::{rule}", reason=reason) for rule, reason in reasons.items())
    )


def acknowledge_wildcards(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge wildcards in the resources of a policy.

    Parameters
    ----------
    construct
        The role or policy that cdk-nag reports (rule AwsSolutions-IAM5).
    reasons
        Why each may be as wide as it is, by the resource as it stands in the policy.
    """
    acknowledge(
        construct,
        {f"AwsSolutions-IAM5[Resource::{resource}]": reason for resource, reason in reasons.items()},
    )
