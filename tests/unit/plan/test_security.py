"""Changes of rights, network access and encryption are called out."""

from __future__ import annotations

from typing import Any

from slipway.plan.assembly import Stack
from slipway.plan.changes import compare
from slipway.plan.findings import Finding
from slipway.plan.security import findings

from .pairs import CONFIG, MODEL, edited, next_model, template


def found(old: dict[str, Any], new: dict[str, Any]) -> list[Finding]:
    return list(findings(compare(Stack("s", {"Resources": old}), Stack("s", {"Resources": new}))))


def allow(*actions: str, **more: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}]}


def test_a_new_model_version_touches_no_rights() -> None:
    assert found(template()["Resources"], next_model(template())["Resources"]) == []


def test_statements_that_come_and_go_are_shown_whole() -> None:
    def policy(*actions: str) -> dict[str, Any]:
        return {"P": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": allow(*actions)}}}

    (finding,) = found(policy("s3:GetObject"), policy("s3:GetObject", "s3:PutObject"))
    assert finding.where == "P"
    assert finding.details == ("+ Allow s3:GetObject, s3:PutObject on *", "− Allow s3:GetObject on *")


def test_a_statement_that_only_follows_a_replaced_resource_is_no_change_of_rights() -> None:
    def side(name: str) -> dict[str, Any]:
        return {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": name == "b"}},
            "P": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"PolicyDocument": allow("sqs:SendMessage", Resource={"Fn::GetAtt": ["Queue", "Arn"]})},
            },
        }

    assert found(side("a"), side("b")) == []


def test_who_may_assume_a_role_is_shown_with_its_condition() -> None:
    def role(**more: Any) -> dict[str, Any]:
        document = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}, **more}]}
        return {"R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}}}

    (finding,) = found(role(Condition={"Bool": {"x": "true"}}), role())
    assert finding.details == (
        '+ Allow sts:AssumeRole to {"AWS": "*"}',
        '− Allow sts:AssumeRole to {"AWS": "*"} if {"Bool": {"x": "true"}}',
    )


def test_the_network_and_the_role_of_a_model_are_called_out() -> None:
    new = edited(
        template(),
        **{
            f"{MODEL}__VpcConfig__SecurityGroupIds": ["sg-0a1b2c3d4e5f60009"],
            f"{MODEL}__ExecutionRoleArn": "arn:aws:iam::123456789012:role/other",
            f"{CONFIG}__KmsKeyId": "alias/other",
        },
    )
    model, config = found(template()["Resources"], new["Resources"])
    assert [line.split(" ")[0] for line in model.details] == [
        "ExecutionRoleArn",
        "VpcConfig.SecurityGroupIds[sg-0a1b2c3d4e5f60003]",
        "VpcConfig.SecurityGroupIds[sg-0a1b2c3d4e5f60009]",
    ]
    assert config.details == ("KmsKeyId alias/rc-project-a-prod → alias/other",)


def test_taking_away_network_isolation_is_called_out() -> None:
    isolated = edited(template(), **{f"{MODEL}__EnableNetworkIsolation": True})
    (finding,) = found(isolated["Resources"], template()["Resources"])
    assert finding.details == ("EnableNetworkIsolation true → nothing",)


def test_security_groups_and_permissions_that_come_and_go_are_called_out() -> None:
    keep = {"Keep": {"Type": "AWS::SNS::Topic"}}
    group = {"G": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupEgress": [{"CidrIp": "0.0.0.0/0"}]}}}
    permission = {"L": {"Type": "AWS::Lambda::Permission", "Properties": {"Principal": "*", "Action": "lambda:Invoke"}}}
    come = found(keep, {**keep, **group, **permission})
    assert [one.text for one in come] == ["AWS::EC2::SecurityGroup comes.", "AWS::Lambda::Permission comes."]
    assert "0.0.0.0/0" in come[0].details[0]
    assert [one.text for one in found({**keep, **group}, keep)] == ["AWS::EC2::SecurityGroup goes."]
