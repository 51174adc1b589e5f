"""The example configs as tests take them: all of them in one app, which the CDK command-line interface can run too.

cdk deploy --app "python -m tests.examples shadow serverless" --all
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.spec.environment import Environment
from slipway.spec.load import load

if TYPE_CHECKING:
    from aws_cdk import App

ROOT = Path(__file__).parent.parent
CONFIGS = ROOT / "examples" / "configs"
MODELS = ROOT / "examples" / "models"
NAMES = tuple(sorted(folder.name for folder in CONFIGS.iterdir()))
#: Those whose containers the local AWS cannot run.
ELSEWHERE = ("vision-language",)
RUNNABLE = tuple(name for name in NAMES if name not in ELSEWHERE)


def environment(name: str) -> Environment:
    """The environment of an example."""
    return load(CONFIGS / name, "dev").environment


def app(names: Sequence[str] = NAMES, *, outdir: Path | None = None, checked: bool = False) -> App:
    """One app with the stacks of some examples."""
    from aws_cdk import App

    from stacks.assembly import check, declare
    from stacks.flags import FLAGS

    made = App(outdir=str(outdir) if outdir else None, context=FLAGS, analytics_reporting=False)
    for name in names:
        declare(made, environment(name))
    if checked:
        check(made)
    return made


def training(folder: Path) -> Callable[[str, str], Path]:
    """Make a function that trains a model's version once, in this process, and answers its folder.

    The model of a multi-model prefix, such as ``demand/store-1``, is a folder of what its script makes.
    """
    if str(MODELS) not in sys.path:
        sys.path.insert(0, str(MODELS))

    @cache
    def train(model: str, version: str) -> Path:
        out = folder / model / version
        importlib.import_module(f"{model}.train").main(["--version", version, "--out", str(out)])
        return out

    def folder_of(model: str, version: str) -> Path:
        top, _, part = model.partition("/")
        return train(top, version) / part

    return folder_of


if __name__ == "__main__":
    from stacks.pinned_node import pin_node

    pin_node()
    app(sys.argv[1:] or NAMES).synth()
