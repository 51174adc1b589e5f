from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from slipway.cli import main
from slipway.ops import target as targets
from slipway.ops.target import Target

COMMANDS = [
    ["config", "check"],
    ["config", "show"],
    ["config", "schema"],
    ["config", "images"],
    ["local", "start"],
    ["local", "stop"],
    ["local", "status"],
    ["local", "env"],
    ["local", "clock"],
    ["local", "fire"],
    ["local", "fault"],
    ["publish"],
    ["models", "list"],
    ["models", "add"],
    ["models", "remove"],
    ["promote"],
    ["preflight"],
    ["deploy"],
    ["diff"],
    ["plan"],
    ["prices", "refresh"],
    ["idle"],
    ["rollback"],
    ["shift"],
    ["scale"],
    ["recreate"],
    ["watch"],
    ["drill"],
    ["status"],
    ["metrics"],
    ["invoke"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_that_parses(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert "example:" in text
    assert f"slipway {' '.join(command)}" in text.split("example:")[1]


def test_help_is_there_without_loading_anything_heavy() -> None:
    code = (
        "import sys; from slipway.cli import _parser; _parser().format_help(); "
        "print([m for m in ('aws_cdk', 'boto3', 'botocore', 'moto', 'pydantic', 'rich', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_reader_that_has_seen_enough_ends_a_command_quietly() -> None:
    command = f"{sys.executable} -m slipway.cli config images | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "framework" in done.stdout


def test_the_package_never_imports_cdk() -> None:
    code = (
        "import pkgutil, importlib, sys, slipway\n"
        "for m in pkgutil.walk_packages(slipway.__path__, 'slipway.'):\n"
        "    if not m.name.startswith(('slipway.local', 'slipway.spec.data')): importlib.import_module(m.name)\n"
        "print('aws_cdk' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_wrong_environment_is_wrong_usage(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    assert main(["config", "show", "--env", "qa", "--config", str(root / "config")]) == 2
    err = capsys.readouterr().err
    assert "one of dev, test, staging, prod, not 'qa'" in err
    assert "there is dev, staging, prod" in err


@pytest.mark.parametrize("command", [["show"], ["check"], ["schema", "--write"]], ids=" ".join)
@pytest.mark.parametrize("what", ["missing", "a file"])
def test_a_config_that_is_no_folder_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: list[str], what: str
) -> None:
    path = tmp_path / "none"
    if what == "a file":
        path.write_text("", encoding="utf-8")
    assert main(["config", *command, "--config", str(path)]) == 2
    assert f"{path}: is no folder: run this where" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["70000", "65536", "-1", "http"])
def test_a_port_that_is_none_is_wrong_usage(capsys: pytest.CaptureFixture[str], port: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["local", "start", "--port", port])
    assert ended.value.code == 2
    assert f"{port!r} is no port: write 1 to 65535, or 0 for a free one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "other", "--version", "../x"], "version '../x' of model other: write 1 or more"),
        (["--model", "Iris", "--version", "1"], "model 'Iris': write lower-case letters"),
    ],
    ids=["version", "model"],
)
def test_a_name_or_version_that_is_none_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], root: Path, arguments: list[str], message: str
) -> None:
    assert main(["publish", str(root), *arguments, "--config", str(root / "config")]) == 2
    assert message in capsys.readouterr().err


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Stubber]:
    """Clients without a network, by service; each stub is to be told what is asked and answered."""
    names = ("s3", "sagemaker-runtime")
    clients: dict[str, Any] = {
        name: boto3.Session().client(  # type: ignore[call-overload]
            name, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        for name in names
    }
    monkeypatch.setattr(targets, "choose", lambda *_, **__: Target("aws", "111122223333", "eu-west-1", {}, "here"))
    monkeypatch.setattr(Target, "client", lambda _, service: clients[service])
    stubs = {name: Stubber(client) for name, client in clients.items()}
    for stub in stubs.values():
        stub.activate()
    return stubs


@pytest.mark.usefixtures("answers")
def test_publishing_a_missing_folder_to_an_undeclared_model_says_both(
    capsys: pytest.CaptureFixture[str], root: Path, tmp_path: Path
) -> None:
    command = ["publish", str(tmp_path / "none"), "--model", "irsi", "--version", "1"]
    assert main([*command, "--config", str(root / "config")]) == 2
    note, error = capsys.readouterr().err.splitlines()
    assert note == "note: no endpoint uses a model 'irsi', did you mean iris? There is: iris"
    assert "none does not exist" in error


def test_bytes_go_to_the_endpoint_and_come_back_as_they_are(
    answers: dict[str, Stubber],
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    root: Path,
) -> None:
    request, answer = b"\x93NUMPY\x01\x00\xff\r\n", b"\x89PNG\r\n\xff"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(request)))
    answers["sagemaker-runtime"].add_response(
        "invoke_endpoint",
        {"Body": StreamingBody(io.BytesIO(answer), len(answer))},
        {"EndpointName": "rc-project-a-dev-iris-ep", "Body": request, "ContentType": "application/x-npy"},
    )
    command = ["invoke", "iris", "-", "--content-type", "application/x-npy", "--config", str(root / "config")]
    assert main(command) == 0
    assert capfdbinary.readouterr().out == answer


def test_the_projects_own_configs_are_fine(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    assert main(["config", "check", "--config", str(root / "config")]) == 0
    captured = capsys.readouterr()
    assert captured.out == "dev: 1 endpoint, fine\nstaging: 1 endpoint, fine\nprod: 1 endpoint, fine\n"
    assert captured.err == ""


def test_an_endpoint_that_nobody_declared_is_named_with_the_nearest(
    capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    assert main(["invoke", "irsi", "--config", str(root / "config")]) == 2
    assert "did you mean iris?" in capsys.readouterr().err


def test_a_request_that_does_not_fit_the_endpoint_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    configs = root / "examples" / "configs"
    assert main(["invoke", "shared", "--config", str(configs / "inference-components")]) == 2
    assert capsys.readouterr().err == "shared: --component is missing: name one of iris, prices\n"
    assert main(["invoke", "demand", "[6, 0, 21]", "--config", str(configs / "multi-model")]) == 2
    assert "such as store-1/v1/model.tar.gz" in capsys.readouterr().err


def test_an_endpoint_without_a_sample_needs_a_body(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    assert main(["invoke", "captions", "--config", str(root / "examples/configs/vision-language")]) == 2
    assert "captions declares no `sample`: give a body, or - for standard input" in capsys.readouterr().err
