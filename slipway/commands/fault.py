"""`slipway local fault`: calls to the local AWS that fail."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from slipway.commands.base import FAILED, OK, WRONG, Commands, seconds

if TYPE_CHECKING:
    from slipway.local.steering import Failing

#: As ``slipway.local.faults.FaultKind`` has them, which is not imported for the help alone.
_KINDS = ("throttle", "deny", "expire", "disconnect")


def register(local: Commands) -> None:
    """Add the command to those of the local AWS."""
    fault = local.add("fault", run, "slipway local fault throttle sagemaker:UpdateEndpoint --times 3", env=None)
    fault.add_argument(
        "what",
        choices=(*_KINDS, "list", "clear"),
        metavar="WHAT",
        help=f"how calls fail ({', '.join(_KINDS)}), or list, or clear",
    )
    fault.add_argument(
        "which",
        nargs="?",
        metavar="CALLS",
        help="a service (sagemaker) or an operation (sagemaker:UpdateEndpoint); default all; for clear an id",
    )
    fault.add_argument("--times", type=_times, metavar="N", help="only the next N calls; an SDK's retries count")
    fault.add_argument(
        "--for", dest="duration", type=seconds, metavar="DURATION", help="only so long by its clock, such as 10m"
    )
    fault.add_argument("--json", action="store_true", help="print JSON")


def _times(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of calls: write 1 or more")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Let calls to the local AWS fail, list what fails, or let them go well again."""
    from datetime import timedelta

    from slipway.local import control, steering

    running = control.status()
    if running is None:
        print("no local AWS runs here: start it with `slipway local start`", file=sys.stderr)
        return FAILED
    if args.what in ("list", "clear") and (args.times is not None or args.duration is not None):
        print(f"{args.what} takes neither --times nor --for: they are for faults", file=sys.stderr)
        return WRONG
    if args.what == "list" and args.which:
        print(f"list shows all faults: leave {args.which} out", file=sys.stderr)
        return WRONG
    if args.what == "clear":
        if args.which is not None and not args.which.isdecimal():
            print(f"clear: {args.which!r} is no id: `slipway local fault list` shows them", file=sys.stderr)
            return WRONG
        cleared = steering.clear_faults(running.url, None if args.which is None else int(args.which))
        print(f"cleared {cleared}" if not args.json else f'{{"cleared": {cleared}}}')
        return OK
    if args.what != "list":
        service, _, operation = (args.which or "").partition(":")
        duration = None if args.duration is None else timedelta(seconds=args.duration)
        steering.add_fault(
            running.url, args.what, service or None, operation or None, times=args.times, duration=duration
        )
    _show(steering.faults(running.url), as_json=args.json)
    return OK


def _show(faults: list[Failing], *, as_json: bool) -> None:
    if as_json:
        import json

        print(json.dumps([_members(fault) for fault in faults]))
        return
    for fault in faults:
        print(f"{fault.id}  {fault.kind:<10}  {_calls(fault)}, {_extent(fault)}")
    if not faults:
        print("no call fails")


def _members(fault: Failing) -> dict[str, object]:
    return {
        "id": fault.id,
        "kind": fault.kind,
        "service": fault.service,
        "operation": fault.operation,
        "times_left": fault.times_left,
        "seconds_left": None if fault.left is None else round(fault.left.total_seconds(), 3),
    }


def _calls(fault: Failing) -> str:
    if fault.service is None:
        return "every call"
    return f"{fault.service}:{fault.operation}" if fault.operation else f"every call of {fault.service}"


def _extent(fault: Failing) -> str:
    """How long it goes on, in words."""
    from slipway.spec.units import Duration

    parts = []
    if fault.times_left is not None:
        parts.append("the next call" if fault.times_left == 1 else f"the next {fault.times_left} calls")
    if fault.left is not None:
        parts.append(f"for {Duration(round(fault.left.total_seconds()))}")
    return ", ".join(parts) or "until it is cleared"
