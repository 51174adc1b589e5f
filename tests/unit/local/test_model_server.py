"""The model server's contract, and unpacking artifacts."""

import io
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.local.artifact import Artifact, unpack
from slipway.local.model_server import ModelServerError, Request, Response, Served
from slipway.local.runtime import Fleet

MODEL = "class M:\n    def predict(self, x): return x\ndef model_fn(d): return M()\n"


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    made = Fleet()
    yield made
    made.stop()


def ask(
    fleet: Fleet,
    code: str,
    body: bytes = b"[1]",
    content_type: str = "application/json",
    accept: str = "",
    program: str = "code/inference.py",
    **environment: str,
) -> Response:
    files = {program: code.encode()}
    artifact = Artifact(code + program, lambda: files)
    served = Served("m", artifact, environment)
    return fleet.invoke(("a",), served, lambda _: None, Request(body, content_type, accept))


def failure(fleet: Fleet, code: str, content_type: str = "application/json", accept: str = "") -> ModelServerError:
    with pytest.raises(ModelServerError) as caught:
        ask(fleet, code, content_type=content_type, accept=accept)
    return caught.value


@pytest.mark.parametrize(
    ("content_type", "accept", "body", "expected"),
    [
        ("application/json", "application/json", b"[[1, 2]]", [[1.0, 2.0]]),
        ("text/csv", "application/json", b"1,2\n3,4\n", [[1.0, 2.0], [3.0, 4.0]]),
        ("text/csv", "*/*", b"1,2", [[1.0, 2.0]]),
    ],
)
def test_default_handlers(
    fleet: Fleet, content_type: str, accept: str, body: bytes, expected: list[list[float]]
) -> None:
    answer = ask(fleet, MODEL, body, content_type, accept)
    assert (json.loads(answer.body), answer.content_type) == (expected, "application/json")


def test_answers_as_csv(fleet: Fleet) -> None:
    answer = ask(fleet, MODEL, b"[[1, 2], [3, 4]]", accept="text/csv")
    assert (answer.body, answer.content_type) == (b"1.0,2.0\n3.0,4.0", "text/csv")


def test_the_default_answer_may_be_set(fleet: Fleet) -> None:
    answer = ask(fleet, MODEL, b"[[1]]", SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="text/csv")
    assert answer.content_type == "text/csv"


def test_transform_fn_takes_the_place_of_the_others(fleet: Fleet) -> None:
    code = "def model_fn(d): return 'm'\n"
    code += "def transform_fn(m, body, ct, accept): return m + body + ct + accept, 'text/x'\n"
    answer = ask(fleet, code, b"body", "text/csv", "text/plain")
    assert (answer.body, answer.content_type) == (b"mbodytext/csvtext/plain", "text/x")


def test_text_comes_as_text_and_the_rest_as_bytes(fleet: Fleet) -> None:
    code = MODEL + "def input_fn(b, ct): return type(b).__name__\n"
    for content_type, kind in (("text/csv", "str"), ("application/octet-stream", "bytes")):
        answer = ask(fleet, code, b"\xff" if kind == "bytes" else b"1", content_type)
        assert json.loads(answer.body) == kind


def test_handlers_may_take_a_context(fleet: Fleet) -> None:
    code = "def model_fn(d, context): return 1\n"
    code += "def input_fn(b, ct, context): return b\n"
    code += "def predict_fn(x, m, context): return context\n"
    assert ask(fleet, code).body == b"null"


def test_another_program_may_be_named(fleet: Fleet) -> None:
    answer = ask(fleet, MODEL, b"[[1]]", program="code/serve.py", SAGEMAKER_PROGRAM="serve.py")
    assert json.loads(answer.body) == [[1.0]]


