"""Rules on room: what copies of inference components take fits on the machines of their fleet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slipway.spec import instances
from slipway.spec.component import Component, Resources
from slipway.spec.errors import Path, Problem
from slipway.spec.hosting import Hosting
from slipway.spec.hosting_rules import NEURON
from slipway.spec.instances import InstanceType
from slipway.spec.units import Megabytes

if TYPE_CHECKING:
    from slipway.spec.rules import Subject

#: Share of a machine's memory above which copies may not fit: the operating system and SageMaker take some, and how
#: much is not documented. Amazon's own tool for HyperPod leaves 15 %.
USABLE = 0.85
#: Key, what a reader calls it, and how much of it a machine has.
_KINDS = ("memory", "cpus", "accelerators")


def _has(machine: InstanceType) -> dict[str, float]:
    """What a machine has; how many chips Inferentia and Trainium types have, the table does not say."""
    has: dict[str, float] = {"memory": machine.memory_mib, "cpus": machine.vcpus, "accelerators": machine.gpus}
    if machine.name.startswith((*NEURON, "ml.inf1.")):
        del has["accelerators"]
    return has


def _amount(kind: str, value: float) -> str:
    if kind == "memory":
        return str(Megabytes(value))
    return f"{value:g} {'core' if kind == 'cpus' else 'accelerator'}{'' if value == 1 else 's'}"


def _keys(s: Subject) -> tuple[Path, ...]:
    """Keys that decide on which machines copies run."""
    return tuple(at for at, _ in s.types())


def _fleet_keys(s: Subject) -> tuple[Path, ...]:
    """Keys that decide how many machines and copies there are."""
    hosting = (*s.path, "hosting")
    return (*_keys(s), (*hosting, "instances"), (*hosting, "managed_scaling"), (*s.path, "scaling"))


def copies(s: Subject) -> Iterator[Problem]:
    """One copy fits on one machine."""
    for name, component in (s.endpoint.components or {}).items():
        path = (*s.path, "components", name)
        for at, given, types in _placed(path, component, [kind for _, kind in s.types()]):
            machines = [machine for machine in map(instances.lookup, types) if machine is not None]
            if not types or len(machines) < len(types):
                continue
            for kind in _KINDS:
                yield from _fits((*at, kind), kind, getattr(given, kind), machines, s)


def _placed(path: Path, component: Component, types: list[str]) -> Iterator[tuple[Path, Resources, list[str]]]:
    if component.on is None:
        yield path, component, types
    for kind, given in (component.on or {}).items():
        yield (*path, "on", kind), given, [kind]


def _fits(path: Path, kind: str, value: float | None, machines: list[InstanceType], s: Subject) -> Iterator[Problem]:
    known = [(machine.name, has[kind]) for machine in machines if kind in (has := _has(machine))]
    if value is None or len(known) < len(machines):
        return
    name, most = max(known, key=lambda one: one[1])
    if value > most:
        lacks = f"{name} has {_amount(kind, most) if most else 'none'}"
        cure = "remove it, or host on a type with GPUs" if not most else "give a copy less, or host on a larger type"
        yield Problem(path, f"a copy takes {_amount(kind, value)}, and {lacks}: {cure}", others=_keys(s))
    elif kind == "memory" and value > USABLE * most:
        yield Problem(
            path,
            f"a copy takes {_amount(kind, value)} of the {_amount(kind, most)} of {name}, and the operating system and "
            "SageMaker take some of it: a copy may not fit; give it less, or host on a larger type",
            "warning",
            _keys(s),
        )


def together(s: Subject) -> Iterator[Problem]:
    """The fewest copies of all components fit on the most instances of the fleet."""
    e = s.endpoint
    hosting = e.hosting
    if e.components is None or e.variants is not None or not isinstance(hosting, Hosting):
        return
    machines = [instances.lookup(kind) for kind in hosting.types]
    if not machines or None in machines:
        return
    each = [_has(machine) for machine in machines if machine is not None]
    managed = hosting.managed_scaling
    most = managed.max if managed else hosting.instances
    fleet = f"{most} instance{'' if most == 1 else 's'} of {' or '.join(hosting.types)}"
    own = {name: component for name, component in e.components.items() if component.base is None}
    for kind in _KINDS:
        if not all(kind in has for has in each):
            continue
        room = most * max(has[kind] for has in each)
        # Limits the wrong way round are said of the limits.
        fewest = {name: min(f.lowest, f.highest) for name, c in own.items() for f in [e.copies_of(c)]}
        wanted = sum(fewest[name] * (_least(c, kind) or 0) for name, c in own.items())
        largest = max((_least(c, kind) or 0) for c in e.components.values())
        beyond = wanted > room
        # What does not fit alone, or hardly, is said of the component itself.
        limit = room / most if beyond else USABLE * room / most
        if largest > limit or wanted <= (USABLE * room if kind == "memory" else room):
            continue
        yield Problem(
            (*s.path, "components"),
            f"the fewest copies of all components take {_amount(kind, wanted)} together, and {fleet} "
            f"{'has' if most == 1 else 'have'} {_amount(kind, room)}"
            + ("" if beyond else ", of which the operating system and SageMaker take some")
            + f": {'' if beyond else 'they may not fit; '}have more instances (`managed_scaling: {{max: …}}`), larger "
            "ones, or fewer copies",
            "error" if beyond else "warning",
            _fleet_keys(s),
        )


def _least(component: Component, kind: str) -> float | None:
    """The least that a copy takes on any type."""
    given = list(component.on.values()) if component.on else [component]
    values = [value for one in given if (value := getattr(one, kind)) is not None]
    return min(values) if values and len(values) == len(given) else None


def room_to_scale(s: Subject) -> Iterator[Problem]:
    """Autoscaling of copies has instances to put them on, and none where the last copy goes."""
    e = s.endpoint
    hosting = e.hosting
    if e.components is None or e.variants is not None or not isinstance(hosting, Hosting):
        return
    managed = hosting.managed_scaling
    most = managed.max if managed else hosting.instances
    machines = [_has(machine) for kind in hosting.types if (machine := instances.lookup(kind)) is not None]
    own = [(name, component) for name, component in e.components.items() if component.base is None]
    for name, component in own:
        scaling = e.scaling_of(component)
        if scaling is None or len(machines) < len(hosting.types) or not machines:
            continue
        held = min(
            (
                max(int(has[kind] // need) for has in machines)
                for kind in _KINDS
                if (need := _least(component, kind)) and all(kind in has for has in machines)
            ),
            default=None,
        )
        if held and held * most < scaling.highest:
            yield Problem(
                (*s.path, "components", name),
                f"autoscaling may want {scaling.highest} copies, and {most} instance{'' if most == 1 else 's'} of "
                f"{' or '.join(hosting.types)} hold {held * most} at most: have more (`managed_scaling: {{max: "
                f"{-(-scaling.highest // held)}}}`), or lower `max`",
                "warning",
                _fleet_keys(s),
            )
    stays = managed is None or managed.min > 0
    if own and stays and all(e.copies_of(component).lowest == 0 for _, component in own):
        yield Problem(
            (*s.path, "hosting"),
            "every component can go down to no copy, but the fleet stays and costs as much: write `managed_scaling: "
            f"{{min: 0, max: {most}}}`",
            "warning",
            ((*s.path, "components"), (*s.path, "scaling")),
        )
