"""Rules on what excludes what: hosting modes, and the features that each of them has.

These come first: while one of them is broken, what else is said about its keys is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slipway.spec.deployment import Guarded
from slipway.spec.endpoint import GUARDABLE, SHADOW, UNGUARDED, Member
from slipway.spec.errors import Path, Problem
from slipway.spec.hosting import ServerlessHosting
from slipway.spec.model import Container, Pipeline, UriImage

if TYPE_CHECKING:
    from slipway.spec.rules import Subject


#: Ends a cure for what may stand in base.yaml.
_GONE = "(`{}: null` removes what base.yaml says)"


def one_or_several(s: Subject) -> Iterator[Problem]:
    """A model and its hosting, or variants, or components on one hosting: one of the three."""
    e = s.endpoint
    variants = (*s.path, "variants")
    if e.components is not None:
        yield from _beside_components(s)
        return
    for key, value in (("model", e.model), ("hosting", e.hosting)):
        if e.variants is not None and value is not None:
            cure = f"move it into a variant {_GONE.format(key)}, or drop `variants`"
            yield Problem((*s.path, key), f"stands beside `variants`: {cure}")
        elif e.variants is None and value is None:
            message = f"is missing: say `{key}: {{…}}`, or `variants` for several models"
            yield Problem((*s.path, key), message, others=(variants, (*s.path, "components")))
    if e.variants and sum(v.weight for v in e.variants.values()) <= 0:
        yield Problem(
            variants,
            "all weights are 0: no variant would get a request; give one a weight",
        )
    lowered: dict[str, str] = {}
    for name in e.variants or {}:
        if name.lower() in lowered:
            yield Problem(
                (*variants, name),
                f"differs from {lowered[name.lower()]!r} by case only: name it otherwise",
                of_name=True,
            )
        lowered[name.lower()] = name


def _beside_components(s: Subject) -> Iterator[Problem]:
    e, components = s.endpoint, (*s.path, "components")
    if e.model is not None:
        yield Problem(
            (*s.path, "model"),
            f"stands beside `components`, which bring their own models: move it into a component "
            f"{_GONE.format('model')}, or drop `components`",
            others=(components,),
        )
    if e.variants is not None:
        yield Problem(
            (*s.path, "variants"),
            "stands beside `components`, which share the one fleet that `hosting` describes: drop one of them "
            f"{_GONE.format('variants')}",
            others=(components,),
        )
    elif e.hosting is None:
        message = "is missing: say `hosting: {…}` for the fleet that the components share"
        yield Problem((*s.path, "hosting"), message, others=(components,))


def serverless(s: Subject) -> Iterator[Problem]:
    """What serverless endpoints do not have (Developer Guide, "Serverless Inference", feature exclusions)."""
    members = [(at, member.hosting) for at, _, member in s.variants()]
    keys = tuple((*at, "hosting", "serverless") for at, hosting in members if isinstance(hosting, ServerlessHosting))
    if not keys:
        return
    e = s.endpoint
    without = (
        ("variants", e.variants is not None and len(e.variants) > 1, "have one variant only: keep one"),
        ("deployment", e.deployment != UNGUARDED, "have no deployment guardrails: remove `deployment`"),
        ("asynchronous", e.asynchronous is not None, "are not asynchronous: remove `asynchronous`"),
        ("capture", e.capture is not None, "have no data capture: remove `capture`"),
    )
    for what, is_so, message in without:
        if is_so:
            cure = "host all of them on instances" if what == "variants" else "host on instances"
            yield Problem((*s.path, what), f"serverless endpoints {message}, or {cure}", others=keys)
    for key in keys if s.environment.network is not None else ():
        yield Problem(
            key,
            "serverless endpoints cannot be in a network of one's own, and the environment's `network` is for every "
            "model: host on instances, or remove `network`",
            others=(("network",),),
        )
    for served in e.served:
        path = (*s.path, *served.at)
        for what, wrong, message in (
            ("network_isolation", served.model.network_isolation, "have no network isolation: remove it"),
            ("containers", isinstance(served.model, Pipeline), "host no inference pipelines: serve one container"),
        ):
            if wrong:
                yield Problem((*path, what), f"serverless endpoints {message}, or host on instances", others=keys)
    for path, container in s.containers():
        for at, message in _not_serverless(container):
            yield Problem((*path, *at), f"serverless endpoints {message}, or host on instances", others=keys)


def _not_serverless(container: Container) -> Iterator[tuple[Path, str]]:
    """What of a container serverless endpoints do not have: the key, and why."""
    if container.models is not None:
        yield ("models",), "host no multi-model containers: name one `artifact`"
    if isinstance(container.image, UriImage) and container.image.private:
        yield ("image", "private"), "take no image of a private registry: push it to one of `repositories`"
    archive = "download a .tar.gz archive only (API:ModelDataSource): "
    if container.artifact and container.artifact.endswith("/"):
        yield ("artifact",), f"{archive}name one"
    elif container.hub_content is not None or container.accept_eula is not None:
        key = "hub_content" if container.hub_content is not None else "accept_eula"
        yield (key,), f"{archive}remove `{key}`"


def shadow(s: Subject) -> Iterator[Problem]:
    """What a shadow variant excludes (API:CreateEndpointConfig; Developer Guide, "Shadow tests", exclusions)."""
    e = s.endpoint
    if e.shadow is None:
        return
    path = (*s.path, "shadow")
    for name in e.fleet:
        if name.lower() == SHADOW:
            yield Problem(
                (*s.path, "variants", name),
                f"{SHADOW!r} is the name of the shadow variant: name this one otherwise",
                others=(path,),
                of_name=True,
            )
    if len(e.fleet) > 1:
        yield Problem(
            path,
            f"a shadow variant stands beside exactly one production variant, and there are {len(e.fleet)}: remove "
            "`shadow`, or keep one of `variants`",
            others=((*s.path, "variants"),),
        )
    for key, what in (("components", "inference components"), ("asynchronous", "asynchronous endpoints")):
        if getattr(e, key) is not None:
            message = f"{what} know no shadow variant: remove `shadow`, or `{key}`"
            yield Problem(path, message, others=((*s.path, key),))
    for at, name, member in s.members():
        who = "the shadow variant" if name == SHADOW else f"variant {name!r}"
        for where, why, cure in _not_shadowed(member):
            yield Problem(
                path,
                f"{why.format(who)}: remove `shadow`, or {cure}",
                others=((*at, *where),),
            )


def _not_shadowed(member: Member) -> Iterator[tuple[Path, str, str]]:
    """What excludes a shadow variant, on either side: the key, why, and what to do instead."""
    if isinstance(member.hosting, ServerlessHosting):
        key: Path = ("hosting", "serverless")
        yield key, "shadow variants exclude serverless hosting, and {} is serverless", "host both on instances"
    for kind in member.hosting.types:
        if kind.startswith("ml.inf1."):
            yield (
                ("hosting", "instance_type"),
                f"shadow variants exclude Inf1 instances, and {{}} runs on {kind}",
                "host on another type, such as ml.inf2.xlarge",
            )
    if isinstance(member.model, Pipeline):
        key = ("model", "containers")
        yield key, "shadow variants exclude inference pipelines, and {} serves one", "serve one container"
    elif member.model is not None and member.model.models is not None:
        key = ("model", "models")
        yield key, "shadow variants exclude multi-model containers, and {} serves one", "name one `artifact`"


def shadow_updates(s: Subject) -> Iterator[Problem]:
    """Whether guardrails work with a shadow variant is not documented."""
    e = s.endpoint
    deployment = e.deployment
    staged = isinstance(deployment, Guarded) or deployment.rollback_alarms or deployment.termination_wait
    if e.shadow is not None and staged:
        yield Problem(
            (*s.path, "shadow"),
            f"whether `{e.deployment.strategy}` and its rollback work with a shadow variant is not documented: try the "
            "update in a test environment first",
            "warning",
            ((*s.path, "deployment"),),
        )


def asynchronous(s: Subject) -> Iterator[Problem]:
    """An asynchronous request names neither a component nor a model nor a container (API:InvokeEndpointAsync)."""
    e = s.endpoint
    if e.asynchronous is None:
        return
    path = (*s.path, "asynchronous")
    if e.components is not None:
        yield Problem(
            path,
            "a request to an asynchronous endpoint cannot name an inference component (API:InvokeEndpointAsync): "
            "remove `asynchronous`, or serve a `model` of its own",
            others=((*s.path, "components"),),
        )
        return
    for served in e.served:
        model = (*s.path, *served.at)
        if isinstance(served.model, Pipeline) and served.model.invocation == "direct":
            yield Problem(
                (*model, "invocation"),
                "a request to an asynchronous endpoint cannot name a container (API:InvokeEndpointAsync): write "
                "`invocation: serial`, or remove `asynchronous`",
                others=(path,),
            )
    for at, container in s.containers():
        if container.models is not None:
            yield Problem(
                (*at, "models"),
                "a request to an asynchronous endpoint cannot name one of several models (API:InvokeEndpointAsync): "
                "name one `artifact`, or remove `asynchronous`",
                others=(path,),
            )


def components(s: Subject) -> Iterator[Problem]:
    """Inference components share a fleet of instances, and each is asked by its own name."""
    e = s.endpoint
    if e.components is None:
        return
    at = (*s.path, "components")
    if isinstance(e.hosting, ServerlessHosting):
        yield Problem(
            at,
            "inference components share instances, and `hosting` is serverless: name an `instance_type`, or serve a "
            "`model` of its own",
            others=((*s.path, "hosting", "serverless"),),
        )
    if e.sample is not None:
        yield Problem(
            (*s.path, "sample"),
            "stands beside `components`, and a request has to name one of them: move it into a component",
            others=(at,),
        )
    for name, component in e.components.items():
        if component.model is not None and component.model.models is not None:
            yield Problem(
                (*at, name, "model", "models"),
                "an inference component serves one model (API:CreateInferenceComponent): name one `artifact`, and make "
                "each model a component",
                others=(at,),
            )


def undocumented(s: Subject) -> Iterator[Problem]:
    """What is documented for real-time endpoints, and left open for others."""
    e = s.endpoint
    pipeline = any(isinstance(served.model, Pipeline) for served in e.served)
    several = any(container.models is not None for _, container in s.containers())
    kinds = (
        ("serverless", e.mode == "serverless", "serverless endpoints"),
        ("asynchronous", e.asynchronous is not None, "asynchronous endpoints"),
        ("components", e.components is not None, "inference components"),
        ("shadow", e.shadow is not None, "shadow variants"),
        ("pipeline", pipeline, "inference pipelines"),
        ("models", several, "multi-model containers"),
    )
    doubtful = {
        "explainer": ("serverless", "asynchronous", "components", "shadow", "pipeline"),
        "capture": ("asynchronous", "components", "models"),
        "metrics": ("serverless",),
    }
    for feature, with_kinds in doubtful.items():
        for kind, is_so, called in kinds:
            if is_so and kind in with_kinds and getattr(e, feature) is not None:
                yield Problem(
                    (*s.path, feature),
                    f"whether `{feature}` works with {called} is not documented: try it in a test environment first",
                    "warning",
                )


def marketplace(s: Subject) -> Iterator[Problem]:
    """A product of AWS Marketplace excludes much; its package is another account's, as a shared one of one's own is."""
    e = s.endpoint
    guarded = isinstance(e.deployment, Guarded) and e.mode in GUARDABLE
    excluded = (
        (e.mode == "serverless", "serverless endpoints"),
        (e.asynchronous is not None, "asynchronous endpoints"),
        (e.shadow is not None, "shadow variants"),
        (guarded, f"`{e.deployment.strategy}`, and is silently updated all at once and without a final bake"),
    )
    for path, container in s.containers():
        account = _account(container.package)
        if account in (None, s.environment.account):
            continue
        for is_so, what in excluded:
            if is_so:
                yield Problem(
                    (*path, "package"),
                    f"is another account's ({account}); if it is a product of AWS Marketplace, it excludes {what}",
                    "warning",
                    (("account",),),
                )


def _account(arn: str | None) -> str | None:
    return arn.split(":")[4] if arn else None
