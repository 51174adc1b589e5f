"""Read YAML so that every value remembers the file and line it came from, and merge such documents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import yaml

from slipway.spec.errors import ConfigError, Located, Path, Problem

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "tag:yaml.org,2002:merge"
_PLAIN_NUMBER = re.compile(
    r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?|[-+]?\.[0-9]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
#: Far more than a config of hundreds of endpoints needs; a few aliases of aliases make billions.
MOST_VALUES = 100_000
#: The spec itself is eight deep.
DEEPEST = 40


@dataclass
class Node:
    """A value of a YAML document and where its key stands.

    Attributes
    ----------
    value
        A mapping or list of further nodes, or a scalar.
    file, line
        Its place; lines count from one.
    text
        A scalar as it was written, before YAML made a number or a truth value of it.
    """

    value: Any
    file: str
    line: int
    text: str | None = None


@dataclass(frozen=True)
class Document:
    """A file that was read.

    Attributes
    ----------
    top
        Its mapping.
    problems
        What is wrong with single values in it; the rest can be looked at nevertheless.
    """

    top: Node
    problems: tuple[Located, ...]


class _TooMuch(Exception):  # noqa: N818  (no error to a caller: it ends the reading)
    """The tree has more values, or more levels, than any config."""


class _Reader:
    """Turns a composed YAML tree into nodes, and collects what is wrong with it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Located] = []
        self._scalars = yaml.constructor.SafeConstructor()
        self._left = MOST_VALUES
        self._open: set[int] = set()

    def _problem(self, line: int, path: Path, message: str) -> None:
        self.problems.append(Located(self.file, line, Problem(path, message)))

    def read(self, node: yaml.Node, path: Path, line: int | None = None) -> Node:
        line = node.start_mark.line + 1 if line is None else line
        self._left -= 1
        if self._left < 0:
            raise _TooMuch(f"has more than {MOST_VALUES:,} values, aliases included: write fewer")
        if len(path) > DEEPEST:
            raise _TooMuch(f"nests deeper than {DEEPEST} levels: no part of the config does")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path, line)
        if id(node) in self._open:
            self._problem(line, path, "is an alias of something around itself: write the value instead")
            return Node(None, self.file, line)
        if not node.tag.startswith("tag:yaml.org,2002:"):
            self._problem(line, path, f"has the tag {node.tag}, which means nothing here: remove it")
        self._open.add(id(node))
        value: Any
        if isinstance(node, yaml.MappingNode):
            value = self._mapping(node, path)
        else:
            value = [self.read(child, (*path, i)) for i, child in enumerate(node.value)]
        self._open.discard(id(node))
        return Node(value, self.file, line)

    def _scalar(self, node: yaml.ScalarNode, path: Path, line: int) -> Node:
        text = node.value
        try:
            value = self._scalars.construct_object(node)
        except yaml.constructor.ConstructorError as error:
            self._problem(line, path, f"YAML cannot read this value: {error.problem}; remove the tag")
            value = None
        except ValueError as error:
            self._problem(
                line, path, f'YAML cannot read this value: {error}; if it is text, write it in quotes: "{text}"'
            )
            value = None
        if isinstance(value, int | float) and not isinstance(value, bool) and not _PLAIN_NUMBER.fullmatch(text):
            # YAML 1.1 has octal numbers (010 is 8), clock times (1:30 is 90) and underscores.
            self._problem(
                line,
                path,
                f'YAML reads {text} as the number {value}: write it in quotes, "{text}", or as a plain decimal number',
            )
            value = None
        if not isinstance(value, str | int | float | bool | None):
            # YAML reads 2026-11-21 as a date; every such key of ours is text.
            value = text
        return Node(value, self.file, line, text)

    def _merged(self, node: yaml.MappingNode, path: Path) -> dict[str, Node]:
        """What ``<<`` brings in: the first of several mappings wins."""
        out: dict[str, Node] = {}
        for key_node, value_node in node.value:
            if key_node.tag != _MERGE:
                continue
            several = isinstance(value_node, yaml.SequenceNode)
            for source in value_node.value if several else [value_node]:
                read = self.read(source, path, key_node.start_mark.line + 1)
                if isinstance(read.value, dict):
                    out = {**read.value, **out}
                elif id(source) not in self._open:
                    self._problem(
                        read.line,
                        (*path, "<<"),
                        "takes an alias of a mapping, such as `<<: *common`, or a list of such",
                    )
        return out

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Node]:
        out: dict[str, Node] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                continue
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
        return {**self._merged(node, path), **out}


