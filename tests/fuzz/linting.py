"""Holds many templates against cfn-lint at a time: a call takes half a second, however little there is to look at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cfnlint.api import ManualArgs, lint

from tests.fuzz.draws import NEW_TYPE, REGION

#: CloudFormation takes 500 resources in a template.
MOST_RESOURCES = 400


def _renamed(template: Mapping[str, Any], name: str, number: int) -> dict[str, Any]:
    """Resources with logical ids and names of their own; names keep their lengths."""
    own = name[:-4] + f"{number:04d}"
    resources: dict[str, Any] = json.loads(json.dumps(template["Resources"]).replace(name, own))
    ids = {id: f"E{number}{id}" for id in resources}

    def point(value: Any) -> Any:
        if isinstance(value, list):
            return [point(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"Ref"}:
            return {"Ref": ids[value["Ref"]]}
        if value.keys() == {"Fn::GetAtt"}:
            return {"Fn::GetAtt": [ids[value["Fn::GetAtt"][0]], value["Fn::GetAtt"][1]]}
        return {key: point(inner) for key, inner in value.items()}

    for resource in resources.values():
        if "DependsOn" in resource:
            resource["DependsOn"] = [ids[id] for id in resource["DependsOn"]]
    return {ids[id]: point(resource) for id, resource in resources.items()}


def _batches(templates: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
    batch: dict[str, Any] = {}
    for number, (name, template) in enumerate(templates):
        resources = _renamed(template, name, number)
        if len(batch) + len(resources) > MOST_RESOURCES:
            yield batch
            batch = {}
        batch |= resources
    if batch:
        yield batch


def linted(templates: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[tuple[int, str]]:
    """Lint templates.

    Parameters
    ----------
    templates
        Each with the name that all its resources' names begin with.

    Yields
    ------
    tuple of int and str
        The number of the template, and what cfn-lint says of it.
    """
    for batch in _batches(templates):
        for match in lint(json.dumps({"Resources": batch}), config=ManualArgs(regions=[REGION])):
            if match.rule.id == "E3030" and NEW_TYPE in match.message:
                continue
            logical = next((str(part) for part in match.path if str(part) in batch), "E0")
            number = int(logical[1:5].rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
            yield number, f"{match.rule.id} {match.message} ({'/'.join(map(str, match.path))})"
