"""Training any tabular example: the same bytes each time, small, without a pickle, and ready to publish."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from slipway.ops.publish.package import package

MODELS = Path(__file__).parents[3] / "examples/models"
TABULAR = ("prices", "scaling", "fraud", "demand")

Load = Callable[[str], ModuleType]
Trained = Callable[[str], Path]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", TABULAR)
def test_a_second_training_by_the_command_that_deploy_runs_gives_the_same_bytes(
    trained: Trained, name: str, tmp_path: Path
) -> None:
    command = [sys.executable, str(MODELS / name / "train.py"), "--version", "1", "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONDONTWRITEBYTECODE": "1", "TZ": "Asia/Tokyo"}
    subprocess.run(command, check=True, cwd="/", env=environment)
    assert contents(tmp_path) == contents(trained(name))


@pytest.mark.parametrize("name", ["prices", "scaling", "fraud"])
def test_the_folder_holds_the_parameters_and_the_code_and_no_pickle(trained: Trained, name: str) -> None:
    assert contents(trained(name)).keys() == {"model.json", "code/inference.py", "code/tabular.py"}


@pytest.mark.parametrize("name", TABULAR)
def test_the_code_in_the_folder_is_the_code_in_the_repository(trained: Trained, name: str) -> None:
    sources = {"inference.py": MODELS / name / "inference.py", "tabular.py": MODELS / "tabular.py"}
    copies = list(trained(name).rglob("*.py"))
    assert {path.name for path in copies} == sources.keys()
    for copy in copies:
        assert copy.read_text() == sources[copy.name].read_text()


@pytest.mark.parametrize("name", ["prices", "scaling", "fraud"])
def test_an_archive_is_a_few_kilobytes(trained: Trained, name: str) -> None:
    with package(trained(name)) as packed:
        assert 1_000 < packed.size < 10_000


@pytest.mark.parametrize("name", TABULAR)
def test_the_printed_summary_names_version_and_quality(
    load: Load, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(f"{name}.train").main(["--version", "1", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    quality = {
        "prices": "cross-validated R² of the price: 0.8",
        "scaling": "held-out payments: 4.2% of the values were missing",
        "fraud": "held-out payments: ROC AUC 0.9",
        "demand": "store-3 version 1: By the sea: sells by the weather. R² of the last half year: 0.9",
    }
    assert "version 1" in printed
    assert quality[name] in printed
    assert printed.endswith(f"written to {tmp_path}\n")


@pytest.mark.parametrize("name", TABULAR)
def test_without_out_the_folder_is_build_beside_the_script(
    load: Load, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = load(f"{name}.train")
    (tmp_path / "inference.py").write_bytes((MODELS / name / "inference.py").read_bytes())
    monkeypatch.setattr(train, "HERE", tmp_path)
    train.main([])
    assert list((tmp_path / "build/v1").rglob("model.json"))


@pytest.mark.parametrize("name", TABULAR)
def test_an_unknown_version_is_a_usage_error(load: Load, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        load(f"{name}.train").main(["--version", "9"])
    assert "invalid choice: 9" in capsys.readouterr().err


@pytest.mark.parametrize("name", TABULAR)
def test_each_column_s_example_is_in_its_range_and_the_range_is_one(trained: Trained, name: str) -> None:
    for path in trained(name).rglob("model.json"):
        for column in json.loads(path.read_text())["columns"]:
            assert column["minimum"] < column["maximum"]
            assert column["minimum"] <= column["example"] <= column["maximum"]


@pytest.mark.parametrize("source", [*(f"{name}/inference.py" for name in TABULAR), "tabular.py"])
def test_what_is_served_is_python_3_9_and_needs_numpy_at_most(source: str) -> None:
    tree = ast.parse((MODELS / source).read_text(), feature_version=(3, 9))
    modules = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    needed = {module.split(".")[0] for module in modules} - sys.stdlib_module_names
    assert needed <= {"numpy", "tabular", "sagemaker_containers", "sagemaker_inference"}


@pytest.mark.parametrize(
    ("value", "digits", "stored"), [(1 / 3, 9, 0.333333333), (123456789.123, 9, 123456789.0), (-2e-17, 2, -2e-17)]
)
def test_decimals_keep_so_many_significant_digits(load: Load, value: float, digits: int, stored: float) -> None:
    assert load("artifact").decimals([value], digits) == [stored]
