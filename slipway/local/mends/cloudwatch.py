"""CloudWatch metrics, on the project's own series.

moto sums metrics of the same name over namespaces, finds none whose dimensions come in another
order, fails on percentiles, has no metric math to speak of, and takes a minute to list a few
thousand metrics.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache

from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from slipway.local.engine.documents import Document, Json
from slipway.local.mends.answers import ApiError
from slipway.local.mends.patching import replace
from slipway.local.metrics import queries
from slipway.local.metrics.series import SeriesStore
from slipway.rollout.expressions import ExpressionError
from slipway.rollout.queries import Query
from slipway.rollout.series import SeriesKey, UnsupportedStatisticError

_PAGE = 500
_MAX_QUERIES = 500


def apply() -> None:
    """Install the mends."""
    replace(CloudWatchBackend, put_metric_data=put_metric_data)
    replace(
        CloudWatchResponse,
        get_metric_data=get_metric_data,
        get_metric_statistics=get_metric_statistics,
        list_metrics=list_metrics,
    )


@cache
def store(account: str, region: str) -> SeriesStore:  # noqa: ARG001 - the key of the cache
    """Return the metrics of an account and Region."""
    return SeriesStore()


def key_of(namespace: str, name: str, dimensions: Iterable[Document] | None) -> SeriesKey:
    """Return the key of a metric, from the API's dimensions."""
    return SeriesKey.of(namespace, name, [(d["Name"], d["Value"]) for d in dimensions or ()])


def _seconds(time_: datetime) -> float:
    return time_.timestamp() if time_.tzinfo else time_.replace(tzinfo=UTC).timestamp()


def _datetime(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# -- metrics


def put_metric_data(self: CloudWatchBackend, namespace: str, metric_data: list[Json]) -> None:
    """Aggregate by the minute."""
    for number, metric in enumerate(metric_data):
        self._validate_parameters_put_metric_data(metric, number + 1)
    series = store(self.account_id, self.region_name)
    for metric in metric_data:
        key = key_of(namespace, metric["MetricName"], metric.get("Dimensions"))
        given = metric.get("Timestamp")
        at, unit = (_seconds(given) if given else None), metric.get("Unit") or "None"
        if metric.get("StatisticValues"):
            known = metric["StatisticValues"]
            members = ("Sum", "SampleCount", "Minimum", "Maximum")
            total, count, minimum, maximum = (float(known[member]) for member in members)
            series.put_set(key, (total, count, minimum, maximum), at=at, unit=unit)
            continue
        values = [float(value) for value in metric.get("Values") or [metric.get("Value", 0.0)]]
        counts = [float(count) for count in metric.get("Counts") or [1.0] * len(values)]
        for value, count in zip(values, counts, strict=True):
            series.put(key, {value: count}, at=at, unit=unit)


def query_of(given: Document) -> Query:
    """Return a query of the API as one of ours."""
    returned = str(given.get("ReturnData", True)).lower() != "false"
    label = given.get("Label")
    if given.get("MetricStat"):
        wanted = given["MetricStat"]
        metric = wanted["Metric"]
        return Query(
            id=given["Id"],
            period=int(wanted["Period"]),
            returned=returned,
            label=label,
            metric=key_of(metric["Namespace"], metric["MetricName"], metric.get("Dimensions")),
            statistic=wanted["Stat"],
        )
    return Query(
        id=given["Id"],
        period=int(given.get("Period") or 0),
        returned=returned,
        label=label,
        expression=given.get("Expression") or "",
    )


def run(series: SeriesStore, wanted: Sequence[Query], start: float, end: float) -> dict[str, dict[int, float]]:
    """Run queries; what is wrong with one becomes an error of the API."""
    try:
        return queries.run(series, wanted, start, end)
    except (ExpressionError, UnsupportedStatisticError) as error:
        raise ApiError("ValidationError", str(error)) from error


def get_metric_data(self: CloudWatchResponse) -> ActionResult:
    """GetMetricData, with percentiles and metric math."""
    given = self._get_param("MetricDataQueries") or []
    start, end = _seconds(self._get_param("StartTime")), _seconds(self._get_param("EndTime"))
    if start >= end:
        raise ApiError("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
    if len(given) > _MAX_QUERIES:
        raise ApiError(
            "ValidationError",
            f"The collection MetricDataQueries must not have a size greater than {_MAX_QUERIES}.",
        )
    wanted = [query_of(query) for query in given]
    found = run(store(self.current_account, self.region), wanted, start, end)
    newest_first = self._get_param("ScanBy") != "TimestampAscending"
    results = []
    for query in wanted:
        if not query.returned:
            continue
        points = sorted(found[query.id].items(), reverse=newest_first)
        results.append(
            {
                "Id": query.id,
                "Label": query.label or (query.metric.name if query.metric else query.id),
                "Timestamps": [_datetime(at) for at, _ in points],
                "Values": [value for _, value in points],
                "StatusCode": "Complete",
            }
        )
    return ActionResult({"MetricDataResults": results, "Messages": []})


def get_metric_statistics(self: CloudWatchResponse) -> ActionResult:
    """GetMetricStatistics, with percentiles."""
    statistics = self._get_param("Statistics") or []
    percentiles = self._get_param("ExtendedStatistics") or []
    if not statistics and not percentiles:
        raise ApiError("InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics")
    start, end = _seconds(self._get_param("StartTime")), _seconds(self._get_param("EndTime"))
    if start >= end:
        raise ApiError(
            "InvalidParameterValue",
            "The parameter StartTime must be less than the parameter EndTime.",
        )
    name, period = self._get_param("MetricName"), int(self._get_param("Period"))
    key = key_of(self._get_param("Namespace"), name, self._get_param("Dimensions"))
    series = store(self.current_account, self.region)
    points: dict[int, Document] = {}
    for statistic in [*statistics, *percentiles]:
        try:
            found = series.points(key, start, end, period, statistic)
        except UnsupportedStatisticError as error:
            raise ApiError("InvalidParameterValue", str(error)) from error
        for at, value in found.items():
            point = points.setdefault(at, {"Timestamp": _datetime(at), "Unit": series.unit(key)})
            if statistic in statistics:
                point[statistic] = value
            else:
                point.setdefault("ExtendedStatistics", {})[statistic] = value
    return ActionResult({"Label": name, "Datapoints": [points[at] for at in sorted(points)]})


def list_metrics(self: CloudWatchResponse) -> ActionResult:
    """ListMetrics, each metric once."""
    filters = [(d["Name"], d.get("Value")) for d in self._get_param("Dimensions") or []]
    found = store(self.current_account, self.region).keys(
        self._get_param("Namespace"), self._get_param("MetricName"), filters
    )
    start = int(self._get_param("NextToken") or 0)
    end = start + _PAGE
    metrics = [
        {
            "Namespace": key.namespace,
            "MetricName": key.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in key.dimensions],
        }
        for key in found[start:end]
    ]
    return ActionResult({"Metrics": metrics, "NextToken": str(end) if len(found) > end else None})
