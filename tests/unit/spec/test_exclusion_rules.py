"""What hosting modes exclude is refused in the words of both sides, and what nobody documents is a warning."""
# ruff: noqa: E501  (a case of a table is one line)

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.spec.endpoints import (
    CANARY,
    CHAIN,
    DIRECT,
    FOREIGN,
    LARGE,
    MANY,
    MODEL,
    NETWORK,
    PACKAGE,
    SERVERLESS,
    asynchronous,
    component,
    endpoint,
    real_time,
    serverless,
    shadowed,
    shared,
    variants,
)

if TYPE_CHECKING:
    from tests.unit.spec.conftest import Look

ISOLATED = "{image: {framework: sklearn, tag: x}, network_isolation: true}"
PRIVATE = "{image: {uri: 'registry.example.com/scorer:1', private: true}}"
PREFIX = "{image: {framework: sklearn, tag: x}, artifact: models/x/}"
HUB = "{image: {framework: sklearn, tag: x}, artifact: s3://bucket/m.tar.gz, hub_content: 'arn:aws:sagemaker:eu-west-1:aws:hub-content/Hub/Model/llm/1.0'}"
EULA = "{image: {framework: sklearn, tag: x}, artifact: s3://bucket/m.tar.gz, accept_eula: true}"
ONE_SHADOW = f"{{shadow: {{model: {MODEL}, hosting: {LARGE}}}}}"

