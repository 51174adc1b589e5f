"""Rollback alarms during an update: the states they are in, and when they went off."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from slipway.ops.watch.snapshot import ALARM, AlarmSeen, Trip

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import AlarmHistoryItemTypeDef

#: Permissions that ``states`` and ``trips`` need.
STATES, HISTORY = "cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"
#: Without these, CloudWatch speaks of metric alarms only.
_TYPES: tuple[Literal["MetricAlarm", "CompositeAlarm"], ...] = ("MetricAlarm", "CompositeAlarm")


def names_of(deployment: Mapping[str, object]) -> tuple[str, ...]:
    """The alarms that a DeploymentConfig names, also one that is not understood otherwise."""
    rollback = deployment.get("AutoRollbackConfiguration")
    listed = rollback.get("Alarms") if isinstance(rollback, Mapping) else None
    return tuple(str(one["AlarmName"]) for one in listed or () if "AlarmName" in one)


def states(cloudwatch: CloudWatchClient, names: Sequence[str]) -> tuple[AlarmSeen, ...]:
    """Ask for the states of alarms.

    Parameters
    ----------
    cloudwatch
        The client.
    names
        Theirs.

    Returns
    -------
    tuple of AlarmSeen
        In the order of the names; those that do not exist as well.

    Raises
    ------
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        When CloudWatch does not answer.
    """
    if not names:
        return ()
    found: dict[str, AlarmSeen] = {}
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNames=names, AlarmTypes=_TYPES)
    for page in pages:
        for one in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())):
            since = one.get("StateTransitionedTimestamp") or one.get("StateUpdatedTimestamp")
            found[one["AlarmName"]] = AlarmSeen(one["AlarmName"], one["StateValue"], one.get("StateReason", ""), since)
    return tuple(found.get(name, AlarmSeen(name, "missing")) for name in names)


def trips(
    cloudwatch: CloudWatchClient, present: Sequence[AlarmSeen], since: datetime, now: datetime
) -> tuple[Trip, ...]:
    """Ask when alarms went off.

    Parameters
    ----------
    cloudwatch
        The client.
    present
        The alarms as they are now.
    since, now
        In which time, by AWS's clock.

    Returns
    -------
    tuple of Trip
        In the order of time.

    Raises
    ------
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        When CloudWatch does not answer.
    """
    found = (trip for alarm in present for trip in _of(cloudwatch, alarm, since, now))
    return tuple(sorted(found, key=lambda trip: trip.at))


def _of(cloudwatch: CloudWatchClient, alarm: AlarmSeen, since: datetime, now: datetime) -> Iterator[Trip]:
    pages = cloudwatch.get_paginator("describe_alarm_history").paginate(
        AlarmName=alarm.name, AlarmTypes=_TYPES, HistoryItemType="StateUpdate", StartDate=since, EndDate=now
    )
    for one in (one for page in pages for one in page["AlarmHistoryItems"]):
        state, reason = _updated(one)
        if state == ALARM and one["Timestamp"] >= since:
            yield Trip(
                alarm.name, one["Timestamp"], reason or (alarm.reason if alarm.since == one["Timestamp"] else "")
            )


def _updated(one: AlarmHistoryItemTypeDef) -> tuple[str, str]:
    """The state that an alarm got, and why."""
    try:
        new = json.loads(one.get("HistoryData", ""))["newState"]
        return str(new["stateValue"]), str(new.get("stateReason", ""))
    except (ValueError, KeyError, TypeError):
        return one.get("HistorySummary", "").rsplit(" ", 1)[-1], ""
