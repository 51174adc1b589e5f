"""`slipway watch`: what becomes of an update."""

from __future__ import annotations

import argparse
import shlex
import sys

from slipway.commands.base import WRONG, Commands, loaded, no_endpoint, seconds, unknown

_EXAMPLES = """slipway watch iris
  slipway watch iris --env prod --target aws --timeout 3h
  slipway watch iris --wait-start 5m --json
  slipway watch shared --component prices"""


def register(commands: Commands) -> None:
    """Add the command."""
    look = commands.add("watch", watch, _EXAMPLES, target=True)
    look.add_argument("endpoint", help="its short name")
    look.add_argument(
        "--expect",
        metavar="CONFIG",
        default="",
        help="the endpoint config that it is to serve in the end; with --component the model "
        "(default: what its stack holds, else what the update leads to)",
    )
    look.add_argument("--component", metavar="NAME", help="watch an inference component of it")
    look.add_argument(
        "--timeout", type=seconds, default=7200.0, metavar="DURATION", help="how long, such as 90m (default: 2h)"
    )
    look.add_argument(
        "--wait-start",
        type=seconds,
        default=0.0,
        metavar="DURATION",
        help="how long to wait for an update to begin, such as 5m (default: not at all)",
    )
    look.add_argument("--json", action="store_true", help="one JSON event a line")


def watch(args: argparse.Namespace) -> int:
    """Watch an endpoint's update to its end, and say whether it was deployed or rolled back."""
    from slipway.ops.target import choose
    from slipway.ops.watch.following import follow, follow_component
    from slipway.ops.watch.showing import chosen

    environment = loaded(args).environment
    if args.endpoint not in environment.endpoints:
        print(no_endpoint(args.endpoint, tuple(environment.endpoints)), file=sys.stderr)
        return WRONG
    names = environment.names
    components = tuple(environment.endpoints[args.endpoint].components or ())
    if args.component is not None and args.component not in components:
        what = f"{args.endpoint} has no component {args.component!r}"
        print(unknown(what, args.component, components), file=sys.stderr)
        return WRONG
    target = choose(environment, args.target)
    print(target.where, file=sys.stderr if args.json else sys.stdout, flush=True)
    again = _again(args)
    show = chosen(as_json=args.json)
    stack = names.stack(args.endpoint)
    options = {"expect": args.expect, "wait_start": args.wait_start, "timeout": args.timeout}
    try:
        if args.component is not None:
            component = names.component(args.endpoint, args.component)
            outcome = follow_component(target, component, stack=stack, show=show, again=again, **options)
        else:
            outcome = follow(target, names.endpoint(args.endpoint), stack=stack, show=show, again=again, **options)
    except KeyboardInterrupt:
        print(f"whatever is under way goes on; watch it again with `{again}`", file=sys.stderr)
        raise
    return outcome.exit_code


def _again(args: argparse.Namespace) -> str:
    """The same command once more."""
    said = ["slipway", "watch", args.endpoint]
    for option, usual in (("env", "dev"), ("target", "local"), ("component", None), ("expect", "")):
        value = getattr(args, option)
        if value != usual:
            said += [f"--{option}", str(value)]
    if str(args.config) != "config":
        said += ["--config", str(args.config)]
    return shlex.join(said)
