"""What is compared with what: two assemblies, or the project as it stands with a revision or with what is deployed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slipway.plan.assembly import Assembly, load, stack_of_file
from slipway.plan.deployed import Deployed, Place
from slipway.plan.documents import UnreadableError
from slipway.plan.live import LiveEndpoint
from slipway.plan.revision import against, synthesized


@dataclass(frozen=True)
class Sides:
    """The two sides of a plan.

    Attributes
    ----------
    old, new
        What is there, and what is to be there.
    live
        What runs now, where it was asked.
    """

    old: Assembly
    new: Assembly
    live: Mapping[str, LiveEndpoint] = field(default_factory=dict)


def sides(
    paths: Sequence[Path], *, environment: str, config: Path, revision: str | None = None, place: Place | None = None
) -> Sides:
    """Gather what is compared.

    Parameters
    ----------
    paths
        Two of them, old and new; or with a revision or a place at most one, the new side.
    environment, config
        What is synthesized where no new side is given.
    revision
        Compare with that git revision.
    place
        Compare with what is deployed there.

    Returns
    -------
    Sides
        Both.

    Raises
    ------
    UnreadableError
        When there is too little or too much to compare, or something is not there.
    SynthError
        When the project cannot be synthesized.
    """
    if revision is None and place is None:
        if len(paths) != 2:
            raise UnreadableError("give the two sides, OLD and NEW, or one of --against REVISION and --deployed")
        return Sides(*stack_of_file(load(paths[0]), load(paths[1])))
    if len(paths) > 1:
        raise UnreadableError("with --against or --deployed, give at most the new side")
    new = load(paths[0]) if paths else synthesized(Path.cwd(), environment, config, f"{config} ({environment})")
    if place is not None:
        looking = Deployed(place)
        old = looking.assembly(new)
        return Sides(old, new, looking.live(old))
    return Sides(against(revision or "HEAD", environment, config), new)
