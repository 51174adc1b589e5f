"""Every writable property of the four SageMaker resource types is reached: by a key of the spec, or by `overrides`.

The configs in `properties/` are the examples, the snapshots of this file what they synthesize to; `--snapshot-update`
renews them. `docs/properties.md` names the key behind each property.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension
from syrupy.location import PyTestLocation
from syrupy.types import SnapshotIndex

from slipway.spec.cloudformation import schema
from slipway.spec.load import build
from slipway.spec.source import read_yaml, to_plain

EXAMPLES = Path(__file__).parent / "properties"
PAGE = Path(__file__).parent.parent.parent / "docs" / "properties.md"
CONFIGS = {path.stem: path for path in sorted(EXAMPLES.glob("*.yaml"))}
#: The one config whose properties come from `overrides`; all others are typed.
OVERRIDES = "overrides"
TYPES = ("Model", "EndpointConfig", "Endpoint", "InferenceComponent")
#: In cfn-lint 1.58.0; another number means that the service knows more or less than this spec was written for.
LEAVES = 213

_UNREPLACEABLE = "CloudFormation cannot replace a {} with a fixed name, and every change replaces it"
_ONE_MODEL = "a variant serves one model and version"
_NO_SHADOW = "shadow tests exclude serverless"
#: What only `overrides` reaches, and why the spec has no key for it.
BY_OVERRIDES: Mapping[str, str] = {
    "Model/ModelName": _UNREPLACEABLE.format("model"),
    "EndpointConfig/EndpointConfigName": _UNREPLACEABLE.format("config"),
    "Endpoint/RetainDeploymentConfig": "every template says its whole DeploymentConfig, so none is left to retain",
    "InferenceComponent/EndpointArn": "EndpointName says the same",
    "EndpointConfig/ProductionVariants/*/InstancePools/*/ModelNameOverride": _ONE_MODEL,
    "EndpointConfig/ShadowProductionVariants/*/InstancePools/*/ModelNameOverride": _ONE_MODEL,
    "EndpointConfig/ShadowProductionVariants/*/ServerlessConfig/MaxConcurrency": _NO_SHADOW,
    "EndpointConfig/ShadowProductionVariants/*/ServerlessConfig/MemorySizeInMB": _NO_SHADOW,
    "EndpointConfig/ShadowProductionVariants/*/ServerlessConfig/ProvisionedConcurrency": _NO_SHADOW,
}
MOST_BY_OVERRIDES = 10

#: Where a key for a new property would go, by the longest beginning that fits.
PLACES: Mapping[str, str] = {
    "Model": "slipway/spec/model.py, written by constructs/slipway_cdk/served_models.py",
    "EndpointConfig": "slipway/spec/endpoint.py, written by constructs/slipway_cdk/fleet.py",
    "EndpointConfig/AsyncInferenceConfig": "slipway/spec/asynchronous.py, written by slipway_cdk/config_options.py",
    "EndpointConfig/DataCaptureConfig": "slipway/spec/capture.py, written by slipway_cdk/config_options.py",
    "EndpointConfig/ExplainerConfig": "slipway/spec/explainer.py, written by slipway_cdk/config_options.py",
    "EndpointConfig/MetricsConfig": "slipway/spec/metrics.py, written by slipway_cdk/config_options.py",
    "EndpointConfig/ProductionVariants": "slipway/spec/hosting.py, written by constructs/slipway_cdk/fleet.py",
    "EndpointConfig/ShadowProductionVariants": "slipway/spec/hosting.py, written by constructs/slipway_cdk/fleet.py",
    "Endpoint": "slipway/spec/endpoint.py, written by constructs/slipway_cdk/inference_endpoint.py",
    "Endpoint/DeploymentConfig": "slipway/spec/deployment.py, written by slipway_cdk/deployment_config.py",
    "InferenceComponent": "slipway/spec/component.py, written by constructs/slipway_cdk/inference_components.py",
}

#: The key under which the config says what is behind properties with such a beginning.
WITHIN: Mapping[str, str] = {
    "Model/Containers/": "containers",
    "EndpointConfig/ShadowProductionVariants/": "shadow",
    "InferenceComponent/DeploymentConfig/": "components",
    "InferenceComponent/RuntimeConfig/": "components",
    "InferenceComponent/Specification/": "components",
    "InferenceComponent/Specifications/": "on",
}


def _leaves(document: Mapping[str, Any], node: Mapping[str, Any], path: str, read_only: set[str]) -> Iterator[str]:
    while "$ref" in node:
        node = document["definitions"][node["$ref"].rsplit("/", 1)[-1]]
    if path in read_only:
        return
    if node.get("properties"):
        for key, inner in node["properties"].items():
            yield from _leaves(document, inner, f"{path}/{key}", read_only)
    elif "items" in node:
        yield from _leaves(document, node["items"], f"{path}/*", read_only)
    else:
        yield path


@cache
def leaves() -> frozenset[str]:
    """Every writable property that holds no others, such as ``Endpoint/EndpointName``; ``*`` is an item of a list."""
    found: set[str] = set()
    for type in TYPES:
        document = schema(f"AWS::SageMaker::{type}")
        read_only = {p.replace("/properties", "", 1) for p in document.get("readOnlyProperties", [])}
        found |= {type + path for path in _leaves(document, {"properties": document["properties"]}, "", read_only)}
    return frozenset(found)


def _emitted(value: Any, path: str) -> Iterator[str]:
    if path in leaves():
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _emitted(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _emitted(inner, f"{path}/*")
    else:
        yield f"{path} is no property"


class BesideItsConfig(JSONSnapshotExtension):
    """Keeps a snapshot in the folder of the configs, under its own name."""

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:  # noqa: ARG003
        return str(EXAMPLES)

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: SnapshotIndex = 0) -> str:  # noqa: ARG003
        return str(index)


def committed(name: str) -> dict[str, Any]:
    """The committed templates of a config, by endpoint."""
    found: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return found


@cache
def emitted(name: str) -> Mapping[str, frozenset[str]]:
    """What the committed templates of a config emit, by endpoint."""
    return {
        endpoint: frozenset(
            leaf
            for resource in template["Resources"].values()
            if resource["Type"].startswith("AWS::SageMaker::")
            for leaf in _emitted(resource["Properties"], resource["Type"].rsplit("::", 1)[1])
        )
        for endpoint, template in committed(name).items()
    }


@cache
def declared(name: str) -> Mapping[str, Any]:
    """A config as plain data."""
    plain: Mapping[str, Any] = to_plain(read_yaml(CONFIGS[name]).top)
    return plain


@cache
def typed() -> frozenset[str]:
    """What the committed templates emit without `overrides`."""
    return frozenset().union(*(each for name in CONFIGS if name != OVERRIDES for each in emitted(name).values()))


@cache
def rows() -> Mapping[str, str]:
    """The page's tables: what each property comes from."""
    group = re.compile(r"<!-- properties: (?P<begins>[^>]+) -->\n\n(?P<table>(?:\|.*\n)+)")
    found = [
        (f"{begin}{leaf}", key)
        for table in group.finditer(PAGE.read_text(encoding="utf-8"))
        for begin in table["begins"].split()
        for leaf, key in re.findall(r"^\| `([^`]+)` \| (.+) \|$", table["table"], re.MULTILINE)
    ]
    assert len(found) == len(dict(found)), "the page has a property twice"
    return dict(found)


