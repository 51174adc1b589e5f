"""`slipway drill`: the rollback drill."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from slipway.commands.base import FAILED, OK, Commands

if TYPE_CHECKING:
    from slipway.drill.drill import Trial

_EXAMPLE = """slipway drill
  slipway drill iris --env prod --strategy rolling
  slipway drill --env dev --strategy canary --target aws"""


def register(commands: Commands) -> None:
    """Add the command."""
    drill_ = commands.add("drill", drill, _EXAMPLE, env="prod", target=True)
    drill_.add_argument(
        "endpoint", nargs="?", help="whose hosting, strategy and alarms (default: the first that has any)"
    )
    drill_.add_argument(
        "--strategy",
        choices=("canary", "linear", "rolling"),
        action="append",
        default=[],
        help="instead of the endpoint's own, with the strategy's defaults; may be repeated",
    )
    drill_.add_argument("--rate", type=_rate, default=120.0, metavar="N", help="requests a minute (default: 120)")
    drill_.add_argument("--json", action="store_true", help="as JSON")
    drill_.add_argument("--quiet", action="store_true", help="leave out how each update goes")


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 1 <= rate <= 6000:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate: write 1 to 6000 requests a minute")
    return rate


def drill(args: argparse.Namespace) -> int:
    """Deploy a good model, then a bad one under live traffic, and show that alarms bring the good one back."""
    import json
    import tempfile
    from pathlib import Path

    from slipway.drill.declaration import declaration
    from slipway.drill.drill import Drill
    from slipway.drill.places import place
    from slipway.ops.watch.following import Quiet
    from slipway.ops.watch.showing import chosen
    from slipway.spec.load import load_unpublished

    environment = load_unpublished(args.config, args.env)
    home = Path(tempfile.mkdtemp(prefix="slipway-drill-"))
    declared = declaration(
        environment, home / "config", like=args.endpoint, strategies=args.strategy, alone=args.target == "local"
    )

    def say(line: str) -> None:
        print(f"· {line}", file=sys.stderr if args.json else sys.stdout, flush=True)

    with place(environment, args.target, home) as target:
        print(target.where, file=sys.stderr if args.json else sys.stdout, flush=True)
        say(f"like {declared.like}; config, templates and logs are in {home}")
        quiet = args.json or args.quiet
        one = Drill(
            target,
            declared,
            home,
            rate=args.rate,
            say=say,
            show=Quiet if quiet else lambda: chosen(as_json=False),
        )
        trials = list(one.run())
    if args.json:
        print(json.dumps([trial.as_dict() for trial in trials], indent=2))
    else:
        _show(trials)
    return OK if all(trial.as_it_should for trial in trials) else FAILED


def _show(trials: list[Trial]) -> None:
    from slipway.ops.table import show
    from slipway.spec.units import Duration

    print()
    columns = ("strategy", "update to", "outcome", "after", "requests", "bad", "share", "foretold", "as foretold")
    rows = [
        (
            trial.strategy,
            trial.what,
            trial.outcome,
            str(Duration(round(trial.seconds))),
            f"{trial.requests:,}",
            f"{trial.bad:,}",
            f"{trial.share:.2%}",
            f"{'rolled back' if trial.foretold.rolled_back else 'deployed'}, {trial.foretold.share:.2%}",
            "yes" if trial.as_foretold else "no",
        )
        for trial in trials
    ]
    show(columns, rows)
