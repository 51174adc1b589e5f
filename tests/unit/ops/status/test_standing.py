"""How an endpoint stands: a rollback that looks like success is told, and what is under way is no drift yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from slipway.ops.live import live_of
from slipway.ops.status.standing import Config, Standing, Standings
from tests.unit.ops.conftest import Declare

FIRST = datetime(2026, 11, 29, 9, tzinfo=UTC)
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:endpoint-config/"


class Aws:
    """SageMaker with some configs, and CloudFormation with one stack."""

    def __init__(self, held: str | None, **configs: str) -> None:
        self.held = held
        self.configs = {name: FIRST + timedelta(hours=at) for at, name in enumerate(configs)}
        self.versions = configs

    def describe_endpoint_config(self, *, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        for name, created in self.configs.items():
            if name.casefold() == EndpointConfigName.casefold():
                return {"EndpointConfigName": name, "EndpointConfigArn": ARN + name, "CreationTime": created}
        words = f'Could not find endpoint configuration "{ARN}{EndpointConfigName}".'
        raise ClientError({"Error": {"Code": "ValidationException", "Message": words}}, "DescribeEndpointConfig")

    def get_paginator(self, operation: str) -> Aws:
        assert operation == "list_tags"
        return self

    def paginate(self, *, ResourceArn: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - AWS's name
        version = self.versions[ResourceArn.rsplit("/", 1)[-1]]
        yield {"Tags": [{"Key": "Version", "Value": version}] if version else []}

    def describe_stack_resources(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        assert StackName == "rc-project-a-dev-iris"
        if self.held is None:
            words = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": words}}, "DescribeStackResources")
        kind = "AWS::SageMaker::EndpointConfig"
        return {"StackResources": [{"ResourceType": kind, "PhysicalResourceId": ARN + self.held.lower()}]}


Look = Callable[..., Standing]


@pytest.fixture
def look(declare: Declare) -> Look:
    def made(aws: Any, serving: str, status: str = "InService", **more: Any) -> Standing:
        described = {
            "EndpointName": "rc-project-a-dev-iris-ep",
            "EndpointArn": "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/rc-project-a-dev-iris-ep",
            "EndpointConfigName": serving,
            "EndpointStatus": status,
            "LastModifiedTime": FIRST,
            **more,
        }
        return Standings(declare(), aws, aws).of("iris", live_of(described))

    return made


def test_an_endpoint_that_serves_what_its_stack_holds_is_nothing_to_speak_of(look: Look) -> None:
    standing = look(Aws("Config-B", **{"Config-A": "1", "Config-B": "2"}), "Config-B")
    assert (standing.drift, standing.drifted, list(standing.notes)) == ("", "", [])
    assert standing.held == Config("Config-B", "2", FIRST + timedelta(hours=1))


def test_a_rollback_that_looks_like_success_is_told_with_both_versions_and_what_to_do(look: Look) -> None:
    standing = look(Aws("Config-B", **{"Config-A": "1", "Config-B": "2"}), "Config-A")
    assert standing.drift == "rolled back"
    assert standing.drifted == (
        "rolled back: serves Config-A of version 1, the stack holds Config-B of version 2\n"
        "  deploying version 2 again would change nothing: deploy a cure under another version, or write "
        "`version: 1` to keep what serves"
    )


def test_a_config_that_came_after_the_stacks_was_put_there_by_somebody(look: Look) -> None:
    standing = look(Aws("Config-A", **{"Config-A": "1", "By-Hand": ""}), "By-Hand")
    assert standing.drift == "changed outside its stack"
    assert standing.drifted.startswith(
        "changed outside its stack: serves By-Hand, the stack holds Config-A of version 1\n  deploying version 1"
    )


def test_a_stacks_config_that_is_gone_is_told(look: Look) -> None:
    standing = look(Aws("Config-B", **{"Config-A": "1"}), "Config-A")
    assert "the stack holds config-b, which is gone" in standing.drifted


def test_an_endpoint_without_a_stack_has_nothing_to_be_compared_with(look: Look) -> None:
    standing = look(Aws(None, **{"Config-A": "1"}), "Config-A")
    assert (standing.held, standing.drift) == (None, "")


def test_a_config_that_serves_but_does_not_exist_any_more_is_told(look: Look) -> None:
    standing = look(Aws("Config-A"), "Config-A")
    assert list(standing.notes) == [
        "its config Config-A, which is gone: it can be updated to another one, and no instance can be added"
    ]
    assert standing.serving.described == {}


PENDING = {
    "EndpointConfigName": "Config-B",
    "StartTime": FIRST,
    "ProductionVariants": [{"VariantName": "primary", "VariantStatus": [{"Status": "Baking"}]}],
}


def test_an_update_says_where_it_goes_and_how_far_it_is_and_is_no_drift_yet(look: Look) -> None:
    aws = Aws("Config-B", **{"Config-A": "1", "Config-B": "2"})
    standing = look(aws, "Config-A", "Updating", PendingDeploymentSummary=PENDING)
    assert standing.drift == ""
    assert list(standing.notes) == ["Updating: to Config-B of version 2, since 2026-11-29 09:00 UTC, Baking"]


@pytest.mark.parametrize(
    ("status", "more", "update"),
    [
        ("RollingBack", {}, "to Config-A of version 1"),
        ("Updating", {}, "instances or weights change, or the service is at work"),
        (
            "SystemUpdating",
            {"ProductionVariants": [{"VariantName": "v", "VariantStatus": [{"Status": "Creating"}]}]},
            "Creating",
        ),
    ],
)
def test_without_a_summary_the_status_says_what_there_is(
    look: Look, status: str, more: dict[str, Any], update: str
) -> None:
    aws = Aws("Config-B", **{"Config-A": "1", "Config-B": "2"})
    assert look(aws, "Config-A", status, **more).update == update


def test_a_failure_is_told_in_the_services_words(look: Look) -> None:
    why = "The primary container for production variant primary did not pass the ping health check."
    standing = look(Aws("Config-A", **{"Config-A": "1"}), "Config-A", "Failed", FailureReason=why)
    assert list(standing.notes) == [f"Failed: {why}"]
