"""Healthy traffic: what a rehearsal assumes of an endpoint on a good day."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

from slipway.rehearsal.words import share, time

_NORMAL = NormalDist()
#: Shares of all requests at which a distribution is cut into bins; percentiles at these are exact.
_EDGES = (*(n / 100 for n in range(5, 100, 5)), 0.975, 0.99, 0.995, 0.999, 0.9999, 0.99999)
#: A healthy request in a thousand is slower than what counts as slow.
_SLOW = 0.999
MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True)
class Latency:
    """How long requests take: log-normal, as answers of servers usually are.

    Attributes
    ----------
    median
        Seconds; half of all requests are quicker.
    p99
        Seconds; one request in a hundred is slower. Above the median.
    """

    median: float
    p99: float

    def __post_init__(self) -> None:
        if not 0 < self.median < self.p99:
            raise ValueError(
                f"a median of {self.median:g} s and a 99th percentile of {self.p99:g} s are no latency: write a median "
                "above 0 and a larger 99th percentile"
            )

    @property
    def _spread(self) -> float:
        return math.log(self.p99 / self.median) / _NORMAL.inv_cdf(0.99)

    def at(self, share: float) -> float:
        """The time in seconds that a share of all requests, from 0 to 1, does not exceed."""
        share = min(max(share, 1e-6), 1 - 1e-6)
        return self.median * math.exp(self._spread * _NORMAL.inv_cdf(share))

    @property
    def mean(self) -> float:
        """Seconds."""
        return self.median * math.exp(self._spread**2 / 2)

    def slowed(self, factor: float) -> float:
        """How many more requests are slow, as a share of all, when each takes ``factor`` times as long.

        Slow is what takes longer than all but one healthy request in a thousand.
        """
        if factor <= 1:
            return 0.0
        reached = math.log(self.at(_SLOW) / factor / self.median) / self._spread
        return max(0.0, _SLOW - _NORMAL.cdf(reached))


@cache
def bins(latency: Latency, further: frozenset[float] = frozenset()) -> tuple[tuple[float, float], ...]:
    """A distribution as values with their shares.

    Parameters
    ----------
    latency
        The distribution.
    further
        Shares, such as 0.985 for p98.5, at which the percentile has to be exact besides the usual ones.

    Returns
    -------
    tuple
        Seconds, rising, and the share of all requests that takes so long; the shares add up to 1.
    """
    edges = sorted({*_EDGES, *(share for share in further if 0 < share < 1)})
    below = (0.0, *edges)
    shares = [(latency.at(edge), edge - last) for edge, last in zip(edges, below, strict=False)]
    return (*shares, (latency.at(1), 1 - edges[-1]))


@dataclass(frozen=True, slots=True)
class Baseline:
    """Healthy traffic. **Assumptions**, each of which can be set: a template does not say who calls.

    Attributes
    ----------
    requests
        Of the whole endpoint, each minute.
    latency
        Of the model.
    overhead
        What SageMaker adds.
    errors_4xx, errors_5xx
        Share of requests that fail on a good day, from 0 to 1.
    cpu, gpu
        Share of all cores and GPUs that the traffic uses, from 0 to 1.
    memory, disk, gpu_memory
        Share in use, from 0 to 1.
    """

    requests: float = 120.0
    latency: Latency = Latency(0.060, 0.200)
    overhead: Latency = Latency(0.010, 0.040)
    errors_4xx: float = 0.001
    errors_5xx: float = 0.0
    cpu: float = 0.35
    memory: float = 0.40
    disk: float = 0.20
    gpu: float = 0.40
    gpu_memory: float = 0.50

    def __post_init__(self) -> None:
        if not (math.isfinite(self.requests) and self.requests > 0):
            raise ValueError(f"{self.requests:g} requests a minute are none: write a number above 0")
        shares = ("errors_4xx", "errors_5xx", "cpu", "memory", "disk", "gpu", "gpu_memory")
        for name in shares:
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name):g} is out of range: write 0 or more, and less than 1")

    def sentences(self, *, gpus: bool) -> Iterable[str]:
        """What is assumed, for people."""
        yield (
            f"{self.requests:g} requests a minute, spread evenly; the model takes {time(self.latency.median)} at the "
            f"median and {time(self.latency.p99)} at the 99th percentile, SageMaker adds "
            f"{time(self.overhead.median)}."
        )
        yield f"{share(self.errors_4xx)} of requests are answered 4XX and {share(self.errors_5xx)} 5XX on a good day."
        of_gpus = f", GPUs {share(self.gpu)}, GPU memory {share(self.gpu_memory)}" if gpus else ""
        yield f"In use: CPU {share(self.cpu)}, memory {share(self.memory)}, disk {share(self.disk)}{of_gpus}."
