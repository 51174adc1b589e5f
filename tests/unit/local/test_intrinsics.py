"""Intrinsic functions of templates."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from slipway.local.engine.errors import TemplateError
from slipway.local.engine.intrinsics import UNKNOWN, Resolver


@dataclass
class Thing:
    type: str = "T"
    physical_id: str = "thing-1"
    attributes: dict[str, Any] = field(default_factory=lambda: {"Arn": "arn:thing", "A.B": "ab"})


class Elsewhere:
    def exported(self, name: str) -> str:
        return f"export of {name}"

    def output(self, stack_name: str, output: str, region: str | None) -> str:
        return f"{stack_name}.{output}@{region}"


def resolver(*, planning: bool = False, **sections: Any) -> Resolver:
    return Resolver(
        template={"Resources": {"Thing": {}, "Later": {}}, **sections},
        pseudo={"AWS::Region": "eu-west-1", "AWS::NoValue": None},
        parameters={"P": "value", "Empty": ""},
        resources={"Thing": Thing()},
        surroundings=Elsewhere(),
        planning=planning,
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Thing"}, "thing-1"),
        ({"Ref": "P"}, "value"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Fn::GetAtt": ["Thing", "Arn"]}, "arn:thing"),
        ({"Fn::GetAtt": "Thing.A.B"}, "ab"),
        ({"Fn::GetAtt": ["Thing", "A", "B"]}, "ab"),
        ({"Fn::Join": ["-", ["a", {"Ref": "P"}, 1]]}, "a-value-1"),
        ({"Fn::Split": [":", {"Fn::GetAtt": ["Thing", "Arn"]}]}, ["arn", "thing"]),
        ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
        ({"Fn::Select": [1, {"Fn::Split": [":", "x:y"]}]}, "y"),
        ({"Fn::Sub": "${P} ${Thing} ${Thing.Arn} ${!P}"}, "value thing-1 arn:thing ${P}"),
        ({"Fn::Sub": ["${X}-${P}", {"X": {"Ref": "Thing"}}]}, "thing-1-value"),
        ({"Fn::If": ["Yes", "a", "b"]}, "a"),
        ({"Fn::If": ["No", "a", "b"]}, "b"),
        ({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "k"]}, "mapped"),
        ({"Fn::Base64": "hello"}, "aGVsbG8="),
        ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::ToJsonString": {"a": {"Ref": "P"}}}, '{"a": "value"}'),
        ({"Fn::Length": [1, 2, 3]}, 3),
        ({"Fn::ImportValue": "x"}, "export of x"),
        (
            {"Fn::GetStackOutput": {"StackName": "s", "OutputName": "o", "Region": "r"}},
            "s.o@r",
        ),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [1, {"Ref": "AWS::NoValue"}]}, {"b": [1]}),
        ({"a": "", "b": 0, "c": False}, {"a": "", "b": 0, "c": False}),
        # a policy's Condition is not a template's
        (
            {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        ),
    ],
)
def test_functions_are_answered(value: Any, expected: Any) -> None:
    found = resolver(
        Conditions={"Yes": {"Fn::Equals": [1, "1"]}, "No": {"Fn::Not": [{"Condition": "Yes"}]}},
        Mappings={"M": {"eu-west-1": {"k": "mapped"}}},
    ).resolve(value)
    assert found == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"Fn::And": [{"Condition": "T"}, {"Condition": "F"}]}, False),
        ({"Fn::Or": [{"Condition": "T"}, {"Condition": "F"}]}, True),
        ({"Fn::Equals": [{"Ref": "Empty"}, ""]}, True),
    ],
)
def test_conditions_combine(condition: Any, expected: bool) -> None:  # noqa: FBT001
    conditions = {
        "T": {"Fn::Equals": ["a", "a"]},
        "F": {"Fn::Equals": ["a", "b"]},
        "X": condition,
    }
    assert resolver(Conditions=conditions).condition("X") is expected


def test_members_whose_condition_does_not_hold_are_not_there() -> None:
    resources = {"A": {"Condition": "No"}, "B": {"Condition": "Yes"}, "C": {}}
    conditions = {"Yes": {"Fn::Equals": [1, 1]}, "No": {"Fn::Equals": [1, 2]}}
    found = resolver(Resources=resources, Conditions=conditions)
    assert list(found.active()) == ["B", "C"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Ref": "Nobody"}, r"Unresolved resource dependencies \[Nobody\]"),
        ({"Fn::GetAtt": ["Nobody", "Arn"]}, "references undefined resource Nobody"),
        ({"Fn::GetAtt": ["Thing", "Colour"]}, r"attribute type Colour .*it has \['A.B', 'Arn'\]"),
        ({"Fn::Transform": {}}, "Fn::Transform is not supported by the local CloudFormation"),
        ({"Fn::Select": [7, ["a"]]}, "nonexistent value at index 7"),
        ({"Fn::FindInMap": ["M", "a", "b"]}, "Unable to get mapping for M::a::b"),
        ({"Fn::If": ["Nowhere", 1, 2]}, "unresolved condition dependency Nowhere"),
    ],
)
def test_what_cannot_be_answered_is_named(value: Any, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        resolver(Mappings={"M": {}}).resolve(value)


def test_a_plan_does_not_know_what_is_yet_to_be_made() -> None:
    plan = resolver(planning=True)
    plan.unknown.add("Thing")
    assert plan.resolve({"Ref": "Later"}) == UNKNOWN
    assert plan.resolve({"Fn::GetAtt": ["Thing", "Arn"]}) == UNKNOWN
    assert plan.resolve({"Fn::Sub": "x-${Thing}"}) == f"x-{UNKNOWN}"
    assert plan.resolve({"Fn::Select": [2, {"Fn::Split": [":", {"Ref": "Thing"}]}]}) == UNKNOWN
