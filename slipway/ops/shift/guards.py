"""What watches variants while their traffic changes: their alarms, and whether requests come at all."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from slipway.ops.live import Live, same_config

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDataQueryTypeDef

    from slipway.spec.scaling import Mode

FIRING = "ALARM"
#: These tell autoscaling that load came, which is what a shift is about.
_OF_AUTOSCALING = "scaling-"
#: An alarm on the number of requests trips when more of them come, which is what a shift does.
_OF_REQUESTS = "Invocations"
_NAMESPACE = "AWS/SageMaker"
#: Asynchronous endpoints publish no Invocations (Developer Guide, "Monitoring asynchronous inference requests"); the
#: guide spells the metric in both ways.
_REQUESTS: Mapping[Mode, tuple[str, ...]] = {
    "instances": ("Invocations",),
    "serverless": ("Invocations",),
    "asynchronous": ("InvocationsProcessed", "InvocationsProcesssed"),
    "components": ("Invocations",),
}
_PERIOD = 60


@dataclass(frozen=True, slots=True)
class Guard:
    """An alarm that says whether variants are well.

    Attributes
    ----------
    name
        As CloudWatch has it.
    firing
        Whether it is in ALARM.
    reason
        Why it has its state, in CloudWatch's words.
    needs
        Seconds of bad data until it trips; none known of a composite alarm.
    """

    name: str
    firing: bool
    reason: str
    needs: float | None


def guards(cloudwatch: CloudWatchClient, live: Live, variants: Collection[str]) -> list[Guard]:
    """Find the alarms that watch some variants of an endpoint.

    Those are its own operating and rollback alarms with the variants' dimensions, those of the endpoint as a whole, and
    whatever else ends an update of it. Left out are alarms on the number of requests and on what autoscaling looks
    at, since both follow the traffic, and rollback alarms of an endpoint config that does not serve.

    Parameters
    ----------
    cloudwatch
        The client; takes cloudwatch:DescribeAlarms.
    live
        The endpoint as it is.
    variants
        Names of variants.

    Returns
    -------
    list of Guard
        By name.
    """
    prefix = f"{live.name}-"
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    own = (alarm for page in pages for alarm in page["MetricAlarms"])
    found = [_guard(alarm) for alarm in own if _watches(alarm, live, variants)]
    further = [name for name in _ending_updates(live) if not name.startswith(prefix)]
    if further:
        answer = cloudwatch.describe_alarms(AlarmNames=further, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        found += [_guard(alarm) for alarm in (*answer["MetricAlarms"], *answer["CompositeAlarms"])]
    return sorted(found, key=lambda guard: guard.name)


def _watches(alarm: Mapping[str, Any], live: Live, variants: Collection[str]) -> bool:
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm.get("Dimensions", ())}
    if alarm.get("MetricName") == _OF_REQUESTS or alarm["AlarmName"].startswith(f"{live.name}-{_OF_AUTOSCALING}"):
        return False
    # The prefix of its name alone would also find those of an endpoint whose name goes on.
    if dimensions.get("EndpointName") != live.name or not same_config(
        dimensions.get("EndpointConfigName", live.config), live.config
    ):
        return False
    return "VariantName" not in dimensions or dimensions["VariantName"] in variants


def _ending_updates(live: Live) -> Iterator[str]:
    for alarm in live.deployment.get("AutoRollbackConfiguration", {}).get("Alarms", ()):
        yield alarm["AlarmName"]


def _guard(alarm: Mapping[str, Any]) -> Guard:
    needs = alarm["Period"] * alarm["EvaluationPeriods"] if "Period" in alarm and "EvaluationPeriods" in alarm else None
    return Guard(alarm["AlarmName"], alarm.get("StateValue") == FIRING, alarm.get("StateReason", ""), needs)


def requests_seen(
    cloudwatch: CloudWatchClient, endpoint: str, variant: str, mode: Mode, since: datetime, until: datetime
) -> int:
    """Count the requests that a variant answered.

    Parameters
    ----------
    cloudwatch
        The client; takes cloudwatch:GetMetricData.
    endpoint, variant
        Full name of the endpoint, and the variant's.
    mode
        How it is hosted.
    since, until
        The span, which is counted by whole minutes. The latest ones may not be published yet.

    Returns
    -------
    int
        How many.
    """
    dimensions: list[DimensionTypeDef] = [
        {"Name": "EndpointName", "Value": endpoint},
        {"Name": "VariantName", "Value": variant},
    ]
    queries: list[MetricDataQueryTypeDef] = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {"Namespace": _NAMESPACE, "MetricName": metric, "Dimensions": dimensions},
                "Period": _PERIOD,
                "Stat": "Sum",
            },
        }
        for number, metric in enumerate(_REQUESTS[mode])
    ]
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries,
        StartTime=since.replace(second=0, microsecond=0),
        EndTime=until + timedelta(seconds=1),
    )
    return round(math.fsum(value for page in pages for one in page["MetricDataResults"] for value in one["Values"]))
