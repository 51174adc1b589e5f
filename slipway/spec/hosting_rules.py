"""Rules on fleets of instances: one way to say the types, and options that fit them and each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slipway.spec import instances
from slipway.spec.errors import Path, Problem, shown
from slipway.spec.hosting import Hosting, ManagedScaling, PrefixRouting, ServerlessHosting
from slipway.spec.model_rules import region_of

if TYPE_CHECKING:
    from slipway.spec.rules import Subject

#: Types with AWS's own accelerators, for which there is a machine image of its own.
NEURON = ("ml.inf2.", "ml.trn")


def fleets(s: Subject) -> Iterator[Problem]:
    """What a fleet says of itself fits together."""
    for path, _, hosting in s.hosts():
        yield from _types(path, hosting)
        yield from _image(path, hosting)
        if hosting.managed_scaling is not None:
            yield from _managed(path, hosting, hosting.managed_scaling, s)
        if hosting.capacity_reservation is not None:
            yield from _reservation(path, hosting, hosting.capacity_reservation, s)
    for path, _, member in s.variants():
        prefix_aware = isinstance(member.hosting, Hosting) and isinstance(member.hosting.routing, PrefixRouting)
        if prefix_aware and s.endpoint.live(member).highest == 1:
            yield Problem(
                (*path, "hosting", "routing"),
                "prefix-aware routing does nothing with one instance (API:ProductionVariantRoutingConfig): have at "
                "least 2, or leave it out",
                "warning",
                ((*path, "hosting", "instances"), (*s.path, "scaling")),
            )


def _types(path: Path, hosting: Hosting) -> Iterator[Problem]:
    if hosting.pools is None:
        if hosting.instance_type is None:
            yield Problem(
                (*path, "instance_type"),
                "is missing: say `instance_type: ml.m5.large` or another one, `pools` of several, or `serverless`",
                others=((*path, "pools"),),
            )
        return
    if hosting.instance_type is not None:
        yield Problem(
            (*path, "pools"),
            "stands beside `instance_type`: keep one of them (`instance_type: null` removes what base.yaml says)",
            others=((*path, "instance_type"),),
        )
    for key in ("priority", "instance_type"):
        seen: set[object] = set()
        for i, pool in enumerate(hosting.pools):
            value = getattr(pool, key)
            if value in seen:
                cure = "give each pool its own, 1 for the first choice" if key == "priority" else "keep one of them"
                yield Problem((*path, "pools", i, key), f"{shown(value)} stands twice in `pools`: {cure}")
            seen.add(value)


def _image(path: Path, hosting: Hosting) -> Iterator[Problem]:
    """A machine image has drivers for one kind of accelerator (API:ProductionVariantInferenceAmiVersion)."""
    if hosting.ami is None:
        return
    neuron = "neuron" in hosting.ami
    for kind in hosting.types:
        machine = instances.lookup(kind)
        fits = kind.startswith(NEURON) if neuron else machine is None or machine.gpus > 0
        if not fits:
            what = "Inferentia2 and Trainium" if neuron else "GPUs"
            yield Problem(
                (*path, "ami"),
                f"has drivers for {what}, which {kind} does not have: leave `ami` out, or host on another type",
                "warning",
                ((*path, "instance_type"), (*path, "pools")),
            )


def _managed(path: Path, hosting: Hosting, managed: ManagedScaling, s: Subject) -> Iterator[Problem]:
    at = (*path, "managed_scaling")
    if managed.min > managed.max:
        yield Problem(
            (*at, "min"),
            f"the minimum of {managed.min} is above the maximum of {managed.max}: write `max: {managed.min}` or more, "
            "or a lower `min`",
            others=((*at, "max"),),
        )
    elif not managed.min <= hosting.instances <= managed.max:
        yield Problem(
            (*path, "instances"),
            f"{hosting.instances} is outside the limits of `managed_scaling`, {managed.min} to {managed.max}: "
            "SageMaker would change it at once, or refuse it",
            "warning",
            (at,),
        )
    if s.endpoint.components is None:
        yield Problem(
            at,
            "is documented for fleets of inference components, and what it does to any other is not: use the "
            "endpoint's `scaling`",
            "warning",
            ((*s.path, "components"),),
        )
    policy = managed.scale_in
    if policy is None or policy.strategy == "consolidation":
        return
    for key in ("step", "cooldown"):
        if getattr(policy, key) is not None:
            yield Problem(
                (*at, "scale_in", key),
                f"belongs to `consolidation` (API:ManagedInstanceScalingScaleInPolicy), and the strategy is "
                f"`{policy.strategy}`: remove it, or write `strategy: consolidation`",
                others=((*at, "scale_in", "strategy"),),
            )


def _reservation(path: Path, hosting: Hosting, arn: str, s: Subject) -> Iterator[Problem]:
    at = (*path, "capacity_reservation")
    if region_of(arn) != s.environment.region:
        yield Problem(
            at,
            f"is a reservation in {region_of(arn)}, and the instances start in {s.environment.region}: name one "
            "there, or leave it out",
            others=(("region",),),
        )
    if len(hosting.types) > 1:
        yield Problem(
            at,
            "a reservation is for one instance type, and what it does to `pools` of several is not documented",
            "warning",
            ((*path, "pools"),),
        )


def concurrency(s: Subject) -> Iterator[Problem]:
    """A serverless endpoint keeps no more warm than it allows."""
    for path, _, member in s.members():
        if not isinstance(member.hosting, ServerlessHosting):
            continue
        at, declared = (*path, "hosting", "serverless"), member.hosting.serverless
        if declared.provisioned is not None and declared.provisioned > declared.concurrency:
            yield Problem(
                (*at, "provisioned"),
                f"{declared.provisioned} kept warm are more than the `concurrency` of {declared.concurrency} "
                f"(API:ServerlessProvisionedConcurrency): write {declared.concurrency} or less, or more `concurrency`",
                others=((*at, "concurrency"),),
            )
