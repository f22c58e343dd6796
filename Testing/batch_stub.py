"""Batches with a cascade that costs nothing, in this process's workers and on its own.

    python batch_stub.py WORDS...    `toothseg WORDS...` with it

What a scan's first voxel says is done to the process that works on it, see `segment`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np

import ToothSegLib
from stub_fixture import bright_voxels
from ToothSegLib.batch import run
from ToothSegLib.batch.entry import Entry, Task
from ToothSegLib.batch.one_scan import segment_one
from ToothSegLib.progress import ProgressCallback
from ToothSegLib.report import Finding, Segmentation
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume

SLOW, FAULT, KILLED, EXIT, PACED = 2001, 2002, 2003, 2004, 2005
SLOW_S, PACE_S = 60.0, 0.1


def write_scan(path: Path, teeth: tuple[int, ...] = (11, 21), what: int = 0) -> Path:
    """A tiny scan in which the voxels of a tooth say its number, different for different teeth."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.zeros((6, 6, 4 + 3 * len(teeth)), np.int16)
    array[0, 0, 0] = what
    for index, fdi in enumerate(teeth):
        array[2:4, 2:4, 2 + 3 * index : 4 + 3 * index] = 1000 + fdi
    array[5, 5, 0] = -1000
    write_volume(path, Volume(array, spacing=(0.5, 0.5, 0.5)))
    return path


def segment(volume: Volume, *, progress: ProgressCallback, **options: Any) -> Segmentation:
    """The teeth, or what the first voxel asks for."""
    what = int(volume.array[0, 0, 0])
    progress(0.5, "looking")
    if what == SLOW:
        time.sleep(SLOW_S)
    elif what == PACED:
        time.sleep(PACE_S)
    elif what == FAULT:
        raise ZeroDivisionError("a fault\nin two lines")
    elif what == KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == EXIT:
        os._exit(7)
    result = bright_voxels(volume, **options)
    if len(result.teeth) < 2:
        result.findings.append(Finding("few-teeth", "high", "There are few teeth."))
    return result


def work(task: Task, progress: ProgressCallback | None = None) -> Entry:
    """In the place of `segment_one`: the same, with the stub for a cascade."""
    # Only for this scan: a batch of one job works in the process of the tests.
    with patch.object(ToothSegLib, "cascade", SimpleNamespace(segment=segment), create=True):
        return segment_one(task, progress)


def main(words: list[str]) -> int:
    """`toothseg` with stubbed workers."""
    import batch_stub  # not this file as __main__, which other processes cannot import
    from ToothSegLib.cli.main import main as toothseg

    run.segment_one = batch_stub.work
    return toothseg(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
