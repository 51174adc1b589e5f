"""Times and shares as people say them."""

from __future__ import annotations

from slipway.rollout.policy import Policy
from slipway.rollout.stages import Kind, Stage


def minutes(seconds: float) -> str:
    """Seconds as minutes, such as ``2.5 min``; seconds below one."""
    return f"{seconds:g} s" if seconds < 60 else f"{round(seconds / 60, 1):g} min"


def share(part: float) -> str:
    """A part of 1 as percent."""
    return f"{round(part * 100, 1):g} %"


def number(count: int) -> str:
    """A count with its thousands apart."""
    return f"{count:,}"


def time(seconds: float) -> str:
    """Seconds as the time of a request: in milliseconds below one second, in minutes from three on."""
    if seconds < 1:
        return f"{round(seconds * 1000, 3):g} ms"
    return f"{seconds:g} s" if seconds < 180 else f"{round(seconds / 60, 1):g} min"


def stage_name(stage: Stage, policy: Policy) -> str:
    """A stage as the strategy calls it, with the traffic of the new fleet where it has some."""
    one = {"rolling": "batch", "linear": "step", "canary": "canary"}.get(policy.name, "")
    if stage.kind is Kind.BAKE:
        name = "canary" if one == "canary" else f"{one} {stage.step} of {stage.steps}"
    elif stage.kind is Kind.STEADY:
        return "after the update" if stage.start > 0 or stage.traffic.new else "before the update"
    else:
        name = str(stage.kind)
        if stage.rolling_back:
            return f"{name}, rolling back"
        if one == "batch":
            name += f" {stage.step} of {stage.steps}"
    return f"{name} ({share(stage.traffic.new)})" if stage.traffic.new else name
