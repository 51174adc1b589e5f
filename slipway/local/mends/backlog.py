"""What waits at asynchronous endpoints, and who works it off.

Each endpoint works on as many requests at once as its instances may: their number, which can be 0, times
MaxConcurrentInvocationsPerInstance.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from moto.sagemaker.models import sagemaker_backends

from slipway.local.mends import endpoint_telemetry as telemetry
from slipway.local.mends.hosted_endpoint import HostedEndpoint

# The service chooses a number itself where the config has none; a model server here answers one request at a time.
_DEFAULT_CONCURRENCY = 1

Where = tuple[str, str, str]


@dataclass
class _Queue:
    """The requests of one endpoint; both hold when they came, by the clock, which may be moved."""

    waiting: deque[tuple[float, Callable[[], None]]] = field(default_factory=deque)
    running: list[float] = field(default_factory=list)


class Backlogs:
    """The requests that wait, by account, Region and endpoint."""

    def __init__(self) -> None:
        self._queues: dict[Where, _Queue] = {}
        self._lock = threading.Lock()

    def add(self, where: Where, work: Callable[[], None]) -> None:
        """Take in a request; ``work`` processes it once there is capacity, in a thread of its own."""
        with self._lock:
            self._queues.setdefault(where, _Queue()).waiting.append((time.time(), work))
        self.work_off(where)

    def work_off(self, where: Where) -> None:
        """Start what there is capacity for; forget what an endpoint that is gone has left."""
        endpoint = _endpoint(where)
        with self._lock:
            queue = self._queues.get(where)
            if queue is None:
                return
            if endpoint is None:
                del self._queues[where]
                return
            while queue.waiting and len(queue.running) < _capacity(endpoint):
                came, work = queue.waiting.popleft()
                queue.running.append(came)
                threading.Thread(
                    target=self._run, args=(where, queue, came, work), daemon=True, name="async-invocation"
                ).start()
        self._publish(where, endpoint)

    def work_off_all(self) -> None:
        """Do so for every asynchronous endpoint, and publish what waits there."""
        for account, regions in list(sagemaker_backends.items()):
            for region, backend in list(regions.items()):
                for name, endpoint in list(backend.endpoints.items()):
                    if isinstance(endpoint, HostedEndpoint) and endpoint.config.async_inference_config:
                        with self._lock:
                            self._queues.setdefault((account, region, name), _Queue())
                        self.work_off((account, region, name))

    def _run(self, where: Where, queue: _Queue, came: float, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            with self._lock:
                queue.running.remove(came)
            self.work_off(where)

    def _publish(self, where: Where, endpoint: HostedEndpoint) -> None:
        with self._lock:
            queue = self._queues.get(where, _Queue())
            came = [*queue.running, *(waiting for waiting, _ in queue.waiting)]
        age = max(0.0, time.time() - min(came)) if came else 0.0
        telemetry.publish_backlog(telemetry.Backlog(*where, len(came), age, _instances(endpoint)))


def _endpoint(where: Where) -> HostedEndpoint | None:
    account, region, name = where
    found = sagemaker_backends[account][region].endpoints.get(name)
    return found if isinstance(found, HostedEndpoint) else None


def _instances(endpoint: HostedEndpoint) -> int:
    return sum(int(variant.get("CurrentInstanceCount") or 0) for variant in endpoint.production_variants)


def _capacity(endpoint: HostedEndpoint) -> int:
    client = (endpoint.config.async_inference_config or {}).get("ClientConfig") or {}
    return _instances(endpoint) * int(client.get("MaxConcurrentInvocationsPerInstance") or _DEFAULT_CONCURRENCY)


BACKLOGS = Backlogs()
