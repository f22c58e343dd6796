"""Two people on one share: who is first writes, and the other is told instead of written over."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dataset_fixture import add_case, files_in, labels_of
from ToothSegLib.dataset import case as case_module
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.lock import Lock, break_lock, held, read_lock
from ToothSegLib.dataset.refusals import Locked, Outdated

# No process has this number on any system: Linux ends at 2^22.
NOBODY = 2**22 + 5


def leave_lock(folder: Path, host: str | None = None, pid: int = NOBODY) -> None:
    """A lock as a program leaves it that was ended."""
    lock = {"who": "ef", "host": host or socket.gethostname(), "pid": pid,
            "when": "2024-02-29T12:00:00Z", "token": "abcd"}  # fmt: skip
    (folder / "lock.json").write_text(json.dumps(lock))


def test_the_second_of_two_is_refused_and_nothing_is_lost(case: DatasetCase) -> None:
    other = DatasetCase(case.folder)
    case.save_revision(labels_of(case.labels(), 11), "ab")
    before = files_in(case.folder)
    with pytest.raises(Outdated, match="newer revision, 2, by ab of .*; this one was made from 1"):
        other.save_revision(labels_of(other.labels(), 21), "cd")
    assert files_in(case.folder) == before
    again = DatasetCase(case.folder)
    assert again.save_revision(labels_of(again.labels(), 11, 21), "cd") == 3


def test_even_without_any_lock_one_number_is_one_revision(
    case: DatasetCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a share whose locks do nothing, two may both be about to save."""

    @contextmanager
    def no_lock(folder: Path, who: str) -> Iterator[Lock]:
        yield Lock(who, "", 0, "", who)

    other = DatasetCase(case.folder)
    monkeypatch.setattr(case_module, "held", no_lock)
    commit = case_module.commit

    def other_first(*arguments: object) -> None:
        monkeypatch.setattr(case_module, "commit", commit)
        other.save_revision(labels_of(other.labels(), 21), "cd")
        commit(*arguments)

    monkeypatch.setattr(case_module, "commit", other_first)
    with pytest.raises(Outdated, match="has got a revision 2 in this moment"):
        case.save_revision(labels_of(case.labels(), 11), "ab")
    assert case.revision == 1
    found = DatasetCase(case.folder)
    assert (found.revision, found.record.teeth, found.history()[1].who) == (2, (21,), "cd")


def test_the_lock_says_who_where_and_since_when(case: DatasetCase) -> None:
    with case.locked("ab"):
        lock = read_lock(case.folder)
        assert lock is not None
        assert (lock.who, lock.host, lock.pid) == ("ab", socket.gethostname(), os.getpid())
        assert lock.process == "running"
        with pytest.raises(Locked, match=f"ab since 2.*Z; process {os.getpid()} on .* still runs"):
            DatasetCase(case.folder).save_revision(case.labels(), "cd")
        # Whoever holds it may save.
        assert case.save_revision(labels_of(case.labels(), 11), "ab") == 2
        assert read_lock(case.folder) == lock
    assert read_lock(case.folder) is None


def test_a_lock_left_behind_is_named_and_broken_on_request_only(case: DatasetCase) -> None:
    leave_lock(case.folder)
    (recovered,) = Dataset.open(case.folder.parent).recovered
    assert f"locked by ef since 2024-02-29T12:00:00Z; process {NOBODY}" in recovered
    with pytest.raises(Locked, match="has ended; wait, or.*dataset unlock"):
        case.save_revision(labels_of(case.labels(), 11), "ab")
    broken = case.break_lock()
    assert broken is not None
    assert broken.who == "ef"
    assert case.break_lock() is None
    assert case.save_revision(labels_of(case.labels(), 11), "ab") == 2


def test_a_lock_from_another_machine_can_be_broken_by_a_person(case: DatasetCase) -> None:
    leave_lock(case.folder, host="a-host-of-another-name")
    lock = read_lock(case.folder)
    assert lock is not None
    assert lock.process == "unknown"
    assert "cannot be asked from this machine" in str(lock)
    assert case.break_lock() == lock


@pytest.mark.parametrize("content", ["", "{", '{"who": 1}', "[]", '{"pid": 1e999}'])
def test_a_lock_cut_short_still_locks(case: DatasetCase, content: str) -> None:
    (case.folder / "lock.json").write_text(content)
    with pytest.raises(Locked, match="a lock file without contents"):
        case.save_revision(case.labels(), "ab")
    assert case.break_lock() is not None
    assert case.save_revision(labels_of(case.labels(), 11), "ab") == 2


def test_a_running_programs_lock_is_not_broken(case: DatasetCase) -> None:
    with case.locked("ab"), pytest.raises(Locked, match="is in use, its lock stays: ab"):
        break_lock(case.folder)


def test_a_lock_that_was_broken_and_taken_anew_is_not_released(case: DatasetCase) -> None:
    with held(case.folder, "ab"):
        (case.folder / "lock.json").unlink()
        leave_lock(case.folder)
    assert read_lock(case.folder) is not None


def test_only_one_adds_cases_at_a_time(dataset: Dataset) -> None:
    leave_lock(dataset.folder)
    with pytest.raises(Locked, match="locked by ef"):
        add_case(dataset)
    assert dataset.break_lock() is not None
    assert add_case(dataset).revision == 1
    assert not list(dataset.folder.glob("lock*"))
