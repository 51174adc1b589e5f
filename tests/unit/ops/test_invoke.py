"""Asking: each way of hosting is asked in its own words, and a request that does not fit is not sent."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from slipway.ops.invoke import InvokeError, Invoker, Request, WrongRequest, check, request_of
from slipway.ops.target import Target
from slipway.spec.endpoint import Endpoint
from tests.unit.ops.conftest import MODEL, Declare

CONTAINER = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}
HOSTING = {"instance_type": "ml.m5.large"}
COMPONENT = {"model": CONTAINER, "memory": "1GB", "cpus": 1}
BUCKET = "acme-sm-rc-project-a-dev-eu-west-1"
#: One endpoint of each kind.
KINDS: dict[str, dict[str, Any]] = {
    "plain": MODEL,
    "weighted": {"version": 1, "variants": {name: {"model": CONTAINER, "hosting": HOSTING} for name in ("old", "new")}},
    "many": {"version": 1, "model": {**CONTAINER, "models": "models/many/"}, "hosting": HOSTING},
    "serial": {"version": 1, "model": {"containers": {"a": CONTAINER, "b": CONTAINER}}, "hosting": HOSTING},
    "direct": {
        "version": 1,
        "model": {"containers": {"a": CONTAINER, "b": CONTAINER}, "invocation": "direct"},
        "hosting": HOSTING,
    },
    "serverless": {"version": 1, "model": CONTAINER, "hosting": {"serverless": {"memory": "2GB"}}},
    "queued": {"version": 1, "model": CONTAINER, "hosting": HOSTING, "asynchronous": {}},
    "shared": {"version": 1, "hosting": HOSTING, "components": {"iris": COMPONENT, "prices": COMPONENT}},
}


def asked(**which: str) -> Request:
    return Request(b"[1]", "application/json", **which)


@pytest.fixture
def endpoint(declare: Declare) -> Any:
    environment = declare(**KINDS)
    return lambda name: environment.endpoints[name]


@pytest.mark.parametrize(
    ("name", "which"),
    [
        ("plain", {}),
        ("plain", {"variant": "primary"}),
        ("weighted", {}),
        ("weighted", {"variant": "new"}),
        ("many", {"target_model": "store/v1/model.tar.gz"}),
        ("serial", {}),
        ("direct", {"container": "b"}),
        ("serverless", {}),
        ("queued", {}),
        ("shared", {"component": "iris"}),
    ],
)
def test_a_request_that_fits_is_let_through(endpoint: Any, name: str, which: dict[str, str]) -> None:
    check(name, endpoint(name), asked(**which))


OTHERS = "is not for an endpoint hosted like this: leave it out"


@pytest.mark.parametrize(
    ("name", "which", "message"),
    [
        ("plain", {"target_model": "x"}, "--target-model is for multi-model endpoints: leave it out"),
        ("plain", {"container": "a"}, f"--container {OTHERS}"),
        ("plain", {"component": "a"}, f"--component {OTHERS}"),
        ("weighted", {"variant": "nwe"}, "--variant nwe: there is no such one; did you mean new? There is: old, new"),
        ("many", {}, "--target-model is missing: name an archive under the prefix, such as NAME/v1/model.tar.gz"),
        ("serial", {"container": "a"}, f"--container {OTHERS}"),
        ("direct", {}, "--container is missing: name one of a, b"),
        ("direct", {"container": "c"}, "--container c: there is no such one; There is: a, b"),
        ("queued", {"variant": "primary"}, f"--variant {OTHERS}"),
        ("shared", {}, "--component is missing: name one of iris, prices"),
        (
            "shared",
            {"component": "price"},
            "--component price: there is no such one; did you mean prices? There is: iris, prices",
        ),
    ],
)
def test_a_request_that_does_not_fit_says_what_to_write(
    endpoint: Any, name: str, which: dict[str, str], message: str
) -> None:
    with pytest.raises(WrongRequest) as caught:
        check(name, endpoint(name), asked(**which))
    assert str(caught.value) == f"{name}: {message}"


def test_all_that_does_not_fit_is_said_at_once(endpoint: Any) -> None:
    with pytest.raises(WrongRequest) as caught:
        check("shared", endpoint("shared"), asked(variant="primary", target_model="x", container="a"))
    assert len(str(caught.value).splitlines()) == 4


@pytest.mark.parametrize(
    ("name", "expected"),
    [("many", {"target_model": "a"}), ("direct", {"container": "a"}), ("plain", {})],
)
def test_a_samples_target_is_an_archive_or_a_container_as_the_endpoint_is_hosted(
    declare: Declare, name: str, expected: dict[str, str]
) -> None:
    sample = {"body": "1,2", "content_type": "text/csv", **({"target": "a"} if expected else {})}
    endpoint: Endpoint = declare(it={**KINDS[name], "sample": sample}).endpoints["it"]
    assert endpoint.sample
    assert request_of(endpoint, endpoint.sample) == Request(b"1,2", "text/csv", **expected)


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    made: dict[str, Any] = {
        name: boto3.Session().client(name, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        for name in ("sagemaker-runtime", "s3")
    }
    monkeypatch.setattr(Target, "client", lambda _, service: made[service])
    return made


TARGET = Target("aws", "123456789012", "eu-west-1", {}, "")


@pytest.mark.parametrize(
    ("name", "which", "sent"),
    [
        ("plain", {}, {}),
        ("weighted", {"variant": "new"}, {"TargetVariant": "new"}),
        ("many", {"target_model": "s/v1/model.tar.gz"}, {"TargetModel": "s/v1/model.tar.gz"}),
        ("direct", {"container": "b"}, {"TargetContainerHostname": "b"}),
        ("shared", {"component": "iris"}, {"InferenceComponentName": "rc-project-a-dev-shared--iris"}),
    ],
)
def test_what_is_asked_reaches_the_service_in_its_words(
    clients: dict[str, Any], declare: Declare, name: str, which: dict[str, str], sent: dict[str, str]
) -> None:
    with Stubber(clients["sagemaker-runtime"]) as stub:
        plain = {"EndpointName": f"rc-project-a-dev-{name}-ep", "Body": b"[1]", "ContentType": "application/json"}
        stub.add_response("invoke_endpoint", {"Body": StreamingBody(io.BytesIO(b"yes"), 3)}, {**plain, **sent})
        assert Invoker(declare(**KINDS), TARGET).invoke(name, asked(**which)).body == b"yes"


def test_what_the_service_refuses_is_told_in_its_words(clients: dict[str, Any], declare: Declare) -> None:
    with Stubber(clients["sagemaker-runtime"]) as stub:
        stub.add_client_error("invoke_endpoint", "ModelError", 'Received client error (400) with message "no"')
        with pytest.raises(InvokeError, match=r'^Received client error \(400\) with message "no"$'):
            Invoker(declare(**KINDS), TARGET).invoke("plain", asked())


OUT, FAILED = f"s3://{BUCKET}/async/queued/out/1.out", f"s3://{BUCKET}/async/queued/failed/1-error.out"


class Queue:
    """What an asynchronous endpoint and its bucket are asked and answer."""

    def __init__(self, clients: dict[str, Any]) -> None:
        self.s3, self.runtime = Stubber(clients["s3"]), Stubber(clients["sagemaker-runtime"])
        self.s3.activate()
        self.runtime.activate()

    def takes(self, *, failures: bool = True) -> None:
        key = "async/queued/in/" + "080a9ed428559ef602668b4c00f114f1"  # of [1]
        where = {"Bucket": BUCKET, "Key": key}
        self.s3.add_response("put_object", {}, {**where, "Body": b"[1]", "ContentType": "application/json"})
        asked = {"EndpointName": "rc-project-a-dev-queued-ep", "ContentType": "application/json"}
        answer = {"OutputLocation": OUT, **({"FailureLocation": FAILED} if failures else {})}
        self.runtime.add_response("invoke_endpoint_async", answer, {**asked, "InputLocation": f"s3://{BUCKET}/{key}"})

    def nothing(self, uri: str, code: str = "NoSuchKey") -> None:
        where = {"Bucket": BUCKET, "Key": uri.removeprefix(f"s3://{BUCKET}/")}
        self.s3.add_client_error("get_object", code, expected_params=where)

    def there(self, uri: str, content: bytes) -> None:
        where = {"Bucket": BUCKET, "Key": uri.removeprefix(f"s3://{BUCKET}/")}
        self.s3.add_response("get_object", {"Body": StreamingBody(io.BytesIO(content), len(content))}, where)


@pytest.fixture
def queue(clients: dict[str, Any]) -> Queue:
    return Queue(clients)


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied"])
def test_a_queued_request_is_put_where_the_endpoint_reads_it_and_its_answer_awaited(
    queue: Queue, declare: Declare, code: str
) -> None:
    queue.takes()
    queue.nothing(OUT, code)
    queue.nothing(FAILED, code)
    queue.there(OUT, b"yes")
    answer = Invoker(declare(**KINDS), TARGET).invoke("queued", asked())
    assert (answer.body, answer.location) == (b"yes", OUT)
    queue.s3.assert_no_pending_responses()


def test_a_failure_is_told_with_where_it_lies(queue: Queue, declare: Declare) -> None:
    queue.takes()
    queue.nothing(OUT)
    queue.there(FAILED, json.dumps({"error": "no"}).encode())
    with pytest.raises(InvokeError) as caught:
        Invoker(declare(**KINDS), TARGET).invoke("queued", asked())
    assert str(caught.value) == f'{{"error": "no"}} ({FAILED})'


@pytest.mark.parametrize("failures", [True, False])
def test_an_answer_that_does_not_come_in_time_will_lie_where_it_says(
    queue: Queue, declare: Declare, *, failures: bool
) -> None:
    queue.takes(failures=failures)
    queue.nothing(OUT)
    if failures:
        queue.nothing(FAILED)
    with pytest.raises(InvokeError) as caught:
        Invoker(declare(**KINDS), TARGET, patience=0).invoke("queued", asked())
    also = f", or in {FAILED}" if failures else ""
    assert str(caught.value) == (
        "no answer within 0 s: the request waits or is at work, or you may not read its answer. "
        f"It will be in {OUT}{also}"
    )


def test_a_bucket_that_refuses_is_told_with_what_was_asked_of_it(queue: Queue, declare: Declare) -> None:
    queue.s3.add_client_error("put_object", "AccessDenied", "Access Denied")
    with pytest.raises(InvokeError, match=r"\(AccessDenied\) when calling the PutObject operation"):
        Invoker(declare(**KINDS), TARGET).invoke("queued", asked())