def read_yaml(path: FilePath) -> Document:
    """Read a file whose top is a mapping.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Document
        What it holds, and what is wrong with single values: a key that stands twice, a number that YAML misreads.

    Raises
    ------
    ConfigError
        If it cannot be read, is empty, is no YAML, or is no mapping.
    """
    file = str(path)
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except OSError as error:
        raise ConfigError([Located(file, 0, Problem((), f"cannot be read: {error.strerror}"))]) from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"byte {content[error.start]:#04x} is not UTF-8: save the file in that encoding"
        raise ConfigError([Located(file, line, Problem((), message))]) from None
    try:
        tree = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError([Located(file, mark.line + 1 if mark else 0, Problem((), f"is not YAML: {what}"))]) from None
    except yaml.reader.ReaderError as error:
        # The C reader counts bytes and gives a number, Python's counts characters and gives one.
        character = error.character if isinstance(error.character, int) else ord(error.character)
        line = content.count(b"\n", 0, error.position) + 1
        message = f"is not YAML: the character U+{character:04X} is not allowed: remove it"
        raise ConfigError([Located(file, line, Problem((), message))]) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError([Located(file, 0, Problem((), f"is not YAML: {error}"))]) from None
    if tree is None:
        message = "is empty: write at least what this environment is, such as `environment: dev`"
        raise ConfigError([Located(file, 1, Problem((), message))])
    if not isinstance(tree, yaml.MappingNode):
        raise ConfigError([Located(file, 1, Problem((), "must be a mapping (`key: value`) at its top"))])
    reader = _Reader(file)
    try:
        top = reader.read(tree, ())
    except _TooMuch as error:
        raise ConfigError([Located(file, 1, Problem((), str(error)))]) from None
    return Document(top, tuple(reader.problems))


#: By the key of a mapping that is a choice: the kinds, and the keys that each is known by.
_CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "image": {kind: (kind,) for kind in ("framework", "repository", "uri")},
    "hosting": {"serverless": ("serverless",), "instances": ("instance_type", "pools", "instances")},
    "model": {"pipeline": ("containers",), "package": ("package",), "container": ("image", "artifact", "models")},
}


def _choice(key: str, mapping: dict[str, Any]) -> str | None:
    """Which alternative a mapping chooses, for those keys whose mapping is a choice."""

    def text(name: str) -> str | None:
        found = mapping.get(name)
        found = found.value if isinstance(found, Node) else found
        return str(found) if found is not None else None

    if key == "deployment":
        return text("strategy")
    for kind, keys in _CHOICES.get(key, {}).items():
        if any(name in mapping for name in keys):
            return kind
    return None


def merge(below: Node, above: Node, key: str = "") -> Node:
    """Lay one document over another.

    Mappings merge by key; lists and scalars replace; ``null`` removes; a mapping that is a choice (an image, a
    strategy, a model, a hosting) replaces as a whole when it names another choice.

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
        return Node(_without_nulls(above.value), above.file, above.line, above.text)
    chosen, before = _choice(key, above.value), _choice(key, below.value)
    # A model without an image can still become either: what base.yaml says for the images of all environments stays.
    open_yet = before is None and key != "deployment"
    if chosen is not None and chosen != before and not open_yet:
        return Node(_without_nulls(above.value), above.file, above.line)
    out = dict(below.value)
    for name, node in above.value.items():
        if node.value is None:
            out.pop(name, None)
        elif name in out:
            # Each container of a pipeline is a choice as a model is.
            out[name] = merge(out[name], node, "model" if key == "containers" else name)
        else:
            out[name] = Node(_without_nulls(node.value), node.file, node.line, node.text)
    return Node(out, above.file, above.line)


def _without_nulls(value: Any) -> Any:  # noqa: ANN401  (any YAML value)
    if isinstance(value, list):
        return [Node(_without_nulls(n.value), n.file, n.line, n.text) for n in value]
    if not isinstance(value, dict):
        return value
    kept = {k: n for k, n in value.items() if n.value is not None}
    return {k: Node(_without_nulls(n.value), n.file, n.line, n.text) for k, n in kept.items()}


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


def find(node: Node, path: Path) -> Node | None:
    """Find the value of a key.

    Parameters
    ----------
    node
        The document.
    path
        The key.

    Returns
    -------
    Node or None
        The value with its place; ``None`` when the key does not stand there.
    """
    for part in path:
        value = node.value
        if part not in (value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()):
            return None
        node = value[part]
    return node


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
    around = [find(node, path[:depth]) for depth in range(len(path) + 1)]
    written = [one for one in around if one is not None and one.line]
    return (written[-1].file, written[-1].line) if written else (node.file, node.line)
