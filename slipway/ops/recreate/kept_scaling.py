"""The autoscaling of an endpoint, kept over its deletion: with the endpoint, the service deregisters all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Self, cast

from slipway.ops.scale.scalable import RESTORE, SERVICE, once, variant_resource
from slipway.ops.settling import patiently

if TYPE_CHECKING:
    from types_boto3_application_autoscaling import ApplicationAutoScalingClient
    from types_boto3_cloudwatch import CloudWatchClient

    from slipway.ops.aws_clock import AwsClock

#: What an answer of these operations has that a request may have as well.
_TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension")
_POLICY = (
    *_TARGET,
    "PolicyName",
    "PolicyType",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
    "PredictiveScalingPolicyConfiguration",
)
_ACTION = (
    *_TARGET,
    "ScheduledActionName",
    "Schedule",
    "Timezone",
    "StartTime",
    "EndTime",
    "ScalableTargetAction",
)


@dataclass(frozen=True, slots=True)
class KeptTarget:
    """A scalable target, as requests that make it again.

    Attributes
    ----------
    target
        Of RegisterScalableTarget, without tags.
    tags
        Of the target.
    policies
        Of PutScalingPolicy, by the ARN that each policy had.
    actions
        Of PutScheduledAction.
    """

    target: Mapping[str, Any]
    tags: Mapping[str, str]
    policies: Mapping[str, Mapping[str, Any]]
    actions: tuple[Mapping[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for a file."""
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``as_dict`` made."""
        return cls(data["target"], data["tags"], data["policies"], tuple(data["actions"]))


class KeptScaling:
    """Reads the autoscaling of an endpoint, and sets it again.

    Parameters
    ----------
    scaling, cloudwatch
        The clients.
    clock
        AWS's.
    """

    def __init__(self, scaling: ApplicationAutoScalingClient, cloudwatch: CloudWatchClient, clock: AwsClock) -> None:
        self._scaling = scaling
        self._cloudwatch = cloudwatch
        self._clock = clock

    def read(self, endpoint: str, variants: Iterable[str]) -> tuple[KeptTarget, ...]:
        """Read what scales the variants of an endpoint.

        Parameters
        ----------
        endpoint
            Its full name.
        variants
            Their names.

        Returns
        -------
        tuple of KeptTarget
            Empty when nothing does.

        Raises
        ------
        slipway.ops.trouble.OperationError
            When AWS refuses.
        """
        resources = [variant_resource(endpoint, variant) for variant in variants]
        return patiently(lambda: self._read(resources), self._clock, what=f"look at the scaling of {endpoint}")

    def _read(self, resources: list[str]) -> tuple[KeptTarget, ...]:
        pages = self._scaling.get_paginator("describe_scalable_targets").paginate(
            ServiceNamespace=SERVICE, ResourceIds=resources
        )
        return tuple(self._kept(target) for page in pages for target in page["ScalableTargets"])

    def _kept(self, found: Mapping[str, Any]) -> KeptTarget:
        resource = found["ResourceId"]
        policies = self._scaling.get_paginator("describe_scaling_policies").paginate(
            ServiceNamespace=SERVICE, ResourceId=resource
        )
        actions = self._scaling.get_paginator("describe_scheduled_actions").paginate(
            ServiceNamespace=SERVICE, ResourceId=resource
        )
        arn = found.get("ScalableTargetARN")
        return KeptTarget(
            _members(found, (*_TARGET, "MinCapacity", "MaxCapacity", "SuspendedState")),
            self._scaling.list_tags_for_resource(ResourceARN=arn).get("Tags", {}) if arn else {},
            {one["PolicyARN"]: _members(one, _POLICY) for page in policies for one in page["ScalingPolicies"]},
            tuple(_members(one, _ACTION) for page in actions for one in page["ScheduledActions"]),
        )

    def again(self, kept: KeptTarget) -> dict[str, str]:
        """Register a target with all that belonged to it; what is there already is only set once more.

        Parameters
        ----------
        kept
            From ``read``.

        Returns
        -------
        dict of str to str
            The policies whose ARN is another one now, by their names: what names them by it knows nothing of that.

        Raises
        ------
        slipway.ops.trouble.OperationError
            When AWS refuses.
        """
        target, actions = self._still(kept)
        what = f"scale {target['ResourceId']} again"
        there = self._scaling.describe_scalable_targets(ServiceNamespace=SERVICE, ResourceIds=[target["ResourceId"]])
        if kept.tags and not there["ScalableTargets"]:
            # The service refuses the tags of a target that exists.
            target = {**target, "Tags": kept.tags}
        patiently(lambda: self._scaling.register_scalable_target(**target), self._clock, what=what)
        changed = {}
        for former, policy in kept.policies.items():
            arn = self._put_policy(policy, what)
            if arn != former:
                changed[policy["PolicyName"]] = arn
                patiently(partial(self._lead_alarms, former, arn), self._clock, what=what)
        for action in actions:
            patiently(partial(self._scaling.put_scheduled_action, **action), self._clock, what=what)
        return changed

    def _put_policy(self, policy: Mapping[str, Any], what: str) -> str:
        return patiently(lambda: self._scaling.put_scaling_policy(**policy), self._clock, what=what)["PolicyARN"]

    def _still(self, kept: KeptTarget) -> tuple[dict[str, Any], list[Mapping[str, Any]]]:
        """The request for the target and its actions as they would be by now.

        What happens once and whose time has passed is left out; if it would have ended temporary limits, it has.
        """
        target, actions = dict(kept.target), []
        now = self._clock.now()
        for action in kept.actions:
            moment = once(action["Schedule"], action.get("Timezone") or "UTC")
            if moment is None or moment > now:
                actions.append(action)
            elif action["ScheduledActionName"] == RESTORE:
                target |= action["ScalableTargetAction"]
        return target, actions

    def _lead_alarms(self, former: str, arn: str) -> None:
        """Lead the alarms that fire a policy of steps to its new ARN; those of target tracking are the service's."""
        shape = self._cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(ActionPrefix=former)
        for alarm in [one for page in pages for one in page["MetricAlarms"] if former in one["AlarmActions"]]:
            request = {key: value for key, value in alarm.items() if shape is not None and key in shape.members}
            request["AlarmActions"] = [arn if action == former else action for action in alarm["AlarmActions"]]
            self._cloudwatch.put_metric_alarm(**cast("Any", request))


def _members(found: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Some members of an answer, as JSON can hold them."""
    return {
        name: found[name].isoformat() if isinstance(found[name], datetime) else found[name]
        for name in names
        if name in found
    }
