"""An endpoint's key metrics over a time: asked of CloudWatch in as few calls as it allows, and summed up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.metrics.key_metrics import KeyMetric, Owner, key_metrics, owners
from slipway.ops.metrics.measures import Machine, Measure
from slipway.ops.trouble import OperationError, WrongOperation, explained, is_missing

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef
    from types_boto3_sagemaker import SageMakerClient

    from slipway.ops.metrics.span import Span
    from slipway.ops.target import Target
    from slipway.spec.environment import Environment

#: What GetMetricData answers in one call: queries, and datapoints of all of them together.
QUERIES, DATAPOINTS = 500, 100_800
#: Of the whole span as well as of each period.
PERCENTILES = ("p50", "p99")
#: What is asked of each period, by what the metric counts; of what is not here, all that can be put together again.
_ASKED = {Measure.REQUESTS: ("Sum",), Measure.RATE: ("Sum", "SampleCount")}
_PARTS = ("Sum", "SampleCount", "Minimum", "Maximum")

#: A value by the start of its period.
Points = Mapping[datetime, float]


@dataclass(frozen=True)
class Figures:
    """A metric over a span of time, in CloudWatch's own unit; requests are counted by the minute.

    Only periods that have data count. All of it is ``None`` when there is none.

    Attributes
    ----------
    metric
        The metric.
    least, most
        Of single values; of requests and of rates, of periods.
    average
        Of all values; of requests, of the periods.
    p50, p99
        Of all values, for the durations of requests only.
    last
        The average of the last period that has data.
    total
        How many requests, or how many of them a rate counts.
    trend
        The average by period.
    percentiles
        By period: p50 and p99, for the durations of requests only.
    """

    metric: KeyMetric
    least: float | None = None
    average: float | None = None
    p50: float | None = None
    p99: float | None = None
    most: float | None = None
    last: float | None = None
    total: float | None = None
    trend: Points = field(default_factory=dict)
    percentiles: Mapping[str, Points] = field(default_factory=dict)

    @property
    def has_data(self) -> bool:
        """Whether there is any."""
        return bool(self.trend)


@dataclass(frozen=True)
class Section:
    """The metrics of an endpoint, of a variant or of a component.

    Attributes
    ----------
    owner
        Whose they are.
    figures
        One for each metric, those without data as well.
    """

    owner: Owner
    figures: tuple[Figures, ...]

    @property
    def has_data(self) -> bool:
        """Whether any of them has data."""
        return any(one.has_data for one in self.figures)


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes
    ----------
    endpoint
        Its full name.
    span
        The time.
    sections
        By whose they are.
    exists
        Whether there is such an endpoint now.
    notes
        What CloudWatch said about answers that are not whole.
    """

    endpoint: str
    span: Span
    sections: tuple[Section, ...]
    exists: bool
    notes: tuple[str, ...] = ()

    @property
    def has_data(self) -> bool:
        """Whether there is any."""
        return any(section.has_data for section in self.sections)


@dataclass(frozen=True)
class _Query:
    """One question to CloudWatch: a statistic of each period, or of the whole span."""

    owner: Owner
    metric: KeyMetric
    name: str
    statistic: str
    whole: bool = False


