"""What runs right now, as far as a plan wants to know it; ``deployed`` asks AWS for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.spec.deployment import Fleet

#: The status of an endpoint that its stack has and the service has not.
MISSING = "missing"


@dataclass(frozen=True)
class LiveEndpoint:
    """An endpoint as the service describes it.

    Attributes
    ----------
    name, status
        Such as ``InService``; ``missing`` when it does not exist.
    config
        The name of the endpoint config that serves.
    stack_config
        The name of the one that CloudFormation believes to serve; empty where that cannot be told.
    counts, weights
        By variant's name: instances that run, and the weight.
    limits
        By variant's name: between which counts autoscaling moves it now.
    """

    name: str
    status: str
    config: str
    stack_config: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, Fleet] = field(default_factory=dict)
