"""The same request many times: who answered, how fast, and what went wrong."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.ops.invoke.errors import UnansweredError

if TYPE_CHECKING:
    from slipway.ops.invoke.invoke import Invoker
    from slipway.ops.invoke.request import Request

#: In the place of a variant's name.
_UNNAMED = "(not said)"


@dataclass(frozen=True)
class Outcome:
    """What came of one request.

    Attributes
    ----------
    seconds
        How long it took, as seen from here.
    variant
        Which one answered; empty for a request that failed, and where the service does not say.
    error
        Why it failed; empty for one that was answered.
    """

    seconds: float
    variant: str = ""
    error: str = ""


def repeat(invoker: Invoker, name: str, request: Request, count: int) -> Iterator[Outcome]:
    """Ask the same again and again, one request after the other.

    Parameters
    ----------
    invoker
        Of the environment.
    name
        The endpoint's short name.
    request
        What is asked.
    count
        How often.

    Yields
    ------
    Outcome
        Of each request.

    Raises
    ------
    InvokeError
        For what would be the same with the next request, such as an endpoint that is not there.
    """
    for _ in range(count):
        begin = time.perf_counter()
        try:
            answer = invoker.invoke(name, request)
        except UnansweredError as error:
            yield Outcome(time.perf_counter() - begin, error=str(error))
        else:
            yield Outcome(answer.seconds, answer.variant)


@dataclass(frozen=True)
class Answers:
    """What a variant answered.

    Attributes
    ----------
    variant
        Its name.
    count
        How often.
    share
        Of all answers, 0 to 1.
    p50, p99
        Seconds, of the answers, as seen from here.
    """

    variant: str
    count: int
    share: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Summary:
    """What came of many requests.

    Attributes
    ----------
    requests
        How many were sent.
    seconds
        All of them together.
    answers
        By variant, in the order of their names.
    errors
        How often each, the most frequent first.
    """

    requests: int
    seconds: float
    answers: tuple[Answers, ...]
    errors: tuple[tuple[str, int], ...]

    @property
    def failed(self) -> int:
        """How many had no answer."""
        return sum(count for _, count in self.errors)

    @property
    def headline(self) -> str:
        """The whole in a line."""
        failed = f", {self.failed} failed" if self.failed else ""
        requests = f"{self.requests} request{'' if self.requests == 1 else 's'}"
        return f"{requests} in {self.seconds:.1f} s: {self.requests - self.failed} answered{failed}"

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for programs; times in seconds."""
        return {
            "requests": self.requests,
            "answered": self.requests - self.failed,
            "failed": self.failed,
            "seconds": self.seconds,
            "variants": {
                one.variant: {"answers": one.count, "share": one.share, "p50": one.p50, "p99": one.p99}
                for one in self.answers
            },
            "errors": [{"count": count, "error": error} for error, count in self.errors],
        }


def summarize(outcomes: Sequence[Outcome]) -> Summary:
    """Sum up what came of many requests.

    Parameters
    ----------
    outcomes
        Of each.

    Returns
    -------
    Summary
        Of all.
    """
    times: dict[str, list[float]] = {}
    for one in outcomes:
        if not one.error:
            times.setdefault(one.variant or _UNNAMED, []).append(one.seconds)
    answered = sum(len(some) for some in times.values())
    return Summary(
        len(outcomes),
        sum(one.seconds for one in outcomes),
        tuple(
            Answers(variant, len(some), len(some) / answered, percentile(some, 0.5), percentile(some, 0.99))
            for variant, some in sorted(times.items())
        ),
        tuple(Counter(one.error for one in outcomes if one.error).most_common()),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least a share of all values does not exceed.

    Examples
    --------
    >>> percentile([4.0, 1.0, 2.0, 3.0], 0.5)
    2.0
    """
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
