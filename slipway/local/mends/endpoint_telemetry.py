"""What invocations leave behind: metrics, in one table for each mode of hosting, and log lines.

Names, units and dimensions are those of the Developer Guide ("Amazon SageMaker AI metrics in Amazon CloudWatch",
"Monitor a serverless endpoint", "Monitor asynchronous endpoints").
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from moto.logs.models import logs_backends

from slipway.local.engine.documents import Document
from slipway.local.mends import cloudwatch
from slipway.local.mends.routing import Call, Mode
from slipway.local.model_server import Response
from slipway.local.runtime import FLEET
from slipway.rollout.series import SeriesKey

INVOCATIONS = "AWS/SageMaker"
INSTANCES = "/aws/sagemaker/Endpoints"
COMPONENTS = "/aws/sagemaker/InferenceComponents"
_NONE, _COUNT, _SECONDS = "None", "Count", "Seconds"
_MICROSECONDS, _MILLISECONDS = "Microseconds", "Milliseconds"
_IN_A_SECOND = {_SECONDS: 1, _MILLISECONDS: 1000, _MICROSECONDS: 1_000_000}
_CLIENT_ERRORS = range(400, 500)

Dimensions = list[tuple[str, str]]
T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended.

    Attributes
    ----------
    status
        The container's HTTP status; 0 when it gave none.
    model_seconds, seconds
        How long the containers took, and how long the whole took.
    concurrent
        How many requests the variant or component was answering meanwhile, this one included.
    response
        The answer, where there was one.
    """

    call: Call
    status: int
    model_seconds: float
    seconds: float
    concurrent: int = 1
    response: Response | None = None

    @property
    def start_seconds(self) -> float:
        """How long it waited for the model to be loaded."""
        return self.response.start_seconds if self.response else 0.0

    @property
    def provisioned(self) -> int:
        """The provisioned concurrency of a serverless variant; 0 without."""
        return int(serverless(self.call).get("ProvisionedConcurrency") or 0)

    @property
    def within_provisioned(self) -> bool:
        """Whether provisioned concurrency answered it, rather than capacity on demand."""
        return self.concurrent <= self.provisioned


@dataclass
class Processed:
    """How an asynchronous invocation went, filled in on the way; times are in seconds, None for what did not happen.

    Attributes
    ----------
    status
        200, or 500 when there is no answer in the bucket.
    answered
        The container's own status; None if it was not asked.
    """

    call: Call
    in_backlog: float
    in_all: float = 0.0
    status: int = 200
    answered: int | None = None
    downloading: float | None = None
    model: float | None = None
    uploading: float | None = None
    download_failed: bool = False
    upload_failed: bool = False
    notification_failed: bool = False
    expired: bool = False


@dataclass(frozen=True)
class Backlog:
    """What waits at an asynchronous endpoint.

    Attributes
    ----------
    size
        Requests that wait or are being processed.
    age
        Of the oldest one, in seconds.
    instances
        How many there are to process them.
    """

    account: str
    region: str
    endpoint: str
    size: int
    age: float
    instances: int


@dataclass(frozen=True)
class Metric(Generic[T]):
    """A metric of a mode; ``value`` returns None when an invocation has none. Times are in seconds."""

    name: str
    unit: str
    value: Callable[[T], float | None]


# -- the tables


def _client_error(outcome: Outcome) -> float:
    return float(outcome.status in _CLIENT_ERRORS)


def _server_error(outcome: Outcome) -> float:
    return float(outcome.status != 200 and outcome.status not in _CLIENT_ERRORS)


def _model_error(outcome: Outcome) -> float:
    return float(outcome.status != 200)


def _model_latency(outcome: Outcome) -> float:
    return outcome.model_seconds


def _overhead(outcome: Outcome) -> float:
    """All but the model. At the service an instance starts before it is in service, so a start here is none of it."""
    return max(0.0, outcome.seconds - outcome.start_seconds - outcome.model_seconds)


