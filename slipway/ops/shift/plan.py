"""What a shift of traffic is to reach, on which way, and what the config says of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from slipway.ops.shift.weights import Weights, divided_alike, said, same, shares, typed, with_share
from slipway.ops.trouble import WrongOperation

if TYPE_CHECKING:
    from slipway.ops.live import Live
    from slipway.spec.environment import Environment


@dataclass(frozen=True, slots=True)
class Stage:
    """One division of the traffic on the way.

    Attributes
    ----------
    weights
        Of all variants.
    title
        What it is called, such as ``next 10%``.
    """

    weights: Weights
    title: str


def weights_of(live: Live) -> dict[str, float]:
    """The weights that were asked for, which while the endpoint is Updating are not yet there."""
    return {variant.name: variant.desired_weight for variant in live.variants}


def to_weights(wanted: Weights) -> Callable[[Weights], Sequence[Stage]]:
    """Set weights at once; a variant that is not named keeps its own.

    Parameters
    ----------
    wanted
        Weight by variant.

    Returns
    -------
    callable
        For ``Shifter.plan``.
    """

    def stages(before: Weights) -> Sequence[Stage]:
        for name in wanted:
            _refuse_unknown(name, before)
        weights = {**before, **wanted}
        if not sum(weights.values()):
            raise WrongOperation(f"{typed(weights)}: no variant has a weight; the endpoint would answer nothing")
        return () if same(weights, before) else (Stage(weights, typed(weights)),)

    return stages


def in_stages(variant: str, percents: Sequence[float]) -> Callable[[Weights], Sequence[Stage]]:
    """Give a variant one share after the other; those that it is past already are left out.

    Parameters
    ----------
    variant
        Its name.
    percents
        All growing, or all shrinking.

    Returns
    -------
    callable
        For ``Shifter.plan``.
    """

    def stages(before: Weights) -> Sequence[Stage]:
        _refuse_unknown(variant, before)
        share = shares(before)[variant]
        shrinking = len(percents) > 1 and percents[0] > percents[-1]
        ahead = [one for one in percents if len(percents) == 1 or (one < share if shrinking else one > share)]
        made = [Stage(with_share(before, variant, one), f"{variant} {one:g}%") for one in ahead]
        return [stage for stage in made if not divided_alike(stage.weights, before)]

    return stages


def advice(environment: Environment, name: str, weights: Weights) -> list[str]:
    """Say what the config says of the weights, and what to write so that it agrees.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.
    weights
        As they are now.

    Returns
    -------
    list of str
        Lines.
    """
    endpoint = environment.endpoints[name]
    declared = {variant: member.weight for variant, member in endpoint.fleet.items()}
    if endpoint.scaling is not None and not endpoint.deployment.apply_weights:
        return [f"`apply_weights: false`: updates of {name} keep these weights; only a new endpoint gets the config's"]
    if declared.keys() == weights.keys() and divided_alike(declared, weights):
        return ["the config declares the same shares"]
    lines = [f"the config declares {said(declared)}, which the next update of {name} sets again. So that it agrees:"]
    for variant, weight in weights.items():
        if variant in declared:
            lines.append(f"  endpoints.{name}.variants.{variant}.weight: {weight:g}")
        else:
            lines.append(f"  the config has no variant {variant}")
    return lines


def _refuse_unknown(variant: str, weights: Mapping[str, float]) -> None:
    if variant not in weights:
        near = get_close_matches(variant, weights, 1)
        hint = f", did you mean {near[0]}?" if near else "."
        raise WrongOperation(f"no variant is called {variant!r}{hint} There is: {', '.join(weights)}")
