"""What happens to resources: who is replaced, who follows, what is lost."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.plan.assembly import Stack
from slipway.plan.changes import Change, Comparison, compare
from slipway.plan.documents import UnreadableError
from slipway.plan.findings import Kind

from .pairs import CONFIG, ENDPOINT, LATENCY, MODEL, Template, findings, next_model, only, planned, template


def compared(old: Template | None, new: Template | None, **more: Any) -> Comparison:
    sides = [Stack("s", side, "123456789012", "eu-west-1", **more) if side else None for side in (old, new)]
    return compare(*sides)


def one(old: dict[str, Any] | None, new: dict[str, Any] | None) -> Change:
    """The change of one resource."""
    keep = {"Type": "AWS::SNS::Topic"}
    sides = [{"Resources": {"Keep": keep, **({"It": side} if side else {})}} for side in (old, new)]
    (change,) = compared(*sides).changes
    return change


def test_replacement_goes_from_the_model_to_the_config_but_not_to_the_endpoint() -> None:
    found = compared(template(), next_model(template()))
    assert {
        change.logical_id: change.action for change in found.changes if change.type.startswith("AWS::SageMaker")
    } == {
        MODEL: "replace",
        CONFIG: "replace",
        ENDPOINT: "change",
    }
    config = found.change(CONFIG)
    assert config is not None
    assert config.because == (MODEL,)
    assert config.kept


def test_changes_are_in_the_order_in_which_they_are_made() -> None:
    order = [change.logical_id for change in compared(template(), next_model(template())).changes]
    assert order.index(MODEL) < order.index(CONFIG) < order.index(LATENCY) < order.index(ENDPOINT)


def test_tags_alone_replace_neither_a_model_nor_a_config() -> None:
    new = next_model(template())
    new["Resources"][MODEL]["Properties"]["PrimaryContainer"] = template()["Resources"][MODEL]["Properties"][
        "PrimaryContainer"
    ]
    assert {change.action for change in compared(template(), new).changes} == {"change"}
    assert all(change.tags_only for change in compared(template(), new).changes)


def test_a_reference_to_a_name_that_stays_replaces_nobody() -> None:
    # The topic's own properties change, its name does not.
    def side(display: str) -> Template:
        return {
            "Resources": {
                "Bucket": {
                    "Type": "AWS::S3::Bucket",
                    "Properties": {"BucketName": "b", "Tags": [{"Key": "k", "Value": display}]},
                },
                "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Bucket"}}},
            }
        }

    (change,) = compared(side("x"), side("y")).changes
    assert change.logical_id == "Bucket"


def test_a_new_name_reaches_those_who_refer_to_it_by_ref_join_and_sub() -> None:
    def side(name: str) -> Template:
        return {
            "Resources": {
                "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}},
                "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Bucket"}}},
                "Role": {
                    "Type": "AWS::IAM::Role",
                    "Properties": {
                        "Description": {"Fn::Sub": "reads ${Bucket.Arn}"},
                        "Path": {
                            "Fn::Join": [
                                "/",
                                ["", {"Fn::Select": [0, {"Fn::Split": [":", {"Fn::GetAtt": ["Bucket", "Arn"]}]}]}, ""],
                            ]
                        },
                    },
                },
            }
        }

    found = {change.logical_id: change for change in compared(side("a"), side("b")).changes}
    assert found["Policy"].properties[0].new == "b"
    assert {one.path for one in found["Role"].properties} == {"Description", "Path"}
    # Path can only be set on creation.
    assert found["Role"].action == "replace"


@pytest.mark.parametrize(
    ("policy", "kept", "loses"),
    [
        (None, False, True),
        ("Delete", False, True),
        ("Retain", True, False),
        ("RetainExceptOnCreate", True, False),
        ("Snapshot", False, False),
    ],
)
def test_what_is_removed_is_lost_unless_its_policy_keeps_it(policy: str | None, *, kept: bool, loses: bool) -> None:
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "t"}}
    change = one({**table, **({"DeletionPolicy": policy} if policy else {})}, None)
    assert (change.action, change.kept, bool(change.loses)) == ("remove", kept, loses)


@pytest.mark.parametrize(("policy", "kept", "loses"), [("Delete", False, True), ("Retain", True, False)])
def test_what_is_replaced_is_lost_unless_its_policy_keeps_it(policy: str, *, kept: bool, loses: bool) -> None:
    logs = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "a"}, "UpdateReplacePolicy": policy}
    change = one(logs, {**logs, "Properties": {"LogGroupName": "b"}})
    assert (change.action, change.kept, bool(change.loses)) == ("replace", kept, loses)


def test_a_policy_that_keeps_it_no_more_is_a_change_that_is_said() -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "b"}, "DeletionPolicy": "Retain"}
    change = one(bucket, {**bucket, "DeletionPolicy": "Delete"})
    assert (change.action, [each.path for each in change.properties]) == ("change", ["DeletionPolicy"])
    assert change.unkept
    assert not one({**bucket, "DeletionPolicy": "Delete"}, bucket).unkept


def test_what_becomes_of_a_model_without_its_stack_moves_no_fleet() -> None:
    new = template()
    new["Resources"][MODEL]["UpdateReplacePolicy"] = "Delete"
    new["Resources"][CONFIG]["DeletionPolicy"] = "Delete"
    found = planned(template(), new)
    assert only(found).kinds == ("nothing",)
    assert not only(found).rolls
    assert len([each for each in findings(found, Kind.CAUTION) if "does not stay any more" in each.text]) == 2


def test_a_property_that_may_replace_is_said_to_be_conditional() -> None:
    key = [{"AttributeName": "a", "KeyType": "HASH"}]
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "t", "KeySchema": key}}
    other = [{"AttributeName": "b", "KeyType": "HASH"}]
    change = one(table, {**table, "Properties": {"TableName": "t", "KeySchema": other}})
    assert (change.action, change.conditional) == ("change", True)


def test_what_a_condition_switches_off_is_not_there() -> None:
    new = template()
    new["Conditions"] = {"Never": {"Fn::Equals": ["a", "b"]}}
    new["Resources"][LATENCY]["Condition"] = "Never"
    gone = [change for change in compared(template(), new).changes if change.action == "remove"]
    assert [change.logical_id for change in gone] == [LATENCY]


def test_a_condition_on_a_parameter_without_a_value_is_named() -> None:
    new = template()
    new["Parameters"] = {"Stage": {"Type": "String"}}
    new["Conditions"] = {"IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}}
    new["Resources"][LATENCY]["Condition"] = "IsProd"
    assert compared(template(), new).guessed == ("IsProd",)
    # A value that is known decides.
    known = compared(template(), new, parameters={"Stage": "prod"})
    assert known.guessed == ()
    assert known.changes == ()


def test_a_circle_is_an_error_and_no_traceback() -> None:
    circle = {
        "Resources": {
            "A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "B"}}},
            "B": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "A"}}},
        }
    }
    with pytest.raises(UnreadableError, match="Circular dependency"):
        compared(circle, circle)


def test_unknown_functions_and_types_are_compared_as_they_stand() -> None:
    def side(value: str) -> Template:
        return {"Resources": {"X": {"Type": "Custom::X", "Properties": {"P": {"Fn::Transform": {"Name": value}}}}}}

    assert compared(side("a"), side("a")).changes == ()
    assert [change.action for change in compared(side("a"), side("b")).changes] == ["change"]


def test_items_are_matched_by_their_name_not_by_their_place() -> None:
    def side(*keys: str) -> dict[str, Any]:
        return {"Type": "AWS::SNS::Topic", "Properties": {"Tags": [{"Key": key, "Value": "1"} for key in keys]}}

    change = one(side("a", "b"), side("new", "a", "b"))
    assert [one.path for one in change.properties] == ["Tags[new]"]


def test_stack_tags_are_compared() -> None:
    old, new = (Stack("s", template(), tags={"Team": team}) for team in ("a", "b"))
    assert [(tag.path, tag.old, tag.new) for tag in compare(old, new).tags] == [("Team", "a", "b")]
