"""CloudFormation's schemas of resource types, and what they say of properties that are laid over others.

The schemas are the copies that cfn-lint carries, which need not be installed where nobody uses `overrides`. They use a
small part of JSON Schema, and here they are applied to a part of a resource, whose lists are addressed by position.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path as FilePath
from typing import Any

from slipway.spec.errors import Path, Severity, shown

_FALLBACK_REGION = "us-east-1"
#: How many allowed values a message lists before it only names those that come close.
_MOST_LISTED = 12
Schema = Mapping[str, Any]
#: What is known of the properties below, by path: whether a mapping is there, or how many items a list has.
Below = Mapping[tuple[str, ...], bool | int]


class NoSchemasError(Exception):
    """cfn-lint, which carries the schemas, is not installed."""


@cache
def _folder() -> FilePath:
    # Importing cfn-lint to find its folder would take a third of a second.
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise NoSchemasError
    return FilePath(spec.origin).parent / "data" / "schemas"


@cache
def _types(region: str) -> dict[str, str]:
    """Return which schema each type has in a Region; empty for a Region that cfn-lint lacks."""
    file = _folder() / "providers" / f"{region}.json"
    if not file.is_file():
        return {}
    types: dict[str, str] = json.loads(file.read_text())
    return types


@cache
def schema(resource_type: str, region: str = _FALLBACK_REGION) -> dict[str, Any]:
    """Read a type's schema.

    Parameters
    ----------
    resource_type
        Such as ``AWS::SageMaker::Model``.
    region
        The Region. Where it is not known the schema of us-east-1 stands in: new Regions appear before cfn-lint carries
        them.

    Returns
    -------
    dict
        The schema; empty for a type that has none (``Custom::X``).

    Raises
    ------
    NoSchemasError
        If cfn-lint is not installed.
    """
    version = _types(region).get(resource_type) or _types(_FALLBACK_REGION).get(resource_type)
    if version is None:
        return {}
    document: dict[str, Any] = json.loads((_folder() / "resources" / f"{version}.json").read_text())
    return document


@dataclass(frozen=True)
class Finding:
    """What a schema says against a property.

    Attributes
    ----------
    path
        Keys from the resource to the property, as they were written.
    message
        What is wrong, the limit, and what to write instead.
    severity
        A warning where the schema is known to lag behind the service.
    """

    path: Path
    message: str
    severity: Severity = "error"


def check(resource_type: str, region: str, properties: Mapping[str, Any], below: Below) -> Iterator[Finding]:
    """Hold properties that are laid over others against the schema of their type.

    Parameters
    ----------
    resource_type, region
        Which schema.
    properties
        What is laid over: mappings merge by key, an item of a list goes by its position, the rest replaces.
    below
        What they are laid over, as far as it is known.

    Yields
    ------
    Finding
        Unknown and read-only properties, wrong types and values, positions that do not exist, and members that are
        missing in what was not there before. Intrinsic functions pass.

    Raises
    ------
    NoSchemasError
        If cfn-lint is not installed.
    """
    yield from _Check(schema(resource_type, region), resource_type, below).mapping((), properties)


class _Check:
    """One resource's properties; ``path`` is as it was written, and compared as text."""

    def __init__(self, document: Schema, resource_type: str, below: Below) -> None:
        self._document = document
        self._source = resource_type.replace("AWS::SageMaker::", "CFN:")
        self._below = below
        self._read_only = {
            tuple(path.removeprefix("/properties/").split("/")) for path in document.get("readOnlyProperties", ())
        }

    def mapping(self, path: Path, value: Mapping[str, Any]) -> Iterator[Finding]:
        """The resource itself, which is there already."""
        yield from self._mapping(path, value, self._document, new=False)

    def _value(self, path: Path, value: Any, node: Schema, *, new: bool) -> Iterator[Finding]:  # noqa: ANN401
        """A property; ``new`` says that certainly nothing is below it."""
        while "$ref" in node:
            node = self._document["definitions"][node["$ref"].rsplit("/", 1)[-1]]
        if any(_fits(path, read_only) for read_only in self._read_only):
            yield Finding(path, "is read-only: CloudFormation says it, nobody sets it; remove it")
            return
        if intrinsic(value):
            return
        known = self._below.get(tuple(map(str, path)))
        if known is not None:
            new = not known
        if "items" in node:
            yield from self._list(path, value, node, new=new, count=None if isinstance(known, bool) else known)
        elif "properties" in node or "patternProperties" in node:
            if isinstance(value, Mapping):
                yield from self._mapping(path, value, node, new=new)
            else:
                yield Finding(path, f"{shown(value)} is not a mapping ({self._source})")
        else:
            yield from self._scalar(path, value, node)

    def _mapping(self, path: Path, value: Mapping[str, Any], node: Schema, *, new: bool) -> Iterator[Finding]:
        known: Mapping[str, Any] = node.get("properties", {})
        for key, inner in value.items():
            if key in known:
                yield from self._value((*path, key), inner, known[key], new=new)
                continue
            pattern = next((p for p in node.get("patternProperties", {}) if re.search(p, str(key))), None)
            if pattern is not None:
                yield from self._value((*path, key), inner, node["patternProperties"][pattern], new=new)
            elif node.get("additionalProperties") is False:
                close = get_close_matches(str(key), known, 1)
                hint = f"did you mean {close[0]}? " if close else ""
                listed = f"known here: {', '.join(known)}" if known else "its name is not accepted"
                yield Finding((*path, key), f"is unknown: {hint}({listed}; {self._source})")
        missing = [key for key in node.get("required", ()) if key not in value]
        if new and missing:
            yield Finding(path, f"needs {' and '.join(missing)} too, which nothing else says ({self._source})")

    def _list(self, path: Path, value: Any, node: Schema, *, new: bool, count: int | None) -> Iterator[Finding]:  # noqa: ANN401
        if isinstance(value, list | tuple):
            for key, over in (("minItems", False), ("maxItems", True)):
                limit = node.get(key)
                if limit is not None and (len(value) > limit if over else len(value) < limit):
                    most = "at most" if over else "at least"
                    yield Finding(path, f"has {len(value)} items: {most} {limit} ({self._source})")
            for i, item in enumerate(value):
                yield from self._value((*path, i), item, node["items"], new=True)
            return
        if not isinstance(value, Mapping):
            yield Finding(path, f"{shown(value)} is not a list ({self._source})")
            return
        if new:
            yield Finding(path, "there is no list here whose items could be named by position: write a list")
            return
        positions = sorted(int(str(key)) for key in value if str(key).isdecimal())
        for key, item in value.items():
            if not str(key).isdecimal():
                yield Finding((*path, key), f"{shown(key)} is no position: items are counted from 0")
                continue
            at = int(str(key))
            if count is not None and at > count + sum(1 for p in positions if count <= p < at):
                there = "is 1 item: write 0" if count == 1 else f"are {count} items: write 0 to {count - 1}"
                yield Finding((*path, key), f"there {there}, or {count} to add one")
                continue
            yield from self._value((*path, key), item, node["items"], new=count is not None and at >= count)

    def _scalar(self, path: Path, value: Any, node: Schema) -> Iterator[Finding]:  # noqa: ANN401
        allowed = node.get("type", [])
        types = [allowed] if isinstance(allowed, str) else list(allowed)
        if types and not any(_is(value, one) for one in types):
            wanted = " or ".join(_TYPES[one][0] for one in types)
            quotes = ": write it in quotes" if "string" in types and isinstance(value, int | float) else ""
            yield Finding(path, f"{shown(value)} is not {wanted}{quotes} ({self._source})")
            return
        if "enum" in node and value not in node["enum"]:
            listed = [str(one) for one in node["enum"]]
            close = get_close_matches(str(value), listed, 3)
            cure = f"one of {', '.join(listed)}" if len(listed) <= _MOST_LISTED else f"such as {', '.join(close)}"
            # New instance types appear before the schemas know them.
            severity: Severity = "warning" if path[-1] == "InstanceType" else "error"
            where = f"{cure}; {self._source}" if close or len(listed) <= _MOST_LISTED else self._source
            yield Finding(path, f"{shown(value)} is none of the allowed values ({where})", severity)
            return
        yield from self._limits(path, value, node)

    def _limits(self, path: Path, value: Any, node: Schema) -> Iterator[Finding]:  # noqa: ANN401
        size: float
        if isinstance(value, str):
            low, high, size, unit = node.get("minLength"), node.get("maxLength"), len(value), " characters"
        elif isinstance(value, int | float) and not isinstance(value, bool):
            low, high, size, unit = node.get("minimum"), node.get("maximum"), value, ""
        else:
            return
        if (low is not None and size < low) or (high is not None and size > high):
            span = (
                f"{low} to {high}"
                if None not in (low, high)
                else f"at least {low}"
                if high is None
                else f"at most {high}"
            )
            what = f"has {size} characters" if unit else shown(value)
            yield Finding(path, f"{what} is out of range: {span}{unit} ({self._source})")
        elif isinstance(value, str) and "pattern" in node and not _matches(node["pattern"], value):
            yield Finding(path, f"{shown(value)} does not match {node['pattern']} ({self._source})")


#: By type: what a message calls it, and what Python reads it as; a truth value is none of the numbers.
_TYPES: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "string": ("text", (str,)),
    "boolean": ("true or false", (bool,)),
    "integer": ("a whole number", (int,)),
    "number": ("a number", (int, float)),
    "object": ("a mapping", (Mapping,)),
    "array": ("a list", (list, tuple)),
}


def _is(value: Any, type: str) -> bool:  # noqa: ANN401
    kinds = _TYPES[type][1]
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def intrinsic(value: Any) -> bool:  # noqa: ANN401
    """Whether a value is a function that CloudFormation evaluates.

    Parameters
    ----------
    value
        Any property.

    Returns
    -------
    bool
        Such as for ``{"Ref": "Key"}``.
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    (key,) = value
    return key == "Ref" or str(key).startswith("Fn::")


def _fits(path: Path, pattern: tuple[str, ...]) -> bool:
    return len(path) == len(pattern) and all(one in ("*", str(key)) for key, one in zip(path, pattern, strict=True))


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        # Python knows no \p{L}; only tags use it, and those have rules of their own.
        return True
