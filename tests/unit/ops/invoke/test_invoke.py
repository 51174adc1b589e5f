"""Asking: each way of hosting is asked in its own words, and a request that does not fit is not sent."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from slipway.ops.invoke.errors import NotYetAnswered, UnansweredError
from slipway.ops.invoke.invoke import InvokeError, Invoker, Queued, Request, WrongRequest
from slipway.ops.invoke.request import check, request_of
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


def refused(clients: dict[str, Any], declare: Declare, code: str, message: str, **more: Any) -> InvokeError:
    with Stubber(clients["sagemaker-runtime"]) as stub:
        stub.add_client_error("invoke_endpoint", code, message, modeled_fields=more or None)
        with pytest.raises(InvokeError) as caught:
            Invoker(declare(**KINDS), TARGET).invoke("plain", asked())
    return caught.value


ENDPOINT, LOG = "rc-project-a-dev-plain-ep", "/aws/sagemaker/Endpoints/rc-project-a-dev-plain-ep"


@pytest.mark.parametrize(
    ("status", "container", "said"),
    [
        (400, "primary", "the model refused the request (400): no features"),
        (413, "primary", "the model refused the request (413): no features"),
        (500, "primary", "the model failed (500): no features"),
        (503, "scale", "container scale failed (503): no features"),
        (0, "primary", "the model did not answer: no features"),
    ],
)
def test_a_containers_own_message_is_told_and_where_its_log_is(
    clients: dict[str, Any], declare: Declare, status: int, container: str, said: str
) -> None:
    fault = "client" if status < 500 else "server"
    message = f'Received {fault} error ({status}) from {container} with message "no features". See https://… for more.'
    error = refused(clients, declare, "ModelError", message, OriginalStatusCode=status, OriginalMessage="no features")
    assert isinstance(error, UnansweredError)
    assert str(error) == f"{said}. Its log: {LOG}"


def test_a_component_has_a_log_of_its_own(clients: dict[str, Any], declare: Declare) -> None:
    with Stubber(clients["sagemaker-runtime"]) as stub:
        fields = {"OriginalStatusCode": 500, "OriginalMessage": "no"}
        stub.add_client_error("invoke_endpoint", "ModelError", "", modeled_fields=fields)
        with pytest.raises(InvokeError, match=r"/aws/sagemaker/InferenceComponents/rc-project-a-dev-shared--iris$"):
            Invoker(declare(**KINDS), TARGET).invoke("shared", asked(component="iris"))


NO_CAPACITY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if "
    "configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)
NOT_ALLOWED = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: sagemaker:InvokeEndpoint"


@pytest.mark.parametrize(
    ("code", "message", "kind", "said"),
    [
        (
            "ValidationError",
            f"Endpoint {ENDPOINT} of account 123456789012 not found.",
            InvokeError,
            f"there is no endpoint {ENDPOINT}: `slipway deploy` makes it",
        ),
        (
            "ValidationError",
            f"Variant x not found for endpoint {ENDPOINT}.",
            InvokeError,
            f"invoke {ENDPOINT}: Variant x not found for endpoint {ENDPOINT}.",
        ),
        ("ValidationError", NO_CAPACITY, UnansweredError, f"{ENDPOINT} has no copy that could answer: where it scales"),
        ("ModelNotReadyException", "Wait.", UnansweredError, f"{ENDPOINT} is not ready"),
        ("ServiceUnavailable", "Later.", UnansweredError, "SageMaker could not answer"),
        ("InternalFailure", "Oh.", UnansweredError, "SageMaker could not answer"),
        (
            "ThrottlingException",
            "Rate exceeded",
            UnansweredError,
            f"{ENDPOINT} was asked more at once than it may answer (ThrottlingException: Rate exceeded): ask more",
        ),
        (
            "AccessDeniedException",
            NOT_ALLOWED,
            InvokeError,
            f"invoke {ENDPOINT}: not allowed: {NOT_ALLOWED}. The policy SageMaker-rc-project-a-dev-eu-west-1-Invoker",
        ),
        ("ExpiredTokenException", "The security token is expired", InvokeError, "the credentials have expired or are"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_what_the_service_refuses_is_told_with_what_to_do(
    clients: dict[str, Any], declare: Declare, code: str, message: str, kind: type[InvokeError], said: str
) -> None:
    error = refused(clients, declare, code, message)
    assert type(error) is kind
    assert said in str(error)


def test_a_connection_that_is_lost_is_told(
    clients: dict[str, Any], declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://runtime.sagemaker.eu-west-1.amazonaws.com")

    monkeypatch.setattr(clients["sagemaker-runtime"], "invoke_endpoint", lost)
    with pytest.raises(InvokeError, match=f"invoke {ENDPOINT}: the connection to AWS was lost"):
        Invoker(declare(**KINDS), TARGET).invoke("plain", asked())


def test_an_answer_says_who_gave_it_and_of_which_type(clients: dict[str, Any], declare: Declare) -> None:
    with Stubber(clients["sagemaker-runtime"]) as stub:
        body = StreamingBody(io.BytesIO(b"yes"), 3)
        answer = {"Body": body, "InvokedProductionVariant": "new", "ContentType": "text/csv"}
        expected = {"EndpointName": "rc-project-a-dev-weighted-ep", "Body": b"[1]", "ContentType": "application/json"}
        stub.add_response("invoke_endpoint", answer, {**expected, "Accept": "text/csv"})
        found = Invoker(declare(**KINDS), TARGET).invoke("weighted", asked(accept="text/csv"))
    assert (found.body, found.variant, found.content_type) == (b"yes", "new", "text/csv")
    assert found.seconds > 0


OUT, FAILED = f"s3://{BUCKET}/async/queued/out/1.out", f"s3://{BUCKET}/async/queued/failed/1-error.out"


class Queue:
    """What an asynchronous endpoint and its bucket are asked and answer."""

    def __init__(self, clients: dict[str, Any]) -> None:
        self.s3, self.runtime = Stubber(clients["s3"]), Stubber(clients["sagemaker-runtime"])
        self.s3.activate()
        self.runtime.activate()

    def takes(self, *, failures: bool = True, **accept: str) -> None:
        key = "async/queued/in/" + "080a9ed428559ef602668b4c00f114f1"  # of [1]
        where = {"Bucket": BUCKET, "Key": key}
        self.s3.add_response("put_object", {}, {**where, "Body": b"[1]", "ContentType": "application/json"})
        asked = {"EndpointName": "rc-project-a-dev-queued-ep", "ContentType": "application/json"}
        asked |= {key.capitalize(): value for key, value in accept.items()}
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
    with pytest.raises(UnansweredError) as caught:
        Invoker(declare(**KINDS), TARGET).invoke("queued", asked())
    assert str(caught.value) == f'the request failed: {{"error": "no"}} ({FAILED})'


@pytest.mark.parametrize("failures", [True, False])
def test_an_answer_that_does_not_come_in_time_will_lie_where_it_says(
    queue: Queue, declare: Declare, *, failures: bool
) -> None:
    queue.takes(failures=failures)
    queue.nothing(OUT)
    if failures:
        queue.nothing(FAILED)
    with pytest.raises(NotYetAnswered) as caught:
        Invoker(declare(**KINDS), TARGET, patience=0).invoke("queued", asked())
    also = f", or in {FAILED} if it fails" if failures else ""
    assert str(caught.value) == (
        "no answer within 0 s: the request waits or is at work, or you may not read what it leaves; "
        f"the answer will be in {OUT}{also}"
    )


def test_a_queued_request_is_not_waited_for_unless_that_is_wanted(queue: Queue, declare: Declare) -> None:
    queue.takes()
    queued = Invoker(declare(**KINDS), TARGET).queue("queued", asked())
    assert queued == Queued(OUT, FAILED)
    queue.s3.assert_no_pending_responses()


def test_the_type_that_is_wanted_is_said_to_a_queue_too(queue: Queue, declare: Declare) -> None:
    queue.takes(accept="text/csv")
    Invoker(declare(**KINDS), TARGET).queue("queued", asked(accept="text/csv"))
    queue.runtime.assert_no_pending_responses()


def test_credentials_that_end_during_the_wait_leave_it_known_where_the_answer_will_be(
    queue: Queue, declare: Declare
) -> None:
    queue.takes()
    queue.nothing(OUT, "ExpiredToken")
    with pytest.raises(InvokeError) as caught:
        Invoker(declare(**KINDS), TARGET).invoke("queued", asked())
    assert str(caught.value).startswith("wait for the answer: the credentials have expired")
    assert str(caught.value).endswith(f"the answer will be in {OUT}, or in {FAILED} if it fails")


def test_a_bucket_that_refuses_is_told_with_what_was_asked_of_it(queue: Queue, declare: Declare) -> None:
    queue.s3.add_client_error("put_object", "AccessDenied", "Access Denied")
    with pytest.raises(InvokeError, match=rf"^put the request into s3://{BUCKET}/async/.*: not allowed: Access Denied"):
        Invoker(declare(**KINDS), TARGET).invoke("queued", asked())


def test_a_queue_that_refuses_is_told_like_any_endpoint(queue: Queue, declare: Declare) -> None:
    queue.s3.add_response("put_object", {})
    words = "Endpoint rc-project-a-dev-queued-ep of account 123456789012 not found."
    queue.runtime.add_client_error("invoke_endpoint_async", "ValidationError", words)
    with pytest.raises(InvokeError, match="there is no endpoint rc-project-a-dev-queued-ep"):
        Invoker(declare(**KINDS), TARGET).invoke("queued", asked())
