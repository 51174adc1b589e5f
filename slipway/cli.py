"""The `slipway` command line: its commands, and its exit codes.

Nothing heavy is imported before it is needed, so that `--help` is there at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from slipway.commands import (
    config,
    deploy,
    drill,
    idle,
    invoke,
    local,
    metrics,
    models,
    plan,
    preflight,
    promote,
    publish,
    recreate,
    rehearse,
    rollback,
    scale,
    shift,
    status,
    watch,
)
from slipway.commands.base import FAILED, WRONG, Commands, Run, formatter
from slipway.ops.unfinished import Terminated, terminable

#: As shells have it: 128 and the signal's number.
INTERRUPTED, TERMINATED = 130, 143
#: In the order of the help.
COMMANDS = (
    config,
    local,
    publish,
    models,
    promote,
    preflight,
    deploy,
    plan,
    rehearse,
    watch,
    drill,
    rollback,
    shift,
    scale,
    recreate,
    status,
    metrics,
    idle,
    invoke,
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="slipway",
        description="Launch SageMaker endpoints: one config, guarded updates, and a local AWS to try them on.",
        formatter_class=formatter,
    )
    top = Commands(parser.add_subparsers(title="commands", metavar="COMMAND", required=True))
    for command in COMMANDS:
        command.register(top)
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
        0 done, 1 failed, 2 wrong usage or config, 3 rolled back, or a plan with findings at which it is to fail, 4
        timed out, 130 interrupted, 143 terminated.
    """
    args = _parser().parse_args(arguments)
    run: Run = args.run
    try:
        with terminable():
            code = run(args)
            sys.stdout.flush()
    except Terminated:
        print("terminated", file=sys.stderr)
        return TERMINATED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
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

    from slipway.ops.confirm import Unconfirmed
    from slipway.ops.deploy.deploy import DeployError, WrongArtifact
    from slipway.ops.invoke.invoke import InvokeError, WrongRequest
    from slipway.ops.publish.package import PackageError
    from slipway.ops.publish.storage import PublishError
    from slipway.ops.target import WrongTarget
    from slipway.ops.trouble import OperationError, WrongOperation
    from slipway.spec.lock import LockError

    if isinstance(
        error, WrongOperation | WrongTarget | WrongArtifact | WrongRequest | LockError | PackageError | Unconfirmed
    ):
        return WRONG
    known = OperationError | DeployError | PublishError | InvokeError | BotoCoreError | ClientError
    return FAILED if isinstance(error, known) else None


if __name__ == "__main__":
    sys.exit(main())
