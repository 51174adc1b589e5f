"""The state of an alarm, from its datapoints and from other alarms.

The one place that decides states: ``mends/cloudwatch.py`` gives it the data and stores the answer.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from slipway.local.metrics.series import Points

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

# How many periods beyond EvaluationPeriods CloudWatch looks back for datapoints when some are
# missing (CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data").
EXTRA_PERIODS = 2

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True)
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
        TreatMissingData: missing, ignore, breaching or notBreaching.
    """

    comparison: str
    threshold: float
    periods: int
    datapoints: int
    missing: str = "missing"


@dataclass(frozen=True)
class Verdict:
    """An alarm's state, and why."""

    state: str
    reason: str


def look_back(now: float, period: int, periods: int) -> range:
    """Return the starts of the periods that an evaluation looks at, the present one last."""
    last = int(now // period) * period
    return range(last - (periods + EXTRA_PERIODS) * period, last + period, period)


def evaluate(rule: Rule, points: Points, times: Sequence[int], present: str) -> Verdict:
    """Return the state of a metric alarm.

    Parameters
    ----------
    rule
        When it goes off.
    points
        The datapoints that there are.
    times
        From ``look_back``. The present period only counts when it has data, and only for alarms
        on high values: half a period's sum is low for no reason.
    present
        The present state, which ``ignore`` retains.
    """
    usable = list(times)
    if usable[-1] not in points or rule.comparison.startswith("LessThan"):
        usable.pop()
    usable = usable[-(rule.periods + EXTRA_PERIODS) :]
    found = [points[at] for at in usable if at in points][-rule.periods :]
    breaching = sum(COMPARISONS[rule.comparison](value, rule.threshold) for value in found)
    state = _state(rule, len(found), breaching, present)
    if not found:
        return Verdict(state, f"No datapoints were received for {rule.periods} period(s).")
    shown = ", ".join(f"{value:g}" for value in found)
    return Verdict(
        state,
        f"Threshold Crossed: {breaching} of the last {len(found)} datapoints [{shown}] "
        f"{'were' if breaching != 1 else 'was'} {_WORDS[rule.comparison]} the threshold "
        f"({rule.threshold:g}); {rule.datapoints} of {rule.periods} are needed.",
    )


_WORDS = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


def _state(rule: Rule, found: int, breaching: int, present: str) -> str:
    absent = rule.periods - found
    if absent == 0:
        return ALARM if breaching >= rule.datapoints else OK
    match rule.missing:
        case "breaching":
            return ALARM if breaching + absent >= rule.datapoints else OK
        case "notBreaching":
            return ALARM if breaching >= rule.datapoints else OK
        case "ignore":
            if breaching >= rule.datapoints:
                return ALARM
            return OK if found > breaching else present
        case _:
            if found == 0:
                return INSUFFICIENT_DATA
            return ALARM if breaching >= min(rule.datapoints, found) else OK


_CALL = re.compile(r"\b(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"([^\"]*)\"|'([^']*)'|([^)\s]*))\s*\)")


def composite(rule: str, states: Mapping[str, str]) -> str:
    """Return the state of a composite alarm.

    Parameters
    ----------
    rule
        AlarmRule, for example ``ALARM("a") AND NOT OK(b)``.
    states
        The states of the other alarms, by name and by ARN. One that is not there has no data.

    Raises
    ------
    ValueError
        When the rule cannot be read.
    """

    def answer(match: re.Match[str]) -> str:
        name = match.group(2) or match.group(3) or match.group(4)
        return str(states.get(name, INSUFFICIENT_DATA) == match.group(1))

    text = _CALL.sub(answer, rule)
    for word in ("AND", "OR", "NOT", "TRUE", "FALSE"):
        python = word.capitalize() if word in ("TRUE", "FALSE") else word.lower()
        text = re.sub(rf"\b{word}\b", python, text)
    try:
        tree = ast.parse(" ".join(text.split()), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"AlarmRule {rule!r} cannot be read: {error}") from error
    return ALARM if _truth(tree, rule) else OK


def _truth(node: ast.expr, rule: str) -> bool:
    match node:
        case ast.Constant(value=bool() as value):
            return value
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _truth(operand, rule)
        case ast.BoolOp(op=op, values=values):
            answers = [_truth(value, rule) for value in values]
            return all(answers) if isinstance(op, ast.And) else any(answers)
    raise ValueError(f"AlarmRule {rule!r} holds {ast.unparse(node)!r}, which is no alarm's state.")
