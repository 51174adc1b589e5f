from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from slipway.local.control import Running
from slipway.ops import target as module
from slipway.ops.target import Target, WrongTarget, aws_target, local_target
from slipway.spec.environment import Environment
from slipway.spec.load import from_mapping

RUNNING = Running(pid=1, port=4577, url="http://127.0.0.1:4577")


@pytest.fixture
def environment() -> Environment:
    return from_mapping(
        {
            "company": "acme",
            "team": "rc",
            "project": "project-a",
            "environment": "dev",
            "account": "111122223333",
            "region": "eu-west-1",
        }
    ).environment


@pytest.fixture(autouse=True)
def _no_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(module._stated_endpoints()):
        monkeypatch.delenv(name)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let STS answer without a network."""

    def answer(account: str | None, error: str = "") -> None:
        sts = boto3.client("sts", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        stub = Stubber(sts)
        if account is None:
            stub.add_client_error("get_caller_identity", error)
        else:
            arn = f"arn:aws:sts::{account}:assumed-role/Admin/someone"
            stub.add_response("get_caller_identity", {"Account": account, "Arn": arn, "UserId": "AROAEXAMPLE:someone"})
        stub.activate()
        monkeypatch.setattr(Target, "client", lambda self, service: sts)  # noqa: ARG005

    return answer


def test_credentials_of_the_environments_account_are_accepted(environment: Environment, identity: Any) -> None:
    identity("111122223333")
    found = aws_target(environment)
    assert found.where == "AWS · account 111122223333 · eu-west-1 · dev"
    assert found.environ == {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}


def test_credentials_of_another_account_are_refused_with_both_ids(environment: Environment, identity: Any) -> None:
    identity("210987654321")
    with pytest.raises(WrongTarget, match=r"belong to account 210987654321, but dev lives in 111122223333"):
        aws_target(environment)


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_credentials_that_do_not_work_are_refused_with_the_way_out(
    environment: Environment, identity: Any, code: str
) -> None:
    identity(None, code)
    with pytest.raises(WrongTarget, match=rf"{code}.*log in to account 111122223333"):
        aws_target(environment)


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_an_endpoint_url_stops_whoever_means_the_account(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:4577")
    with pytest.raises(WrongTarget, match=f"unset {name}"):
        aws_target(environment)


def test_the_local_aws_takes_the_environments_account_whatever_the_user_is(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    found = local_target(environment, RUNNING)
    client = found.client("sts")
    assert client.meta.endpoint_url == "http://127.0.0.1:4577"
    assert client.meta.region_name == "eu-west-1"
    assert client._request_signer._credentials.access_key == "111122223333"


@pytest.mark.parametrize("url", ["http://127.0.0.1:4577", "http://localhost:4577/"])
def test_an_endpoint_url_of_the_local_aws_itself_is_fine(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    assert local_target(environment, RUNNING).kind == "local"


def test_an_endpoint_url_elsewhere_stops_whoever_means_the_local_aws(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(WrongTarget, match=r"points to http://127.0.0.1:9, but the local AWS is at"):
        local_target(environment, RUNNING)


def test_without_a_local_aws_the_message_says_how_to_start_one(environment: Environment) -> None:
    with pytest.raises(WrongTarget, match="slipway local start"):
        local_target(environment, None)
