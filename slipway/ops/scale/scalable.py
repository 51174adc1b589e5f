"""What Application Auto Scaling scales of an endpoint: its limits, its scheduled actions, and when these happen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from slipway.ops.settling import patiently
from slipway.ops.trouble import OperationError, code
from slipway.spec.occurrences import occurrences

if TYPE_CHECKING:
    from types_boto3_application_autoscaling import ApplicationAutoScalingClient
    from types_boto3_application_autoscaling.literals import ScalableDimensionType
    from types_boto3_application_autoscaling.type_defs import ScheduledActionTypeDef

    from slipway.ops.aws_clock import AwsClock
    from slipway.spec.scaling import Mode, Scaling

SERVICE: Literal["sagemaker"] = "sagemaker"
#: The scheduled action that ends temporary limits.
RESTORE = "slipway-restore"
#: The fewest that a target may have (Developer Guide, "Register a model", and the pages on scaling to zero).
LEAST: Mapping[Mode, int] = {"instances": 1, "serverless": 1, "asynchronous": 0, "components": 0}
#: How far back a schedule is looked for that holds now: one a month is the rarest usual one.
_PAST = timedelta(days=35)
#: How far ahead the next time of a schedule is looked for.
_AHEAD = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Limits:
    """From the fewest to the most.

    Attributes
    ----------
    lowest, highest
        Instances, copies or warm requests.
    """

    lowest: int
    highest: int

    def __str__(self) -> str:
        return f"{self.lowest} to {self.highest}"


@dataclass(frozen=True, slots=True)
class Action:
    """A scheduled action.

    Attributes
    ----------
    name
        Its name; unique for a target.
    schedule, timezone
        As Application Auto Scaling has them.
    lowest, highest
        What it sets; ``None`` for what it leaves as it is.
    created
        When it was made.
    """

    name: str
    schedule: str
    timezone: str
    lowest: int | None
    highest: int | None
    created: datetime

    def over(self, limits: Limits) -> Limits:
        """The limits after it happened."""
        return Limits(
            limits.lowest if self.lowest is None else self.lowest,
            limits.highest if self.highest is None else self.highest,
        )

    def times(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The moments at which it happens; none that can be told where the machine does not know its time zone."""
        try:
            yield from occurrences(
                self.schedule, after=after, until=until, timezone=self.timezone, created=self.created
            )
        except ZoneInfoNotFoundError:
            return


@dataclass(frozen=True, slots=True)
class Scalable:
    """A scalable target.

    Attributes
    ----------
    resource, dimension
        What it is, in Application Auto Scaling's words.
    limits
        As they are now.
    actions
        Its scheduled actions, without the one that ends temporary limits.
    restore
        That one, if there is one whose time has not come.
    suspended
        Whether scheduled actions are switched off.
    """

    resource: str
    dimension: ScalableDimensionType
    limits: Limits
    actions: tuple[Action, ...] = ()
    restore: Action | None = None
    suspended: bool = False

    @property
    def original(self) -> Limits:
        """The limits without what is temporary of them."""
        return self.restore.over(self.limits) if self.restore else self.limits

    @property
    def ends(self) -> datetime | None:
        """When what is temporary ends; ``None`` when nothing is, or nothing ends it."""
        return once(self.restore.schedule, self.restore.timezone) if self.restore else None

    def next(self, after: datetime) -> tuple[datetime, Action] | None:
        """The first scheduled action after a moment."""
        found = ((next(action.times(after, after + _AHEAD), None), action) for action in self.actions)
        return min(((at, action) for at, action in found if at is not None), key=lambda one: one[0], default=None)

    def holding(self, now: datetime) -> tuple[datetime, Action] | None:
        """The scheduled action that happened last before a moment."""
        # What was made since has not happened before.
        since = now - _PAST
        found = ((max(one.times(max(since, one.created), now), default=None), one) for one in self.actions)
        return max(((at, action) for at, action in found if at is not None), key=lambda one: one[0], default=None)


def variant_resource(endpoint: str, variant: str) -> str:
    """A variant in Application Auto Scaling's words."""
    return f"endpoint/{endpoint}/variant/{variant}"


def component_resource(component: str) -> str:
    """An inference component in Application Auto Scaling's words."""
    return f"inference-component/{component}"


