"""`slipway idle`: what the cleanup would remove."""

from __future__ import annotations

import argparse
import sys

from slipway.commands.base import FAILED, OK, Commands, loaded


def register(commands: Commands) -> None:
    """Add the command."""
    spare = commands.add("idle", idle, "slipway idle --env dev", target=True)
    spare.add_argument("--json", action="store_true", help="as JSON")


def idle(args: argparse.Namespace) -> int:
    """Show which endpoints the cleanup would remove and when, and why the others stay; change nothing."""
    import json

    from slipway.ops.idle import COLUMNS, look
    from slipway.ops.table import show
    from slipway.ops.target import choose

    environment = loaded(args).environment
    target = choose(environment, args.target)
    print(target.where, file=sys.stderr if args.json else sys.stdout, flush=True)
    cleanup = environment.cleanup
    if not cleanup:
        nothing = {"mode": "off", "endpoints": [], "revisions": {}, "failures": {}}
        print(json.dumps(nothing, indent=2) if args.json else f"`cleanup` is off in {args.env}: nothing goes")
        return OK
    found = look(environment, cleanup, target)
    if args.json:
        print(json.dumps(found.as_dict(), indent=2))
    else:
        how = "goes" if cleanup.mode == "delete" else "is only reported here"
        print(f"without traffic for {cleanup.window} an endpoint {how}; {cleanup.at}, {cleanup.timezone}\n")
        if found.rows:
            show(COLUMNS, [row.cells for row in found.rows])
        else:
            print("there is no endpoint with this environment's tags")
        revisions = found.revisions
        print(
            f"\nretired configs and models: {revisions['examined']} examined, {len(revisions['marked'])} to be marked, "
            f"{len(revisions['deleted'])} {'to go' if cleanup.mode == 'delete' else 'surplus'}"
        )
    for name, why in found.failures.items():
        print(f"{name}: {why}", file=sys.stderr)
    return FAILED if found.failures else OK
