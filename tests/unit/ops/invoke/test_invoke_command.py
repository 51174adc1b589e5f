"""`slipway invoke`: where its body comes from, what it prints, and its exit codes."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from slipway.cli import main
from slipway.ops import target as targets
from slipway.ops.target import Target

Run = Callable[..., int]
IRIS = "rc-weighted-variants-dev-iris-ep"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Stubber]:
    """Clients without a network, by service; each stub is to be told what is asked and answered."""
    made: dict[str, Any] = {
        name: boto3.Session().client(name, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        for name in ("s3", "sagemaker-runtime")
    }
    monkeypatch.setattr(targets, "choose", lambda *_, **__: Target("aws", "111122223333", "eu-west-1", {}, "here"))
    monkeypatch.setattr(Target, "client", lambda _, service: made[service])
    stubs = {name: Stubber(client) for name, client in made.items()}
    for stub in stubs.values():
        stub.activate()
    return stubs


@pytest.fixture
def run(root: Path) -> Run:
    """Runs the command on an example."""

    def invoke(example: str, *arguments: str) -> int:
        try:
            return main(["invoke", *arguments, "--config", str(root / "examples" / "configs" / example)])
        except SystemExit as ended:
            return int(ended.code or 0)

    return invoke


def answering(stub: Stubber, body: bytes = b"yes", variant: str = "current", **sent: Any) -> None:
    answer = {"Body": StreamingBody(io.BytesIO(body), len(body)), "InvokedProductionVariant": variant}
    stub.add_response("invoke_endpoint", answer, {"EndpointName": IRIS, **sent} if sent else None)


def test_a_file_is_sent_with_the_type_that_its_name_says(
    answers: dict[str, Stubber], run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "flowers.csv"
    file.write_bytes(b"5.1,3.5,1.4,0.2\n")
    sent: dict[str, Any] = {"Body": b"5.1,3.5,1.4,0.2\n", "ContentType": "text/csv", "Accept": "text/csv"}
    answering(answers["sagemaker-runtime"], b"setosa", **sent)
    assert run("weighted-variants", "iris", "--file", str(file), "--accept", "text/csv") == 0
    captured = capfd.readouterr()
    assert captured.out == "setosa"
    assert captured.err == "here\nanswered by current\n"


def test_a_type_that_is_said_wins(answers: dict[str, Stubber], run: Run, tmp_path: Path) -> None:
    file = tmp_path / "flowers.dat"
    file.write_bytes(b"1")
    answering(answers["sagemaker-runtime"], Body=b"1", ContentType="text/csv")
    assert run("weighted-variants", "iris", "--file", str(file), "--content-type", "text/csv") == 0


@pytest.mark.parametrize("arguments", [["-"], ["--file", "-"]])
def test_standard_input_is_a_body(
    answers: dict[str, Stubber], run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"[1]")))
    answering(answers["sagemaker-runtime"], Body=b"[1]", ContentType="application/json")
    assert run("weighted-variants", "iris", *arguments) == 0


def test_programs_get_the_answer_with_what_is_known_of_it(
    answers: dict[str, Stubber], run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    answering(answers["sagemaker-runtime"], b"yes")
    answering(answers["sagemaker-runtime"], b"\xff\x00")
    assert run("weighted-variants", "iris", "[1]", "--json") == 0
    found = json.loads(capfd.readouterr().out)
    assert found.pop("seconds") > 0
    assert found == {"variant": "current", "body": "yes"}
    assert run("weighted-variants", "iris", "[1]", "--json") == 0
    assert json.loads(capfd.readouterr().out)["base64"] == "/wA="


def test_many_requests_are_summed_up_and_a_failed_one_is_the_exit_code(
    answers: dict[str, Stubber], run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    runtime = answers["sagemaker-runtime"]
    for variant in ("current", "current", "challenger"):
        answering(runtime, variant=variant)
    assert run("weighted-variants", "iris", "--count", "3") == 0
    printed = capfd.readouterr().out
    assert printed.startswith("3 requests in 0.0 s: 3 answered\n\n")
    rows = [line.split()[:3] for line in printed.splitlines()[4:]]
    assert rows == [["challenger", "1", "33.3%"], ["current", "2", "66.7%"]]

    answering(runtime)
    runtime.add_client_error("invoke_endpoint", "ServiceUnavailable", "Later.")
    assert run("weighted-variants", "iris", "--count", "2") == 1
    assert "1 × SageMaker could not answer" in capfd.readouterr().out


def test_what_came_before_it_broke_off_is_summed_up(
    answers: dict[str, Stubber], run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    answering(answers["sagemaker-runtime"])
    words = f"Endpoint {IRIS} of account 111122223333 not found."
    answers["sagemaker-runtime"].add_client_error("invoke_endpoint", "ValidationError", words)
    assert run("weighted-variants", "iris", "--count", "9", "--json") == 1
    captured = capfd.readouterr()
    found = json.loads(captured.out)
    assert (found["requests"], found["variants"]["current"]["answers"]) == (1, 1)
    assert captured.err.splitlines()[-1] == f"there is no endpoint {IRIS}: `slipway deploy` makes it"


@pytest.fixture
def accepted(answers: dict[str, Stubber]) -> dict[str, Stubber]:
    """An asynchronous endpoint has accepted a request."""
    answers["s3"].add_response("put_object", {})
    where = {"OutputLocation": "s3://b/out/1.out", "FailureLocation": "s3://b/failed/1.out"}
    answers["sagemaker-runtime"].add_response("invoke_endpoint_async", where)
    return answers


@pytest.mark.usefixtures("accepted")
def test_who_does_not_wait_is_told_where_the_answer_will_be(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("asynchronous", "prices", "--no-wait") == 0
    assert capfd.readouterr().out == "s3://b/out/1.out\n"


def test_who_waits_is_told_as_well_before_the_answer_comes(
    accepted: dict[str, Stubber], run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    accepted["s3"].add_response("get_object", {"Body": StreamingBody(io.BytesIO(b"yes"), 3)})
    assert run("asynchronous", "prices") == 0
    captured = capfd.readouterr()
    assert captured.out == "yes"
    where = "s3://b/out/1.out, or in s3://b/failed/1.out if it fails"
    assert captured.err == f"here\nqueued: the answer will be in {where}\n"


def test_an_answer_that_does_not_come_in_time_is_no_failure_but_a_timeout(
    accepted: dict[str, Stubber], run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        accepted["s3"].add_client_error("get_object", "NoSuchKey")
    assert run("asynchronous", "prices", "--timeout", "0s") == 4
    assert "no answer within 0 s" in capfd.readouterr().err


def test_breaking_off_the_wait_leaves_it_known_where_the_answer_will_be(
    accepted: dict[str, Stubber], run: Run, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    for _ in range(2):
        accepted["s3"].add_client_error("get_object", "NoSuchKey")
    assert run("asynchronous", "prices") == 130
    assert "the answer will be in s3://b/out/1.out" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("example", "arguments", "message"),
    [
        ("weighted-variants", ["iris", "--no-wait"], "iris: --no-wait is for asynchronous endpoints: leave it out"),
        ("weighted-variants", ["iris", "--timeout", "9s"], "iris: --timeout is for asynchronous endpoints: leave it"),
        ("asynchronous", ["prices", "--count", "2"], "prices: --count is for endpoints that answer at once: leave it"),
        ("weighted-variants", ["iris", "--count", "0"], "'0' is no count: write 1 to 100000"),
        ("weighted-variants", ["iris", "[1]", "--file", "x"], "argument --file: not allowed with argument body"),
        ("weighted-variants", ["iris", "--file", "none.csv"], "cannot read none.csv: No such file or directory"),
    ],
)
def test_wrong_usage_says_what_to_write(
    run: Run, capfd: pytest.CaptureFixture[str], example: str, arguments: list[str], message: str
) -> None:
    assert run(example, *arguments) == 2
    assert message in capfd.readouterr().err