class Metrics:
    """Asks for the metrics of an environment's endpoints.

    Parameters
    ----------
    environment
        The environment.
    target
        Where it is.
    """

    def __init__(self, environment: Environment, target: Target) -> None:
        self._environment = environment
        self._cloudwatch: CloudWatchClient = target.client("cloudwatch")
        self._sagemaker: SageMakerClient = target.client("sagemaker")

    def look(self, name: str, span: Span, *, variant: str | None = None, component: str | None = None) -> Found:
        """Ask for an endpoint's key metrics.

        Parameters
        ----------
        name
            Its short name.
        span
            The time.
        variant, component
            Only that variant's or component's; all by default.

        Returns
        -------
        Found
            What CloudWatch knows, whether or not the endpoint still exists.

        Raises
        ------
        WrongOperation
            When there is no such variant or component.
        OperationError
            When AWS refuses.
        """
        full = self._environment.names.endpoint(name)
        endpoint = self._environment.endpoints[name]
        try:
            machines = self._machines(full)
            everybody = list(owners(self._environment.names, name, endpoint, machines or {}))
            chosen = [one for one in everybody if _wanted(one, variant, component)]
            _check(name, everybody, variant, component)
            asked = {owner: tuple(key_metrics(endpoint, owner)) for owner in chosen}
            queries = [query for owner, metrics in asked.items() for query in _queries(owner, metrics)]
            answers, notes = self._ask(queries, span)
        except (BotoCoreError, ClientError) as error:
            raise OperationError(explained(error, f"read the metrics of {full}")) from error
        sections = tuple(
            Section(owner, tuple(_summed(owner, metric, answers, span) for metric in metrics))
            for owner, metrics in asked.items()
        )
        return Found(full, span, sections, machines is not None, tuple(notes))

    def _machines(self, full: str) -> dict[str, Machine] | None:
        """What each variant runs on now; ``None`` when there is no such endpoint."""
        try:
            config = self._sagemaker.describe_endpoint(EndpointName=full)["EndpointConfigName"]
            found = self._sagemaker.describe_endpoint_config(EndpointConfigName=config)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        variants: list[Any] = [*found["ProductionVariants"], *found.get("ShadowProductionVariants", [])]
        return {one["VariantName"]: Machine(tuple(_types(one))) for one in variants}

    def _ask(self, queries: Sequence[_Query], span: Span) -> tuple[dict[_Query, Points], list[str]]:
        answers: dict[_Query, dict[datetime, float]] = {query: {} for query in queries}
        notes: dict[str, None] = {}
        batch = max(1, min(QUERIES, DATAPOINTS // max(1, span.seconds // span.period)))
        for at in range(0, len(queries), batch):
            ids = {f"q{number}": query for number, query in enumerate(queries[at : at + batch])}
            pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=[_as_asked(id, query, span) for id, query in ids.items()],
                StartTime=span.start,
                EndTime=span.end,
            )
            states: dict[str, str] = {}
            for page in pages:
                said = [*page.get("Messages", [])]
                for result in page["MetricDataResults"]:
                    answers[ids[result["Id"]]].update(zip(result["Timestamps"], result["Values"], strict=True))
                    states[result["Id"]] = result.get("StatusCode", "Complete")  # a later page completes an earlier one
                    said += result.get("Messages", [])
                notes.update({f"{one['Code']}: {one['Value']}": None for one in said})
            notes.update({f"{ids[id].name}: {state}": None for id, state in states.items() if state != "Complete"})
        return {query: dict(sorted(points.items())) for query, points in answers.items()}, list(notes)


def _types(variant: Mapping[str, Any]) -> Iterator[str]:
    if "InstanceType" in variant:
        yield variant["InstanceType"]
    for pool in variant.get("InstancePools", []):
        yield pool["InstanceType"]


def _wanted(owner: Owner, variant: str | None, component: str | None) -> bool:
    if variant is None and component is None:
        return True
    return (owner.kind, owner.name) in (("variant", variant), ("component", component))


def _check(name: str, owners: Sequence[Owner], variant: str | None, component: str | None) -> None:
    for kind, wanted in (("variant", variant), ("component", component)):
        known = [owner.name for owner in owners if owner.kind == kind]
        if wanted is not None and wanted not in known:
            there = ", ".join(known) or "none"
            raise WrongOperation(f"{name} has no {kind} {wanted!r}: write one of those that there are: {there}")


def _queries(owner: Owner, metrics: Sequence[KeyMetric]) -> Iterator[_Query]:
    for metric in metrics:
        for name in filter(None, (metric.name, metric.spelled)):
            for statistic in _ASKED.get(metric.measure, _PARTS):
                yield _Query(owner, metric, name, statistic)
            for percentile in PERCENTILES if metric.measure.has_percentiles else ():
                yield _Query(owner, metric, name, percentile)
                yield _Query(owner, metric, name, percentile, whole=True)


def _as_asked(id: str, query: _Query, span: Span) -> MetricDataQueryTypeDef:
    return {
        "Id": id,
        "MetricStat": {
            "Metric": {
                "Namespace": query.metric.namespace,
                "MetricName": query.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in query.owner.dimensions],
            },
            # Percentiles of periods do not add up to one of the span, so that is asked for as one long period. AWS
            # begins it with StartTime, as the local AWS does.
            "Period": span.seconds if query.whole else span.period,
            "Stat": query.statistic,
        },
    }


