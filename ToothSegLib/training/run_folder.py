"""The folder of a training: one at a time, and rid of what one that was killed was writing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.os_lock import os_locked
from ToothSegLib.training.finetune_plan import RECORD

LOCK_NAME = ".toothseg-train.lock"
# Files and bundles in the making, and bundles that were being replaced.
_REMAINS = (".*.part", ".*.old")


@contextmanager
def run_folder(folder: Path, *, resume: bool, record: str = RECORD) -> Iterator[bool]:
    """Keep a run's folder to this process; whether a run is there to go on with.

    Args:
        folder: made if it is not there, and gone again where the block ends in an error before
            anything has come into it.
        resume: somebody asked to go on with the run in it.
        record: the file by which a run is told to be there.

    Raises:
        InputError: there is a run and nobody asked to go on with it.
        OutputError: another process is at work there, or the folder cannot be written to.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror or error}") from error
    try:
        with os_locked(folder / LOCK_NAME, "training"):
            there = (folder / record).exists()
            if there and not resume:
                raise InputError(f"{folder} holds a run already: add --resume to go on with it")
            _clear(folder)
            yield there
    except BaseException:
        _take_away(made)
        raise


def _take_away(made: Sequence[Path]) -> None:
    """Remove folders, the run's own first, if there is nothing but its lock in them."""
    with suppress(OSError):
        if made and [path.name for path in made[0].iterdir()] == [LOCK_NAME]:
            (made[0] / LOCK_NAME).unlink()
        for path in made:
            path.rmdir()


def _clear(folder: Path) -> None:
    places = (folder, folder / "heads")
    for remains in {path for at in places for pattern in _REMAINS for path in at.glob(pattern)}:
        if remains.is_dir():
            shutil.rmtree(remains, ignore_errors=True)
        else:
            with suppress(OSError):
                remains.unlink()
