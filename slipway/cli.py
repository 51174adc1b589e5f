"""The `slipway` command.

Nothing heavy is imported before it is needed, so that `--help` is there at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.spec.load import Loaded

OK, FAILED, WRONG = 0, 1, 2
Command = Callable[[argparse.Namespace], int]


def _loaded(args: argparse.Namespace) -> Loaded:
    from slipway.spec.load import load

    loaded = load(args.config, args.env)
    for warning in loaded.warnings:
        print(warning, file=sys.stderr)
    return loaded


# -- config


def config_check(args: argparse.Namespace) -> int:
    """Check one environment, or all of them."""
    from slipway.spec.errors import ConfigError
    from slipway.spec.load import environments, load

    names = [args.env] if args.env else list(environments(args.config))
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
            loaded = load(args.config, name)
        except ConfigError as error:
            failed = True
            lines |= {str(problem): None for problem in error.problems}
        else:
            lines |= {str(warning): None for warning in loaded.warnings}
            endpoints = len(loaded.environment.endpoints)
            print(f"{name}: {endpoints} endpoint{'' if endpoints == 1 else 's'}, fine")
    for line in lines:
        print(line, file=sys.stderr)
    return WRONG if failed else OK


def config_show(args: argparse.Namespace) -> int:
    """Print an environment as it is after merging, defaults included."""
    import json

    import yaml

    environment = _loaded(args).environment
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


# -- local AWS


def local_start(args: argparse.Namespace) -> int:
    """Start the local AWS."""
    from slipway.local import control

    running = control.start(port=args.port)
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
    from slipway.local import control

    running = control.status()
    print(f"local AWS at {running.url} (process {running.pid})" if running else "no local AWS runs here")
    return OK if running else FAILED


def local_env(args: argparse.Namespace) -> int:
    """Print the shell commands that point any AWS tool at the local AWS."""
    import os
    import shlex

    from slipway.local import control

    environment = _loaded(args).environment
    running = control.status()
    if running is None:
        print("no local AWS runs here: start it with `slipway local start`", file=sys.stderr)
        return FAILED
    for name in control.removed(os.environ):
        print(f"unset {name}")
    for name, value in control.environment(running.url, environment.account, environment.region).items():
        print(f"export {name}={shlex.quote(value)}")
    return OK


# -- models and deployments


def publish(args: argparse.Namespace) -> int:
    """Package a folder, upload it under its version, and record its hash."""
    from slipway.ops.publish import publish as run
    from slipway.ops.target import choose
    from slipway.spec.load import LOCK, load_unpublished

    environment = load_unpublished(args.config, args.env)
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


def deploy(args: argparse.Namespace) -> int:
    """Bring an environment to what its config says."""
    from slipway.ops.deploy import Deployer
    from slipway.ops.target import choose

    environment = _loaded(args).environment
    target = choose(environment, args.target, start=True)
    print(target.where, flush=True)
    Deployer(environment, target, args.config).run()
    return _status(args, ask=True)


def diff(args: argparse.Namespace) -> int:
    """Show what a deployment would change."""
    from slipway.ops.deploy import Deployer
    from slipway.ops.target import choose

    environment = _loaded(args).environment
    target = choose(environment, args.target)
    print(target.where, flush=True)
    return Deployer(environment, target, args.config).diff()


def status(args: argparse.Namespace) -> int:
    """Show every endpoint of an environment."""
    return _status(args, ask=args.ask)


def _status(args: argparse.Namespace, *, ask: bool) -> int:
    import json
    from dataclasses import fields

    from slipway.ops.inventory import MISSING, Inventory, Row
    from slipway.ops.table import show
    from slipway.ops.target import choose
    from slipway.spec.load import load

    environment = load(args.config, args.env).environment
    target = choose(environment, args.target)
    rows = list(Inventory(environment, target).rows(ask=ask))
    if getattr(args, "json", False):
        print(json.dumps([row.as_dict() for row in rows], indent=2))
    else:
        columns = [f.name for f in fields(Row) if f.name != "answer"]
        show(columns, [[row.as_dict()[column] for column in columns] for row in rows])
        for endpoint, answer in {row.endpoint: row.answer for row in rows if row.answer}.items():
            print(f"{endpoint} answered: {answer}")
    return FAILED if any(row.status == MISSING or row.answer.startswith("error:") for row in rows) else OK


def invoke(args: argparse.Namespace) -> int:
    """Send an endpoint a request and print its answer."""
    from botocore.exceptions import ClientError

    from slipway.ops.target import choose

    loaded = _loaded(args)
    environment = loaded.environment
    if args.endpoint not in environment.endpoints:
        print(_no_endpoint(args.endpoint, tuple(environment.endpoints)), file=sys.stderr)
        return WRONG
    sample = environment.endpoints[args.endpoint].sample
    if args.body is None and sample is None:
        print(
            f"{args.endpoint} declares no `sample`: give a body, or - for standard input",
            file=sys.stderr,
        )
        return WRONG
    body = sys.stdin.read() if args.body == "-" else args.body
    if body is None and sample is not None:
        body = sample.body
    content_type = args.content_type or (sample.content_type if sample and args.body is None else "application/json")
    target = choose(environment, args.target)
    print(target.where, file=sys.stderr)
    try:
        answer = target.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=environment.names.endpoint(args.endpoint),
            Body=body.encode(),
            ContentType=content_type,
        )
    except ClientError as error:
        print(error.response["Error"].get("Message", str(error)), file=sys.stderr)
        return FAILED
    print(answer["Body"].read().decode(errors="replace"))
    return OK


def _no_endpoint(name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, 1)
    hint = f", did you mean {close[0]}?" if close else "."
    return f"no endpoint is called {name!r}{hint} There is: {', '.join(known) or 'none'}"


# -- the command line


def _parser() -> argparse.ArgumentParser:
    def formatter(prog: str) -> argparse.RawDescriptionHelpFormatter:
        return argparse.RawDescriptionHelpFormatter(prog, max_help_position=30, width=100)

    parser = argparse.ArgumentParser(
        prog="slipway",
        description="Launch SageMaker endpoints: one config, guarded updates, and a local AWS to try them on.",
        formatter_class=formatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(
        group: argparse._SubParsersAction[argparse.ArgumentParser],
        name: str,
        run: Command,
        example: str,
        *,
        env: str | None = "dev",
        target: bool = False,
    ) -> argparse.ArgumentParser:
        text = (run.__doc__ or "").strip()
        sub = group.add_parser(
            name,
            help=text[0].lower() + text[1:].rstrip("."),
            description=text,
            epilog=f"example:\n  {example}",
            formatter_class=formatter,
        )
        sub.set_defaults(run=run)
        sub.add_argument(
            "--config",
            type=Path,
            default=Path("config"),
            metavar="FOLDER",
            help="config folder (default: config)",
        )
        if env is not None:
            words = f"environment (default: {env})" if env else "environment (default: all)"
            sub.add_argument("--env", default=env or None, metavar="NAME", help=words)
        if target:
            sub.add_argument(
                "--target",
                choices=("local", "aws"),
                default="local",
                help="the local AWS (default) or the account",
            )
        return sub

    def group(name: str, text: str) -> argparse._SubParsersAction[argparse.ArgumentParser]:
        sub = commands.add_parser(name, help=text, description=text, formatter_class=formatter)
        return sub.add_subparsers(title="commands", metavar="COMMAND", required=True)

    config = group("config", "what is declared")
    add(config, "check", config_check, "slipway config check --env prod", env="")
    show = add(config, "show", config_show, "slipway config show --env prod")
    show.add_argument("--json", action="store_true", help="as JSON")
    schema = add(config, "schema", config_schema, "slipway config schema --write", env=None)
    schema.add_argument("--write", action="store_true", help="write it to schema.json in the config folder")
    images = add(config, "images", config_images, "slipway config images", env=None)
    images.add_argument("--region", default="eu-west-1", help="whose repositories to show (default: eu-west-1)")

    local = group("local", "the local AWS")
    start = add(local, "start", local_start, "slipway local start", env=None)
    start.add_argument(
        "--port", type=int, default=None, help="0 for a free one (default: 4577, or a free one where that is taken)"
    )
    add(local, "stop", local_stop, "slipway local stop", env=None)
    add(local, "status", local_status, "slipway local status", env=None)
    add(local, "env", local_env, 'eval "$(slipway local env --env dev)"')

    one = add(
        commands,
        "publish",
        publish,
        "slipway publish build/v2 --model iris --version 2",
        target=True,
    )
    one.add_argument("folder", type=Path, help="what becomes model.tar.gz")
    one.add_argument("--model", required=True, help="the endpoint's short name")
    one.add_argument("--version", required=True, help="1 or more, or a word such as 2026-11-21")

    add(commands, "deploy", deploy, "slipway deploy --env dev", target=True)
    add(commands, "diff", diff, "slipway diff --env prod --target aws", target=True)
    look = add(commands, "status", status, "slipway status --env dev --ask", target=True)
    look.add_argument("--ask", action="store_true", help="send each endpoint its sample")
    look.add_argument("--json", action="store_true", help="as JSON")
    ask = add(commands, "invoke", invoke, "slipway invoke iris '[5.1, 3.5, 1.4, 0.2]'", target=True)
    ask.add_argument("endpoint", help="its short name")
    ask.add_argument(
        "body",
        nargs="?",
        help="what to send; - for standard input (default: the endpoint's sample)",
    )
    ask.add_argument("--content-type", help="its type (default: application/json)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        Those of the process by default.

    Returns
    -------
    int
        0 done, 1 failed, 2 wrong usage or config.
    """
    args = _parser().parse_args(arguments)
    run: Command = args.run
    try:
        return run(args)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        code = _exit_code(error)
        if code is None:
            raise
        print(error, file=sys.stderr)
        return code


def _exit_code(error: Exception) -> int | None:
    """The exit code of an error that speaks for itself; ``None`` for one that should be seen whole."""
    from slipway.local.control import LocalAwsError
    from slipway.spec.errors import ConfigError

    if isinstance(error, ConfigError):
        return WRONG
    if isinstance(error, LocalAwsError):
        return FAILED
    from botocore.exceptions import BotoCoreError, ClientError

    from slipway.ops.deploy import DeployError
    from slipway.ops.package import PackageError
    from slipway.ops.publish import PublishError
    from slipway.ops.target import WrongTarget
    from slipway.spec.lock import LockError

    if isinstance(error, WrongTarget | LockError | PackageError):
        return WRONG
    return FAILED if isinstance(error, DeployError | PublishError | BotoCoreError | ClientError) else None


if __name__ == "__main__":
    sys.exit(main())
