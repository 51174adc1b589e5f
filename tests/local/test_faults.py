"""Calls to the local AWS that fail because they are told to: in each protocol, as often as is said."""

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError
from botocore.model import StructureShape
from botocore.parsers import RpcV2CBORParser

from slipway.local import control, steering
from slipway.local.control import LocalAwsError
from tests.local.conftest import ACCOUNT, REGION, Client, LocalAws
from tests.local.hosting import ROLE, failing


@pytest.fixture(scope="module")
def own_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS whose calls fail; the others' do not."""
    home = tmp_path_factory.mktemp("failing")
    yield LocalAws(control.start(home, port=0).url)
    control.stop(home)


@pytest.fixture
def faulty(own_aws: LocalAws) -> Iterator[LocalAws]:
    yield own_aws
    steering.clear_faults(own_aws.url)
    steering.reset_clock(own_aws.url)


# A call of each protocol.
CALLS: dict[str, tuple[str, str, Callable[[Client], object]]] = {
    "json": ("sagemaker", "ListEndpoints", lambda client: client.list_endpoints()),
    "json after query": ("cloudwatch", "DescribeAlarms", lambda client: client.describe_alarms()),
    "query": ("sts", "GetCallerIdentity", lambda client: client.get_caller_identity()),
    "rest-json": (
        "sagemaker-runtime",
        "InvokeEndpoint",
        lambda client: client.invoke_endpoint(EndpointName="any", Body=b"[]"),
    ),
    "rest-xml": (
        "s3",
        "PutObject",
        lambda client: client.put_object(Bucket="any", Key="a/b", Body=io.BytesIO(b"x" * 10**6)),
    ),
    "rest-xml without a body": ("s3", "ListObjectsV2", lambda client: client.list_objects_v2(Bucket="any")),
}


@pytest.mark.parametrize("protocol", CALLS)
@pytest.mark.parametrize(
    ("kind", "code", "plain", "s3", "words"),
    [
        ("throttle", "ThrottlingException", "Throttling", "SlowDown", "ate"),
        ("expire", "ExpiredTokenException", "ExpiredToken", "ExpiredToken", "expired"),
        ("deny", "AccessDeniedException", "AccessDenied", "AccessDenied", "is not authorized to perform: "),
    ],
)
def test_a_call_fails_in_the_form_of_its_protocol(
    faulty: LocalAws, protocol: str, kind: str, code: str, plain: str, s3: str, words: str
) -> None:
    service, operation, call = CALLS[protocol]
    steering.add_fault(faulty.url, kind, service, operation, times=1)
    error = failing(lambda: call(faulty.client(service)))["Error"]
    assert error["Code"] == (s3 if service == "s3" else plain if "query" in protocol else code)
    assert words in error["Message"]
    assert steering.faults(faulty.url) == []


@pytest.mark.parametrize("kind", ["throttle", "deny", "expire"])
def test_the_binary_protocol_has_a_form_of_its_own(faulty: LocalAws, kind: str) -> None:
    steering.add_fault(faulty.url, kind, "cloudwatch", "DescribeAlarms")
    credential = f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/monitoring/aws4_request"
    headers = {"smithy-protocol": "rpc-v2-cbor", "Authorization": credential}
    connection = HTTPConnection(urlsplit(faulty.url).netloc)
    connection.request("POST", "/service/GraniteServiceVersion20100801/operation/DescribeAlarms", b"\xa0", headers)
    refused = connection.getresponse()
    answer = {"status_code": refused.status, "headers": refused.headers, "body": refused.read()}
    error = RpcV2CBORParser().parse(answer, StructureShape("None", {"type": "structure"}))["Error"]
    assert error["Code"] in ("ThrottlingException", "AccessDeniedException", "ExpiredTokenException")
    assert error["Message"]


def test_a_denial_names_who_asked_and_for_what(faulty: LocalAws) -> None:
    steering.add_fault(faulty.url, "deny", "sagemaker", "UpdateEndpoint")
    message = failing(lambda: faulty.client("sagemaker").update_endpoint(EndpointName="any", EndpointConfigName="any"))[
        "Error"
    ]["Message"]
    caller = faulty.client("sts").get_caller_identity()["Arn"]
    assert message == (
        f"User: {caller} is not authorized to perform: sagemaker:UpdateEndpoint on resource: * because no "
        "identity-based policy allows the sagemaker:UpdateEndpoint action"
    )


