"""A request's body from a file, and its type by the file's name."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from slipway.ops.invoke.errors import WrongRequest

#: What containers call types that no list of media types has, or has under another name.
_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".libsvm": "text/libsvm",
    ".ndjson": "application/jsonlines",
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
    ".parquet": "application/x-parquet",
    ".recordio": "application/x-recordio-protobuf",
    ".txt": "text/plain",
}


def content_type(path: Path) -> str:
    """Tell a file's type by its ending.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    str
        Such as ``text/csv``.

    Raises
    ------
    WrongRequest
        When the ending says nothing.

    Examples
    --------
    >>> content_type(Path("flowers.csv"))
    'text/csv'
    """
    # Not mimetypes.guess_type: that reads the machine's own lists, so an answer would depend on the machine.
    guessed, encoding = mimetypes.MimeTypes().guess_type(path.name)
    found = _TYPES.get(path.suffix.lower()) or (guessed if encoding is None else None)
    if found is None:
        raise WrongRequest(f"{path}: its name does not say what it holds: add --content-type, such as text/csv")
    return found


def content(path: Path) -> bytes:
    """Read a body.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    bytes
        What is in it.

    Raises
    ------
    WrongRequest
        When it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise WrongRequest(f"cannot read {path}: {error.strerror}") from error
