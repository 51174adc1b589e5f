"""Faults: what goes wrong with a new model, and what its instances then do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from slipway.rehearsal.words import share

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How instances behave at a moment, beside a healthy one.

    Attributes
    ----------
    errors_4xx, errors_5xx
        Share of requests that fail, from 0 to 1, besides the usual ones.
    slower
        How many times longer the model takes.
    memory, gpu_memory
        Share in use, from 0 to 1; ``None`` as usual.
    """

    errors_4xx: float = 0.0
    errors_5xx: float = 0.0
    slower: float = 1.0
    memory: float | None = None
    gpu_memory: float | None = None


HEALTHY = Behaviour()
#: The behaviour by the seconds since the instance, or the fleet, took its first request.
Course = Callable[[float], Behaviour]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong.

    Attributes
    ----------
    name
        As one asks for it.
    title
        For a table.
    what
        What happens, in a sentence for people.
    course
        How the sick instances behave.
    side
        Which fleet is sick; ``None`` for neither.
    each_instance
        Whether it goes by the age of each instance rather than of the fleet.
    provision
        How many times longer instances take to serve.
    calls
        Whether anybody calls while the update runs; afterwards they do in any case.
    gpu_only
        Whether it takes GPUs.
    """

    name: str
    title: str
    what: str
    course: Course
    side: Literal["old", "new"] | None = "new"
    each_instance: bool = False
    provision: float = 1.0
    calls: bool = True
    gpu_only: bool = False


@dataclass(frozen=True, slots=True)
class Strength:
    """How bad the faults are. **Assumptions**, each of which can be set.

    Attributes
    ----------
    slower
        How many times longer a slow model takes.
    failing
        Share of requests that fail in a burst, from 0 to 1.
    some
        Share of inputs on which the model crashes, from 0 to 1.
    """

    slower: float = 10.0
    failing: float = 0.30
    some: float = 0.02

    def __post_init__(self) -> None:
        if not self.slower > 1:
            raise ValueError(f"{self.slower:g} times as long is not slower: write more than 1")
        for name in ("failing", "some"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name}: {getattr(self, name):g} is out of range: write more than 0, at most 1")


_RAMP = 15 * MINUTE
_BURST_AFTER, _BURST = 1 * MINUTE, 5 * MINUTE
_LEAK_FROM, _LEAK_EACH_MINUTE, _RESTART = 0.40, 0.015, 2 * MINUTE
_LEAK = (1 - _LEAK_FROM) / _LEAK_EACH_MINUTE * MINUTE
_WARM_UP = 3 * MINUTE
_GPU_FULL, _GPU_OOM = 0.99, 0.10

HEALTHY_RUN = Fault(
    "healthy", "healthy traffic", "Nothing is wrong; nothing may be rolled back.", lambda _: HEALTHY, None
)


def matrix(strength: Strength = Strength()) -> tuple[Fault, ...]:
    """Every fault that is rehearsed, the healthy run first.

    Parameters
    ----------
    strength
        How bad they are.

    Returns
    -------
    tuple of Fault
        In the order of a report.
    """
    slower, failing, some = strength.slower, strength.failing, strength.some

    def ramp(age: float) -> Behaviour:
        return Behaviour(slower=1 + (slower - 1) * min(1.0, age / _RAMP))

    def burst(age: float) -> bool:
        return _BURST_AFTER <= age < _BURST_AFTER + _BURST

    return (
        HEALTHY_RUN,
        Fault(
            "latency-step",
            "slow from the start",
            f"The new model takes {slower:g} times as long, from its first request on.",
            lambda _: Behaviour(slower=slower),
        ),
        Fault(
            "latency-ramp",
            "slower and slower",
            f"The new model gets slower, to {slower:g} times as long after {_RAMP / MINUTE:g} minutes.",
            ramp,
        ),
        Fault(
            "errors-5xx",
            "5XX burst",
            f"The new model answers {share(failing)} of requests 5XX, for {_BURST / MINUTE:g} minutes, "
            f"{_BURST_AFTER / MINUTE:g} minute after its first request.",
            lambda age: Behaviour(errors_5xx=failing) if burst(age) else HEALTHY,
        ),
        Fault(
            "errors-4xx",
            "4XX burst",
            f"The new model refuses {share(failing)} of requests with 4XX, for {_BURST / MINUTE:g} minutes, "
            f"{_BURST_AFTER / MINUTE:g} minute after its first request.",
            lambda age: Behaviour(errors_4xx=failing) if burst(age) else HEALTHY,
        ),
        Fault(
            "crash",
            "crashes on some inputs",
            f"The new model's container fails on {share(some)} of requests (5XX), for as long as it serves.",
            lambda _: Behaviour(errors_5xx=some),
        ),
        Fault(
            "memory-leak",
            "memory leak",
            f"Each new instance fills {share(_LEAK_EACH_MINUTE)} of its memory a minute; after {_LEAK / MINUTE:.0f} "
            f"minutes its container is killed and its requests fail (5XX) for {_RESTART / MINUTE:g} minutes.",
            _leak,
            each_instance=True,
        ),
        Fault(
            "gpu-oom",
            "GPU out of memory",
            f"The new model fills the GPUs' memory, and {share(_GPU_OOM)} of requests, the large ones, fail (5XX).",
            lambda _: Behaviour(errors_5xx=_GPU_OOM, gpu_memory=_GPU_FULL),
            gpu_only=True,
        ),
        Fault(
            "cold-start",
            "slow cold start",
            f"New instances take twice as long to serve, and for {_WARM_UP / MINUTE:g} minutes after its first "
            f"request each answers {slower:g} times slower.",
            lambda age: Behaviour(slower=slower) if age < _WARM_UP else HEALTHY,
            each_instance=True,
            provision=2.0,
        ),
        Fault(
            "no-traffic",
            "nobody calls",
            "Nobody calls while the update runs; then the calls come back, and the new model fails on every one (5XX).",
            lambda _: Behaviour(errors_5xx=1.0),
            calls=False,
        ),
        Fault(
            "old-sick",
            "the old fleet is sick",
            f"The fleet that serves already fails on {share(failing)} of requests (5XX) and takes {slower:g} times as "
            "long; the new one is the cure, and must stay.",
            lambda _: Behaviour(errors_5xx=failing, slower=slower),
            side="old",
        ),
    )


def _leak(age: float) -> Behaviour:
    """Memory fills, the container is killed and comes back, and so on."""
    since = age % (_LEAK + _RESTART)
    if since >= _LEAK:
        return Behaviour(errors_5xx=1.0, memory=_LEAK_FROM)
    return Behaviour(memory=_LEAK_FROM + _LEAK_EACH_MINUTE * since / MINUTE)
