"""What the old and the new fleet of an endpoint answered during an update, from CloudWatch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from slipway.ops.watch.snapshot import MINUTE, Requests

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

PERMISSION = "cloudwatch:GetMetricData"
#: Each whole endpoint's counts, those of its new fleet, and the old fleet's latency: CloudWatch counts by the endpoint
#: config only from a guarded update on, so the old fleet's counts are the difference.
_Side = Literal["all", "new", "old"]
_COUNTS = (
    "Invocations",
    "InvocationsProcessed",
    "Invocation4XXErrors",
    "Invocation5XXErrors",
    "InvocationModelErrors",
    "InvocationFailures",
)
_LATENCY = "ModelLatency"
_MICROSECONDS = 1e6

_Points = dict[int, float]


class Fleets(NamedTuple):
    """An update's fleets.

    Attributes
    ----------
    endpoint
        Full name of the endpoint.
    variants
        Names of its variants.
    old, new
        The endpoint configs.
    since
        When the update began.
    """

    endpoint: str
    variants: tuple[str, ...]
    old: str
    new: str
    since: datetime


def requests(cloudwatch: CloudWatchClient, fleets: Fleets, now: datetime) -> tuple[Requests, Requests]:
    """Add up what both fleets answered since the update began.

    Parameters
    ----------
    cloudwatch
        The client; takes cloudwatch:GetMetricData.
    fleets
        Which.
    now
        By AWS's clock.

    Returns
    -------
    tuple of Requests
        The new fleet's and the old one's.

    Raises
    ------
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        When CloudWatch does not answer.
    """
    start = fleets.since - timedelta(seconds=fleets.since.timestamp() % MINUTE)
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=list(_queries(fleets)),
        StartTime=start,
        EndTime=max(now, start) + timedelta(seconds=MINUTE),
        ScanBy="TimestampAscending",
    )
    found: dict[str, _Points] = {}
    for one in (one for page in pages for one in page["MetricDataResults"]):
        points = found.setdefault(one["Id"].split("_")[0], {})
        latency = one["Id"].split("_")[0].endswith(_LATENCY)
        for at, value in zip(one["Timestamps"], one["Values"], strict=False):
            minute = round(at.timestamp())
            # Of several variants the slowest, and the sum of their counts.
            points[minute] = max(points.get(minute, 0.0), value) if latency else points.get(minute, 0.0) + value
    return _new(found), _old(found)


def _queries(fleets: Fleets) -> Iterator[MetricDataQueryTypeDef]:
    wanted: Mapping[_Side, Sequence[str]] = {"all": _COUNTS, "new": (*_COUNTS, _LATENCY), "old": (_LATENCY,)}
    configs: Mapping[_Side, str] = {"all": "", "new": fleets.new, "old": fleets.old}
    for number, variant in enumerate(fleets.variants):
        for side, metrics in wanted.items():
            dimensions = {"EndpointName": fleets.endpoint, "VariantName": variant}
            if configs[side]:
                dimensions["EndpointConfigName"] = configs[side]
            for metric in metrics:
                yield {
                    "Id": f"{side}{metric}_{number}",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "AWS/SageMaker",
                            "MetricName": metric,
                            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                        },
                        "Period": MINUTE,
                        "Stat": "p95" if metric == _LATENCY else "Sum",
                    },
                }


def _new(found: Mapping[str, _Points]) -> Requests:
    return _made({name: found.get(f"new{name}", {}) for name in (*_COUNTS, _LATENCY)})


def _old(found: Mapping[str, _Points]) -> Requests:
    """The whole endpoint's, less the new fleet's."""
    left = {
        name: {
            minute: max(0.0, count - found.get(f"new{name}", {}).get(minute, 0.0))
            for minute, count in found.get(f"all{name}", {}).items()
        }
        for name in _COUNTS
    }
    return _made({**left, _LATENCY: found.get(f"old{_LATENCY}", {})})


def _made(found: Mapping[str, _Points]) -> Requests:
    total = {name: sum(found[name].values()) for name in _COUNTS}
    asked = found["Invocations"] if total["Invocations"] else found["InvocationsProcessed"]
    latency = found[_LATENCY]
    return Requests(
        sum(asked.values()),
        total["Invocation4XXErrors"],
        total["Invocation5XXErrors"],
        total["InvocationModelErrors"],
        total["InvocationFailures"],
        latency[max(latency)] / _MICROSECONDS if latency else None,
        {minute: count for minute, count in asked.items() if count},
    )