def _overhead_and_loading(outcome: Outcome) -> float:
    """All but the model, where the service too loads models while a request waits."""
    return max(0.0, outcome.seconds - outcome.model_seconds)


def _serverless_overhead(outcome: Outcome) -> float:
    return _overhead(outcome) if outcome.within_provisioned else _overhead_and_loading(outcome)


def _instances(outcome: Outcome) -> float:
    return max(1.0, float(outcome.call.live_variant.get("CurrentInstanceCount") or 1))


def _copies(outcome: Outcome) -> float:
    return max(1.0, float(outcome.call.component.copies if outcome.call.component else 1))


def _setup(outcome: Outcome) -> float | None:
    """A cold start; provisioned concurrency is warm before a request comes."""
    response = outcome.response
    if response is None or response.start is None or outcome.within_provisioned:
        return None
    return response.start.downloading + response.start.loading


def _if_provisioned(value: Callable[[Outcome], float]) -> Callable[[Outcome], float | None]:
    return lambda outcome: value(outcome) if outcome.provisioned else None


def _loaded(outcome: Outcome) -> float | None:
    return float(outcome.response.loaded) if outcome.response else None


def _loading_wait(outcome: Outcome) -> float | None:
    return outcome.start_seconds if outcome.response and not outcome.response.loaded else None


def _downloading(outcome: Outcome) -> float | None:
    start = outcome.response.start if outcome.response else None
    return start.downloading if start else None


def _loading(outcome: Outcome) -> float | None:
    start = outcome.response.start if outcome.response else None
    return start.loading if start else None


_ANY: tuple[Metric[Outcome], ...] = (
    Metric("Invocations", _NONE, lambda _: 1.0),
    Metric("Invocation4XXErrors", _NONE, _client_error),
    Metric("Invocation5XXErrors", _NONE, _server_error),
    Metric("ModelLatency", _MICROSECONDS, _model_latency),
)
_ON_INSTANCES: tuple[Metric[Outcome], ...] = (
    *_ANY,
    Metric("InvocationModelErrors", _NONE, _model_error),
    Metric("InvocationsPerInstance", _NONE, lambda outcome: 1.0 / _instances(outcome)),
    Metric("ConcurrentRequestsPerModel", _NONE, lambda outcome: outcome.concurrent / _instances(outcome)),
)
BY_MODE: dict[Mode, tuple[Metric[Outcome], ...]] = {
    Mode.REAL_TIME: (*_ON_INSTANCES, Metric("OverheadLatency", _MICROSECONDS, _overhead)),
    Mode.MULTI_MODEL: (
        *_ON_INSTANCES,
        Metric("OverheadLatency", _MICROSECONDS, _overhead_and_loading),
        Metric("ModelCacheHit", _NONE, _loaded),
        Metric("ModelLoadingWaitTime", _MICROSECONDS, _loading_wait),
        Metric("ModelDownloadingTime", _MICROSECONDS, _downloading),
        Metric("ModelLoadingTime", _MICROSECONDS, _loading),
    ),
    Mode.SERVERLESS: (
        *_ANY,
        Metric("OverheadLatency", _MICROSECONDS, _serverless_overhead),
        Metric("ModelSetupTime", _MICROSECONDS, _setup),
        Metric(
            "ServerlessConcurrentExecutionsUtilization",
            _NONE,
            lambda outcome: outcome.concurrent / serverless(outcome.call)["MaxConcurrency"],
        ),
        Metric(
            "ServerlessProvisionedConcurrencyExecutions",
            _COUNT,
            _if_provisioned(lambda outcome: min(outcome.concurrent, outcome.provisioned)),
        ),
        Metric(
            "ServerlessProvisionedConcurrencyUtilization",
            _NONE,
            _if_provisioned(lambda outcome: min(outcome.concurrent, outcome.provisioned) / outcome.provisioned),
        ),
        Metric(
            "ServerlessProvisionedConcurrencyInvocations",
            _COUNT,
            _if_provisioned(lambda outcome: float(outcome.within_provisioned)),
        ),
        Metric(
            "ServerlessProvisionedConcurrencySpilloverInvocations",
            _COUNT,
            _if_provisioned(lambda outcome: float(not outcome.within_provisioned)),
        ),
    ),
    Mode.COMPONENT: (
        *_ANY,
        Metric("InvocationModelErrors", _NONE, _model_error),
        Metric("OverheadLatency", _MICROSECONDS, _overhead),
        Metric("InvocationsPerCopy", _NONE, lambda outcome: 1.0 / _copies(outcome)),
        Metric("ConcurrentRequestsPerCopy", _NONE, lambda outcome: outcome.concurrent / _copies(outcome)),
    ),
}


