"""What it takes to create an endpoint again, in a file: between its deletion and its creation nobody else knows."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.local.control import DEFAULT_HOME
from slipway.ops.recreate.kept_scaling import KeptTarget
from slipway.ops.trouble import OperationError

#: Raised when the file's form changes.
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Note:
    """An endpoint that is deleted and created again.

    Attributes
    ----------
    place
        Account and Region, and whether it is the local AWS: nothing is created elsewhere.
    endpoint
        Its full name.
    created
        When the one that is deleted was created, which tells it from the one that takes its place.
    config
        The endpoint config that it is to serve.
    former
        The one that it served.
    tags
        Of the endpoint.
    deployment
        Its DeploymentConfig; empty when it has none.
    targets
        What scales it.
    weights
        Of its variants, which may not be the config's.
    """

    place: str
    endpoint: str
    created: str
    config: str
    former: str
    tags: Mapping[str, str]
    deployment: Mapping[str, Any]
    targets: tuple[KeptTarget, ...]
    weights: Mapping[str, float]


def note_path(endpoint: str, home: Path = DEFAULT_HOME) -> Path:
    """Where the note of an endpoint lies: in the folder of the local AWS, which git ignores."""
    return home / f"recreate-{endpoint}.json"


def write_note(note: Note, path: Path) -> None:
    """Write a note at once, so that there is never a part of one.

    Parameters
    ----------
    note
        The note.
    path
        From ``note_path``.
    """
    data = {
        "version": _VERSION,
        "place": note.place,
        "endpoint": note.endpoint,
        "created": note.created,
        "config": note.config,
        "former": note.former,
        "tags": dict(note.tags),
        "deployment": dict(note.deployment),
        "targets": [target.as_dict() for target in note.targets],
        "weights": dict(note.weights),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(json.dumps(data, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read_note(path: Path) -> Note | None:
    """Read a note.

    Parameters
    ----------
    path
        From ``note_path``.

    Returns
    -------
    Note or None
        ``None`` when there is none.

    Raises
    ------
    OperationError
        When it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OperationError(f"{path}: cannot be read: {error}") from None
    try:
        data = json.loads(text)
        if data["version"] != _VERSION:
            raise OperationError(f"{path}: is of version {data['version']}, and this slipway reads {_VERSION}")
        return Note(
            data["place"],
            data["endpoint"],
            data["created"],
            data["config"],
            data["former"],
            data["tags"],
            data["deployment"],
            tuple(KeptTarget.of(target) for target in data["targets"]),
            data["weights"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise OperationError(f"{path}: is no note of `slipway recreate` ({error!r})") from None
