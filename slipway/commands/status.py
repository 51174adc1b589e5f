"""`slipway status`: all endpoints of an environment."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from slipway.commands.base import FAILED, OK, ROLLED_BACK, Commands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.ops.status.inventory import Row


def register(commands: Commands) -> None:
    """Add the command."""
    look = commands.add("status", status, "slipway status --env dev --ask", target=True)
    look.add_argument("--ask", action="store_true", help="send each endpoint its sample")
    look.add_argument("--json", action="store_true", help="as JSON")


def status(args: argparse.Namespace) -> int:
    """Show every endpoint of an environment."""
    return show_status(args, ask=args.ask, alone=True)


def show_status(args: argparse.Namespace, *, ask: bool, alone: bool = False) -> int:
    """Show every endpoint of an environment, and what it answers if it is asked.

    Parameters
    ----------
    args
        Of the command.
    ask
        Send each its sample.
    alone
        Whether nothing else is said of them: where it goes comes first then, and what drifted is explained and counts.

    Returns
    -------
    int
        1 when something is missing, failed or answered with an error; if ``alone``, 3 when an endpoint serves another
        config than its stack holds.
    """
    import json

    from slipway.ops.status.inventory import Inventory
    from slipway.ops.target import choose
    from slipway.spec.load import load

    environment = load(args.config, args.env).environment
    target = choose(environment, args.target)
    as_json = getattr(args, "json", False)
    if alone:
        print(target.where, file=sys.stderr if as_json else sys.stdout, flush=True)
    inventory = Inventory(environment, target)
    rows, undeclared = list(inventory.rows(ask=ask)), list(inventory.undeclared())
    if as_json:
        print(json.dumps([row.as_dict() for row in [*rows, *undeclared]], indent=2))
    else:
        _print(rows, [inventory.remedy(row) for row in undeclared], ask=ask, alone=alone)
    if any(row.broken for row in rows):
        return FAILED
    return ROLLED_BACK if alone and any(row.drift for row in rows) else OK


def _print(rows: Sequence[Row], remedies: Sequence[str], *, ask: bool, alone: bool) -> None:
    from slipway.ops.status.inventory import ERROR, UNASKED
    from slipway.ops.status.table import table
    from slipway.ops.table import show

    if ask:
        print()
    show(*table(rows))
    notes = [
        f"{row.name}: {note}"
        for row in rows
        for note in [*row.notes, *([row.drifted] if row.drifted and alone else [])]
    ]
    if notes or remedies:
        print()
    for line in [*notes, *remedies]:
        print(line)
    if ask:
        print()
    for name, answer in {row.name: row.answer for row in rows if row.answer}.items():
        print(f"{name}: {answer}" if answer.startswith((UNASKED, ERROR)) else f"{name} answered: {answer}")
