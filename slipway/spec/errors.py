"""How a mistake in a config is reported: every one of them, each with its place and its cure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

#: Characters of a wrong value that a message shows.
LONGEST_SHOWN = 80
Severity = Literal["error", "warning"]

#: A key's path inside the merged config, such as ``("endpoints", "iris", "deployment", "size")``.
Path = tuple[str | int, ...]


def dotted(path: Path) -> str:
    """Write a path as a user would: ``endpoints.iris.scaling.schedules[0].cron``.

    Parameters
    ----------
    path
        Keys and list positions from the top of the document.

    Returns
    -------
    str
        The path in one word, or ``(top)`` for the document itself.
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "(top)"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, or doubtful, in a config.

    Attributes
    ----------
    path
        Where it is.
    message
        What is wrong, the limit, and what to write instead.
    severity
        ``error`` stops; ``warning`` is for what the service's documentation leaves open.
    others
        Other keys that the finding rests on: a finding is dropped while one of those is itself in error.
    of_name
        Whether it is about the key's name and not about what stands under it.
    """

    path: Path
    message: str
    severity: Severity = "error"
    others: tuple[Path, ...] = field(default=(), compare=False)
    of_name: bool = field(default=False, compare=False)


def rests_on(problem: Problem, broken: Iterable[Path]) -> bool:
    """Say whether a finding rests on a key that is in error itself, so that it may be wrong.

    Parameters
    ----------
    problem
        The finding.
    broken
        Keys in error.

    Returns
    -------
    bool
        Whether one of them is a key of the finding, around it, or inside it.
    """

    def within(inner: Path, outer: Path) -> bool:
        return inner[: len(outer)] == outer

    for other in broken:
        if within(problem.path, other) or (within(other, problem.path) and not problem.of_name):
            return True
        if any(within(path, other) or within(other, path) for path in problem.others):
            return True
    return False


def shown(value: Any) -> str:  # noqa: ANN401  (whatever the YAML holds)
    """Write a wrong value as it stands in a config, short enough for a line.

    Parameters
    ----------
    value
        What YAML read.

    Returns
    -------
    str
        Such as ``'two'``, ``true``, ``null``, ``a list``.
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict | list | tuple):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value)
    return (
        text
        if len(text) <= LONGEST_SHOWN
        else f"{text[: LONGEST_SHOWN // 2]}…{text[-10:]} ({len(str(value))} characters)"
    )


@dataclass(frozen=True)
class Located:
    """A problem with the file and line that caused it.

    Attributes
    ----------
    file
        The file as the user named it; empty when the config did not come from a file.
    line
        One-based; 0 when unknown.
    problem
        The finding.
    """

    file: str
    line: int
    problem: Problem

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.file and self.line else f"{self.file}: " if self.file else ""
        warning = "warning: " if self.problem.severity == "warning" else ""
        key = f"{dotted(self.problem.path)}: " if self.problem.path else ""
        return f"{place}{warning}{key}{self.problem.message}"


class ConfigError(Exception):
    """A config that cannot be used.

    Parameters
    ----------
    problems
        All of its errors, in the order in which they stand in the files.
    """

    def __init__(self, problems: Iterable[Located]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
