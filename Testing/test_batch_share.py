"""A share that does not answer for a while ends no scan as a fault of the program."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ToothSegLib.batch import pool
from ToothSegLib.batch.entry import Entry, Options, Scan, Task
from ToothSegLib.batch.folder import called_off, working_folder
from ToothSegLib.errors import Cancelled
from ToothSegLib.progress import ProgressCallback


def test_only_a_folder_that_is_gone_is_called_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with working_folder(tmp_path / "out") as run:
        assert not called_off(run)
        stat = os.stat

        def fails(path: os.PathLike[str], **options: object) -> os.stat_result:
            if str(path).startswith(str(run)):
                raise OSError(errno.EIO, "Input/output error")
            return stat(path, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(os, "stat", fails)
        assert not called_off(run)
        monkeypatch.undo()
    assert called_off(run)


def work_that_finds_its_folder_gone(task: Task, progress: ProgressCallback | None = None) -> Entry:
    """As `one_scan.segment_one` does then; but for the second scan."""
    if task.scan.name == "s0":
        raise Cancelled("cancelled; nothing was written")
    return Entry.of(task.scan, "done", code=0)


def test_a_scan_whose_folder_was_gone_fails_and_the_next_one_goes_on() -> None:
    scans = [Scan(f"s{n}", f"s{n}.nrrd", f"s{n}.nrrd", None, ()) for n in range(2)]
    tasks = [Task(scan, "OUT", "OUT/run", Options(), {}) for scan in scans]
    work = work_that_finds_its_folder_gone
    first, second = pool.work_here(tasks, 1, 1, lambda *_: None, lambda: False, work)
    assert (first.status, first.code) == ("failed", 2)
    assert first.error == "OUT was gone for a while: run the batch again"
    assert second.status == "done"
