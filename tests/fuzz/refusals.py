"""What makes a refusal clear: it names a key, the limit or the cure, in one line, and in words of the config."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from slipway.spec.errors import ConfigError, Located, dotted

SCHEMA = Path(__file__).parent.parent.parent / "config" / "schema.json"
#: What to do, or within which limits.
_CURE = re.compile(
    r"\b(write|remove|leave|use|name|give|say|keep|add|drop|move|host|have|list|call|serve|put|turn|declare|shorten)\b|"
    r"\b(look|wait|scale|narrow|must|needs?|set|exactly|whole|such as|one of|like|known here|did you mean|known:)\b|"
    r"\b(at least|at most|out of range|is not an?|is not true or false|stands twice|is missing|multiple of|allowed)\b|"
    r"counted from|is not '.*' or '",
    re.IGNORECASE,
)
#: The words of the libraries that look at the config, and of Python.
_JARGON = re.compile(
    r"Input should|Extra inputs|Value error|validation error|Field required|Traceback|<class|object at 0x|\bNone\b"
)


@cache
def keys() -> frozenset[str]:
    """Every key that the config has somewhere."""

    def within(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            yield from node.get("properties", {})
            for inner in node.values():
                yield from within(inner)
        elif isinstance(node, list):
            for inner in node:
                yield from within(inner)

    return frozenset(within(json.loads(SCHEMA.read_text(encoding="utf-8"))))


def _leads_somewhere(path: tuple[str | int, ...], declaration: Mapping[str, Any]) -> bool:
    """Whether a path is in the declaration, or goes on from there by keys that are missing or have a default."""
    node: Any = declaration
    for i, part in enumerate(path):
        if isinstance(node, list):
            node = dict(enumerate(node))
        if not isinstance(node, dict) or part not in node:
            return all(isinstance(key, str) and key in keys() for key in path[i:])
        node = node[part]
    return bool(path)


def _unclear(located: Located, declaration: Mapping[str, Any]) -> Iterator[str]:
    path, line = located.problem.path, str(located)
    if len(line.splitlines()) != 1 or len(line) > 1200:
        yield f"{len(line.splitlines())} lines, {len(line)} characters"
    if not _leads_somewhere(path, declaration) or not line.startswith(f"{dotted(path)}: "):
        yield "names no key of the declaration"
    if not _CURE.search(located.problem.message):
        yield "says no cure and no limit"
    if _JARGON.search(located.problem.message):
        yield "speaks of what looks at the config"


def unclear(error: ConfigError, declaration: Mapping[str, Any]) -> list[str]:
    """Say what is unclear about a refusal.

    Parameters
    ----------
    error
        The refusal.
    declaration
        What was refused.

    Returns
    -------
    list of str
        One line each, with the message.
    """
    found = [f"{what}: {located}" for located in error.problems for what in _unclear(located, declaration)]
    return found if error.problems else ["a refusal without a reason"]
