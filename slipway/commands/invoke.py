"""`slipway invoke`: ask an endpoint."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.commands.base import FAILED, OK, TIMED_OUT, WRONG, Commands, loaded, no_endpoint, seconds

if TYPE_CHECKING:
    from slipway.ops.invoke.invoke import Answer, Invoker
    from slipway.ops.invoke.request import Request
    from slipway.spec.endpoint import Endpoint

_EXAMPLES = """slipway invoke iris '[5.1, 3.5, 1.4, 0.2]'
  slipway invoke iris --file flowers.csv --accept text/csv
  slipway invoke fraud --count 200
  slipway invoke fraud --variant challenger
  slipway invoke demand '[6, 0, 21]' --target-model store-2/v1/model.tar.gz
  slipway invoke payments '31.5,,,1,' --content-type text/csv --container scale
  slipway invoke shared --component prices
  slipway invoke reports --file report.json --no-wait"""
#: Standard input, as a body or a file.
_STDIN = "-"
_MOST = 100_000


def register(commands: Commands) -> None:
    """Add the command."""
    ask = commands.add("invoke", invoke, _EXAMPLES, target=True)
    ask.add_argument("endpoint", help="its short name")
    body = ask.add_mutually_exclusive_group()
    body.add_argument(
        "body",
        nargs="?",
        help="what to send; - for standard input (default: the endpoint's sample)",
    )
    body.add_argument("--file", type=Path, metavar="FILE", help="send what is in a file")
    ask.add_argument(
        "--content-type", metavar="TYPE", help="its type (default: by the file's name, else application/json)"
    )
    ask.add_argument("--accept", metavar="TYPE", help="the type that the answer is to have (default: the container's)")
    ask.add_argument("--variant", metavar="NAME", help="which variant answers (default: by weight)")
    ask.add_argument("--target-model", metavar="ARCHIVE", help="multi-model: which archive under the prefix answers")
    ask.add_argument("--container", metavar="NAME", help="direct pipeline: which container answers")
    ask.add_argument("--component", metavar="NAME", help="inference components: which one answers")
    ask.add_argument("--count", type=count, metavar="N", help="ask N times, and sum up who answered and how fast")
    ask.add_argument("--no-wait", action="store_true", help="asynchronous: print where the answer will be, and go")
    ask.add_argument(
        "--timeout", type=seconds, metavar="TIME", help="asynchronous: how long to wait for the answer (default: 2m)"
    )
    ask.add_argument("--json", action="store_true", help="the answer and what is known of it, as JSON")


def count(text: str) -> int:
    """Read how often from an argument."""
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no count: write 1 to {_MOST}")
    return int(text)


def invoke(args: argparse.Namespace) -> int:
    """Send an endpoint a request and print its answer."""
    from slipway.ops.invoke.errors import NotYetAnswered
    from slipway.ops.invoke.invoke import PATIENCE, Invoker
    from slipway.ops.invoke.request import check
    from slipway.ops.target import choose

    environment = loaded(args).environment
    if args.endpoint not in environment.endpoints:
        print(no_endpoint(args.endpoint, tuple(environment.endpoints)), file=sys.stderr)
        return WRONG
    endpoint = environment.endpoints[args.endpoint]
    request = _request(args, endpoint)
    check(args.endpoint, endpoint, request)
    _check_queue(args, endpoint)
    target = choose(environment, args.target)
    print(target.where, file=sys.stderr)
    invoker = Invoker(environment, target, patience=PATIENCE if args.timeout is None else args.timeout)
    if args.count is not None:
        return _many(invoker, args, request)
    if endpoint.asynchronous is not None:
        try:
            return _queued(invoker, args, request)
        except NotYetAnswered as error:
            print(error, file=sys.stderr)
            return TIMED_OUT
    answer = invoker.invoke(args.endpoint, request)
    if answer.variant and len(endpoint.fleet) > 1:
        print(f"answered by {answer.variant}", file=sys.stderr)
    _show(answer, as_json=args.json)
    return OK


def _request(args: argparse.Namespace, endpoint: Endpoint) -> Request:
    """Make the request that the arguments describe; what they leave open is the sample's."""
    from dataclasses import replace

    from slipway.ops.invoke.errors import WrongRequest
    from slipway.ops.invoke.payload import content, content_type
    from slipway.ops.invoke.request import Request, check, request_of, sample_of

    sample = sample_of(endpoint, args.component)
    if args.file is not None and str(args.file) != _STDIN:
        kind = args.content_type or content_type(args.file)
        request = Request(content(args.file), kind, component=args.component)
    elif args.body is not None or args.file is not None:
        stdin = _STDIN in (args.body, str(args.file))
        body = sys.stdin.buffer.read() if stdin else args.body.encode()
        request = Request(body, "application/json", component=args.component)
    elif sample is not None:
        request = request_of(endpoint, sample, args.component)
    else:
        request = Request(b"", "", component=args.component)
    names = ("content_type", "accept", "variant", "target_model", "container")
    said = {name: getattr(args, name) for name in names}
    request = replace(request, **{name: value for name, value in said.items() if value is not None})
    if args.body is None and args.file is None and sample is None:
        check(args.endpoint, endpoint, request)  # which component, for instance, matters more
        raise WrongRequest(f"{args.endpoint} declares no `sample`: give a body, or - for standard input, or --file")
    return request


