"""`slipway plan` and `slipway prices`: what a deployment does, and what it costs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.plan.findings import Kind

from slipway.commands.base import FAILED, FOUND, OK, Commands, loaded, seconds

_EXAMPLE = """slipway plan --env prod --against main
  slipway plan --env prod --target aws --deployed --markdown plan.md --html plan.html
  slipway plan old.yaml new.yaml --fail-on refused,replacement"""

#: Where `slipway prices refresh` writes and `slipway plan` looks, in the config folder.
PRICES = "prices.json"


def register(commands: Commands) -> None:
    """Add the commands."""
    review = commands.add("plan", plan, _EXAMPLE, target=True)
    review.add_argument(
        "sides",
        nargs="*",
        type=Path,
        metavar="OLD NEW",
        help="cloud assemblies or templates; after --against or --deployed only NEW, or nothing to synthesize it",
    )
    other = review.add_mutually_exclusive_group()
    other.add_argument("--against", metavar="REVISION", help="compare with a git revision instead of OLD")
    other.add_argument("--deployed", action="store_true", help="compare with what is deployed instead of OLD")
    for form, text in (("markdown", "for a pull request"), ("json", "for programs"), ("html", "one page, drawn")):
        review.add_argument(f"--{form}", type=Path, metavar="FILE", help=f"write this too, {text}; - for the terminal")
    review.add_argument("--brief", action="store_true", help="leave out which properties differ")
    review.add_argument(
        "--prices", type=Path, metavar="FILE", help="(default: prices.json in the config folder, if any)"
    )
    review.add_argument(
        "--provision", type=seconds, default=600.0, metavar="TIME", help="until instances serve (assumed: 10m)"
    )
    review.add_argument(
        "--fail-on",
        type=_kinds,
        default="refused,live,data-loss",
        metavar="KINDS",
        help="findings that end it with 3: refused, live, data-loss, replacement, removal, security, ignored, caution; "
        "or never (default: refused,live,data-loss)",
    )
    prices = commands.group("prices", "what instances cost")
    refresh = prices.add("refresh", prices_refresh, "slipway prices refresh --env prod")
    refresh.add_argument("--out", type=Path, metavar="FILE", help="(default: prices.json in the config folder)")


def _kinds(text: str) -> tuple[Kind, ...]:
    from slipway.plan.findings import Kind

    known = [kind.value for kind in Kind]
    names = [] if text == "never" else text.split(",")
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}, or never")
    return tuple(Kind(name) for name in names)


def plan(args: argparse.Namespace) -> int:
    """Say what a deployment does: resources, rollout, instances, cost, and what the service would refuse."""
    from slipway.plan import outputs, prices
    from slipway.plan.planning import plan as run
    from slipway.plan.sides import sides
    from slipway.rollout.fleets import Pace
    from slipway.spec.cloudformation import NoSchemasError

    place = None
    if args.deployed:
        from slipway.ops.target import choose

        place = choose(loaded(args).environment, args.target)
    found = sides(args.sides, environment=args.env, config=args.config, revision=args.against, place=place)
    file = args.prices or (args.config / PRICES if (args.config / PRICES).is_file() else None)
    known = prices.read(file) if file else None
    try:
        made = run(found.old, found.new, live=found.live, prices=known, pace=Pace(provision=args.provision))
    except NoSchemasError:
        print("the schemas of resources are not installed: `pip install 'slipway[local]'`", file=sys.stderr)
        return FAILED
    files = {"markdown": args.markdown, "json": args.json, "html": args.html}
    outputs.write(made, files, details=not args.brief)
    return FOUND if made.has(frozenset(args.fail_on)) else OK


def prices_refresh(args: argparse.Namespace) -> int:
    """Fetch the prices of instances from the AWS Price List API into a file with its date."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from slipway.ops.target import aws_target
    from slipway.plan import outputs, prices
    from slipway.spec.load import environments, load_unpublished

    environment = load_unpublished(args.config, args.env)
    regions = [load_unpublished(args.config, name).region for name in environments(args.config)]
    target = aws_target(environment)
    print(target.where)
    client = replace(target, region=prices.API_REGION).client("pricing")
    found = prices.fetch(client, regions, datetime.now(UTC).date())
    file = args.out or args.config / PRICES
    outputs.save(file, prices.text(found))
    listed = ", ".join(f"{region} {len(hourly)}" for region, hourly in sorted(found.hourly.items()))
    print(f"{file}: instance types with a price: {listed}")
    return OK
