"""What an endpoint or an environment may cost before somebody hears of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from slipway.spec.base import Spec
from slipway.spec.units import Dollars, Percent, between

Limit = Annotated[Dollars, between(Dollars(1), Dollars(99_999_999), "an amount")]


class Budget(Spec):
    """Limits on what is tagged as belonging here. Reaching a share of one tells the alarm topic."""

    daily: Limit | None = None
    """US dollars a day."""
    monthly: Limit | None = None
    """US dollars a calendar month."""
    notify_at: Annotated[
        tuple[Annotated[Percent, between(Percent(1), Percent(1000), "AWS Budgets")], ...],
        Field(min_length=1, max_length=5, strict=False),
    ] = (Percent(80), Percent(100))
    """Shares of the limit at which the topic is told; at most five a limit (AWS Budgets)."""
    forecast: bool = False
    """Tell also when the month's forecast reaches the whole limit; `monthly` only."""