class Targets:
    """Scalable targets of SageMaker, asked for and changed through what passes.

    Parameters
    ----------
    scaling
        The client; takes application-autoscaling:DescribeScalableTargets, DescribeScheduledActions,
        RegisterScalableTarget, PutScheduledAction and DeleteScheduledAction.
    clock
        AWS's.
    """

    def __init__(self, scaling: ApplicationAutoScalingClient, clock: AwsClock) -> None:
        self._scaling = scaling
        self._clock = clock

    def find(self, resource: str) -> Scalable | None:
        """Find a scalable target.

        Parameters
        ----------
        resource
            From ``variant_resource`` or ``component_resource``.

        Returns
        -------
        Scalable or None
            ``None`` when it is not scaled.

        Raises
        ------
        slipway.ops.trouble.OperationError
            When AWS refuses.
        """
        return patiently(lambda: self._find(resource), self._clock, what=f"look at the scaling of {resource}")

    def _find(self, resource: str) -> Scalable | None:
        found = self._scaling.describe_scalable_targets(ServiceNamespace=SERVICE, ResourceIds=[resource])
        if not found["ScalableTargets"]:
            return None
        target = found["ScalableTargets"][0]
        pages = self._scaling.get_paginator("describe_scheduled_actions").paginate(
            ServiceNamespace=SERVICE, ResourceId=resource, ScalableDimension=target["ScalableDimension"]
        )
        actions = [_action(action) for page in pages for action in page["ScheduledActions"]]
        now = self._clock.now()
        return Scalable(
            resource,
            target["ScalableDimension"],
            Limits(target["MinCapacity"], target["MaxCapacity"]),
            tuple(action for action in actions if action.name != RESTORE),
            next(
                (one for one in actions if one.name == RESTORE and (once(one.schedule, one.timezone) or now) > now),
                None,
            ),
            bool(target.get("SuspendedState", {}).get("ScheduledScalingSuspended")),
        )

    def set_limits(self, target: Scalable, limits: Limits) -> None:
        """Set limits; the service brings the capacity into them.

        Raises
        ------
        slipway.ops.trouble.OperationError
            When AWS refuses.
        """
        patiently(
            lambda: self._scaling.register_scalable_target(
                ServiceNamespace=SERVICE,
                ResourceId=target.resource,
                ScalableDimension=target.dimension,
                MinCapacity=limits.lowest,
                MaxCapacity=limits.highest,
            ),
            self._clock,
            what=f"set the limits of {target.resource}",
        )

    def put_restore(self, target: Scalable, limits: Limits, until: datetime) -> None:
        """Let the service set limits at a moment.

        Raises
        ------
        slipway.ops.trouble.OperationError
            When AWS refuses.
        """
        patiently(
            lambda: self._scaling.put_scheduled_action(
                ServiceNamespace=SERVICE,
                ResourceId=target.resource,
                ScalableDimension=target.dimension,
                ScheduledActionName=RESTORE,
                Schedule=at(until),
                ScalableTargetAction={"MinCapacity": limits.lowest, "MaxCapacity": limits.highest},
            ),
            self._clock,
            what=f"put the scheduled action {RESTORE} of {target.resource}",
        )

    def delete_restore(self, target: Scalable) -> None:
        """Take back what ``put_restore`` put.

        Raises
        ------
        slipway.ops.trouble.OperationError
            When AWS refuses; not when there is none.
        """
        try:
            patiently(
                lambda: self._scaling.delete_scheduled_action(
                    ServiceNamespace=SERVICE,
                    ResourceId=target.resource,
                    ScalableDimension=target.dimension,
                    ScheduledActionName=RESTORE,
                ),
                self._clock,
                what=f"delete the scheduled action {RESTORE} of {target.resource}",
            )
        except OperationError as error:
            # One that happens once may be gone when it has happened; the documentation does not say.
            if error.__cause__ is None or code(error.__cause__) != "ObjectNotFoundException":
                raise


def at(moment: datetime) -> str:
    """Write a moment as a schedule that happens once, in UTC."""
    return f"at({moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S})"


def once(schedule: str, timezone: str = "UTC") -> datetime | None:
    """When a schedule happens that happens once; ``None`` for others."""
    kind, _, inner = schedule.removesuffix(")").partition("(")
    return datetime.fromisoformat(inner).replace(tzinfo=ZoneInfo(timezone)) if kind == "at" else None


def declared(scaling: Scaling, target: Scalable, now: datetime) -> tuple[Limits, str]:
    """The limits that a config gives a target now, and what says so.

    Parameters
    ----------
    scaling
        As it is declared.
    target
        The target, with its scheduled actions.
    now
        AWS's time.

    Returns
    -------
    tuple of Limits and str
        Those of the scheduled action that happened last, else of the config.
    """
    usual = Limits(scaling.min, scaling.max)
    held = target.holding(now)
    if held is None:
        return usual, "as the config has it"
    at_, action = held
    return action.over(usual), f"as schedule {action.name} has it since {said(at_)}"


def said(moment: datetime) -> str:
    """A moment for a person."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _action(found: ScheduledActionTypeDef) -> Action:
    limits = found.get("ScalableTargetAction", {})
    return Action(
        found["ScheduledActionName"],
        found["Schedule"],
        found.get("Timezone") or "UTC",
        limits.get("MinCapacity"),
        limits.get("MaxCapacity"),
        found["CreationTime"],
    )
