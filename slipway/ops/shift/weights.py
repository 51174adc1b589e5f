"""How traffic is divided between variants: by weights, which count only in relation to each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise

from slipway.ops.trouble import WrongOperation

#: Weight by variant.
Weights = Mapping[str, float]

#: The service keeps weights as single-precision numbers: what comes back is not what was sent, to the last digit.
_PRECISION = 1e-5
#: Digits that are sent, of weights that add up to 100.
_DIGITS = 4


class WrongWeights(WrongOperation):
    """There is no such division of the traffic; the message says what to write."""


def same(one: Weights, other: Weights) -> bool:
    """Whether these are the same weights of the same variants, as far as the service can tell them apart."""
    return one.keys() == other.keys() and all(
        math.isclose(one[name], other[name], rel_tol=_PRECISION, abs_tol=_PRECISION) for name in one
    )


def shares(weights: Weights) -> dict[str, float]:
    """The share of each variant in percent; nothing at all where no variant has a weight."""
    total = math.fsum(weights.values())
    return {name: 100 * weight / total if total else 0.0 for name, weight in weights.items()}


def divided_alike(one: Weights, other: Weights) -> bool:
    """Whether two sets of weights divide the traffic in the same way: 9 to 1 is 90 to 10."""
    return same(shares(one), shares(other))


def with_share(present: Weights, variant: str, percent: float) -> dict[str, float]:
    """Give one variant a share of the traffic; the others keep their proportion among themselves.

    Parameters
    ----------
    present
        The weights as they are.
    variant
        One of them.
    percent
        Its share, 0 to 100.

    Returns
    -------
    dict of str to float
        Weights that add up to 100.

    Raises
    ------
    WrongWeights
        When there is something left for the others, and they have no proportion.
    """
    others = {name: weight for name, weight in present.items() if name != variant}
    left, total = 100 - percent, math.fsum(others.values())
    if not total and len(others) == 1:
        others, total = dict.fromkeys(others, 1.0), 1.0
    if left and not total:
        raise WrongWeights(
            f"{', '.join(others)} have no weight now, so nothing says how to divide the other {left:g}% among them: "
            f"say it with `--to {','.join(f'{name}=…' for name in present)}`"
        )
    return {
        name: round(percent if name == variant else left * others[name] / total if total else 0.0, _DIGITS)
        for name in present
    }


def parsed(text: str) -> dict[str, float]:
    """Read weights as they are typed: ``current=90,next=10``.

    Parameters
    ----------
    text
        Variants and weights.

    Returns
    -------
    dict of str to float
        Weight by variant, in the order in which they stand.

    Raises
    ------
    WrongWeights
        When one is no number of 0 or more, or a variant is named twice.
    """
    found: dict[str, float] = {}
    for item in text.split(","):
        name, equals, number = item.partition("=")
        name = name.strip()
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not equals or not name or not 0 <= weight < math.inf:
            raise WrongWeights(f"{item!r} is no weight of a variant: write it like current=90,next=10")
        if name in found:
            raise WrongWeights(f"{name} is named twice: {text}")
        found[name] = weight
    return found


def stages(text: str) -> list[float]:
    """Read stages as they are typed: ``10,50,100``, in percent.

    Parameters
    ----------
    text
        Shares.

    Returns
    -------
    list of float
        All of them above the one before, or all below.

    Raises
    ------
    WrongWeights
        When one is no share, or they turn back.
    """
    found = []
    for item in text.split(","):
        try:
            share = float(item.strip().removesuffix("%"))
        except ValueError:
            share = math.nan
        if not 0 <= share <= 100:
            raise WrongWeights(f"{item!r} is no share of the traffic: write percent, 0 to 100, like 10,50,100")
        found.append(share)
    pairs = list(pairwise(found))
    if not (all(a < b for a, b in pairs) or all(a > b for a, b in pairs)):
        raise WrongWeights(f"{text}: the stages turn back; write shares that grow, like 10,50,100, or that shrink")
    return found


def said(weights: Weights) -> str:
    """Weights and shares for a person: ``current 90%, next 10%``."""
    return ", ".join(f"{name} {share:.4g}%" for name, share in shares(weights).items())


def typed(weights: Weights) -> str:
    """Weights as they are typed: ``current=90,next=10``."""
    return ",".join(f"{name}={number(weight)}" for name, weight in weights.items())


def number(weight: float) -> str:
    """A weight without the digits that a single-precision number makes up."""
    return f"{weight:.6g}"


def gaining(before: Weights, after: Iterable[Weights]) -> tuple[str, ...]:
    """The variants that have a larger share at the end, or on the way, than before."""
    start = shares(before)
    found = [
        name
        for weights in after
        for name, share in shares(weights).items()
        if share > start.get(name, 0.0) + 100 * _PRECISION
    ]
    return tuple(dict.fromkeys(found))
