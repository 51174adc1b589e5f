"""Application Auto Scaling that acts: policies whose alarms are on, scheduled actions, limits that were changed.

moto stores all of it and does nothing. What is decided, by which rules, is in ``slipway.local.autoscaling``; what is
scaled is asked and changed by SageMaker's own API, so that it refuses what it refuses to anybody.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from botocore.exceptions import ClientError
from moto.applicationautoscaling.models import (
    ApplicationAutoscalingBackend,
    FakeApplicationAutoscalingPolicy,
    FakeScalableTarget,
    FakeScheduledAction,
    applicationautoscaling_backends,
)
from moto.cloudwatch.models import Alarm, CloudWatchBackend, cloudwatch_backends

from slipway.local.autoscaling.adjustments import aggregated, stepped, tracked
from slipway.local.autoscaling.decision import Cooling, Limits, Move, Reason, Wish, decide
from slipway.local.autoscaling.tracking import COOLDOWN
from slipway.local.engine.documents import Document, Json
from slipway.local.mends import scaled_resources
from slipway.local.mends.alarms import datapoints
from slipway.local.mends.scaled_resources import Scaled
from slipway.local.mends.scaling_activities import ACTIVITIES, Activity
from slipway.local.resources.calls import Calls
from slipway.spec.occurrences import occurrences

# How long after a refusal changed limits are tried again, in seconds of the clock.
_RETRY_SECONDS = 10.0
# Beyond this nobody waits for a schedule.
_FAR = timedelta(days=5 * 366)


class _Signal(NamedTuple):
    """An alarm that triggers a policy."""

    alarm: Alarm
    policy: FakeApplicationAutoscalingPolicy


class _Due(NamedTuple):
    """When a scheduled action happens next: of this version of it."""

    version: tuple[object, ...]
    at: float | None


class Autoscaling:
    """Acts for all accounts and Regions, when the ticker calls it."""

    def __init__(self) -> None:
        self.calls = Calls("")
        self._lock = threading.RLock()
        self._cooling: dict[Scaled, Cooling] = defaultdict(Cooling)
        self._unsettled: dict[Scaled, float] = {}
        self._woken: set[tuple[str, str]] = set()
        self._due: dict[tuple[Scaled, str], _Due] = {}
        self._before = 0.0

    def settle(self, scaled: Scaled) -> None:
        """Bring a capacity into its limits soon: they were set anew."""
        self._unsettled[scaled] = 0.0

    def wake(self, account: str, region: str) -> None:
        """Look soon at the policies of an account and Region: an alarm of one has gone off."""
        self._woken.add((account, region))

    def minute(self, now: float) -> None:
        """Do what the policies ask for whose alarms are on; alarms trigger them every minute."""
        with self._lock:
            self.finish(now)
            for account, regions in list(applicationautoscaling_backends.items()):
                for region, backend in list(regions.items()):
                    self._woken.discard((account, region))
                    self._policies(backend, now)

    def tick(self, now: float) -> None:
        """Do what is due: scheduled actions, limits that were set anew, policies whose alarms have just gone off."""
        with self._lock:
            if now < self._before:  # the clock was reset: what was to come lies too far ahead
                self._due.clear()
                self._unsettled = dict.fromkeys(self._unsettled, 0.0)
            for scaled, action, target in list(self._scheduled(now)):
                self._run(scaled, action, target, now)
            for scaled, due in list(self._unsettled.items()):
                if due <= now:
                    self._into_limits(scaled, now)
            while self._woken:
                account, region = self._woken.pop()
                self._policies(applicationautoscaling_backends[account][region], now)
            self._before = now

    def finish(self, now: float) -> None:
        """Close the activities whose capacity is reached."""
        with self._lock:
            for activity in ACTIVITIES.open():
                found = scaled_resources.read(self.calls, activity.scaled)
                if found is None or found.scalable:
                    activity.ended = now
                    reached = found is not None and found.desired == activity.capacity
                    activity.status = "Successful" if reached else "Overridden"
                    activity.message = (
                        _fulfilled(activity) if reached else "The desired capacity was changed meanwhile."
                    )

    # -- policies

    def _policies(self, backend: ApplicationAutoscalingBackend, now: float) -> None:
        if not backend.policies:
            return
        triggered: dict[Scaled, list[_Signal]] = defaultdict(list)
        by_arn = {policy.policy_arn: policy for policy in list(backend.policies.values())}
        for alarm in list(cloudwatch_backends[backend.account_id][backend.region_name].alarms.values()):
            for action in actions_of(alarm):
                policy = by_arn.get(action)
                if policy is not None:
                    scaled = Scaled(
                        backend.account_id, backend.region_name, policy.scalable_dimension, policy.resource_id
                    )
                    triggered[scaled].append(_Signal(alarm, policy))
        for scaled, signals in triggered.items():
            target = backend.targets.get(scaled.dimension, {}).get(scaled.resource)
            if target is not None:
                self._decide(scaled, target, signals, now)

    def _decide(self, scaled: Scaled, target: FakeScalableTarget, signals: list[_Signal], now: float) -> None:
        found = scaled_resources.read(self.calls, scaled)
        if found is None:
            return
        cooling, limits = self._cooling[scaled], _limits(target)
        wishes = [*self._outward(scaled, signals, found.desired, now), *self._inward(scaled, signals, found.desired)]
        suspended = _members(target.suspended_state)
        if suspended.get("DynamicScalingOutSuspended"):
            wishes = [wish for wish in wishes if wish.capacity <= found.desired]
        if suspended.get("DynamicScalingInSuspended"):
            wishes = [wish for wish in wishes if wish.capacity >= found.desired]
        decision = decide(wishes, found.desired, limits, cooling, now)
        if decision is None:
            return
        cause = _cause(decision.wish if isinstance(decision, Move) else wishes[0])
        if isinstance(decision, Move) and not found.scalable:
            decision = Reason.UNSCALABLE
        if isinstance(decision, Reason):
            ACTIVITIES.not_scaled(scaled, cause, decision, limits=limits, capacity=found.desired, now=now)
        elif self._set(scaled, decision.capacity, cause, now):
            cooling.scaled(decision, found.desired, now)

    def _outward(self, scaled: Scaled, signals: list[_Signal], capacity: int, now: float) -> Iterator[Wish]:
        """Yield the wishes of steps, in either direction, and of target tracking to scale out."""
        cloudwatch = cloudwatch_backends[scaled.account][scaled.region]
        for alarm, policy in signals:
            base = self._cooling[scaled].base(policy.policy_name, capacity, now)
            steps: Document | None = policy.step_scaling_policy_configuration
            tracking: Document | None = policy.target_tracking_scaling_policy_configuration
            values = _datapoints(cloudwatch, alarm)
            if not values:
                continue
            if steps is not None:
                breach = aggregated(steps, values) - float(alarm.threshold)
                cooldown = float(steps.get("Cooldown", COOLDOWN))
                reached = (stepped(steps, capacity, breach), stepped(steps, base, breach))
            elif tracking is not None and _is_high(alarm):
                target, cooldown = float(tracking["TargetValue"]), float(tracking.get("ScaleOutCooldown", COOLDOWN))
                reached = (tracked(capacity, values[-1], target), tracked(base, values[-1], target))
            else:
                continue
            yield Wish(policy.policy_name, alarm.name, *reached, cooldown)

    def _inward(self, scaled: Scaled, signals: list[_Signal], capacity: int) -> Iterator[Wish]:
        """Yield the wishes of target tracking to scale in: if all of its policies that may are ready to."""
        backend = applicationautoscaling_backends[scaled.account][scaled.region]
        cloudwatch = cloudwatch_backends[scaled.account][scaled.region]
        may = {
            policy.policy_name
            for policy in list(backend.policies.values())
            if (policy.resource_id, policy.scalable_dimension) == (scaled.resource, scaled.dimension)
            and (tracking := policy.target_tracking_scaling_policy_configuration) is not None
            and not tracking.get("DisableScaleIn")
        }
        low = [one for one in signals if one.policy.policy_name in may and not _is_high(one.alarm)]
        if {one.policy.policy_name for one in low} != may:
            return
        for alarm, policy in low:
            tracking = policy.target_tracking_scaling_policy_configuration
            values = _datapoints(cloudwatch, alarm)
            if tracking and values:
                # "scales in more gradually": what the busiest of those minutes needed is kept. An assumption, as the
                # service does not say how far it goes.
                wanted = tracked(capacity, max(values), float(tracking["TargetValue"]))
                cooldown = float(tracking.get("ScaleInCooldown", COOLDOWN))
                yield Wish(policy.policy_name, alarm.name, wanted, wanted, cooldown)

    # -- limits

    def _into_limits(self, scaled: Scaled, now: float) -> None:
        backend = applicationautoscaling_backends[scaled.account][scaled.region]
        target = backend.targets.get(scaled.dimension, {}).get(scaled.resource)
        found = scaled_resources.read(self.calls, scaled) if target is not None else None
        if (
            target is None or found is None
        ):  # "If the specified resource is not active …, this operation does not change"
            self._unsettled.pop(scaled, None)
            return
        limits = _limits(target)
        wanted = limits.within(found.desired)
        side = "minimum" if wanted > found.desired else "maximum"
        if wanted == found.desired or (
            found.scalable and self._set(scaled, wanted, f"{side} capacity was set to {wanted}", now)
        ):
            self._unsettled.pop(scaled, None)
        else:
            self._unsettled[scaled] = now + _RETRY_SECONDS

    def _set(self, scaled: Scaled, capacity: int, cause: str, now: float) -> bool:
        words = scaled_resources.words(scaled.dimension)
        activity = Activity(scaled, f"Setting {words} to {capacity}.", cause, now, capacity)
        try:
            scaled_resources.write(self.calls, scaled, capacity)
        except ClientError as error:
            activity.status, activity.ended = "Failed", now
            activity.message = f"Failed to set {words} to {capacity}. Reason: {error.response['Error']['Message']}"
        else:
            activity.message = (
                f"Successfully set {words} to {capacity}. Waiting for change to be fulfilled by sagemaker."
            )
        ACTIVITIES.add(activity)
        self.finish(now)
        return activity.status != "Failed"

    # -- scheduled actions

    def _scheduled(self, now: float) -> Iterator[tuple[Scaled, FakeScheduledAction, FakeScalableTarget]]:
        """Yield the scheduled actions whose time has come since the last tick."""
        for account, regions in list(applicationautoscaling_backends.items()):
            for region, backend in list(regions.items()):
                for action in list(backend.scheduled_actions):
                    scaled = Scaled(account, region, action.scalable_dimension, action.resource_id)
                    due = self._next(scaled, action)
                    if due is None or due > now:
                        continue
                    del self._due[scaled, action.scheduled_action_name]
                    target = backend.targets.get(scaled.dimension, {}).get(scaled.resource)
                    if target is not None and not _members(target.suspended_state).get("ScheduledScalingSuspended"):
                        yield scaled, action, target
                    self._next(scaled, action, after=now)

    def _next(self, scaled: Scaled, action: FakeScheduledAction, after: float | None = None) -> float | None:
        put = float(getattr(action, "put_at", action.creation_time))
        version = (action.schedule, action.timezone, action.start_time, action.end_time, put)
        known = self._due.get((scaled, action.scheduled_action_name))
        if known is None or known.version != version:
            since = max(put, self._before) if after is None else after
            known = _Due(version, next_time(action, put, since))
            self._due[scaled, action.scheduled_action_name] = known
        return known.at

    def _run(self, scaled: Scaled, action: FakeScheduledAction, target: FakeScalableTarget, now: float) -> None:
        limits, wanted = _limits(target), _members(action.scalable_target_action)
        lowest = int(wanted.get("MinCapacity", limits.minimum))
        highest = int(wanted.get("MaxCapacity", limits.maximum))
        text = f"min capacity to {lowest} and max capacity to {highest}"
        cause = f"scheduled action name {action.scheduled_action_name} was triggered"
        activity = ACTIVITIES.add(Activity(scaled, f"Setting {text}", cause, now, status="Successful"))
        if lowest > highest:
            activity.status, activity.message = "Failed", f"Failed to set {text}: the minimum is above the maximum."
            return
        activity.message = f"Successfully set {text}"
        target.min_capacity, target.max_capacity = lowest, highest
        self.settle(scaled)


def next_time(action: FakeScheduledAction, put: float, since: float) -> float | None:
    """Return when a scheduled action happens next, in seconds since the epoch; None for never.

    Parameters
    ----------
    put
        When it was put, from which a rate counts unless it has a start.
    since
        After which moment.
    """
    start = float(action.start_time) if action.start_time else None
    if start is not None and since < start:
        return start  # "performs the action at that time, and then … based on the specified recurrence"
    after = datetime.fromtimestamp(since, UTC)
    created = datetime.fromtimestamp(put if start is None else start, UTC)
    found = occurrences(
        action.schedule, after=after, until=after + _FAR, timezone=action.timezone or "UTC", created=created
    )
    at = next((moment.timestamp() for moment in found), None)
    end = float(action.end_time) if action.end_time else None
    return None if at is None or (end is not None and at > end) else at


def actions_of(alarm: Alarm) -> Iterable[str]:
    """Return the actions of an alarm for the state that it is in."""
    if not alarm.actions_enabled:
        return ()
    by_state: dict[str, Iterable[str] | None] = {
        "ALARM": alarm.alarm_actions,
        "OK": alarm.ok_actions,
        "INSUFFICIENT_DATA": alarm.insufficient_data_actions,
    }
    return by_state[alarm.state_value] or ()


def _datapoints(backend: CloudWatchBackend, alarm: Alarm) -> list[float]:
    """Return the datapoints that put an alarm into its state: those given by hand, or those of its metric."""
    try:
        given = [float(value) for value in json.loads(alarm.state_reason_data or "{}").get("recentDatapoints", [])]
    except (ValueError, TypeError, AttributeError):
        given = []
    return given or datapoints(backend, alarm)


def _is_high(alarm: Alarm) -> bool:
    return bool(alarm.comparison_operator.startswith("Greater"))


def _members(given: Json) -> Document:
    """Return what moto keeps as it came, and says that it were text."""
    return dict(given or {})


def _limits(target: FakeScalableTarget) -> Limits:
    return Limits(int(target.min_capacity or 0), int(target.max_capacity or 0))


def _cause(wish: Wish) -> str:
    return f"monitor alarm {wish.alarm} in state ALARM triggered policy {wish.policy}"


def _fulfilled(activity: Activity) -> str:
    words = scaled_resources.words(activity.scaled.dimension)
    return f"Successfully set {words} to {activity.capacity}. Change successfully fulfilled by sagemaker."


AUTOSCALING = Autoscaling()
