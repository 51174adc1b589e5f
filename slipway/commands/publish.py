"""`slipway publish`: models into the bucket."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from slipway.commands.base import OK, WRONG, Commands, unknown


def register(commands: Commands) -> None:
    """Add the command."""
    one = commands.add("publish", publish, "slipway publish build/v2 --model iris --version 2", target=True)
    one.add_argument("folder", type=Path, help="what becomes model.tar.gz")
    one.add_argument(
        "--model",
        required=True,
        help="what the config calls it, such as iris; or demand/store-1 for an archive under models/demand/",
    )
    one.add_argument("--version", required=True, help="1 or more, or a word such as 2026-11-21")


def publish(args: argparse.Namespace) -> int:
    """Package a folder, upload it under its version, and record its hash."""
    from slipway.ops.publish import publish as run
    from slipway.ops.publish import published_models
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
    print(target.where)
    done = run(
        args.folder,
        model=args.model,
        version=args.version,
        bucket=environment.names.bucket,
        lock_path=args.config / LOCK,
        s3=target.client("s3"),
    )
    print(f"{'uploaded' if done.uploaded else 'already there'}: {done.uri} ({done.size:,} bytes)")
    print(f"sha256 {done.sha256}, recorded in {args.config / LOCK}")
    return OK
