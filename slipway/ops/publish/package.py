"""Package a model folder as model.tar.gz, the same folder always into the same tar.

Names are sorted; owners, times and permissions are fixed. What identifies a package is the SHA-256 of the
*uncompressed* tar: builds of zlib and zlib-ng deflate the same bytes differently, so a hash of the gzip would make
the same model look new on another machine. To check one by hand:

    gunzip -c model.tar.gz | sha256sum
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Buffer

#: What tools leave behind in a model folder; it is no part of the model.
LEFT_OUT = frozenset({"__pycache__", ".DS_Store", ".git", ".hg", ".svn"})
LEFT_OUT_SUFFIX = ".pyc"

_EXPECTED = "expected a folder with the model's files and code/inference.py"
_LEVEL = 6


class PackageError(ValueError):
    """A folder that cannot be packaged."""


@dataclass(frozen=True)
class Package:
    """A packaged model in a temporary file, which goes when the ``with`` block ends.

    Attributes
    ----------
    archive
        The gzipped tar.
    sha256
        SHA-256 of the uncompressed tar, in lower-case hexadecimal.
    size
        Size of the archive in bytes.
    """

    archive: Path
    sha256: str
    size: int

    def __enter__(self) -> Package:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.archive.unlink(missing_ok=True)


class _HashedStream(io.RawIOBase):
    """Passes what tarfile writes on to the compressor, and hashes it on the way."""

    def __init__(self, out: gzip.GzipFile) -> None:
        self._out = out
        self.hash = hashlib.sha256()

    def write(self, data: Buffer) -> int:
        self.hash.update(data)
        return self._out.write(data)


def package(folder: Path) -> Package:
    """Package the files of a folder.

    Left out: empty folders and what `LEFT_OUT` names. A link to a file inside the folder is stored as that file.
    Permissions are 0755 for what its owner may execute, 0644 for everything else.

    Parameters
    ----------
    folder
        The model folder, of any size: it is read in pieces. The archive goes to the system's folder for temporary
        files, which ``TMPDIR`` changes.

    Returns
    -------
    The package; use it in a ``with`` statement, which removes its temporary file.

    Raises
    ------
    PackageError
        If the folder is missing, is no folder or holds no files, or if something in it is a link that leaves it, a
        broken link, a link to a folder, or neither file nor folder.

    Examples
    --------
    >>> with package(Path("examples/models/iris/build/v1")) as packed:
    ...     print(packed.sha256, packed.size)  # doctest: +SKIP
    """
    if not folder.exists():
        raise PackageError(f"{folder} does not exist: {_EXPECTED}")
    if not folder.is_dir():
        raise PackageError(f"{folder} is not a folder: {_EXPECTED}")
    files = sorted(_files(folder, folder.resolve()))
    if not files:
        raise PackageError(f"{folder} holds no files to package: {_EXPECTED}")
    handle, name = tempfile.mkstemp(prefix="slipway-", suffix=".tar.gz")
    archive = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            sha256 = _write(files, out)
        return Package(archive=archive, sha256=sha256, size=archive.stat().st_size)
    except BaseException:
        archive.unlink(missing_ok=True)
        raise


def _files(folder: Path, root: Path) -> Iterator[tuple[str, Path]]:
    """Walk the folder: the name in the archive and the file, for every file that is packaged."""
    for parent, subfolders, names in os.walk(folder, onerror=_refuse):
        subfolders[:] = [name for name in subfolders if name not in LEFT_OUT]
        links = [name for name in subfolders if (Path(parent) / name).is_symlink()]
        for name in links + names:
            if name in LEFT_OUT or name.endswith(LEFT_OUT_SUFFIX):
                continue
            path = Path(parent) / name
            _check(path, root)
            yield path.relative_to(folder).as_posix(), path


def _refuse(error: OSError) -> None:
    raise PackageError(f"{error.filename} cannot be read: {error.strerror}") from error


def _check(path: Path, root: Path) -> None:
    """Refuse what could not be unpacked as it is here."""
    if path.is_symlink():
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):  # a loop is a RuntimeError before Python 3.13
            raise PackageError(f"{path} is a broken link to {path.readlink()}: put the file itself there") from None
        if not target.is_relative_to(root):
            raise PackageError(
                f"{path} is a link to {target}, outside the folder: "
                "copy the file there (cp -RL copies a folder and what its links point to)"
            )
    if path.is_dir():
        raise PackageError(f"{path} is a link to a folder: put the folder itself there")
    if not path.is_file():
        raise PackageError(f"{path} is neither a file nor a folder: remove it")


def _write(files: list[tuple[str, Path]], out: BinaryIO) -> str:
    """Write the gzipped tar; answer the hash of the tar."""
    # No name and no time in the gzip header, so that even the gzip is equal on one machine.
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=_LEVEL, mtime=0) as compressed:
        stream = _HashedStream(compressed)
        with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, encoding="utf-8") as tar:
            for name, path in files:
                with path.open("rb") as content:
                    tar.addfile(_header(name, os.fstat(content.fileno())), content)
        return stream.hash.hexdigest()


def _header(name: str, status: os.stat_result) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)  # owner, group and time are 0 unless set
    header.size = status.st_size
    header.mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
    return header
