"""Starting and stopping the local AWS."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from slipway.local import control
from tests.local.conftest import LocalAws, archive


@pytest.fixture
def running(home: Path) -> Iterator[control.Running]:
    """A server of the test's own."""
    yield control.start(home, port=0)
    control.stop(home)


def ended(pid: int) -> bool:
    """Tell whether a process is gone, or goes within a moment: its threads may outlive its main one."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.waitpid(pid, os.WNOHANG)
            os.kill(pid, 0)
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_a_server_starts_once_answers_and_stops(home: Path, running: control.Running) -> None:
    assert running.url == f"http://127.0.0.1:{running.port}"
    assert control.status(home) == running
    assert control.start(home, port=0) == running
    assert control.stop(home)
    assert ended(running.pid)
    assert control.status(home) is None
    assert not control.stop(home)


def test_only_127_0_0_1_listens(local_aws: LocalAws) -> None:
    port = urlsplit(local_aws.url).port or 0
    found = {}
    for address in ("127.0.0.1", "127.0.0.2"):  # a server on all addresses would answer at both
        with socket.socket() as probe:
            probe.settimeout(2)
            found[address] = probe.connect_ex((address, port)) == 0
    assert found == {"127.0.0.1": True, "127.0.0.2": False}


def test_a_stale_state_file_is_no_obstacle(home: Path, running: control.Running) -> None:
    os.kill(running.pid, signal.SIGKILL)
    while not ended(running.pid):
        time.sleep(0.01)
    assert control.status(home) is None
    again = control.start(home, port=0)
    assert again.pid != running.pid
    assert control.status(home) == again


def test_a_process_of_somebody_else_is_left_alone(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        home.mkdir()
        state = {"pid": other.pid, "port": 1, "token": "x"}
        (home / "local.json").write_text(json.dumps(state))
        assert control.status(home) is None
        assert not control.stop(home)
        assert other.poll() is None
        other.kill()
    assert not (home / "local.json").exists()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"pid": "x"}'])
def test_a_damaged_state_file_counts_as_none(home: Path, content: str) -> None:
    home.mkdir()
    (home / "local.json").write_text(content)
    assert control.status(home) is None


def test_a_taken_port_is_named(home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(control.LocalAwsError, match=f"Port {port} .* another program"):
            control.start(home, port=port)


def test_a_port_taken_by_another_homes_server_is_told_apart(home: Path, local_aws: LocalAws) -> None:
    port = urlsplit(local_aws.url).port or 0
    with pytest.raises(control.LocalAwsError, match="the local AWS of another folder"):
        control.start(home, port=port)


def test_the_environment_leads_every_tool_to_the_local_account(local_aws: LocalAws) -> None:
    base = {
        "PATH": os.environ["PATH"],
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "token",
        "AWS_ENDPOINT_URL_STS": "https://sts.example.com",
    }
    removed = control.removed(base)
    assert removed == ["AWS_ENDPOINT_URL_STS", "AWS_PROFILE", "AWS_SESSION_TOKEN"]
    kept = {name: value for name, value in base.items() if name not in removed}
    environment = {**kept, **control.environment(local_aws.url, "123456789012", "eu-north-1")}
    script = (
        "import boto3; s = boto3.session.Session();"
        "print(s.client('sts').get_caller_identity()['Account'], s.region_name)"
    )
    found = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["123456789012", "eu-north-1"]


def test_an_account_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="twelve digits, not 'dev'"):
        control.environment("http://127.0.0.1:1", "dev", "eu-west-1")


def test_control_is_cheap_to_import() -> None:
    script = (
        "import sys, slipway.local.control;"
        "print([m for m in ('moto', 'boto3', 'botocore', 'cfnlint', 'yaml') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_model_servers_end_with_the_server(home: Path, running: control.Running) -> None:

    aws = LocalAws(running.url)
    code = "import os\ndef model_fn(d): return os.getpid()\n"
    code += "def input_fn(b, c): return b\ndef predict_fn(d, m): return m\n"
    s3, sagemaker = aws.client("s3", region="us-east-1"), aws.client("sagemaker")
    s3.create_bucket(Bucket="models")
    s3.put_object(Bucket="models", Key="m.tar.gz", Body=archive({"inference.py": code}))
    sagemaker.create_model(
        ModelName="m",
        ExecutionRoleArn="arn:aws:iam::111122223333:role/any",
        PrimaryContainer={"Image": "i", "ModelDataUrl": "s3://models/m.tar.gz"},
    )
    variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    runtime = aws.client("sagemaker-runtime")
    pid = int(runtime.invoke_endpoint(EndpointName="e", Body=b"x")["Body"].read())
    os.kill(pid, 0)
    control.stop(home)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_two_folders_have_a_local_aws_each_without_a_word(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = control.start(home, 0)
    monkeypatch.setattr(control, "DEFAULT_PORT", first.port)
    second = control.start(tmp_path / "second")
    try:
        assert second.port != first.port
        assert control.status(home) == first
    finally:
        control.stop(tmp_path / "second")
        control.stop(home)
