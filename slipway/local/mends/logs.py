"""Log events become metrics: those in the embedded metric format, and those that a metric filter counts.

moto stores log events and metric filters, and nothing comes of either.
"""

from collections.abc import Callable

from moto.logs.models import LogsBackend

from slipway.local.engine.documents import Document, Json
from slipway.local.mends import cloudwatch
from slipway.local.mends.answers import ApiError
from slipway.local.mends.patching import replace
from slipway.local.metrics.embedded import embedded
from slipway.local.metrics.filters import Pattern, UnsupportedPatternError
from slipway.rollout.series import SeriesKey


def apply() -> None:
    """Install the mends."""
    replace(
        LogsBackend,
        put_log_events=_measuring(LogsBackend.put_log_events),
        put_metric_filter=_replacing(LogsBackend.put_metric_filter),
    )


def _measuring(original: Callable[..., Json]) -> Callable[..., Json]:
    def put_log_events(
        self: LogsBackend, log_group_name: str, log_stream_name: str, log_events: list[Document]
    ) -> Json:
        """Take the metrics out of what is stored."""
        answer = original(self, log_group_name, log_stream_name, log_events)
        series = cloudwatch.store(self.account_id, self.region_name)
        filters = self.filters.get_matching_filters(log_group_name=log_group_name)
        for event in log_events:
            for metric in embedded(event["message"]):
                series.put(metric.key, _counted(metric.values), at=metric.at, unit=metric.unit)
            for one in filters:
                if Pattern.read(one["filterPattern"]).matches(event["message"]):
                    _count(self, one["metricTransformations"], event["timestamp"] / 1000)
        return answer

    return put_log_events


def _counted(values: tuple[float, ...]) -> dict[float, float]:
    return {value: float(values.count(value)) for value in values}


def _count(self: LogsBackend, transformations: list[Document], at: float) -> None:
    for wanted in transformations:
        key = SeriesKey.of(wanted["metricNamespace"], wanted["metricName"], [])
        unit = wanted.get("unit") or "None"
        cloudwatch.store(self.account_id, self.region_name).put(
            key, {float(wanted["metricValue"]): 1.0}, at=at, unit=unit
        )


def _replacing(original: Callable[..., None]) -> Callable[..., None]:
    def put_metric_filter(
        self: LogsBackend,
        filter_name: str,
        filter_pattern: str,
        log_group_name: str,
        metric_transformations: list[Document],
    ) -> None:
        """Refuse what would never count, and replace a filter of the same name, of which moto keeps both."""
        try:
            Pattern.read(filter_pattern)
            for wanted in metric_transformations:
                float(wanted["metricValue"])
        except UnsupportedPatternError as error:
            raise ApiError("InvalidParameterException", str(error)) from error
        except ValueError as error:
            raise ApiError(
                "InvalidParameterException", "The local AWS counts with numbers only: write a metricValue such as 1."
            ) from error
        if log_group_name not in self.groups:
            raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
        self.filters.delete_filter(filter_name, log_group_name)
        original(self, filter_name, filter_pattern, log_group_name, metric_transformations)

    return put_metric_filter
