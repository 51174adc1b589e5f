"""`slipway scale`: other limits of autoscaling for a time, or another number of instances."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from slipway.commands.base import OK, TIMED_OUT, WRONG, Commands, loaded, no_endpoint, same_place

if TYPE_CHECKING:
    from slipway.ops.scale.part import Part
    from slipway.ops.scale.scale import Scale
    from slipway.spec.units import Duration

_EXAMPLE = """slipway scale iris --min 4 --max 8 --for 2h --env prod --target aws
  slipway scale iris --back --env prod --target aws
  slipway scale iris"""


def register(commands: Commands) -> None:
    """Add the command."""
    resize = commands.add("scale", scale, _EXAMPLE, target=True)
    resize.add_argument("endpoint", metavar="ENDPOINT", help="its short name")
    which = resize.add_mutually_exclusive_group()
    which.add_argument("--variant", metavar="NAME", help="which variant, where there are several")
    which.add_argument("--component", metavar="NAME", help="which inference component, where there are several")
    resize.add_argument("--min", type=int, metavar="N", help="fewest instances, copies or warm requests")
    resize.add_argument("--max", type=int, metavar="N", help="most of them")
    resize.add_argument(
        "--for", dest="duration", type=_duration, metavar="TIME", help="then AWS sets the former limits, 5m or longer"
    )
    how = resize.add_mutually_exclusive_group()
    how.add_argument("--back", action="store_true", help="the former limits at once")
    how.add_argument("--instances", type=int, metavar="N", help="this many, where nothing scales the variant")
    resize.add_argument(
        "--wait",
        type=_duration,
        metavar="TIME",
        help="wait so long at most until the new instances or copies serve (ends with 4 if they do not)",
    )
    resize.add_argument("--json", action="store_true", help="the limits as they are as JSON; nothing is changed")


def _duration(text: str) -> Duration:
    from slipway.spec.units import Duration

    try:
        return Duration.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def scale(args: argparse.Namespace) -> int:
    """Set other limits of autoscaling for a time, or a number of instances; or show them."""
    from datetime import timedelta

    from slipway.ops.scale.part import part
    from slipway.ops.scale.scale import Scaler
    from slipway.ops.settling import NotSettledError
    from slipway.ops.target import choose

    wrong = _misused(args)
    if wrong:
        print(wrong, file=sys.stderr)
        return WRONG
    environment = loaded(args).environment
    if args.endpoint not in environment.endpoints:
        print(no_endpoint(args.endpoint, tuple(environment.endpoints)), file=sys.stderr)
        return WRONG
    chosen = part(environment, args.endpoint, variant=args.variant, component=args.component)
    target = choose(environment, args.target)
    print(target.where, file=sys.stderr if args.json else sys.stdout, flush=True)
    scaler = Scaler(environment, args.endpoint, chosen, target, again=same_place(args))
    if args.back:
        scaler.back()
    elif args.instances is not None:
        scaler.count(args.instances)
    elif _limits(args):
        scaler.limit(args.min, args.max, args.duration)
    else:
        _show(args, chosen, scaler.look())
    if args.wait is not None:
        try:
            scaler.wait(timedelta(seconds=args.wait))
        except NotSettledError as error:
            print(error, file=sys.stderr)
            return TIMED_OUT
    return OK


def _limits(args: argparse.Namespace) -> bool:
    return args.min is not None or args.max is not None


def _misused(args: argparse.Namespace) -> str:
    """Say which arguments do not go together; empty when all do."""
    if _limits(args) and (args.back or args.instances is not None):
        return "--min and --max set limits; leave them out with --back or --instances"
    if args.duration is not None and args.instances is not None:
        return (
            "--for takes autoscaling, whose scheduled action sets the limits back on AWS's side: nothing there would "
            "set a number of instances back, so leave --for out"
        )
    if args.duration is not None and not _limits(args):
        return "--for is how long --min and --max hold: say one of them"
    if args.json and (_limits(args) or args.back or args.instances is not None):
        return "--json shows the limits as they are: leave out what is to be changed"
    return ""


def _show(args: argparse.Namespace, part: Part, found: Scale) -> None:
    """Show the limits as they are, what is temporary of them, and what comes next."""
    import json

    from slipway.ops.scale.scalable import said

    target = found.target
    coming = target.next(found.now) if target else None
    if args.json:
        data = {
            "endpoint": found.live.name,
            "status": found.live.status,
            "component" if part.component else "variant": part.name,
            "count": found.count,
            "min": target.limits.lowest if target else None,
            "max": target.limits.highest if target else None,
            "temporary_until": target.ends.isoformat() if target and target.ends else None,
            "then": {"min": target.original.lowest, "max": target.original.highest}
            if target and target.restore
            else None,
            "next_schedule": {"name": coming[1].name, "at": coming[0].isoformat()} if coming else None,
        }
        print(json.dumps(data, indent=2))
        return
    limits = f"between {target.limits}" if target else "not scaled"
    print(f"{found.live.name}, {part}: {part.counted(found.count)}, {limits}")
    if part.scaling is not None:
        print(f"the config has {part.scaling.min} to {part.scaling.max}")
    if target and target.ends:
        print(f"temporary until {said(target.ends)}, then {target.original} again")
    if target and coming:
        print(f"schedule {coming[1].name} sets {coming[1].over(target.limits)} at {said(coming[0])}")
    if found.busy:
        print(found.busy)
