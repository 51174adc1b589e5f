"""`slipway shift`: traffic from one variant of an endpoint to another."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from slipway.commands.base import FAILED, OK, ROLLED_BACK, TIMED_OUT, WRONG, Commands, loaded, no_endpoint, same_place

if TYPE_CHECKING:
    from slipway.ops.live import Live
    from slipway.ops.shift.weights import Weights
    from slipway.spec.endpoint import Endpoint

_EXAMPLE = """slipway shift fraud next --stages 10,50,100 --bake 10m --env prod --target aws
  slipway shift fraud --to current=90,next=10
  slipway shift fraud"""
_STAGES, _BAKE = "10,50,100", "10m"


def register(commands: Commands) -> None:
    """Add the command."""
    move = commands.add("shift", shift, _EXAMPLE, target=True)
    move.add_argument("endpoint", metavar="ENDPOINT", help="its short name")
    move.add_argument("variant", nargs="?", metavar="VARIANT", help="the variant that gets the traffic, in stages")
    move.add_argument("--to", type=_weights, metavar="VARIANT=WEIGHT,…", help="weights to set at once, instead")
    move.add_argument(
        "--stages",
        type=_stages,
        metavar="PERCENT,…",
        help=f"shares of VARIANT; the others keep their proportion (default: {_STAGES}; 100 for all at once)",
    )
    move.add_argument(
        "--bake",
        type=_duration,
        metavar="TIME",
        help=f"watch the alarms for so long after each stage (default: {_BAKE}; none with --to)",
    )
    move.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="ALARM",
        help="do not watch this alarm of the variant; may be repeated",
    )
    move.add_argument("--json", action="store_true", help="the weights as they are as JSON; nothing is shifted")


def _weights(text: str) -> Weights:
    from slipway.ops.shift.weights import WrongWeights, parsed

    try:
        return parsed(text)
    except WrongWeights as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _stages(text: str) -> list[float]:
    from slipway.ops.shift.weights import WrongWeights, stages

    try:
        return stages(text)
    except WrongWeights as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _duration(text: str) -> float:
    from slipway.spec.units import Duration

    try:
        return Duration.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def shift(args: argparse.Namespace) -> int:
    """Shift traffic to a variant in stages, and back when an alarm trips; or show the weights."""
    from slipway.ops.settling import NotSettledError
    from slipway.ops.shift.plan import advice, in_stages, to_weights
    from slipway.ops.shift.shift import Shifter, Tripped
    from slipway.ops.shift.weights import said
    from slipway.ops.target import choose
    from slipway.spec.units import Duration

    wrong = _misused(args)
    if wrong:
        print(wrong, file=sys.stderr)
        return WRONG
    environment = loaded(args).environment
    if args.endpoint not in environment.endpoints:
        print(no_endpoint(args.endpoint, tuple(environment.endpoints)), file=sys.stderr)
        return WRONG
    target = choose(environment, args.target)
    print(target.where, file=sys.stderr if args.json else sys.stdout, flush=True)
    shifter = Shifter(environment, args.endpoint, target, again=same_place(args))
    if args.variant is None and args.to is None:
        _show(args, environment.endpoints[args.endpoint], shifter.look())
        return OK
    wanted = to_weights(args.to) if args.to else in_stages(args.variant, args.stages or _stages(_STAGES))
    plan = shifter.plan(wanted, args.ignore)
    if not plan.stages:
        print(f"{plan.live.name}: {said(plan.before)}; nothing to shift")
    else:
        bake = args.bake if args.bake is not None else Duration(0) if args.to else Duration.parse(_BAKE)
        try:
            shifter.run(plan, bake)
        except Tripped as tripped:
            print(tripped, file=sys.stderr)
            return ROLLED_BACK if tripped.put_back else FAILED
        except NotSettledError as error:
            print(error, file=sys.stderr)
            return TIMED_OUT
    for line in advice(environment, args.endpoint, plan.stages[-1].weights if plan.stages else plan.before):
        print(line)
    return OK


def _misused(args: argparse.Namespace) -> str:
    """Say which arguments do not go together; empty when all do."""
    asks = args.variant is None and args.to is None
    if args.variant is not None and args.to is not None:
        return f"a variant ({args.variant}) and --to: name one of them; --to sets the weights of all variants"
    if args.to is not None and args.stages is not None:
        return "--stages are shares of one variant: name it instead of --to, such as `slipway shift fraud next`"
    if asks and (args.stages is not None or args.bake is not None or args.ignore):
        return "which variant is to get the traffic? Name it, such as `slipway shift fraud next`, or say --to"
    if args.json and not asks:
        return "--json shows the weights as they are: leave out what is to be shifted"
    return ""


def _show(args: argparse.Namespace, endpoint: Endpoint, live: Live) -> None:
    """Show the weights as they are, beside those that the config declares."""
    import json

    from slipway.ops.shift.plan import weights_of
    from slipway.ops.shift.weights import number, shares
    from slipway.ops.table import show

    weights = weights_of(live)
    declared = {name: member.weight for name, member in endpoint.fleet.items()}
    if args.json:
        variants = {
            name: {"weight": weight, "share": shares(weights)[name], "declared": declared.get(name)}
            for name, weight in weights.items()
        }
        print(json.dumps({"endpoint": live.name, "status": live.status, "variants": variants}, indent=2))
        return
    print(f"{live.name} is {live.status}\n")
    rows = [
        (name, number(weight), f"{shares(weights)[name]:.4g}%", number(declared[name]) if name in declared else "none")
        for name, weight in weights.items()
    ]
    show(("variant", "weight", "share", "in the config"), rows)
