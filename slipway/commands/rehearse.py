"""`slipway rehearse`: an update with faults before it happens."""

from __future__ import annotations

import argparse

from slipway.commands.base import Commands
from slipway.rehearsal import arguments


def register(commands: Commands) -> None:
    """Add the command."""
    arguments.add(commands.add("rehearse", rehearse, arguments.EXAMPLE))


def rehearse(args: argparse.Namespace) -> int:
    """Try an update with faults before it happens, and show what its alarms miss."""
    from slipway.rehearsal.command import run

    return run(args)
