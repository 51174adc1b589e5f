"""The API of Application Auto Scaling: what moto lacks of it, or takes too lightly.

That it acts is in ``autoscaling``.
"""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from functools import wraps
from zoneinfo import ZoneInfoNotFoundError

from moto.applicationautoscaling import models, responses
from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend, FakeApplicationAutoscalingPolicy
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.responses import ActionResult

from slipway.local.autoscaling import tracking
from slipway.local.engine.documents import Json
from slipway.local.mends.alarms import make_alarm
from slipway.local.mends.answers import ApiError
from slipway.local.mends.autoscaling import AUTOSCALING
from slipway.local.mends.patching import add, replace
from slipway.local.mends.scaled_resources import Scaled
from slipway.local.mends.scaling_activities import describe_scaling_activities
from slipway.local.resources.calls import Calls
from slipway.spec.occurrences import occurrences

_DIMENSIONS = (
    "sagemaker:variant:DesiredProvisionedConcurrency",
    "sagemaker:inference-component:DesiredCopyCount",
)


def apply(url: str) -> None:
    """Install the mends.

    Parameters
    ----------
    url
        Where this server answers; capacities are asked and changed there.

    Raises
    ------
    AttributeError
        When moto has one of the dimensions: a new version brought it.
    """
    AUTOSCALING.calls = Calls(url)
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
        register_scalable_target=_settling(backend.register_scalable_target),
        put_scaling_policy=_keeping_arn(backend.put_scaling_policy),
        describe_scaling_policies=_of_one_resource(backend.describe_scaling_policies),
        delete_scaling_policy=_wording_missing(backend.delete_scaling_policy),
        deregister_scalable_target=_with_all_of_it(_wording_missing(backend.deregister_scalable_target)),
        put_scheduled_action=_of_known_target(backend.put_scheduled_action),
        delete_scheduled_action=_refusing_missing(backend.delete_scheduled_action),
    )
    api = responses.ApplicationAutoScalingResponse
    replace(api, register_scalable_target=_keeping_tags(api.register_scalable_target))
    add(
        api,
        list_tags_for_resource=list_tags_for_resource,
        describe_scaling_activities=_finishing(describe_scaling_activities),
    )


# -- policies


def _keeping_arn(
    original: Callable[..., FakeApplicationAutoscalingPolicy],
) -> Callable[..., FakeApplicationAutoscalingPolicy]:
    @wraps(original)
    def put_scaling_policy(self: ApplicationAutoscalingBackend, **given: object) -> FakeApplicationAutoscalingPolicy:
        """Keep the ARN of a policy that is changed: alarms name it as their action, and moto gives it a new one."""
        members = ("service_namespace", "resource_id", "scalable_dimension", "policy_name")
        key = FakeApplicationAutoscalingPolicy.formulate_key(*(str(given[member]) for member in members))
        _refuse_unknown(self, *(str(given[member]) for member in members[:-1]))
        before = self.policies.get(key)
        policy = original(self, **given)
        if before is not None:
            policy.policy_arn, policy.creation_time = before.policy_arn, before.creation_time
        _watch(policy, [alarm.name for alarm in before.alarms] if before is not None else [])
        return policy

    return put_scaling_policy


def _watch(policy: FakeApplicationAutoscalingPolicy, before: list[str]) -> None:
    """Make the alarms of a target-tracking policy; those that it had keep their names."""
    configuration = policy.target_tracking_scaling_policy_configuration
    wanted = tracking.alarms(configuration, policy.resource_id, policy.policy_arn, before) if configuration else []
    cloudwatch = cloudwatch_backends[policy.account_id][policy.region_name]
    kept = {request["AlarmName"] for request in wanted}
    cloudwatch.delete_alarms([name for name in before if name not in kept])
    policy.alarms = [make_alarm(cloudwatch, request) for request in wanted]


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
    def remove(self: ApplicationAutoscalingBackend, *given: object, **named: object) -> None:
        """Say that something is missing by the service's code, not that the request is wrong."""
        try:
            original(self, *given, **named)
        except AWSValidationException as error:
            raise ApiError("ObjectNotFoundException", error.message) from error

    return remove


