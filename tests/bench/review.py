"""How long a review takes beyond synth: the plan of 100 endpoints whose model changes, and a rehearsal of one endpoint.

Each run is a whole process of the command, from its start to its last file, with every output that it has.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .synth import ROOT, config, timed

SLIPWAY = (sys.executable, "-m", "slipway.cli")
#: Exit code of a plan or a rehearsal that has something to stop at: it has been printed all the same.
FOUND = 3


def assembly(folder: Path, count: int, version: int) -> Path:
    """Synthesize guarded endpoints that serve a version of their model."""
    config(folder / "config", count)
    for name, one in (("base.yaml", "version: {}\n"), ("models.lock.json", "/v{}/")):
        file = folder / "config" / name
        file.write_text(file.read_text().replace(one.format(1), one.format(version)))
    timed("synth_ours.py", str(folder / "config"), str(folder / "out"), "plain")
    return folder / "out"


def seconds(arguments: list[str], runs: int, wanted: str) -> float:
    """Return the median seconds of a command, which must print what is wanted; the first run does not count."""
    found = []
    for _ in range(runs + 1):
        begun = time.perf_counter()
        done = subprocess.run([*SLIPWAY, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        found.append(time.perf_counter() - begun)
        if done.returncode not in (0, FOUND) or wanted not in done.stdout:
            raise SystemExit(done.stderr or done.stdout)
    return statistics.median(found[1:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="counted runs (default: 5)")
    parser.add_argument("--endpoints", type=int, default=100, help="how many there are to plan (default: 100)")
    parser.add_argument("--most-plan", type=float, default=3.0, help="seconds allowed for the plan (default: 3)")
    parser.add_argument("--most-rehearsal", type=float, default=2.0, help="and for a rehearsal (default: 2)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        old, new = (str(assembly(folder / f"v{version}", args.endpoints, version)) for version in (1, 2))
        one = str(assembly(folder / "one", 1, 1))
        files = [part for form in ("json", "markdown", "html") for part in (f"--{form}", str(folder / f"plan.{form}"))]
        plan = ["plan", old, new, *files]
        rehearsal = ["rehearse", "--template", one, "--all", "--json", str(folder / "rehearsal.json")]
        rows = (
            (f"plan, {args.endpoints} endpoints", plan, f"{args.endpoints} endpoints move", args.most_plan),
            ("rehearse, 1 endpoint, every fault", rehearsal, "the old fleet is sick", args.most_rehearsal),
        )
        print(f"{'beyond synth':<36}{'s':>7}{'limit s':>9}")
        slow = []
        for what, arguments, wanted, most in rows:
            took = seconds(arguments, args.runs, wanted)
            print(f"{what:<36}{took:>7.2f}{most:>9.2f}", flush=True)
            if took > most:
                slow.append(f"{what}: {took:.2f} s is above the allowed {most:.2f}")
        if slow:
            raise SystemExit("\n".join(slow))


if __name__ == "__main__":
    main()