def _summed(owner: Owner, metric: KeyMetric, answers: Mapping[_Query, Points], span: Span) -> Figures:
    def points(statistic: str, *, whole: bool = False) -> Points:
        both = [
            answers.get(_Query(owner, metric, name, statistic, whole), {}) for name in (metric.name, metric.spelled)
        ]
        return {at: value for found in reversed(both) for at, value in found.items()}

    sums = points("Sum")
    if metric.measure is Measure.REQUESTS:
        return _counted(metric, sums, span)
    counts = points("SampleCount")
    trend = {at: value / counts[at] for at, value in sums.items() if counts.get(at)}
    if not trend:
        return Figures(metric)
    average = sum(sums[at] for at in trend) / sum(counts[at] for at in trend)
    last = trend[max(trend)]
    if metric.measure is Measure.RATE:
        least, most = min(trend.values()), max(trend.values())
        return Figures(metric, least, average, most=most, last=last, total=sum(sums.values()), trend=trend)
    return Figures(
        metric,
        least=min(points("Minimum").values(), default=None),
        average=average,
        # One value each. Should CloudWatch lay its periods otherwise, there are two, and the higher one is no too low.
        p50=max(points("p50", whole=True).values(), default=None),
        p99=max(points("p99", whole=True).values(), default=None),
        most=max(points("Maximum").values(), default=None),
        last=last,
        trend=trend,
        percentiles={name: points(name) for name in PERCENTILES} if metric.measure.has_percentiles else {},
    )


def _counted(metric: KeyMetric, sums: Points, span: Span) -> Figures:
    """Sum up what is counted, by the minute."""
    if not sums:
        return Figures(metric)
    minutes = {at: span.seconds_of(at) / 60 for at in sums}
    trend = {at: value / minutes[at] for at, value in sums.items()}
    total = sum(sums.values())
    return Figures(
        metric,
        least=min(trend.values()),
        average=total / sum(minutes.values()),
        most=max(trend.values()),
        last=trend[max(trend)],
        total=total,
        trend=trend,
    )


def as_dict(found: Found) -> dict[str, Any]:
    """Make plain data, for programs: figures in the metrics' own units.

    Parameters
    ----------
    found
        What was found.

    Returns
    -------
    dict
        Times are in ISO 8601; what has no data is ``None``, and has no points.
    """
    return {
        "endpoint": found.endpoint,
        "exists": found.exists,
        "from": found.span.start.isoformat(),
        "to": found.span.end.isoformat(),
        "period": found.span.period,
        "notes": list(found.notes),
        "sections": [_section(section) for section in found.sections],
    }


def _section(section: Section) -> dict[str, Any]:
    owner = section.owner
    return {
        "kind": owner.kind,
        "name": owner.name,
        "instance_types": list(owner.machine.types),
        "cores": owner.machine.cores,
        "gpus": owner.machine.gpus,
        "metrics": [
            {
                "metric": one.metric.name,
                "namespace": one.metric.namespace,
                "dimensions": dict(owner.dimensions),
                "unit": one.metric.measure.value,
                "least": one.least,
                "average": one.average,
                "p50": one.p50,
                "p99": one.p99,
                "most": one.most,
                "last": one.last,
                "total": one.total,
                "points": [[at.isoformat(), value] for at, value in one.trend.items()],
            }
            for one in section.figures
        ],
    }
