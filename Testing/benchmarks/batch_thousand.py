"""A batch of a thousand scans, in simulation: tiny scans, a stubbed cascade, all else as it is.

    PYTHONPATH=Testing python Testing/benchmarks/batch_thousand.py [--scans 1000] [--jobs 2]

Every tenth scan is a file that cannot be read, and one takes its process with it. The batch is
killed (kill -9) once it is under way, then run to its end, then run once more with nothing left to
do. What is told is how long a scan takes beside its segmentation, what a scan that is done costs a
later run, and how much memory the process that looks after it all takes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from batch_stub import EXIT, write_scan

HERE = Path(__file__).resolve().parent
STUB = HERE.parent / "batch_stub.py"


def start(scans: Path, out: Path, jobs: int) -> subprocess.Popen[str]:
    """The command, with the stubbed cascade."""
    words = ["--no-stl", "--no-picture", "--device", "cpu", "--jobs", str(jobs)]
    paths = os.pathsep.join(map(str, (HERE.parent, HERE.parents[1])))
    return subprocess.Popen(
        [sys.executable, str(STUB), "batch", str(scans), "-o", str(out), *words],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )


def done_in(out: Path) -> int:
    """How many results there are."""
    return len(list(out.glob("[!.]*/toothseg-batch.json")))


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Try a batch of very many scans.")
    parser.add_argument("--scans", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scans, out = Path(folder) / "scans", Path(folder) / "out"
        for number in range(args.scans):
            path = scans / f"patient-{number // 4:04}" / f"scan-{number % 4}.nrrd"
            write_scan(path, (11 + number % 7,), what=EXIT if number == 5 else 0)
            if number % 10 == 9:
                path.write_bytes(path.read_bytes()[:200])
        good = args.scans - args.scans // 10 - (args.scans > 5)

        process = start(scans, out, args.jobs)
        while done_in(out) < good // 3:
            if process.poll() is not None:
                raise SystemExit(process.communicate()[0])
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        before = done_in(out)
        print(f"killed after {before} of {args.scans} scans")

        for name, left in (("the rest", args.scans - before), ("nothing new", args.scans)):
            started = time.perf_counter()
            process = start(scans, out, args.jobs)
            said, _ = process.communicate()
            seconds = time.perf_counter() - started
            lines = map(json.loads, (out / "manifest.jsonl").read_text().splitlines())
            counts = Counter(line["status"] for line in lines)
            assert counts["done"] + counts["kept"] == done_in(out) == good, said
            assert counts["failed"] == args.scans - good, said
            print(
                f"{name}: {seconds:.1f} s, {1000 * seconds / left:.0f} ms a scan, "
                f"{dict(counts)}, exit code {process.returncode}"
            )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest process: {peak:.0f} MB")


if __name__ == "__main__":
    main()
