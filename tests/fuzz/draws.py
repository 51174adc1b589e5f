"""How a random declaration is drawn: from values that the documentation allows, in a broken one from wrong ones too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st

Plain = dict[str, Any]
Kind = Literal["calm", "crossed", "slipped", "broken"]
#: How many of a hundred values of a broken declaration are wrong.
WRONG = 12

ACCOUNT, REGION = "111122223333", "eu-west-1"
KEY = "alias/mine"
#: With volumes of their own and without a GPU; with local NVMe disks; with GPUs; and what some rules are about.
MACHINES = ("ml.m5.large", "ml.m5.xlarge", "ml.c5.2xlarge", "ml.r5.4xlarge")
NVME = ("ml.m5d.large", "ml.g5.2xlarge", "ml.g4dn.12xlarge")
GPU = ("ml.g5.2xlarge", "ml.g4dn.12xlarge", "ml.p3.2xlarge")
BURSTABLE, INFERENTIA = "ml.t2.medium", "ml.inf1.xlarge"
#: No table knows it.
NEW_TYPE = "ml.zz9.large"


@dataclass
class Draws:
    """Draws values, the simplest first, so that Hypothesis shrinks towards a plain declaration.

    Attributes
    ----------
    draw
        Hypothesis gives it.
    kind
        ``calm``: only values that the documentation allows, boundaries included. ``crossed``: besides, a section that
        belongs to another way of hosting. ``slipped``: one value is wrong. ``broken``: several are.
    right
        How many values are right before the one that slips.
    """

    draw: Callable[[st.SearchStrategy[Any]], Any]
    kind: Kind
    right: int = 0

    def one(self, *good: Any, bad: tuple[Any, ...] = ()) -> Any:
        """One of several values."""
        return self.draw(st.sampled_from(bad if bad and self._wrong() else good))

    def _wrong(self) -> bool:
        if self.kind == "slipped":
            self.right -= 1
            return self.right == -1
        return self.kind == "broken" and self.sometimes(WRONG)

    def flag(self, *, bad: tuple[Any, ...] = ()) -> Any:
        """Whether something is on."""
        return self.one(*(True, False), bad=bad)

    def off(self, *, bad: tuple[Any, ...] = ()) -> Any:
        """What leaves something out."""
        return self.one(*("off", False), bad=bad)

    def sometimes(self, percent: int = 25) -> bool:
        """Whether something is there; not, in the simplest case."""
        return bool(self.draw(st.integers(0, 99)) >= 100 - percent)

    def some(self, choices: Mapping[str, Callable[[], Any]], percent: int = 25) -> Plain:
        """Some of several keys."""
        return {key: make() for key, make in choices.items() if self.sometimes(percent)}
