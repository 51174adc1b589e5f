"""Deploys a drill's endpoint, in a process of its own: the drill goes on sending requests and watching meanwhile."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.ops.target import Target
    from slipway.spec.environment import Environment


def target_of(environment: Environment, url: str) -> Target:
    """Where a drill goes: the local AWS of its own at an address, or the account without one.

    Raises
    ------
    WrongTarget
        When the credentials are not the environment's.
    """
    from slipway.local.control import Running
    from slipway.ops.target import aws_target, local_target

    if not url:
        return aws_target(environment)
    return local_target(environment, Running(0, int(url.rpartition(":")[2]), url))


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy what a config folder declares.

    Returns
    -------
    int
        0 done, 1 failed; the reason is the last line on standard output.
    """
    from slipway.drill.declaration import DRILL
    from slipway.ops.deploy.deploy import Deployer, DeployError
    from slipway.spec.load import load_unpublished

    parser = argparse.ArgumentParser()
    for name in ("--config", "--assembly"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--env", required=True)
    parser.add_argument("--url", default="")
    args = parser.parse_args(arguments)
    environment = load_unpublished(args.config, args.env)
    only = () if args.url else (DRILL,)
    target = target_of(environment, args.url)
    try:
        Deployer(environment, target, args.config, assembly=args.assembly, only=only).run()
    except DeployError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
