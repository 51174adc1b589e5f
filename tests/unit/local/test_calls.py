"""CloudFormation's properties in the shapes that APIs want."""

from typing import Any

import botocore.session
import pytest

from slipway.local.engine.resource_type import Scope
from slipway.local.mends.patching import add, replace
from slipway.local.resources.base import generated_name
from slipway.local.resources.calls import shape, tag_changes

SCOPE = Scope("111122223333", "eu-west-1", "stack", "arn")


def shaped(service: str, operation: str, properties: dict[str, Any]) -> Any:
    model = botocore.session.get_session().get_service_model(service)
    wanted = model.operation_model(operation).input_shape
    assert wanted is not None
    return shape(wanted, properties)


def test_names_and_values_are_shaped() -> None:
    found = shaped(
        "logs",
        "CreateLogGroup",
        {"LogGroupName": "g", "Tags": [{"Key": "a", "Value": 1}], "RetentionInDays": 7},
    )
    assert found == {"logGroupName": "g", "tags": {"a": "1"}}


@pytest.mark.parametrize(
    ("service", "operation", "given", "expected"),
    [
        (
            "iam",
            "CreateRole",
            {"AssumeRolePolicyDocument": {"a": 1}},
            {"AssumeRolePolicyDocument": '{"a": 1}'},
        ),
        ("iam", "CreateRole", {"MaxSessionDuration": "7200"}, {"MaxSessionDuration": 7200}),
        ("cloudwatch", "PutMetricAlarm", {"Threshold": "0.5"}, {"Threshold": 0.5}),
        ("cloudwatch", "PutMetricAlarm", {"ActionsEnabled": "true"}, {"ActionsEnabled": True}),
        (
            "ecr",
            "CreateRepository",
            {"ImageScanningConfiguration": {"ScanOnPush": True}},
            {"imageScanningConfiguration": {"scanOnPush": True}},
        ),
        (
            "sagemaker",
            "CreateModel",
            {"PrimaryContainer": {"Environment": {"A": 1, "B": True}}},
            {"PrimaryContainer": {"Environment": {"A": "1", "B": "true"}}},
        ),
    ],
)
def test_each_kind_of_value(service: str, operation: str, given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert shaped(service, operation, given) == expected


def test_tags_that_changed_and_that_went() -> None:
    old = [
        {"Key": "same", "Value": "1"},
        {"Key": "new", "Value": "1"},
        {"Key": "gone", "Value": ""},
    ]
    new = [{"Key": "same", "Value": "1"}, {"Key": "new", "Value": "2"}]
    assert tag_changes(old, new) == ({"new": "2"}, ["gone"])
    assert tag_changes(None, None) == ({}, [])


def test_generated_names_fit_and_differ() -> None:
    one, two = (generated_name(SCOPE, "L" * 100, 63) for _ in range(2))
    assert one != two
    assert len(one) == 63
    assert one.startswith("stack-LLL")
    assert generated_name(SCOPE, "Bucket", 63, lower=True).startswith("stack-bucket-")


def test_mends_notice_when_moto_changed() -> None:
    class Moto:
        def known(self) -> int:
            return 1

    replace(Moto, known=lambda _: 2)
    assert Moto().known() == 2
    with pytest.raises(AttributeError, match="renamed"):
        replace(Moto, renamed=None)
    with pytest.raises(AttributeError, match="is the mend still needed"):
        add(Moto, known=None)
