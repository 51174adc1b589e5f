"""A program that is run to its end gets the signals that come meanwhile, and time to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.ops.deploy.child import run_to_end

#: Says that it has begun, and on a signal which one came.
CHILD = """
import pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[1])
def note(number, _):
    (folder / "came").write_text(signal.Signals(number).name)
    raise SystemExit(7)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, note)
(folder / "begun").write_text("")
time.sleep(60)
"""
#: Runs it as `slipway` does, and says how it ended.
PARENT = """
import os, pathlib, sys
from slipway.ops.deploy.child import run_to_end
from slipway.ops.unfinished import Terminated, terminable
with terminable():
    try:
        run_to_end([sys.executable, "-c", sys.argv[1], sys.argv[2]], os.environ)
    except Terminated:
        print("terminated")
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_the_exit_code_and_the_environment_are_passed_on() -> None:
    code = "import os, sys; sys.exit(int(os.environ['CODE']))"
    assert run_to_end([sys.executable, "-c", code], {**os.environ, "CODE": "5"}) == 5


@pytest.mark.parametrize(
    ("number", "word"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_to_this_program_reaches_the_other_one_which_ends_first(
    tmp_path: Path, number: signal.Signals, word: str
) -> None:
    command = [sys.executable, "-c", PARENT, CHILD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        while not (tmp_path / "begun").exists():
            assert parent.poll() is None
        parent.send_signal(number)  # to it alone, and not to its group as a terminal would
        out, _ = parent.communicate(timeout=30)
    assert out.strip() == word
    assert (tmp_path / "came").read_text() == number.name


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    deaf = (
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "(pathlib.Path(sys.argv[1]) / 'begun').write_text('')\n"
        "time.sleep(60)\n"
    )
    hurried = PARENT.replace(
        "with terminable", "import slipway.ops.deploy.child as child\nchild._TOLD = 0.2\nwith terminable"
    )
    command = [sys.executable, "-c", hurried, deaf, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        while not (tmp_path / "begun").exists():
            assert parent.poll() is None
        parent.send_signal(signal.SIGTERM)
        out, _ = parent.communicate(timeout=30)
    assert out.strip() == "terminated"