def _mappings(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _mappings(inner)


def _resolves(node: Mapping[str, Any], key: str) -> bool:
    first, _, rest = key.partition(".")
    return first in node and (not rest or (isinstance(node[first], dict) and _resolves(node[first], rest)))


def declares(config: Mapping[str, Any], endpoint: str, leaf: str, key: str) -> bool:
    """Whether an endpoint or its environment says a key somewhere; for a shadow's property, under `shadow`."""
    own = config["endpoints"][endpoint]
    around = {k: v for k, v in config.items() if k != "endpoints"}
    within = next((inner for begin, inner in WITHIN.items() if leaf.startswith(begin)), None)
    places = [{within: m[within]} for m in _mappings(own) if within in m] if within else [own, around]
    return any(_resolves(m, key) for place in places for m in _mappings(place))


@pytest.mark.parametrize("name", CONFIGS)
def test_the_committed_templates_are_what_the_examples_synthesize(
    name: str, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    from stacks.assembly import assemble

    document = read_yaml(CONFIGS[name])
    kind = document.top.value["environment"].value
    environment = build(kind, [document.top], hashes=None, lock="", found=document.problems).environment
    assemble(environment, outdir=tmp_path, checked=False).synth()
    templates = {
        endpoint: json.loads((tmp_path / f"{environment.names.stack(endpoint)}.template.json").read_text())
        for endpoint in environment.endpoints
    }
    assert templates == snapshot(name=name, extension_class=BesideItsConfig)


def test_the_schemas_have_as_many_writable_properties_as_the_spec_was_written_for() -> None:
    assert len(leaves()) == LEAVES


def test_the_examples_emit_nothing_that_is_no_property() -> None:
    strange = {leaf for name in CONFIGS for each in emitted(name).values() for leaf in each - leaves()}
    assert strange == set()


def test_a_typed_key_reaches_every_property_that_is_not_listed_as_an_override() -> None:
    missing = leaves() - typed() - BY_OVERRIDES.keys()
    hints = []
    for leaf in sorted(missing):
        place = max((begin for begin in PLACES if f"{leaf}/".startswith(f"{begin}/")), key=len)
        hints.append(f"{leaf}: no example emits it; a key for it would go into {PLACES[place]}, or it has to be listed")
    assert not hints, "\n".join(hints)


def test_what_only_overrides_reach_is_reached_by_them_alone_and_is_little() -> None:
    assert len(BY_OVERRIDES) <= MOST_BY_OVERRIDES
    assert BY_OVERRIDES.keys() <= leaves()
    assert BY_OVERRIDES.keys() & typed() == set()
    assert BY_OVERRIDES.keys() - frozenset().union(*emitted(OVERRIDES).values()) == set()


def test_only_one_example_has_overrides() -> None:
    having = {name for name in CONFIGS if any("overrides" in e for e in declared(name)["endpoints"].values())}
    assert having == {OVERRIDES}


def test_the_page_says_where_every_property_comes_from() -> None:
    assert rows().keys() == leaves()
    said = {leaf: text for leaf, text in rows().items() if text.startswith("only by `overrides.")}
    assert {leaf: text.split(": ", 1)[1] for leaf, text in said.items()} == dict(BY_OVERRIDES)


def test_the_key_behind_a_property_stands_in_an_example_that_emits_it() -> None:
    unproven = []
    for leaf in rows().keys() - BY_OVERRIDES.keys():
        text = rows()[leaf]
        keys = re.findall(r"`([a-z][a-z_.0-9]*)`", text)
        examples = [(name, e) for name in CONFIGS for e, found in emitted(name).items() if leaf in found]
        if keys and not any(declares(declared(name), e, leaf, key) for name, e in examples for key in keys):
            unproven.append(f"{leaf}: none of {', '.join(keys)} stands in an example that emits it")
    assert not unproven, "\n".join(sorted(unproven))
