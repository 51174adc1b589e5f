"""Another program, run to its end: a signal that comes meanwhile reaches it too, and it gets time to end."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence

from slipway.ops.unfinished import Terminated

#: Real seconds that it gets: to end by itself after Ctrl-C, which a terminal sends to both; and after it was told to.
_BY_ITSELF, _TOLD = 1.0, 10.0


def run_to_end(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a program, with the terminal and the streams of this one.

    Not ``subprocess.run``, which kills the program when Ctrl-C or SIGTERM comes.

    Parameters
    ----------
    command
        The program and its arguments.
    environ
        Its whole environment.

    Returns
    -------
    int
        Its exit code.

    Raises
    ------
    KeyboardInterrupt
        When Ctrl-C or SIGTERM came; the program has ended by then.
    """
    process = subprocess.Popen(command, env=dict(environ))
    try:
        return process.wait()
    except KeyboardInterrupt as interruption:
        _end(process, signal.SIGTERM if isinstance(interruption, Terminated) else signal.SIGINT)
        raise


def _end(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        if number == signal.SIGINT and _ended(process, _BY_ITSELF):
            return
        process.send_signal(number)
        if not _ended(process, _TOLD):
            process.kill()
    finally:  # also when somebody presses Ctrl-C once more
        if process.poll() is None:
            process.kill()
        process.wait()


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
