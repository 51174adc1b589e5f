"""The JSON of templates: its type, parsing, and what refers to what."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from slipway.local.engine.errors import TemplateError

# Templates are JSON whose shape depends on the resource type, so this is where typing ends.
Json: TypeAlias = Any
Document: TypeAlias = dict[str, Any]

SUBSTITUTION = re.compile(r"\$\{([^}]*)\}")


def parse(text: str) -> Document:
    """Read a template, as JSON where it is JSON: YAML readers take seconds for large templates.

    Raises
    ------
    TemplateError
        When the text is neither JSON nor YAML, or is not an object with Resources.
    """
    try:
        document: Json = json.loads(text)
    except ValueError:
        document = _parse_yaml(text)
    if not isinstance(document, dict):
        raise TemplateError("Template format error: unsupported structure.")
    if not isinstance(document.get("Resources"), dict) or not document["Resources"]:
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    return document


def _parse_yaml(text: str) -> Json:
    import yaml
    from moto.cloudformation.utils import yaml_tag_constructor

    class Loader(yaml.SafeLoader):
        """A loader of its own, so that the short forms (!Ref) are not registered globally."""

    Loader.add_multi_constructor("!", _short_form(yaml_tag_constructor))
    try:
        return yaml.load(text, Loader=Loader)  # noqa: S506 - Loader is a SafeLoader
    except yaml.YAMLError as error:
        raise TemplateError(f"Template format error: {error}") from error


def _short_form(construct: Json) -> Json:
    return lambda loader, suffix, node: construct(loader, f"!{suffix}", node)


def references(value: Json) -> Iterator[str]:
    """Yield the names that a piece of a template refers to by Ref, Fn::GetAtt and Fn::Sub."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref" and isinstance(item, str):
                yield item
            elif key == "Fn::GetAtt":
                yield item.split(".")[0] if isinstance(item, str) else item[0]
            elif key == "Fn::Sub":
                yield from _substituted(item)
            else:
                yield from references(item)


def _substituted(argument: Json) -> Iterator[str]:
    text, own = (argument, {}) if isinstance(argument, str) else argument
    for match in SUBSTITUTION.finditer(text):
        name = match.group(1)
        if name not in own and not name.startswith("!"):
            yield name.split(".")[0]
    yield from references(own)


def dependencies(definition: Document) -> set[str]:
    """Return the names that a resource needs: what it refers to and its DependsOn."""
    explicit = definition.get("DependsOn") or []
    names = {explicit} if isinstance(explicit, str) else set(explicit)
    return names | set(references(definition.get("Properties", {})))


def dependency_order(resources: Mapping[str, Document]) -> list[str]:
    """Return the resources' names so that each follows everything it needs.

    The order is stable: it depends only on the template.

    Raises
    ------
    TemplateError
        When resources need each other in a circle.
    """
    order: list[str] = []
    done: set[str] = set()
    path: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        if name in path:
            circle = ", ".join(path[path.index(name) :])
            raise TemplateError(f"Circular dependency between resources: [{circle}]")
        path.append(name)
        for needed in sorted(dependencies(resources[name])):
            if needed in resources:
                visit(needed)
        path.pop()
        done.add(name)
        order.append(name)

    for name in resources:
        visit(name)
    return order


def at_path(document: Json, path: list[str]) -> Json:
    """Return what stands at a path of keys, or None."""
    for key in path:
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document
