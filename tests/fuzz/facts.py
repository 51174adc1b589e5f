"""What the service excludes and limits, written down a second time: from its documentation, not from our rules.

A fact looks at what is deployed, whatever the config said, and yields what contradicts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.fuzz import alarm_facts, hosting_facts, scaling_facts, update_facts
from tests.fuzz.stack import Stack

Fact = Callable[[Stack], Iterator[str]]
FACTS: tuple[Fact, ...] = (*update_facts.FACTS, *alarm_facts.FACTS, *scaling_facts.FACTS, *hosting_facts.FACTS)


def contradictions(stack: Stack) -> list[str]:
    """Say which facts a stack contradicts.

    Parameters
    ----------
    stack
        The stack.

    Returns
    -------
    list of str
        One line each, with the name of the fact.
    """
    return [f"{fact.__name__}: {what}" for fact in FACTS for what in fact(stack)]
