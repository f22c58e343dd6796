"""Where a writer makes its files before they are moved in place, and what becomes of it.

A stage is a hidden folder named after the token of its writer's lock, so that a stage whose lock is
gone, or whose process has ended, is known to be left over.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ToothSegLib.dataset.lock import Lock, read_lock
from ToothSegLib.errors import OutputError, ToothSegError

PREFIX = ".stage-"


@contextmanager
def staged(folder: Path, lock: Lock) -> Iterator[Path]:
    """A hidden folder in ``folder``, on the same disk; what is still in it at the end goes.

    Args:
        lock: held on ``folder``.

    Raises:
        OutputError: the folder cannot be written to, or the disk is full.
    """
    stage = folder / f"{PREFIX}{lock.token}"
    try:
        stage.mkdir()
        yield stage
    except ToothSegError as error:
        # The user knows nothing of the hidden folder.
        raise type(error)(str(error).replace(str(stage), str(folder))) from error
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def leftovers(folder: Path) -> list[Path]:
    """Stages in a folder that nobody will finish."""
    # In this order: a writer takes the lock before it makes its stage. One that is seen here and
    # is not the lock's has been given up.
    stages = sorted(path for path in folder.glob(f"{PREFIX}*"))
    lock = read_lock(folder)
    if lock is None or lock.process == "ended":
        return stages
    return [path for path in stages if path.name != f"{PREFIX}{lock.token}"]


def clear(folder: Path) -> int:
    """Remove the leftovers in a folder as far as its rights allow; how many there were."""
    gone = 0
    for stage in leftovers(folder):
        # Renamed first: should its writer be alive after all, because its lock was broken, it
        # fails at once instead of moving half a folder in place.
        aside = folder / f"{PREFIX}{uuid.uuid4().hex}"
        with suppress(OSError):
            os.rename(stage, aside)
            gone += 1
            if aside.is_dir():
                shutil.rmtree(aside, ignore_errors=True)
            else:
                aside.unlink()
    return gone


def sync(folder: Path) -> None:
    """Make the names in a folder outlast a power cut, where the system can."""
    with suppress(OSError):  # Windows opens no folders, and not every share can sync them
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