def test_a_denial_names_the_session_of_a_role(faulty: LocalAws) -> None:
    faulty.client("iam").create_role(RoleName="reader", AssumeRolePolicyDocument="{}")
    assumed = faulty.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/reader", RoleSessionName="me")
    keys = assumed["Credentials"]
    make: Callable[..., Client] = boto3.client
    client = make(
        "sagemaker",
        endpoint_url=faulty.url,
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    steering.add_fault(faulty.url, "deny", "sagemaker")
    message = failing(lambda: client.list_models())["Error"]["Message"]
    assert message.startswith(f"User: arn:aws:sts::{ACCOUNT}:assumed-role/reader/me is not authorized to perform: ")


def test_only_the_calls_that_are_meant_fail(faulty: LocalAws) -> None:
    steering.add_fault(faulty.url, "throttle", "sagemaker", "DescribeEndpoint")
    sagemaker = faulty.client("sagemaker")
    sagemaker.list_endpoints()
    faulty.client("sts").get_caller_identity()
    assert failing(lambda: sagemaker.describe_endpoint(EndpointName="any"))["Error"]["Code"] == "ThrottlingException"
    steering.clear_faults(faulty.url)
    steering.add_fault(faulty.url, "throttle", "sagemaker")
    assert failing(lambda: sagemaker.list_endpoints())["Error"]["Code"] == "ThrottlingException"
    runtime = failing(lambda: faulty.client("sagemaker-runtime").invoke_endpoint(EndpointName="any", Body=b""))
    assert runtime["Error"]["Code"] == "ValidationError"
    steering.add_fault(faulty.url, "expire")
    assert failing(lambda: faulty.client("sts").get_caller_identity())["Error"]["Code"] == "ExpiredToken"


def test_the_sdk_gets_over_fewer_failures_than_it_tries(faulty: LocalAws) -> None:
    make: Callable[..., Client] = boto3.client
    patient = make(
        "sagemaker",
        endpoint_url=faulty.url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",
        config=Config(retries={"mode": "standard", "total_max_attempts": 3}),
    )
    steering.add_fault(faulty.url, "throttle", "sagemaker", times=2)
    assert patient.list_endpoints()["ResponseMetadata"]["RetryAttempts"] == 2
    steering.add_fault(faulty.url, "throttle", "sagemaker", times=3)
    assert failing(lambda: patient.list_endpoints())["Error"]["Code"] == "ThrottlingException"


@pytest.mark.parametrize("protocol", CALLS)
def test_a_connection_that_is_closed_has_no_answer_and_nothing_is_done(faulty: LocalAws, protocol: str) -> None:
    service, operation, call = CALLS[protocol]
    steering.add_fault(faulty.url, "disconnect", service, operation, times=1)
    with pytest.raises(ConnectionClosedError):
        call(faulty.client(service))


def test_what_was_disconnected_was_not_done(faulty: LocalAws) -> None:
    steering.add_fault(faulty.url, "disconnect", "sagemaker", "CreateModel", times=1)
    request: dict[str, Any] = {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": "image"}}
    with pytest.raises(ConnectionClosedError):
        faulty.client("sagemaker").create_model(**request)
    faulty.client("sagemaker").create_model(**request)


def test_a_fault_ends_by_the_clock(faulty: LocalAws) -> None:
    steering.add_fault(faulty.url, "throttle", "sagemaker", duration=timedelta(minutes=10))
    sagemaker = faulty.client("sagemaker")
    for _ in range(2):
        failing(lambda: sagemaker.list_endpoints())
    steering.advance_clock(faulty.url, timedelta(minutes=9))
    failing(lambda: sagemaker.list_endpoints())
    steering.advance_clock(faulty.url, timedelta(minutes=1))
    sagemaker.list_endpoints()
    assert steering.faults(faulty.url) == []


def test_the_local_aws_itself_is_not_hit(faulty: LocalAws) -> None:
    steering.add_fault(faulty.url, "deny", "sagemaker")
    cloudformation = faulty.client("cloudformation")
    group = {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": "g"}}
    cloudformation.create_stack(StackName="s", TemplateBody=str({"Resources": {"G": group}}).replace("'", '"'))
    assert cloudformation.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    failing(lambda: faulty.client("sagemaker").list_model_package_groups())


def test_faults_are_listed_and_cleared_one_by_one_or_all(faulty: LocalAws) -> None:
    first = steering.add_fault(faulty.url, "throttle", "sagemaker", "InvokeEndpoint", times=3)
    second = steering.add_fault(faulty.url, "deny", duration=timedelta(hours=1))
    assert (first.service, first.operation, first.times_left, first.left) == (
        "sagemaker-runtime",
        "InvokeEndpoint",
        3,
        None,
    )
    listed = steering.faults(faulty.url)
    assert [one.id for one in listed] == [first.id, second.id]
    assert listed[1].left is not None
    assert timedelta(minutes=59) < listed[1].left <= timedelta(hours=1)
    assert steering.clear_faults(faulty.url, first.id) == 1
    with pytest.raises(LocalAwsError, match=f"There is no fault {first.id}; there is {second.id}"):
        steering.clear_faults(faulty.url, first.id)
    assert steering.clear_faults(faulty.url) == 1
    assert steering.clear_faults(faulty.url) == 0


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (["explode"], {}, "'explode' is no fault of calls; there is throttle, deny, expire, disconnect"),
        (["deny", "sagemker"], {}, "no service 'sagemker' in the SDKs, did you mean sagemaker?"),
        (["deny", "sagemaker", "UpdateEndpont"], {}, "no operation 'UpdateEndpont', did you mean UpdateEndpoint?"),
        (["deny", None, "UpdateEndpoint"], {}, "The operation UpdateEndpoint needs its service"),
        (["deny"], {"times": 0}, "hits 1 call or more, not 0"),
        (["deny"], {"duration": timedelta()}, "lasts longer than 0 s, not 0 s"),
    ],
)
def test_a_fault_that_could_hit_nothing_is_refused(
    faulty: LocalAws, arguments: list[str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(LocalAwsError) as refused:
        steering.add_fault(faulty.url, *arguments, **options)
    assert message in str(refused.value)
    assert steering.faults(faulty.url) == []
