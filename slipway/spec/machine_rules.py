"""Rules on the machines of an endpoint: what an instance type allows, and what of it the table has to know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slipway.spec import instances
from slipway.spec.alarms import Alarms
from slipway.spec.deployment import Guarded
from slipway.spec.errors import Problem, shown
from slipway.spec.units import Percent

if TYPE_CHECKING:
    from slipway.spec.rules import Subject


def instance_types(s: Subject) -> Iterator[Problem]:
    """What an instance type allows."""
    for path, _, variant in s.variants():
        hosting = variant.hosting
        name = hosting.instance_type
        at = (*path, "hosting", "instance_type")
        if name not in instances.known():
            close = instances.nearest(name)
            hint = f" (did you mean {close[0]}?)" if close else ""
            yield Problem(
                at,
                f"{name!r} is not in the table of known types{hint}; newer types are accepted",
                "warning",
            )
        refuses = instances.refuses_kms_key(name)
        for key, value in (("kms_key", hosting.kms_key), ("volume", hosting.volume)):
            if value is None:
                continue
            if refuses:
                yield Problem(
                    (*path, "hosting", key),
                    f"{name} has local NVMe storage, which is encrypted by the hardware, and SageMaker refuses "
                    f"{'KmsKeyId' if key == 'kms_key' else 'VolumeSizeInGB'} with it: remove `{key}`",
                    others=(at,),
                )
            elif refuses is None:
                yield Problem(
                    (*path, "hosting", key),
                    f"whether {name} accepts `{key}` is not documented",
                    "warning",
                    (at,),
                )
        if s.endpoint.scaling is not None and instances.is_burstable(name):
            yield Problem(
                (*s.path, "scaling"),
                f"{name} is burstable, and autoscaling refuses T types: remove `scaling` (`scaling: null`) or host on "
                "another type, such as ml.m5.large",
                others=(at,),
            )


def volume_key(s: Subject) -> Iterator[Problem]:
    """An endpoint config has one key for the volumes of all its variants, so every type must accept it."""
    hosted = [((*path, "hosting"), name, variant.hosting) for path, name, variant in s.variants()]
    types = tuple((*path, "instance_type") for path, _, _ in hosted)
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
            refuses = instances.refuses_kms_key(hosting.instance_type)
            if refuses is False:
                continue
            who = f"{hosting.instance_type} of variant {name!r}"
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
    refusals = {hosting.instance_type: instances.refuses_kms_key(hosting.instance_type) for _, _, hosting in hosted}
    for path, _, hosting in hosted:
        # Local NVMe storage is encrypted by the hardware anyway.
        if refusals[hosting.instance_type]:
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
                (*path, "instance_type"),
                f"despite `encrypt_volumes` the volumes of {hosting.instance_type} are not encrypted with the "
                f"environment's key: {why}",
                "warning",
                (*types, ("encrypt_volumes",)),
            )


def known_machine(s: Subject) -> Iterator[Problem]:
    """Levels in percent of a machine need to know the machine."""
    e = s.endpoint
    for path, _, variant in s.variants():
        name = variant.hosting.instance_type
        machine = instances.lookup(name)
        at = (*path, "hosting", "instance_type")
        if machine is None:
            for key in ("cpu", "gpu", "gpu_memory"):
                if e.alarms and isinstance(getattr(e.alarms, key), Percent):
                    # Newer types are accepted, so the default level alone must not refuse one.
                    asked = getattr(e.alarms, key) != getattr(Alarms(), key)
                    yield Problem(
                        (*s.path, "alarms", key),
                        f"how many cores and GPUs {name} has is not in the "
                        f"table{'' if asked else ', so this alarm is left out'}: "
                        f"give the metric's own figure (100 for each core or GPU, such as `{key}: 320`), or `{key}: "
                        f"off`",
                        "error" if asked else "warning",
                        others=(at,),
                    )
            for key in ("cpu", "gpu"):
                if e.scaling is not None and getattr(e.scaling, key) is not None:
                    yield Problem(
                        (*s.path, "scaling", key),
                        f"how many cores and GPUs {name} has is not in the table: scale on invocations or concurrency",
                        others=(at,),
                    )
            continue
        for key, units, what in (
            ("cpu", machine.vcpus, "core"),
            ("gpu", machine.gpus, "GPU"),
            ("gpu_memory", machine.gpus, "GPU"),
        ):
            level = getattr(e.alarms, key) if e.alarms else False
            if level is not False and not isinstance(level, Percent) and units and level >= 100 * units:
                yield Problem(
                    (*s.path, "alarms", key),
                    f"{level:g} is never exceeded: with {units} {what}{'s' if units > 1 else ''} the metric of {name} "
                    f"reaches {100 * units} at most; write less, or a share such as `{key}: 80%`",
                    others=(at,),
                )
        if e.scaling is not None and e.scaling.gpu is not None and not machine.gpus:
            yield Problem(
                (*s.path, "scaling", "gpu"),
                f"{name} has no GPU: scale on `cpu` or invocations",
                others=(at,),
            )


def guardrails(s: Subject) -> Iterator[Problem]:
    """Inf1 instances know no staged updates (Developer Guide, "Deployment guardrails exclusions")."""
    deployment = s.endpoint.deployment
    for path, _, variant in s.variants():
        name = variant.hosting.instance_type
        if isinstance(deployment, Guarded) and name.startswith("ml.inf1."):
            yield Problem(
                (*s.path, "deployment", "strategy"),
                f"the service silently updates {name} all at once and without a final bake, whatever the strategy: "
                "host on another type, such as ml.inf2.xlarge, or write `strategy: all_at_once` to say what happens",
                "warning",
                ((*path, "hosting", "instance_type"),),
            )
