"""How long synth takes with 1, 10 and 100 endpoints, against a floor that emits the same templates.

Each run is a whole process. Ours and the floor take turns, so that a machine whose speed drifts does so for both; the
ratio is the median of the pairs. Beside the time on the clock stands the processor's, of Python and Node together,
which other work on the machine changes less.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


class Seconds(NamedTuple):
    """What one run took, or how two of them compare: on the clock, and of the processor."""

    wall: float
    cpu: float


def config(folder: Path, count: int) -> None:
    """Write a config with many guarded endpoints."""
    folder.mkdir(parents=True)
    for name in ("base.yaml", "prod.yaml"):
        text = (ROOT / "config" / name).read_text()
        if name == "base.yaml":
            head, _, body = text.partition("  iris:\n")
            text = head + "".join(f"  iris-{i}:\n{body}" for i in range(count))
        else:
            head, _, body = text.partition("  iris:\n")
            text = head + "".join(f"  iris-{i}:\n{body}" for i in range(count))
        (folder / name).write_text(text)
    lock = {f"models/iris-{i}/v1/model.tar.gz": {"sha256": "0" * 64} for i in range(count)}
    (folder / "models.lock.json").write_text(json.dumps(lock))


def timed(script: str, *arguments: str) -> Seconds:
    """Run a script, and return what it and the processes that it waits for took."""
    # Packages have their bytecode from when they were installed; our own modules get it from the run before the first
    # that counts, as they would at home.
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(HERE / script), *arguments], cwd=ROOT, env=environ, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    if status:
        raise SystemExit(f"{script} ended with {os.waitstatus_to_exitcode(status)}")
    return Seconds(wall, used.ru_utime + used.ru_stime)


def same(ours: Path, floor: Path) -> None:
    """See that the floor really emitted the same templates (outputs aside)."""
    for template in ours.glob("*.template.json"):
        left, right = (
            json.loads(template.read_text()),
            json.loads((floor / template.name).read_text()),
        )
        for side in (left, right):
            side.pop("Outputs", None)
        if left != right:
            raise SystemExit(f"the floor's {template.name} differs: the comparison would mean nothing")


def measure(count: int, runs: int, checked: str) -> tuple[Seconds, Seconds, Seconds]:
    """Return the median seconds of ours and of the floor, and the median ratios of the pairs."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        config(folder / "config", count)
        ours, floor = folder / "ours", folder / "floor"
        pairs = []
        for run in range(runs + 1):
            for out in (ours, floor):
                shutil.rmtree(out, ignore_errors=True)
            a = timed("synth_ours.py", str(folder / "config"), str(ours), checked)
            b = timed("synth_floor.py", str(ours), str(floor), checked)
            if run:  # the first warms the caches
                pairs.append((a, b))
            else:
                same(ours, floor)
    ratios = [Seconds(a.wall / b.wall, a.cpu / b.cpu) for a, b in pairs]
    return median([a for a, _ in pairs]), median([b for _, b in pairs]), median(ratios)


def median(found: list[Seconds]) -> Seconds:
    """Return the median of each."""
    return Seconds(statistics.median(one.wall for one in found), statistics.median(one.cpu for one in found))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="counted pairs (default: 5)")
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 10, 100], help="numbers of endpoints")
    parser.add_argument(
        "--most",
        type=float,
        default=1.25,
        help="highest ratio allowed for the largest, without cdk-nag",
    )
    args = parser.parse_args()
    print(f"{'':>19}{'on the clock':>26}{'of the processor':>26}")
    print(f"{'endpoints':>9}  {'cdk-nag':<8}" + f"{'ours s':>10}{'floor s':>9}{'ratio':>7}" * 2)
    worst = 0.0
    for checked in ("plain", "checked"):
        for count in args.counts:
            ours, floor, ratio = measure(count, args.runs, checked)
            times = (f"{a:>10.2f}{b:>9.2f}{c:>7.2f}" for a, b, c in zip(ours, floor, ratio, strict=True))
            print(f"{count:>9}  {'with' if checked == 'checked' else 'without':<8}" + "".join(times), flush=True)
            if checked == "plain" and count == max(args.counts):
                worst = ratio.wall
    if worst > args.most:
        raise SystemExit(f"{worst:.2f} is above the allowed {args.most:.2f}")


if __name__ == "__main__":
    main()
