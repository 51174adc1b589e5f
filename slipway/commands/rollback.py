"""`slipway rollback`: an endpoint back to an earlier revision, when the new one is bad."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from slipway.commands.base import OK, WRONG, Commands, loaded, no_endpoint, same_place, seconds

if TYPE_CHECKING:
    from slipway.ops.rollback.revisions import Standing
    from slipway.ops.rollback.rollback import Rollback
    from slipway.ops.target import Target
    from slipway.spec.environment import Environment

_EXAMPLES = """slipway rollback iris --list
  slipway rollback iris --dry-run
  slipway rollback iris --env prod --target aws
  slipway rollback iris --to 3 --now --env prod --target aws"""


def register(commands: Commands) -> None:
    """Add the command."""
    back = commands.add("rollback", rollback, _EXAMPLES, target=True)
    back.add_argument("endpoint", help="its short name")
    what = back.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="show the revisions and what they differ in, change nothing")
    what.add_argument("--dry-run", action="store_true", help="check everything and say what would be done")
    what.add_argument(
        "--clean", action="store_true", help="remove the temporary alarms that an interrupted rollback left"
    )
    back.add_argument(
        "--to", metavar="VERSION|CONFIG", help="which revision (default: the previous one that serves something else)"
    )
    back.add_argument(
        "--now", action="store_true", help="all at once, without bake and alarms (default: by the endpoint's strategy)"
    )
    back.add_argument(
        "--timeout",
        type=seconds,
        metavar="TIME",
        help="how long to watch, such as 30m (default: what it may take)",
    )
    back.add_argument(
        "--confirm", metavar="NAME", help="the endpoint's full name; never asked for, but another one is refused"
    )
    back.add_argument("--json", action="store_true", help="as JSON; what happens meanwhile goes to standard error")


def rollback(args: argparse.Namespace) -> int:
    """Take an endpoint back to an earlier revision."""
    from slipway.ops.confirm import confirm
    from slipway.ops.rollback.rollback import Rollback
    from slipway.ops.target import choose

    environment = loaded(args).environment
    if args.endpoint not in environment.endpoints:
        print(no_endpoint(args.endpoint, tuple(environment.endpoints)), file=sys.stderr)
        return WRONG
    alone = "--list" if args.list else "--clean" if args.clean else ""
    if alone and (args.to is not None or args.now or args.timeout is not None):
        print(f"{alone} changes no endpoint: leave out --to, --now and --timeout", file=sys.stderr)
        return WRONG
    if args.confirm is not None:
        # Nothing is asked here, also not in prod: it has to be quick, and it is guarded.
        confirm(environment, environment.names.endpoint(args.endpoint), args.confirm, what="this rolls it back")
    target = choose(environment, args.target)
    print(target.where, file=sys.stderr if args.json else sys.stdout, flush=True)
    back = Rollback(environment, args.endpoint, target, again=same_place(args))
    if args.list:
        return _show(back.listing(), as_json=args.json)
    if args.clean:
        return _clean(back, args)
    return _go(back, environment, target, args)


def _show(found: list[Standing], *, as_json: bool) -> int:
    import json

    from slipway.ops.rollback.revisions import created
    from slipway.ops.table import show

    if as_json:
        print(json.dumps([one.as_dict() for one in found], indent=2))
        return OK
    rows = []
    for one in found:
        models = f"gone: {', '.join(one.gone)}" if one.gone else "there"
        differs = "" if one.live else ", ".join(one.differs) or "nothing"
        rows.append(
            [one.revision.config, one.revision.version, created(one.revision), one.role, differs, models],
        )
    show(("config", "version", "created", "is", "differs in", "models"), rows)
    return OK


def _clean(back: Rollback, args: argparse.Namespace) -> int:
    import json

    removed = back.clean()
    if args.json:
        print(json.dumps({"removed": removed}, indent=2))
    else:
        print("\n".join(f"removed {name}" for name in removed) or "no rollback left an alarm")
    return OK


def _go(back: Rollback, environment: Environment, target: Target, args: argparse.Namespace) -> int:
    import json

    from slipway.ops.live import same_config
    from slipway.ops.rollback.advice import Advisor
    from slipway.ops.rollback.report import advice, data, ending
    from slipway.ops.watch.showing import chosen

    out = sys.stderr if args.json else sys.stdout
    way = back.prepare(args.to, now=args.now)
    for line in way.lines():
        print(line, file=out, flush=True)
    ended = None
    if way.there:
        print("nothing to do: that is what it serves", file=out)
    elif args.dry_run:
        print("nothing was changed (--dry-run); when it is done:", file=out)
    else:
        ended = back.go(way, timeout=args.timeout, show=chosen(as_json=False, output=out))
        for line in ending(way, ended, back):
            print(line, file=out, flush=True)
    code = ended.outcome.exit_code if ended else OK
    changes = []
    if code == OK:
        advisor = Advisor(environment, args.endpoint, args.config, back.models, target.client("sagemaker"))
        changes = advisor.changes(way.to, way.differs if same_config(way.held, way.live.config) else ())
        for line in advice(way, changes, back, str(args.config / f"{environment.environment}.yaml")):
            print(line, file=out)
    if args.json:
        print(json.dumps(data(way, ended, changes), indent=2))
    return code
