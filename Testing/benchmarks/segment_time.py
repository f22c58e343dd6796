"""How long the whole of `toothseg segment` takes, and how much memory, on a simulated scan.

    python Testing/benchmarks/segment_time.py [--size 200 180 120] [--spacing 0.4]

Reading, cascade, surfaces, picture and writing, as a fresh process each time; the best of the
repeats is what the machine can do when nothing else runs.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.scans import simulate_scan
from ToothSegLib.volume_io import write_volume

SEED = 910_000


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Time the whole of 'toothseg segment'.")
    parser.add_argument("--size", type=int, nargs=3, default=(200, 180, 120), metavar="N",
                        help="voxels along i, j, k (default 200 180 120)")  # fmt: skip
    parser.add_argument("--spacing", type=float, default=0.4, metavar="MM")
    parser.add_argument("--model", metavar="NAME|PATH")
    parser.add_argument("--repeats", type=int, default=2)
    args = parser.parse_args()
    size = tuple(reversed(args.size))
    image, _ = simulate_scan(make_case(SEED), SEED, size=size, spacing_mm=args.spacing)
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scan.nrrd"
        write_volume(scan, image)
        command = [sys.executable, "-m", "ToothSegLib.cli.main", "segment", str(scan), "--quiet",
                   "--device", "cpu", "-o", folder]  # fmt: skip
        command += ["--model", args.model] if args.model else []
        seconds = []
        for _ in range(args.repeats):
            started = time.perf_counter()
            subprocess.run(command, check=True)
            seconds.append(time.perf_counter() - started)
        report = json.loads((Path(folder) / "scan-report.json").read_text(encoding="utf-8"))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{'x'.join(map(str, args.size))} voxels at {args.spacing:g} mm")
    print(f"whole run  {min(seconds):.1f} s (best of {args.repeats}), peak memory {peak:.0f} MB")
    print(f"teeth      {len(report['teeth'])}")
    for stage, value in report["timings_s"].items():
        print(f"  {stage:<20}{value:6.2f} s")


if __name__ == "__main__":
    main()
