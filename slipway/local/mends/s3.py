"""Bucket policies."""

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from slipway.local.mends.patching import replace


def apply() -> None:
    """Install the mend."""
    # moto takes every condition for true, so a policy that only lets TLS in denies each PutObject.
    # Policies are stored and returned; nothing on the local AWS enforces permissions.
    replace(FakeBucket, get_permission=neutral)


def neutral(self: FakeBucket, action: str, resource: str) -> PermissionResult:  # noqa: ARG001
    """Answer that the bucket's policy says nothing about a request."""
    return PermissionResult.NEUTRAL
