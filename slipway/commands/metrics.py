"""`slipway metrics`: an endpoint's key metrics over a time."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.commands.base import FAILED, OK, WRONG, Commands, loaded, no_endpoint, seconds

if TYPE_CHECKING:
    from datetime import datetime

_EXAMPLES = """slipway metrics iris
  slipway metrics iris --last 7d --png iris.png
  slipway metrics iris --from 2026-11-29T10:00 --to 2026-11-29T12:00 --period 5m
  slipway metrics fraud --variant challenger --json
  slipway metrics shared --component prices"""
#: What is looked at when nothing is said.
_LAST = 3 * 3600.0


def register(commands: Commands) -> None:
    """Add the command."""
    look = commands.add("metrics", metrics, _EXAMPLES, target=True)
    look.add_argument("endpoint", help="its short name")
    look.add_argument(
        "--last", type=seconds, metavar="TIME", help="how much time, up to now or --to: 30m, 3h (default), 7d"
    )
    look.add_argument("--from", dest="start", type=moment, metavar="WHEN", help="its beginning instead, UTC")
    look.add_argument("--to", dest="end", type=moment, metavar="WHEN", help="its end, UTC (default: now)")
    look.add_argument(
        "--period", type=seconds, metavar="TIME", help="how finely: 1m, 5m, 1h (default: about 60 of them)"
    )
    look.add_argument("--variant", metavar="NAME", help="only this variant")
    look.add_argument("--component", metavar="NAME", help="only this inference component")
    look.add_argument("--png", type=Path, metavar="FILE", help="draw them, too")
    look.add_argument("--json", action="store_true", help="as JSON, in CloudWatch's own units")


def moment(text: str) -> datetime:
    """Read a time such as ``2026-11-29T10:00`` from an argument; without a zone it is UTC."""
    from datetime import UTC, datetime

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write it like 2026-11-29T10:00 (UTC) or 2026-11-29T12:00+02:00"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def metrics(args: argparse.Namespace) -> int:
    """Show an endpoint's key metrics over a time: figures, and how each went."""
    import json

    from slipway.ops.metrics.metrics import Metrics, as_dict
    from slipway.ops.metrics.span import now, span
    from slipway.ops.metrics.table import table
    from slipway.ops.table import show
    from slipway.ops.target import choose

    environment = loaded(args).environment
    if args.endpoint not in environment.endpoints:
        print(no_endpoint(args.endpoint, tuple(environment.endpoints)), file=sys.stderr)
        return WRONG
    if args.png is not None:
        from slipway.ops.metrics.chart import check_drawable, draw

        check_drawable(args.png)
    target = choose(environment, args.target)
    print(target.where, file=sys.stderr if args.json else sys.stdout, flush=True)
    last = _LAST if args.last is None and args.start is None else args.last
    time = span(now(target), last=last, start=args.start, end=args.end, period=args.period)
    found = Metrics(environment, target).look(args.endpoint, time, variant=args.variant, component=args.component)
    if args.json:
        print(json.dumps(as_dict(found), indent=2))
    else:
        print(f"{found.endpoint} · {time}")
        for section in found.sections:
            types = section.owner.machine.types
            head = f"{section.owner} · {' or '.join(types)}" if types else str(section.owner)
            print(f"\n{head}\n" if section.has_data else f"\n{head}: no data")
            if section.has_data:
                show(*table(section, time))
    for note in found.notes:
        print(f"CloudWatch did not answer in full: {note}", file=sys.stderr)
    if args.png is not None:
        draw(found, args.png)
        print(f"drawn in {args.png}", file=sys.stderr if args.json else sys.stdout)
    if not found.exists:
        print(f"there is no endpoint {found.endpoint} now", file=sys.stderr)
    return OK if found.exists or found.has_data else FAILED
