"""The state of an alarm at one evaluation, from the datapoints that CloudWatch retrieves.

Source: CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
OK: State = "OK"
ALARM: State = "ALARM"
INSUFFICIENT_DATA: State = "INSUFFICIENT_DATA"

Missing = Literal["missing", "ignore", "breaching", "notBreaching"]

#: How many datapoints beyond EvaluationPeriods CloudWatch retrieves, in case some are missing. The guide's examples
#: have 2; **else the number is not documented**: it "depends on the length of the alarm period and whether it is based
#: on a metric with standard resolution or high resolution".
EXTRA_DATAPOINTS = 2

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_WORDS = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """When an alarm goes off.

    Attributes
    ----------
    comparison
        A key of ``COMPARISONS``.
    threshold
        In the metric's unit.
    periods
        EvaluationPeriods.
    datapoints
        DatapointsToAlarm: how many of them have to breach.
    missing
        TreatMissingData.
    """

    comparison: str
    threshold: float
    periods: int
    datapoints: int
    missing: Missing = "missing"

    @property
    def range(self) -> int:
        """How many datapoints an evaluation retrieves."""
        return self.periods + EXTRA_DATAPOINTS


@dataclass(frozen=True, slots=True)
class Verdict:
    """An alarm's state, and why.

    Attributes
    ----------
    state
        From now on.
    rule
        When the alarm goes off.
    found
        The datapoints that decided, the newest last; fewer than EvaluationPeriods when some are missing.
    breaching
        How many of them breach.
    """

    state: State
    rule: Rule
    found: tuple[float, ...]
    breaching: int

    @property
    def reason(self) -> str:
        """Why, in words like CloudWatch's."""
        rule = self.rule
        if not self.found:
            return f"No datapoints were received for {rule.periods} period(s)."
        shown = ", ".join(f"{value:g}" for value in self.found)
        return (
            f"Threshold Crossed: {self.breaching} of the last {len(self.found)} datapoints [{shown}] "
            f"{'was' if self.breaching == 1 else 'were'} {_WORDS[rule.comparison]} the threshold "
            f"({rule.threshold:g}); {rule.datapoints} of {rule.periods} are needed."
        )


def evaluate(rule: Rule, datapoints: Sequence[float | None], present: State) -> Verdict:
    """Evaluate an alarm once.

    Parameters
    ----------
    rule
        When it goes off.
    datapoints
        The evaluation range, ``rule.range`` datapoints long, the newest last; ``None`` where one is missing.
    present
        The state so far, which ``ignore`` retains.

    Returns
    -------
    Verdict
        The state from now on.
    """
    found = tuple([value for value in datapoints if value is not None][-rule.periods :])
    breaches, threshold = COMPARISONS[rule.comparison], rule.threshold
    breaching = sum(1 for value in found if breaches(value, threshold))
    return Verdict(_state(rule, datapoints, len(found), breaching, present), rule, found, breaching)


def _state(rule: Rule, datapoints: Sequence[float | None], found: int, breaching: int, present: State) -> State:
    if breaching >= rule.datapoints:
        return ALARM
    absent = rule.periods - found
    if absent == 0 or rule.missing == "notBreaching":
        return OK
    if rule.missing == "breaching":
        return ALARM if breaching + absent >= rule.datapoints else OK
    if found > breaching:
        return OK
    # From here on nothing is known to be good: there are no datapoints, or too few and all of them breach.
    if rule.missing == "ignore":
        return present
    if not found:
        return INSUFFICIENT_DATA
    # "Premature alarm state": a breach goes to ALARM once it is as old as DatapointsToAlarm and only breaches or gaps
    # followed. Before that it does not, as the next datapoint may be good; what the state is then, the guide leaves
    # open: taken to stay as it is.
    oldest = next(index for index, value in enumerate(datapoints) if value is not None)
    return ALARM if len(datapoints) - oldest >= rule.datapoints else present
