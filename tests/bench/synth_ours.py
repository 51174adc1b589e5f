"""Synthesize a config of many endpoints, as app.py does."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from slipway.spec.load import load
from stacks.pinned_node import pin_node

if __name__ == "__main__":
    gc.disable()
    folder, outdir, checked = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "checked"
    loaded = load(folder, "prod")
    pin_node()
    from stacks.assembly import assemble

    assemble(loaded.environment, outdir=outdir, checked=checked).synth()
