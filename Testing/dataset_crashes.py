"""A program for the tests: forks writers to a data set, ends them, and looks at what is left.

    python dataset_crashes.py kills FOLDER N       kill -9, at N random moments of saving
    python dataset_crashes.py exports FOLDER N     kill -9, at N random moments of adding cases and
                                                   exporting them
    python dataset_crashes.py steps WHAT FOLDER    an end at every single step in turn, of
                                                   "save" or "add"
    python dataset_crashes.py together FOLDER N    two who save N revisions each at the same time

It is a process of its own because a fork of pytest's would carry pytest's threads and files along;
writers are forked because starting a Python for each takes seconds. What it prints is told in
`main`; an assertion that fails ends it with 1. There are more than N kills where none came in the
middle (see `kill_fixture`).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np

from dataset_fixture import add_case, labels_of
from kill_fixture import Attempts
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.checks import check_dataset
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.lock import LOCK_NAME
from ToothSegLib.dataset.marker import MARKER
from ToothSegLib.dataset.nnunet import export_nnunet
from ToothSegLib.dataset.record import Change
from ToothSegLib.dataset.refusals import Locked, Outdated
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

# What the system is asked to do to files; between two of these nothing changes on the disk, but
# for the contents of the file that was opened last.
_STEPS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.copyfile"}
CRASHED = 9
_KILLS_A_SET = 4  # a new one now and then, for adding slows down with the cases


def pattern(case: DatasetCase, number: int) -> Volume:
    """The labels of a revision, which say its number."""
    array = np.zeros(case.record.source.shape, np.uint8)
    bits = np.array([int(bit) for bit in f"{number:016b}"], np.uint8)
    array[0, 0, 0] = 11
    array.reshape(-1)[1:17] = 21 + bits
    return case.record.source.placed(array)


def save_next(case: DatasetCase) -> int:
    """One more revision, with its pattern."""
    number = case.revision + 1
    change = Change(11, f"step {number}")
    return case.save_revision(pattern(case, number), "cd", [change], {11: "approved"})


def forked(action: Callable[[], None]) -> int:
    """Start a process that does something and ends; its number."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        action()
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def ended(pid: int) -> int:
    """Wait for a process; its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kills(folder: Path, times: int) -> tuple[int, int]:
    """Kill a writer at random moments: how many revisions there are, how many kills hit a save."""
    moments = random.Random(20240229)
    (case,) = Dataset.open(folder).cases()
    save_next(case)
    started = time.monotonic()
    newest = save_next(case)
    seconds = time.monotonic() - started  # the machine may be slow, or busy
    attempts = Attempts(times)
    for kill in attempts:
        read, write = os.pipe()
        pid = forked(lambda end=write: _save_and_tell(folder, end))
        os.close(write)
        # From the first save on, or at once: a busy machine may be long about the start.
        first = os.read(read, 64) if kill % 3 else b""
        time.sleep(moments.uniform(0.0, 3 * seconds))
        os.kill(pid, signal.SIGKILL)
        assert ended(pid) == -signal.SIGKILL
        with os.fdopen(read) as pipe:
            told = [newest, *map(int, (first.decode() + pipe.read()).split())]
        dataset = Dataset.open(folder)
        (case,) = dataset.cases()
        # What was told of is there; the one in hand may be, and then it is whole.
        assert told == list(range(newest, told[-1] + 1)), told
        assert case.revision in (told[-1], told[-1] + 1), (case.revision, told)
        for number in range(newest, case.revision + 1):
            assert np.array_equal(case.labels(number).array, pattern(case, number).array), number
        assert case.next_tooth() == 21
        attempts.hits += bool(dataset.recovered)
        newest = case.revision
        left = problems_left(folder)
        assert not left, left
    return newest, attempts.hits


def _save_and_tell(folder: Path, pipe: int) -> None:
    case = Dataset.open(folder).cases()[0]
    while True:
        os.write(pipe, b"%d " % save_next(case))


def exports(folder: Path, times: int) -> tuple[int, int, int]:
    """Kill whoever adds cases and exports them, in turn.

    Returns:
        How many kills came while a case was being added, how many during an export, and how many
        exports are there.
    """
    moments = random.Random(20240229)
    adding = exporting = made = 0
    started = time.monotonic()
    _add_and_export(folder / "warm")  # what is imported late, before the forks
    seconds = time.monotonic() - started
    attempts = Attempts(times)
    for kill in attempts:
        place = folder / f"round-{kill // _KILLS_A_SET}"
        before = _cases(place)
        pid = forked(lambda at=place: _add_and_export_on(at))
        time.sleep(moments.uniform(0.0, 4 * seconds))
        os.kill(pid, signal.SIGKILL)
        assert ended(pid) == -signal.SIGKILL
        exporting += any(place.glob(".out-*.part"))
        adding += (place / "set" / LOCK_NAME).exists()
        attempts.hits = adding + exporting
        for out in place.glob("out*"):
            _check_export(out)
            made += 1
        if (place / "set" / MARKER).exists():  # without a case, too, the lock may be held
            left = problems_left(place / "set")
            assert not left, left
        assert _cases(place) >= before
        for case in Dataset.open(place / "set").cases() if _cases(place) else ():
            assert np.array_equal(case.labels().array, labels_of(case.image()).array)
        # It goes on; the next export clears away what is left of one that was killed.
        _add_and_export(place)
        assert not any(place.glob(".out-*.part"))
        assert not check_dataset(place / "set")
    return adding, exporting, made


def _cases(place: Path) -> int:
    return len(Dataset.open(place / "set").case_ids()) if (place / "set" / MARKER).exists() else 0


def _add_and_export_on(place: Path) -> None:
    while True:
        _add_and_export(place)


def _add_and_export(place: Path) -> None:
    """One more case in a set, and then all of them in nnU-Net's layout."""
    with Dataset.new_if_missing(place / "set") as dataset:
        number = len(dataset.case_ids())
        add_case(dataset, number, case_id=f"c{number}")
    if (place / "out").exists():
        os.rename(place / "out", place / f"out-{number}")
    export_nnunet(dataset, place / "out")


