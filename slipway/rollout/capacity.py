"""The size of a stage: what a CapacitySize is in instances, and how many stages it makes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

#: API:CapacitySize and API:InferenceComponentCapacitySize. The documentation's CAPACITY_PERCENTAGE is refused.
SizeType = Literal["INSTANCE_COUNT", "COPY_COUNT", "CAPACITY_PERCENT"]
SIZE_TYPES: tuple[SizeType, ...] = get_args(SizeType)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a fleet a stage takes.

    Attributes
    ----------
    type
        Instances, copies of an inference component, or percent of the fleet.
    value
        At least 1.
    """

    type: SizeType
    value: int

    def __str__(self) -> str:
        return f"{self.value} %" if self.relative else str(self.value)

    @property
    def relative(self) -> bool:
        """Whether it is a share of the fleet."""
        return self.type == "CAPACITY_PERCENT"

    def steps(self, counts: Iterable[int]) -> int:
        """How many steps of this size it takes to move every fleet.

        Parameters
        ----------
        counts
            Of each variant.

        Returns
        -------
        int
            At least 1. A share takes as many steps as it takes to reach 100 %, also where single steps move nothing.
        """
        if self.relative:
            return -(-100 // self.value)
        return max((-(-count // self.value) for count in counts), default=1) or 1

    def comes_out_even(self, count: int) -> bool:
        """Whether each step is a whole number of instances, so that nothing hangs on rounding."""
        return not self.relative or self.value * count % 100 == 0


def moved(size: Size, count: int, step: int) -> int:
    """How many instances of a fleet have moved after some steps.

    The one place that rounds. **How SageMaker rounds a share that is no whole number of instances is not documented**;
    this takes the share reached so far and rounds it up. So a step is never empty at first, a fault reaches more
    requests rather than fewer, and ⌈100 / share⌉ steps move the whole fleet.

    Parameters
    ----------
    size
        Of one step.
    count
        Of the whole fleet.
    step
        How many have been made, from 0.

    Returns
    -------
    int
        From 0 to ``count``.
    """
    if size.relative:
        return -(-count * min(100, size.value * step) // 100)
    return min(count, size.value * step)


def shifted(size: Size, count: int, step: int) -> float:
    """The share of a variant's traffic that has moved after some steps: that of its instances.

    Parameters
    ----------
    size
        Of one step.
    count
        Of the whole fleet; 0 for serverless variants and components without copies, which move in one step.
    step
        How many have been made, from 0.

    Returns
    -------
    float
        From 0 to 1.
    """
    return moved(size, count, step) / count if count else float(step > 0)
