"""A model's artifact: its files, and writing them into a folder."""

import io
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


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
