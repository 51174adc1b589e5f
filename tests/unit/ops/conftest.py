from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from moto import mock_aws

from slipway.ops.target import Target
from slipway.spec.environment import Environment
from slipway.spec.load import from_mapping

Declare = Callable[..., Environment]
MODEL = {
    "version": 1,
    "model": {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}},
    "hosting": {"instance_type": "ml.m5.large"},
}


@pytest.fixture
def declare() -> Declare:
    """Makes the dev environment with some endpoints."""

    def made(**endpoints: object) -> Environment:
        return from_mapping(
            {
                "company": "acme",
                "team": "rc",
                "project": "project-a",
                "environment": "dev",
                "account": "123456789012",
                "region": "eu-west-1",
                "endpoints": endpoints or {"iris": MODEL},
            }
        ).environment

    return made


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """An empty account without a network."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield Target("aws", "123456789012", "eu-west-1", {}, "")
