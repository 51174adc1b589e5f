"""`slipway deploy` and `slipway diff`: an environment as its config says."""

from __future__ import annotations

import argparse
import sys

from slipway.commands.base import ROLLED_BACK, WRONG, Commands, loaded, no_endpoint
from slipway.commands.status import show_status

_EXAMPLE = "slipway deploy --env dev\n  slipway deploy --env prod --speed 60\n  slipway deploy --wake iris"


def register(commands: Commands) -> None:
    """Add the commands."""
    launch = commands.add("deploy", deploy, _EXAMPLE, target=True)
    launch.add_argument(
        "--wake",
        action="append",
        default=[],
        metavar="NAME",
        help="bring back an endpoint that the cleanup removed because it was idle; may be repeated",
    )
    launch.add_argument("--no-preflight", action="store_true", help="leave out the checklist, see `slipway preflight`")
    launch.add_argument(
        "--speed",
        type=float,
        metavar="N",
        help="let the local AWS's clock run N times as fast meanwhile, 1 to 3600: bakes take their time there too",
    )
    commands.add("diff", diff, "slipway diff --env prod --target aws", target=True)


def deploy(args: argparse.Namespace) -> int:
    """Bring an environment to what its config says."""
    from slipway.ops.deploy.deploy import Deployer
    from slipway.ops.deploy.local_clock import sped_up
    from slipway.ops.target import choose

    environment = loaded(args).environment
    for name in args.wake:
        if name not in environment.endpoints:
            print(no_endpoint(name, tuple(environment.endpoints)), file=sys.stderr)
            return WRONG
    target = choose(environment, args.target, start=True)
    print(target.where, flush=True)
    if args.no_preflight:
        print("· preflight: left out, as --no-preflight says", flush=True)
    deployer = Deployer(environment, target, args.config, wake=args.wake, check=not args.no_preflight)
    with sped_up(target, args.speed):
        deployer.run()
    code = show_status(args, ask=True)
    rolled_back = deployer.rolled_back()
    for one in rolled_back:
        print(one.text, file=sys.stderr)
    return ROLLED_BACK if rolled_back else code


def diff(args: argparse.Namespace) -> int:
    """Show what a deployment would change."""
    from slipway.ops.deploy.deploy import Deployer
    from slipway.ops.target import choose

    environment = loaded(args).environment
    target = choose(environment, args.target)
    print(target.where, flush=True)
    return Deployer(environment, target, args.config).diff()
