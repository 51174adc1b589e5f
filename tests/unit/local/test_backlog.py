"""What asynchronous endpoints publish when nobody asks them."""

from moto.sagemaker.models import sagemaker_backends

from slipway.local.mends import cloudwatch
from slipway.local.mends.backlog import Backlogs
from slipway.local.mends.hosted_endpoint import HostedEndpoint
from slipway.local.mends.hosting import HostedConfig
from slipway.rollout.series import SeriesKey

ACCOUNT, REGION = "210987654321", "eu-south-2"


def add_endpoint(name: str, asynchronous: bool) -> None:  # noqa: FBT001
    output = {"OutputConfig": {"S3OutputPath": "s3://bucket/out"}}
    variant = {"VariantName": "main", "ModelName": "m", "InitialInstanceCount": 1}
    request = {"EndpointConfigName": name, "ProductionVariants": [variant]}
    config = HostedConfig(
        ACCOUNT, REGION, {**request, **({"AsyncInferenceConfig": output} if asynchronous else {})}, {}
    )
    sagemaker_backends[ACCOUNT][REGION].endpoints[name] = HostedEndpoint(ACCOUNT, REGION, name, config, [], None)


def sizes(name: str) -> list[float]:
    key = SeriesKey.of("AWS/SageMaker", "ApproximateBacklogSize", [("EndpointName", name)])
    return list(cloudwatch.store(ACCOUNT, REGION).points(key, 0, 1e11, 86400, "Sum").values())


def test_an_empty_backlog_is_published_every_minute_by_asynchronous_endpoints_alone() -> None:
    add_endpoint("later", asynchronous=True)
    add_endpoint("now", asynchronous=False)
    try:
        Backlogs().work_off_all()
    finally:
        for name in ("later", "now"):
            del sagemaker_backends[ACCOUNT][REGION].endpoints[name]
    assert (sizes("later"), sizes("now")) == ([0.0], [])


def test_what_waits_at_an_endpoint_that_is_gone_is_never_done() -> None:
    done: list[str] = []
    Backlogs().add((ACCOUNT, REGION, "gone"), lambda: done.append("work"))
    assert done == []
    assert sizes("gone") == []
