"""What a plan says, as data; every output is made from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from slipway.plan.changes import Change, PropertyChange
from slipway.plan.courses import Course, Span
from slipway.plan.findings import Finding, Kind
from slipway.plan.prices import Prices


@dataclass(frozen=True)
class EndpointPlan:
    """What happens to one endpoint.

    Attributes
    ----------
    name, logical_id
        Which one.
    kinds
        What kinds of change, the weightiest first, from ``kinds.ORDER``.
    models
        What the models are, before and after, where that changes.
    rolls
        Whether the endpoint is updated, so that its fleet moves.
    why
        What makes it move, or why it does not, in a sentence.
    courses
        The updates in time: its own, then those of its inference components.
    before, after
        By instance type: how many run while nothing is updated.
    peak
        By instance type: how many run at most, during the update or after it.
    findings
        What to know of it, the gravest first.
    """

    name: str
    logical_id: str
    kinds: tuple[str, ...]
    models: tuple[PropertyChange, ...]
    rolls: bool
    why: str
    courses: tuple[Course, ...]
    before: Mapping[str, Span]
    after: Mapping[str, Span]
    peak: Mapping[str, Span]
    findings: tuple[Finding, ...]

    @property
    def extra_hours(self) -> Mapping[str, Span]:
        """By instance type: instance-hours of double running."""
        found: dict[str, Span] = {}
        for course in self.courses:
            for type, hours in course.extra_hours.items():
                found[type] = found.get(type, Span(0, 0)) + hours
        return found

    @property
    def steady_change(self) -> Mapping[str, Span]:
        """By instance type: how many more run from then on; only where it changes."""
        nothing = Span(0, 0)
        every = {**self.before, **self.after}
        found = {type: self.after.get(type, nothing) - self.before.get(type, nothing) for type in every}
        return {type: span for type, span in found.items() if span != nothing}


@dataclass(frozen=True)
class StackPlan:
    """What happens to one stack.

    Attributes
    ----------
    name, account, region
        Which one.
    action
        ``new``, ``gone``, ``changed`` or ``unchanged``.
    changes
        Of its resources, in the order in which they are made.
    tags
        Of the stack that differ.
    endpoints
        In the order of the template.
    findings
        What to know of it besides its endpoints, the gravest first.
    """

    name: str
    account: str
    region: str
    action: str
    changes: tuple[Change, ...]
    tags: tuple[PropertyChange, ...]
    endpoints: tuple[EndpointPlan, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Quota:
    """The instances of a type that an account must be allowed to run.

    Attributes
    ----------
    name
        Of the Service Quota.
    account, region, type
        Where, and of what.
    least
        What it must be at least: the peaks of all these endpoints, as if they were updated at the same time.
    endpoints
        How many of them need it.
    """

    name: str
    account: str
    region: str
    type: str
    least: int
    endpoints: int


@dataclass(frozen=True)
class Plan:
    """What a deployment does.

    Attributes
    ----------
    old, new
        What is compared, in words.
    stacks
        In the order of deployment.
    quotas
        That the deployment needs, of all endpoints of these stacks.
    prices
        ``None`` where they are not known.
    assumptions
        What all of it rests on that the service does not document.
    """

    old: str
    new: str
    stacks: tuple[StackPlan, ...]
    quotas: tuple[Quota, ...] = ()
    prices: Prices | None = None
    assumptions: tuple[str, ...] = field(default=())

    @property
    def findings(self) -> Iterator[tuple[StackPlan, Finding]]:
        """All findings with their stacks."""
        for stack in self.stacks:
            for endpoint in stack.endpoints:
                yield from ((stack, finding) for finding in endpoint.findings)
            yield from ((stack, finding) for finding in stack.findings)

    def has(self, kinds: frozenset[Kind]) -> bool:
        """Whether there is a finding of one of these kinds."""
        return any(finding.kind in kinds for _, finding in self.findings)

    @property
    def changed(self) -> tuple[StackPlan, ...]:
        """The stacks to which anything happens."""
        return tuple(stack for stack in self.stacks if stack.action != "unchanged" or stack.findings)
