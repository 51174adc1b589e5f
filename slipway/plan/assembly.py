"""The stacks of a side: read from a cloud assembly, from a folder of templates, or from one template."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.local.engine.documents import Document
from slipway.plan.documents import UnreadableError, read

#: What CDK writes where an app does not say where it goes.
_UNKNOWN = ("unknown-account", "unknown-region")


@dataclass(frozen=True)
class Stack:
    """One stack's template, and where it goes.

    Attributes
    ----------
    name
        The stack's.
    template
        As it was synthesized or deployed.
    account, region
        Empty where they are not known.
    tags
        That CloudFormation lays over all resources.
    parameters
        Values of the template's parameters that are known besides their defaults.
    """

    name: str
    template: Document
    account: str = ""
    region: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Assembly:
    """The stacks of one side of a comparison.

    Attributes
    ----------
    source
        What they were read from, in words for people.
    stacks
        By name, in the order of deployment.
    """

    source: str
    stacks: Mapping[str, Stack]


def load(path: Path, source: str | None = None) -> Assembly:
    """Read the stacks of a cloud assembly (a folder with a manifest) or a single template.

    Parameters
    ----------
    path
        Such as ``cdk.out``, or ``template.yaml``. A folder without a manifest may hold assemblies, each in a folder of
        its own, as ``cdk.out`` does here.
    source
        What to call it; its path by default.

    Returns
    -------
    Assembly
        With at least one stack.

    Raises
    ------
    UnreadableError
        When there is no such thing.
    """
    if path.is_dir():
        stacks = list(_folder(path))
    elif path.is_file():
        # Two versions of a file are two versions of one stack, whatever they are called.
        stacks = [Stack(path.name.split(".")[0], read(path))]
    else:
        raise UnreadableError(f"{path}: is not there: give a cloud assembly such as cdk.out, or a template")
    if not stacks:
        raise UnreadableError(f"{path}: holds no stacks: synthesize first, for instance with `make synth`")
    return Assembly(source or str(path), {stack.name: stack for stack in stacks})


def _folder(folder: Path) -> Iterator[Stack]:
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        found = sorted(folder.glob("*/manifest.json"))
        if len(found) == 1:
            yield from _folder(found[0].parent)
            return
        if found:
            listed = ", ".join(str(one.parent) for one in found)
            raise UnreadableError(f"{folder}: holds several cloud assemblies: give one of {listed}")
        raise UnreadableError(f"{folder}: has no manifest.json: give a cloud assembly such as cdk.out, or a template")
    try:
        artifacts = json.loads(manifest.read_text(encoding="utf-8"))["artifacts"]
        known: dict[str, Mapping[str, Any]] = dict(artifacts.items())
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise UnreadableError(f"{manifest}: is no manifest of a cloud assembly ({error})") from None
    for name, artifact in known.items():
        properties = artifact.get("properties") or {}
        if artifact.get("type") == "cdk:cloud-assembly":
            yield from _folder(folder / str(properties.get("directoryName")))
        if artifact.get("type") != "aws:cloudformation:stack":
            continue
        account, _, region = str(artifact.get("environment", "")).removeprefix("aws://").partition("/")
        yield Stack(
            str(properties.get("stackName") or name),
            read(folder / str(properties.get("templateFile"))),
            "" if account in _UNKNOWN else account,
            "" if region in _UNKNOWN else region,
            {str(key): str(value) for key, value in (properties.get("tags") or {}).items()},
            {str(key): str(value) for key, value in (properties.get("parameters") or {}).items()},
        )


def stack_of_file(assembly: Assembly, other: Assembly) -> tuple[Assembly, Assembly]:
    """Give two single templates one stack name, so that they are compared with each other.

    Parameters
    ----------
    assembly, other
        The two sides.

    Returns
    -------
    tuple of Assembly
        The same; where each has one stack, the first goes by the second's name.
    """
    if len(assembly.stacks) == len(other.stacks) == 1:
        (one,), (two,) = assembly.stacks.values(), other.stacks.values()
        if one.name != two.name:
            renamed = Stack(two.name, one.template, one.account, one.region, one.tags, one.parameters)
            return Assembly(assembly.source, {two.name: renamed}), other
    return assembly, other
