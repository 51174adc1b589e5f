"""The lock file: which bytes each published model version has, committed beside the config.

A version that was published once keeps its bytes. An object replaced under the same key would change nothing in the
template, so the endpoint would never update, and instances that start later would load other bytes than their
neighbours.

    {
      "models/iris/v1/model.tar.gz": {
        "sha256": "<64 hexadecimal digits>"
      }
    }

The hash is of the uncompressed tar (``gunzip -c model.tar.gz | sha256sum``). It belongs to the key and not to a
bucket: every environment gets the same bytes.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.spec.names import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCK_PATH = Path("config/models.lock.json")

#: What a model is published as: its name, or under a multi-model prefix that and the archive's.
_MODEL = rf"{WORDS}(/{WORDS})?"
#: What `artifact_key` makes, taken apart.
PUBLISHED_KEY = re.compile(
    rf"models/(?P<model>{_MODEL})/v(?P<version>[A-Za-z0-9][A-Za-z0-9._-]{{0,62}})/model\.tar\.gz"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ENTRY = '{"sha256": "<64 hexadecimal digits>"}'


class LockError(ValueError):
    """The lock file cannot be read, or would change what it has recorded."""


def artifact_key(model: str, version: int | str) -> str:
    """Name the S3 key of a model version: ``models/{model}/v{version}/model.tar.gz``.

    Parameters
    ----------
    model
        The short name from the config: lower-case words joined by hyphens. An archive under the multi-model prefix
        ``models/demand/`` has two, such as ``demand/store-1``.
    version
        A whole number of 1 or more, or a word such as ``2026-11-21``.

    Raises
    ------
    ValueError
        If the name or the version is none.
    """
    if not re.fullmatch(_MODEL, model):
        raise ValueError(
            f"model {model!r}: write lower-case letters and digits, words joined by hyphens, "
            "a letter first, such as churn-score; or demand/store-1 for an archive under models/demand/"
        )
    if not re.fullmatch(r"(?!0+$)[A-Za-z0-9][A-Za-z0-9._-]{0,62}", str(version)):
        raise ValueError(f"version {version!r} of model {model}: write 1 or more, or a word such as 2026-11-21")
    return f"models/{model}/v{version}/model.tar.gz"


def read_lock(path: Path) -> Mapping[str, str]:
    """Read which hash each key has.

    Parameters
    ----------
    path
        The lock file. A missing one is empty: nothing was published yet.

    Returns
    -------
    SHA-256 of the uncompressed tar, in lower-case hexadecimal, by S3 key.

    Raises
    ------
    LockError
        If the file is not a lock file; names every fault, with its line where it has one.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise LockError(f"{path}: byte {error.start} is not UTF-8: restore it from git") from None
    repeated: list[str] = []

    def unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
        names = [name for name, _ in pairs]
        repeated.extend(sorted({name for name in names if names.count(name) > 1}))
        return dict(pairs)

    try:
        entries = json.loads(text, object_pairs_hook=unrepeated)
    except json.JSONDecodeError as error:
        raise LockError(
            f"{path}:{error.lineno}: not JSON ({error.msg}): resolve the merge, or restore the file from git"
        ) from None
    if not isinstance(entries, dict):
        raise LockError(f"{path}:1: write one JSON object, with an entry a key: KEY: {_ENTRY}")
    faults = [
        f"{path}:{_last_line(text, name)}: {name!r} stands more than once: keep the entry that was published"
        for name in repeated
    ]
    hashes: dict[str, str] = {}
    for key, entry in entries.items():
        sha256 = entry.get("sha256") if isinstance(entry, dict) and len(entry) == 1 else None
        if isinstance(sha256, str) and _SHA256.fullmatch(sha256):
            hashes[key] = sha256
        else:
            faults.append(f"{path}:{_last_line(text, key)}: {key!r} is {json.dumps(entry)}: write {_ENTRY}")
    if faults:
        raise LockError("\n".join(faults))
    return hashes


def record(path: Path, key: str, sha256: str) -> None:
    """Add an entry to the lock file; one that is there already stays as it is.

    The file is replaced in one step, so that an interruption leaves the old or the new one. It is read again just
    before, but two processes that write the same file at the same moment can lose one of the entries; publishing that
    version again restores it.

    Parameters
    ----------
    path
        The lock file; it and its folder are made where missing.
    key
        From `artifact_key`.
    sha256
        64 lower-case hexadecimal digits.

    Raises
    ------
    LockError
        If the key is recorded with another hash, or the file is not a lock file.
    ValueError
        If `sha256` is not a hash.
    """
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is not 64 lower-case hexadecimal digits")
    hashes = read_lock(path)
    if hashes.get(key, sha256) != sha256:
        raise LockError(
            f"{path}: {key!r} is recorded with sha256 {hashes[key]} and never changes; "
            f"{sha256} needs a key, and so a version, of its own"
        )
    if key in hashes:
        return
    write_lock(path, {**hashes, key: sha256})


def write_lock(path: Path, hashes: Mapping[str, str]) -> None:
    """Write the lock file in one step, sorted by key.

    Parameters
    ----------
    path
        The lock file; its folder is made where missing.
    hashes
        SHA-256 by S3 key, as from `read_lock`.
    """
    entries = {key: {"sha256": sha256} for key, sha256 in hashes.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        content = json.dumps(entries, indent=2, sort_keys=True) + "\n"
        unfinished.write_text(content, encoding="utf-8", newline="\n")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _last_line(text: str, name: str) -> int:
    """Find the line on which a name stands last, since of repeated names JSON keeps the last."""
    return text.count("\n", 0, max(text.rfind(json.dumps(name)), 0)) + 1
