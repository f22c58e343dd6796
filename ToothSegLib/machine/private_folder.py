"""A temporary folder that holds a patient's scan: made for this process alone, and surely gone.

Where a process is killed, or the machine stops, nobody is left to remove it: whoever needs such a
folder next does.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from ToothSegLib.machine.owner import has_ended, owner

JOB, SCAN = "toothseg-job-", "toothseg-scan-"
"""What the names of a job's folder, and of one for a scan under another name, begin with."""


def make(prefix: str) -> Path:
    """A folder of this process that nobody else may read; those of ended processes are removed.

    Args:
        prefix: ``JOB`` or ``SCAN``.

    Raises:
        OSError: none can be made.
    """
    for kind in (JOB, SCAN):
        for left in Path(tempfile.gettempdir()).glob(f"{kind}*"):
            if has_ended(left.name.removeprefix(kind)):
                shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{prefix}{owner()}-"))


def remove(folder: Path) -> None:
    """Remove a folder; its process has ended, or is this one."""
    # On Windows a file can outlive the process that had it open for a moment.
    for _ in range(10):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.02)
