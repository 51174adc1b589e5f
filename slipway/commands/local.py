"""`slipway local`: the local AWS."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from slipway.commands import fault
from slipway.commands.base import FAILED, OK, Commands, loaded, seconds

if TYPE_CHECKING:
    from slipway.local.steering import ClockReading

_HIGHEST_PORT = 65_535


def register(commands: Commands) -> None:
    """Add the commands."""
    local = commands.group("local", "the local AWS")
    start = local.add("start", local_start, "slipway local start", env=None)
    start.add_argument(
        "--port", type=_port, default=None, help="0 for a free one (default: 4577, or a free one where that is taken)"
    )
    start.add_argument(
        "--speed",
        type=_speed,
        metavar="N",
        help="how many times as fast its clock runs, 1 to 3600 (default: 1, or as it runs)",
    )
    local.add("stop", local_stop, "slipway local stop", env=None)
    local.add("status", local_status, "slipway local status", env=None)
    local.add("env", local_env, 'eval "$(slipway local env --env dev)"')
    clock = local.add("clock", local_clock, "slipway local clock --speed 60 --advance 10m", env=None)
    clock.add_argument(
        "--reset", action="store_true", help="return to the real time and its speed, before anything else"
    )
    clock.add_argument("--speed", type=_speed, metavar="N", help="run N times as fast as the real time, 1 to 3600")
    clock.add_argument("--advance", type=seconds, metavar="DURATION", help="move forwards, such as 10m or 8d")
    clock.add_argument("--json", action="store_true", help="print JSON")
    fire = local.add("fire", local_fire, "slipway local fire mark --group rc-project-a-dev-idle-cleanup")
    fire.add_argument("schedule", metavar="SCHEDULE", help="name of a schedule of EventBridge Scheduler")
    fire.add_argument("--group", default="default", help="its schedule group (default: default)")
    fault.register(local)


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= _HIGHEST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write 1 to {_HIGHEST_PORT}, or 0 for a free one")
    return int(text)


def _speed(text: str) -> float:
    from slipway.local.clock import check_speed

    try:
        check_speed(float(text))
    except ValueError as error:
        problem = str(error) if "clock" in str(error) else f"{text!r} is no number"
        raise argparse.ArgumentTypeError(problem) from None
    return float(text)


def local_start(args: argparse.Namespace) -> int:
    """Start the local AWS."""
    from slipway.local import control

    running = control.start(port=args.port, speed=args.speed)
    print(f'local AWS at {running.url} (process {running.pid}); point a shell at it with: eval "$(slipway local env)"')
    return OK


def local_stop(args: argparse.Namespace) -> int:
    """Stop the local AWS; everything in it is gone then."""
    del args
    from slipway.local import control

    print("stopped" if control.stop() else "there was none to stop")
    return OK


def local_status(args: argparse.Namespace) -> int:
    """Say whether the local AWS runs."""
    del args
    from slipway.local import control, steering

    running = control.status()
    if running is None:
        print("no local AWS runs here")
        return FAILED
    print(f"local AWS at {running.url} (process {running.pid})")
    reading = steering.clock(running.url)
    if not reading.real:
        print(_said(reading))
    return OK


def local_env(args: argparse.Namespace) -> int:
    """Print the shell commands that point any AWS tool at the local AWS."""
    import os
    import shlex

    from slipway.local import control

    environment = loaded(args).environment
    running = control.status()
    if running is None:
        print("no local AWS runs here: start it with `slipway local start`", file=sys.stderr)
        return FAILED
    for name in control.removed(os.environ):
        print(f"unset {name}")
    for name, value in control.environment(running.url, environment.account, environment.region).items():
        print(f"export {name}={shlex.quote(value)}")
    return OK


def local_clock(args: argparse.Namespace) -> int:
    """Say what the clock of the local AWS says, move it, or let it run faster."""
    import json
    from datetime import timedelta

    from slipway.local import steering

    url = _url()
    if url is None:
        return FAILED
    if args.reset:
        steering.reset_clock(url)
    if args.speed is not None:
        steering.set_speed(url, args.speed)
    if args.advance is not None:
        steering.advance_clock(url, timedelta(seconds=args.advance))
    found = steering.clock(url)
    if args.json:
        ahead = round(found.ahead.total_seconds(), 3)
        print(json.dumps({"now": found.now.isoformat(), "ahead_seconds": ahead, "speed": found.speed}))
    else:
        print(_said(found))
    return OK


def local_fire(args: argparse.Namespace) -> int:
    """Let a schedule fire now, as its role and with its input."""
    from slipway.local import steering
    from slipway.ops import target as targets

    target = targets.choose(loaded(args).environment, "local")
    print(target.where)
    url = target.environ["AWS_ENDPOINT_URL"]
    execution = steering.fire_schedule(url, target.account, target.region, args.schedule, args.group)
    print(f"{args.group}/{args.schedule} fired (execution {execution})")
    return OK


def _url() -> str | None:
    """Where the local AWS of this folder is; says so when there is none."""
    from slipway.local import control

    running = control.status()
    if running is None:
        print("no local AWS runs here: start it with `slipway local start`", file=sys.stderr)
        return None
    return running.url


def _said(reading: ClockReading) -> str:
    """What a clock says, in words."""
    from slipway.spec.units import Duration

    now = f"clock {reading.now:%Y-%m-%d %H:%M:%S} UTC"
    if reading.real:
        return f"{now}, the real time"
    ahead = Duration(round(reading.ahead.total_seconds()))
    speed = f"{reading.speed:g} times as fast" if reading.speed != 1 else "as fast as it"
    return f"{now}, {ahead} ahead of the real time, running {speed}"
