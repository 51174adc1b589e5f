"""`slipway local`: its server, its clock and its faults, from the command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.cli import main
from slipway.local import control, steering


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose local AWS runs."""
    folder = tmp_path_factory.mktemp("commands")
    control.start(folder / ".slipway", port=0)
    yield folder
    control.stop(folder / ".slipway")


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Be there; the URL of the local AWS."""
    monkeypatch.chdir(folder)
    running = control.status()
    assert running is not None
    yield running.url
    steering.reset_clock(running.url)
    steering.clear_faults(running.url)


def test_the_clock_is_read_moved_sped_up_and_reset(here: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local", "clock"]) == 0
    assert capsys.readouterr().out.endswith(" UTC, the real time\n")
    assert main(["local", "clock", "--advance", "8d1h"]) == 0
    assert " UTC, 8d1h ahead of the real time, running as fast as it\n" in capsys.readouterr().out
    assert main(["local", "clock", "--speed", "60", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["speed"], found["ahead_seconds"] >= 694_800) == (60, True)
    assert main(["local", "status"]) == 0
    assert capsys.readouterr().out.endswith("running 60 times as fast\n")
    assert main(["local", "clock", "--reset"]) == 0
    assert steering.clock(here).real
    capsys.readouterr()
    assert main(["local", "status"]) == 0
    assert "clock" not in capsys.readouterr().out


def test_starting_sets_the_speed_of_what_runs(here: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local", "start", "--speed", "30"]) == 0
    assert here in capsys.readouterr().out
    assert steering.clock(here).speed == 30


@pytest.mark.parametrize("speed", ["0", "3601", "fast", "nan"])
@pytest.mark.usefixtures("here")
def test_a_speed_that_is_none_is_wrong_usage(capsys: pytest.CaptureFixture[str], speed: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["local", "clock", "--speed", speed])
    assert ended.value.code == 2
    assert "runs 1 to 3600 times as fast" in (said := capsys.readouterr().err) or f"{speed!r} is no number" in said


def test_a_schedule_that_is_not_there_does_not_fire(here: str, capsys: pytest.CaptureFixture[str], root: Path) -> None:
    assert main(["local", "fire", "daily", "--group", "none", "--config", str(root / "config")]) == 1
    captured = capsys.readouterr()
    assert here in captured.out
    assert "There is no schedule none/daily" in captured.err


def test_faults_are_given_listed_and_cleared(here: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local", "fault", "throttle", "sagemaker:UpdateEndpoint", "--times", "3"]) == 0
    [first] = steering.faults(here)
    assert capsys.readouterr().out == f"{first.id}  throttle    sagemaker:UpdateEndpoint, the next 3 calls\n"
    assert main(["local", "fault", "disconnect", "s3", "--times", "1", "--for", "10m"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith("every call of s3, the next call, for 10m")
    assert main(["local", "fault", "clear", str(first.id)]) == 0
    assert main(["local", "fault", "expire", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(one["kind"], one["service"], one["times_left"]) for one in listed] == [
        ("disconnect", "s3", 1),
        ("expire", None, None),
    ]
    assert main(["local", "fault", "clear"]) == 0
    assert capsys.readouterr().out == "cleared 2\n"
    assert main(["local", "fault", "list"]) == 0
    assert capsys.readouterr().out == "no call fails\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["deny", "sagemakr"], 1, "did you mean sagemaker?"),
        (["clear", "x"], 2, "'x' is no id"),
        (["clear", "99"], 1, "There is no fault 99; there is none."),
        (["list", "sagemaker"], 2, "list shows all faults: leave sagemaker out"),
        (["clear", "--times", "1"], 2, "clear takes neither --times nor --for"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_makes_no_sense_is_said(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    assert main(["local", "fault", *arguments]) == code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", [["clock"], ["fault", "list"], ["status"]], ids=" ".join)
def test_without_a_local_aws_the_commands_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["local", *command]) == 1
    captured = capsys.readouterr()
    assert "no local AWS runs here" in captured.out + captured.err
