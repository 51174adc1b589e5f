"""`slipway preflight`: the checklist before an update."""

from __future__ import annotations

import argparse
import sys

from slipway.commands.base import FAILED, OK, WRONG, Commands, loaded, no_endpoint

_EXAMPLE = "slipway preflight --env dev\n  slipway preflight iris --env prod --target aws --strict"


def register(commands: Commands) -> None:
    """Add the command."""
    look = commands.add("preflight", preflight, _EXAMPLE, target=True)
    look.add_argument("endpoint", nargs="*", metavar="ENDPOINT", help="short names (default: every declared endpoint)")
    look.add_argument("--strict", action="store_true", help="fail at warnings too")
    look.add_argument("--json", action="store_true", help="as JSON")


def preflight(args: argparse.Namespace) -> int:
    """Check before an update what would make it fail, or leave no way back."""
    import json

    from slipway.ops.preflight.checklist import Scope
    from slipway.ops.preflight.checklist import preflight as check
    from slipway.ops.target import choose

    found = loaded(args)
    environment = found.environment
    for name in args.endpoint:
        if name not in environment.endpoints:
            print(no_endpoint(name, tuple(environment.endpoints)), file=sys.stderr)
            return WRONG
    target = choose(environment, args.target)
    print(target.where, file=sys.stderr if args.json else sys.stdout, flush=True)
    names = tuple(dict.fromkeys(args.endpoint)) or tuple(environment.endpoints)
    report = check(environment, target, Scope(names, found.hashes))
    if args.json:
        print(json.dumps(report.as_dict(), indent=2))
    else:
        for line in report.lines():
            print(line)
        print(report.summary)
    return OK if report.passed(strict=args.strict) else FAILED
