"""A model server: the process that runs one model's ``inference.py``."""

import contextlib
import hashlib
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.local.artifact import Artifact

# A real-time invocation ends after 60 s (SageMaker Runtime, InvokeEndpoint).
INVOCATION_SECONDS = 60.0
START_SECONDS = 600.0
_LENGTHS = struct.Struct(">II")
_INHERITED = ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR")
_WORKER = Path(__file__).with_name("worker.py")


class ModelServerError(Exception):
    """A model server did not answer as it should.

    Attributes
    ----------
    status
        The HTTP status of the container; 0 when there was none (it died, or took too long).
    container
        Which container of a pipeline; ``primary`` is the only one of other models.
    """

    def __init__(self, status: int, message: str, container: str = "primary") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.container = container


class RetiredError(Exception):
    """The server was replaced between being found and being asked."""


@dataclass(frozen=True)
class Served:
    """Which model a slot serves, and how.

    Attributes
    ----------
    code
        The script, where it has an archive of its own; else it lies in the model's.
    """

    model: str
    artifact: Artifact
    environment: Mapping[str, str]
    code: Artifact | None = None

    @property
    def identity(self) -> str:
        """Changes whenever the model server has to be started again."""
        code = self.code.version if self.code else ""
        parts = (self.model, self.artifact.version, code, json.dumps(dict(self.environment)))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Request:
    """What a model is asked.

    Attributes
    ----------
    accept
        Empty leaves the answer's content type to the model.
    seconds
        How long it may take; None for as long as a real-time invocation may.
    """

    body: bytes
    content_type: str
    accept: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Start:
    """What it took to start a model server, in seconds.

    Attributes
    ----------
    downloading
        Fetching and unpacking the artifact.
    loading
        Until the model was loaded.
    unloading
        Ending the server that this one replaced; None when there was none.
    """

    downloading: float
    loading: float
    unloading: float | None = None


@dataclass(frozen=True)
class Response:
    """What a model answered.

    Attributes
    ----------
    model_seconds
        How long it took to answer.
    start_seconds
        How long the answer waited for the server to start; 0 when it was loaded already.
    loaded
        Whether the model was loaded when the request came.
    start
        What the start took, for the request that caused it; others that waited have none.
    """

    body: bytes
    content_type: str
    model_seconds: float = 0.0
    start_seconds: float = 0.0
    loaded: bool = True
    start: Start | None = None


@dataclass(frozen=True)
class Usage:
    """What a process has used so far.

    Attributes
    ----------
    cpu_seconds
        Of all its threads, since it started.
    memory
        Share of the machine's memory, 0–100.
    memory_mb
        The same in MB (2**20 bytes).
    """

    cpu_seconds: float
    memory: float
    memory_mb: float = 0.0


class ModelServer:
    """A process that serves one model, one request at a time.

    Parameters
    ----------
    served
        What to serve.
    directory
        The unpacked artifact.
    code
        The unpacked script, where it has an archive of its own.
    on_log
        Is given each line that the model prints.
    """

    def __init__(self, served: Served, directory: Path, code: Path | None, on_log: Callable[[str], None]) -> None:
        self.identity = served.identity
        self._lock = threading.Lock()
        self._retired = False
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        environment |= {
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "SM_MODEL_DIR": str(directory),
            **served.environment,
        }
        self._process = subprocess.Popen(
            [sys.executable, str(_WORKER), str(directory), *([str(code)] if code else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=directory,
            env=environment,
        )
        self.pid = self._process.pid
        threading.Thread(target=self._read_log, args=(on_log,), daemon=True).start()
        try:
            self._receive(START_SECONDS)
        except ModelServerError:
            self.stop()
            raise

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def invoke(self, request: Request) -> Response:
        """Ask the model.

        Raises
        ------
        ModelServerError
            With the container's status.
        """
        header = json.dumps({"content_type": request.content_type, "accept": request.accept}).encode()
        with self._lock:
            if self._retired:
                raise RetiredError
            stdin = self._process.stdin
            try:
                if stdin is not None:
                    stdin.write(_LENGTHS.pack(len(header), len(request.body)) + header + request.body)
                    stdin.flush()
                answer, result = self._receive(request.seconds or INVOCATION_SECONDS)
            except OSError as error:
                raise ModelServerError(0, "The model server ended.") from error
            except ModelServerError as error:
                if error.status == 0:  # whatever it answers later belongs to nobody
                    self.stop()
                raise
        return Response(result, str(answer["content_type"]))

    def _receive(self, seconds: float) -> tuple[dict[str, Any], bytes]:
        deadline = time.monotonic() + seconds
        header_size, body_size = _LENGTHS.unpack(self._read(_LENGTHS.size, deadline))
        header = json.loads(self._read(header_size, deadline))
        body = self._read(body_size, deadline)
        if header["status"] != 200:
            raise ModelServerError(int(header["status"]), str(header["message"]))
        return header, body

    def _read(self, size: int, deadline: float) -> bytes:
        stdout = self._process.stdout
        if stdout is None:
            raise ModelServerError(0, "The model server has no output.")
        parts: list[bytes] = []
        while size:
            ready, _, _ = select.select([stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise ModelServerError(0, "Your invocation timed out while waiting for a response from container.")
            part = os.read(stdout.fileno(), size)
            if not part:
                raise ModelServerError(0, "The model server ended; see the endpoint's log group.")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _read_log(self, on_log: Callable[[str], None]) -> None:
        if self._process.stderr is None:
            return
        for line in self._process.stderr:
            on_log(line.decode(errors="replace").rstrip("\n"))

    def usage(self) -> Usage | None:
        """Return what the process has used; None where the system does not say (no /proc)."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            total = os.sysconf("SC_PHYS_PAGES")
        except (OSError, ValueError):
            return None
        ticks = int(fields[11]) + int(fields[12])  # utime and stime, proc(5) fields 14 and 15
        resident = int(fields[21])
        memory_mb = resident * os.sysconf("SC_PAGE_SIZE") / 2**20
        return Usage(ticks / os.sysconf("SC_CLK_TCK"), 100.0 * resident / total, memory_mb)

    def retire(self) -> None:
        """End the process once it has answered what it is working on."""
        with self._lock:
            self._retired = True
            self.stop()

    def stop(self) -> None:
        """End the process now."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
