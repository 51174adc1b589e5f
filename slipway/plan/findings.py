"""What a reviewer must know of a change: its kinds, in the order in which they matter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of findings, the gravest first. A pipeline can stop at any of them."""

    REFUSED = "refused"
    """The service or CloudFormation would refuse the change, or the update cannot succeed."""
    LIVE = "live"
    """What runs is not what the stack believes, or nothing can be changed now."""
    DATA_LOSS = "data-loss"
    """Data is deleted."""
    REPLACEMENT = "replacement"
    """An endpoint, or anything else that is known by its name, becomes another one."""
    REMOVAL = "removal"
    """An endpoint goes."""
    SECURITY = "security"
    """Rights or network access change."""
    IGNORED = "ignored"
    """What is written in the change and has no effect."""
    CAUTION = "caution"
    """What a reviewer should weigh."""


#: At which kinds a plan fails when nothing else is said: whatever cannot work, and what cannot be undone.
FATAL = (Kind.REFUSED, Kind.LIVE, Kind.DATA_LOSS)


@dataclass(frozen=True)
class Finding:
    """Something to know before the change is made.

    Attributes
    ----------
    kind
        What it is about.
    text
        What is the case, and why; a sentence or two.
    steps
        What to do instead, in order; empty where there is nothing to do.
    where
        The endpoint, component or resource; empty for the whole stack.
    details
        What it is in full, a line each, such as the statements of a policy.
    """

    kind: Kind
    text: str
    steps: tuple[str, ...] = ()
    where: str = ""
    details: tuple[str, ...] = ()


def ranked(findings: list[Finding]) -> tuple[Finding, ...]:
    """Sort findings, the gravest first; those of a kind keep their order, and none is said twice."""
    order = list(Kind)
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: order.index(finding.kind)))
