"""What the training scripts of the tabular examples share: decimals that repeat, and the folder that is published."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SIGNIFICANT_DIGITS = 9  # sums differ between machines from about the 15th
TABULAR = Path(__file__).resolve().with_name("tabular.py")


def decimals(values: Iterable[float], digits: int = SIGNIFICANT_DIGITS) -> list[float]:
    """Round to so few significant digits that every machine stores the same ones.

    Parameters
    ----------
    values
        Fitted parameters.
    digits
        How many to keep: fewer than the fit repeats.
    """
    return [float(f"{value:.{digits}g}") for value in values]


def write_model(folder: Path, parameters: dict[str, Any], inference: Path) -> None:
    """Write a model folder: ``model.json``, ``code/inference.py`` and ``code/tabular.py``.

    Parameters
    ----------
    folder
        Made where missing; the files in it are replaced, others are left alone.
    parameters
        The content of ``model.json``.
    inference
        The model's ``inference.py``.
    """
    (folder / "code").mkdir(parents=True, exist_ok=True)
    # Not write_text: the bytes must not depend on how this machine, or its git, ends lines.
    text = json.dumps(parameters, indent=2, ensure_ascii=False) + "\n"
    (folder / "model.json").write_bytes(text.encode())
    write_code(folder / "code", inference)


def write_code(folder: Path, inference: Path) -> None:
    """Copy ``inference.py`` and ``tabular.py`` into a folder, with this repository's line ends."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in (inference, TABULAR):
        (folder / source.name).write_bytes(source.read_text(encoding="utf-8").encode())
