"""What a plan costs, where prices are known; never a guess."""

from __future__ import annotations

from collections.abc import Mapping

from slipway.plan.courses import Span
from slipway.plan.figures import MONTH
from slipway.plan.prices import Prices
from slipway.plan.story import EndpointPlan, StackPlan


def rollout(endpoint: EndpointPlan, stack: StackPlan, prices: Prices | None) -> Span | None:
    """What double running costs.

    Parameters
    ----------
    endpoint, stack
        Which one, and where it runs.
    prices
        Of instances.

    Returns
    -------
    Span or None
        US dollars; ``None`` without the price of a type.
    """
    return _priced(endpoint.extra_hours, stack.region, prices)


def monthly(endpoint: EndpointPlan, stack: StackPlan, prices: Prices | None) -> Span | None:
    """What an endpoint costs more, or less, in a month of 730 hours from then on.

    Parameters
    ----------
    endpoint, stack
        Which one, and where it runs.
    prices
        Of instances.

    Returns
    -------
    Span or None
        US dollars; ``None`` without the price of a type.
    """
    priced = _priced(endpoint.steady_change, stack.region, prices)
    return None if priced is None else priced.times(MONTH)


def _priced(amounts: Mapping[str, Span], region: str, prices: Prices | None) -> Span | None:
    total = Span(0.0, 0.0)
    for type, amount in amounts.items():
        price = prices.of(region, type) if prices is not None else None
        if price is None:
            return None
        total += amount.times(price)
    return total if prices is not None else None
