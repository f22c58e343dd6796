"""The private folder of a job, which holds a patient's scan."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ToothSegLib.errors import OutputError
from ToothSegLib.machine import private_folder
from ToothSegLib.machine.private_folder import remove as remove


def make() -> Path:
    """A folder of this process that nobody else may read; those of ended processes are removed.

    Raises:
        OutputError: none can be made.
    """
    try:
        return private_folder.make(private_folder.JOB)
    except OSError as error:
        raise OutputError(f"no temporary folder can be made: {error.strerror}") from error


def leave_and_remove(folder: Path) -> None:
    """Remove the folder in which this process runs."""
    with suppress(OSError):
        os.chdir(folder.parent)  # Windows removes no folder that a process is in
    remove(folder)
