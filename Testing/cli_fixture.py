"""What tests of the command line share: a scan, and Pythons of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import ToothSegLib
from phantom_fixture import dentition
from ToothSegLib.volume_io import write_volume

ABSENT = (12, 47)


def written_scan(folder: Path) -> Path:
    """A scan without the teeth of `ABSENT`, in which the voxels of a tooth say its number."""
    labels = dentition(ABSENT)
    path = folder / "a scan.nrrd"
    write_volume(path, labels.with_array(labels.array.astype(np.int16) + 1000))
    return path


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=False
    )


def environment() -> dict[str, str]:
    """In which a Python of its own finds the library."""
    root = str(Path(ToothSegLib.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": root, "PYTHONUNBUFFERED": ""}
