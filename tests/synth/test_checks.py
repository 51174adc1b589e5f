from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

Synthesized = Callable[[str], Any]
ENVIRONMENTS = ["dev", "staging", "prod"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_templates_are_what_was_reviewed(synthesized: Synthesized, snapshot: SnapshotAssertion, name: str) -> None:
    assembly = synthesized(name)
    templates = {part: assembly.template(part) for part in ("foundation", "iris", "operations")}
    # An asset's hash changes with its bytes; what a reviewer wants to see is where it is used.
    text = re.sub(r"[0-9a-f]{64}", "ASSET", json.dumps(templates))
    assert json.loads(text) == snapshot(name=name, extension_class=JSONSnapshotExtension)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_cdk_nag_has_no_finding_that_is_not_acknowledged_with_a_reason(synthesized: Synthesized, name: str) -> None:
    report = json.loads((synthesized(name).folder / "validation-report.json").read_text())
    plugins = {p["pluginName"]: p for p in report["pluginReports"]}
    nag = plugins["AwsSolutions"]
    assert nag["conclusion"] == "success"
    assert nag["violations"] == []
    assert nag["suppressedViolations"], "nothing was acknowledged: did the rules run at all?"
    for finding in nag["suppressedViolations"]:
        assert len(finding["reason"]) > 20, finding["ruleName"]
        assert finding["ruleName"].startswith(("AwsSolutions-IAM5[", "AwsSolutions-SQS3")), (
            "only wildcards that cannot be narrower are acknowledged, and dead letters without a queue of their own"
        )


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_cfn_lint_accepts_every_template(synthesized: Synthesized, name: str) -> None:
    templates = sorted(synthesized(name).folder.glob("*.template.json"))
    assert len(templates) == 3
    command = [
        str(Path(sys.executable).with_name("cfn-lint")),
        "--format",
        "parseable",
        *map(str, templates),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def synthesize(root: Path, folder: Path, **environ: str) -> dict[str, bytes]:
    """Run app.py in a folder, and return what it wrote."""
    folder.mkdir()
    out = folder / "out"
    asked = {"CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps({"env": "prod"})}
    subprocess.run(
        [sys.executable, str(root / "app.py")], env={**os.environ, **asked, **environ}, cwd=folder, check=True
    )
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def test_two_synths_are_byte_identical_whoever_runs_them(tmp_path: Path, root: Path) -> None:
    one = synthesize(root, tmp_path / "one", PYTHONHASHSEED="1", TZ="UTC")
    other = synthesize(
        root,
        tmp_path / "elsewhere",
        PYTHONHASHSEED="77",
        TZ="Asia/Tokyo",
        USER="somebody",
        AWS_REGION="us-west-2",
        CDK_DEFAULT_ACCOUNT="210987654321",
    )
    assert {"manifest.json", "validation-report.json", "rc-project-a-prod-iris.template.json"} <= set(one)
    assert list(one) == list(other)
    assert [name for name in one if one[name] != other[name]] == []


def test_a_synth_in_a_test_gives_the_templates_that_the_app_gives(
    synthesized: Synthesized, tmp_path: Path, root: Path
) -> None:
    by_app = synthesize(root, tmp_path / "app")
    ours = sorted(synthesized("prod").folder.glob("*.template.json"))
    assert len(ours) == 3
    for template in ours:
        assert template.read_bytes() == by_app[template.name], template.name


def test_a_config_that_cannot_be_used_stops_the_app_before_anything_is_synthesized(tmp_path: Path, root: Path) -> None:
    (tmp_path / "base.yaml").write_text("company: acme\nteam: r-c\nproject: a\n")
    (tmp_path / "dev.yaml").write_text("environment: dev\naccount: 111122223333\nregion: eu-west-1\nendpoint: {}\n")
    out = tmp_path / "out"
    environ = {
        **os.environ,
        "CDK_OUTDIR": str(out),
        "CDK_CONTEXT_JSON": json.dumps({"env": "dev", "config": str(tmp_path)}),
    }
    done = subprocess.run(
        [sys.executable, str(root / "app.py")],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert [line.split(": ")[0:2] for line in done.stderr.splitlines()] == [
        ["base.yaml:2", "team"],
        ["dev.yaml:2", "account"],
        ["dev.yaml:4", "endpoint"],
    ]
    assert not out.exists()


def test_the_construct_stands_in_an_app_of_ones_own(declared: Callable[..., Any]) -> None:
    from aws_cdk import App, Stack
    from aws_cdk import Environment as Account

    from slipway_cdk.inference_endpoint import InferenceEndpoint

    environment = declared({}).environment
    app = App()
    stack = Stack(app, "mine", env=Account(account=environment.account, region=environment.region))
    made = InferenceEndpoint(stack, "Iris", environment=environment, name="iris")
    template = app.synth().get_stack_by_name("mine").template
    assert "rc-project-a-staging-iris-ep-rollback-latency" in made.alarm_names
    types = [r["Type"] for r in template["Resources"].values()]
    assert types.count("AWS::SageMaker::Endpoint") == 1