def _share(answered: int | None, errors: range) -> float | None:
    return None if answered is None else float(answered in errors)


PROCESSED: tuple[Metric[Processed], ...] = (
    Metric("Invocation4XXErrors", _NONE, lambda job: _share(job.answered, range(400, 500))),
    Metric("Invocation5XXErrors", _NONE, lambda job: _share(job.answered, range(500, 600))),
    Metric("InvocationsProcessed", _COUNT, lambda job: 1.0 if job.status == 200 else None),
    Metric("InvocationFailures", _COUNT, lambda job: None if job.status == 200 or job.expired else 1.0),
    Metric("ExpiredRequests", _COUNT, lambda job: 1.0 if job.expired else None),
    Metric("RequestDownloadFailures", _COUNT, lambda job: 1.0 if job.download_failed else None),
    Metric("ResponseUploadFailures", _COUNT, lambda job: 1.0 if job.upload_failed else None),
    Metric("NotificationFailures", _COUNT, lambda job: 1.0 if job.notification_failed else None),
    Metric("TimeInBacklog", _MILLISECONDS, lambda job: job.in_backlog),
    Metric("TotalProcessingTime", _MILLISECONDS, lambda job: job.in_all),
    Metric("RequestDownloadLatency", _MICROSECONDS, lambda job: job.downloading),
    Metric("ResponseUploadLatency", _MICROSECONDS, lambda job: job.uploading),
    Metric("ModelLatency", _MICROSECONDS, lambda job: job.model),
)
BACKLOG: tuple[Metric[Backlog], ...] = (
    Metric("ApproximateBacklogSize", _COUNT, lambda backlog: backlog.size),
    Metric("ApproximateBacklogSizePerInstance", _COUNT, lambda backlog: backlog.size / max(1, backlog.instances)),
    Metric("ApproximateAgeOfOldestRequest", _SECONDS, lambda backlog: backlog.age),
    Metric("HasBacklogWithoutCapacity", _COUNT, lambda backlog: float(backlog.size > 0 and backlog.instances == 0)),
)


# -- publishing


def publish(outcome: Outcome) -> None:
    """Publish the metrics of an invocation."""
    call = outcome.call
    for dimensions in _dimensions(call):
        _put(call.account, call.region, dimensions, BY_MODE[call.mode], outcome)


def publish_processed(processed: Processed) -> None:
    """Publish the metrics of an asynchronous invocation; those endpoints have none of the others."""
    call = processed.call
    for dimensions in _dimensions(call):
        _put(call.account, call.region, dimensions, PROCESSED, processed)


def publish_backlog(backlog: Backlog) -> None:
    """Publish what waits at an asynchronous endpoint."""
    _put(backlog.account, backlog.region, [("EndpointName", backlog.endpoint)], BACKLOG, backlog)


def publish_no_capacity(call: Call) -> None:
    """Publish that an inference component had no copy for a request."""
    _put_one(call, "NoCapacityInvocationFailures", _NONE, 1.0, _dimensions(call)[0])


