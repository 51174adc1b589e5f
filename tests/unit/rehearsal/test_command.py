"""`slipway rehearse` in a terminal and in a pipeline: what it prints, where it writes, how it exits."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.cli import main
from slipway.rehearsal import arguments, command
from slipway.rehearsal.faults import matrix
from tests.unit.rehearsal.templates import GUIDES, assembly

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    file = tmp_path / "guide.yaml"
    file.write_text(GUIDES, encoding="utf-8")
    return file


def said(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = main(["rehearse", *map(str, args)])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_template_is_rehearsed_in_the_terminal(guide: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "--template", guide)
    assert (code, err) == (0, "")
    assert out.startswith("churn: canary of 25 %; 4 × ml.m5.xlarge")
    assert out.endswith("6 gaps\n")


def test_a_pipeline_fails_on_gaps_with_three(guide: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--template", guide, "--fail-on", "gaps")[0] == 3


def test_accepted_gaps_are_no_reason_to_fail(guide: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes = ["latency-is-no-error", "microseconds", "both-fleets", "no-rollback-alarms"]
    accepted = [word for code in codes for word in ("--accept", code)]
    assert said(capsys, "--template", guide, "--fail-on", "gaps", *accepted)[0] == 0


def test_an_acceptance_that_has_grown_old_is_said(guide: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = said(capsys, "--template", guide, "--accept", "gpu-oom", "--accept", "microseconds")
    assert err == "--accept gpu-oom: there is no such gap\n"


def test_one_fault_can_be_asked_for_and_the_healthy_run_comes_with_it(
    guide: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = said(capsys, "--template", guide, "--fault", "crash", "--json", "-")
    (target,) = json.loads(out)["targets"]
    assert [one["fault"] for one in target["rehearsals"]] == ["healthy", "crash"]


def test_all_is_every_fault(guide: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, "--template", guide, "--all", "--json", "-")
    (target,) = json.loads(out)["targets"]
    assert len(target["rehearsals"]) == len(matrix()) - 1
    assert target["skipped"] == ["GPU out of memory: no GPU"]


def test_strategies_are_compared_without_the_alarms_that_always_go_off(
    guide: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = said(capsys, "--template", guide, "--compare", "--json", "-")
    (compared,) = json.loads(out)["comparisons"]
    assert [one["name"] for one in compared["strategies"]] == [
        "as declared",
        "rolling",
        "canary",
        "linear",
        "all_at_once",
    ]
    assert {one["verdicts"]["errors-5xx"] for one in compared["strategies"]} == {"nobody notices"}


def test_files_are_written_besides_the_text(guide: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    marked, data = tmp_path / "r.md", tmp_path / "r.json"
    _, out, _ = said(capsys, "--template", guide, "--markdown", marked, "--json", data)
    assert out.startswith("churn: ")
    assert marked.read_text(encoding="utf-8").startswith("## Rehearsal: 6 gaps")
    assert json.loads(data.read_text(encoding="utf-8"))["version"] == 1


def test_a_file_that_cannot_be_written_is_an_error(
    guide: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = said(capsys, "--template", guide, "--json", tmp_path / "no" / "r.json")
    assert code == 2
    assert "cannot be written" in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no CloudFormation template"),
        ("{", "is neither JSON nor YAML"),
        ("Resources: {}", "it has no Resources"),
        ("Resources: {A: {Properties: {}}}", "Resources.A has no Type"),
        ("Resources: {A: {Type: AWS::SNS::Topic}}", "holds no endpoint that could be rehearsed"),
        (
            "Resources: {E: {Type: AWS::SageMaker::Endpoint, Properties: {EndpointConfigName: far}}}",
            "its endpoint config, far, is not in the template",
        ),
    ],
)
def test_what_cannot_be_rehearsed_is_an_error_and_no_traceback(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "template.yaml"
    file.write_text(text, encoding="utf-8")
    code, out, err = said(capsys, "--template", file)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_a_file_that_is_not_there_or_is_no_text_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = said(capsys, "--template", tmp_path / "none.yaml")
    assert (code, "is not there" in err) == (2, True)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    code, _, err = said(capsys, "--template", binary)
    assert (code, "is no text" in err) == (2, True)


def test_an_endpoint_is_chosen_by_name(guide: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--template", guide, "--endpoint", "churn")[0] == 0
    code, _, err = said(capsys, "--template", guide, "--endpoint", "chrun")
    assert code == 2
    assert err == "nothing is called 'chrun'. There is: churn\n"


def test_a_parameter_is_given_by_name(guide: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--template", guide, "--parameter", "Name=shop")[1].startswith("shop: ")
    code, _, err = said(capsys, "--template", guide, "--parameter", "Naem=shop")
    assert (code, err) == (2, "no template has a parameter Naem\n")


def test_what_is_usual_can_be_said(guide: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(
        capsys,
        *("--template", guide, "--requests", "600", "--latency", "2ms", "--latency-p99", "4ms", "--watch", "10m"),
        *("--provision", "20m", "--slower", "20", "--failing", "50%", "--crashing", "5%", "--json", "-"),
    )
    found = json.loads(out)
    assert found["assumptions"]["requests"] == 600
    assert found["assumptions"]["latency"] == {"median": 0.002, "p99": 0.004}
    healthy = found["targets"][0]["rehearsals"][0]
    assert healthy["verdict"] == "fine"
    assert healthy["watched_minutes"] == 45
    whats = " ".join(one["what"] for one in found["targets"][0]["rehearsals"])
    assert "20 times as long" in whats
    assert "50 % of requests" in whats
    assert "fails on 5 % of requests" in whats


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--requests", "0"], "write a number above 0"),
        (["--latency", "1s", "--latency-p99", "1s"], "write a median above 0 and a larger 99th percentile"),
        (["--slower", "1"], "write more than 1"),
        (["--failing", "150%"], "at most 1"),
    ],
)
def test_an_assumption_that_is_none_is_refused(
    args: list[str], message: str, guide: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = said(capsys, "--template", guide, *args)
    assert code == 2
    assert message in err


@pytest.mark.parametrize(
    "args",
    [
        ["--latency", "5"],
        ["--failing", "0.3"],
        ["--parameter", "Name"],
        ["--fault", "x"],
        ["--all", "--fault", "crash"],
    ],
)
def test_arguments_that_mean_nothing_are_refused(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["rehearse", *args])
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_without_a_template_the_environment_is_synthesized(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def synthesized(root: Path, environment: str, config: Path, source: str) -> object:
        asked.append((environment, config, source))
        assert root == Path.cwd()
        return assembly(GUIDES)

    monkeypatch.setattr(command, "synthesized", synthesized)
    assert said(capsys, "--env", "prod", "--fault", "crash")[0] == 0
    assert asked == [("prod", Path("config"), "config (prod)")]


def test_the_faults_of_the_help_are_those_there_are() -> None:
    assert tuple(fault.name for fault in matrix()) == arguments.FAULTS


def test_every_code_of_a_gap_is_described() -> None:
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "slipway" / "rehearsal").glob("*.py"))
    codes = set(re.findall(r"Finding\(\s*\"([a-z-]+)\"", sources)) | set(arguments.FAULTS)
    assert len(codes) > 30
    page = (ROOT / "docs" / "rehearse.md").read_text(encoding="utf-8")
    assert [code for code in sorted(codes) if f"`{code}`" not in page] == []


def test_nothing_of_the_cdk_or_of_aws_is_imported() -> None:
    check = "import sys, slipway.rehearsal.command; print(*{'aws_cdk', 'boto3', 'botocore', 'moto'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""
