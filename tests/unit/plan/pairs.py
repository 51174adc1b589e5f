"""Pairs of templates: one that the project really synthesizes, and the same with a small change."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from slipway.plan.assembly import Assembly, Stack
from slipway.plan.findings import Finding, Kind
from slipway.plan.planning import plan
from slipway.plan.story import EndpointPlan, Plan

TEMPLATES = Path(__file__).parent / "templates"
MODEL, CONFIG, ENDPOINT = "InferenceModelprimary4B61B6E6", "InferenceConfig5CDB3FDE", "InferenceEndpointA45980A1"
TARGET, POLICY = "InferenceScalingprimaryDA9C110E", "InferenceScalinginvocationsprimary97EFFA32"
LATENCY, OPERATING = "InferenceRollbacklatencyprimary776F59FE", "InferenceAlarmlatencyprimary"
NAME = "rc-project-a-prod-iris-ep"
Template = dict[str, Any]


def template(name: str = "canary") -> Template:
    """A template: ``canary`` of prod, ``all-at-once`` of dev, ``components``."""
    found: Template = json.loads((TEMPLATES / f"{name}.json").read_text())
    return found


def edited(given: Template, **changes: Any) -> Template:
    """A copy; each key is a logical id, or one and a path with two underscores between, positions as ``_0``."""
    made = copy.deepcopy(given)
    for path, value in changes.items():
        *above, last = path.split("__")
        place: Any = made["Resources"]
        for at, step in enumerate(above):
            place = place[int(step[1:]) if step.startswith("_") else step]
            if at == 0:
                place = place.setdefault("Properties", {})
        key: Any = int(last[1:]) if last.startswith("_") else last
        if value is None:
            del place[key]
        else:
            place[key] = value
    return made


def next_model(given: Template, model: str = MODEL) -> Template:
    """The same with version 2 of the model."""
    made = copy.deepcopy(given)
    properties = made["Resources"][model]["Properties"]
    container = properties["PrimaryContainer"]
    container["ModelDataUrl"] = container["ModelDataUrl"].replace("/v1/", "/v2/")
    for resource in made["Resources"].values():
        for tag in resource["Properties"].get("Tags", []):
            if tag["Key"] == "Version":
                tag["Value"] = "2"
    return made


def without(given: Template, *logical_ids: str) -> Template:
    """A copy that lacks resources."""
    made = copy.deepcopy(given)
    for logical_id in logical_ids:
        del made["Resources"][logical_id]
    return made


def assembly(given: Template | None, source: str) -> Assembly:
    stacks = {"rc-iris": Stack("rc-iris", given, "123456789012", "eu-west-1")} if given is not None else {}
    return Assembly(source, stacks)


def planned(old: Template | None, new: Template | None, **more: Any) -> Plan:
    """The plan from one template to another."""
    return plan(assembly(old, "before"), assembly(new, "after"), **more)


def only(found: Plan) -> EndpointPlan:
    """Its one endpoint."""
    (stack,) = found.stacks
    (endpoint,) = stack.endpoints
    return endpoint


def findings(found: Plan, kind: Kind) -> list[Finding]:
    """Its findings of a kind."""
    return [finding for _, finding in found.findings if finding.kind is kind]
