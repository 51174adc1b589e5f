"""A request to try an endpoint or a component with."""

from __future__ import annotations

from slipway.spec.base import Spec


class Sample(Spec):
    """A request to try an endpoint with."""

    body: str
    """What is sent."""
    content_type: str = "application/json"
    """Its type."""
    target: str | None = None
    """The archive of a multi-model endpoint, or the container of a direct pipeline, that is asked."""
