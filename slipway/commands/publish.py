"""`slipway publish`: models into the bucket."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.commands.base import OK, WRONG, Commands, unknown

if TYPE_CHECKING:
    from slipway.ops.publish.publish import Published
    from slipway.spec.environment import Environment

_EXAMPLE = (
    "slipway publish build/v2 --model iris --version 2\n"
    "  slipway publish build/store-4 --model demand/store-4 --version 1"
)


def register(commands: Commands) -> None:
    """Add the command."""
    one = commands.add("publish", publish, _EXAMPLE, target=True)
    one.add_argument("folder", type=Path, help="what becomes model.tar.gz")
    one.add_argument(
        "--model",
        required=True,
        help="what the config calls it, such as iris; or demand/store-1 for an archive under models/demand/",
    )
    one.add_argument("--version", required=True, help="1 or more, or a word such as 2026-11-21")


def publish(args: argparse.Namespace) -> int:
    """Package a folder, upload it under its version, and record its hash."""
    from slipway.ops.publish.publish import publish as run
    from slipway.ops.publish.publish import published_models
    from slipway.ops.target import choose
    from slipway.spec.load import LOCK, load_unpublished
    from slipway.spec.lock import artifact_key

    try:
        artifact_key(args.model, args.version)
    except ValueError as error:
        print(error, file=sys.stderr)
        return WRONG
    environment = load_unpublished(args.config, args.env)
    known = published_models(environment)
    if not any(args.model == model or (model.endswith("/") and args.model.startswith(model)) for model in known):
        print(f"note: {unknown(f'no endpoint uses a model {args.model!r}', args.model, known)}", file=sys.stderr)
    target = choose(environment, args.target)
    print(target.where, flush=True)
    done = run(
        args.folder,
        model=args.model,
        version=args.version,
        bucket=environment.names.bucket,
        lock_path=args.config / LOCK,
        s3=target.client("s3"),
    )
    report(done, environment, args.config / LOCK)
    return OK


def report(done: Published, environment: Environment, lock: Path) -> None:
    """Say what was published, and who serves it without a deployment."""
    from slipway.ops.publish.multi_model import serving

    print(f"{'uploaded' if done.uploaded else 'already there'}: {done.uri} ({done.size:,} bytes)")
    print(f"sha256 {done.sha256}, recorded in {lock}")
    for name, archive in serving(environment, done.key):
        print(f"a request to {environment.names.endpoint(name)} names it {archive}; that takes no deployment")
