"""The fleet of model servers: one process for each model that an endpoint's variant serves."""

import hashlib
import shutil
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from slipway.local.artifact import Artifact, unpack
from slipway.local.model_server import ModelServer, ModelServerError, Request, Response, RetiredError, Served, Start

Slot = tuple[str, ...]


class Fleet:
    """All model servers of this process.

    A slot is whatever serves one model: account, Region, endpoint, variant, inference component, container, model
    file; the last are empty where there is none.
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
        loaded = self._present(slot, served) is not None
        while True:
            begin = time.perf_counter()
            server, start = self._server(slot, served, on_log)
            started = time.perf_counter()
            try:
                response = server.invoke(request)
            except RetiredError:
                continue
            return replace(
                response,
                model_seconds=time.perf_counter() - started,
                start_seconds=0.0 if loaded else started - begin,
                loaded=loaded,
                start=start,
            )

    def _present(self, slot: Slot, served: Served) -> ModelServer | None:
        """Return the server of a slot if it serves what it should."""
        present = self._servers.get(slot)
        if present is not None and present.identity == served.identity and present.alive:
            return present
        return None

    def _server(self, slot: Slot, served: Served, on_log: Callable[[str], None]) -> tuple[ModelServer, Start | None]:
        """Return the server of a slot, and what its start took if this call started it."""
        with self._lock:
            lock = self._locks.setdefault(slot, threading.Lock())
        with lock:
            present = self._present(slot, served)
            if present is not None:
                return present, None
            unloading = self.unload(slot)
            begin = time.perf_counter()
            directory = self._unpacked(served.artifact)
            code = self._unpacked(served.code) if served.code else None
            unpacked = time.perf_counter()
            server = ModelServer(served, directory, code, on_log)
            self._servers[slot] = server
            return server, Start(unpacked - begin, time.perf_counter() - unpacked, unloading)

    def unload(self, slot: Slot) -> float | None:
        """End the server of a slot once it has answered; return the seconds it took, None when there was none."""
        begin = time.perf_counter()
        server = self._servers.pop(slot, None)
        if server is None:
            return None
        server.retire()
        return time.perf_counter() - begin

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


FLEET = Fleet()
