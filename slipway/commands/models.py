"""`slipway models`: the archives of a multi-model endpoint."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.commands.base import FAILED, OK, WRONG, Commands, no_endpoint
from slipway.commands.publish import report

if TYPE_CHECKING:
    from slipway.spec.environment import Environment

_LIST = "slipway models list demand\n  slipway models list demand --verify --env prod --target aws"
_ADD = "slipway models add demand store-4 build/store-4 --version 1"
_REMOVE = (
    "slipway models remove demand store-3/v1/model.tar.gz\n"
    "  slipway models remove demand store-3/v1/model.tar.gz --env prod --confirm rc-multi-model-prod-demand-ep"
)


def register(commands: Commands) -> None:
    """Add the commands."""
    group = commands.group("models", "the archives of a multi-model endpoint: list, add, remove")
    look = group.add("list", show_archives, _LIST, target=True)
    look.add_argument("endpoint", help="its short name")
    look.add_argument(
        "--verify", action="store_true", help="read every archive whole, instead of believing the hash beside it"
    )
    look.add_argument("--json", action="store_true", help="as JSON")
    more = group.add("add", add, _ADD, target=True)
    more.add_argument("endpoint", help="its short name")
    more.add_argument("name", help="what the archive is called under the prefix, such as store-4")
    more.add_argument("folder", type=Path, help="what becomes model.tar.gz")
    more.add_argument("--version", required=True, help="1 or more, or a word such as 2026-11-21")
    less = group.add("remove", take_away, _REMOVE, target=True)
    less.add_argument("endpoint", help="its short name")
    less.add_argument("archive", help="as a request names it, such as store-3/v1/model.tar.gz")
    less.add_argument(
        "--confirm", metavar="NAME", help="the endpoint's full name, which production asks for, typed out here"
    )
    for command in (look, more, less):
        command.add_argument("--prefix", metavar="KEY", help="which prefix, where the endpoint has several")


def show_archives(args: argparse.Namespace) -> int:
    """Show the archives of a multi-model endpoint, and whether they are what was published."""
    import json

    from slipway.ops.publish.multi_model import COLUMNS, WRONG_STATES, archives, prefixes
    from slipway.ops.table import show
    from slipway.ops.target import choose
    from slipway.spec.load import LOCK
    from slipway.spec.lock import read_lock

    environment = _environment(args)
    if environment is None:
        return WRONG
    hashes = read_lock(args.config / LOCK)
    ours = prefixes(environment, args.endpoint, args.prefix)
    target = choose(environment, args.target)
    print(target.where, file=sys.stderr if args.json else sys.stdout, flush=True)
    found = archives(
        environment, args.endpoint, s3=target.client("s3"), hashes=hashes, chosen=args.prefix, verify=args.verify
    )
    if args.json:
        print(json.dumps([one.as_dict() for one in found], indent=2))
    else:
        for prefix in ours:
            rows = [one.cells for one in found if one.prefix == prefix]
            print(f"s3://{environment.names.bucket}/{prefix}")
            if rows:
                show(COLUMNS, rows)
            else:
                print(f"no archive: `slipway models add {args.endpoint} NAME FOLDER --version 1`")
    return FAILED if any(one.state in WRONG_STATES for one in found) else OK


def add(args: argparse.Namespace) -> int:
    """Publish a folder as one more model of a multi-model endpoint, which serves it without a deployment."""
    from slipway.ops.publish.multi_model import one_prefix
    from slipway.ops.publish.publish import publish
    from slipway.ops.target import choose
    from slipway.spec.load import LOCK
    from slipway.spec.lock import artifact_key

    environment = _environment(args)
    if environment is None:
        return WRONG
    model = one_prefix(environment, args.endpoint, args.prefix).removeprefix("models/") + args.name
    try:
        artifact_key(model, args.version)
    except ValueError as error:
        print(error, file=sys.stderr)
        return WRONG
    target = choose(environment, args.target)
    print(target.where, flush=True)
    done = publish(
        args.folder,
        model=model,
        version=args.version,
        bucket=environment.names.bucket,
        lock_path=args.config / LOCK,
        s3=target.client("s3"),
    )
    report(done, environment, args.config / LOCK)
    return OK


def take_away(args: argparse.Namespace) -> int:
    """Remove a model from a multi-model endpoint: its archive, and its entry in the lock file."""
    from slipway.ops.confirm import confirm
    from slipway.ops.publish.archive_removal import plan_removal, remove
    from slipway.ops.target import choose

    environment = _environment(args)
    if environment is None:
        return WRONG
    target = choose(environment, args.target)
    print(target.where, flush=True)
    s3 = target.client("s3")
    removal = plan_removal(environment, args.endpoint, args.archive, config=args.config, s3=s3, chosen=args.prefix)
    for note in removal.notes:
        print(f"note: {note}", file=sys.stderr)
    confirm(environment, removal.endpoint, args.confirm, what=removal.what)
    done = remove(removal, s3=s3)
    uri = f"s3://{removal.bucket}/{removal.key}"
    print(f"removed: {uri}" if done.deleted else f"was not there any more: {uri}")
    if done.marker:
        print(
            f"for {environment.bucket.old_versions} this brings it back: aws s3api delete-object "
            f"--bucket {removal.bucket} --key {removal.key} --version-id {done.marker}"
        )
    elif done.deleted:
        print("the bucket keeps no versions, so it is gone for good")
    if done.forgotten:
        print(f"{removal.lock_path} does not know it any more: commit that")
    return OK


def _environment(args: argparse.Namespace) -> Environment | None:
    """The environment, if it has the endpoint; else says so."""
    from slipway.spec.load import load_unpublished

    environment = load_unpublished(args.config, args.env)
    if args.endpoint in environment.endpoints:
        return environment
    print(no_endpoint(args.endpoint, tuple(environment.endpoints)), file=sys.stderr)
    return None
