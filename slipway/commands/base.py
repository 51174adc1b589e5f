"""What commands have in common: how they are registered, exit codes, and looking a name up in the config."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.spec.load import Loaded

Run = Callable[[argparse.Namespace], int]

OK, FAILED, WRONG = 0, 1, 2
#: A plan has a finding at which it is to fail.
FOUND = 3
#: What was waited for was rolled back.
ROLLED_BACK = 3
#: What was waited for is not over.
TIMED_OUT = 4


def formatter(prog: str) -> argparse.RawDescriptionHelpFormatter:
    """Lay out help as all commands have it."""
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=30, width=100)


class Commands:
    """A group of commands, to which modules add theirs.

    Parameters
    ----------
    group
        Of the parser.
    """

    def __init__(self, group: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        self._group = group

    def add(
        self, name: str, run: Run, example: str, *, env: str | None = "dev", target: bool = False
    ) -> argparse.ArgumentParser:
        """Add a command.

        Parameters
        ----------
        name
            How it is called.
        run
            What it does; its docstring is the help.
        example
            Lines that run as they stand, the later ones indented by two.
        env
            The default environment; empty for all of them, ``None`` for a command that has none.
        target
            Whether it goes to the local AWS or an account.

        Returns
        -------
        argparse.ArgumentParser
            For the command's own arguments.
        """
        text = (run.__doc__ or "").strip()
        sub = self._group.add_parser(
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

    def group(self, name: str, text: str) -> Commands:
        """Add a command that is followed by another one.

        Parameters
        ----------
        name
            How it is called.
        text
            Its help.

        Returns
        -------
        Commands
            For those that follow.
        """
        sub = self._group.add_parser(name, help=text, description=text, formatter_class=formatter)
        return Commands(sub.add_subparsers(title="commands", metavar="COMMAND", required=True))


def seconds(text: str) -> float:
    """Read a duration such as ``10m`` from an argument."""
    from slipway.spec.units import Duration

    try:
        return float(Duration.parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def same_place(args: argparse.Namespace) -> str:
    """Write down where a command goes, for the end of another one that a person is to type; empty by default."""
    said = {"--config": args.config, "--env": args.env, "--target": args.target}
    usual = {"--config": Path("config"), "--env": "dev", "--target": "local"}
    return "".join(f" {flag} {given}" for flag, given in said.items() if given != usual[flag])


def loaded(args: argparse.Namespace) -> Loaded:
    """Load the environment that the arguments name, and say its warnings."""
    from slipway.spec.load import load

    found = load(args.config, args.env)
    for warning in found.warnings:
        print(warning, file=sys.stderr)
    return found


def no_endpoint(name: str, known: Sequence[str]) -> str:
    """Say that no endpoint has a name, and which there are."""
    return unknown(f"no endpoint is called {name!r}", name, known)


def unknown(what: str, name: str, known: Sequence[str]) -> str:
    """Say what is not there, what was perhaps meant, and what there is."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, 1)
    hint = f", did you mean {close[0]}?" if close else "."
    return f"{what}{hint} There is: {', '.join(known) or 'none'}"
