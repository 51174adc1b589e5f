"""The front door: read one environment, declare its stacks, synthesize them.

npx cdk synth -c env=prod
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path

from slipway.spec.errors import ConfigError
from slipway.spec.load import load
from stacks.pinned_node import pin_node

HERE = Path(__file__).parent


def main() -> int:
    """Synthesize the environment that the context names.

    Returns
    -------
    int
        0; 2 when the config cannot be used, 1 when the templates have findings.
    """
    # What is read, imported and declared from here on stays until the end: looking through it for garbage, over and
    # over, finds none and takes a twentieth of a small synth.
    gc.disable()
    context = json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
    environment = str(context.get("env", "dev"))
    folder = Path(str(context.get("config", HERE / "config")))
    try:
        loaded = load(Path(os.path.relpath(folder)), environment)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    for warning in loaded.warnings:
        print(warning, file=sys.stderr)
    pin_node()
    # Importing CDK starts Node, which takes longer than checking the config.
    from stacks.assembly import assemble

    app = assemble(loaded.environment)
    try:
        app.synth()
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise
        # CDK has printed each finding already; its stack trace adds nothing.
        print(
            "cdk-nag found what is printed above: mend it, or acknowledge it beside the construct",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
