"""Application Auto Scaling: the dimensions of SageMaker that moto lacks, and policies that keep their ARN."""

from collections.abc import Callable
from enum import Enum
from functools import wraps

from moto.applicationautoscaling import models, responses
from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend, FakeApplicationAutoscalingPolicy
from moto.core.responses import ActionResult

from slipway.local.mends.answers import ApiError
from slipway.local.mends.patching import add, replace

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
        deregister_scalable_target=_wording_missing(backend.deregister_scalable_target),
    )
    api = responses.ApplicationAutoScalingResponse
    replace(api, register_scalable_target=_keeping_tags(api.register_scalable_target))
    add(api, list_tags_for_resource=list_tags_for_resource)


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


def _wording_missing(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def deregister_scalable_target(self: ApplicationAutoscalingBackend, *given: object, **named: object) -> None:
        """Say that a target is missing by the service's code, not that the request is wrong."""
        try:
            original(self, *given, **named)
        except AWSValidationException as error:
            raise ApiError("ObjectNotFoundException", error.message) from error

    return deregister_scalable_target


# -- tags of scalable targets, which moto does not have


def _keeping_tags(original: Callable[..., str]) -> Callable[..., str]:
    @wraps(original)
    def register_scalable_target(self: responses.ApplicationAutoScalingResponse) -> str:
        answer = original(self)
        tags = self._get_param("Tags")
        if tags:
            dimension, resource = self._get_param("ScalableDimension"), self._get_param("ResourceId")
            target = self.applicationautoscaling_backend.targets[dimension][resource]
            vars(target)["tags"] = {**_tags(target), **tags}
        return answer

    return register_scalable_target


def list_tags_for_resource(self: responses.ApplicationAutoScalingResponse) -> ActionResult:
    """ListTagsForResource of a scalable target."""
    wanted = self._get_param("ResourceARN")
    for targets in self.applicationautoscaling_backend.targets.values():
        for target in targets.values():
            if target.arn == wanted:
                return ActionResult({"Tags": _tags(target)})
    raise ApiError("ResourceNotFoundException", f"The specified resource doesn't exist. ResourceARN: {wanted}.")


def _tags(target: models.FakeScalableTarget) -> dict[str, str]:
    return dict(vars(target).get("tags", {}))
