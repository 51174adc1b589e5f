"""Tables for people: on a terminal as wide as it is, in a log as wide as they need."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Sequence


def show(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table to standard output.

    Parameters
    ----------
    columns
        The heads.
    rows
        Cells as text.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    # A log has no width; rich would assume 80 and cut names in two.
    console = Console() if sys.stdout.isatty() else Console(width=240)
    with console.capture() as captured:
        console.print(table)
    # The box has an empty line above and below, and rich fills every line with spaces.
    lines = [line.rstrip() for line in captured.get().splitlines()]
    print(textwrap.dedent("\n".join(line for line in lines if line)))
