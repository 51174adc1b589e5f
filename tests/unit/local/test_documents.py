"""Templates: parsing, references, order."""

from typing import Any

import pytest

from slipway.local.engine.documents import dependencies, dependency_order, parse
from slipway.local.engine.errors import TemplateError


def test_both_forms_of_a_template_say_the_same() -> None:
    yaml = """
Resources:
  A:
    Type: T
    Properties:
      Ref: !Ref B
      Att: !GetAtt B.Arn
      Sub: !Sub "${B}-x"
      If: !If [Yes, 1, !Ref "AWS::NoValue"]
  B: {Type: T}
"""
    found = parse(yaml)["Resources"]["A"]["Properties"]
    assert found["Ref"] == {"Ref": "B"}
    assert found["Att"] == {"Fn::GetAtt": ["B", "Arn"]}
    assert found["Sub"] == {"Fn::Sub": "${B}-x"}
    assert dependencies(parse(yaml)["Resources"]["A"]) >= {"B"}
    assert parse('{"Resources": {"A": {"Type": "T"}}}') == {"Resources": {"A": {"Type": "T"}}}


@pytest.mark.parametrize("text", ["[]", "{}", '{"Resources": {}}', "a: [", "just words"])
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(TemplateError, match="Template format error"):
        parse(text)


def test_everything_that_a_resource_names_is_a_dependency() -> None:
    definition = {
        "DependsOn": "Explicit",
        "Properties": {
            "a": [{"Ref": "ByRef"}],
            "b": {"Fn::GetAtt": ["ByAtt", "Arn"]},
            "c": {"Fn::GetAtt": "ByDotted.Arn"},
            "d": {"Fn::Sub": "${BySub} ${BySubAtt.Arn} ${!Literal}"},
            "e": {"Fn::Sub": ["${Own} ${ByBoth}", {"Own": {"Ref": "InOwn"}}]},
            "f": {"Fn::If": ["C", {"Ref": "InIf"}, "x"]},
        },
    }
    assert dependencies(definition) == {
        "Explicit",
        "ByRef",
        "ByAtt",
        "ByDotted",
        "BySub",
        "BySubAtt",
        "ByBoth",
        "InOwn",
        "InIf",
    }


def test_order_follows_dependencies_and_else_the_template() -> None:
    resources: dict[str, dict[str, Any]] = {
        "Z": {"Properties": {"x": {"Ref": "M"}}},
        "A": {},
        "M": {"DependsOn": ["B"]},
        "B": {},
    }
    assert dependency_order(resources) == ["B", "M", "Z", "A"]


def test_a_circle_is_spelled_out() -> None:
    resources = {"A": {"DependsOn": "B"}, "B": {"DependsOn": "C"}, "C": {"DependsOn": "B"}}
    with pytest.raises(TemplateError, match=r"\[B, C\]"):
        dependency_order(resources)
