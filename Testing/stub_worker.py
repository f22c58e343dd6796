"""The worker process with a cascade that costs nothing; the bundle's name says what it does.

with pytest.MonkeyPatch.context() as patch:
    use_stub_worker(patch)
    job = Job(volume, bundle="slow")
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

import ToothSegLib
from ToothSegLib.errors import BundleError, InputError
from ToothSegLib.jobs import worker
from ToothSegLib.report import Segmentation
from ToothSegLib.volume import Volume

if TYPE_CHECKING:
    import pytest  # not in the worker, which would only wait for it

STEPS = 600


def use_stub_worker(patch: pytest.MonkeyPatch) -> None:
    """Let jobs start this module in the place of the worker."""
    folder = str(Path(__file__).resolve().parent)
    patch.setattr("ToothSegLib.jobs.job.WORKER", "stub_worker")
    patch.setenv("PYTHONPATH", folder, prepend=os.pathsep)


def segment(
    volume: Volume,
    *,
    bundle: str | None,
    device: str,
    precision: str,
    progress: Callable[[float, str], None],
) -> Segmentation:
    """What the cascade would do, or would do wrong."""
    from stub_fixture import bright_voxels

    if bundle == "slow removal":
        remove = shutil.rmtree
        shutil.rmtree = lambda *words, **more: (time.sleep(1), remove(*words, **more))
    if bundle in ("slow", "slow removal"):
        for step in range(STEPS):
            progress(step / STEPS, "looking")
            time.sleep(0.1)
    elif bundle == "flat":
        raise InputError("the scan is 0 everywhere;\nit shows nothing")
    elif bundle == "absent":
        raise BundleError("no bundle 'absent'")
    elif bundle == "fault":
        raise IndexError("list index out of range")
    elif bundle == "memory":
        raise MemoryError
    elif bundle == "exit":
        os._exit(7)
    elif bundle == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif bundle in ("killed behind a launcher", "crashed behind a launcher"):
        if bundle.startswith("crashed"):
            print("Fatal Python error: Segmentation fault", file=sys.stderr)
        real = "/opt/Slicer/bin/python-real"
        print(f"error: [{real}] exit abnormally - Report the problem.", file=sys.stderr, flush=True)
        os._exit(1)
    result = bright_voxels(volume, progress=progress)
    if bundle == "chatty":
        print("said with print")
        logging.getLogger("ToothSegLib").warning("said as a warning, ünïcode")
        os.write(1, b"no utf-8: \xff\n")
    elif bundle == "untrue":
        result.teeth.pop()
    elif bundle == "cropped":
        result.labels = result.labels.part((slice(1, None), slice(None), slice(None)))
    elif bundle == "wide":
        result.labels = result.labels.with_array(result.labels.array.astype(np.int16))
    result.provenance |= {"options": [bundle, device, precision]}
    return result


if __name__ == "__main__":
    ToothSegLib.cascade = SimpleNamespace(segment=segment)
    sys.exit(worker.main(sys.argv[1:]))
