"""The endpoints of an environment as a table: no column that says nothing of any of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.ops.status.inventory import Row

_COLUMNS = (
    *("endpoint", "status", "component", "version", "variant", "mode", "traffic"),
    *("instances", "strategy", "alarms", "scaling", "dashboard"),
)


def table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Write rows as cells.

    Parameters
    ----------
    rows
        Of all endpoints.

    Returns
    -------
    tuple
        The heads, and the cells of each row.
    """
    cells = [[_cell(row, column) for column in _COLUMNS] for row in rows]
    # What no endpoint here has, such as components, needs no column.
    kept = [at for at, _ in enumerate(_COLUMNS) if any(row[at] for row in cells)] or range(len(_COLUMNS))
    return [_COLUMNS[at] for at in kept], [[row[at] for at in kept] for row in cells]


def _cell(row: Row, column: str) -> str:
    if column == "status":
        return row.standing
    if column == "dashboard":  # its name follows from the endpoint's
        return row.dashboard if row.dashboard == "none" else ""
    return str(getattr(row, column))
