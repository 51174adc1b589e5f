"""Writes a plan to where it is wanted: text to the terminal, other forms to files."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from slipway.plan import data, markdown, text
from slipway.plan.documents import UnreadableError
from slipway.plan.html import page
from slipway.plan.story import Plan

#: Instead of a file: standard output, in place of the text.
STDOUT = Path("-")


def write(plan: Plan, files: Mapping[str, Path | None], *, details: bool) -> None:
    """Write a plan.

    Parameters
    ----------
    plan
        What to write.
    files
        By form, which is ``markdown``, ``json`` or ``html``: the file, ``-``, or ``None`` where it is not wanted.
    details
        Whether the text lists each resource with what differs.

    Raises
    ------
    UnreadableError
        When a file cannot be written.
    """
    forms = {"markdown": markdown.text, "json": data.text, "html": page}
    wanted = {form: file for form, file in files.items() if file is not None}
    for form, file in wanted.items():
        said = forms[form](plan)
        if file == STDOUT:
            sys.stdout.write(said)
        else:
            save(file, said)
    if STDOUT not in wanted.values():
        sys.stdout.write(text.text(plan, details=details))


def save(file: Path, said: str) -> None:
    """Write a file.

    Parameters
    ----------
    file
        Its path.
    said
        What it is to hold.

    Raises
    ------
    UnreadableError
        When it cannot be written.
    """
    try:
        file.write_text(said, encoding="utf-8")
    except OSError as error:
        raise UnreadableError(f"{file}: cannot be written: {error.strerror}") from None
