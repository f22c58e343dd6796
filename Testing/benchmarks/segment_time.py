"""What `toothseg segment` takes: time by stage, processor and memory, by size and by backend.

    python Testing/benchmarks/segment_time.py [--sizes 100x100x100 400x400x280] [--scan FILE]

Reading, cascade, surfaces, picture and writing. One simulated head is cropped about its middle for
the smaller sizes and set into air for the larger ones. Each run is a process of its own, and the
backends take turns on the same scan, so that what else the machine does meets both alike: the
ratios and the processor's seconds tell more than the seconds by the clock. Linux and macOS.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume, write_volume

SEED = 910_000
SIZES = ("100x100x100", "200x200x140", "280x280x200", "400x400x280")
HEAD = (400, 400, 280)
STAGES = ("localise", "networks", "instances", "to the scan's grid")


@dataclass(frozen=True)
class Run:
    """One process from its start to its end."""

    size: tuple[int, int, int]
    backend: str
    seconds: float
    processor: float
    peak_mb: float
    teeth: int
    stages: dict[str, float]

    @property
    def voxels(self) -> int:
        """Of the scan."""
        return int(np.prod(self.size))


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Time and memory of 'toothseg segment'.")
    parser.add_argument(
        "--sizes",
        nargs="+",
        default=SIZES,
        type=str,
        metavar="IxJxK",
        help=f"voxels along i, j, k (default {' '.join(SIZES)})",
    )
    parser.add_argument("--spacing", type=float, default=0.4, metavar="MM")
    parser.add_argument("--scan", help="a head to take instead of simulating one")
    parser.add_argument("--backends", nargs="+", default=_backends(), metavar="NAME")
    parser.add_argument("--precision", default="auto", choices=("auto", "full"))
    parser.add_argument("--model", metavar="NAME|PATH")
    parser.add_argument("--repeats", type=int, default=1, help="the best of so many counts")
    args = parser.parse_args()
    head = read_volume(args.scan) if args.scan else simulated_apart(args.spacing)
    options = ["--precision", args.precision, *(["--model", args.model] if args.model else [])]
    runs: list[Run] = []
    with tempfile.TemporaryDirectory() as folder:
        for text in args.sizes:
            i, j, k = (int(number) for number in text.split("x"))
            scan = Path(folder) / "scan.nrrd"
            write_volume(scan, placed(head, (k, j, i)))
            for backend in args.backends:
                tries = [measured(scan, (i, j, k), backend, options) for _ in range(args.repeats)]
                runs.append(min(tries, key=lambda run: run.processor))
                print(
                    f"{text} by {backend}: {runs[-1].seconds:.1f} s, of the processor "
                    f"{runs[-1].processor:.1f} s, {runs[-1].peak_mb:.0f} MB",
                    file=sys.stderr,
                    flush=True,
                )
    print("\n".join([*table(runs), "", *ratios(runs), *growth(runs)]))


def _backends() -> list[str]:
    return ["torch", *(["openvino"] if find_spec("openvino") else [])]


def simulated_apart(spacing_mm: float) -> Volume:
    """`simulated` in a process of its own: a child's peak begins with what its parent holds."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(simulated, spacing_mm).result()


def simulated(spacing_mm: float) -> Volume:
    """A head in a field of 160 x 160 x 112 mm at 0.4 mm."""
    from ToothSegLib.synthesis.compose import make_case
    from ToothSegLib.synthesis.scans import simulate_scan

    i, j, k = HEAD
    return simulate_scan(make_case(SEED), SEED, size=(k, j, i), spacing_mm=spacing_mm)[0]


def placed(head: Volume, shape: tuple[int, int, int]) -> Volume:
    """The middle of the head in a grid of that (k, j, i) shape, air around it."""
    array = np.full(shape, head.array.min(), head.array.dtype)
    here, there = [], []
    for n, wanted in zip(head.shape, shape):
        common = min(n, wanted)
        here.append(slice((wanted - common) // 2, (wanted - common) // 2 + common))
        there.append(slice((n - common) // 2, (n - common) // 2 + common))
    array[tuple(here)] = head.array[tuple(there)]
    return Volume(array, head.spacing)


def measured(scan: Path, size: tuple[int, int, int], backend: str, options: list[str]) -> Run:
    """Run the command in a process of its own."""
    command = [
        sys.executable, "-m", "ToothSegLib.cli.main", "segment", str(scan), "--quiet",
        "--device", "cpu", "--backend", backend, "-o", str(scan.parent), "--overwrite", *options,
    ]  # fmt: skip
    started = time.perf_counter()
    process = subprocess.Popen(command)
    # The usage of this one child, not the largest of all so far.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    report = json.loads((scan.parent / "scan-report.json").read_text(encoding="utf-8"))
    if report["provenance"]["backend"] != backend:
        raise SystemExit(f"{backend} was asked for, {report['provenance']['backend']} computed")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Run(
        size,
        backend,
        seconds,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / unit,
        len(report["teeth"]),
        report["timings_s"],
    )


def table(runs: list[Run]) -> list[str]:
    """Rows of Markdown, one a run."""
    columns = ["voxels", "backend", "teeth", *STAGES, "the rest", "whole, s", "processor, s",
               "peak, MB"]  # fmt: skip
    rows = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for run in runs:
        stages = [run.stages.get(stage, 0.0) for stage in STAGES]
        figures = [*stages, run.seconds - sum(stages), run.seconds, run.processor]
        cells = [
            "x".join(map(str, run.size)),
            run.backend,
            str(run.teeth),
            *(f"{figure:.1f}" for figure in figures),
            f"{run.peak_mb:.0f}",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def ratios(runs: list[Run]) -> list[str]:
    """How many times as much PyTorch takes as OpenVINO, size by size."""
    by_torch = {run.size: run for run in runs if run.backend == "torch"}
    lines = []
    for run in runs:
        other = by_torch.get(run.size)
        if run.backend == "torch" or other is None:
            continue
        networks = other.stages.get("networks", 0.0) / max(run.stages.get("networks", 0.0), 1e-9)
        lines.append(
            f"{'x'.join(map(str, run.size))}: torch / {run.backend}: networks {networks:.2f}, "
            f"whole {other.seconds / run.seconds:.2f}, "
            f"processor {other.processor / run.processor:.2f}, "
            f"memory {other.peak_mb / run.peak_mb:.2f}"
        )
    return lines


def growth(runs: list[Run]) -> list[str]:
    """Exponents p of voxels ** p, fitted to the processor's time and the memory of each backend."""
    lines = []
    for backend in dict.fromkeys(run.backend for run in runs):
        mine = [run for run in runs if run.backend == backend]
        if len({run.voxels for run in mine}) < 2:
            continue
        size = np.log([run.voxels for run in mine])
        time_power = np.polyfit(size, np.log([run.processor for run in mine]), 1)[0]
        memory_power = np.polyfit(size, np.log([run.peak_mb for run in mine]), 1)[0]
        lines.append(
            f"{backend}: processor ~ voxels^{time_power:.2f}, memory ~ voxels^{memory_power:.2f}"
        )
    return lines


if __name__ == "__main__":
    main()
