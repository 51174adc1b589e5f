"""The example models as tests need them: imported as their scripts import each other, trained, and served."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, NamedTuple, cast

import pytest

from slipway.local import worker
from slipway.ops.publish.package import package

MODELS = Path(__file__).parents[3] / "examples/models"

Load = Callable[[str], ModuleType]


class Answer(NamedTuple):
    """What the container answers; for a refused request, the text is the reason."""

    status: int
    content_type: str
    text: str


@pytest.fixture(scope="session")
def load() -> Iterator[Load]:
    """Import a module by its name under examples/models."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(MODELS))
        yield importlib.import_module


@pytest.fixture(scope="session")
def trained(load: Load, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Train a model once; answer its folder."""
    folders: dict[str, Path] = {}

    def folder_of(name: str) -> Path:
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(name)
            load(f"{name}.train").main(["--version", "1", "--out", str(folders[name])])
        return folders[name]

    return folder_of


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Answer]]:
    """Ask a model server of the local AWS, which has nothing but the folder's archive."""
    servers: dict[Path, subprocess.Popen[bytes]] = {}

    def server_of(folder: Path) -> subprocess.Popen[bytes]:
        if folder not in servers:
            unpacked = tmp_path_factory.mktemp("served")
            with package(folder) as packed, tarfile.open(packed.archive) as archive:
                archive.extractall(unpacked, filter="data")
            servers[folder] = subprocess.Popen(
                [sys.executable, worker.__file__, str(unpacked)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=unpacked,
                env={"PYTHONDONTWRITEBYTECODE": "1"},
            )
            assert frame(servers[folder])[0] == 200
        return servers[folder]

    def frame(server: subprocess.Popen[bytes]) -> Answer:
        read = worker.read(cast("BinaryIO", server.stdout))
        assert read is not None
        header, body = read
        return Answer(header["status"], header.get("content_type", ""), header.get("message", body.decode()))

    def ask(folder: Path, body: str, content_type: str, accept: str = "") -> Answer:
        server = server_of(folder)
        worker.write(cast("BinaryIO", server.stdin), {"content_type": content_type, "accept": accept}, body.encode())
        return frame(server)

    yield ask
    for server in servers.values():
        server.communicate()  # it ends with its input
