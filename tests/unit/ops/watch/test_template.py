"""What a stack's template declares, with its references answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from slipway.ops.watch.template import declared
from tests.unit.ops.answering import Aws

KIND = "AWS::SageMaker::Endpoint"


def read(template: object, **made: str) -> list[Mapping[str, object]]:
    aws = Aws()
    resources = [
        {"LogicalResourceId": key, "ResourceType": "any", "PhysicalResourceId": value} for key, value in made.items()
    ]
    aws.answers |= {
        "GetTemplate": lambda _: {"TemplateBody": template},
        "DescribeStackResources": lambda _: {"StackResources": resources},
    }
    return declared(aws.client("cloudformation"), "stack", KIND)


def resource(**properties: Any) -> dict[str, Any]:
    other = {"Type": "AWS::SageMaker::Model", "Properties": {}}
    return {"Resources": {"Model": other, "Endpoint": {"Type": KIND, "Properties": properties}}}


@pytest.mark.parametrize("body", [json.dumps, dict], ids=["text", "read"])
def test_references_become_names(body: Any) -> None:
    template = resource(Config={"Fn::GetAtt": ["Config", "EndpointConfigName"]}, Alarms=[{"AlarmName": {"Ref": "A"}}])
    found = read(body(template), Config="arn:aws:sagemaker:eu-west-1:1:endpoint-config/config-1", A="alarm-1")
    assert found == [{"Config": "config-1", "Alarms": [{"AlarmName": "alarm-1"}]}]


def test_what_refers_elsewhere_stays_as_it_is() -> None:
    properties = {"A": {"Ref": "Parameter"}, "B": {"Fn::GetAtt": ["A", "Arn"]}, "C": {"Fn::ImportValue": "x"}}
    assert read(resource(**properties), A="alarm-1") == [properties]


@pytest.mark.parametrize("body", ["Resources: {}", "{}", {}, "[]"])
def test_a_template_without_it_declares_nothing(body: object) -> None:
    assert read(body) == []
