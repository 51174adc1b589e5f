"""How fast the local AWS works, and what it is told to fail at: settings that an update takes when it begins."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum

from slipway.rollout.fleets import Pace

#: There are no instances to start, so by default nothing waits for them; bakes take the time that was declared.
AT_ONCE = Pace(provision=0.0)
#: An update that is stuck: longer than any maximum execution time.
NEVER = 30 * 86_400.0


class Flaw(StrEnum):
    """What goes wrong with the next updates of an endpoint."""

    STUCK = "stuck"
    """New instances never come; the maximum execution time ends it, if there is one."""
    UNHEALTHY = "unhealthy"
    """New instances do not pass their health check: the update is rolled back, a creation fails."""
    ROLLBACK_FAILS = "rollback-fails"
    """What is rolled back ends in UpdateRollbackFailed."""
    SYSTEM_UPDATE = "system-update"
    """The service works on the endpoint itself (SystemUpdating), as long as the flaw stands."""


@dataclass
class Settings:
    """The pace of everything, and the flaws of endpoints and inference components by account, Region and name."""

    pace: Pace = AT_ONCE
    _flaws: dict[tuple[str, str, str], set[Flaw]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def flaws(self, account: str, region: str, name: str) -> frozenset[Flaw]:
        """The flaws of an endpoint or a component, by its name in any case."""
        with self._lock:
            return frozenset(self._flaws.get((account, region, name.casefold()), ()))

    def give(self, account: str, region: str, name: str, flaw: Flaw) -> None:
        """Give an endpoint a flaw, until it is cleared."""
        with self._lock:
            self._flaws.setdefault((account, region, name.casefold()), set()).add(flaw)

    def clear(self, account: str | None = None, region: str | None = None, name: str | None = None) -> None:
        """Clear the flaws of an endpoint; without a name all of them."""
        with self._lock:
            if name is None:
                self._flaws.clear()
            else:
                self._flaws.pop((account or "", region or "", name.casefold()), None)

    def all(self) -> dict[tuple[str, str, str], list[str]]:
        """Every flaw."""
        with self._lock:
            return {where: sorted(flaws) for where, flaws in self._flaws.items()}


SETTINGS = Settings()