def publish_container(call: Call, hostname: str, status: int, seconds: float) -> None:
    """Publish the part that one of several containers had in an invocation."""
    dimensions = [*_plain(call), ("ContainerName", hostname)]
    client = status in _CLIENT_ERRORS
    _put_one(call, "Invocations", _NONE, 1.0, dimensions)
    _put_one(call, "Invocation4XXErrors", _NONE, float(client), dimensions)
    _put_one(call, "Invocation5XXErrors", _NONE, float(status != 200 and not client), dimensions)
    _put_one(call, "ContainerLatency", _MICROSECONDS, seconds, dimensions)


def publish_unloading(call: Call, seconds: float) -> None:
    """Publish that a multi-model container unloaded a model."""
    for dimensions in _dimensions(call):
        _put_one(call, "ModelUnloadingTime", _MICROSECONDS, seconds, dimensions)
    publish_loaded(call)


def publish_loaded(call: Call) -> None:
    """Publish how many models a multi-model variant has loaded."""
    loaded = sum(slot[: len(call.slot)] == call.slot for slot in FLEET.servers())
    key = SeriesKey.of(INSTANCES, "LoadedModelCount", _plain(call))
    cloudwatch.store(call.account, call.region).put(key, {float(loaded): 1.0}, unit=_NONE)


def serverless(call: Call) -> Document:
    """Return the live ServerlessConfig of a call's variant."""
    live = call.live_variant
    found: Document = live.get("CurrentServerlessConfig") or live.get("ServerlessConfig") or {}
    return found


def _plain(call: Call) -> Dimensions:
    return [("EndpointName", call.endpoint.endpoint_name), ("VariantName", call.variant_name)]


def _dimensions(call: Call) -> list[Dimensions]:
    """Return the sets of dimensions that a call's metrics have.

    Where deployment guardrails apply, each metric goes out twice: by endpoint and variant, and by the endpoint config
    as well, which is how a rollback alarm sees the new fleet alone (Developer Guide, "Auto-Rollback Configuration and
    Monitoring").
    """
    if call.component is not None:
        return [[("InferenceComponentName", call.component.name)]]
    plain = _plain(call)
    if call.mode is Mode.SERVERLESS:
        return [plain]
    return [plain, [*plain, ("EndpointConfigName", call.config.endpoint_config_name)]]


def _put(account: str, region: str, dimensions: Dimensions, metrics: Iterable[Metric[T]], subject: T) -> None:
    series = cloudwatch.store(account, region)
    for metric in metrics:
        value = metric.value(subject)
        if value is not None:
            key = SeriesKey.of(INVOCATIONS, metric.name, dimensions)
            series.put(key, {value * _IN_A_SECOND.get(metric.unit, 1): 1.0}, unit=metric.unit)


def _put_one(call: Call, name: str, unit: str, value: float, dimensions: Dimensions) -> None:
    _put(call.account, call.region, dimensions, [Metric(name, unit, lambda _: value)], call)


# -- logs

_stream = f"i-{os.getpid():017x}"


def log_group(call: Call) -> str:
    """Return the log group of what answers a call: inference components have groups of their own."""
    if call.component is not None:
        return f"/aws/sagemaker/InferenceComponents/{call.component.name}"
    return f"/aws/sagemaker/Endpoints/{call.endpoint.endpoint_name}"


def write_log(call: Call, line: str) -> None:
    """Write a line of a model to its log group, if there is one."""
    group, stream = log_group(call), f"{call.variant_name}/{_stream}"
    logs = logs_backends[call.account][call.region]
    if group not in logs.groups:
        return
    # The group may go while the line is on its way.
    with contextlib.suppress(Exception):
        if stream not in logs.groups[group].streams:
            logs.create_log_stream(group, stream)
        event = {"timestamp": int(time.time() * 1000), "message": line}
        logs.put_log_events(group, stream, [event])
