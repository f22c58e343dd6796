"""Slicer's scene and the job beside it: how long the segments take, and how much memory a run.

    python Testing/benchmarks/scene_time.py [--size 400 400 280] [--spacing 0.4]

On Slicer's own core, without a desktop: a volume of made-up teeth is written to a segmentation
node and read back; then the volume goes through `Job` while the memory of this process and of its
child is watched (Linux only). The goals are 2 s for the segments and 3 GB above the volume.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

TESTING = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTING.parent), str(TESTING), str(TESTING / "headless")]

import bootstrap  # noqa: E402
from node_fixture import volume_node  # noqa: E402
from phantom_fixture import dentition, segmentation  # noqa: E402
from ToothSegLib.grids.grid import labels_to_source  # noqa: E402
from ToothSegLib.jobs.job import Job  # noqa: E402
from ToothSegLib.resources import resource_path  # noqa: E402
from ToothSegLib.volume import Volume  # noqa: E402
from ToothSegLib.volume_io import read_volume  # noqa: E402

MB = 2**20


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Time and memory of Slicer's scene and the job.")
    parser.add_argument(
        "--size",
        type=int,
        nargs=3,
        default=(400, 400, 280),
        metavar="N",
        help="voxels along i, j, k (default 400 400 280)",
    )
    parser.add_argument("--spacing", type=float, default=0.4, metavar="MM")
    parser.add_argument("--no-job", action="store_true", help="only the scene")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scene = bootstrap.start(Path(folder)).mrmlScene()
        shape = (args.size[2], args.size[1], args.size[0])
        scan = volume_node(a_scan(shape, args.spacing))
        print(f"{' x '.join(map(str, args.size))} voxels at {args.spacing:g} mm")
        time_scene(scene, scan)
        if not args.no_job:
            watch_job(scene, scan)


def a_scan(shape: tuple[int, int, int], spacing_mm: float) -> Volume:
    """The sample's head, enlarged voxel by voxel onto a grid of that size; air around it."""
    sample = read_volume(resource_path("Samples", "sample-cbct.nrrd"))
    centre = (sample.index_to_lps @ [*(np.array(sample.shape[::-1]) - 1) / 2, 1.0])[:3]
    origin = centre - (np.array(shape[::-1]) - 1) / 2 * spacing_mm
    place = Volume(np.broadcast_to(np.int16(0), shape), (spacing_mm,) * 3, tuple(origin))
    index = (place.index_to_lps - sample.index_to_lps)[:3, 3] / sample.spacing
    nearest = [
        np.round(np.arange(n) * spacing_mm / mm + first).astype(int)
        for n, mm, first in zip(shape[::-1], sample.spacing, index)
    ]
    array = np.full(shape, sample.array.min(), np.int16)
    inside = [(at >= 0) & (at < n) for at, n in zip(nearest, sample.shape[::-1])]
    array[np.ix_(*inside[::-1])] = sample.array[
        np.ix_(*(at[there] for at, there in zip(nearest[::-1], inside[::-1])))
    ]
    return place.with_array(array)


def time_scene(scene: Any, scan: Any) -> None:
    """Print the times of writing and reading 28 segments."""
    from ToothSegScene.segments import read_labels, teeth_of, write_segmentation
    from ToothSegScene.volumes import volume_from_node

    volume, _ = volume_from_node(scan)
    teeth = dentition(spacing_mm=0.5)
    labels = volume.with_array(labels_to_source(teeth, None, volume))
    result = segmentation(labels)
    nodes = []
    timed("writing the segments", lambda: nodes.append(write_segmentation(scene, scan, result)))
    print(f"  teeth               {len(teeth_of(nodes[0]))}")
    timed("writing them again", lambda: write_segmentation(scene, scan, result, nodes[0]))
    timed("reading the labels", lambda: nodes.append(read_labels(nodes[0], scan)))
    assert np.array_equal(nodes[1].array, labels.array)
    timed("closed surfaces", nodes[0].CreateClosedSurfaceRepresentation)
    scene.RemoveNode(nodes[0])


def timed(what: str, work: Any) -> None:
    """Print the time that something takes by the clock and on the processor."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"  {what:<20}{wall:6.2f} s ({processor:.2f} s of the processor)")


def watch_job(scene: Any, scan: Any) -> None:
    """Run the job to its end and into the scene; print times and the highest memory."""
    from ToothSegScene.segments import write_segmentation
    from ToothSegScene.volumes import volume_from_node

    before = memory(os.getpid())
    highest, stage = 0, ""
    started = time.perf_counter()
    job = Job(volume_from_node(scan)[0], device="cpu")
    timed("starting the job", job.start)
    while (state := job.poll()).running:
        highest = max(highest, memory(os.getpid()) + memory(job._process.pid))
        if state.stage != stage:
            stage = state.stage
            left = "?" if state.seconds_left is None else f"{state.seconds_left:.0f}"
            print(
                f"  {time.perf_counter() - started:6.1f} s {state.fraction:4.0%} {stage}, {left} s"
            )
        time.sleep(0.05)
    assert not state.failed, f"{state.message}\n{job.log}"
    timed("taking the result", lambda: write_segmentation(scene, scan, job.result()))
    highest = max(highest, memory(os.getpid()))
    print(f"  whole run           {time.perf_counter() - started:6.1f} s")
    print(f"  highest memory      {(highest - before) / MB:6.0f} MB above the volume in the scene")


def memory(process: int) -> int:
    """Bytes of a process in memory, as Linux counts them; 0 if it has gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(fields.get("VmRSS", "0 kB").split()[0]) * 1024


if __name__ == "__main__":
    main()
