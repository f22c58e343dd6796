"""The private folder of a job, which holds a patient's scan: made, and surely gone.

Where a whole group of processes is killed, or the machine stops, nobody is left to remove it: the
next job does.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from ToothSegLib.errors import OutputError
from ToothSegLib.machine.owner import has_ended, owner

_PREFIX = "toothseg-job-"


def make() -> Path:
    """A folder of this process that nobody else may read; those of ended processes are removed.

    Raises:
        OutputError: none can be made.
    """
    try:
        for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
            if has_ended(left.name.removeprefix(_PREFIX)):
                shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{owner()}-"))
    except OSError as error:
        raise OutputError(f"no temporary folder can be made: {error.strerror}") from error


def remove(folder: Path) -> None:
    """Remove a folder; its process has ended, or is this one."""
    # On Windows a file can outlive the process that had it open for a moment.
    for _ in range(10):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.02)


def leave_and_remove(folder: Path) -> None:
    """Remove the folder in which this process runs."""
    with suppress(OSError):
        os.chdir(folder.parent)  # Windows removes no folder that a process is in
    remove(folder)
