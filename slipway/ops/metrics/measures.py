"""What the numbers of a metric mean, and how people read them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from slipway.spec import instances

if TYPE_CHECKING:
    from collections.abc import Iterable


class Measure(Enum):
    """What a metric counts, and in which unit CloudWatch has it; the value says so to programs."""

    REQUESTS = "requests a minute"
    RATE = "share of requests, 0 to 1"
    MICROSECONDS = "microseconds"
    MILLISECONDS = "milliseconds"
    SECONDS = "seconds"
    CORES = "percent, 100 for each core"
    GPUS = "percent, 100 for each GPU"
    PERCENT = "percent"
    SHARE = "share, 0 to 1"
    NUMBER = "number"

    @property
    def is_time(self) -> bool:
        """Whether it is a duration."""
        return self in _SECONDS

    @property
    def has_percentiles(self) -> bool:
        """Whether there is a value of each request, so that percentiles mean something."""
        return self in (Measure.MICROSECONDS, Measure.MILLISECONDS)


#: How many seconds one of them is.
_SECONDS = {Measure.MICROSECONDS: 1e-6, Measure.MILLISECONDS: 1e-3, Measure.SECONDS: 1.0}


@dataclass(frozen=True)
class Machine:
    """What percentages of a machine count.

    Attributes
    ----------
    types
        Instance types that a variant may run on; none where it has no instances.
    """

    types: tuple[str, ...] = ()

    @property
    def cores(self) -> int | None:
        """Virtual CPUs; ``None`` where they are not known, or not the same on all types."""
        return _same(None if one is None else one.vcpus for one in map(instances.lookup, self.types))

    @property
    def gpus(self) -> int | None:
        """GPUs; ``None`` where they are not known, or not the same on all types."""
        return _same(None if one is None else one.gpus for one in map(instances.lookup, self.types))

    @property
    def may_have_gpus(self) -> bool:
        """Whether any of the types has a GPU, or is not known."""
        return any(one is None or one.gpus > 0 for one in map(instances.lookup, self.types))


def _same(counts: Iterable[int | None]) -> int | None:
    different = set(counts)
    return different.pop() if len(different) == 1 else None


def share_of(value: float, measure: Measure, machine: Machine) -> float | None:
    """Say what share a value is of what there is.

    Parameters
    ----------
    value
        As CloudWatch has it.
    measure
        What it counts.
    machine
        What it is a share of.

    Returns
    -------
    float or None
        Percent; ``None`` for what is no share, and for cores and GPUs whose number is not known.
    """
    match measure:
        case Measure.RATE | Measure.SHARE:
            return value * 100
        case Measure.PERCENT:
            return value
        case Measure.CORES:
            return value / machine.cores if machine.cores else None
        case Measure.GPUS:
            return value / machine.gpus if machine.gpus else None
    return None


def seconds_of(value: float, measure: Measure) -> float:
    """Turn a duration into seconds."""
    return value * _SECONDS[measure]


def readable(value: float, measure: Measure, machine: Machine) -> str:
    """Write a value for people.

    Parameters
    ----------
    value
        As CloudWatch has it.
    measure
        What it counts.
    machine
        Whose cores and GPUs it is a share of.

    Returns
    -------
    str
        Such as ``35.2 ms``, ``1.5%``, ``12/min``; busy cores where the machine's number of them is not known.
    """
    if measure.is_time:
        return duration(seconds_of(value, measure))
    share = share_of(value, measure, machine)
    if share is not None:
        return f"{number(share)}%"
    match measure:
        case Measure.REQUESTS:
            return f"{number(value)}/min"
        case Measure.CORES | Measure.GPUS:
            return f"{number(value / 100)} {'cores' if measure is Measure.CORES else 'GPUs'}"
    return number(value)


def number(value: float) -> str:
    """Write a number with three digits, or all those before the point."""
    if abs(value) >= 99.95 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.1e}"


def duration(seconds: float) -> str:
    """Write a duration with three digits in a unit that fits."""
    if seconds < 0.9995:
        return f"{number(seconds * 1000)} ms"
    if seconds < 119.95:
        return f"{number(seconds)} s"
    return f"{number(seconds / 60)} min" if seconds < 7197 else f"{number(seconds / 3600)} h"
