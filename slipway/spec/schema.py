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
        Every key optional, since each file holds a part; every key may be ``null``, which removes it.
    """
    made = Environment.model_json_schema()
    for definition in [made, *made.get("$defs", {}).values()]:
        _loosen(definition)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def _loosen(definition: dict[str, Any]) -> None:
    # `strategy` stays required in a way that matters: by it an editor knows which keys belong.
    required = [key for key in definition.pop("required", []) if key in ("strategy", "framework", "repository", "uri")]
    if required:
        definition["required"] = required
    for key, part in definition.get("properties", {}).items():
        if {"type": "null"} not in part.get("anyOf", []) and key not in required:
            moved = {name: part.pop(name) for name in list(part) if name not in ("title", "description", "default")}
            part["anyOf"] = [moved, {"type": "null"}]


def schema_text() -> str:
    """Write the schema as it stands in `config/schema.json`.

    Returns
    -------
    str
        Indented JSON with a final line break.
    """
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
