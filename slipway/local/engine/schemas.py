"""The resource types' registry schemas, from the copies that cfn-lint carries.

They say which properties force a replacement and where tags go, so the engine needs no list of
its own.
"""

import importlib.resources
import json
from functools import cache

from slipway.local.engine.documents import Document, Json, at_path

_FALLBACK_REGION = "us-east-1"


@cache
def _types(region: str) -> dict[str, str]:
    """Return which schema each type has in a Region; empty for a Region that cfn-lint lacks."""
    file = importlib.resources.files("cfnlint") / f"data/schemas/providers/{region}.json"
    if not file.is_file():
        return {}
    types: dict[str, str] = json.loads(file.read_text())
    return types


@cache
def schema(resource_type: str, region: str = _FALLBACK_REGION) -> Document:
    """Return a type's schema in a Region.

    The schema of us-east-1 stands in where the Region's is not known: new Regions appear before
    cfn-lint carries them. A type without a schema (``Custom::X``) has an empty one.
    """
    version = _types(region).get(resource_type) or _types(_FALLBACK_REGION).get(resource_type)
    if version is None:
        return {}
    file = importlib.resources.files("cfnlint") / f"data/schemas/resources/{version}.json"
    document: Document = json.loads(file.read_text())
    return document


def exists(resource_type: str, region: str) -> bool:
    """Tell whether CloudFormation knows the type, as far as cfn-lint knows."""
    return bool(schema(resource_type, region))


def needs_replacement(resource_type: str, region: str, old: Document, new: Document) -> bool:
    """Tell whether the change of properties touches one that can only be set on creation."""
    paths = schema(resource_type, region).get("createOnlyProperties", [])
    keys = [path.removeprefix("/properties/").split("/") for path in paths]
    return any(at_path(old, key) != at_path(new, key) for key in keys)


def with_stack_tags(resource_type: str, region: str, properties: Document, tags: dict[str, str]) -> Document:
    """Return properties with the stack's tags added; the resource's own tags win."""
    known = schema(resource_type, region)
    tagging = known.get("tagging") or {}
    if not tags or not tagging.get("taggable") or "tagProperty" not in tagging:
        return properties
    key = tagging["tagProperty"].rsplit("/", 1)[-1]
    own: Json = properties.get(key)
    if at_path(known, ["properties", key, "type"]) == "object":
        return {**properties, key: {**tags, **(own or {})}}
    present = {tag.get("Key") for tag in own or [] if isinstance(tag, dict)}
    added = [{"Key": k, "Value": v} for k, v in sorted(tags.items()) if k not in present]
    return {**properties, key: [*(own or []), *added]} if added else properties
