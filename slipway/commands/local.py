"""`slipway local`: the local AWS."""

from __future__ import annotations

import argparse
import sys

from slipway.commands.base import FAILED, OK, Commands, loaded

_HIGHEST_PORT = 65_535


def register(commands: Commands) -> None:
    """Add the commands."""
    local = commands.group("local", "the local AWS")
    start = local.add("start", local_start, "slipway local start", env=None)
    start.add_argument(
        "--port", type=_port, default=None, help="0 for a free one (default: 4577, or a free one where that is taken)"
    )
    local.add("stop", local_stop, "slipway local stop", env=None)
    local.add("status", local_status, "slipway local status", env=None)
    local.add("env", local_env, 'eval "$(slipway local env --env dev)"')


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= _HIGHEST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write 1 to {_HIGHEST_PORT}, or 0 for a free one")
    return int(text)


def local_start(args: argparse.Namespace) -> int:
    """Start the local AWS."""
    from slipway.local import control

    running = control.start(port=args.port)
    print(f'local AWS at {running.url} (process {running.pid}); point a shell at it with: eval "$(slipway local env)"')
    return OK


def local_stop(args: argparse.Namespace) -> int:
    """Stop the local AWS; everything in it is gone then."""
    del args
    from slipway.local import control

    print("stopped" if control.stop() else "there was none to stop")
    return OK


def local_status(args: argparse.Namespace) -> int:
    """Say whether the local AWS runs."""
    del args
    from slipway.local import control

    running = control.status()
    print(f"local AWS at {running.url} (process {running.pid})" if running else "no local AWS runs here")
    return OK if running else FAILED


def local_env(args: argparse.Namespace) -> int:
    """Print the shell commands that point any AWS tool at the local AWS."""
    import os
    import shlex

    from slipway.local import control

    environment = loaded(args).environment
    running = control.status()
    if running is None:
        print("no local AWS runs here: start it with `slipway local start`", file=sys.stderr)
        return FAILED
    for name in control.removed(os.environ):
        print(f"unset {name}")
    for name, value in control.environment(running.url, environment.account, environment.region).items():
        print(f"export {name}={shlex.quote(value)}")
    return OK
