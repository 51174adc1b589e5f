"""Properties as a template or an API call has them: what is right is read, what is wrong is noted, all of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeGuard

from slipway.spec.errors import Path, Problem, dotted


class DeclarationError(ValueError):
    """Properties that the service would refuse, or that this model cannot follow.

    Attributes
    ----------
    problems
        Everything that is wrong, each with its place inside the properties.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{dotted(problem.path)}: {problem.message}" for problem in problems))


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)


class Reader:
    """Reads properties; each method notes what is wrong and returns a stand-in for it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def check(self) -> None:
        """Raise what was noted.

        Raises
        ------
        DeclarationError
            If there is anything.
        """
        if self.problems:
            raise DeclarationError(self.problems)

    def wrong(self, path: Path, message: str) -> None:
        """Note a problem: what it is, and what to write instead."""
        self.problems.append(Problem(path, message))

    def mapping(self, path: Path, given: object) -> Mapping[str, object]:
        """Keys and values; an empty one for anything else."""
        if _is_mapping(given):
            return given
        self.wrong(path, f"{given!r} is no mapping")
        return {}

    def items(self, path: Path, given: object) -> Sequence[object]:
        """A list; none is an empty one."""
        if given is None:
            return ()
        if isinstance(given, Sequence) and not isinstance(given, str):
            return given
        self.wrong(path, f"{given!r} is no list")
        return ()

    def text(self, path: Path, given: object) -> str:
        """A text that is not empty."""
        if isinstance(given, str) and given:
            return given
        self.wrong(path, f"{given!r} is no text" if given is not None else "is required")
        return ""

    def real(self, path: Path, given: object) -> float:
        """A number, which may be written as text, as CloudFormation allows."""
        text = str(given) if isinstance(given, (int, float, str)) and not isinstance(given, bool) else ""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if math.isfinite(value):
            return value
        self.wrong(path, f"{given!r} is no number" if given is not None else "is required")
        return 0.0

    def number(self, path: Path, given: object, least: int, most: int | None = None) -> int:
        """A whole number between limits; the least where it is wrong."""
        noted = len(self.problems)
        value = self.real(path, given)
        if len(self.problems) > noted:
            return least
        if value != int(value) or value < least or (most is not None and value > most):
            limit = f"{least} to {most}" if most is not None else f"{least} or more"
            self.wrong(path, f"{given} is out of range: write a whole number, {limit}")
            return least
        return int(value)
