"""`slipway config`: what is declared."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from slipway.commands.base import OK, WRONG, Commands, loaded


def register(commands: Commands) -> None:
    """Add the commands."""
    config = commands.group("config", "what is declared")
    config.add("check", config_check, "slipway config check --env prod", env="")
    show = config.add("show", config_show, "slipway config show --env prod")
    show.add_argument("--json", action="store_true", help="as JSON")
    schema = config.add("schema", config_schema, "slipway config schema --write", env=None)
    schema.add_argument("--write", action="store_true", help="write it to schema.json in the config folder")
    images = config.add("images", config_images, "slipway config images", env=None)
    images.add_argument("--region", default="eu-west-1", help="whose repositories to show (default: eu-west-1)")


def _no_folder(path: Path) -> str:
    return f"{path}: is no folder: run this where `config/` is, or name it with --config"


def config_check(args: argparse.Namespace) -> int:
    """Check one environment, or all of them."""
    from slipway.spec.errors import ConfigError
    from slipway.spec.load import environments, load

    names = [args.env] if args.env else list(environments(args.config))
    if not names and not args.config.is_dir():
        print(_no_folder(args.config), file=sys.stderr)
        return WRONG
    if not names:
        print(
            f"{args.config}: there is no environment here: write {args.config}/dev.yaml",
            file=sys.stderr,
        )
        return WRONG
    lines: dict[str, None] = {}
    failed = False
    for name in names:
        try:
            found = load(args.config, name)
        except ConfigError as error:
            failed = True
            lines |= {str(problem): None for problem in error.problems}
        else:
            lines |= {str(warning): None for warning in found.warnings}
            endpoints = len(found.environment.endpoints)
            print(f"{name}: {endpoints} endpoint{'' if endpoints == 1 else 's'}, fine")
    for line in lines:
        print(line, file=sys.stderr)
    return WRONG if failed else OK


def config_show(args: argparse.Namespace) -> int:
    """Print an environment as it is after merging, defaults included."""
    import json

    import yaml

    environment = loaded(args).environment
    data = environment.model_dump(mode="json", exclude_none=True)
    if args.json:
        print(json.dumps(data, indent=2))
    else:
        print(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), end="")
    return OK


def config_schema(args: argparse.Namespace) -> int:
    """Print the JSON Schema of the config files, or write it beside them."""
    from slipway.spec.schema import schema_text

    text = schema_text()
    if args.write and not args.config.is_dir():
        print(_no_folder(args.config), file=sys.stderr)
        return WRONG
    if args.write:
        (args.config / "schema.json").write_text(text, encoding="utf-8")
        print(args.config / "schema.json")
    else:
        print(text, end="")
    return OK


def config_images(args: argparse.Namespace) -> int:
    """List the frameworks whose images AWS publishes, with their repositories and recent tags."""
    from slipway.ops.table import show
    from slipway.spec import images

    rows = []
    for framework in images.frameworks():
        regions = images.regions(framework)
        _, repository = images.registry(framework, args.region if args.region in regions else regions[0])
        tags = images.newest_tags(framework)
        rows.append((framework, repository, f"{len(regions)} Regions", tags[0] if tags else ""))
    show(("framework", "repository", "known in", "a recent tag"), rows)
    return OK
