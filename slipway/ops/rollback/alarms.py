"""Temporary alarms that guard a rollback: copies of the stack's rollback alarms that watch the config gone back to.

The stack's own ones watch the config that is bad: they are in ALARM, and would end the update that brings the cure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from slipway.ops.trouble import is_denied

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import TagTypeDef

#: Tells the new fleet of an update from the old one.
DIMENSION = "EndpointConfigName"
#: API:AlarmName.
LONGEST_NAME = 255
#: Marks them for whoever finds one.
TEMPORARY = "slipway:temporary"
#: What is copied as it is; actions are not.
_COPIED = (
    "Namespace",
    "MetricName",
    "Statistic",
    "ExtendedStatistic",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "EvaluateLowSampleCountPercentile",
)
#: DescribeAlarms and DeleteAlarms take a hundred names.
_PAGE = 100


@dataclass(frozen=True, slots=True)
class TemporaryAlarm:
    """An alarm to be made.

    Attributes
    ----------
    name
        Its name.
    like
        The alarm that it copies.
    settings
        For PutMetricAlarm, tags aside.
    """

    name: str
    like: str
    settings: Mapping[str, Any]


def described(cloudwatch: CloudWatchClient, names: Sequence[str]) -> list[Mapping[str, Any]]:
    """Describe metric alarms by name.

    Parameters
    ----------
    cloudwatch
        The client.
    names
        Of alarms.

    Returns
    -------
    list of Mapping
        Those that exist and watch metrics, in the order of the names.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(names), _PAGE):
        answer = cloudwatch.describe_alarms(
            AlarmNames=list(names[start : start + _PAGE]), AlarmTypes=["MetricAlarm"], MaxRecords=_PAGE
        )
        found |= {alarm["AlarmName"]: alarm for alarm in answer["MetricAlarms"]}
    return [found[name] for name in names if name in found]


def copies(
    originals: Iterable[Mapping[str, Any]], endpoint: str, config: str, token: str, *, remedy: str
) -> list[TemporaryAlarm]:
    """Declare copies of rollback alarms that watch another config.

    Parameters
    ----------
    originals
        As DescribeAlarms has them. Those without the dimension EndpointConfigName watch more than the new fleet, such
        as an alarm of somebody's own; they are left out.
    endpoint
        The endpoint's full name, with which the names begin, so that the deployer's and the endpoint's roles reach
        them.
    config
        The config to watch, in the case that it was created in.
    token
        Tells these from those of another rollback; eight hexadecimal digits.
    remedy
        The command that removes one that was left, for its description.

    Returns
    -------
    list of TemporaryAlarm
        In the same order.
    """
    made: list[TemporaryAlarm] = []
    for alarm in originals:
        dimensions = {one["Name"]: one["Value"] for one in alarm.get("Dimensions", ())}
        if DIMENSION not in dimensions:
            continue
        rest = alarm["AlarmName"].removeprefix(f"{endpoint}-").removeprefix("rollback-")
        name = f"{endpoint}-rollback-{token}-{rest}"
        if len(name) > LONGEST_NAME:
            name = f"{name[: LONGEST_NAME - 3]}-{len(made):02}"
        settings: dict[str, Any] = {
            "AlarmName": name,
            "AlarmDescription": f"Temporary, like {alarm['AlarmName']}: guards a rollback to {config}. "
            f"If it is left: {remedy}",
            **{key: alarm[key] for key in _COPIED if key in alarm},
            "Dimensions": [{"Name": key, "Value": value} for key, value in (dimensions | {DIMENSION: config}).items()],
            # No traffic is no fault, whatever the original says.
            "TreatMissingData": "notBreaching",
            "ActionsEnabled": False,
        }
        made.append(TemporaryAlarm(name, alarm["AlarmName"], settings))
    return made


def unguarded(
    names: Iterable[str], originals: Iterable[Mapping[str, Any]], made: Iterable[TemporaryAlarm]
) -> Iterator[str]:
    """Say which rollback alarms have no copy, and why.

    Parameters
    ----------
    names
        All that the stack declares.
    originals
        Those that exist.
    made
        The copies.

    Yields
    ------
    str
        A sentence each.
    """
    there, copied = {alarm["AlarmName"] for alarm in originals}, {alarm.like for alarm in made}
    for name in names:
        if name not in there:
            yield f"the rollback alarm {name} is no metric alarm that exists, so none stands for it"
        elif name not in copied:
            yield (
                f"{name} watches more than the new fleet, and may be in ALARM because of what serves now: it does not "
                "guard this"
            )
    if not copied:
        yield "no alarm guards this: watch it, since nothing ends it early"


def create(cloudwatch: CloudWatchClient, alarms: Iterable[TemporaryAlarm], tags: Mapping[str, str]) -> bool:
    """Make the alarms.

    Parameters
    ----------
    cloudwatch
        The client; takes cloudwatch:PutMetricAlarm, and cloudwatch:TagResource for the tags.
    alarms
        From ``copies``.
    tags
        Of each.

    Returns
    -------
    bool
        Whether they have their tags: whoever may not tag gets alarms without.
    """
    tagged = True
    listed: list[TagTypeDef] = [{"Key": key, "Value": value} for key, value in {**tags, TEMPORARY: "rollback"}.items()]
    for alarm in alarms:
        if tagged:
            try:
                cloudwatch.put_metric_alarm(**alarm.settings, Tags=listed)
            except ClientError as error:
                if not is_denied(error):
                    raise
                tagged = False
        if not tagged:
            cloudwatch.put_metric_alarm(**alarm.settings)
    return tagged


def remove(cloudwatch: CloudWatchClient, names: Sequence[str]) -> list[str]:
    """Delete alarms.

    Parameters
    ----------
    cloudwatch
        The client; takes cloudwatch:DescribeAlarms and DeleteAlarms.
    names
        Of alarms that may or may not exist: one that does not would fail the deletion of all.

    Returns
    -------
    list of str
        Those that there were.
    """
    there = [alarm["AlarmName"] for alarm in described(cloudwatch, names)]
    for start in range(0, len(there), _PAGE):
        cloudwatch.delete_alarms(AlarmNames=there[start : start + _PAGE])
    return there


def leftovers(cloudwatch: CloudWatchClient, endpoint: str) -> list[str]:
    """Find the temporary alarms of an endpoint that are there.

    Parameters
    ----------
    cloudwatch
        The client.
    endpoint
        The endpoint's full name.

    Returns
    -------
    list of str
        Their names, sorted.
    """
    prefix = f"{endpoint}-rollback-"
    ours = re.compile(re.escape(prefix) + r"[0-9a-f]{8}-.+")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"])
    return sorted(
        alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"] if ours.fullmatch(alarm["AlarmName"])
    )
