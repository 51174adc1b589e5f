"""Assemblies of the project itself: as it stands, and as it was at a git revision."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.plan.assembly import Assembly, load
from slipway.plan.documents import UnreadableError

#: The program that synthesizes, in the project's folder.
APP = "app.py"
#: Folders with packages besides the project's own; those of the revision come before the installed ones.
_PACKAGES = (".", "constructs", "lambda")


class SynthError(Exception):
    """The project cannot be synthesized; the message has what it said."""


def synthesized(root: Path, environment: str, config: Path, source: str) -> Assembly:
    """Synthesize an environment into a folder of no use afterwards.

    Parameters
    ----------
    root
        The project's folder.
    environment
        Such as ``prod``.
    config
        The config folder.
    source
        What to call the result.

    Returns
    -------
    Assembly
        Its stacks.

    Raises
    ------
    SynthError
        When it cannot be.
    """
    app = root / APP
    if not app.is_file():
        raise UnreadableError(f"{root}: has no {APP} to synthesize: give the two assemblies to compare instead")
    with tempfile.TemporaryDirectory(prefix="slipway-plan-") as out:
        packages = os.pathsep.join(str(root / folder) for folder in _PACKAGES)
        done = subprocess.run(
            [sys.executable, str(app)],
            cwd=root,
            env={
                **os.environ,
                "PYTHONPATH": packages,
                # What the CDK's command line would say to the app.
                "CDK_OUTDIR": out,
                "CDK_CONTEXT_JSON": json.dumps({"env": environment, "config": str(config.resolve())}),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
            raise SynthError(f"{source} cannot be synthesized:\n{said}")
        return load(Path(out), source)


def against(revision: str, environment: str, config: Path) -> Assembly:
    """Synthesize an environment as it was at a git revision.

    Parameters
    ----------
    revision
        Such as ``main``, ``HEAD~1`` or a tag.
    environment
        Such as ``prod``.
    config
        The config folder; the revision's own one where it is inside the repository.

    Returns
    -------
    Assembly
        Its stacks.

    Raises
    ------
    UnreadableError
        When there is no repository here, or no such revision.
    SynthError
        When it cannot be synthesized.
    """
    root = Path(_git("rev-parse", "--show-toplevel")).resolve()
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", unknown=revision)
    here = Path.cwd().resolve()
    with _checked_out(root, commit) as tree:

        def there(path: Path) -> Path:
            resolved = path.resolve()
            return tree / resolved.relative_to(root) if resolved.is_relative_to(root) else resolved

        project, settings = there(here), there(config)
        if not settings.is_dir():
            raise UnreadableError(f"{revision} has no folder {config}")
        return synthesized(project, environment, settings, f"git {revision} ({commit[:7]})")


@contextmanager
def _checked_out(root: Path, commit: str) -> Iterator[Path]:
    """A working tree of a commit, beside the one that people work in, which is left alone."""
    with tempfile.TemporaryDirectory(prefix="slipway-plan-") as folder:
        tree = Path(folder).resolve() / "tree"
        _git("-C", str(root), "worktree", "add", "--detach", "--force", str(tree), commit)
        try:
            yield tree
        finally:
            _git("-C", str(root), "worktree", "remove", "--force", str(tree))


def _git(*arguments: str, unknown: str = "") -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise UnreadableError("git is not installed, so --against cannot look at a revision") from None
    if done.returncode and unknown:
        raise UnreadableError(
            f"git knows no revision {unknown!r} here: fetch it first, for instance `git fetch origin`"
        )
    if done.returncode:
        raise UnreadableError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()
