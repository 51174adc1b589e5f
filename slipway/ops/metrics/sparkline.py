"""A series of numbers in a few letters: one block for each, as high as the number is."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"
#: Where there is no number.
GAP = "·"


def sparkline(values: Sequence[float | None], width: int = 32) -> str:
    """Draw a series from zero to its highest number.

    Zero is the lowest block and what is above it at least the second one, so that a little can be told from nothing.

    Parameters
    ----------
    values
        In the order of time, none below zero; ``None`` where there is none.
    width
        Letters at most; where there are more values, a letter stands for several, and shows the highest.

    Returns
    -------
    str
        Empty when there is no value at all.

    Examples
    --------
    >>> sparkline([0, 1, 4, None, 8])
    '▁▂▅·█'
    """
    if all(value is None for value in values):
        return ""
    several = math.ceil(len(values) / width)
    groups = [
        [value for value in values[at : at + several] if value is not None] for at in range(0, len(values), several)
    ]
    most = max(max(group) for group in groups if group)
    return "".join(_block(max(group), most) if group else GAP for group in groups)


def _block(value: float, most: float) -> str:
    if value <= 0 or most <= 0:
        return _BLOCKS[0]
    return _BLOCKS[max(1, min(7, round(value / most * 7)))]
