"""Application Auto Scaling: the dimensions of SageMaker that moto lacks, and policies that keep their ARN."""

from collections.abc import Callable
from enum import Enum
from functools import wraps

from moto.applicationautoscaling import models, responses
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend, FakeApplicationAutoscalingPolicy

from slipway.local.mends.patching import replace

_DIMENSIONS = (
    "sagemaker:variant:DesiredProvisionedConcurrency",
    "sagemaker:inference-component:DesiredCopyCount",
)


def apply() -> None:
    """Install the mends.

    Raises
    ------
    AttributeError
        When moto has one of the dimensions: a new version brought it.
    """
    known = {member.name: member.value for member in models.ScalableDimensionValueSet}
    for dimension in _DIMENSIONS:
        if dimension in known.values():
            raise AttributeError(f"moto has {dimension} now; is the mend still needed?")
    dimensions = Enum(  # type: ignore[misc]
        "ScalableDimensionValueSet", {**known, **{dimension.upper(): dimension for dimension in _DIMENSIONS}}
    )
    for module in (models, responses):
        replace(module, ScalableDimensionValueSet=dimensions)
    backend = ApplicationAutoscalingBackend
    replace(
        backend,
        put_scaling_policy=_keeping_arn(backend.put_scaling_policy),
        describe_scaling_policies=_of_one_resource(backend.describe_scaling_policies),
    )


def _keeping_arn(
    original: Callable[..., FakeApplicationAutoscalingPolicy],
) -> Callable[..., FakeApplicationAutoscalingPolicy]:
    @wraps(original)
    def put_scaling_policy(self: ApplicationAutoscalingBackend, **given: object) -> FakeApplicationAutoscalingPolicy:
        """Keep the ARN of a policy that is changed: alarms name it as their action, and moto gives it a new one."""
        members = ("service_namespace", "resource_id", "scalable_dimension", "policy_name")
        key = FakeApplicationAutoscalingPolicy.formulate_key(*(str(given[member]) for member in members))
        before = self.policies.get(key)
        policy = original(self, **given)
        if before is not None:
            policy.policy_arn, policy.creation_time = before.policy_arn, before.creation_time
        return policy

    return put_scaling_policy


def _of_one_resource(
    original: Callable[..., tuple[str | None, list[FakeApplicationAutoscalingPolicy]]],
) -> Callable[..., tuple[str | None, list[FakeApplicationAutoscalingPolicy]]]:
    @wraps(original)
    def describe_scaling_policies(
        self: ApplicationAutoscalingBackend, **given: object
    ) -> tuple[str | None, list[FakeApplicationAutoscalingPolicy]]:
        """Compare the resource's whole name: moto also returns policies of resources whose name is part of it."""
        token, found = original(self, **given)
        wanted = given.get("resource_id")
        return token, [policy for policy in found if wanted in (None, policy.resource_id)]

    return describe_scaling_policies
