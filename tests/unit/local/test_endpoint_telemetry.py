"""What endpoints publish of their instances."""

from collections.abc import Iterator

import pytest
from moto.sagemaker.models import sagemaker_backends

from slipway.local.mends import cloudwatch
from slipway.local.mends.endpoint_telemetry import Sampler
from slipway.local.metrics.series import SeriesKey
from slipway.local.runtime import Fleet, ModelServer, Slot, Usage

ACCOUNT, REGION = "210987654321", "eu-south-2"


class Server(ModelServer):
    """A model server without a process."""

    def __init__(self, *usages: Usage | None) -> None:
        self._usages = list(usages)

    def usage(self) -> Usage | None:
        return self._usages.pop(0)


class Servers(Fleet):
    """A fleet of them."""

    def __init__(self, servers: dict[Slot, ModelServer]) -> None:
        self._fixed = servers

    def servers(self) -> dict[Slot, ModelServer]:
        return self._fixed


@pytest.fixture(autouse=True)
def endpoint() -> Iterator[None]:
    endpoints = sagemaker_backends[ACCOUNT][REGION].endpoints
    endpoints["ep"] = object()  # type: ignore[assignment]
    yield
    del endpoints["ep"]


def values(name: str, statistic: str = "Sum") -> list[float]:
    dimensions = [("VariantName", "main"), ("EndpointName", "ep")]
    series = cloudwatch.store(ACCOUNT, REGION)
    key = SeriesKey.of("/aws/sagemaker/Endpoints", name, dimensions)
    return list(series.points(key, 0, 1e11, 86400, statistic).values())


def test_usage_is_that_of_all_containers_of_a_variant_since_the_last_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slot = (ACCOUNT, REGION, "ep", "main")
    gone = (ACCOUNT, REGION, "deleted", "main", "0", "")
    fleet = Servers(
        {
            (*slot, "0", ""): Server(Usage(1.0, 10.0), Usage(4.0, 10.0)),
            (*slot, "1", ""): Server(Usage(0.0, 5.0), Usage(3.0, 5.0)),
            gone: Server(Usage(1.0, 10.0), None),
        }
    )
    clock = iter([100.0, 160.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    sampler = Sampler(fleet)
    sampler.sample()
    assert values("CPUUtilization") == []  # a share of time needs two samples
    assert values("MemoryUtilization") == [15.0]
    sampler.sample()
    assert values("CPUUtilization") == [pytest.approx(10.0)]  # six seconds of sixty
    assert values("MemoryUtilization", "SampleCount") == [2.0]
    assert 0 < values("DiskUtilization", "Maximum")[0] <= 100
    known = cloudwatch.store(ACCOUNT, REGION).keys("/aws/sagemaker/Endpoints")
    names = {key.dimensions for key in known}
    assert names == {(("EndpointName", "ep"), ("VariantName", "main"))}
