"""Figures for people: times, counts, hours, money. The same in text, Markdown and HTML."""

from __future__ import annotations

from slipway.plan.courses import Span

#: Hours of an average month, as AWS reckons: 365 days × 24 h / 12.
MONTH = 730


def clock(seconds: float) -> str:
    """A duration: ``45s``, ``10m``, ``1h 30m``."""
    left = round(seconds)
    if left < 60:
        return f"{left}s"
    minutes, rest = divmod(left, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return " ".join(f"{number}{unit}" for number, unit in parts if number)


def between(span: Span, unit: str = "") -> str:
    """A figure that autoscaling moves: ``4``, or ``4 to 12``."""
    low, high = number(span.low), number(span.high)
    return f"{low if low == high else f'{low} to {high}'}{f' {unit}' if unit else ''}"


def number(value: float) -> str:
    """A number with at most two digits behind the point, none where it is whole."""
    text = f"{value:,.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def signed(span: Span, unit: str = "") -> str:
    """A difference: ``+3``, ``−1.5``, ``+4 to +12``."""
    low, high = (f"{'+' if value > 0 else ''}{number(value)}".replace("-", "−") for value in (span.low, span.high))
    return f"{low if low == high else f'{low} to {high}'}{f' {unit}' if unit else ''}"


def share(part: float) -> str:
    """A share of traffic in percent."""
    return f"{part * 100:.0f} %"


def plural(count: int, one: str, several: str | None = None) -> str:
    """``1 alarm``, ``3 alarms``."""
    return f"{count} {one if count == 1 else several or one + 's'}"
