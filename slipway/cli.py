"""The `slipway` command line: its arguments, and its exit codes.

Nothing heavy is imported before it is needed, so that `--help` is there at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from slipway import commands
from slipway.commands import FAILED, WRONG
from slipway.rehearsal import arguments as rehearsal

Command = Callable[[argparse.Namespace], int]
HIGHEST_PORT = 65_535
INVOKE_EXAMPLES = """slipway invoke iris '[5.1, 3.5, 1.4, 0.2]'
  slipway invoke iris --variant challenger
  slipway invoke demand '[6, 0, 21]' --target-model store-2/v1/model.tar.gz
  slipway invoke payments '31.5,,,1,' --content-type text/csv --container scale
  slipway invoke shared --component prices"""

PLAN_EXAMPLE = """slipway plan --env prod --against main
  slipway plan --env prod --target aws --deployed --markdown plan.md --html plan.html
  slipway plan old.yaml new.yaml --fail-on refused,replacement"""


def _kinds(text: str) -> tuple[str, ...]:
    from slipway.plan.findings import Kind

    known = [kind.value for kind in Kind]
    names = [] if text == "never" else text.split(",")
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}, or never")
    return tuple(Kind(name) for name in names)


def _seconds(text: str) -> float:
    from slipway.spec.units import Duration

    try:
        return float(Duration.parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= HIGHEST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write 1 to {HIGHEST_PORT}, or 0 for a free one")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    def formatter(prog: str) -> argparse.RawDescriptionHelpFormatter:
        return argparse.RawDescriptionHelpFormatter(prog, max_help_position=30, width=100)

    parser = argparse.ArgumentParser(
        prog="slipway",
        description="Launch SageMaker endpoints: one config, guarded updates, and a local AWS to try them on.",
        formatter_class=formatter,
    )
    top = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

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
        sub = top.add_parser(name, help=text, description=text, formatter_class=formatter)
        return sub.add_subparsers(title="commands", metavar="COMMAND", required=True)

    config = group("config", "what is declared")
    add(config, "check", commands.config_check, "slipway config check --env prod", env="")
    show = add(config, "show", commands.config_show, "slipway config show --env prod")
    show.add_argument("--json", action="store_true", help="as JSON")
    schema = add(config, "schema", commands.config_schema, "slipway config schema --write", env=None)
    schema.add_argument("--write", action="store_true", help="write it to schema.json in the config folder")
    images = add(config, "images", commands.config_images, "slipway config images", env=None)
    images.add_argument("--region", default="eu-west-1", help="whose repositories to show (default: eu-west-1)")

    local = group("local", "the local AWS")
    start = add(local, "start", commands.local_start, "slipway local start", env=None)
    start.add_argument(
        "--port", type=_port, default=None, help="0 for a free one (default: 4577, or a free one where that is taken)"
    )
    add(local, "stop", commands.local_stop, "slipway local stop", env=None)
    add(local, "status", commands.local_status, "slipway local status", env=None)
    add(local, "env", commands.local_env, 'eval "$(slipway local env --env dev)"')

    one = add(
        top,
        "publish",
        commands.publish,
        "slipway publish build/v2 --model iris --version 2",
        target=True,
    )
    one.add_argument("folder", type=Path, help="what becomes model.tar.gz")
    one.add_argument(
        "--model",
        required=True,
        help="what the config calls it, such as iris; or demand/store-1 for an archive under models/demand/",
    )
    one.add_argument("--version", required=True, help="1 or more, or a word such as 2026-11-21")

    deploy = add(top, "deploy", commands.deploy, "slipway deploy --env dev\n  slipway deploy --wake iris", target=True)
    deploy.add_argument(
        "--wake",
        action="append",
        default=[],
        metavar="NAME",
        help="bring back an endpoint that the cleanup removed because it was idle; may be repeated",
    )
    add(top, "diff", commands.diff, "slipway diff --env prod --target aws", target=True)
    review = add(top, "plan", commands.plan, PLAN_EXAMPLE, target=True)
    review.add_argument(
        "sides",
        nargs="*",
        type=Path,
        metavar="OLD NEW",
        help="cloud assemblies or templates; after --against or --deployed only NEW, or nothing to synthesize it",
    )
    other = review.add_mutually_exclusive_group()
    other.add_argument("--against", metavar="REVISION", help="compare with a git revision instead of OLD")
    other.add_argument("--deployed", action="store_true", help="compare with what is deployed instead of OLD")
    for form, text in (("markdown", "for a pull request"), ("json", "for programs"), ("html", "one page, drawn")):
        review.add_argument(f"--{form}", type=Path, metavar="FILE", help=f"write this too, {text}; - for the terminal")
    review.add_argument("--brief", action="store_true", help="leave out which properties differ")
    review.add_argument(
        "--prices", type=Path, metavar="FILE", help="(default: prices.json in the config folder, if any)"
    )
    review.add_argument(
        "--provision", type=_seconds, default=600.0, metavar="TIME", help="until instances serve (assumed: 10m)"
    )
    review.add_argument(
        "--fail-on",
        type=_kinds,
        default="refused,live,data-loss",
        metavar="KINDS",
        help="findings that end it with 3: refused, live, data-loss, replacement, removal, security, ignored, caution; "
        "or never (default: refused,live,data-loss)",
    )
    rehearsal.add(add(top, "rehearse", commands.rehearse, rehearsal.EXAMPLE))
    prices = group("prices", "what instances cost")
    refresh = add(prices, "refresh", commands.prices_refresh, "slipway prices refresh --env prod")
    refresh.add_argument("--out", type=Path, metavar="FILE", help="(default: prices.json in the config folder)")
    look = add(top, "status", commands.status, "slipway status --env dev --ask", target=True)
    look.add_argument("--ask", action="store_true", help="send each endpoint its sample")
    look.add_argument("--json", action="store_true", help="as JSON")
    spare = add(top, "idle", commands.idle, "slipway idle --env dev", target=True)
    spare.add_argument("--json", action="store_true", help="as JSON")
    ask = add(top, "invoke", commands.invoke, INVOKE_EXAMPLES, target=True)
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
        0 done, 1 failed, 2 wrong usage or config, 3 a plan with findings at which it is to fail.
    """
    args = _parser().parse_args(arguments)
    run: Command = args.run
    try:
        code = run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read the output, such as `head`, has seen enough. Python would complain once more when it closes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        wrong = _exit_code(error)
        if wrong is None:
            raise
        print(error, file=sys.stderr)
        return wrong
    return code


def _exit_code(error: Exception) -> int | None:
    """The exit code of an error that speaks for itself; ``None`` for one that should be seen whole."""
    from slipway.local.control import LocalAwsError
    from slipway.spec.errors import ConfigError

    if isinstance(error, ConfigError):
        return WRONG
    if isinstance(error, LocalAwsError):
        return FAILED
    from slipway.plan.documents import UnreadableError
    from slipway.plan.revision import SynthError

    if isinstance(error, UnreadableError | SynthError):
        return WRONG if isinstance(error, UnreadableError) else FAILED
    from botocore.exceptions import BotoCoreError, ClientError

    from slipway.ops.deploy import DeployError, WrongArtifact
    from slipway.ops.invoke import InvokeError, WrongRequest
    from slipway.ops.package import PackageError
    from slipway.ops.publish import PublishError
    from slipway.ops.target import WrongTarget
    from slipway.spec.lock import LockError

    if isinstance(error, WrongTarget | WrongArtifact | WrongRequest | LockError | PackageError):
        return WRONG
    known = DeployError | PublishError | InvokeError | BotoCoreError | ClientError
    return FAILED if isinstance(error, known) else None


if __name__ == "__main__":
    sys.exit(main())
