"""Rules on the machines of an endpoint: what an instance type allows, and what of it the table has to know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slipway.spec import instances
from slipway.spec.alarms import Alarms
from slipway.spec.deployment import Guarded
from slipway.spec.endpoint import GUARDABLE
from slipway.spec.errors import Path, Problem, shown
from slipway.spec.hosting import Hosting
from slipway.spec.instances import InstanceType
from slipway.spec.scaling_rules import scaled
from slipway.spec.units import Percent

if TYPE_CHECKING:
    from slipway.spec.rules import Subject


def instance_types(s: Subject) -> Iterator[Problem]:
    """What an instance type allows."""
    for at, name in s.types():
        if name not in instances.known():
            close = instances.nearest(name)
            hint = f" (did you mean {close[0]}?)" if close else ""
            yield Problem(
                at,
                f"{name!r} is not in the table of known types{hint}; newer types are accepted",
                "warning",
            )
    for path, _, hosting in s.hosts():
        yield from _storage(path, hosting)


def _storage(path: Path, hosting: Hosting) -> Iterator[Problem]:
    """A volume and a key only where every type accepts them."""
    at = (*path, "pools" if hosting.pools else "instance_type")
    refusing = [name for name in hosting.types if instances.refuses_kms_key(name)]
    unknown = [name for name in hosting.types if instances.refuses_kms_key(name) is None]
    for key, value in (("kms_key", hosting.kms_key), ("volume", hosting.volume)):
        if value is None:
            continue
        if refusing:
            yield Problem(
                (*path, key),
                f"{refusing[0]} has local NVMe storage, which is encrypted by the hardware, and SageMaker refuses "
                f"{'KmsKeyId' if key == 'kms_key' else 'VolumeSizeInGB'} with it: remove `{key}`",
                others=(at,),
            )
        elif unknown:
            yield Problem(
                (*path, key),
                f"whether {unknown[0]} accepts `{key}` is not documented",
                "warning",
                (at,),
            )


def volume_key(s: Subject) -> Iterator[Problem]:
    """An endpoint config has one key for the volumes of all its variants, so every type must accept it."""
    hosted = list(s.hosts())
    types = tuple(path for path, _ in s.types())
    named = [(path, hosting.kms_key) for path, _, hosting in hosted if hosting.kms_key]
    for path, key in named:
        if key != named[0][1]:
            yield Problem(
                (*path, "kms_key"),
                f"an endpoint has one key for the volumes of all its variants: write {shown(named[0][1])} here too, or "
                "leave it out",
            )
        for other, name, hosting in hosted:
            if other == path or hosting.kms_key:
                continue
            refuses = instances.refuses_kms_key(*hosting.types)
            if refuses is False:
                continue
            who = f"{_chief(hosting)} of variant {name!r}"
            why = f"{who} refuses one" if refuses else f"whether {who} accepts one is not documented"
            yield Problem(
                (*path, "kms_key"),
                f"an endpoint config has one key for all its variants, and {why}: remove `kms_key`, or host all "
                "variants on types without local NVMe storage, such as ml.m5.large",
                "error" if refuses else "warning",
                types,
            )
    if named or not s.environment.encrypt_volumes:
        return
    refusals = {kind: instances.refuses_kms_key(kind) for _, kind in s.types()}
    for path, _, hosting in hosted:
        # Local NVMe storage is encrypted by the hardware anyway.
        if all(refusals[kind] for kind in hosting.types):
            continue
        without = next((name for name, refuses in refusals.items() if refuses is not False), None)
        if without is not None:
            why = (
                f"{without} refuses the environment's key, and an endpoint config has one key for all its variants: "
                "host them all on types without local NVMe storage"
                if refusals[without]
                else f"whether {without} accepts the environment's key is not documented, so the endpoint config gets "
                "none: name one (`kms_key`) if you know that it does"
            )
            yield Problem(
                (*path, "pools" if hosting.pools else "instance_type"),
                f"despite `encrypt_volumes` the volumes of {_chief(hosting)} are not encrypted with the "
                f"environment's key: {why}",
                "warning",
                (*types, ("encrypt_volumes",)),
            )


def _chief(hosting: Hosting) -> str:
    """The first type whose storage has no key of ours, or simply the first."""
    without = [kind for kind in hosting.types if instances.refuses_kms_key(kind) is not False]
    return (without or list(hosting.types) or ["?"])[0]


def known_machine(s: Subject) -> Iterator[Problem]:
    """Levels in percent of a machine need to know the machine; those of components are shares anyway."""
    e = s.endpoint
    for at, name in s.types():
        machine = instances.lookup(name)
        if e.components is None:
            yield from _levels(at, name, machine, s)
        for one in scaled(s):
            for key in ("cpu", "gpu") if machine is None and e.components is None else ():
                if getattr(one.scaling, key) is not None:
                    yield Problem(
                        (*one.path, key),
                        f"how many cores and GPUs {name} has is not in the table: scale on invocations or concurrency",
                        others=(at,),
                    )
            if machine is not None and one.scaling.gpu is not None and not machine.gpus:
                yield Problem(
                    (*one.path, "gpu"),
                    f"{name} has no GPU: scale on `cpu` or invocations",
                    others=(at,),
                )


def _levels(at: Path, name: str, machine: InstanceType | None, s: Subject) -> Iterator[Problem]:
    """Operating alarms on cores and GPUs."""
    alarms = s.endpoint.alarms
    if not alarms:
        return
    if machine is None:
        for key in ("cpu", "gpu", "gpu_memory"):
            if isinstance(getattr(alarms, key), Percent):
                # Newer types are accepted, so the default level alone must not refuse one.
                asked = getattr(alarms, key) != getattr(Alarms(), key)
                yield Problem(
                    (*s.path, "alarms", key),
                    f"how many cores and GPUs {name} has is not in the "
                    f"table{'' if asked else ', so this alarm is left out'}: "
                    f"give the metric's own figure (100 for each core or GPU, such as `{key}: 320`), or `{key}: off`",
                    "error" if asked else "warning",
                    others=(at,),
                )
        return
    for key, units, what in (
        ("cpu", machine.vcpus, "core"),
        ("gpu", machine.gpus, "GPU"),
        ("gpu_memory", machine.gpus, "GPU"),
    ):
        level = getattr(alarms, key)
        if level is not False and not isinstance(level, Percent) and units and level >= 100 * units:
            yield Problem(
                (*s.path, "alarms", key),
                f"{level:g} is never exceeded: with {units} {what}{'s' if units > 1 else ''} the metric of {name} "
                f"reaches {100 * units} at most; write less, or a share such as `{key}: 80%`",
                others=(at,),
            )


def guardrails(s: Subject) -> Iterator[Problem]:
    """Inf1 instances know no staged updates (Developer Guide, "Deployment guardrails exclusions")."""
    deployment = s.endpoint.deployment
    for at, name in s.types():
        if isinstance(deployment, Guarded) and name.startswith("ml.inf1.") and s.endpoint.mode in GUARDABLE:
            yield Problem(
                (*s.path, "deployment", "strategy"),
                f"the service silently updates {name} all at once and without a final bake, whatever the strategy: "
                "host on another type, such as ml.inf2.xlarge, or write `strategy: all_at_once` to say what happens",
                "warning",
                (at,),
            )
