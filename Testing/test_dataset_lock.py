"""Two people on one share: who is first writes, and the other is told instead of written over."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dataset_fixture import add_case, files_in, labels_of
from ToothSegLib.dataset import case as case_module
from ToothSegLib.dataset import lock as lock_module
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.checks import check_dataset
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.lock import Lock, break_lock, held, read_lock
from ToothSegLib.dataset.refusals import Locked, Outdated
from ToothSegLib.dataset.started import started
from ToothSegLib.errors import ToothSegError
from ToothSegLib.volume import Volume

# No process has this number on any system: Linux ends at 2^22.
NOBODY = 2**22 + 5


def leave_lock(folder: Path, host: str | None = None, pid: int = NOBODY, **more: str) -> None:
    """A lock as a program leaves it that was ended."""
    lock = {
        "who": "ef",
        "host": host or socket.gethostname(),
        "pid": pid,
        "when": "2024-02-29T12:00:00Z",
        "token": "abcd",
        **more,
    }
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
    lock = re.escape(str(case.folder / "lock.json"))
    words = f"{case.id} is in use, its lock stays: ab .* still runs; if .* has ended, delete {lock}"
    with case.locked("ab"), pytest.raises(Locked, match=words):
        break_lock(case.folder)


def test_a_number_that_another_program_was_given_keeps_no_lock(case: DatasetCase) -> None:
    """A process of this number runs, but it has begun after the one that made the lock."""
    mine = started(os.getppid())
    if not mine:
        pytest.skip("this system does not tell when a process began")
    leave_lock(case.folder, pid=os.getppid(), started=mine)
    lock = read_lock(case.folder)
    assert lock is not None
    assert lock.process == "running"
    for other in (f"{mine}0", f"another-start-of-the-machine {mine.split()[1]}"):
        leave_lock(case.folder, pid=os.getppid(), started=other)
        lock = read_lock(case.folder)
        assert lock is not None
        assert lock.process == "ended"
    assert case.break_lock() == lock
    # An older version has not written when it began.
    leave_lock(case.folder, pid=os.getppid())
    with pytest.raises(Locked, match="still runs"):
        case.break_lock()


def test_a_container_of_the_same_name_is_another_machine(case: DatasetCase) -> None:
    leave_lock(case.folder, pid=os.getpid(), owner=f"0123456789ab-{os.getpid()}")
    lock = read_lock(case.folder)
    assert lock is not None
    assert lock.process == "unknown"
    with pytest.raises(Locked, match="cannot be asked from this machine"):
        case.save_revision(labels_of(case.labels(), 11), "ab")
    assert case.break_lock() == lock


def test_what_a_newer_version_writes_into_a_lock_is_passed_over(case: DatasetCase) -> None:
    leave_lock(case.folder, colour="blue")
    assert str(read_lock(case.folder)).startswith("ef since 2024")


def test_a_share_that_was_gone_for_a_while_keeps_no_program_out(
    case: DatasetCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock could not be taken away, and its process still runs: it is the one that asks."""
    folder = case.folder.parent
    away, write = folder.with_name("away"), case_module.write_labels

    def gone(path: Path, labels: Volume) -> None:
        folder.rename(away)
        write(path, labels)

    with monkeypatch.context() as patched:
        patched.setattr(case_module, "write_labels", gone)
        with pytest.raises(ToothSegError):
            case.save_revision(labels_of(case.labels(), 11), "ab")
    away.rename(folder)
    lock = read_lock(case.folder)
    assert lock is not None
    assert lock.process == "ended"
    assert case.save_revision(labels_of(case.labels(), 11), "ab") == 2
    assert read_lock(case.folder) is None
    Dataset.open(folder)
    assert check_dataset(folder) == []


@pytest.mark.parametrize("times", [1, 10**6])
def test_a_lock_that_others_have_open_is_taken_away_later(
    case: DatasetCase, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """As on Windows while a virus scanner looks at it: for a moment, or for long."""
    left, unlink = iter(range(times)), Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == "lock.json" and next(left, None) is not None:
            raise PermissionError(13, "being used by another process")
        unlink(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refuse)
        patched.setattr(lock_module, "_PATIENCE_S", 0.2)
        assert case.save_revision(labels_of(case.labels(), 11), "ab") == 2
        assert (case.folder / "lock.json").exists() == (times > 1)
    assert case.save_revision(labels_of(case.labels(), 21), "ab") == 3
    assert read_lock(case.folder) is None


def test_a_lock_names_the_folder_that_is_given_as_a_dot(
    case: DatasetCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(case.folder)
    with case.locked("ab"):
        with pytest.raises(Locked, match=f"^{case.id} is in use"):
            break_lock(Path("."))
        with pytest.raises(Locked, match=f"^{case.id} is locked by ab"), held(Path("."), "cd"):
            pass


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
