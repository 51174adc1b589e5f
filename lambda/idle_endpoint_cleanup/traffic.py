"""What is known of an endpoint's traffic: some, known none, or unknown. Only an answer in full is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from idle_endpoint_cleanup.inventory import Endpoint
from idle_endpoint_cleanup.run import AWS_ERRORS, Run

_NAMESPACE = "AWS/SageMaker"
_INVOCATIONS = "Invocations"
_PROCESSED = "InvocationsProcessed"
_BACKLOG = "ApproximateBacklogSize"
#: Asynchronous endpoints publish no Invocations. The guide spells the first one both ways; requests that fail or
#: expire were sent by somebody, too.
_ASYNCHRONOUS = (_PROCESSED, "InvocationsProcesssed", "InvocationFailures", "ExpiredRequests")
#: Series of one GetMetricData call.
_BATCH = 500
#: One-hour points keep the window sharp; for more days than this 500 series would exceed the 100,800 points of a call.
_HOURLY = timedelta(days=8)


class Traffic(Enum):
    """What is known."""

    NONE = "none"
    SOME = "some"
    UNKNOWN = "unknown"


@dataclass(frozen=True, order=True)
class Series:
    """A metric with its exact set of dimensions; any other set is another series."""

    metric: str
    dimensions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, metric: str, **dimensions: str) -> Series:
        """Name a series."""
        return cls(metric, tuple(sorted(dimensions.items())))


@dataclass(frozen=True)
class Listing:
    """The series that had data in the last two weeks, by endpoint in lower case, and by component."""

    endpoints: Mapping[str, set[Series]]
    components: Mapping[str, set[Series]]


def listed(run: Run) -> Listing:
    """List the series that had data in the last two weeks, 500 a page.

    Zeros count as data, and new series take up to a quarter of an hour to appear: a hint at whom to ask, no answer.
    """
    endpoints: dict[str, set[Series]] = defaultdict(set)
    components: dict[str, set[Series]] = defaultdict(set)
    paginator = run.aws.cloudwatch.get_paginator("list_metrics")
    for metric in (_INVOCATIONS, _PROCESSED):
        for page in paginator.paginate(Namespace=_NAMESPACE, MetricName=metric):
            for found in page["Metrics"]:
                dimensions = {dimension["Name"]: dimension["Value"] for dimension in found["Dimensions"]}
                series = Series.of(metric, **dimensions)
                if "EndpointName" in dimensions:
                    endpoints[dimensions["EndpointName"].lower()].add(series)
                elif "InferenceComponentName" in dimensions:
                    components[dimensions["InferenceComponentName"]].add(series)
    return Listing(endpoints, components)


def of_variants(endpoint: str, variants: Iterable[str]) -> set[Series]:
    """Name the series of an endpoint's variants."""
    return {Series.of(_INVOCATIONS, EndpointName=endpoint, VariantName=variant) for variant in variants}


def every(endpoint: Endpoint, listing: Listing) -> set[Series]:
    """Name every series in which an endpoint's traffic can show; those listed may have further dimensions."""
    series = of_variants(endpoint.name, endpoint.variants) | listing.endpoints.get(endpoint.name.lower(), set())
    if endpoint.asynchronous:
        series.add(Series.of(_BACKLOG, EndpointName=endpoint.name))
        for variant in endpoint.variants:
            series |= {Series.of(name, EndpointName=endpoint.name, VariantName=variant) for name in _ASYNCHRONOUS}
    for component in endpoint.components:
        series.add(Series.of(_INVOCATIONS, InferenceComponentName=component.name))
    return series


def ask(run: Run, questions: Mapping[str, Iterable[Series]]) -> dict[str, Traffic]:
    """Ask for the traffic of many endpoints until now, 500 series a call.

    Parameters
    ----------
    run
        The run.
    questions
        The series of each endpoint.

    Returns
    -------
    dict
        An answer to each question: without a series, or with one that had no answer in full, it is unknown.
    """
    wanted = {who: frozenset(series) for who, series in questions.items()}
    series = sorted(frozenset().union(*wanted.values()))
    answers: dict[Series, Traffic] = {}
    for at in range(0, len(series), _BATCH):
        answers |= _ask_batch(run, series[at : at + _BATCH])
    return {who: _together({answers[one] for one in its}) for who, its in wanted.items()}


def _together(answers: set[Traffic]) -> Traffic:
    if Traffic.SOME in answers:
        return Traffic.SOME
    return Traffic.NONE if answers == {Traffic.NONE} else Traffic.UNKNOWN


def _ask_batch(run: Run, batch: Sequence[Series]) -> dict[Series, Traffic]:
    start, end, period = _window(run.clock(), run.settings.window)
    some: set[str] = set()
    doubtful: set[str] = set()
    complete: dict[str, bool] = {}
    ids = {f"s{at}": series for at, series in enumerate(batch)}
    try:
        pages = run.aws.cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[
                {
                    "Id": id,
                    "MetricStat": {
                        "Metric": {
                            "Namespace": _NAMESPACE,
                            "MetricName": series.metric,
                            "Dimensions": [{"Name": name, "Value": value} for name, value in series.dimensions],
                        },
                        "Period": period,
                        "Stat": "Maximum" if series.metric == _BACKLOG else "Sum",
                    },
                }
                for id, series in ids.items()
            ],
            StartTime=start,
            EndTime=end,
        )
        for page in pages:
            if page.get("Messages"):  # about the query as a whole
                doubtful.update(ids)
            for result in page["MetricDataResults"]:
                if any(value > 0 for value in result.get("Values", ())):
                    some.add(result["Id"])
                if result.get("Messages"):
                    doubtful.add(result["Id"])
                # A further page may complete what this one leaves partial.
                complete[result["Id"]] = result.get("StatusCode") == "Complete"
    except AWS_ERRORS:
        doubtful.update(ids)  # but the traffic that was seen by then is true

    def answer(id: str) -> Traffic:
        if id in some:
            return Traffic.SOME
        return Traffic.NONE if complete.get(id) and id not in doubtful else Traffic.UNKNOWN

    return {series: answer(id) for id, series in ids.items()}


def _window(now: datetime, length: timedelta) -> tuple[datetime, datetime, int]:
    """Lay whole periods around the window: a request shortly before it counts, too."""
    period = 3600 if length <= _HOURLY else 86400
    start = (now - length).timestamp() // period * period
    end = (now.timestamp() // period + 1) * period
    return datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC), period
