"""The computation in a process of its own: ``python -m ToothSegLib.jobs.worker FOLDER PARENT``.

It reads the request in the folder (see `job_files`), runs the cascade and writes the result there.
Standard output carries one JSON object a line, {"fraction": 0.5, "stage": "..."} and at the end
{"done": true} or {"error": "...", "kind": "InputError"}; everything else goes to standard error.
When the process with the number PARENT ends, or standard input does, this one ends too and takes
the folder, which holds a patient's scan, with it.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import platform
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ToothSegLib.compute.loading import leave_at_once, loading
from ToothSegLib.errors import in_words, one_line
from ToothSegLib.jobs import child, job_folder
from ToothSegLib.jobs.job_files import read_request, write_result
from ToothSegLib.report import software_versions

log = logging.getLogger(__name__)

# Shares of the run: what comes before the cascade, and where the cascade's part ends.
STARTED, COMPUTED = 0.04, 0.98

Say = Callable[..., None]


def main(arguments: Sequence[str]) -> int:
    """Do the job of a folder; the exit code."""
    folder, parent = Path(arguments[0]), int(arguments[1])
    leave_at_once()
    say = _voice()
    child.end_with_parent(parent, lambda: job_folder.leave_and_remove(folder))
    faulthandler.enable()
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    try:
        _work(folder, say)
    except Exception as error:
        kind, message, code = in_words(error)
        if code == 1:
            log.exception("this should not happen")
            message += "; see the log"
        else:
            log.error(message)
        say(error=one_line(message), kind=kind)
        return code
    say(done=True)
    return 0


def _work(folder: Path, say: Say) -> None:
    say(fraction=0.0, stage="reading the scan")
    volume, options = read_request(folder)
    log.info("software: %s on %s", software_versions(), platform.platform())
    log.info(
        "scan: %s voxels of %s, %s mm; options: %s",
        " x ".join(map(str, volume.shape[::-1])),
        volume.array.dtype,
        " x ".join(f"{mm:g}" for mm in volume.spacing),
        options,
    )
    say(fraction=STARTED / 4, stage="starting the networks")
    with loading():
        from ToothSegLib import cascade

    stage_now = ""

    def tell(fraction: float, stage: str) -> None:
        nonlocal stage_now
        if stage and stage != stage_now:
            log.info(stage)
            stage_now = stage
        say(fraction=STARTED + (COMPUTED - STARTED) * fraction, stage=stage_now)

    segmentation = cascade.segment(volume, **options, progress=tell)
    tell(1.0, "writing the result")
    write_result(folder, segmentation)
    seconds = {stage: round(value, 2) for stage, value in segmentation.timings.items()}
    log.info("%d teeth; seconds: %s", len(segmentation.teeth), seconds)


def _voice() -> Say:
    """A function that writes a JSON line to standard output, which nothing else reaches now."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def say(**message: Any) -> None:
        # Nobody listens once the parent has ended. An error here would end this process before the
        # thread that sees to that has removed the folder.
        with suppress(OSError):
            stream.write(json.dumps(message) + "\n")

    return say


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
