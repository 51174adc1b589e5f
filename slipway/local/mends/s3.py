"""Bucket policies and access logs."""

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from slipway.local.mends.patching import replace


def apply() -> None:
    """Install the mends."""
    # moto takes every condition for true, so a policy that only lets TLS in denies each PutObject.
    # Policies are stored and returned; nothing on the local AWS enforces permissions.
    replace(FakeBucket, get_permission=neutral)
    # moto wants the log bucket's policy to be there already; CloudFormation makes that policy
    # after the bucket that is logged, since it names it, and S3 lets it.
    replace(FakeBucket, _log_permissions_enabled_policy=staticmethod(may_log))


def neutral(_bucket: FakeBucket, _action: str, _resource: str) -> PermissionResult:
    """Answer that the bucket's policy says nothing about a request."""
    return PermissionResult.NEUTRAL


def may_log(target_bucket: FakeBucket, target_prefix: str | None) -> bool:  # noqa: ARG001
    """Answer that access logs may be delivered."""
    return True
