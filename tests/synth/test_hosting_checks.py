from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.synth.hosting import ENDPOINTS, Declared, hosted

ALARM = "AWS::CloudWatch::Alarm"


def test_cfn_lint_accepts_every_way_of_hosting(declared: Declared) -> None:
    templates = {kind: hosted(declared, kind).folder / "rc-project-a-staging-iris.template.json" for kind in ENDPOINTS}
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "parseable", *map(str, templates.values())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    names = {str(path): kind for kind, path in templates.items()}
    findings = [f"{names.get(line.split(':')[0], '?')}: {line}" for line in done.stdout.splitlines()]
    assert (done.returncode, findings) == (0, []), done.stderr


@pytest.mark.parametrize("kind", ENDPOINTS)
def test_no_two_alarms_or_policies_of_a_target_have_the_same_name(declared: Declared, kind: str) -> None:
    assembly = hosted(declared, kind)
    alarms = Counter(r["Properties"]["AlarmName"] for r in assembly.resources("iris", ALARM))
    policies = Counter(
        (p["ScalingTargetId"]["Ref"], p["PolicyName"])
        for p in (r["Properties"] for r in assembly.resources("iris", "AWS::ApplicationAutoScaling::ScalingPolicy"))
    )
    assert [name for name, count in {**alarms, **policies}.items() if count > 1] == []
    assert all(len(name) <= 255 for name in alarms)


@pytest.mark.parametrize("kind", ENDPOINTS)
def test_an_alarm_goes_to_people_or_to_a_policy_never_to_both_or_nobody(declared: Declared, kind: str) -> None:
    assembly = hosted(declared, kind)
    resources = assembly.template("iris")["Resources"]
    topic = assembly.environment.names.topic_arn
    for alarm in assembly.resources("iris", ALARM):
        (action,) = alarm["Properties"]["AlarmActions"]
        if "-scaling-" in alarm["Properties"]["AlarmName"]:
            policy = resources[action["Ref"]]
            assert policy["Properties"]["PolicyType"] == "StepScaling"
            assert "OKActions" not in alarm["Properties"]
        else:
            assert action == topic
            assert alarm["Properties"]["OKActions"] == [topic]


def tags(resource: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in resource["Properties"].get("Tags", [])}


@pytest.mark.parametrize("kind", ENDPOINTS)
def test_whatever_can_be_tagged_is_tagged_with_its_model(declared: Declared, kind: str) -> None:
    untaggable = ("AWS::ApplicationAutoScaling::ScalingPolicy", "AWS::CloudWatch::Dashboard", "AWS::CDK::Metadata")
    for key, resource in hosted(declared, kind).template("iris")["Resources"].items():
        if resource["Type"] not in untaggable:
            assert tags(resource).get("Model") == "iris", key
