"""Rules on inference components: what each says, what an adapter leaves to its base, and what all have in common."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING

from slipway.spec.component import Component, Resources
from slipway.spec.environment_rules import fits
from slipway.spec.errors import Path, Problem
from slipway.spec.model import Model, UriImage
from slipway.spec.names import Limit
from slipway.spec.option_rules import interval

if TYPE_CHECKING:
    from slipway.spec.rules import Subject

#: CFN:InferenceComponent, EnvironmentMap: a container that is written into the component.
MOST_INLINE_VARIABLES, SHORTEST_INLINE_NAME = 16, 2
#: What a copy of a component is given (API:InferenceComponentComputeResourceRequirements).
REQUIREMENTS = ("memory", "max_memory", "cpus", "accelerators")
#: What a container says and an artifact does not.
_NOT_OF_AN_ADAPTER = (
    *("image", "models", "cache", "package", "specification", "hub_content", "accept_eula", "script", "source"),
    "hostname",
)
#: What else differs by instance type.
_REST = ("download_timeout", "startup_timeout", "cache", "placement", "scrape")


def named(s: Subject) -> Iterator[Problem]:
    """The names of components, and of what is made for each, fit and differ."""
    made: dict[str, Path] = {}
    for name in s.endpoint.components or {}:
        path = (*s.path, "components", name)
        yield from fits(path, Limit("inference component", 63), s.environment.names.component(s.name, name))
    for served in s.endpoint.served:
        if not served.component:
            continue
        path = (*s.path, *served.at)
        other = made.setdefault(served.id, path)
        if other != path:
            yield Problem(
                path,
                f"its model would be called {served.id!r}, as that of component {other[3]!r} is: name one of the "
                "components otherwise",
                others=(other,),
            )


def resources(s: Subject) -> Iterator[Problem]:
    """Each component says what it serves and what a copy takes."""
    types = {kind for _, kind in s.types()}
    for name, component in (s.endpoint.components or {}).items():
        path = (*s.path, "components", name)
        if component.base is not None:
            yield from _adapter(path, name, component, s)
        elif component.on is None:
            yield from _one(path, component, component.model, "name a `base` that has one")
        else:
            yield from _each(path, component, types, s)
        if component.copies == 0:
            yield Problem(
                (*path, "copies"),
                "the service has been seen to refuse the creation of a component without a copy: write `copies: 1`; "
                "`scaling: {min: 0}` takes it down to none afterwards",
                "warning",
            )
        if component.scrape is not None and component.base is None and component.on is None:
            yield from _inline(path, component, component.model)
        for at, given in _slots(path, component):
            if given.scrape is not None and given.scrape.every is not None:
                yield from interval((*at, "scrape", "every"), given.scrape.every)
            silent = s.endpoint.metrics is not None and not s.endpoint.metrics.detailed
            if given.scrape is not None and silent:
                yield Problem(
                    (*at, "scrape"),
                    "publishes nothing while the endpoint's metrics are not detailed (API:MetricsConfig): write "
                    "`metrics: {detailed: true}`, or leave `scrape` out",
                    "warning",
                    ((*s.path, "metrics"),),
                )


def _slots(path: Path, component: Component) -> Iterator[tuple[Path, Resources]]:
    """Where resources stand: at the component, and for each type."""
    yield path, component
    for kind, given in (component.on or {}).items():
        yield (*path, "on", kind), given


def _one(path: Path, given: Resources, model: Model | None, cure: str) -> Iterator[Problem]:
    """What one copy serves and takes."""
    if model is None:
        others = ((*path, "base"), (*path, "on"))
        yield Problem((*path, "model"), f"is missing: say `model: {{…}}`, or {cure}", others=others)
    if given.memory is None:
        yield Problem(
            (*path, "memory"),
            "is missing: say how much a copy is given, such as `memory: 1GB` (API: MinMemoryRequiredInMb)",
            others=((*path, "base"), (*path, "on")),
        )
    elif given.max_memory is not None and given.max_memory < given.memory:
        yield Problem(
            (*path, "max_memory"),
            f"{given.max_memory} is less than the `memory` of {given.memory} that a copy is given: write "
            f"{given.memory} or more, or leave it out",
            others=((*path, "memory"),),
        )


def _each(path: Path, component: Component, types: set[str], s: Subject) -> Iterator[Problem]:
    """With other resources for each instance type, nothing of them stands beside."""
    on = component.on or {}
    for key in (*REQUIREMENTS, *_REST):
        if getattr(component, key) is not None:
            yield Problem(
                (*path, key),
                "stands beside `on`, which says it for each instance type: move it there, or drop `on`",
                others=((*path, "on"),),
            )
    if component.model is not None and all(given.model is not None for given in on.values()):
        yield Problem(
            (*path, "model"),
            "serves nothing, since every entry of `on` has a model of its own: remove it, or one of those",
            others=((*path, "on"),),
        )
    fleet = tuple(at for at, _ in s.types())
    for kind, given in on.items():
        at = (*path, "on", kind)
        if types and kind not in types:
            yield Problem(
                at,
                f"{kind} is none of the fleet's instance types: write one of {', '.join(sorted(types))}, or add it to "
                "`pools` of the endpoint's hosting",
                others=fleet,
                of_name=True,
            )
        yield from _one(at, given, given.model or component.model, "one for all types beside `on`")
        if given.scrape is not None:
            yield from _inline(at, given, given.model or component.model)
    for kind in sorted(types - set(on)):
        yield Problem(
            (*path, "on"),
            f"says nothing of {kind}, on which the fleet may run too, and whether copies start there then is not "
            "documented: add it",
            "warning",
            fleet,
        )


def _adapter(path: Path, name: str, component: Component, s: Subject) -> Iterator[Problem]:
    """An adapter runs in its base's container, on what that is given (API:InferenceComponentSpecification)."""
    components = s.endpoint.components or {}
    base, at = components.get(component.base or ""), (*path, "base")
    others = [known for known in components if known != name and components[known].base is None]
    if component.base == name or base is None or base.base is not None:
        why = (
            "is the component itself"
            if component.base == name
            else "is no component of this endpoint"
            if base is None
            else "is an adapter too, and an adapter adapts a model"
        )
        close = get_close_matches(component.base or "", others, 1) or others[:1]
        cure = f"write another, such as {close[0]!r}" if close else "add the component whose model it adapts"
        yield Problem(
            at,
            f"{component.base!r} {why}: {cure}",
            others=(
                (*s.path, "components", component.base or ""),
                *((*s.path, "components", known, "base") for known in components if known != name),
            ),
        )
    for key in (*REQUIREMENTS, "scrape", "on"):
        if getattr(component, key) is not None:
            yield Problem(
                (*path, key),
                "stands beside `base`: an adapter takes what its base is given and runs in its container; remove it",
                others=(at,),
            )
    model = component.model
    if model is None or model.artifact is False:
        yield Problem(
            (*path, "model") if model is None else (*path, "model", "artifact"),
            "is missing: an adapter is an artifact; write `model: {}` for the one that is published, or `model: "
            "{artifact: s3://…}`",
            others=(at,),
        )
        return
    for key in _NOT_OF_AN_ADAPTER:
        if getattr(model, key) is not None:
            yield _only_an_artifact((*path, "model", key), at)
    if model.environment:
        yield _only_an_artifact((*path, "model", "environment"), at)
    if model.network_isolation:
        yield _only_an_artifact((*path, "model", "network_isolation"), at)
    yield from _archive((*path, "model", "artifact"), model, at)


