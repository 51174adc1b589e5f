"""`slipway invoke`: ask an endpoint."""

from __future__ import annotations

import argparse
import sys

from slipway.commands.base import OK, WRONG, Commands, loaded, no_endpoint

_EXAMPLES = """slipway invoke iris '[5.1, 3.5, 1.4, 0.2]'
  slipway invoke iris --variant challenger
  slipway invoke demand '[6, 0, 21]' --target-model store-2/v1/model.tar.gz
  slipway invoke payments '31.5,,,1,' --content-type text/csv --container scale
  slipway invoke shared --component prices"""


def register(commands: Commands) -> None:
    """Add the command."""
    ask = commands.add("invoke", invoke, _EXAMPLES, target=True)
    ask.add_argument("endpoint", help="its short name")
    ask.add_argument(
        "body",
        nargs="?",
        help="what to send; - for standard input (default: the endpoint's sample)",
    )
    ask.add_argument("--content-type", help="its type (default: application/json)")
    ask.add_argument("--variant", metavar="NAME", help="which variant answers (default: by weight)")
    ask.add_argument("--target-model", metavar="ARCHIVE", help="multi-model: which archive under the prefix answers")
    ask.add_argument("--container", metavar="NAME", help="direct pipeline: which container answers")
    ask.add_argument("--component", metavar="NAME", help="inference components: which one answers")


def invoke(args: argparse.Namespace) -> int:
    """Send an endpoint a request and print its answer."""
    from dataclasses import replace

    from slipway.ops.invoke import Invoker, Request, check, request_of, sample_of
    from slipway.ops.target import choose

    environment = loaded(args).environment
    if args.endpoint not in environment.endpoints:
        print(no_endpoint(args.endpoint, tuple(environment.endpoints)), file=sys.stderr)
        return WRONG
    endpoint = environment.endpoints[args.endpoint]
    sample = sample_of(endpoint, args.component)
    if args.body is not None:
        body = sys.stdin.buffer.read() if args.body == "-" else args.body.encode()
        request = Request(body, "application/json", component=args.component)
    elif sample is not None:
        request = request_of(endpoint, sample, args.component)
    else:
        request = Request(b"", "", component=args.component)
    said = {key: getattr(args, key) for key in ("content_type", "variant", "target_model", "container")}
    request = replace(request, **{key: value for key, value in said.items() if value is not None})
    check(args.endpoint, endpoint, request)
    if args.body is None and sample is None:
        print(f"{args.endpoint} declares no `sample`: give a body, or - for standard input", file=sys.stderr)
        return WRONG
    target = choose(environment, args.target)
    print(target.where, file=sys.stderr)
    answer = Invoker(environment, target).invoke(args.endpoint, request)
    if answer.location:
        print(f"answered in {answer.location}", file=sys.stderr)
    # As it came, since it may be binary and go to a file; only a terminal's prompt wants a line of its own.
    end = b"\n" if sys.stdout.isatty() and not answer.body.endswith(b"\n") else b""
    sys.stdout.buffer.write(answer.body + end)
    sys.stdout.buffer.flush()
    return OK
