"""The policies of one scalable target: target tracking, steps at some levels, and the way back from zero."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from slipway.spec.environment import Environment
from slipway.spec.scaling import Mode, Scaling
from slipway.spec.units import Percent
from slipway_cdk.resource import declare, present, tags
from slipway_cdk.signals import REQUESTS, Signal, signal, threshold

#: Metrics that Application Auto Scaling knows by names of its own (API:PredefinedMetricSpecification).
_PREDEFINED: Mapping[Mode, Mapping[str, str]] = {
    "instances": {
        "invocations_per_minute": "SageMakerVariantInvocationsPerInstance",
        "concurrency": "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    },
    "serverless": {"provisioned_use": "SageMakerVariantProvisionedConcurrencyUtilization"},
    "asynchronous": {},
    "components": {
        "invocations_per_minute": "SageMakerInferenceComponentInvocationsPerCopy",
        "concurrency": "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
    },
}
#: What a target is called in ids and names; the others by their key.
_CALLED = {"invocations_per_minute": "invocations", "provisioned_use": "provisioned"}
#: The one metric of the backlog that counts the instances (Developer Guide, "Autoscale an asynchronous endpoint").
_BACKLOG = Signal("ApproximateBacklogSizePerInstance", REQUESTS, "Average", "many requests wait for each instance", "")
#: Metrics of an asynchronous endpoint as a whole; the others are a variant's or a component's.
_OF_ENDPOINT = ("ApproximateBacklogSizePerInstance", "HasBacklogWithoutCapacity")
#: Datapoints of a minute at a level until a step is taken.
_STEP_EVALUATIONS = 2


@dataclass(frozen=True)
class Scaled:
    """What has a capacity of its own: a variant or a component.

    Attributes
    ----------
    what
        Its short name.
    id
        What ends the ids of its resources in the tree.
    suffix
        What ends the names of its alarms.
    full
        What the names of its policies start with.
    resource
        Its ResourceId.
    endpoint
        Full name of its endpoint.
    dimensions
        Of its metrics.
    types
        Instance types, which decide about the figures of CPU and GPU; none where these are shares anyway.
    mode
        How the endpoint is hosted.
    """

    what: str
    id: str
    suffix: str
    full: str
    resource: str
    endpoint: str
    dimensions: Mapping[str, str]
    types: Sequence[str]
    mode: Mode

    @property
    def normalized(self) -> bool:
        """Whether its machine metrics are shares of what it is given, whatever the machine."""
        return self.mode == "components"

    def dimensions_of(self, metric: Signal) -> Mapping[str, str]:
        """Dimensions under which a metric is published: its own, or the endpoint's.

        Parameters
        ----------
        metric
            The metric.

        Returns
        -------
        Mapping of str to str
            Value by name.
        """
        return {"EndpointName": self.endpoint} if metric.metric in _OF_ENDPOINT else self.dimensions


@dataclass(frozen=True)
class _Wake:
    """What shows that requests come while there is nothing to answer them.

    Attributes
    ----------
    signal
        1 or more calls for capacity.
    evaluations
        Datapoints of a minute until it does.
    cooldown
        Seconds that the first instance or copy is given at least, before another is added.
    """

    signal: Signal
    evaluations: int
    cooldown: int


#: Target tracking cannot leave zero: there is no instance or copy to measure. The figures are those of the Developer
#: Guide, "Autoscale an asynchronous endpoint" and "Scale an endpoint to zero instances"; but the alarm there asks for
#: more than one refused request a minute, this one for one.
_WAKES: Mapping[Mode, _Wake] = {
    "asynchronous": _Wake(
        Signal("HasBacklogWithoutCapacity", REQUESTS, "Average", "requests wait and there is no instance", ""), 2, 300
    ),
    "components": _Wake(
        Signal("NoCapacityInvocationFailures", REQUESTS, "Maximum", "requests are refused for want of a copy", ""),
        1,
        60,
    ),
}


class ScalingPolicies:
    """Declares the policies of one scalable target, and the alarms that fire them.

    Target tracking makes its alarms itself. Those declared here go to a policy and to nobody else: while traffic
    changes, an alarm in ALARM is what autoscaling looks like.

    Parameters
    ----------
    scope
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name.
    scaled
        What is scaled.
    scaling
        How.
    target
        The scalable target, as a reference.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        environment: Environment,
        name: str,
        scaled: Scaled,
        scaling: Scaling,
        target: str,
    ) -> None:
        self._scope = scope
        self._name = name
        self._names = environment.names
        self._tags = tags(environment, name)
        self._scaled = scaled
        self._scaling = scaling
        self._target = target

    def tracking(self) -> None:
        """Declare a target-tracking policy for each target."""
        for called, tracking in tracked(self._scaling, self._scaled):
            configuration = {
                **tracking,
                "ScaleOutCooldown": self._scaling.scale_out_cooldown.seconds,
                "ScaleInCooldown": self._scaling.scale_in_cooldown.seconds,
            }
            self._policy(
                f"Scaling-{called}",
                called,
                "TargetTrackingScaling",
                TargetTrackingScalingPolicyConfiguration=configuration,
            )

    def steps(self) -> None:
        """Declare a step-scaling policy with its alarm for each metric that steps look at."""
        for key, levels in stepped(self._scaling, self._scaled).items():
            metric = _BACKLOG if key == "backlog" else signal(key, self._scaled.mode)
            lowest = min(levels)
            # The bounds are distances from the alarm's threshold; the lower one is part of the step, the upper is not.
            starts = [round(level - lowest, 6) for level in sorted(levels)]
            adjustments = [
                present(
                    {"MetricIntervalLowerBound": start, "MetricIntervalUpperBound": end, "ScalingAdjustment": added}
                )
                for start, end, (_, added) in zip(starts, [*starts[1:], None], sorted(levels.items()), strict=True)
            ]
            self._steps(key, metric, lowest, _STEP_EVALUATIONS, self._scaling.scale_out_cooldown.seconds, adjustments)

    def from_zero(self) -> None:
        """Declare what adds the first instance or copy, where there can be none."""
        wake = _WAKES.get(self._scaled.mode)
        if wake is not None and self._scaling.lowest == 0:
            cooldown = max(wake.cooldown, self._scaling.scale_out_cooldown.seconds)
            first = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]
            self._steps("from-zero", wake.signal, 1, wake.evaluations, cooldown, first)

    def _steps(
        self,
        called: str,
        metric: Signal,
        limit: float,
        evaluations: int,
        cooldown: int,
        adjustments: list[dict[str, Any]],
    ) -> None:
        configuration = {
            "AdjustmentType": "ChangeInCapacity",
            # Of datapoints that are percentiles the average is taken.
            "MetricAggregationType": "Maximum" if metric.statistic == "Maximum" else "Average",
            "Cooldown": cooldown,
            "StepAdjustments": adjustments,
        }
        policy = self._policy(
            f"Steps-{called}", f"steps-{called}", "StepScaling", StepScalingPolicyConfiguration=configuration
        )
        kind = "ExtendedStatistic" if metric.statistic.startswith("p") else "Statistic"
        declare(
            self._scope,
            f"ScalingAlarm-{called}{self._scaled.id}",
            "AWS::CloudWatch::Alarm",
            {
                "AlarmName": self._names.alarm(self._name, f"scaling-{called}{self._scaled.suffix}"),
                "AlarmDescription": f"{self._scaled.full}: {metric.what}. Autoscaling adds some; no one is told.",
                "Namespace": metric.namespace,
                "MetricName": metric.metric,
                "Dimensions": [{"Name": k, "Value": v} for k, v in self._scaled.dimensions_of(metric).items()],
                kind: metric.statistic,
                "Period": 60,
                "EvaluationPeriods": evaluations,
                "DatapointsToAlarm": evaluations,
                "Threshold": limit,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                # No data means no traffic: the alarm leaves ALARM then, without a policy being fired.
                "TreatMissingData": "missing",
                "AlarmActions": [policy.ref],
                "Tags": self._tags,
            },
        )

    def _policy(self, id: str, called: str, type: str, **configuration: Mapping[str, Any]) -> CfnResource:
        """Declare a policy; its reference is its ARN."""
        properties = {
            "PolicyName": f"{self._scaled.full}-{called}",
            "PolicyType": type,
            "ScalingTargetId": self._target,
            **configuration,
        }
        kind = "AWS::ApplicationAutoScaling::ScalingPolicy"
        return declare(self._scope, f"{id}{self._scaled.id}", kind, properties)


