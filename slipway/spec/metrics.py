"""What an endpoint publishes beyond the usual metrics, and how often."""

from __future__ import annotations

from slipway.spec.base import Spec
from slipway.spec.units import Duration


class Metrics(Spec):
    """Enhanced and detailed metrics. They cost as custom metrics do."""

    enhanced: bool = False
    """Metrics by instance and container besides those by variant."""
    detailed: bool = False
    """Metrics of containers, GPUs and hosts. Said explicitly, since the service's default has changed."""
    every: Duration = Duration(60)
    """How often: 10s, 30s, 1m, 2m, 3m, 4m or 5m (API:MetricPublishFrequencyInSeconds)."""
