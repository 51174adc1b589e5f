"""How far a policy moves a capacity, from what its metric says."""

import math
from collections.abc import Sequence

from slipway.local.engine.documents import Document

# What floating point leaves over when a metric is exactly at its target.
_EXACT = 1e-9


def tracked(capacity: int, value: float, target: float) -> int:
    """Return the capacity at which a metric would be at its target.

    Application Auto Scaling "acts conservatively by rounding up or down", so it is the next one at which the metric is
    not above the target.

    Parameters
    ----------
    capacity
        The present one.
    value, target
        Of the metric, which falls as the capacity grows.
    """
    if target <= 0:
        return capacity
    return math.ceil(capacity * value / target - _EXACT)


def stepped(configuration: Document, capacity: int, breach: float) -> int:
    """Return the capacity to which a step scaling policy moves.

    Parameters
    ----------
    configuration
        StepScalingPolicyConfiguration.
    capacity
        The present one.
    breach
        How far the metric is from the alarm's threshold; negative below it.
    """
    step = _step(configuration.get("StepAdjustments") or [], breach)
    if step is None:
        return capacity
    adjustment = int(step["ScalingAdjustment"])
    match configuration.get("AdjustmentType"):
        case "ExactCapacity":
            return adjustment
        case "PercentChangeInCapacity":
            change = _whole(capacity * adjustment / 100)
            least = int(configuration.get("MinAdjustmentMagnitude") or 0)
            if change and abs(change) < least:
                change = least if change > 0 else -least
            return capacity + change
    return capacity + adjustment


def aggregated(configuration: Document, values: Sequence[float]) -> float:
    """Return what a step scaling policy compares with its steps: its aggregation of the alarm's latest datapoints.

    Parameters
    ----------
    configuration
        StepScalingPolicyConfiguration; its MetricAggregationType is Average unless it says Minimum or Maximum.
    values
        At least one.
    """
    match configuration.get("MetricAggregationType"):
        case "Minimum":
            return min(values)
        case "Maximum":
            return max(values)
    return sum(values) / len(values)


def _step(steps: Sequence[Document], breach: float) -> Document | None:
    for step in steps:
        lower = float(step.get("MetricIntervalLowerBound", -math.inf))
        upper = float(step.get("MetricIntervalUpperBound", math.inf))
        # "If the metric value is above the breach threshold, the lower bound is inclusive and the upper bound is
        # exclusive", below it the other way around.
        if lower <= breach < upper if breach >= 0 else lower < breach <= upper:
            return step
    return None


def _whole(change: float) -> int:
    """Round towards zero, but a part of one to a whole one ("Scaling adjustment types")."""
    if 0 < abs(change) < 1:
        return 1 if change > 0 else -1
    return math.trunc(change)