# -- scalable targets, and what goes with them


def _settling(original: Callable[..., models.FakeScalableTarget]) -> Callable[..., models.FakeScalableTarget]:
    @wraps(original)
    def register_scalable_target(
        self: ApplicationAutoscalingBackend, *given: object, **named: object
    ) -> models.FakeScalableTarget:
        """Bring the capacity into new limits."""
        target = original(self, *given, **named)
        AUTOSCALING.settle(Scaled(self.account_id, self.region_name, target.scalable_dimension, target.resource_id))
        return target

    return register_scalable_target


def _with_all_of_it(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def deregister_scalable_target(
        self: ApplicationAutoscalingBackend, namespace: str, r_id: str, dimension: str
    ) -> None:
        """Delete its policies and scheduled actions as well (API, "DeregisterScalableTarget")."""
        original(self, namespace, r_id, dimension)
        for policy in [*self.policies.values()]:
            if (policy.resource_id, policy.scalable_dimension) == (r_id, dimension):
                self.delete_scaling_policy(policy.policy_name, namespace, r_id, dimension)
        self.scheduled_actions = [
            action
            for action in self.scheduled_actions
            if (action.resource_id, action.scalable_dimension) != (r_id, dimension)
        ]

    return deregister_scalable_target


def _refuse_unknown(backend: ApplicationAutoscalingBackend, namespace: str, resource: str, dimension: str) -> None:
    if resource not in backend.targets.get(dimension, {}):
        raise ApiError(
            "ObjectNotFoundException",
            f"No scalable target registered for service namespace: {namespace}, resource ID: {resource}, "
            f"scalable dimension: {dimension}",
        )


# -- scheduled actions


def _of_known_target(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def put_scheduled_action(self: ApplicationAutoscalingBackend, **given: Json) -> None:
        """Refuse one without a target, and what is no schedule; remember when it was put."""
        members = ("service_namespace", "resource_id", "scalable_dimension", "scheduled_action_name")
        _refuse_unknown(self, *(given[member] for member in members[:-1]))
        _refuse_schedule(given["schedule"], given["timezone"])
        limits = given["scalable_target_action"] or {}
        if limits.get("MinCapacity", 0) > limits.get("MaxCapacity", math.inf):
            raise ApiError("ValidationException", "Maximum capacity cannot be less than minimum capacity")
        original(self, **given)
        for action in self.scheduled_actions:
            if all(getattr(action, member) == given[member] for member in members):
                vars(action)["put_at"] = time.time()

    return put_scheduled_action


def _refuse_schedule(schedule: str | None, zone: str | None) -> None:
    if schedule is None:
        return  # it stays as it was
    now = datetime.now(UTC)
    try:
        # One that cannot be read fails as it is read, or at its first occurrence.
        next(occurrences(schedule, after=now, until=now, timezone=zone or "UTC"), None)
    except (ValueError, KeyError, ZoneInfoNotFoundError) as error:
        raise ApiError(
            "ValidationException", f"Invalid schedule expression or time zone: {schedule}, {zone}"
        ) from error


def _refusing_missing(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def delete_scheduled_action(self: ApplicationAutoscalingBackend, **given: str) -> None:
        """Refuse to delete what is not there; moto does nothing."""
        before = len(self.scheduled_actions)
        original(self, **given)
        if len(self.scheduled_actions) == before:
            raise ApiError(
                "ObjectNotFoundException",
                f"No scheduled action found for service namespace: {given['service_namespace']}, "
                f"resource ID: {given['resource_id']}, scalable dimension: {given['scalable_dimension']}, "
                f"scheduled action name: {given['scheduled_action_name']}",
            )

    return delete_scheduled_action


def _finishing(
    original: Callable[[responses.ApplicationAutoScalingResponse], ActionResult],
) -> Callable[[responses.ApplicationAutoScalingResponse], ActionResult]:
    @wraps(original)
    def describe(self: responses.ApplicationAutoScalingResponse) -> ActionResult:
        """Tell of what is reached by now."""
        AUTOSCALING.finish(time.time())
        return original(self)

    return describe


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
