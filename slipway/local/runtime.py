"""The fleet of model servers: one process for each model that an endpoint's variant serves."""

import contextlib
import hashlib
import io
import json
import logging
import os
import select
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

# A real-time invocation ends after 60 s (SageMaker Runtime, InvokeEndpoint).
INVOCATION_SECONDS = 60.0
START_SECONDS = 600.0
_LENGTHS = struct.Struct(">II")
_INHERITED = ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR")
_WORKER = Path(__file__).with_name("worker.py")

Slot = tuple[str, ...]


class ModelServerError(Exception):
    """A model server did not answer as it should.

    Attributes
    ----------
    status
        The HTTP status of the container; 0 when there was none (it died, or took too long).
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class _RetiredError(Exception):
    """The server was replaced between being found and being asked."""


@dataclass(frozen=True)
class Artifact:
    """A model's files.

    Attributes
    ----------
    version
        Changes when the bytes do (an ETag).
    files
        Returns the files: a tar archive's bytes, or bytes by relative path.
    """

    version: str
    files: Callable[[], bytes | Mapping[str, bytes]]


@dataclass(frozen=True)
class Served:
    """Which model a slot serves, and how."""

    model: str
    artifact: Artifact
    environment: Mapping[str, str]

    @property
    def identity(self) -> str:
        """Changes whenever the model server has to be started again."""
        parts = (self.model, self.artifact.version, json.dumps(dict(self.environment)))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Request:
    """What a model is asked; an empty ``accept`` leaves the answer's content type to it."""

    body: bytes
    content_type: str
    accept: str = ""


@dataclass(frozen=True)
class Response:
    """What a model answered.

    Attributes
    ----------
    model_seconds
        How long it took to answer.
    start_seconds
        How long the answer waited for the server to start. At the service that is over before an
        endpoint is in service, so it belongs to no latency.
    """

    body: bytes
    content_type: str
    model_seconds: float = 0.0
    start_seconds: float = 0.0


@dataclass(frozen=True)
class Usage:
    """What a process has used so far.

    Attributes
    ----------
    cpu_seconds
        Of all its threads, since it started.
    memory
        Share of the machine's memory, 0–100.
    """

    cpu_seconds: float
    memory: float


class ModelServer:
    """A process that serves one model, one request at a time.

    Parameters
    ----------
    served
        What to serve.
    directory
        The unpacked artifact.
    on_log
        Is given each line that the model prints.
    """

    def __init__(self, served: Served, directory: Path, on_log: Callable[[str], None]) -> None:
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
            [sys.executable, str(_WORKER), str(directory)],
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
                raise _RetiredError
            stdin = self._process.stdin
            try:
                if stdin is not None:
                    stdin.write(_LENGTHS.pack(len(header), len(request.body)) + header + request.body)
                    stdin.flush()
                answer, result = self._receive(INVOCATION_SECONDS)
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
        return Usage(ticks / os.sysconf("SC_CLK_TCK"), 100.0 * resident / total)

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


class Fleet:
    """All model servers of this process.

    A slot is whatever serves one model: account, Region, endpoint, variant, container, model file.
    """

    def __init__(self) -> None:
        self._servers: dict[Slot, ModelServer] = {}
        self._locks: dict[Slot, threading.Lock] = {}
        self._lock = threading.Lock()
        self._folder: Path | None = None

    def invoke(self, slot: Slot, served: Served, on_log: Callable[[str], None], request: Request) -> Response:
        """Ask the model of a slot.

        Parameters
        ----------
        slot
            Which server.
        served
            What it has to serve by now; it is started again when that has changed.
        on_log
            Is given each line that the model prints.
        request
            What to ask.

        Raises
        ------
        ModelServerError
            When the model cannot be started or does not answer well.
        """
        while True:
            begin = time.perf_counter()
            server = self._server(slot, served, on_log)
            started = time.perf_counter()
            try:
                response = server.invoke(request)
            except _RetiredError:
                continue
            answered = time.perf_counter()
            return replace(response, model_seconds=answered - started, start_seconds=started - begin)

    def _server(self, slot: Slot, served: Served, on_log: Callable[[str], None]) -> ModelServer:
        with self._lock:
            lock = self._locks.setdefault(slot, threading.Lock())
        with lock:
            present = self._servers.get(slot)
            if present is not None:
                if present.identity == served.identity and present.alive:
                    return present
                present.retire()
                del self._servers[slot]
            server = ModelServer(served, self._unpacked(served.artifact), on_log)
            self._servers[slot] = server
            return server

    def servers(self) -> dict[Slot, ModelServer]:
        """Return the servers that run."""
        with self._lock:
            return {slot: s for slot, s in list(self._servers.items()) if s.alive}

    def retire(self, prefix: Slot) -> None:
        """End the servers whose slot starts with a prefix: an endpoint is gone."""
        for slot in list(self._servers):
            if slot[: len(prefix)] == prefix:
                server = self._servers.pop(slot, None)
                if server is not None:
                    server.stop()

    def stop(self) -> None:
        """End all servers and remove what was unpacked."""
        self.retire(())
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _unpacked(self, artifact: Artifact) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="slipway-models-"))
            name = hashlib.sha256(artifact.version.encode()).hexdigest()[:32]
            target = self._folder / name
            if not target.is_dir():
                building = Path(tempfile.mkdtemp(dir=self._folder))
                try:
                    unpack(artifact.files(), building)
                except (tarfile.TarError, OSError, ValueError) as error:
                    shutil.rmtree(building, ignore_errors=True)
                    raise ModelServerError(500, f"The model artifact cannot be unpacked: {error}") from error
                building.rename(target)
            return target


def unpack(files: bytes | Mapping[str, bytes], target: Path) -> None:
    """Write a model's files into a folder, and nowhere else.

    Raises
    ------
    tarfile.TarError, OSError, ValueError
        When the archive is damaged, or a name would lead out of the folder.
    """
    if isinstance(files, bytes):
        with tarfile.open(fileobj=io.BytesIO(files)) as archive:
            archive.extractall(target, filter="data")
        return
    root = target.resolve()
    for name, content in files.items():
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise ValueError(f"{name} would be written outside the model's folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


FLEET = Fleet()