def _check_queue(args: argparse.Namespace, endpoint: Endpoint) -> None:
    from slipway.ops.invoke.errors import WrongRequest

    if endpoint.asynchronous is None:
        for option, given in (("--no-wait", args.no_wait), ("--timeout", args.timeout is not None)):
            if given:
                raise WrongRequest(f"{args.endpoint}: {option} is for asynchronous endpoints: leave it out")
    elif args.count is not None:
        raise WrongRequest(f"{args.endpoint}: --count is for endpoints that answer at once: leave it out")


def _queued(invoker: Invoker, args: argparse.Namespace, request: Request) -> int:
    """Queue a request; wait for its answer, unless that is not wanted."""
    import json
    from dataclasses import asdict

    from slipway.ops.invoke.invoke import will_be

    queued = invoker.queue(args.endpoint, request)
    # Said before the wait, so that whoever breaks it off knows.
    print(f"queued: {will_be(queued)}", file=sys.stderr, flush=True)
    if args.no_wait:
        print(json.dumps(asdict(queued), indent=2) if args.json else queued.location)
        return OK
    _show(invoker.wait(queued), as_json=args.json)
    return OK


def _show(answer: Answer, *, as_json: bool) -> None:
    import base64
    import json

    if as_json:
        known = {
            "variant": answer.variant,
            "content_type": answer.content_type,
            "seconds": answer.seconds,
            "location": answer.location,
        }
        try:
            body = {"body": answer.body.decode()}
        except UnicodeDecodeError:
            body = {"base64": base64.b64encode(answer.body).decode()}
        print(json.dumps({**{key: value for key, value in known.items() if value}, **body}, indent=2))
        return
    # As it came, since it may be binary and go to a file; only a terminal's prompt wants a line of its own.
    end = b"\n" if sys.stdout.isatty() and not answer.body.endswith(b"\n") else b""
    sys.stdout.buffer.write(answer.body + end)
    sys.stdout.buffer.flush()


def _many(invoker: Invoker, args: argparse.Namespace, request: Request) -> int:
    """Ask often, and sum up, also what there is when it is broken off."""
    import json

    from slipway.ops.invoke.repetition import Outcome, repeat, summarize
    from slipway.ops.metrics.measures import duration
    from slipway.ops.table import show

    outcomes: list[Outcome] = []
    try:
        for outcome in repeat(invoker, args.endpoint, request, args.count):
            outcomes.append(outcome)  # noqa: PERF402 - what has come is kept when the rest does not
    finally:
        found = summarize(outcomes)
        if outcomes and args.json:
            print(json.dumps(found.as_dict(), indent=2))
        elif outcomes:
            print(f"{found.headline}\n")
            rows = [
                [one.variant, str(one.count), f"{one.share:.1%}", duration(one.p50), duration(one.p99)]
                for one in found.answers
            ]
            if rows:
                show(["variant", "answers", "share", "p50", "p99"], rows)
            for error, times in found.errors:
                print(f"{times} × {error}")
    return FAILED if found.failed else OK