def _only_an_artifact(path: Path, base: Path) -> Problem:
    message = "belongs to a container, and an adapter runs in its base's: its model has an `artifact` only; remove it"
    return Problem(path, message, others=(base,))


def _archive(path: Path, model: Model, reason: Path) -> Iterator[Problem]:
    if model.artifact and model.artifact.endswith("/"):
        yield Problem(
            path,
            "is a prefix, and a container that is written into a component takes a .tar.gz archive only "
            "(API:InferenceComponentContainerSpecification): name one",
            others=(reason,),
        )


def _inline(path: Path, given: Resources, model: Model | None) -> Iterator[Problem]:
    """A container whose metrics are scraped is written into the component, where less can be said of it."""
    if model is None:
        return
    scrape = (*path, "scrape")
    at = (*path, "model") if given.model is not None else (*path[: path.index("on")], "model")
    private = isinstance(model.image, UriImage) and model.image.private
    keys = ["package", "hub_content", "accept_eula", "hostname"]
    wrong = [(*at, key) for key in keys if getattr(model, key) is not None]
    for where in (*wrong, *([(*at, "image", "private")] if private else [])):
        yield Problem(
            where,
            "cannot be said of a container whose metrics are scraped, since it is written into the component "
            "(API:InferenceComponentContainerSpecification): remove it, or `scrape`",
            others=(scrape,),
        )
    yield from _archive((*at, "artifact"), model, scrape)
    if len(model.variables) > MOST_INLINE_VARIABLES:
        yield Problem(
            (*at, "environment"),
            f"has {len(model.variables)} entries with those that `script` sets, and a container that is written into "
            f"the component because of `scrape` may have {MOST_INLINE_VARIABLES} "
            f"(API:InferenceComponentContainerSpecification): leave {len(model.variables) - MOST_INLINE_VARIABLES} out",
            others=(scrape, (*at, "script")),
        )
    for name in model.environment:
        if len(name) < SHORTEST_INLINE_NAME:
            yield Problem(
                (*at, "environment", name),
                "is too short for a container that is written into the component because of `scrape`: CloudFormation "
                "takes names of 2 characters or more there; call it otherwise",
                others=(scrape,),
                of_name=True,
            )


def isolation(s: Subject) -> Iterator[Problem]:
    """The network isolation of components is that of their endpoint's config, of which there is one."""
    models = [served for served in s.endpoint.served if served.component and not s.is_adapter((*s.path, *served.at))]
    isolated = [served for served in models if served.model.network_isolation]
    for served in models if isolated else ():
        if not served.model.network_isolation:
            yield Problem(
                (*s.path, *served.at, "network_isolation"),
                f"an endpoint isolates all of its components or none (API:CreateEndpointConfig), and "
                f"{isolated[0].at[1]!r} says `network_isolation: true`: write it here too, or remove it there",
                others=((*s.path, *isolated[0].at, "network_isolation"),),
            )
