"""Which part of an endpoint is scaled: a variant with its instances, or a component with its copies."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from slipway.ops.scale.scalable import LEAST, component_resource, variant_resource
from slipway.ops.trouble import WrongOperation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slipway.spec.environment import Environment
    from slipway.spec.scaling import Mode, Scaling

#: What is counted: several, and one.
_UNITS: Mapping[Mode, tuple[str, str]] = {
    "instances": ("instances", "instance"),
    "serverless": ("warm requests", "warm request"),
    "asynchronous": ("instances", "instance"),
    "components": ("copies", "copy"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A variant or a component.

    Attributes
    ----------
    name
        Its short name.
    full
        As AWS has it: the variant's name, or the component's full one.
    resource
        Its ResourceId for Application Auto Scaling.
    mode
        How the endpoint is hosted.
    scaling
        As it is declared; ``None`` when it is not to be scaled.
    declared
        How many the config has without scaling.
    key
        The key of the config that says so.
    component
        Whether it is a component.
    types
        Its instance types; none of a component, or where there are no instances.
    managed
        Whether SageMaker sizes the fleet by what its components need.
    """

    name: str
    full: str
    resource: str
    mode: Mode
    scaling: Scaling | None
    declared: int | None
    key: str
    component: bool = False
    types: tuple[str, ...] = ()
    managed: bool = False

    @property
    def unit(self) -> str:
        """What is counted, as a plural."""
        return _UNITS["components" if self.component else self.mode][0]

    def counted(self, number: int | None) -> str:
        """Say how many there are."""
        several, one = _UNITS["components" if self.component else self.mode]
        return f"an unknown number of {several}" if number is None else f"{number} {one if number == 1 else several}"

    @property
    def least(self) -> int:
        """The fewest that the service lets it have."""
        return LEAST["components" if self.component else self.mode]

    def __str__(self) -> str:
        return f"component {self.name}" if self.component else f"variant {self.name}"


def part(environment: Environment, name: str, *, variant: str | None = None, component: str | None = None) -> Part:
    """Find the part that is meant; it need not be named when there is but one.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.
    variant, component
        Which one, if somebody said so.

    Returns
    -------
    Part
        A component where there are some and no variant was named.

    Raises
    ------
    WrongOperation
        When there is no such part, or there are several and none was named.
    """
    endpoint = environment.endpoints[name]
    full = environment.names.endpoint(name)
    components = endpoint.components or {}
    if component is not None or (components and variant is None):
        chosen = _one(f"{name}: component", "--component", component, components)
        own = components[chosen]
        called = environment.names.component(name, chosen)
        key = f"endpoints.{name}.components.{chosen}.copies"
        scaling = endpoint.scaling_of(own)
        resource = component_resource(called)
        return Part(chosen, called, resource, endpoint.mode, scaling, own.copies, key, component=True)
    fleet = endpoint.fleet
    chosen = _one(f"{name}: variant", "--variant", variant, fleet)
    member = fleet[chosen]
    return Part(
        chosen,
        chosen,
        variant_resource(full, chosen),
        endpoint.mode,
        None if components else endpoint.scaling,
        getattr(member.hosting, "instances", None),
        ".".join(("endpoints", name, *member.at, "hosting", "instances")),
        types=member.hosting.types,
        managed=getattr(member.hosting, "managed_scaling", None) is not None,
    )


def _one(what: str, flag: str, given: str | None, there: Iterable[str]) -> str:
    known = list(there)
    if given is None:
        if len(known) == 1:
            return known[0]
        raise WrongOperation(f"{what}: there are several: name one of {', '.join(known)} with {flag}")
    if given not in known:
        near = get_close_matches(given, known, 1)
        hint = f", did you mean {near[0]}?" if near else "."
        raise WrongOperation(f"{what} {given!r} is not declared{hint} There is: {', '.join(known) or 'none'}")
    return given
