"""`slipway invoke` on the local AWS: who answers, and what is said when nobody does."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from slipway.local import control
from slipway.ops.invoke.errors import UnansweredError
from slipway.ops.invoke.invoke import InvokeError, Invoker, Request
from slipway.ops.invoke.repetition import repeat, summarize
from slipway.ops.target import local_target
from slipway.spec.environment import Environment
from slipway.spec.load import from_mapping
from tests.local import hosting as shared
from tests.local.conftest import ACCOUNT, REGION, Client, LocalAws
from tests.local.hosting import ECHO, Hosting

bucket = shared.bucket
_numbers = itertools.count()
MEMBER = {
    "model": {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}},
    "hosting": {"instance_type": "ml.m7i.large"},
}
Declare = Callable[..., Environment]


@pytest.fixture
def declare() -> Declare:
    """Makes the dev environment of a project of its own with one endpoint, `it`."""

    def made(**endpoint: object) -> Environment:
        return from_mapping(
            {
                "company": "acme",
                "team": "rc",
                "project": f"invoke-{next(_numbers)}",
                "environment": "dev",
                "account": ACCOUNT,
                "region": REGION,
                "endpoints": {"it": {"version": 1, **endpoint}},
            }
        ).environment

    return made


@pytest.fixture
def invoker(local_aws: LocalAws) -> Callable[[Environment], Invoker]:
    return lambda environment: Invoker(
        environment, local_target(environment, control.Running(0, 0, local_aws.url)), patience=20
    )


@pytest.fixture
def serve(local_aws: LocalAws, bucket: Client) -> Callable[..., None]:
    """Serves the echo under an endpoint's name."""

    def served(environment: Environment, *variants: dict[str, Any], **config: Any) -> None:
        hosting = Hosting(local_aws, bucket, environment.names.endpoint("it"))
        model = hosting.model(hosting.upload({"code/inference.py": ECHO, "name.txt": "it"}))
        hosting.serve(*({"ModelName": model, **variant} for variant in variants), **config)

    return served


def request(body: str = '"a"', **which: str) -> Request:
    return Request(body.encode(), "application/json", **which)


def test_answers_follow_the_weights(
    declare: Declare, serve: Callable[..., None], invoker: Callable[..., Invoker]
) -> None:
    environment = declare(variants={"old": MEMBER, "new": MEMBER})
    serve(
        environment,
        {"VariantName": "old", "InitialVariantWeight": 3.0},
        {"VariantName": "new", "InitialVariantWeight": 1.0},
    )
    found = summarize(list(repeat(invoker(environment), "it", request(), 200)))
    assert found.failed == 0
    shares = {one.variant: one.share for one in found.answers}
    # 0.75 ± 5 standard deviations of 200 draws.
    assert 0.59 < shares["old"] < 0.91
    assert sum(shares.values()) == pytest.approx(1)
    named = invoker(environment).invoke("it", request(variant="new"))
    assert (named.variant, named.content_type) == ("new", "application/vnd.echo+json")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('"fail"', "the model failed (500): the model says no"),
        ('"die"', "the model did not answer: The model server ended"),
    ],
)
def test_a_models_failure_is_told_in_its_words_and_with_its_log(
    declare: Declare, serve: Callable[..., None], invoker: Callable[..., Invoker], body: str, said: str
) -> None:
    environment = declare(**MEMBER)
    serve(environment, {"VariantName": "primary"})
    with pytest.raises(UnansweredError) as caught:
        invoker(environment).invoke("it", request(body))
    assert str(caught.value).startswith(said)
    assert str(caught.value).endswith(f"Its log: {environment.names.log_group('it')}")


def test_an_endpoint_that_is_not_there_is_told(declare: Declare, invoker: Callable[..., Invoker]) -> None:
    environment = declare(**MEMBER)
    name = environment.names.endpoint("it")
    with pytest.raises(InvokeError) as caught:
        invoker(environment).invoke("it", request())
    assert str(caught.value) == f"there is no endpoint {name}: `slipway deploy` makes it"
    assert not isinstance(caught.value, UnansweredError)


def test_a_queued_request_is_answered_or_its_failure_told(
    declare: Declare, serve: Callable[..., None], invoker: Callable[..., Invoker], bucket: Client
) -> None:
    environment = declare(**MEMBER, asynchronous={})
    own = environment.names.bucket
    bucket.create_bucket(Bucket=own, CreateBucketConfiguration={"LocationConstraint": REGION})
    output = {"S3OutputPath": f"s3://{own}/out/", "S3FailurePath": f"s3://{own}/failed/"}
    serve(environment, {"VariantName": "primary"}, AsyncInferenceConfig={"OutputConfig": output})
    answer = invoker(environment).invoke("it", request())
    assert b'"asked": "a"' in answer.body
    assert answer.location.startswith(f"s3://{own}/out/")
    with pytest.raises(UnansweredError, match=rf"^the request failed: .*the model says no.* \(s3://{own}/failed/"):
        invoker(environment).invoke("it", request('"fail"'))
