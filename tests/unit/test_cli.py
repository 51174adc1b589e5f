from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from slipway.cli import main

COMMANDS = [
    ["config", "check"],
    ["config", "show"],
    ["config", "schema"],
    ["config", "images"],
    ["local", "start"],
    ["local", "stop"],
    ["local", "status"],
    ["local", "env"],
    ["publish"],
    ["deploy"],
    ["diff"],
    ["status"],
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


def test_a_folder_that_is_not_there_is_wrong_usage(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["config", "show", "--config", str(tmp_path / "none")]) == 2
    assert "is no folder" in capsys.readouterr().err


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
