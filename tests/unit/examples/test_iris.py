"""The iris example: training is reproducible, and serving keeps the container's contract."""

from __future__ import annotations

import ast
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from slipway.ops.publish.package import package
from slipway.spec.lock import LOCK_PATH, artifact_key, read_lock

ROOT = Path(__file__).parents[3]
IRIS = ROOT / "examples/models/iris"

SETOSA, VERSICOLOR, VIRGINICA = [5.1, 3.5, 1.4, 0.2], [6.0, 2.7, 4.2, 1.3], [6.3, 3.3, 6.0, 2.5]
JSON, CSV = "application/json", "text/csv"


def load(path: Path, name: str) -> Any:
    """Import a file by its path, as the examples are no package."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def train() -> Any:
    return load(IRIS / "train.py", "iris_train")


@pytest.fixture(scope="module")
def folders(train: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    made = {}
    for version in train.RECIPES:
        made[version] = tmp_path_factory.mktemp(f"v{version}")
        train.main(["--version", str(version), "--out", str(made[version])])
    return made


@pytest.fixture(scope="module")
def inference(folders: dict[int, Path]) -> Any:
    return load(folders[1] / "code/inference.py", "iris_inference")


@pytest.fixture(scope="module")
def model(inference: Any, folders: dict[int, Path]) -> Any:
    return inference.model_fn(str(folders[1]))


def answer(inference: Any, model: Any, body: bytes | str, content_type: str | None) -> Any:
    rows = inference.input_fn(body, content_type)
    text, media_type = inference.output_fn(inference.predict_fn(rows, model), JSON)
    assert media_type == JSON
    return json.loads(text)


def species(inference: Any, model: Any, body: bytes | str, content_type: str | None) -> list[str]:
    predictions = answer(inference, model, body, content_type)["predictions"]
    return [prediction["species"] for prediction in predictions]


# Training


def test_training_gives_the_bytes_that_the_lock_file_records(
    folders: dict[int, Path],
) -> None:
    recorded = read_lock(ROOT / LOCK_PATH)
    trained = {}
    for version, folder in folders.items():
        with package(folder) as packed:
            trained[artifact_key("iris", version)] = packed.sha256
    assert trained == {key: sha256 for key, sha256 in recorded.items() if "/iris/" in key}, (
        "train.py or inference.py changed what a published version holds: give the change a version"
    )


@pytest.mark.parametrize(("version", "accuracy"), [(1, 0.9533), (2, 0.96)])
def test_the_cross_validated_accuracy_is_printed(
    train: Any, version: int, accuracy: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.train(version).accuracy == pytest.approx(accuracy, abs=0.0001)
    train.main(["--version", str(version), "--out", str(tmp_path)])
    assert f"cross-validated accuracy: {accuracy:.1%}\n" in capsys.readouterr().out


def test_the_folder_holds_the_parameters_and_the_code_and_no_pickle(
    folders: dict[int, Path],
) -> None:
    for folder in folders.values():
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert {path.relative_to(folder).as_posix() for path in files} == {
            "model.json",
            "code/inference.py",
        }


def test_versions_look_at_different_measurements(folders: dict[int, Path]) -> None:
    features = {v: json.loads((f / "model.json").read_text())["features"] for v, f in folders.items()}
    assert len(features[1]) == 4
    assert features[2] == ["petal length (cm)", "petal width (cm)"]


def test_an_unknown_version_is_a_usage_error(train: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        train.main(["--version", "9"])
    assert "invalid choice: 9" in capsys.readouterr().err


# Serving


def test_the_code_is_python_3_9() -> None:
    source = (IRIS / "inference.py").read_text()
    tree = ast.parse(source, feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - sys.stdlib_module_names == {"numpy", "sklearn", "sagemaker_containers"}


def test_the_rebuilt_classifier_agrees_with_a_freshly_trained_one(inference: Any, folders: dict[int, Path]) -> None:
    from sklearn.datasets import load_iris
    from sklearn.naive_bayes import GaussianNB

    iris = load_iris()
    for folder, columns in ((folders[1], [0, 1, 2, 3]), (folders[2], [2, 3])):
        fresh = GaussianNB().fit(iris.data[:, columns], iris.target)
        served = inference.predict_fn(iris.data, inference.model_fn(str(folder)))["predictions"]
        assert [p["species"] for p in served] == [
            str(name) for name in iris.target_names[fresh.predict(iris.data[:, columns])]
        ]
        assert [p["probability"] for p in served] == pytest.approx(
            fresh.predict_proba(iris.data[:, columns]).max(axis=1), abs=2e-6
        )


def test_the_answer_names_model_version_species_and_probability(inference: Any, model: Any) -> None:
    assert answer(inference, model, json.dumps(VERSICOLOR), JSON) == {
        "model": "iris",
        "version": 1,
        "predictions": [{"species": "versicolor", "probability": pytest.approx(0.9999, abs=1e-3)}],
    }


def test_an_update_shows_in_the_answer_to_the_same_request(inference: Any, folders: dict[int, Path]) -> None:
    answers = [
        answer(inference, inference.model_fn(str(folder)), json.dumps([6.0, 3.0, 5.0, 1.8]), JSON)
        for folder in folders.values()
    ]
    assert [a["version"] for a in answers] == [1, 2]
    first, second = (a["predictions"][0]["probability"] for a in answers)
    assert first != second


ONE, TWO = ["setosa"], ["setosa", "virginica"]


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        ("[5.1, 3.5, 1.4, 0.2]", JSON, ONE),
        (b"[5.1, 3.5, 1.4, 0.2]", JSON, ONE),
        (b"\xef\xbb\xbf[5.1, 3.5, 1.4, 0.2]", JSON, ONE),
        ("[5, 3, 1, 0]", JSON, ONE),
        ("[[5.1, 3.5, 1.4, 0.2]]", JSON, ONE),
        ("[[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]", JSON, TWO),
        ('{"instances": [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]}', JSON, TWO),
        ('{"instances": [5.1, 3.5, 1.4, 0.2]}', JSON, ONE),
        ("[5.1, 3.5, 1.4, 0.2]", "Application/JSON; charset=utf-8", ONE),
        ("[5.1, 3.5, 1.4, 0.2]", None, ONE),
        ("[5.1, 3.5, 1.4, 0.2]", "", ONE),
        ("5.1,3.5,1.4,0.2", CSV, ONE),
        (b"5.1,3.5,1.4,0.2\n", CSV, ONE),
        (b"\xef\xbb\xbf5.1,3.5,1.4,0.2\r\n6.3,3.3,6.0,2.5\r\n", CSV, TWO),
        ("5.1, 3.5, 1.4, 0.2\n6.3,3.3,6,2.5", CSV, TWO),
        ('"5.1","3.5","1.4","0.2"', "text/csv; header=absent", ONE),
    ],
)
def test_what_is_accepted(
    inference: Any, model: Any, body: bytes | str, content_type: str | None, expected: list[str]
) -> None:
    assert species(inference, model, body, content_type) == expected


FOUR = r"send 4 \(sepal length \(cm\), sepal width \(cm\), petal length \(cm\), petal width \(cm\)\)"

REFUSED = [
    (b"", JSON, 400, "the body is empty: send at least one row"),
    (" \n", CSV, 400, "the body is empty"),
    ("[]", JSON, 400, "there are no rows: send at least one"),
    ('{"instances": []}', JSON, 400, "there are no rows"),
    ("[[]]", JSON, 400, f"row 1 has 0 features: {FOUR}"),
    ("[1, 2, 3]", JSON, 400, f"row 1 has 3 features: {FOUR}"),
    ("[[1, 2, 3, 4], [1, 2, 3, 4, 5]]", JSON, 400, "row 2 has 5 features"),
    ("[[1, 2, 3, 4], 5]", JSON, 400, r"row 2 is 5, not a list of numbers: send \[5.1"),
    ('[1, 2, 3, "4"]', JSON, 400, r'row 1, petal width \(cm\): "4" is not a number'),
    ("[1, 2, null, 4]", JSON, 400, r"petal length \(cm\): null is not a number"),
    ("[true, 2, 3, 4]", JSON, 400, "sepal length .*: true is not a number"),
    ("[1, {}, 3, 4]", JSON, 400, r"sepal width .*: \{\} is not a number"),
    ("[NaN, 2, 3, 4]", JSON, 400, "row 1, sepal length .*: NaN is not finite"),
    ("[1, -Infinity, 3, 4]", JSON, 400, "sepal width .*: -Infinity is not finite"),
    ("[1, 2, 1e999, 4]", JSON, 400, "petal length .*: Infinity is not finite"),
    (f"[1, 2, 3, {'9' * 400}]", JSON, 400, r"petal width .*: 9+… is not finite"),
    ('{"rows": [[1, 2, 3, 4]]}', JSON, 400, r'one key, instances, but has \["rows"\]: send'),
    ("{}", JSON, 400, r"one key, instances, but has \[\]"),
    ('{"instances": 5}', JSON, 400, r"5 is not a list of rows"),
    ("5.1", JSON, 400, "5.1 is not a list of rows"),
    ("5.1,3.5,1.4,0.2", JSON, 400, r"the body is not JSON \(.*\): send \[5.1"),
    ("[" * 100_000, JSON, 400, "the body is not JSON"),
    (b"[\xff]", JSON, 400, "byte 1 of the body is not UTF-8"),
    ("1,2,3", CSV, 400, "row 1 has 3 features"),
    ("1,2,3,4\n\n1,2,3,4", CSV, 400, "row 2 has 0 features"),
    ("1,2,3,4,", CSV, 400, "row 1 has 5 features"),
    ("1,2,3,", CSV, 400, r'row 1, petal width \(cm\): "" is not a number'),
    ("a,b,c,d\n1,2,3,4", CSV, 400, 'row 1, sepal length .*: "a" is not a number'),
    ("1,2,3,4\n1,nan,3,4", CSV, 400, r"row 2, sepal width \(cm\): NaN is not finite"),
    (f'"{"x" * 200_000}"', CSV, 400, "the body is not CSV .*: send 5.1,3.5,1.4,0.2"),
    ("x" * 60 + ",2,3,4", CSV, 400, r'"x{38}… is not a number'),
    ("<a/>", "application/xml", 415, '"application/xml" is not supported: send application/json'),
    (b"\x93NUMPY", "application/x-npy", 415, "is not supported: send application/json or text/csv"),
]


@pytest.mark.parametrize(("body", "content_type", "status", "message"), REFUSED)
def test_what_is_refused_and_what_to_send_instead(
    inference: Any, model: Any, body: bytes | str, content_type: str, status: int, message: str
) -> None:
    refused = inference.input_fn(body, content_type)
    with pytest.raises(inference.RequestError, match=message) as caught:
        inference.output_fn(inference.predict_fn(refused, model), JSON)
    assert caught.value.status_code == status


@pytest.mark.parametrize(
    "accept",
    [None, "", "*/*", "application/*", "text/html, application/json;q=0.9", "Application/JSON"],
)
def test_an_accept_that_takes_json_is_served(inference: Any, model: Any, accept: str | None) -> None:
    prediction = inference.predict_fn(inference.input_fn(json.dumps(SETOSA), JSON), model)
    assert json.loads(inference.output_fn(prediction, accept)[0])["predictions"]


def test_an_accept_that_does_not_take_json_is_refused(inference: Any, model: Any) -> None:
    prediction = inference.predict_fn(inference.input_fn(json.dumps(VIRGINICA), JSON), model)
    with pytest.raises(inference.RequestError, match='"text/csv" is not supported: accept') as caught:
        inference.output_fn(prediction, "text/csv")
    assert caught.value.status_code == 406


def test_in_the_container_a_wrong_request_is_answered_and_not_raised(
    inference: Any, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    framework = ModuleType("sagemaker_containers.beta.framework")
    framework.worker = SimpleNamespace(Response=SimpleNamespace)  # type: ignore[attr-defined]
    for name in ("sagemaker_containers", "sagemaker_containers.beta"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, framework.__name__, framework)
    refused = inference.predict_fn(inference.input_fn("[1, 2]", JSON), model)
    response = inference.output_fn(refused, JSON)
    assert (response.status, response.mimetype) == (400, JSON)
    assert json.loads(response.response)["error"].startswith("row 1 has 2 features: send 4")
