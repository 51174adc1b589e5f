"""`slipway promote`: a model version from one environment to another."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from slipway.commands.base import OK, WRONG, Commands, unknown

if TYPE_CHECKING:
    from slipway.ops.promote.promote import Promoted, Side

_EXAMPLES = """slipway promote iris 2 --from dev --to staging
  slipway promote demand/store-1 1 --from dev --to prod --target aws --from-profile acme-dev --to-profile acme-prod"""


def register(commands: Commands) -> None:
    """Add the command."""
    one = commands.add("promote", promote, _EXAMPLES, env=None, target=True)
    one.add_argument("model", help="as it was published, such as iris or demand/store-1")
    one.add_argument("version", help="as it was published")
    one.add_argument("--from", dest="source", required=True, metavar="NAME", help="the environment that has it")
    one.add_argument("--to", required=True, metavar="NAME", help="the environment that gets it")
    one.add_argument(
        "--from-profile",
        metavar="NAME",
        help="AWS profile for --from, where that is another account (default: AWS_PROFILE)",
    )
    one.add_argument("--to-profile", metavar="NAME", help="AWS profile for --to (default: AWS_PROFILE)")


def promote(args: argparse.Namespace) -> int:
    """Copy a published version to another environment: the same bytes and the same image, hash checked."""
    from slipway.ops.promote.promote import Side, refuse_one_login
    from slipway.ops.promote.promote import promote as run
    from slipway.ops.promote.users import uses
    from slipway.ops.publish.publish import published_models
    from slipway.ops.target import choose
    from slipway.spec.load import load_unpublished
    from slipway.spec.lock import artifact_key

    try:
        artifact_key(args.model, args.version)
    except ValueError as error:
        print(error, file=sys.stderr)
        return WRONG
    source, to = load_unpublished(args.config, args.source), load_unpublished(args.config, args.to)
    refuse_one_login(source, to, args.target, (args.from_profile, args.to_profile))
    for environment in (source, to):
        if not any(uses(environment, args.model)):
            nobody = f"no endpoint of {environment.environment} uses a model {args.model!r}"
            print(f"note: {unknown(nobody, args.model, published_models(environment))}", file=sys.stderr)
    sides = (
        Side(source, choose(source, args.target, profile=args.from_profile)),
        Side(to, choose(to, args.target, profile=args.to_profile)),
    )
    for word, side in zip(("from", "to  "), sides, strict=True):
        print(f"{word} {side.target.where}", flush=True)
    done = run(
        args.model,
        args.version,
        source=sides[0],
        to=sides[1],
        config=args.config,
        say=lambda line: print(f"· {line}", flush=True),
    )
    print(f"{'promoted' if done.uploaded else 'already there'}: {done.uri}")
    print(f"sha256 {done.sha256}, read from {'both buckets' if done.uploaded else 'the bucket'}")
    for image in dict.fromkeys(done.images.values()):
        print(f"{'warning: ' if image.moves else ''}{image.said}", file=sys.stderr if image.moves else sys.stdout)
    _next(args, done, sides[1])
    return OK


def _next(args: argparse.Namespace, done: Promoted, to: Side) -> None:
    """Say what it takes until requests are answered by it."""
    import yaml

    from slipway.ops.promote.users import to_write, uses
    from slipway.ops.publish.multi_model import serving
    from slipway.spec.lock import artifact_key

    environment = to.environment
    key = artifact_key(args.model, args.version)
    for name, archive in serving(environment, key):
        print(f"a request to {environment.names.endpoint(name)} names it {archive}; that takes no deployment")
    if all(use.artifact.several for use in uses(environment, args.model)):
        return
    file = args.config / f"{environment.environment}.yaml"
    deploy = f"`slipway deploy --env {environment.environment}{' --target aws' if args.target == 'aws' else ''}`"
    images = {use: image.pinned for use, image in done.images.items()}
    lacking = to_write(environment, args.model, args.version, key, images)
    if not lacking:
        print(f"{environment.environment} declares it already: {deploy} serves it")
        return
    print(f"\n{environment.environment} does not declare it yet. Write this in {file}, and then {deploy}:\n")
    print(yaml.safe_dump(dict(lacking), sort_keys=False, default_flow_style=False).rstrip())