@pytest.mark.parametrize(
    ("code", "asked", "status", "message"),
    [
        (MODEL, {"content_type": "image/png"}, 415, "Content type image/png is not supported"),
        (MODEL, {"accept": "image/png"}, 406, "Content type image/png is not supported"),
        (MODEL + "def predict_fn(x, m): raise KeyError('k')", {}, 500, "'k'"),
        (MODEL + "def output_fn(p, a): return {'a': 1}", {}, 500, "The response is a dict"),
        ("x = 1", {}, 500, "Please provide a model_fn"),
        (
            MODEL + "def transform_fn(m, b, c, a): pass\ndef input_fn(b, c): pass",
            {},
            500,
            "transform_fn",
        ),
        ("def model_fn(d): raise OSError('no weights')", {}, 500, "OSError: no weights"),
        ("syntax error", {}, 500, "SyntaxError"),
    ],
)
def test_failures_have_the_containers_status(
    fleet: Fleet, code: str, asked: dict[str, str], status: int, message: str
) -> None:
    error = failure(fleet, code, **asked)
    assert error.status == status
    assert message in error.message


def test_a_model_that_does_not_answer_in_time_is_ended(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.local.model_server.INVOCATION_SECONDS", 0.2)
    error = failure(fleet, MODEL + "import time\ndef predict_fn(x, m): time.sleep(30)")
    assert error.status == 0
    assert "timed out" in error.message
    assert fleet.servers() == {}


def test_what_a_model_prints_does_not_reach_its_answers(fleet: Fleet) -> None:
    lines: list[str] = []
    code = MODEL + "import os\ndef predict_fn(x, m):\n    print('hello'); os.write(1, b'raw\\n')\n"
    code += "    return 1\n"
    served = Served("m", Artifact("1", lambda: {"inference.py": code.encode()}), {})
    for _ in range(3):
        asked = Request(b"[1]", "application/json")
        assert fleet.invoke(("a",), served, lines.append, asked).body == b"1"
    fleet.stop()
    assert {"hello", "raw"} <= set(lines)


def test_a_server_is_asked_for_what_it_uses(fleet: Fleet) -> None:
    ask(fleet, MODEL + "sum(range(3_000_000))\n")
    (server,) = fleet.servers().values()
    usage = server.usage()
    if sys.platform == "linux":
        assert usage is not None
        assert 0 < usage.memory < 100
        assert usage.cpu_seconds > 0
    else:
        assert usage is None


def test_a_retired_slot_has_no_process(fleet: Fleet) -> None:
    ask(fleet, MODEL)
    fleet.retire(("b",))
    assert len(fleet.servers()) == 1
    fleet.retire(("a",))
    assert fleet.servers() == {}


def packed(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["../outside", "a/../../outside"])
def test_an_artifact_cannot_write_outside_its_folder(tmp_path: Path, name: str) -> None:
    target = tmp_path / "model"
    target.mkdir()
    with pytest.raises(tarfile.TarError):
        unpack(packed(name), target)
    with pytest.raises(ValueError, match="outside the model's folder"):
        unpack({name: b"x"}, target)
    assert not (tmp_path / "outside").exists()


def test_a_damaged_artifact_is_said_to_be_one(fleet: Fleet) -> None:
    served = Served("m", Artifact("damaged", lambda: b"not a tar"), {})
    with pytest.raises(ModelServerError, match="artifact cannot be unpacked"):
        fleet.invoke(("a",), served, lambda _: None, Request(b"", "application/json"))


def test_a_handler_may_answer_with_a_status_as_in_the_framework_containers(fleet: Fleet) -> None:
    code = (
        MODEL + "from sagemaker_containers.beta.framework import worker\n"
        "def output_fn(p, accept):\n"
        '    return worker.Response(response=\'{"error": "no"}\', status=400, mimetype=accept)\n'
    )
    error = failure(fleet, code)
    assert (error.status, error.message) == (400, '{"error": "no"}')


def test_an_answer_of_the_containers_own_kind_that_is_fine_is_passed_on(fleet: Fleet) -> None:
    code = (
        MODEL + "from sagemaker_containers.beta.framework import worker\n"
        "def output_fn(p, accept): return worker.Response(response='fine', mimetype='text/plain')\n"
    )
    answer = ask(fleet, code)
    assert (answer.body, answer.content_type) == (b"fine", "text/plain")
