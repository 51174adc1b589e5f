"""What Application Auto Scaling has done, and what it could not do; moto has no such record."""

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.core.responses import ActionResult

from slipway.local.autoscaling.decision import Limits, Reason
from slipway.local.engine.documents import Document
from slipway.local.mends.scaled_resources import Scaled

# "from the previous six weeks"
_KEPT_SECONDS = 6 * 7 * 86400.0
_PAGE = 50


@dataclass
class Activity:
    """A scaling activity; times are in seconds since the epoch.

    Attributes
    ----------
    capacity
        What is to be reached; None for what changes the limits alone.
    status, message
        StatusCode and StatusMessage.
    reason
        Why nothing was scaled; such activities are told of only when a request asks for them.
    """

    scaled: Scaled
    description: str
    cause: str
    started: float
    capacity: int | None = None
    ended: float | None = None
    status: str = "InProgress"
    message: str = ""
    reason: Document | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def described(self) -> Document:
        """What DescribeScalingActivities answers."""
        found = {
            "ActivityId": self.id,
            "ServiceNamespace": self.scaled.dimension.partition(":")[0],
            "ResourceId": self.scaled.resource,
            "ScalableDimension": self.scaled.dimension,
            "Description": self.description,
            "Cause": self.cause,
            "StartTime": self.started,
            "EndTime": self.ended,
            "StatusCode": self.status,
            "StatusMessage": self.message or None,
            "NotScaledReasons": [self.reason] if self.reason else None,
        }
        return {key: value for key, value in found.items() if value is not None}


class Activities:
    """All of them, the oldest first."""

    def __init__(self) -> None:
        self._all: list[Activity] = []

    def add(self, activity: Activity) -> Activity:
        """Take note of one, and forget what is too old."""
        oldest = activity.started - _KEPT_SECONDS
        self._all = [*(one for one in self._all if one.started >= oldest), activity]
        return activity

    def not_scaled(
        self, scaled: Scaled, cause: str, reason: Reason, *, limits: Limits, capacity: int, now: float
    ) -> None:
        """Take note that nothing was scaled, once until something else happens to the target."""
        members = {
            Reason.AT_MAXIMUM: {"MaxCapacity": limits.maximum},
            Reason.AT_MINIMUM: {"MinCapacity": limits.minimum},
            Reason.AT_DESIRED: {"CurrentCapacity": capacity},
        }
        described = {"Code": reason.value, **members.get(reason, {})}
        last = next((one for one in reversed(self._all) if one.scaled == scaled), None)
        if last is None or (last.reason, last.cause) != (described, cause):
            text = "Attempting to scale due to alarm triggered"
            self.add(Activity(scaled, text, cause, now, ended=now, status="Failed", reason=described))

    def open(self) -> list[Activity]:
        """Return those whose capacity is not reached yet."""
        return [one for one in self._all if one.status == "InProgress"]

    def of(self, account: str, region: str) -> Iterable[Activity]:
        """Return those of an account and Region, the newest first."""
        return [one for one in reversed(self._all) if (one.scaled.account, one.scaled.region) == (account, region)]


ACTIVITIES = Activities()


def describe_scaling_activities(self: ApplicationAutoScalingResponse) -> ActionResult:
    """DescribeScalingActivities, in pages."""
    resource, dimension = self._get_param("ResourceId"), self._get_param("ScalableDimension")
    oldest = time.time() - _KEPT_SECONDS
    chosen = [
        one.described
        for one in ACTIVITIES.of(self.current_account, self.region)
        if one.started >= oldest
        and one.scaled.dimension.startswith(f"{self._get_param('ServiceNamespace')}:")
        and resource in (None, one.scaled.resource)
        and dimension in (None, one.scaled.dimension)
        and (one.reason is None or self._get_param("IncludeNotScaledActivities"))
    ]
    start = int(self._get_param("NextToken") or 0)
    end = start + int(self._get_param("MaxResults") or _PAGE)
    return ActionResult({"ScalingActivities": chosen[start:end], "NextToken": str(end) if len(chosen) > end else None})
