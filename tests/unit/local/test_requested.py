"""What a request asks for, read from requests as the SDK sends them."""

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config

from slipway.local.requested import Requested, operations, requested, services

REGION = "eu-west-1"
KEYS = {"aws_access_key_id": "111122223333", "aws_secret_access_key": "x", "region_name": REGION}


class SentError(Exception):
    """Ends a call once its request is there."""


def environ(request: AWSPreparedRequest) -> dict[str, Any]:
    """Return a request as WSGI has it."""
    address = urlsplit(request.url)
    body: Any = request.body or b""
    data = body.encode() if isinstance(body, str) else body.read() if hasattr(body, "read") else bytes(body)

    def text(value: object) -> str:
        return value.decode() if isinstance(value, bytes) else str(value)

    headers = {f"HTTP_{key.upper().replace('-', '_')}": text(value) for key, value in request.headers.items()}
    return {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": address.path,
        "QUERY_STRING": address.query,
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.input": io.BytesIO(data),
        **headers,
    }


def sent(service: str, operation: str, **members: Any) -> dict[str, Any]:
    make: Callable[..., Any] = boto3.client
    client = make(
        service,
        endpoint_url="http://127.0.0.1:1",
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
        **KEYS,
    )
    seen: list[AWSPreparedRequest] = []

    def take(request: AWSPreparedRequest, **_: object) -> None:
        seen.append(request)
        raise SentError

    client.meta.events.register("before-send", take)
    names = client.meta.method_to_api_mapping
    with pytest.raises(SentError):
        getattr(client, next(name for name, api in names.items() if api == operation))(**members)
    return environ(seen[0])


OBJECT = {"Bucket": "b", "Key": "folder/key"}


@pytest.mark.parametrize(
    ("service", "operation", "protocol", "members"),
    [
        ("sagemaker", "ListEndpoints", "json", {}),
        ("ssm", "GetParameter", "json", {"Name": "n"}),
        ("resourcegroupstaggingapi", "GetResources", "json", {}),
        ("sns", "Publish", "query", {"Message": "m", "TopicArn": "arn"}),
        ("iam", "GetRole", "query", {"RoleName": "r"}),
        ("cloudformation", "DescribeStacks", "query", {}),
        ("sagemaker-runtime", "InvokeEndpoint", "rest-json", {"EndpointName": "e", "Body": b"[]"}),
        ("sagemaker-runtime", "InvokeEndpointAsync", "rest-json", {"EndpointName": "e", "InputLocation": "s3://b/k"}),
        ("lambda", "Invoke", "rest-json", {"FunctionName": "f"}),
        ("lambda", "ListFunctions", "rest-json", {}),
        ("scheduler", "GetSchedule", "rest-json", {"Name": "s"}),
        ("s3", "ListBuckets", "rest-xml", {}),
        ("s3", "GetObject", "rest-xml", OBJECT),
        ("s3", "HeadObject", "rest-xml", OBJECT),
        ("s3", "PutObject", "rest-xml", {**OBJECT, "Body": b"x"}),
        ("s3", "CopyObject", "rest-xml", {**OBJECT, "CopySource": "b/other"}),
        ("s3", "CreateMultipartUpload", "rest-xml", OBJECT),
        ("s3", "UploadPart", "rest-xml", {**OBJECT, "PartNumber": 1, "UploadId": "u", "Body": b"x"}),
        ("s3", "ListObjectsV2", "rest-xml", {"Bucket": "b"}),
        ("s3", "GetBucketVersioning", "rest-xml", {"Bucket": "b"}),
        ("s3", "DeleteObjects", "rest-xml", {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}]}}),
    ],
)
def test_service_operation_and_protocol_are_those_of_the_call(
    service: str, operation: str, protocol: str, members: dict[str, Any]
) -> None:
    found = requested(sent(service, operation, **members))
    assert found == Requested(service, operation, protocol, "111122223333", REGION)  # type: ignore[arg-type]


def test_a_service_that_had_the_query_protocol_is_asked_for_its_codes() -> None:
    found = requested(sent("cloudwatch", "DescribeAlarms"))
    assert found == Requested("cloudwatch", "DescribeAlarms", "json", "111122223333", REGION, query_codes=True)


def test_the_binary_protocol_has_the_operation_in_its_address() -> None:
    credential = f"Credential=111122223333/20260101/{REGION}/monitoring/aws4_request, SignedHeaders=host"
    asked = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/service/GraniteServiceVersion20100801/operation/PutMetricData",
        "HTTP_SMITHY_PROTOCOL": "rpc-v2-cbor",
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {credential}",
    }
    assert requested(asked) == Requested("cloudwatch", "PutMetricData", "cbor", "111122223333", REGION)


def test_a_body_that_was_read_can_be_read_again() -> None:
    request = sent("sts", "GetCallerIdentity")
    requested(request)
    assert b"Action=GetCallerIdentity" in request["wsgi.input"].read()


@pytest.mark.parametrize("signature", ["s3", "s3v4"])
def test_a_presigned_address_is_read_too(signature: str) -> None:
    make: Callable[..., Any] = boto3.client
    client = make("s3", endpoint_url="http://127.0.0.1:1", config=Config(signature_version=signature), **KEYS)
    address = urlsplit(client.generate_presigned_url("get_object", Params=OBJECT))
    found = requested({"REQUEST_METHOD": "GET", "PATH_INFO": address.path, "QUERY_STRING": address.query})
    assert found is not None
    assert (found.service, found.operation, found.access_key) == ("s3", "GetObject", "111122223333")


def test_what_is_not_signed_for_a_service_asks_for_nothing() -> None:
    assert requested({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": ""}) is None


@pytest.mark.parametrize(
    ("service", "operation", "permission"),
    [
        ("sagemaker-runtime", "InvokeEndpoint", "sagemaker:InvokeEndpoint"),
        ("cloudwatch", "DescribeAlarms", "cloudwatch:DescribeAlarms"),
        ("application-autoscaling", "PutScalingPolicy", "application-autoscaling:PutScalingPolicy"),
    ],
)
def test_a_permission_has_the_prefix_that_policies_know(service: str, operation: str, permission: str) -> None:
    assert Requested(service, operation, "json", "", REGION).permission == permission


def test_services_and_operations_are_those_of_the_sdk() -> None:
    assert {"sagemaker", "s3", "cloudwatch"} <= set(services())
    assert "UpdateEndpoint" in operations("sagemaker")
    assert operations("none") == []
