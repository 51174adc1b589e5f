"""What the resource types' registry schemas say: which properties force a replacement, and where tags go.

So the engine needs no list of its own.
"""

from slipway.local.engine.documents import Document, Json, at_path
from slipway.spec.cloudformation import schema


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
