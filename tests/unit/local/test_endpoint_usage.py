"""What endpoints publish of their instances and inference components."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto.sagemaker.models import sagemaker_backends

from slipway.local.mends import cloudwatch
from slipway.local.mends.endpoint_usage import Sampler
from slipway.local.mends.hosted_endpoint import HostedEndpoint
from slipway.local.mends.hosting import HostedConfig
from slipway.local.mends.inference_components import HostedComponent, component_store
from slipway.local.model_server import ModelServer, Usage
from slipway.local.runtime import Fleet, Slot
from slipway.rollout.series import SeriesKey

ACCOUNT, REGION = "210987654321", "eu-south-2"
COMPONENTS = "/aws/sagemaker/InferenceComponents"


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
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    backend = sagemaker_backends[ACCOUNT][REGION]
    variants: list[dict[str, Any]] = [
        {"VariantName": "main", "InstanceType": "ml.m5.large"},
        {"VariantName": "small", "ServerlessConfig": {"MaxConcurrency": 1, "MemorySizeInMB": 1024}},
    ]
    request = {"EndpointConfigName": "ep", "ProductionVariants": variants}
    config = HostedConfig(ACCOUNT, REGION, request, {})
    backend.endpoints["ep"] = HostedEndpoint(ACCOUNT, REGION, "ep", config, [], None)
    reserved = {"NumberOfCpuCoresRequired": 0.5, "MinMemoryRequiredInMb": 200}
    component = {
        "InferenceComponentName": "part",
        "EndpointName": "ep",
        "VariantName": "main",
        "Specification": {"Container": {"Image": "image"}, "ComputeResourceRequirements": reserved},
        "RuntimeConfig": {"CopyCount": 1},
    }
    component_store(backend)["part"] = HostedComponent(backend, component, {})
    cloudwatch.store.cache_clear()
    clock = iter([100.0, 160.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    yield
    del backend.endpoints["ep"], component_store(backend)["part"]


def slot(variant: str, component: str = "", container: str = "0", target: str = "", name: str = "ep") -> Slot:
    return (ACCOUNT, REGION, name, variant, component, container, target)


def values(
    name: str, statistic: str = "Sum", namespace: str = "/aws/sagemaker/Endpoints", **dimensions: str
) -> list[float]:
    where = dimensions or {"VariantName": "main", "EndpointName": "ep"}
    series = cloudwatch.store(ACCOUNT, REGION)
    key = SeriesKey.of(namespace, name, where.items())
    return list(series.points(key, 0, 1e11, 86400, statistic).values())


def test_usage_is_that_of_all_containers_of_a_variant_since_the_last_sample() -> None:
    sampler = Sampler(
        Servers(
            {
                slot("main"): Server(Usage(1.0, 10.0), Usage(4.0, 10.0)),
                slot("main", container="1"): Server(Usage(0.0, 5.0), Usage(3.0, 5.0)),
                slot("main", name="deleted"): Server(Usage(1.0, 10.0), None),
            }
        )
    )
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


def test_an_inference_components_usage_is_its_share_of_what_it_reserved() -> None:
    sampler = Sampler(Servers({slot("main", "part"): Server(Usage(1.0, 1.0, 50.0), Usage(13.0, 1.0, 300.0))}))
    where = {"InferenceComponentName": "part"}
    sampler.sample()
    assert values("MemoryUtilizationNormalized", namespace=COMPONENTS, **where) == [25.0]  # 50 of 200 MB
    sampler.sample()
    assert values("CPUUtilizationNormalized", namespace=COMPONENTS, **where) == [pytest.approx(40.0)]  # 20 % of 0.5
    assert values("MemoryUtilizationNormalized", "Maximum", COMPONENTS, **where) == [100.0]
    assert values("CPUUtilization") == [pytest.approx(20.0)]  # the instance's too
    names = {key.name for key in cloudwatch.store(ACCOUNT, REGION).keys(COMPONENTS)}
    assert names == {"MemoryUtilizationNormalized", "CPUUtilizationNormalized"}  # no GPU here


def test_a_serverless_variant_has_memory_only() -> None:
    sampler = Sampler(Servers({slot("small"): Server(Usage(1.0, 5.0), Usage(2.0, 5.0))}))
    sampler.sample()
    sampler.sample()
    names = {key.name for key in cloudwatch.store(ACCOUNT, REGION).keys("/aws/sagemaker/Endpoints")}
    assert names == {"MemoryUtilization"}


def test_loaded_models_are_counted() -> None:
    many = {slot("main", target=f"{number}.tar.gz"): Server(Usage(0.0, 1.0)) for number in range(3)}
    Sampler(Servers({**many})).sample()
    assert values("LoadedModelCount", "Maximum") == [3.0]


def test_a_minute_too_short_to_measure_has_the_usage_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 160.0, 160.01])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    sampler = Sampler(Servers({slot("main"): Server(Usage(1.0, 1.0), Usage(7.0, 1.0), Usage(7.01, 1.0))}))
    for _ in range(3):
        sampler.sample()
    assert values("CPUUtilization", "Minimum") == values("CPUUtilization", "Maximum") == [pytest.approx(10.0)]
