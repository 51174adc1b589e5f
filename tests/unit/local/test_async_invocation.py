"""Asynchronous invocations that nobody could wait for in a test."""

from datetime import UTC, datetime

import pytest

from slipway.local.mends import async_invocation
from slipway.local.mends.endpoint_telemetry import PROCESSED, Processed
from slipway.local.mends.hosted_endpoint import HostedEndpoint
from slipway.local.mends.hosting import HostedConfig
from slipway.local.mends.routing import Call

ACCOUNT, REGION = "210987654321", "eu-south-2"


@pytest.mark.parametrize(("headers", "limit"), [({}, 21600), ({"x-amzn-sagemaker-requestttlseconds": "60"}, 60)])
def test_a_request_that_waited_too_long_expires(headers: dict[str, str], limit: int) -> None:
    variant = {"VariantName": "main", "ModelName": "m"}
    config = HostedConfig(ACCOUNT, REGION, {"EndpointConfigName": "c", "ProductionVariants": [variant]}, {})
    call = Call(
        ACCOUNT, REGION, HostedEndpoint(ACCOUNT, REGION, "ep", config, [], None), config, variant, variant, headers
    )
    job = async_invocation._Job(call, "id", "s3://b/in", "s3://b/out", None, datetime.now(UTC))
    processed = Processed(call, in_backlog=limit + 1, status=500)
    with pytest.raises(async_invocation._FailedError, match=f"its time to live of {limit} seconds"):
        async_invocation._process(job, processed)
    assert processed.expired
    published = {metric.name for metric in PROCESSED if metric.value(processed) is not None}
    assert published == {"ExpiredRequests", "TimeInBacklog", "TotalProcessingTime"}