def tracked(scaling: Scaling, scaled: Scaled) -> Iterator[tuple[str, dict[str, Any]]]:
    """Say what target tracking holds, and at which figure.

    Parameters
    ----------
    scaling
        The declared scaling.
    scaled
        What is scaled.

    Yields
    ------
    tuple of str and dict
        A name for each metric, and its target.
    """
    for key, target in scaling.targets(scaled.mode).items():
        called = _CALLED.get(key, key)
        predefined = _PREDEFINED[scaled.mode].get(key)
        if predefined is not None:
            # The use of provisioned concurrency is a ratio.
            value = target / 100 if key == "provisioned_use" else target
            yield called, {"TargetValue": value, "PredefinedMetricSpecification": {"PredefinedMetricType": predefined}}
        elif key == "backlog":
            yield called, {"TargetValue": target, "CustomizedMetricSpecification": _customized(_BACKLOG, scaled)}
        elif key in ("cpu", "gpu"):
            # The rules have refused types whose cores or GPUs the table does not know.
            level = threshold(key, Percent(target), scaled.types, normalized=scaled.normalized)
            if level is not None:
                metric = _customized(signal(key, scaled.mode), scaled)
                # A unit other than the published one finds no data; of normalized metrics none is documented.
                unit = {} if scaled.normalized else {"Unit": "Percent"}
                yield called, {"TargetValue": level, "CustomizedMetricSpecification": {**metric, **unit}}


def _customized(metric: Signal, scaled: Scaled) -> dict[str, Any]:
    return {
        "Namespace": metric.namespace,
        "MetricName": metric.metric,
        "Statistic": metric.statistic,
        "Dimensions": [{"Name": k, "Value": v} for k, v in scaled.dimensions_of(metric).items()],
    }


def stepped(scaling: Scaling, scaled: Scaled) -> Mapping[str, Mapping[float, int]]:
    """Say how many are added from which level on.

    Parameters
    ----------
    scaling
        The declared scaling.
    scaled
        What is scaled.

    Returns
    -------
    Mapping
        By metric, and by level in the metric's own unit.
    """
    out: dict[str, dict[float, int]] = {}
    for step in scaling.steps:
        level = threshold(step.metric, step.above, scaled.types, normalized=scaled.normalized)
        if level is not None:
            out.setdefault(step.metric, {})[level] = step.add
    return out
