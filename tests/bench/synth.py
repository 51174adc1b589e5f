"""How long synth takes with 1, 10 and 100 endpoints, against a floor that emits the same templates.

Each run is a whole process. Ours and the floor take turns, so that a machine whose speed drifts does so for both; the
ratio is the median of the pairs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


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


def timed(script: str, *arguments: str) -> float:
    """Run a script and return its seconds."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, str(HERE / script), *arguments],
        check=True,
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - begun


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


def measure(count: int, runs: int, checked: str) -> tuple[float, float, float]:
    """Return the median seconds of ours and of the floor, and the median ratio of the pairs."""
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
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )


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
    print(f"{'endpoints':>9}  {'cdk-nag':<8}{'ours s':>8}{'floor s':>9}{'ratio':>7}")
    worst = 0.0
    for checked in ("plain", "checked"):
        for count in args.counts:
            ours, floor, ratio = measure(count, args.runs, checked)
            print(
                f"{count:>9}  {'with' if checked == 'checked' else 'without':<8}{ours:>8.2f}{floor:>9.2f}{ratio:>7.2f}",
                flush=True,
            )
            if checked == "plain" and count == max(args.counts):
                worst = ratio
    if worst > args.most:
        raise SystemExit(f"{worst:.2f} is above the allowed {args.most:.2f}")


if __name__ == "__main__":
    main()
