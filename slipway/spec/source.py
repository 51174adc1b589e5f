"""Read YAML so that every value remembers the file and line it came from, and merge such documents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import yaml

from slipway.spec.errors import ConfigError, Located, Path, Problem

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Node:
    """A value of a YAML document and where its key stands.

    Attributes
    ----------
    value
        A mapping or list of further nodes, or a scalar.
    file, line
        Its place; lines count from one.
    """

    value: Any
    file: str
    line: int


class _Reader:
    """Turns a composed YAML tree into nodes, and collects what is wrong with it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Located] = []
        self._scalars = yaml.constructor.SafeConstructor()

    def _problem(self, line: int, path: Path, message: str) -> None:
        self.problems.append(Located(self.file, line, Problem(path, message)))

    def read(self, node: yaml.Node, path: Path, line: int | None = None) -> Node:
        line = node.start_mark.line + 1 if line is None else line
        if isinstance(node, yaml.MappingNode):
            return Node(self._mapping(node, path), self.file, line)
        if isinstance(node, yaml.SequenceNode):
            items = [self.read(child, (*path, i)) for i, child in enumerate(node.value)]
            return Node(items, self.file, line)
        try:
            value = self._scalars.construct_object(node)
        except (yaml.constructor.ConstructorError, ValueError) as error:
            self._problem(line, path, f"YAML cannot read this value: {error}")
            value = None
        if not isinstance(value, str | int | float | bool | None):
            # YAML reads 2026-11-21 as a date; every such key of ours is text.
            value = node.value
        return Node(value, self.file, line)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Node]:
        out: dict[str, Node] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                self._problem(line, path, "a key must be a plain word")
                continue
            if key in out:
                first = out[key].line
                self._problem(
                    line,
                    (*path, key),
                    f"stands twice in this mapping (first in line {first}): keep one of them",
                )
                continue
            out[key] = self.read(value_node, (*path, key), line)
        return out


def read_yaml(path: FilePath, name: str | None = None) -> Node:
    """Read a file whose top is a mapping.

    Parameters
    ----------
    path
        The file.
    name
        What errors call it; its path by default.

    Returns
    -------
    Node
        The document.

    Raises
    ------
    ConfigError
        If it cannot be read, is empty, is no YAML, is no mapping, or has a key twice.
    """
    file = name or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError([Located(file, 0, Problem((), f"cannot be read: {why}"))]) from None
    try:
        tree = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError([Located(file, mark.line + 1 if mark else 0, Problem((), f"is not YAML: {what}"))]) from None
    except yaml.YAMLError as error:
        raise ConfigError([Located(file, 0, Problem((), f"is not YAML: {error}"))]) from None
    if tree is None:
        message = "is empty: write at least what this environment is, such as `environment: dev`"
        raise ConfigError([Located(file, 1, Problem((), message))])
    if not isinstance(tree, yaml.MappingNode):
        raise ConfigError([Located(file, 1, Problem((), "must be a mapping (`key: value`) at its top"))])
    reader = _Reader(file)
    node = reader.read(tree, ())
    if reader.problems:
        raise ConfigError(reader.problems)
    return node


def _choice(key: str, mapping: dict[str, Any]) -> str | None:
    """Which alternative a mapping chooses, for those keys whose mapping is a choice."""

    def text(name: str) -> str | None:
        found = mapping.get(name)
        found = found.value if isinstance(found, Node) else found
        return str(found) if found is not None else None

    if key == "deployment":
        return text("strategy")
    if key == "image":
        return next((kind for kind in ("framework", "repository", "uri") if kind in mapping), None)
    return None


def merge(below: Node, above: Node, key: str = "") -> Node:
    """Lay one document over another.

    Mappings merge by key; lists and scalars replace; ``null`` removes; a mapping that is a choice (an image, a
    strategy) replaces as a whole when it names another choice.

    Parameters
    ----------
    below, above
        The base and what is laid over it.
    key
        The key under which they stand.

    Returns
    -------
    Node
        The result; values keep the place they came from.
    """
    if not (isinstance(below.value, dict) and isinstance(above.value, dict)):
        return above
    chosen = _choice(key, above.value)
    if chosen is not None and chosen != _choice(key, below.value):
        return Node(_without_nulls(above.value), above.file, above.line)
    out = dict(below.value)
    for name, node in above.value.items():
        if node.value is None:
            out.pop(name, None)
        elif name in out:
            out[name] = merge(out[name], node, name)
        else:
            out[name] = Node(_without_nulls(node.value), node.file, node.line) if node.value else node
    return Node(out, above.file, above.line)


def _without_nulls(value: Any) -> Any:  # noqa: ANN401  (any YAML value)
    if not isinstance(value, dict):
        return value
    kept = {k: n for k, n in value.items() if n.value is not None}
    return {k: Node(_without_nulls(n.value), n.file, n.line) for k, n in kept.items()}


def from_plain(value: Any, file: str) -> Node:  # noqa: ANN401  (any plain data)
    """Wrap plain data as nodes without lines, so that defaults merge like documents.

    Parameters
    ----------
    value
        Mappings, lists and scalars.
    file
        What to call their origin.

    Returns
    -------
    Node
        The same data.
    """
    if isinstance(value, dict):
        return Node({k: from_plain(v, file) for k, v in value.items()}, file, 0)
    if isinstance(value, list | tuple):
        return Node([from_plain(v, file) for v in value], file, 0)
    return Node(value, file, 0)


def to_plain(node: Node) -> Any:  # noqa: ANN401  (any plain data)
    """Take the values out of nodes.

    Parameters
    ----------
    node
        A document.

    Returns
    -------
    Any
        Mappings, lists and scalars.
    """
    if isinstance(node.value, dict):
        return {key: to_plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [to_plain(child) for child in node.value]
    return node.value


def locate(node: Node, path: Path) -> tuple[str, int]:
    """Find where a key stands, or the nearest mapping around it that stands anywhere.

    Parameters
    ----------
    node
        The document.
    path
        The key.

    Returns
    -------
    tuple of str and int
        File and line; line 0 when nothing on the way was written by a user.
    """
    place = (node.file, node.line)
    for part in path:
        value = node.value
        if (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            node = value[part]
        else:
            break
        if node.line:
            place = (node.file, node.line)
    return place