#: What is wrong, the endpoint, the key, and what the message says.
EXCLUDED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # one of three
    "model beside components": (shared(model=MODEL), "model", ("stands beside `components`, which bring their own models", "`model: null`", "or drop `components`")),
    "variants beside components": (shared(variants=f"{{one: {{model: {MODEL}, hosting: {LARGE}}}}}"), "variants", ("stands beside `components`, which share the one fleet", "`variants: null`")),
    "components without a fleet": (endpoint(components=f"{{a: {component()}}}"), "hosting", ("is missing: say `hosting: {…}` for the fleet that the components share",)),
    # serverless
    "serverless and guardrails": (serverless(deployment=CANARY), "deployment", ("serverless endpoints have no deployment guardrails: remove `deployment`, or host on instances",)),
    "serverless and a bake": (serverless(deployment="{strategy: all_at_once, termination_wait: 5m}"), "deployment", ("serverless endpoints have no deployment guardrails",)),
    "serverless and several variants": (variants(SERVERLESS, SERVERLESS), "variants", ("serverless endpoints have one variant only: keep one, or host all of them on instances",)),
    "serverless beside instances": (variants(SERVERLESS, LARGE), "variants", ("serverless endpoints have one variant only",)),
    "serverless and asynchronous": (serverless(asynchronous="{}"), "asynchronous", ("serverless endpoints are not asynchronous: remove `asynchronous`, or host on instances",)),
    "serverless and data capture": (serverless(capture="{}"), "capture", ("serverless endpoints have no data capture: remove `capture`, or host on instances",)),
    "serverless and a pipeline": (serverless(model=CHAIN), "model.containers", ("serverless endpoints host no inference pipelines: serve one container, or host on instances",)),
    "serverless and several models": (serverless(model=MANY), "model.models", ("serverless endpoints host no multi-model containers: name one `artifact`",)),
    "serverless and isolation": (serverless(model=ISOLATED), "model.network_isolation", ("serverless endpoints have no network isolation: remove it, or host on instances",)),
    "serverless and a prefix": (serverless(model=PREFIX), "model.artifact", ("serverless endpoints download a .tar.gz archive only (API:ModelDataSource): name one, or host on instances",)),
    "serverless and hub content": (serverless(model=HUB), "model.hub_content", ("a .tar.gz archive only (API:ModelDataSource): remove `hub_content`",)),
    "serverless and an agreement": (serverless(model=EULA), "model.accept_eula", ("a .tar.gz archive only (API:ModelDataSource): remove `accept_eula`",)),
    "serverless and components": (shared(hosting=SERVERLESS), "components", ("inference components share instances, and `hosting` is serverless: name an `instance_type`",)),
    "serverless and a type": (serverless(hosting="{serverless: {}, instance_type: ml.m5.large}"), "hosting.instance_type", ("belongs to hosting on instances, and this is serverless hosting: remove it, or `serverless`",)),
    "serverless and a volume key": (serverless(hosting="{serverless: {}, kms_key: alias/x}"), "hosting.kms_key", ("belongs to hosting on instances",)),
    # shadow
    "shadow of several": (variants(shadow=f"{{model: {MODEL}, hosting: {LARGE}}}"), "shadow", ("a shadow variant stands beside exactly one production variant, and there are 2: remove `shadow`, or keep one of `variants`",)),
    "shadow of a shadow": (endpoint(variants=f"{{Shadow: {{model: {MODEL}, hosting: {LARGE}}}}}", shadow=f"{{model: {MODEL}, hosting: {LARGE}}}"), "variants.Shadow", ("'shadow' is the name of the shadow variant: name this one otherwise",)),
    "serverless shadow": (shadowed(hosting=SERVERLESS), "shadow", ("shadow variants exclude serverless hosting, and the shadow variant is serverless: remove `shadow`, or host both on instances",)),
    "shadow of serverless": (serverless(shadow=f"{{model: {MODEL}, hosting: {LARGE}}}"), "shadow", ("shadow variants exclude serverless hosting, and variant 'primary' is serverless",)),
    "shadow of asynchronous": (shadowed(asynchronous="{}"), "shadow", ("asynchronous endpoints know no shadow variant: remove `shadow`, or `asynchronous`",)),
    "shadow of components": (shared(shadow=f"{{model: {MODEL}, hosting: {LARGE}}}"), "shadow", ("inference components know no shadow variant: remove `shadow`, or `components`",)),
    "shadow of a pipeline": (shadowed().replace(f"model: {MODEL}", f"model: {CHAIN}", 1), "shadow", ("shadow variants exclude inference pipelines, and variant 'primary' serves one: remove `shadow`, or serve one container",)),
    "pipeline as a shadow": (shadowed(CHAIN), "shadow", ("shadow variants exclude inference pipelines, and the shadow variant serves one",)),
    "shadow of several models": (shadowed().replace(f"model: {MODEL}", f"model: {MANY}", 1), "shadow", ("shadow variants exclude multi-model containers, and variant 'primary' serves one: remove `shadow`, or name one `artifact`",)),
    "several models as a shadow": (shadowed(MANY), "shadow", ("multi-model containers, and the shadow variant serves one",)),
    "shadow on Inf1": (shadowed(hosting="{instance_type: ml.inf1.xlarge}"), "shadow", ("shadow variants exclude Inf1 instances, and the shadow variant runs on ml.inf1.xlarge", "such as ml.inf2.xlarge")),
    "shadow of Inf1 in a pool": (shadowed().replace(LARGE, "{pools: [{instance_type: ml.inf1.xlarge, priority: 1}]}", 1), "shadow", ("variant 'primary' runs on ml.inf1.xlarge",)),
    # asynchronous
    "asynchronous components": (shared(asynchronous="{}"), "asynchronous", ("a request to an asynchronous endpoint cannot name an inference component (API:InvokeEndpointAsync): remove `asynchronous`, or serve a `model` of its own",)),
    "asynchronous and several models": (asynchronous(model=MANY), "model.models", ("cannot name one of several models (API:InvokeEndpointAsync): name one `artifact`, or remove `asynchronous`",)),
    "asynchronous and direct": (asynchronous(model=DIRECT), "model.invocation", ("cannot name a container (API:InvokeEndpointAsync): write `invocation: serial`, or remove `asynchronous`",)),
    # components
    "sample beside components": (shared(sample="{body: x}"), "sample", ("stands beside `components`, and a request has to name one of them: move it into a component",)),
    "component of several models": (shared(component(model=MANY)), "components.a.model.models", ("an inference component serves one model (API:CreateInferenceComponent): name one `artifact`",)),
    "component of several containers": (shared(component(model=CHAIN)), "components.a.model.containers", ("belongs to a model in several containers, and only a model in one container can stand here: remove it",)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key", "says"), EXCLUDED.values(), ids=EXCLUDED)
def test_what_a_mode_excludes_is_one_error_that_names_both_sides(
    look: Look, text: str, key: str, says: tuple[str, ...]
) -> None:
    errors = look(text).errors
    assert len(errors) == 1, f"one mistake, one error: {errors}"
    assert errors[0].startswith(f"{key}: "), errors[0]
    for part in says:
        assert part in errors[0]


def test_a_serverless_endpoint_is_refused_in_a_network(look: Look) -> None:
    (error,) = look(serverless(), top=NETWORK).errors
    assert error.startswith("hosting.serverless: serverless endpoints cannot be in a network of one's own")
    assert error.endswith("host on instances, or remove `network`")


def test_a_serverless_endpoint_takes_no_image_of_a_private_registry(look: Look) -> None:
    errors = look(serverless(model=PRIVATE), top=NETWORK).errors
    assert any(
        error.startswith("model.image.private: serverless endpoints take no image of a private registry: push it to")
        for error in errors
    )


def test_what_stands_under_an_excluded_key_is_not_looked_at(look: Look) -> None:
    broken = "{strategy: canary, size: 60%, rollback_alarms: off}"
    assert [error.split(":")[0] for error in look(serverless(deployment=broken)).errors] == ["deployment"]


#: What is left open: the endpoint, the key, and what the warning says; in prod where that matters.
DOUBTFUL: dict[str, tuple[str, str, str]] = {
    "explained serverless": (serverless(explainer="{baseline: '1,2'}"), "explainer", "whether `explainer` works with serverless endpoints is not documented"),
    "explained asynchronously": (asynchronous(explainer="{baseline: '1,2'}"), "explainer", "works with asynchronous endpoints is not documented"),
    "explained components": (shared(explainer="{baseline: '1,2'}"), "explainer", "works with inference components is not documented"),
    "explained shadow": (shadowed(explainer="{baseline: '1,2'}"), "explainer", "works with shadow variants is not documented"),
    "explained pipeline": (real_time(model=CHAIN, explainer="{baseline: '1,2'}"), "explainer", "works with inference pipelines is not documented"),
    "captured asynchronously": (asynchronous(capture="{}"), "capture", "whether `capture` works with asynchronous endpoints is not documented: try it in a test environment first"),
    "captured components": (shared(capture="{}"), "capture", "works with inference components is not documented"),
    "captured models": (real_time(model=MANY, capture="{}"), "capture", "works with multi-model containers is not documented"),
    "metrics of serverless": (serverless(metrics="{}"), "metrics", "whether `metrics` works with serverless endpoints is not documented"),
    "shadow and guardrails": (shadowed(deployment="{strategy: all_at_once, termination_wait: 5m}"), "shadow", "whether `all_at_once` and its rollback work with a shadow variant is not documented: try the update in a test environment first"),
    "another account's package, serverless": (serverless(model=f"{{package: '{FOREIGN}'}}"), "model.package", "is another account's (123456789012); if it is a product of AWS Marketplace, it excludes serverless endpoints"),
    "another account's package, asynchronous": (asynchronous(model=f"{{package: '{FOREIGN}'}}"), "model.package", "it excludes asynchronous endpoints"),
    "another account's package as a shadow": (shadowed(f"{{package: '{FOREIGN}'}}"), "shadow.model.package", "it excludes shadow variants"),
    "another account's package, guarded": (real_time(model=f"{{package: '{FOREIGN}'}}", hosting="{instance_type: ml.m5.large, instances: 2}", deployment=CANARY), "model.package", "it excludes `canary`, and is silently updated all at once and without a final bake"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key", "says"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_what_is_not_documented_is_one_warning(look: Look, text: str, key: str, says: str) -> None:
    (warning,) = look(text).warnings
    assert warning.startswith(f"{key}: "), warning
    assert says in warning


@pytest.mark.parametrize(
    "text",
    [
        serverless(),
        serverless(deployment="{strategy: all_at_once, termination_wait: 0s, rollback_alarms: off}"),
        serverless(model=f"{{package: '{PACKAGE}'}}"),
        endpoint(variants=f"{{one: {{model: {MODEL}, hosting: {SERVERLESS}}}}}"),
        asynchronous(),
        asynchronous(model=CHAIN),
        variants(asynchronous="{}"),
        shadowed(),
        shadowed(f"{{package: '{PACKAGE}'}}"),
        shadowed(capture="{}"),
        endpoint(variants=f"{{one: {{model: {MODEL}, hosting: {LARGE}}}}}", shadow=f"{{model: {MODEL}, hosting: {LARGE}}}"),
        real_time(model=MANY),
        real_time(model=MANY, explainer="{baseline: '1,2'}"),
        real_time(model=CHAIN),
        real_time(model=DIRECT, capture="{}"),
        real_time(model=f"{{package: '{FOREIGN}'}}"),
        shared(),
        shared(component("sample: {body: x}")),
    ],
)  # fmt: skip
def test_what_goes_together_has_no_finding(look: Look, text: str) -> None:
    found = look(text)
    assert (found.errors, found.warnings) == ((), ())


@pytest.mark.parametrize("environment", ["staging", "prod"])
@pytest.mark.parametrize(
    "text", [serverless(), asynchronous(), real_time(model=CHAIN), real_time(model=MANY), shared()]
)
def test_every_mode_has_defaults_in_a_guarded_environment_without_a_finding(
    look: Look, text: str, environment: str
) -> None:
    found = look(text, environment)
    assert (found.errors, found.warnings) == ((), ())
