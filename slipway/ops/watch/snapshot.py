"""What one look at an endpoint finds: data, which is judged elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from slipway.ops.live import Live

ALARM = "ALARM"
#: SageMaker publishes by the minute.
MINUTE = 60
#: Characters of a name that are shown whole.
_SHORT = 24


@dataclass(frozen=True, slots=True)
class DeclaredVariant:
    """A variant as an endpoint config has it.

    Attributes
    ----------
    name
        Its name.
    count
        InitialInstanceCount; 0 for serverless variants.
    type
        Such as ``ml.m5.large``; empty where there are several or none.
    weight
        InitialVariantWeight.
    hosting
        Only on instances do metrics tell the old fleet from the new one.
    """

    name: str
    count: int
    type: str
    weight: float
    hosting: Literal["instances", "serverless", "components"] = "instances"


@dataclass(frozen=True, slots=True)
class ConfigSeen:
    """An endpoint config.

    Attributes
    ----------
    name
        As it was created.
    version
        From its tag; empty where there is none, or where the tags could not be read.
    created
        When; ``None`` where it could not be described, as when it was deleted.
    variants
        Production variants.
    """

    name: str
    version: str = ""
    created: datetime | None = None
    variants: tuple[DeclaredVariant, ...] = ()

    def __str__(self) -> str:
        return f"version {self.version} ({self.short})" if self.version else self.name

    @property
    def short(self) -> str:
        """The end of a generated name, which tells it from the others of its endpoint."""
        return self.name if len(self.name) <= _SHORT else f"…{self.name.rsplit('-', 1)[-1][-_SHORT:]}"


@dataclass(frozen=True, slots=True)
class StackSeen:
    """The endpoint's stack.

    Attributes
    ----------
    name
        Its name.
    status
        Such as ``UPDATE_IN_PROGRESS``.
    config
        The endpoint config that it holds, perhaps in lower case.
    """

    name: str
    status: str
    config: str

    @property
    def moving(self) -> bool:
        """Whether it is being changed, so that the endpoint may still be to come."""
        return self.status.endswith("_IN_PROGRESS") and "CLEANUP" not in self.status


@dataclass(frozen=True, slots=True)
class AlarmSeen:
    """A rollback alarm.

    Attributes
    ----------
    name
        Its name.
    state
        ``OK``, ``ALARM``, ``INSUFFICIENT_DATA``, or ``missing`` when there is no such alarm.
    reason
        In CloudWatch's words.
    since
        When it got into that state; ``None`` where that is not said.
    """

    name: str
    state: str
    reason: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trip:
    """An alarm went off.

    Attributes
    ----------
    name
        Of the alarm.
    at
        When.
    reason
        In CloudWatch's words; may be empty.
    """

    name: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Requests:
    """What a fleet answered since the update began, as far as CloudWatch has it, which is a minute or two behind.

    Attributes
    ----------
    requests
        Of an asynchronous endpoint those that were processed.
    errors_4xx, errors_5xx, model_errors, failures
        Of them; failures are those of asynchronous endpoints.
    latency
        p95 of ModelLatency in its latest minute, in seconds; ``None`` without any.
    by_minute
        Requests by the start of their minute, in seconds since the epoch; no minute without any.
    """

    requests: float = 0.0
    errors_4xx: float = 0.0
    errors_5xx: float = 0.0
    model_errors: float = 0.0
    failures: float = 0.0
    latency: float | None = None
    by_minute: Mapping[int, float] = field(default_factory=dict)

    def between(self, start: datetime, end: datetime) -> float:
        """Requests of the minutes that overlap a span."""
        first, last = start.timestamp() - MINUTE, end.timestamp()
        return sum(count for minute, count in self.by_minute.items() if first < minute < last)

    @property
    def errors(self) -> str:
        """Those that there are: ``5XX: 3, model errors: 1``; ``no errors``."""
        named = {
            "4XX": self.errors_4xx,
            "5XX": self.errors_5xx,
            "model errors": self.model_errors,
            "failures": self.failures,
        }
        found = [f"{name}: {count:,.0f}" for name, count in named.items() if count]
        return ", ".join(found) or "no errors"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be looked at; the watch goes on without it.

    Attributes
    ----------
    what
        Such as ``the alarms``.
    permission
        The action that is missing; empty when something else stands in the way.
    why
        In AWS's words.
    """

    what: str
    permission: str
    why: str

    def __str__(self) -> str:
        if self.permission:
            return f"{self.what} cannot be seen: {self.permission} is not allowed; the watch goes on without"
        return f"{self.what} cannot be seen ({self.why}); the watch goes on without"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look.

    Attributes
    ----------
    at
        When, by AWS's clock.
    live
        The endpoint; ``None`` when there is none.
    stack
        Its stack; ``None`` when it has none, or that cannot be seen.
    configs
        The endpoint configs that matter, by name in lower case.
    deployment
        The DeploymentConfig that the update follows, or the last one did; empty when there is none.
    alarms
        Those of the DeploymentConfig, in its order; ``None`` where they cannot be seen.
    trips
        When nothing is under way and another config serves than the expected one: which alarms went off since; ``None``
        where that cannot be seen.
    new, old
        What the fleets answered; ``None`` where that is not known.
    gaps
        What cannot be seen, all of it so far.
    """

    at: datetime
    live: Live | None
    stack: StackSeen | None = None
    configs: Mapping[str, ConfigSeen] = field(default_factory=dict)
    deployment: Mapping[str, object] = field(default_factory=dict)
    alarms: tuple[AlarmSeen, ...] | None = ()
    trips: tuple[Trip, ...] | None = ()
    new: Requests | None = None
    old: Requests | None = None
    gaps: tuple[Gap, ...] = ()

    @property
    def there(self) -> bool:
        """Whether the endpoint exists."""
        return self.live is not None

    def config(self, name: str) -> ConfigSeen:
        """An endpoint config by its name in any case; what is not known of it is empty."""
        return self.configs.get(name.casefold()) or ConfigSeen(name)
