"""CloudWatch on the project's own series and alarm states.

moto sums metrics of the same name over namespaces, finds none whose dimensions come in another
order, fails on percentiles, has no metric math to speak of, takes a minute to list a few thousand
metrics, and never evaluates an alarm.
"""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise

from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from slipway.local.engine.documents import Document, Json
from slipway.local.mends.answers import ApiError
from slipway.local.mends.patching import add, replace
from slipway.local.metrics import alarms, queries
from slipway.local.metrics.expressions import ExpressionError
from slipway.local.metrics.series import SeriesKey, SeriesStore, UnsupportedStatisticError

_PAGE = 500
_ALARMS_PAGE = 50
_MAX_QUERIES = 500
# SetAlarmState lasts until the next evaluation, which the service makes about once a minute.
_HELD_SECONDS = 60.0


def apply() -> None:
    """Install the mends."""
    # moto's PutMetricAlarm takes an AlarmRule as well, but nothing leads PutCompositeAlarm to it.
    composite = _keeping_request(CloudWatchResponse.put_metric_alarm)
    replace(
        CloudWatchBackend,
        put_metric_data=put_metric_data,
        put_metric_alarm=_keeping_state(CloudWatchBackend.put_metric_alarm),
        set_alarm_state=_holding(CloudWatchBackend.set_alarm_state),
    )
    replace(
        CloudWatchResponse,
        put_metric_alarm=_keeping_request(CloudWatchResponse.put_metric_alarm),
        get_metric_data=get_metric_data,
        get_metric_statistics=get_metric_statistics,
        list_metrics=list_metrics,
        describe_alarms=describe_alarms,
        describe_alarms_for_metric=describe_alarms_for_metric,
    )
    add(
        CloudWatchResponse,
        put_composite_alarm=composite,
        describe_alarm_history=describe_alarm_history,
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


def _query(given: Document) -> queries.Query:
    returned = str(given.get("ReturnData", True)).lower() != "false"
    label = given.get("Label")
    if given.get("MetricStat"):
        wanted = given["MetricStat"]
        metric = wanted["Metric"]
        return queries.Query(
            id=given["Id"],
            period=int(wanted["Period"]),
            returned=returned,
            label=label,
            metric=key_of(metric["Namespace"], metric["MetricName"], metric.get("Dimensions")),
            statistic=wanted["Stat"],
        )
    return queries.Query(
        id=given["Id"],
        period=int(given.get("Period") or 0),
        returned=returned,
        label=label,
        expression=given.get("Expression") or "",
    )


def _run(
    series: SeriesStore, wanted: Sequence[queries.Query], start: float, end: float
) -> dict[str, dict[int, float]]:
    try:
        return queries.run(series, wanted, start, end)
    except (ExpressionError, UnsupportedStatisticError) as error:
        raise ApiError("ValidationError", str(error)) from error


def get_metric_data(self: CloudWatchResponse) -> ActionResult:
    """GetMetricData, with percentiles and metric math."""
    given = self._get_param("MetricDataQueries") or []
    start, end = _seconds(self._get_param("StartTime")), _seconds(self._get_param("EndTime"))
    if start >= end:
        raise ApiError(
            "ValidationError", "The parameter StartTime must be less than the parameter EndTime."
        )
    if len(given) > _MAX_QUERIES:
        raise ApiError(
            "ValidationError",
            f"The collection MetricDataQueries must not have a size greater than {_MAX_QUERIES}.",
        )
    wanted = [_query(query) for query in given]
    found = _run(store(self.current_account, self.region), wanted, start, end)
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
        raise ApiError(
            "InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics"
        )
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


# -- alarms


def _keeping_state(original: Callable[..., Alarm]) -> Callable[..., Alarm]:
    def put_metric_alarm(self: CloudWatchBackend, name: str, **settings: Json) -> Alarm:
        """Keep the state of an alarm that exists; new ones know nothing. moto says OK to both."""
        before = self.alarms.get(name)
        alarm = original(self, name=name, **settings)
        alarm.state_value = alarms.INSUFFICIENT_DATA
        if before is not None:
            for member in ("state_value", "state_reason", "state_updated_timestamp", "history"):
                setattr(alarm, member, getattr(before, member))
            alarm.held_until = getattr(before, "held_until", 0.0)  # type: ignore[attr-defined]
        return alarm

    return put_metric_alarm


def _keeping_request(
    original: Callable[[CloudWatchResponse], ActionResult],
) -> Callable[[CloudWatchResponse], ActionResult]:
    def put(self: CloudWatchResponse) -> ActionResult:
        """Keep the whole request: moto's answers lack members, the metrics of a math alarm say."""
        answer = original(self)
        alarm = self.cloudwatch_backend.alarms[self._get_param("AlarmName")]
        alarm.request = {  # type: ignore[attr-defined]
            key: value for key, value in dict(self._get_params()).items() if key != "Tags"
        }
        return answer

    return put


def _holding(original: Callable[..., None]) -> Callable[..., None]:
    def set_alarm_state(
        self: CloudWatchBackend, alarm_name: str, reason: str, reason_data: str, state_value: str
    ) -> None:
        """Let a state that was set by hand stand until the next evaluation would be."""
        original(self, alarm_name, reason, reason_data, state_value)
        self.alarms[alarm_name].held_until = time.time() + _HELD_SECONDS  # type: ignore[attr-defined]

    return set_alarm_state


def refresh(backend: CloudWatchBackend, chosen: Iterable[Alarm]) -> None:
    """Bring alarms' states up to date.

    Done when somebody asks, which answers the same as a timer would, without one.
    """
    for alarm in chosen:
        if getattr(alarm, "held_until", 0.0) > time.time():
            continue
        verdict = _verdict(backend, alarm)
        if verdict is not None and verdict.state != alarm.state_value:
            alarm.update_state(verdict.reason, "{}", verdict.state)


def _verdict(backend: CloudWatchBackend, alarm: Alarm) -> alarms.Verdict | None:
    request: Document = getattr(alarm, "request", {})
    if alarm.rule is not None:
        others = _named_in(backend, alarm.rule)
        refresh(backend, [other for other in others if other is not alarm])
        states = {name: o.state_value for o in others for name in (o.name, o.alarm_arn)}
        state = alarms.composite(alarm.rule, states)
        return alarms.Verdict(state, f"{alarm.rule} is {'true' if state == 'ALARM' else 'false'}")
    if request.get("ComparisonOperator") not in alarms.COMPARISONS:
        return None  # anomaly detection needs a model that is not here
    periods = int(request["EvaluationPeriods"])
    rule = alarms.Rule(
        comparison=request["ComparisonOperator"],
        threshold=float(request["Threshold"]),
        periods=periods,
        datapoints=int(request.get("DatapointsToAlarm") or periods),
        missing=request.get("TreatMissingData") or "missing",
    )
    wanted = _alarm_queries(request)
    period = max(max(query.period for query in wanted), 1)
    times = alarms.look_back(time.time(), period, periods)
    found = _run(
        store(backend.account_id, backend.region_name), wanted, times[0], times[-1] + period
    )
    returned = next(query.id for query in wanted if query.returned)
    return alarms.evaluate(rule, found[returned], times, alarm.state_value)


def _alarm_queries(request: Document) -> list[queries.Query]:
    if request.get("Metrics"):
        return [_query(query) for query in request["Metrics"]]
    return [
        queries.Query(
            id="m",
            period=int(request["Period"]),
            metric=key_of(request["Namespace"], request["MetricName"], request.get("Dimensions")),
            statistic=request.get("ExtendedStatistic") or request.get("Statistic") or "",
        )
    ]


def _named_in(backend: CloudWatchBackend, rule: str) -> list[Alarm]:
    words = set(re.findall(r"[^\s\"'()]+", rule))
    return [
        a for a in list(backend.alarms.values()) if {a.name, a.alarm_arn} & words or a.name in rule
    ]


def _described(alarm: Alarm) -> Document:
    return {
        **getattr(alarm, "request", {}),
        "ActionsEnabled": alarm.actions_enabled,
        "AlarmArn": alarm.alarm_arn,
        "AlarmConfigurationUpdatedTimestamp": alarm.configuration_updated_timestamp,
        "StateValue": alarm.state_value,
        "StateReason": alarm.state_reason,
        "StateReasonData": alarm.state_reason_data,
        "StateUpdatedTimestamp": alarm.state_updated_timestamp,
        "StateTransitionedTimestamp": alarm.state_updated_timestamp,
    }


def describe_alarms(self: CloudWatchResponse) -> ActionResult:
    """DescribeAlarms, evaluated and in pages."""
    backend = self.cloudwatch_backend
    names = self._get_param("AlarmNames") or sorted(backend.alarms)
    prefix = self._get_param("AlarmNamePrefix") or ""
    action = self._get_param("ActionPrefix")
    # Without AlarmTypes the service returns metric alarms only.
    types = self._get_param("AlarmTypes") or ["MetricAlarm"]
    chosen = [
        alarm
        for alarm in (backend.alarms[name] for name in names if name in backend.alarms)
        if alarm.name.startswith(prefix)
        and ("MetricAlarm" if alarm.rule is None else "CompositeAlarm") in types
        and (action is None or any(a.startswith(action) for a in alarm.alarm_actions))
    ]
    refresh(backend, chosen)
    state = self._get_param("StateValue")
    chosen = [alarm for alarm in chosen if state in (None, alarm.state_value)]
    start = int(self._get_param("NextToken") or 0)
    end = start + int(self._get_param("MaxRecords") or _ALARMS_PAGE)
    page = chosen[start:end]
    return ActionResult(
        {
            "MetricAlarms": [_described(a) for a in page if a.rule is None],
            "CompositeAlarms": [_described(a) for a in page if a.rule is not None],
            "NextToken": str(end) if len(chosen) > end else None,
        }
    )


def describe_alarms_for_metric(self: CloudWatchResponse) -> ActionResult:
    """DescribeAlarmsForMetric, of the exact metric."""
    backend = self.cloudwatch_backend
    key = key_of(
        self._get_param("Namespace"), self._get_param("MetricName"), self._get_param("Dimensions")
    )
    chosen = [
        alarm
        for alarm in list(backend.alarms.values())
        if alarm.rule is None
        and any(query.metric == key for query in _alarm_queries(getattr(alarm, "request", {})))
    ]
    refresh(backend, chosen)
    return ActionResult({"MetricAlarms": [_described(alarm) for alarm in chosen]})


def describe_alarm_history(self: CloudWatchResponse) -> ActionResult:
    """DescribeAlarmHistory, of state changes, which moto records and has no way to read."""
    backend, name = self.cloudwatch_backend, self._get_param("AlarmName")
    chosen = [a for a in list(backend.alarms.values()) if name in (None, a.name)]
    refresh(backend, chosen)
    items = []
    for alarm in chosen:
        states = [*alarm.history, (None, None, None, alarm.state_value, None)]
        for before, after in pairwise(states):
            items.append(
                {
                    "AlarmName": alarm.name,
                    "AlarmType": "MetricAlarm" if alarm.rule is None else "CompositeAlarm",
                    "Timestamp": after[4] or alarm.state_updated_timestamp,
                    "HistoryItemType": "StateUpdate",
                    "HistorySummary": f"Alarm updated from {before[3]} to {after[3]}",
                }
            )
    items.sort(key=lambda item: item["Timestamp"], reverse=True)
    return ActionResult({"AlarmHistoryItems": items})
