"""The output folder of a batch: one batch at a time, and a hidden folder for what is in the making.

The lock is the operating system's and goes with the process that holds it, however that ends. The
hidden folder goes when the batch ends; the next batch removes that of one that was killed. A
process elsewhere that still works for it sees that, and gives up.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ToothSegLib.disk.output_folder import check_folder, new_folder
from ToothSegLib.errors import OutputError
from ToothSegLib.machine.os_lock import os_locked

LOCK_NAME = ".toothseg-batch.lock"
_RUN = ".toothseg-batch-"
# The folder alone proves nothing: who writes into it may make it again.
_MARK = "in-work"


@contextmanager
def working_folder(out: Path) -> Iterator[Path]:
    """Lock an output folder, made if it is not there; the hidden folder of this batch.

    Raises:
        OutputError: another batch works there, or it cannot be written to.
    """
    check_folder(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write to {out}: {error.strerror or error}") from error
    with os_locked(out / LOCK_NAME, "batch"):
        for remains in out.glob(f"{_RUN}*"):
            _remove(remains)
        run = _make_run_folder(out)
        try:
            yield run
        finally:
            _remove(run)


def called_off(run: str | os.PathLike[str]) -> bool:
    """Whether the batch of a hidden folder has ended.

    A share that does not answer for a moment says nothing; one that is gone looks like an end.
    """
    try:
        os.stat(os.path.join(run, _MARK))
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _remove(run: Path) -> None:
    """Remove a hidden folder; renamed first, so that nothing leaves it when half of it is gone."""
    aside = run.with_name(f"{_RUN}{uuid.uuid4().hex}")
    with suppress(OSError):
        os.rename(run, aside)
        with suppress(OSError):
            (aside / _MARK).unlink()
        shutil.rmtree(aside, ignore_errors=True)


def _make_run_folder(out: Path) -> Path:
    run = None
    try:
        run = new_folder(out, _RUN)
        # The workers of a cluster may be another user's; results have the rights of their folder.
        with suppress(OSError):  # a share may know no rights
            run.chmod(out.stat().st_mode)
        (run / _MARK).touch()
    except OSError as error:
        if run is not None:
            _remove(run)
        raise OutputError(f"cannot write to {out}: {error.strerror or error}") from error
    return run
