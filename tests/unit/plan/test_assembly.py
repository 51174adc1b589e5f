"""Templates and cloud assemblies are read, and what is none is said to be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slipway.plan.assembly import load, stack_of_file
from slipway.plan.documents import UnreadableError, parse

YAML = """
AWSTemplateFormatVersion: 2010-09-09
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: !Sub "${AWS::StackName}-alarms"}}
  Policy:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref Topic]
      PolicyDocument: {Version: 2012-10-17, Id: !GetAtt Topic.TopicArn, Other: !Join ["", [a, !Select [0, [b]]]]}
"""


def assembly(folder: Path) -> Path:
    (folder / "one.template.json").write_text(json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}))
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://123456789012/eu-west-1",
        "properties": {"templateFile": "one.template.json", "tags": {"Team": "rc"}},
    }
    artifacts = {"one": stack, "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}}}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return folder


def test_a_cloud_assembly_gives_its_stacks_with_account_region_and_tags(tmp_path: Path) -> None:
    (stack,) = load(assembly(tmp_path)).stacks.values()
    assert (stack.name, stack.account, stack.region, stack.tags) == ("one", "123456789012", "eu-west-1", {"Team": "rc"})


def test_a_folder_with_one_assembly_inside_is_that_assembly(tmp_path: Path) -> None:
    (tmp_path / "prod").mkdir()
    assembly(tmp_path / "prod")
    assert set(load(tmp_path).stacks) == {"one"}


def test_a_folder_with_several_assemblies_asks_which(tmp_path: Path) -> None:
    for name in ("dev", "prod"):
        (tmp_path / name).mkdir()
        assembly(tmp_path / name)
    with pytest.raises(UnreadableError, match=r"several cloud assemblies: give one of .*dev, .*prod"):
        load(tmp_path)


def test_assemblies_of_stages_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "assembly-prod").mkdir()
    assembly(tmp_path / "assembly-prod")
    artifact = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-prod"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"prod": artifact}}))
    assert set(load(tmp_path).stacks) == {"one"}


def test_an_account_that_the_app_leaves_open_is_not_known(tmp_path: Path) -> None:
    folder = assembly(tmp_path)
    text = (folder / "manifest.json").read_text().replace("123456789012/eu-west-1", "unknown-account/unknown-region")
    (folder / "manifest.json").write_text(text)
    (stack,) = load(folder).stacks.values()
    assert (stack.account, stack.region) == ("", "")


def test_yaml_with_short_forms_is_a_template() -> None:
    found = parse(YAML, "t.yaml")["Resources"]
    assert found["Topic"]["Properties"]["TopicName"] == {"Fn::Sub": "${AWS::StackName}-alarms"}
    assert found["Policy"]["Properties"] == {
        "Topics": [{"Ref": "Topic"}],
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Id": {"Fn::GetAtt": ["Topic", "TopicArn"]},
            "Other": {"Fn::Join": ["", ["a", {"Fn::Select": [0, ["b"]]}]]},
        },
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1: is neither JSON nor YAML"),
        ("a: [1\nb: 2", "line 2: is neither JSON nor YAML"),
        ("[]", "has no Resources"),
        ("{}", "has no Resources"),
        ('{"Resources": {}}', "has no Resources"),
        ('{"Resources": {"A": 1}}', "Resources.A has no Type"),
        ('{"Resources": {"A": {"Type": "T", "Properties": []}}}', ""),
        ('{"Resources": {"A": {"Type": "T", "Properties": [1]}}}', "Properties is no mapping"),
    ],
)
def test_what_is_no_template_is_said_with_its_place(text: str, said: str) -> None:
    if not said:
        assert parse(text, "t")["Resources"]
        return
    with pytest.raises(UnreadableError, match=f"^t: .*{said}|^t:.*{said}"):
        parse(text, "t")


def test_what_is_not_there_or_empty_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="is not there"):
        load(tmp_path / "nowhere")
    with pytest.raises(UnreadableError, match=r"no manifest\.json"):
        load(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(UnreadableError, match="is no manifest"):
        load(tmp_path)
    (tmp_path / "manifest.json").write_text('{"artifacts": {}}')
    with pytest.raises(UnreadableError, match="holds no stacks"):
        load(tmp_path)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableError, match="is no text"):
        load(tmp_path / "binary.json")


def test_two_files_are_two_versions_of_one_stack(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / f"{name}.yaml").write_text(YAML)
    old, new = stack_of_file(load(tmp_path / "old.yaml"), load(tmp_path / "new.yaml"))
    assert set(old.stacks) == set(new.stacks) == {"new"}
