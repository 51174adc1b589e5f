"""Properties whose lists and mappings are none are taken out before anybody reads them, and said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slipway.plan.resolution import Resource, unknown
from slipway.rehearsal.findings import Finding
from slipway.spec.cloudformation import schema
from slipway.spec.errors import Path, dotted, shown

Schema = Mapping[str, Any]


def shaped(resource: Resource) -> tuple[Resource, tuple[Finding, ...]]:
    """Hold the lists and mappings of a resource against the schema of its type.

    Parameters
    ----------
    resource
        With functions answered.

    Returns
    -------
    Resource
        Without what has another shape than CloudFormation wants, and without what is null.
    tuple of Finding
        What was taken out.

    Raises
    ------
    NoSchemasError
        If cfn-lint is not installed.
    """
    shape = _Shape(schema(resource.type), resource.logical_id)
    properties = shape.mapping((), resource.properties, shape.document)
    return replace(resource, properties=properties), tuple(shape.findings)


class _Shape:
    def __init__(self, document: Schema, logical_id: str) -> None:
        self.document = document
        self.findings: list[Finding] = []
        self._logical_id = logical_id

    def mapping(self, path: Path, value: Mapping[str, Any], node: Schema) -> dict[str, Any]:
        known: Schema = node.get("properties", {})
        kept = {}
        for key, inner in value.items():
            if inner is None:
                continue
            found = self._value((*path, key), inner, known.get(key, {}))
            if found is not None:
                kept[key] = found
        return kept

    def _value(self, path: Path, value: Any, node: Schema) -> Any:  # noqa: ANN401  (whatever the template holds)
        while "$ref" in node:
            node = self.document["definitions"][node["$ref"].rsplit("/", 1)[-1]]
        if "items" in node:
            if not isinstance(value, list):
                return self._wrong(path, value, "list")
            items = [self._value((*path, number), one, node["items"]) for number, one in enumerate(value)]
            return [one for one in items if one is not None]
        if "properties" in node:
            return self.mapping(path, value, node) if isinstance(value, dict) else self._wrong(path, value, "mapping")
        if node.get("type") in ("string", "number", "integer", "boolean") and isinstance(value, list | dict):
            return self._wrong(path, value, "plain value")
        return value

    def _wrong(self, path: Path, value: object, wanted: str) -> None:
        if value is None:
            return
        why = "is only known by deploying" if isinstance(value, str) and unknown(value) else f"is no {wanted}"
        text = f"{self._logical_id}.{dotted(path)}: {shown(value)} {why}: it is taken as if it were not there."
        self.findings.append(Finding("misshapen", text))
