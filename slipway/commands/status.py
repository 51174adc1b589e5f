"""`slipway status`: all endpoints of an environment."""

from __future__ import annotations

import argparse

from slipway.commands.base import FAILED, OK, Commands


def register(commands: Commands) -> None:
    """Add the command."""
    look = commands.add("status", status, "slipway status --env dev --ask", target=True)
    look.add_argument("--ask", action="store_true", help="send each endpoint its sample")
    look.add_argument("--json", action="store_true", help="as JSON")


def status(args: argparse.Namespace) -> int:
    """Show every endpoint of an environment."""
    return show_status(args, ask=args.ask)


def show_status(args: argparse.Namespace, *, ask: bool) -> int:
    """Show every endpoint of an environment, and what it answers if it is asked."""
    import json
    from dataclasses import fields

    from slipway.ops.inventory import MISSING, UNASKED, Inventory, Row
    from slipway.ops.table import show
    from slipway.ops.target import choose
    from slipway.spec.load import load

    environment = load(args.config, args.env).environment
    target = choose(environment, args.target)
    inventory = Inventory(environment, target)
    rows, undeclared = list(inventory.rows(ask=ask)), list(inventory.undeclared())
    if getattr(args, "json", False):
        print(json.dumps([row.as_dict() for row in [*rows, *undeclared]], indent=2))
    else:
        if ask:
            print()
        # What no endpoint here has, such as components, needs no column.
        names = [f.name for f in fields(Row) if f.name not in ("answer", "declared")]
        columns = [name for name in names if any(getattr(row, name) for row in rows)] or names
        show(columns, [[str(getattr(row, column)) for column in columns] for row in rows])
        for row in undeclared:
            print(inventory.remedy(row))
        if ask:
            print()
        for name, answer in {row.name: row.answer for row in rows if row.answer}.items():
            print(f"{name}: {answer}" if answer.startswith(UNASKED) else f"{name} answered: {answer}")
    return FAILED if any(row.status == MISSING or row.answer.startswith("error:") for row in rows) else OK
