"""What the registry schemas say of resource types."""

from typing import Any

import pytest

from slipway.local.engine.schemas import needs_replacement, with_stack_tags
from slipway.local.resources import _ACCEPTED, _MODULES, catalogue
from slipway.local.resources.calls import Calls
from slipway.spec.cloudformation import schema

CONFIG = "AWS::SageMaker::EndpointConfig"
ENDPOINT = "AWS::SageMaker::Endpoint"


@pytest.mark.parametrize(
    ("kind", "old", "new", "expected"),
    [
        (CONFIG, {"ProductionVariants": [1]}, {"ProductionVariants": [2]}, True),
        (CONFIG, {"Tags": [1]}, {"Tags": [2]}, False),
        (ENDPOINT, {"EndpointConfigName": "a"}, {"EndpointConfigName": "b"}, False),
        (ENDPOINT, {"EndpointName": "a"}, {"EndpointName": "b"}, True),
        ("AWS::SageMaker::Model", {"PrimaryContainer": {}}, {}, True),
        ("Custom::Anything", {"a": 1}, {"a": 2}, False),
    ],
)
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "a-region-that-is-new"])
def test_what_is_set_once_is_replaced(
    kind: str,
    old: dict[str, Any],
    new: dict[str, Any],
    expected: bool,  # noqa: FBT001 - a parameter of the table
    region: str,
) -> None:
    assert needs_replacement(kind, region, old, new) is expected


def test_stack_tags_are_added_where_a_type_takes_them() -> None:
    tags = {"Team": "rc", "Env": "dev"}
    own = {"Tags": [{"Key": "Team", "Value": "own"}]}
    assert with_stack_tags(ENDPOINT, "eu-west-1", own, tags)["Tags"] == [
        {"Key": "Team", "Value": "own"},
        {"Key": "Env", "Value": "dev"},
    ]
    parameter = with_stack_tags("AWS::SSM::Parameter", "eu-west-1", {"Tags": {"Team": "x"}}, tags)
    assert parameter["Tags"] == {"Team": "x", "Env": "dev"}
    assert with_stack_tags("AWS::IAM::Policy", "eu-west-1", {}, tags) == {}


def test_every_type_that_can_be_deployed_is_named_as_the_registry_names_it() -> None:
    names = [name for module in _MODULES for name in module.TYPES]
    assert len(names) == len(set(names))
    assert [name for name in names if not schema(name)] == []
    found = catalogue(Calls("http://127.0.0.1:1"))
    assert all(name in found for name in (*names, *_ACCEPTED))
