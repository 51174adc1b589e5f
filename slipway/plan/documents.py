"""A template's text, in JSON or in YAML with CloudFormation's short forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slipway.local.engine.documents import Document


class UnreadableError(Exception):
    """A file or folder that holds no template; the message says what is wrong and what to give instead."""


def parse(text: str, where: str) -> Document:
    """Read a template.

    Parameters
    ----------
    text
        JSON or YAML.
    where
        What it is, for messages.

    Returns
    -------
    dict
        With its Resources.

    Raises
    ------
    UnreadableError
        When it is neither, or has no Resources.
    """
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = _yaml(text, where)
    return checked(found, where)


def checked(found: object, where: str) -> Document:
    """Tell whether something that was read is a template.

    Parameters
    ----------
    found
        Whatever it is.
    where
        What it is, for messages.

    Returns
    -------
    dict
        The same.

    Raises
    ------
    UnreadableError
        When it has no Resources, or they are none.
    """
    resources = found.get("Resources") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(resources, dict) or not resources:
        raise UnreadableError(f"{where}: is no CloudFormation template: it has no Resources")
    for name, definition in resources.items():
        if not isinstance(definition, dict) or not isinstance(definition.get("Type"), str):
            raise UnreadableError(f"{where}: Resources.{name} has no Type")
        if not isinstance(definition.get("Properties") or {}, dict):
            raise UnreadableError(f"{where}: Resources.{name}.Properties is no mapping")
    return found


def read(path: Path) -> Document:
    """Read a template's file.

    Parameters
    ----------
    path
        Of the file.

    Returns
    -------
    dict
        The template.

    Raises
    ------
    UnreadableError
        When it cannot be read, or is no template.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnreadableError(f"{path}: is no text") from None


def _yaml(text: str, where: str) -> Any:  # noqa: ANN401  (whatever the file holds)
    import yaml

    class Loader(yaml.SafeLoader):
        """One of its own, so that the short forms are not registered for everybody."""

    def short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
        value: Any
        if isinstance(node, yaml.ScalarNode):
            value = loader.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = loader.construct_sequence(node, deep=True)
        else:
            value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
        if suffix == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}

    Loader.add_multi_constructor("!", short_form)
    # A date such as the policy version 2012-10-17 is text in a template.
    Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: str(node.value))
    try:
        return yaml.load(text, Loader=Loader)  # noqa: S506  (it is a SafeLoader)
    except yaml.YAMLError as error:
        at = getattr(error, "problem_mark", None)
        line = f" line {at.line + 1}:" if at is not None else ""
        raise UnreadableError(
            f"{where}:{line} is neither JSON nor YAML: {getattr(error, 'problem', None) or error}"
        ) from None
