"""Rules on the cleanup of idle endpoints: only development is ever touched, and nothing goes unannounced."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from idle_endpoint_cleanup.tags import DEVELOPMENT
from slipway.spec.environment import Environment
from slipway.spec.errors import Problem, shown

if TYPE_CHECKING:
    from slipway.spec.rules import Subject


def cleanup(environment: Environment) -> Iterator[Problem]:
    """What is removed is of dev, and its owner has time to object.

    Parameters
    ----------
    environment
        A typed environment.

    Yields
    ------
    Problem
        What is wrong.
    """
    declared = environment.cleanup
    if not declared:
        return
    if declared.mode == "delete" and environment.environment != DEVELOPMENT:
        yield Problem(
            ("cleanup", "mode"),
            f"`delete` is for dev only, and this is {environment.environment}: write `mode: report`, or leave it out",
        )
    if declared.grace >= declared.window:
        yield Problem(
            ("cleanup", "grace"),
            f"{declared.grace} is no shorter than the window of {declared.window}, and only traffic within the window "
            "is known: write a shorter `grace` or a longer `window`",
            others=(("cleanup", "window"),),
        )


def kept(s: Subject) -> Iterator[Problem]:
    """A day until which an endpoint is kept is one."""
    keep = s.endpoint.keep
    if not isinstance(keep, str):
        return
    try:
        date.fromisoformat(keep)
    except ValueError:
        yield Problem((*s.path, "keep"), f"{shown(keep)} is no day: write it like 2026-12-31, or `true`")
