"""What the short cuts cost in accuracy: the way it ships against all of the scan at full overlap.

    python Testing/benchmarks/full_overlap.py [--cases N] [--anatomy DIR]

On the same simulated heads the networks see, once, the box about the dentition in as few tiles as
an overlap of 30 % allows, and once the whole scan in tiles that overlap by three quarters, as
large as those of a large head.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from tqdm import tqdm

from ToothSegLib import inference, looking
from ToothSegLib.evaluation.benchmark import CaseResult, run_benchmark, summarise
from ToothSegLib.grids.grid import extent
from ToothSegLib.models import load_bundle
from ToothSegLib.synthesis.mesh_form import load_individual
from ToothSegLib.volume import Volume

FIRST_SEED = 900_100  # heads that are no benchmark's
TILE, OVERLAP = (112, 128, 144), 0.75
COLUMNS = {"tooth_dice": "Dice", "identification_f1": "id. F1", "assd_mm": "ASSD mm",
           "signed_distance_mm": "signed mm"}  # fmt: skip


@contextmanager
def everything() -> Iterator[None]:
    """The cascade looks at the whole scan, tile by tile with three quarters in common."""

    def whole(network: object, volume: Volume, *rest: object) -> object:
        low, high = extent(volume)
        return [(tuple(low), tuple(high))]

    with (
        mock.patch.object(looking, "find_dentitions", whole),
        mock.patch.object(inference, "TILE", TILE),
        mock.patch.object(inference, "OVERLAP", OVERLAP),
        mock.patch.object(inference, "fitted_tile", lambda size, largest, _: min(size, largest)),
    ):
        yield


def main() -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="The accuracy that short cuts cost.")
    parser.add_argument("--cases", type=int, default=6)
    parser.add_argument("--anatomy", type=Path, metavar="DIR")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    bundle = load_bundle(None)
    individuals = [load_individual(args.anatomy)] if args.anatomy else []

    def measured(name: str) -> list[CaseResult]:
        steps = run_benchmark(bundle, individuals, args.cases, args.device, first_seed=FIRST_SEED)
        return list(tqdm(steps, name, args.cases, unit="scan", file=sys.stderr))

    short = measured("as it ships")
    with everything():
        full = measured("all of the scan")
    print(f"| {args.cases} heads | {' | '.join(COLUMNS.values())} | seconds a head |")
    print("| --- |" + " ---: |" * (len(COLUMNS) + 1))
    for name, results in (("as it ships", short), ("all of the scan, overlap 75 %", full)):
        figures = summarise(results)
        seconds = sum(result.seconds for result in results) / args.cases
        values = " | ".join(f"{figures[key]:.3f}" for key in COLUMNS)
        print(f"| {name} | {values} | {seconds:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
