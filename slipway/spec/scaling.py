"""Autoscaling of instances, copies or provisioned concurrency: targets, steps, limits, and limits by the clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from slipway.spec.base import ShortName, Spec
from slipway.spec.errors import shown
from slipway.spec.units import Duration, Percent, between, steps_of

Cooldown = Annotated[
    Duration,
    steps_of(Duration(1), "cooldowns are whole seconds"),
    between(Duration(0), Duration(86400), "Application Auto Scaling"),
]
Share = Annotated[Percent, between(Percent(1), Percent(100), "a share of the machine")]
#: No quota comes near the most; every count between the limits is looked at.
Count = Annotated[int, Field(ge=0, le=10_000)]
#: What the limits count.
Unit = Literal["instance", "copy", "warm request"]


#: How an endpoint is hosted: what answers, and so what is published, watched and scaled.
Mode = Literal["instances", "serverless", "asynchronous", "components"]
#: What messages call them.
CALLED: Mapping[Mode, str] = {
    "instances": "real-time endpoints",
    "serverless": "serverless endpoints",
    "asynchronous": "asynchronous endpoints",
    "components": "inference components",
}
#: What can be tracked. Provisioned concurrency has one metric only; asynchronous endpoints publish no Invocations and
#: no concurrency (Developer Guide, "Metrics for monitoring Amazon SageMaker with Amazon CloudWatch").
TARGETS: Mapping[Mode, tuple[str, ...]] = {
    "instances": ("invocations_per_minute", "concurrency", "cpu", "gpu"),
    "serverless": ("provisioned_use",),
    "asynchronous": ("backlog", "cpu", "gpu"),
    "components": ("invocations_per_minute", "concurrency", "cpu", "gpu"),
}
#: What steps can look at.
STEPS: Mapping[Mode, tuple[str, ...]] = {
    "instances": ("cpu", "gpu", "memory", "latency"),
    "serverless": ("latency",),
    "asynchronous": ("cpu", "gpu", "memory", "latency", "backlog"),
    "components": ("cpu", "gpu", "memory", "latency"),
}
#: What is tracked where no target is named. 70 invocations a minute is the project's choice; the others are those of
#: the Developer Guide's examples.
DEFAULT_TARGETS: Mapping[Mode, tuple[str, float]] = {
    "instances": ("invocations_per_minute", 70.0),
    "serverless": ("provisioned_use", 70.0),
    "asynchronous": ("backlog", 5.0),
    "components": ("invocations_per_minute", 70.0),
}

_RATE = re.compile(r"[1-9][0-9]{0,8} (minute|hour|day)s?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
#: What a cron expression's fields are called, from where to where they count, and which words they know besides numbers
#: (Application Auto Scaling User Guide, "Schedule expressions").
_CRON_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minutes", 0, 59, ()),
    ("hours", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")),
    ("day of week", 1, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")),
    ("year", 1970, 2199, ()),
)
#: The last day or working day, the one nearest to a day, the last or n-th such day of the month.
_CRON_SPECIAL = {"day of month": r"L|LW|([0-9]{1,2})W", "day of week": r"L|([1-7]|[A-Z]{3})(L|#[1-5])"}


def _refused(why: str) -> PydanticCustomError:
    return PydanticCustomError("out_of_range", "{why}", {"why": why})


def _expression(text: str) -> str:
    kind, _, inner = text.removesuffix(")").partition("(")
    if kind == "cron":
        _cron(text, inner.split())
    if kind == "rate" and not _RATE.fullmatch(inner):
        raise _refused(
            f"{shown(text)} is no rate: write a whole number and minutes, hours or days, like rate(12 hours)"
        )
    if kind == "at" and not _is_moment(inner):
        raise _refused(f"{shown(text)} is no moment: write it like at(2026-12-24T08:00:00)")
    return text


def _cron(text: str, given: list[str]) -> None:
    """Refuse a cron expression that the service would not read."""
    like = "write it like cron(0 7 ? * MON-FRI *)"
    if len(given) != len(_CRON_FIELDS):
        names = ", ".join(name for name, _, _, _ in _CRON_FIELDS)
        raise _refused(f"{shown(text)} has {len(given)} fields, must have {len(_CRON_FIELDS)} ({names}): {like}")
    for field, (name, low, high, words) in zip(given, _CRON_FIELDS, strict=True):
        if not all(_is_cron(item, name, low, high, words) for item in field.split(",")):
            known = f"{low} to {high}{f' or {words[0]} to {words[-1]}' if words else ''}"
            raise _refused(f"{shown(text)} has {shown(field)} as {name}, which counts from {known}: {like}")
    if [given[2], given[4]].count("?") != 1:
        raise _refused(f"{shown(text)} needs ? as either day of month or day of week, not both: {like}")


def _is_cron(item: str, name: str, low: int, high: int, words: tuple[str, ...]) -> bool:
    """Whether one item of a field's list is a value, a range, a step or one of the field's own forms."""
    item = item.upper()
    if item == "?":
        return name in _CRON_SPECIAL
    if name in _CRON_SPECIAL and re.fullmatch(_CRON_SPECIAL[name], item):
        day = re.match(r"[0-9]+|[A-Z]{3}", item)
        return day is None or _is_cron(day[0], name, low, high, words)
    values, slash, step = item.partition("/")
    if slash and not (step.isdecimal() and 0 < int(step) <= high):
        return False
    if values == "*":
        return True
    first, dash, last = values.partition("-")
    return all(
        value in words or (value.isdecimal() and low <= int(value) <= high)
        for value in ((first, last) if dash else (first,))
    )


def _is_moment(text: str) -> bool:
    try:
        return bool(_MOMENT.fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _timezone(name: str) -> str:
    # A machine without a time zone database cannot tell; the service will.
    if name == "UTC" or not _timezones() or name in _timezones():
        return name
    lowered = {zone.lower(): zone for zone in _timezones()}
    by_city = {zone.rpartition("/")[2]: zone for zone in sorted(lowered)}
    near = get_close_matches(name.lower().replace(" ", "_"), [*sorted(lowered), *by_city], 1)
    cure = f"did you mean {lowered[by_city.get(near[0], near[0])]}?" if near else "write one such as Europe/Berlin"
    raise _refused(f"{shown(name)} is no IANA time zone: {cure}")


#: When something happens, as Application Auto Scaling and EventBridge Scheduler write it.
At = Annotated[str, Field(pattern=r"^(cron|rate|at)\(.+\)$"), AfterValidator(_expression)]
#: An IANA name.
Timezone = Annotated[str, AfterValidator(_timezone)]


class Schedule(Spec):
    """Other limits from a moment on, until another schedule changes them."""

    name: ShortName
    """Unique within the endpoint."""
    at: At
    """`cron(0 7 ? * MON-FRI *)`, `rate(1 day)` or `at(2026-12-24T08:00:00)`."""
    timezone: Timezone = "UTC"
    """An IANA name, such as `Europe/Berlin`."""
    min: Count
    """Fewest instances from then on; copies of a component; warm requests of a serverless endpoint."""
    max: Count
    """Most of them from then on."""


class Step(Spec):
    """Add or remove some at once, beside what the targets do."""

    metric: Literal["cpu", "gpu", "memory", "latency", "backlog"]
    """What is looked at."""
    above: Percent | Duration | Annotated[float, Field(gt=0)]
    """From which level on: a share of the machine, a latency, or a number of requests that wait for an instance."""
    add: Annotated[int, Field(ge=1, le=1000)]
    """How many are added."""


class Scaling(Spec):
    """Target tracking on one or more metrics.

    Without any: 70 invocations a minute for each instance or copy; 70 % of provisioned concurrency; 5 waiting requests
    for each instance of an asynchronous endpoint.
    """

    min: Count
    """Fewest instances; copies of a component; warm requests of a serverless endpoint. 0 for asynchronous endpoints and
    components, which start again with the next request. Default: 2 where guarded, else 1."""
    max: Count
    """Most of them. Default: 4."""
    invocations_per_minute: Annotated[float, Field(gt=0)] | None = None
    """Average invocations a minute for each instance or copy: 70 means 70 requests a minute, not 70 % of anything."""
    concurrency: Annotated[float, Field(gt=0)] | None = None
    """Requests in flight for each copy of the model, measured every 10 seconds."""
    cpu: Share | None = None
    """Share of all the machine's cores; 60 % of 4 cores is the metric's 240."""
    gpu: Share | None = None
    """Share of all the machine's GPUs; 60 % of 4 GPUs is the metric's 240."""
    provisioned_use: Share | None = None
    """Share of a serverless endpoint's provisioned concurrency in use."""
    backlog: Annotated[float, Field(gt=0)] | None = None
    """Requests that wait for each instance of an asynchronous endpoint."""
    steps: tuple[Step, ...] = Field(default=(), strict=False)
    """Jumps at some levels, beside the targets."""
    scale_out_cooldown: Cooldown = Duration(60)
    """Rest after adding some."""
    scale_in_cooldown: Cooldown = Duration(300)
    """Rest after removing some."""
    schedules: tuple[Schedule, ...] = Field(default=(), strict=False)
    """Other limits at other times."""

    def targets(self, mode: Mode) -> Mapping[str, float]:
        """What is tracked in a hosting mode, with the default where no target is named.

        Parameters
        ----------
        mode
            How the endpoint is hosted.

        Returns
        -------
        Mapping of str to float
            By key: requests, or percent of what there is.
        """
        keys = ("invocations_per_minute", "concurrency", "cpu", "gpu", "provisioned_use", "backlog")
        named = {key: float(getattr(self, key)) for key in keys if getattr(self, key) is not None}
        return named or dict([DEFAULT_TARGETS[mode]])

    @property
    def lowest(self) -> int:
        """The fewest that can ever be live, schedules included."""
        return min([self.min, *(s.min for s in self.schedules)])

    @property
    def highest(self) -> int:
        """The most that can ever be live, schedules included."""
        return max([self.max, *(s.max for s in self.schedules)])
