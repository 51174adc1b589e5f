from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
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
        sts = boto3.Session().client("sts", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
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
    assert found.environ == {
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    }


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


def test_a_profile_that_is_named_is_named_in_what_is_wrong_with_it(environment: Environment, identity: Any) -> None:
    identity("210987654321")
    with pytest.raises(WrongTarget, match=r"the credentials of profile acme-dev \(arn:.*\) belong to account 2109"):
        aws_target(environment, "acme-dev")
    identity(None, "ExpiredToken")
    with pytest.raises(WrongTarget, match=r"`aws sso login --profile acme-dev`, or name another profile$"):
        aws_target(environment, "acme-dev")
    identity("111122223333")
    assert aws_target(environment, "acme-dev").profile == "acme-dev"


def test_a_profile_that_is_named_wins_over_what_any_aws_tool_would_take(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(
        "".join(
            f"[profile {name}]\naws_access_key_id = {key}\naws_secret_access_key = x\n"
            for name, key in (("acme-dev", "AKIDEV"), ("acme-prod", "AKIPROD"))
        )
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_PROFILE", "acme-prod")
    used = [
        Target("aws", environment.account, environment.region, {}, "", profile)
        .client("s3")
        ._request_signer._credentials.access_key
        for profile in (None, "acme-dev", "acme-prod")
    ]
    assert used == ["AKIANY", "AKIDEV", "AKIPROD"]
    with pytest.raises(WrongTarget, match=r"The config profile \(acme-qa\) could not be found"):
        aws_target(environment, "acme-qa")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_an_endpoint_url_stops_whoever_means_the_account(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:4577")
    with pytest.raises(WrongTarget, match=f"unset {name}"):
        aws_target(environment)


@pytest.fixture
def astray(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A profile that leads calls to another place than AWS."""
    (tmp_path / "config").write_text(
        "[profile elsewhere]\nendpoint_url = http://127.0.0.1:9\nservices = odd\n"
        "[services odd]\ns3 =\n  endpoint_url = http://127.0.0.1:10\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "elsewhere")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.delenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", raising=False)


@pytest.mark.usefixtures("astray")
def test_an_endpoint_url_in_a_profile_leads_nobody_who_means_the_account_elsewhere(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = {"sts": "http://127.0.0.1:9", "s3": "http://127.0.0.1:10"}
    for service, url in where.items():
        assert boto3.Session().client(service, region_name="eu-west-1").meta.endpoint_url == url  # type: ignore[call-overload]
    target = Target("aws", environment.account, environment.region, {}, "")
    for service in where:
        assert re.fullmatch(
            rf"https://{service}\.(eu-west-1\.)?amazonaws\.com", target.client(service).meta.endpoint_url
        )
    # The variable does the same for whatever the command starts.
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    for service in where:
        assert "127.0.0.1" not in boto3.Session().client(service, region_name="eu-west-1").meta.endpoint_url  # type: ignore[call-overload]


CDK_CLI = Path("node_modules/aws-cdk/lib/index.js")


def test_the_cdk_cli_honours_the_variable_as_well(root: Path) -> None:
    text = (root / CDK_CLI).read_text(encoding="utf-8")
    assert 'ENV_IGNORE_CONFIGURED_ENDPOINT_URLS = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"' in text
    assert "await loadConfig(ignoreConfiguredEndpointUrlsConfigSelectors)()" in text


@pytest.mark.usefixtures("astray")
def test_what_the_command_starts_for_the_local_aws_goes_nowhere_else(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    monkeypatch.setenv("KEPT", "yes")
    child = local_target(environment, RUNNING).child_environ()
    assert child["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4577"
    assert child["KEPT"] == "yes"
    assert not {"AWS_PROFILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"} & set(child)


@pytest.mark.usefixtures("astray")
def test_what_the_command_starts_for_the_account_keeps_the_profile_but_not_its_endpoint(
    environment: Environment, identity: Any
) -> None:
    identity("111122223333")
    child = aws_target(environment).child_environ()
    assert (child["AWS_PROFILE"], child["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]) == ("elsewhere", "true")


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
