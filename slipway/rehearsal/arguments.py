"""The arguments of `slipway rehearse`. Nothing heavy is imported here, so that `--help` is there at once."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """slipway rehearse --env prod
  slipway rehearse --template stack.yaml --parameter Stage=prod --compare
  slipway rehearse --env prod --fail-on gaps --accept memory-leak --markdown rehearsal.md"""
FAULTS = (
    "healthy",
    "latency-step",
    "latency-ramp",
    "errors-5xx",
    "errors-4xx",
    "crash",
    "memory-leak",
    "gpu-oom",
    "cold-start",
    "no-traffic",
    "old-sick",
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes.

    Parameters
    ----------
    parser
        Of the command; ``--env`` and ``--config`` are there already.
    """
    parser.add_argument(
        "--template",
        type=Path,
        metavar="PATH",
        help="a template of whatever tool, JSON or YAML, or a cloud assembly (default: synthesize the environment)",
    )
    parser.add_argument(
        "--parameter",
        type=_parameter,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="the value of a template's parameter; may be repeated",
    )
    parser.add_argument("--endpoint", metavar="NAME", help="only this endpoint or inference component")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="every fault (the default)")
    which.add_argument(
        "--fault",
        choices=FAULTS,
        action="append",
        metavar="NAME",
        help=f"only this one; may be repeated: {', '.join(FAULTS)}",
    )
    parser.add_argument("--compare", action="store_true", help="set the strategies side by side")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write this too, for a pull request; - for the terminal"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write this too, for programs; - for the terminal")
    parser.add_argument(
        "--fail-on", choices=("gaps", "never"), default="never", help="end with 3 when there are gaps (default: never)"
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="CODE",
        help="a gap that is known and no reason to fail, such as memory-leak; may be repeated",
    )
    parser.add_argument("--requests", type=float, metavar="N", help="requests a minute (assumed: 120)")
    parser.add_argument("--latency", type=_duration, metavar="TIME", help="of the model, the median (assumed: 60ms)")
    parser.add_argument(
        "--latency-p99", type=_duration, metavar="TIME", help="its 99th percentile (assumed: 3.3 times the median)"
    )
    parser.add_argument("--slower", type=float, metavar="N", help="how many times slower a slow model is (assumed: 10)")
    parser.add_argument("--failing", type=_share, metavar="SHARE", help="of requests, in a burst (assumed: 30%%)")
    parser.add_argument(
        "--crashing", type=_share, metavar="SHARE", help="of inputs that the model crashes on (assumed: 2%%)"
    )
    parser.add_argument("--provision", type=_duration, metavar="TIME", help="until instances serve (assumed: 10m)")
    parser.add_argument("--watch", type=_duration, metavar="TIME", help="watch on after the update (default: 1h)")
    parser.add_argument("--highest", action="store_true", help="with autoscaling at its highest counts")


def _duration(written: str) -> float:
    from slipway.spec.units import Duration

    try:
        return float(Duration.parse(written))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _share(written: str) -> float:
    from slipway.spec.units import Percent

    try:
        return Percent.parse(written).ratio
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _parameter(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{written!r} is no parameter: write NAME=VALUE")
    return name, value
