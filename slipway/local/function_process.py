"""The process in which one invocation of a Lambda function runs, and its end: a result, an error, a timeout."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.local.engine.documents import Document
from slipway.local.function_worker import RECORD_BREAK

# A function's imports do not count against its timeout; the service gives them ten seconds (Developer Guide,
# "Understanding the Lambda execution environment lifecycle"), and more where they need it.
_INIT_SECONDS = 30.0
# How often the memory of a process is looked at that may end without telling.
_LOOK_SECONDS = 0.05
_LOG_SECONDS = 2.0
_INHERITED = ("PATH", "TMPDIR")
_WORKER = Path(__file__).with_name("function_worker.py")


@dataclass(frozen=True)
class Invocation:
    """What to run.

    Attributes
    ----------
    handler
        ``module.function``.
    root, layers
        Folders with the unpacked code, and with the packages of its layers.
    unfetched
        ARNs of layers whose content is not here.
    event
        JSON.
    seconds
        The function's timeout.
    environment
        All variables that it sees beside the machine's ``PATH``.
    context
        The attributes of its context that do not change while it runs.
    ahead_seconds
        How far its clock is ahead of the real time.
    """

    handler: str
    root: Path
    layers: tuple[Path, ...]
    unfetched: tuple[str, ...]
    event: str
    seconds: float
    environment: Mapping[str, str]
    context: Mapping[str, str]
    ahead_seconds: float = 0.0


@dataclass(frozen=True)
class Ended:
    """How an invocation ended.

    Attributes
    ----------
    payload
        JSON: the result, or the error.
    status
        ``success``, ``error`` or ``timeout``, as REPORT lines have it.
    init_ms, duration_ms
        How long its imports took, and its handler.
    memory_mb
        The most memory that the process had, in MB (2**20 bytes).
    """

    payload: bytes
    status: str
    init_ms: float
    duration_ms: float
    memory_mb: float


class StoppedError(Exception):
    """The local AWS ends."""


class FunctionProcesses:
    """The invocations that run in this process."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False
        self._lock = threading.Lock()

    def run(self, invocation: Invocation, on_line: Callable[[str], None]) -> Ended:
        """Run an invocation to its end.

        Parameters
        ----------
        invocation
            What to run.
        on_line
            Is given each line that it prints, and each log record.

        Raises
        ------
        StoppedError
            When they were ended: an event's next try is not to outlive this server.
        """
        report, report_end = os.pipe()
        process = subprocess.Popen(
            # Isolated and without site-packages: the worker lets in what the service's runtime has.
            [sys.executable, "-I", "-S", "-B", "-u", "-X", "utf8", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=invocation.root,
            env={name: os.environ[name] for name in _INHERITED if name in os.environ} | dict(invocation.environment),
            pass_fds=(report_end,),
            start_new_session=True,
        )
        os.close(report_end)
        with self._lock:
            self._running.add(process)
            if self._stopped:
                os.close(report)
                _kill(process)
                raise StoppedError
        log = threading.Thread(target=_read_log, args=(process, on_line), daemon=True)
        log.start()
        try:
            _send(process, invocation, report_end)
            return _Watch(process, report, invocation).ended()
        finally:
            os.close(report)
            _kill(process)
            # A process that the function left behind may hold the output open, in a session of its own.
            log.join(_LOG_SECONDS)
            with self._lock:
                self._running.discard(process)

    def stop(self) -> None:
        """End all of them, and let no other begin."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                _kill(process)


def _send(process: subprocess.Popen[bytes], invocation: Invocation, report: int) -> None:
    given: Document = {
        "handler": invocation.handler,
        "root": str(invocation.root),
        "layers": [str(layer) for layer in invocation.layers],
        "unfetched": list(invocation.unfetched),
        "event": invocation.event,
        "seconds": invocation.seconds,
        "context": dict(invocation.context),
        "ahead_seconds": invocation.ahead_seconds,
        "site": sysconfig.get_path("purelib"),
        "report": report,
    }
    if process.stdin is not None:
        with contextlib.suppress(OSError), process.stdin as stdin:
            stdin.write(json.dumps(given).encode())


def _read_log(process: subprocess.Popen[bytes], on_line: Callable[[str], None]) -> None:
    if process.stdout is None:
        return
    with contextlib.suppress(OSError, ValueError), process.stdout as output:
        for line in output:
            on_line(line.decode(errors="replace").rstrip("\n").replace(RECORD_BREAK, "\n"))


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Watch:
    """Reads what the worker tells, until it has told all or its time is up."""

    def __init__(self, process: subprocess.Popen[bytes], report: int, invocation: Invocation) -> None:
        self._process, self._report, self._invocation = process, report, invocation
        self._request_id = invocation.context["aws_request_id"]
        self._begin = time.monotonic()
        self._ready: float | None = None
        self._memory = 0.0
        self._unread = b""

    def ended(self) -> Ended:
        """Wait for the end."""
        deadline = self._begin + max(_INIT_SECONDS, self._invocation.seconds)
        while time.monotonic() < deadline:
            for told in self._told(min(_LOOK_SECONDS, deadline - time.monotonic())):
                if told is None:
                    return self._died()
                self._memory = told["memory_mb"]
                if "ready" in told:
                    self._ready = told["at"]
                    deadline = self._ready + self._invocation.seconds
                elif "error" in told:
                    return self._end("error", told["error"], told["at"])
                else:
                    return self._end("success", told["payload"], told["at"])
        self._look()
        seconds = f"Task timed out after {self._invocation.seconds:.2f} seconds"
        message = f"RequestId: {self._request_id} Error: {seconds}"
        return self._end("timeout", {"errorType": "Sandbox.Timedout", "errorMessage": message})

    def _told(self, seconds: float) -> list[Document | None]:
        """Return what the worker told within some seconds; None stands for its end."""
        self._look()
        if not select.select([self._report], [], [], max(0.0, seconds))[0]:
            return []
        part = os.read(self._report, 65536)
        if not part:
            return [None]
        *lines, self._unread = (self._unread + part).split(b"\n")
        return [json.loads(line) for line in lines]

    def _look(self) -> None:
        """Note the memory of the process, as long as the system says it (Linux)."""
        with contextlib.suppress(OSError, StopIteration):
            lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
            peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
            # Before it executes Python, the child shares this server's memory.
            if self._ready is not None:
                self._memory = max(self._memory, peak)

    def _died(self) -> Ended:
        code = self._process.wait()
        how = f"signal: {signal.strsignal(-code) or -code}".lower() if code < 0 else f"exit status {code}"
        message = f"RequestId: {self._request_id} Error: Runtime exited with error: {how}"
        return self._end("error", {"errorType": "Runtime.ExitError", "errorMessage": message})

    def _end(self, status: str, payload: str | Document, at: float | None = None) -> Ended:
        now = time.monotonic() if at is None else at
        ready = now if self._ready is None else self._ready
        return Ended(
            payload=(payload if isinstance(payload, str) else json.dumps(payload)).encode(),
            status=status,
            init_ms=(ready - self._begin) * 1000,
            duration_ms=(now - ready) * 1000,
            memory_mb=self._memory,
        )


PROCESSES = FunctionProcesses()
