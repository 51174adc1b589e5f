"""The JSON Schema of the config files, so that editors complete and check them."""

from __future__ import annotations

import json
from typing import Any

from slipway.spec.environment import Environment


def schema() -> dict[str, Any]:
    """Make the schema that base and overlays share.

    Returns
    -------
    dict
        Every key optional, since each file holds a part; every key may be ``null``, which removes it; what is chosen by
        a key (a strategy, an image) may be any of the choices, since the key can stand in the other file.
    """
    made = Environment.model_json_schema()
    for definition in [made, *made.get("$defs", {}).values()]:
        _loosen(definition)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def _loosen(definition: dict[str, Any]) -> None:
    definition.pop("required", None)
    for part in definition.get("properties", {}).values():
        _nullable(part)


def _nullable(part: dict[str, Any]) -> None:
    _any_of(part)
    for choice in (part, *part.get("anyOf", [])):
        if "patternProperties" in choice:
            # Pydantic leaves it open what a name that does not fit may hold; the loader refuses it.
            choice["additionalProperties"] = False
        for named in (*choice.get("patternProperties", {}).values(), choice.get("additionalProperties")):
            if isinstance(named, dict):
                _nullable(named)
    if {"type": "null"} not in part.get("anyOf", []):
        moved = {name: part.pop(name) for name in list(part) if name not in ("title", "description", "default")}
        part["anyOf"] = [moved, {"type": "null"}]


def _any_of(part: dict[str, Any]) -> None:
    """The key that tells alternatives apart can stand in the other file, so several of them may fit."""
    part.pop("discriminator", None)
    if "oneOf" in part:
        part["anyOf"] = part.pop("oneOf")
    for choice in part.get("anyOf", []):
        _any_of(choice)


def schema_text() -> str:
    """Write the schema as it stands in `config/schema.json`.

    Returns
    -------
    str
        Indented JSON with a final line break.
    """
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
