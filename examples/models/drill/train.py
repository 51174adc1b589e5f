"""Write the model of the rollback drill: versions 1 and 2 are good, version 3 fails on three requests in ten.

    python examples/models/drill/train.py --version 3

Nothing is learned: the model answers with its version. The same version gives the same bytes on every machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: The share of requests on which each version fails, from 0 to 1.
FAILING = {1: 0.0, 2: 0.0, 3: 0.3}


def write(folder: Path, version: int) -> None:
    """Write a version: ``model.json`` and ``code/inference.py``.

    Parameters
    ----------
    folder
        Made where missing.
    version
        1 to 3.
    """
    (folder / "code").mkdir(parents=True, exist_ok=True)
    parameters = {"version": version, "failing": FAILING[version]}
    (folder / "model.json").write_bytes((json.dumps(parameters, indent=2) + "\n").encode())
    inference = (HERE / "inference.py").read_text(encoding="utf-8")
    (folder / "code" / "inference.py").write_bytes(inference.encode())


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--version", type=int, choices=sorted(FAILING), default=1)
    parser.add_argument("--out", type=Path, help="the folder (default: build/vN beside this script)")
    args = parser.parse_args()
    out = args.out or HERE / "build" / f"v{args.version}"
    write(out, args.version)
    print(f"drill version {args.version}: fails on {FAILING[args.version]:.0%} of requests; written to {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
