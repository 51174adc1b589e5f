"""`slipway recreate`: an endpoint deleted and created again."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from slipway.commands.base import OK, TIMED_OUT, WRONG, Commands, loaded, no_endpoint, same_place

if TYPE_CHECKING:
    from slipway.spec.units import Duration

_EXAMPLE = """slipway recreate iris
  slipway recreate iris --resume
  slipway recreate iris --env prod --target aws --confirm rc-project-a-prod-iris-ep"""
_TIMEOUT = "2h"


def register(commands: Commands) -> None:
    """Add the command."""
    again = commands.add("recreate", recreate, _EXAMPLE, target=True)
    again.add_argument("endpoint", metavar="ENDPOINT", help="its short name")
    what = again.add_mutually_exclusive_group()
    what.add_argument("--endpoint-config", metavar="NAME", help="serve another endpoint config (default: the same)")
    what.add_argument("--resume", action="store_true", help="go on where an earlier run was interrupted")
    again.add_argument("--confirm", metavar="NAME", help="the endpoint's full name, which prod asks for")
    again.add_argument(
        "--timeout",
        type=_duration,
        metavar="TIME",
        help=f"how long the creation may take, then it ends with 4 (default: {_TIMEOUT})",
    )


def _duration(text: str) -> Duration:
    from slipway.spec.units import Duration

    try:
        return Duration.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def recreate(args: argparse.Namespace) -> int:
    """Delete an endpoint, wait, and create it with the same config: nothing answers meanwhile."""
    from datetime import timedelta

    from slipway.ops.confirm import confirm
    from slipway.ops.recreate.recreate import Recreator
    from slipway.ops.settling import NotSettledError
    from slipway.ops.target import choose

    environment = loaded(args).environment
    if args.endpoint not in environment.endpoints:
        print(no_endpoint(args.endpoint, tuple(environment.endpoints)), file=sys.stderr)
        return WRONG
    target = choose(environment, args.target)
    print(target.where, flush=True)
    what = "this deletes the endpoint and creates it again, and until it serves nothing answers"
    confirm(environment, environment.names.endpoint(args.endpoint), args.confirm, what=what)
    recreator = Recreator(environment, args.endpoint, target, again=same_place(args))
    within = timedelta(seconds=args.timeout or _duration(_TIMEOUT))
    try:
        if args.resume:
            recreator.resume(within)
        else:
            recreator.begin(args.endpoint_config, within)
    except NotSettledError as error:
        print(error, file=sys.stderr)
        return TIMED_OUT
    return OK
