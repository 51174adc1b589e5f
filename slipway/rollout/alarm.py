"""Alarms as CloudFormation and the API declare them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

from slipway.rollout.composite import Node, RuleError, parse
from slipway.rollout.declared import Reader
from slipway.rollout.queries import Query
from slipway.rollout.series import SeriesKey, UnsupportedStatisticError, samples_needed
from slipway.rollout.state import COMPARISONS, Missing, Rule
from slipway.spec.errors import Path

_MISSING: tuple[Missing, ...] = get_args(Missing)
_DAY, _WEEK, _HOUR = 86_400, 604_800, 3600
#: Periods below a minute make a high-resolution alarm.
_HIGH_RESOLUTION = (10, 20, 30)


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """An alarm on a metric, or on an expression over metrics.

    Attributes
    ----------
    name
        Its name.
    rule
        When it goes off.
    period
        Seconds of one datapoint.
    queries
        What makes the datapoints; the one that is ``returned`` is watched.
    ignores_low_samples
        Whether a percentile of too few samples leaves the state as it is.
    wall_clock
        Whether periods start at multiples of the period, as with EvaluationWindow WallClockWindow (in UTC). By default
        they end with each evaluation: the window slides.
    """

    name: str
    rule: Rule
    period: int
    queries: tuple[Query, ...]
    ignores_low_samples: bool = False
    wall_clock: bool = False

    @property
    def every(self) -> int:
        """Seconds from one evaluation to the next (CloudWatch User Guide, "Alarm evaluation").

        Ten for a high-resolution alarm, an hour when it looks back longer than a day, else a minute.
        """
        if self.period < 60:
            return 10
        return _HOUR if self.period * self.rule.periods > _DAY else 60

    def grid(self, until: float) -> range:
        """The periods that an evaluation looks at.

        Parameters
        ----------
        until
            Seconds up to which data can be seen. The newest period ends with the last whole minute before it (ten
            seconds for a high-resolution alarm), or with the last whole period for a wall clock window.

        Returns
        -------
        range
            Their starts in seconds, the oldest first.
        """
        align = self.period if self.wall_clock else 10 if self.period < 60 else 60
        edge = math.floor(until / align) * align
        return range(edge - self.rule.range * self.period, edge, self.period)

    @property
    def window(self) -> int:
        """Seconds that a fault must last until the alarm trips, at least: DatapointsToAlarm periods."""
        return self.period * self.rule.datapoints

    @property
    def watched(self) -> Query:
        """The query whose datapoints decide."""
        return next(query for query in self.queries if query.returned)


@dataclass(frozen=True, slots=True)
class CompositeAlarm:
    """An alarm on the states of other alarms.

    Attributes
    ----------
    name
        Its name.
    rule
        The AlarmRule, read.
    """

    name: str
    rule: Node


Alarm = MetricAlarm | CompositeAlarm


def read(name: str, properties: object) -> Alarm:
    """Read an alarm.

    Parameters
    ----------
    name
        Its name, for where the properties have none.
    properties
        Of AWS::CloudWatch::Alarm, AWS::CloudWatch::CompositeAlarm, PutMetricAlarm, PutCompositeAlarm or DescribeAlarms,
        with references resolved.

    Returns
    -------
    Alarm
        The alarm.

    Raises
    ------
    DeclarationError
        With all problems at once: what CloudWatch would refuse, and what this model cannot follow, which is anomaly
        detection, PromQL, and statistics other than the usual ones and percentiles.
    """
    reader = _AlarmReader()
    alarm = reader.alarm(name, properties)
    reader.check()
    return alarm


class _AlarmReader(Reader):
    def alarm(self, name: str, properties: object) -> Alarm:
        given = self.mapping((), properties)
        own = given.get("AlarmName")
        name = own if isinstance(own, str) and own else name
        if "AlarmRule" in given:
            return CompositeAlarm(name, self._composite(("AlarmRule",), given["AlarmRule"]))
        for key in ("ThresholdMetricId", "EvaluationCriteria"):
            if given.get(key) is not None:
                self.wrong((key,), "cannot be followed here: only alarms with a fixed Threshold can")
        if given.get("Metrics") is not None:
            queries = self._queries(("Metrics",), given["Metrics"])
        else:
            queries = (self._metric((), given, "m", stat=given.get("ExtendedStatistic") or given.get("Statistic")),)
        if len({query.period for query in queries if query.metric is not None}) > 1:
            self.wrong(("Metrics",), "the metrics of an alarm have one Period: write the same one for each")
        periods = self.number(("EvaluationPeriods",), given.get("EvaluationPeriods"), 1)
        alarm = MetricAlarm(
            name,
            self._rule(given, periods),
            max((query.period for query in queries), default=60) or 60,
            queries,
            ignores_low_samples=given.get("EvaluateLowSampleCountPercentile") == "ignore",
            wall_clock="WallClockWindow" in self.mapping(("EvaluationWindow",), given.get("EvaluationWindow") or {}),
        )
        longest = _WEEK if alarm.period >= _HOUR else _DAY
        if alarm.period * periods > longest:
            self.wrong(
                ("EvaluationPeriods",),
                f"{periods} × {alarm.period} s is out of range: at most {longest} s together",
            )
        return alarm

    def _composite(self, path: Path, rule: object) -> Node:
        text = self.text(path, rule)
        try:
            return parse(text or "FALSE")
        except RuleError as error:
            self.wrong(path, str(error))
            return False

    def _rule(self, given: object, periods: int) -> Rule:
        known = self.mapping((), given)
        comparison = known.get("ComparisonOperator")
        if comparison not in COMPARISONS:
            self.wrong(
                ("ComparisonOperator",), f"{comparison!r} cannot be followed: write one of {', '.join(COMPARISONS)}"
            )
        missing: Missing = "missing"
        wanted = known.get("TreatMissingData")
        for name in _MISSING:
            if wanted == name:
                missing = name
        if wanted not in (None, missing):
            self.wrong(("TreatMissingData",), f"{wanted!r} is none: write one of {', '.join(_MISSING)}")
        datapoints = known.get("DatapointsToAlarm")
        return Rule(
            str(comparison),
            self.real(("Threshold",), known.get("Threshold")),
            periods,
            periods if datapoints is None else self.number(("DatapointsToAlarm",), datapoints, 1, periods),
            missing,
        )

    def _queries(self, path: Path, listed: object) -> tuple[Query, ...]:
        queries: list[Query] = []
        for number, one in enumerate(self.items(path, listed)):
            where = (*path, number)
            given = self.mapping(where, one)
            id = self.text((*where, "Id"), given.get("Id"))
            returned = str(given.get("ReturnData", True)).lower() != "false"
            if given.get("MetricStat") is not None:
                where = (*where, "MetricStat")
                stat = self.mapping(where, given["MetricStat"])
                metric = {**self.mapping((*where, "Metric"), stat.get("Metric")), **stat}
                queries.append(self._metric(where, metric, id, stat=stat.get("Stat"), returned=returned))
            else:
                period = given.get("Period")
                queries.append(
                    Query(
                        id,
                        0 if period is None else self._period((*where, "Period"), period),
                        returned,
                        expression=self.text((*where, "Expression"), given.get("Expression")),
                    )
                )
        returned_ids = [query.id for query in queries if query.returned]
        if len(returned_ids) != 1:
            shown = ", ".join(returned_ids) or "none"
            self.wrong(
                path, f"an alarm watches one of its queries, and {shown} return data: set ReturnData on one only"
            )
        return tuple(queries)

    def _metric(self, path: Path, given: object, id: str, *, stat: object, returned: bool = True) -> Query:
        known = self.mapping(path, given)
        statistic = self.text((*path, "Statistic"), stat)
        if statistic:
            try:
                samples_needed(statistic)
            except UnsupportedStatisticError as error:
                self.wrong((*path, "Statistic"), str(error))
        dimensions: list[tuple[str, str]] = []
        for number, one in enumerate(self.items((*path, "Dimensions"), known.get("Dimensions"))):
            where = (*path, "Dimensions", number)
            pair = self.mapping(where, one)
            dimensions.append(
                (self.text((*where, "Name"), pair.get("Name")), self.text((*where, "Value"), pair.get("Value")))
            )
        unit = known.get("Unit")
        return Query(
            id,
            self._period((*path, "Period"), known.get("Period")),
            returned,
            metric=SeriesKey.of(
                self.text((*path, "Namespace"), known.get("Namespace")),
                self.text((*path, "MetricName"), known.get("MetricName")),
                dimensions,
            ),
            statistic=statistic,
            unit=unit if isinstance(unit, str) else None,
        )

    def _period(self, path: Path, given: object) -> int:
        period = self.number(path, given, 10)
        if period not in _HIGH_RESOLUTION and period % 60:
            self.wrong(path, f"{period} is out of range: write 10, 20, 30 or a multiple of 60 seconds")
            return 60
        return period