def _check_export(out: Path) -> None:
    content = json.loads((out / "dataset.json").read_text())
    images, labels = (sorted((out / name).iterdir()) for name in ("imagesTr", "labelsTr"))
    assert len(images) == len(labels) == content["numTraining"] > 0
    assert all(read_volume(path).array.any() for path in (*images, *labels))


def together(folder: Path, times: int) -> None:
    """Two who add voxels of a tooth each to the newest labels, whoever made those."""
    writers = [forked(lambda tooth=fdi: _count(folder, tooth, times)) for fdi in (11, 21)]
    assert [ended(pid) for pid in writers] == [0, 0]


def _count(folder: Path, fdi: int, times: int) -> None:
    while times:
        case = Dataset.open(folder).cases()[0]
        array = case.labels().array.copy()
        array.reshape(-1)[np.flatnonzero(array == 0)[0]] = fdi
        try:
            case.save_revision(case.record.source.placed(array), str(fdi))
        except (Locked, Outdated):
            continue
        times -= 1


def problems_left(folder: Path) -> list[str]:
    """What is wrong after a crash once the set has been opened, as the next program does, and the
    lock broken, as a person does."""
    dataset = Dataset.open(folder)
    dataset.break_lock()
    for case in dataset.cases():
        case.break_lock()
    Dataset.open(folder)
    return [str(problem) for problem in check_dataset(folder)]


def steps(what: str, folder: Path) -> tuple[int, list[int]]:
    """End at every step in turn: how many there are, and what came of it (see `_outcome`)."""
    original = folder / "original"
    dataset = Dataset.create(original)
    outcomes = set()
    if what == "save":
        save_next(add_case(dataset))
    else:
        add_case(Dataset.create(folder / "warm"))  # what is imported late, before the forks
    for step in count():
        copy = folder / f"copy-{step}"
        shutil.copytree(original, copy)
        action = {"save": _save_once, "add": _add_once}[what]
        if ended(forked(lambda at=copy, do=action, last=step: _do_until(last, do, at))) == 0:
            break
        left = problems_left(copy)
        assert not left, f"after a crash at step {step}: {left}"
        outcomes.add(_outcome(what, copy))
        action(copy)  # and it goes on as if nothing had been
    return step, sorted(outcomes)


def _save_once(folder: Path) -> None:
    save_next(Dataset.open(folder).cases()[0])


def _add_once(folder: Path) -> None:
    dataset = Dataset.open(folder)
    if not dataset.case_ids():
        add_case(dataset)


def _outcome(what: str, folder: Path) -> int:
    """How far it has come; the contents must be what the number says."""
    cases = Dataset.open(folder).cases()
    if what == "add":
        assert all(np.array_equal(c.labels().array, labels_of(c.image()).array) for c in cases)
        return len(cases)
    (case,) = cases
    for entry in case.history()[1:]:
        assert np.array_equal(case.labels(entry.number).array, pattern(case, entry.number).array)
    return case.revision


def _do_until(last: int, action: Callable[[Path], None], folder: Path) -> None:
    """Do something in a data set, and end this process before its step number ``last``."""
    seen = count()

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in _STEPS and str(folder) in str(arguments) and next(seen) == last:
            os._exit(CRASHED)

    sys.addaudithook(hook)
    action(folder)


def main(command: str, *arguments: str) -> None:
    """Do what the command says and print its result."""
    if command in ("kills", "exports"):
        work = kills if command == "kills" else exports
        print(*work(Path(arguments[0]), int(arguments[1])))
        return
    # Waiting for the disk is for power cuts, which are not tried here, and takes most of the time.
    os.fsync = lambda descriptor: None
    if command == "steps":
        number, outcomes = steps(arguments[0], Path(arguments[1]))
        print(number, *outcomes)
    else:
        together(Path(arguments[0]), int(arguments[1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
