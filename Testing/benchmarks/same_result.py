"""Whether one scan gives the same teeth however it is computed.

    python Testing/benchmarks/same_result.py [--scan FILE] [--model BUNDLE] [--only WAY ...]

The scan is segmented as it is, again, on one thread and on two, with tiles of other sizes, with its
axes in another order and against their direction, and by every backend and precision there is. For
each the table has the Dice of all tooth voxels, the lowest of any tooth, and how many voxels and
numbers differ from the first run. Ends with 1 if a Dice of all tooth voxels is below 0.999.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from unittest import mock

import numpy as np
import torch

from ToothSegLib import inference
from ToothSegLib.cascade import segment
from ToothSegLib.resources import resource_path
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

LEAST_DICE = 0.999
TILES = ((112, 128, 144), (176, 176, 208))


def main() -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="One scan, computed in different ways.")
    parser.add_argument("--scan", default=resource_path("Samples/sample-cbct.nrrd"))
    parser.add_argument("--model", metavar="NAME|PATH")
    parser.add_argument("--only", nargs="+", help="ways to compute, by their beginnings")
    args = parser.parse_args()
    scan = read_volume(args.scan)

    def teeth(volume: Volume, **options: str) -> np.ndarray:
        return segment(volume, bundle=args.model, device="cpu", **options).labels.array

    first = teeth(scan, backend="torch")
    print(f"| {args.scan} | Dice, all | Dice, lowest tooth | voxels that differ | other teeth |")
    print("| --- | --- | --- | --- | --- |")
    worst = 1.0
    for name, labels in ways(scan, teeth):
        if args.only and not name.startswith(tuple(args.only)):
            continue
        whole, lowest, different, others = compared(first, labels())
        worst = min(worst, whole)
        print(f"| {name} | {whole:.4f} | {lowest:.4f} | {different} | {others} |", flush=True)
    return 0 if worst >= LEAST_DICE else 1


def ways(scan: Volume, teeth) -> Iterator[tuple[str, object]]:
    """Names of ways to compute, and functions that give labels on the scan's grid."""
    yield "again", lambda: teeth(scan, backend="torch")
    for count in (1, 2):
        yield f"threads: {count}", lambda count=count: threads(count, scan, teeth)
    for tile in TILES:
        yield f"tiles of {tile}", lambda tile=tile: tiles(tile, scan, teeth)
    yield "axes in another order", lambda: teeth(turned(scan), backend="torch").transpose(1, 2, 0)
    yield "axes reversed", lambda: teeth(reversed_axes(scan), backend="torch")[::-1, ::-1, ::-1]
    yield "full precision", lambda: teeth(scan, backend="torch", precision="full")
    if find_spec("openvino"):
        yield "openvino", lambda: teeth(scan, backend="openvino")
        yield "openvino, full", lambda: teeth(scan, backend="openvino", precision="full")


def turned(scan: Volume) -> Volume:
    """The same scan, stored with its axes (k, j, i) as (j... ) one place on."""
    x, y, z = scan.spacing
    return Volume(
        np.ascontiguousarray(scan.array.transpose(2, 0, 1)),
        (y, z, x),
        scan.origin,
        scan.direction[:, [1, 2, 0]],
    )


def reversed_axes(scan: Volume) -> Volume:
    """The same scan, stored from its other end along every axis."""
    last = scan.index_to_lps @ [*(n - 1 for n in scan.shape[::-1]), 1]
    x, y, z = last[:3]
    return replace(
        scan,
        array=np.ascontiguousarray(scan.array[::-1, ::-1, ::-1]),
        origin=(float(x), float(y), float(z)),
        direction=-scan.direction,
    )


def threads(count: int, scan: Volume, teeth) -> np.ndarray:
    """With as many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        return teeth(scan, backend="torch")
    finally:
        torch.set_num_threads(before)


def tiles(tile: tuple[int, int, int], scan: Volume, teeth) -> np.ndarray:
    """With tiles of another size."""
    with other_tiles(tile):
        return teeth(scan, backend="torch")


@contextmanager
def other_tiles(tile: tuple[int, int, int]) -> Iterator[None]:
    """Let the networks see that much at once."""
    with mock.patch.object(inference, "TILE", tile):
        yield


def compared(one: np.ndarray, other: np.ndarray) -> tuple[float, float, int, int]:
    """Dice of all tooth voxels (of the same number), lowest of a tooth, voxels, numbers."""
    same = int(((one == other) & (one > 0)).sum())
    total = int((one > 0).sum() + (other > 0).sum())
    numbers = sorted((set(np.unique(one)) | set(np.unique(other))) - {0})
    each = [
        2 * int(((one == n) & (other == n)).sum()) / int((one == n).sum() + (other == n).sum())
        for n in numbers
    ]
    others = len((set(np.unique(one)) ^ set(np.unique(other))) - {0})
    whole = 2 * same / total if total else 1.0
    return whole, min(each, default=1.0), int((one != other).sum()), others


if __name__ == "__main__":
    sys.exit(main())
