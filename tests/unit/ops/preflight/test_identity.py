"""Whose the credentials are, and how long they last."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from slipway.ops.preflight.identity import credentials
from slipway.ops.preflight.report import Finding, Outcome
from slipway.ops.target import Target
from tests.unit.ops.preflight.fakes import ACCOUNT, REGION, WHEN

ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/me"
TARGET = Target("aws", ACCOUNT, REGION, {}, "")


def sts(account: str = ACCOUNT, *, expiry: datetime | None = None, method: str = "env") -> Any:
    """A client with credentials as botocore keeps them."""
    own = SimpleNamespace(_expiry_time=expiry, method=method)
    identity = {"Arn": ARN, "Account": account}
    return SimpleNamespace(get_caller_identity=lambda: identity, _request_signer=SimpleNamespace(_credentials=own))


def look(client: Any, longest: float = 1500.0) -> Finding:
    (found,) = credentials(TARGET, client, longest, WHEN)
    return found


def test_who_it_is_and_where_is_told() -> None:
    found = look(sts())
    assert (found.outcome, found.text) == (Outcome.OK, f"{ARN} in eu-west-1")


def test_another_account_is_refused() -> None:
    found = look(sts("210987654321"))
    assert found.outcome is Outcome.FAILED
    assert f"belongs to account 210987654321, the environment to {ACCOUNT}" in found.text


def test_credentials_that_outlast_the_update_say_until_when() -> None:
    found = look(sts(expiry=WHEN + timedelta(hours=1)))
    assert (found.outcome, found.text) == (Outcome.OK, f"{ARN} in eu-west-1, until 2026-11-26 13:00 UTC")


def test_credentials_that_end_before_the_update_are_a_warning() -> None:
    found = look(sts(expiry=WHEN + timedelta(minutes=20)))
    assert found.outcome is Outcome.WARNING
    assert found.text.endswith("until 2026-11-26 12:20 UTC: before an update that takes about 25m is over")


@pytest.mark.parametrize("method", ["sso", "assume-role", "iam-role"])
def test_credentials_that_are_renewed_need_not_outlast_it(method: str) -> None:
    found = look(sts(expiry=WHEN + timedelta(minutes=20), method=method))
    assert (found.outcome, found.text.endswith("12:20 UTC, then renewed")) == (Outcome.OK, True)


def test_botocore_keeps_them_where_this_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The only word for the expiry is a private one; a new botocore must not make it vanish silently."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_SESSION_TOKEN": "x",
        "AWS_CREDENTIAL_EXPIRATION": "2030-01-01T00:00:00Z",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    client = TARGET.client("sts")
    own = client._request_signer._credentials
    assert (own.method, own._expiry_time.year) == ("env", 2030)
