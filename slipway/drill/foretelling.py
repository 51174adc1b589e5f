"""What a rehearsal foretells of a drill: the same template, the same fault, the same traffic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.rehearsal.baseline import Baseline
from slipway.rehearsal.faults import HEALTHY_RUN, Behaviour, Fault
from slipway.rehearsal.rehearsal import Assumptions, rehearse
from slipway.rehearsal.template import declarations
from slipway.rollout.fleets import Pace
from slipway.rollout.stages import Outcome

if TYPE_CHECKING:
    from slipway.plan.assembly import Assembly
    from slipway.rehearsal.rehearsal import Rehearsal

#: How many standard deviations of the count of bad requests are still chance: one drill in 16,000 is beyond.
DEVIATIONS = 4.0


@dataclass(frozen=True, slots=True)
class Foretold:
    """What is foretold.

    Attributes
    ----------
    rolled_back
        Whether alarms end the update.
    seconds
        From its start to its end.
    requests, bad
        Of that time, and how many of them fail.
    ended_by
        The alarm that ends it; empty when none does.
    """

    rolled_back: bool
    seconds: float
    requests: float
    bad: float
    ended_by: str

    @property
    def share(self) -> float:
        """Of all requests, from 0 to 1."""
        return self.bad / self.requests if self.requests else 0.0

    def explains(self, requests: int, bad: int, *, step: float) -> bool:
        """Whether what happened is as foretold, but for chance.

        Parameters
        ----------
        requests, bad
            What was counted.
        step
            How many bad requests may come at one moment, and so all on one side of an edge.

        Returns
        -------
        bool
            Each bad request comes by chance, so their number has at most the deviation of a Poisson distribution.
        """
        expected = self.share * requests
        chance = DEVIATIONS * math.sqrt(expected) + (step if expected else 0)
        return requests > 0 and abs(bad - expected) <= chance


def foretell(assembly: Assembly, endpoint: str, *, rate: float, failing: float, pace: Pace) -> Foretold:
    """Rehearse a drill.

    Parameters
    ----------
    assembly
        Its templates.
    endpoint
        The full name.
    rate
        Requests a minute.
    failing
        How often the new model fails, from 0 to 1; 0 for a good one.
    pace
        How fast the service is; its ``start`` is by how much the update begins after a whole minute.

    Returns
    -------
    Foretold
        What happens.

    Raises
    ------
    ValueError
        When the template has no such endpoint.
    """
    target = next((one for one in declarations(assembly, pace).targets if one.name == endpoint), None)
    if target is None:
        raise ValueError(f"the templates have no endpoint {endpoint}")
    sick = Fault("drill", "the drill's model", "It fails on purpose.", lambda _: Behaviour(errors_5xx=failing))
    assumptions = Assumptions(Baseline(requests=rate, errors_4xx=0.0), after=0.0)
    found: Rehearsal = rehearse(target, sick if failing else HEALTHY_RUN, assumptions)
    seconds = found.rollout.duration - pace.start
    back = found.rollout.outcome is Outcome.ROLLED_BACK
    ended = found.ended_by
    return Foretold(back, seconds, rate * seconds / 60, found.harmed, ended.alarm if ended else "")
