"""The folder of a training: one at a time, and rid of what one that was killed was writing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ToothSegLib.disk.atomic import PART_PREFIX
from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.machine.os_lock import os_locked
from ToothSegLib.training.finetune_plan import RECORD

LOCK_NAME = ".toothseg-train.lock"
BUNDLE = "bundle"
"""Where in its folder a training leaves the bundle that came of it."""

# What a kill leaves, by the names that `atomic.replacing` and `models.write_bundle` give: files and
# bundles in the making, and bundles that were being replaced. Other hidden files are the user's.
_PART = re.compile(rf"{re.escape(PART_PREFIX)}[0-9a-f]{{8}}\.part")
_BUNDLE = re.compile(rf"\.({BUNDLE}|candidate)\.[0-9a-f]{{32}}\.(part|old)")


@contextmanager
def run_folder(folder: Path, *, resume: bool, record: str = RECORD) -> Iterator[bool]:
    """Keep a run's folder to this process; whether a run is there to go on with.

    Args:
        folder: made if it is not there, and gone again where the block ends in an error before
            anything has come into it.
        resume: somebody asked to go on with the run in it.
        record: the file by which a run is told to be there.

    Raises:
        InputError: there is a run and nobody asked to go on with it, or the bundle of a training
            of another kind.
        OutputError: another process is at work there, or the folder cannot be written to.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror or error}") from error
    # The lock stays: where it was before, a training was begun, perhaps one without a record yet.
    begun = (folder / LOCK_NAME).exists()
    try:
        with os_locked(folder / LOCK_NAME, "training"):
            there = (folder / record).exists()
            if there and not resume:
                raise InputError(f"{folder} holds a run already: add --resume to go on with it")
            if there or begun:
                _clear(folder)
            if not there:
                refuse_others_bundle(folder)
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


def refuse_others_bundle(folder: Path) -> None:
    """Raise InputError if a folder in which there is no run to go on with holds a bundle."""
    if (folder / BUNDLE).exists():
        raise InputError(f"{folder} holds the bundle of another training: name another folder")


def _clear(folder: Path) -> None:
    for place in (folder, folder / "heads"):
        for path in place.glob(".*"):
            if _BUNDLE.fullmatch(path.name) and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif _PART.fullmatch(path.name) and path.is_file():
                with suppress(OSError):
                    path.unlink()
