"""Programs that end in the middle: nothing is lost but the step in hand, nothing half-written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dataset_fixture import TEETH, add_case, files_in, labels_of
from kill_fixture import kills
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.checks import check_dataset, doubtful_cases
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.lock import read_lock
from ToothSegLib.dataset.reviewed import reviewed_cases
from ToothSegLib.errors import InputError

HERE = Path(__file__).resolve().parent

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def crashes(*arguments: object) -> list[int]:
    """Run `dataset_crashes.py`; the numbers that it prints."""
    run = subprocess.run(
        [sys.executable, str(HERE / "dataset_crashes.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE.parent))),
            "OMP_NUM_THREADS": "1",
        },
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return [int(word) for word in run.stdout.split()]


@forks
@pytest.mark.timeout(900)
def test_kill_9_at_random_moments_loses_the_step_in_hand_at_most(case: DatasetCase) -> None:
    revisions, hits = crashes("kills", case.folder.parent, kills(12))
    assert hits > 0, "no kill comes in the middle of a save: this test tests nothing"
    assert DatasetCase(case.folder).revision == revisions > 2
    assert check_dataset(case.folder.parent) == []


@forks
@pytest.mark.timeout(900)
def test_kill_9_during_export_leaves_it_whole_or_not_there(tmp_path: Path) -> None:
    adding, exporting, made = crashes("exports", tmp_path, kills(8))
    assert adding + exporting > 0, "no kill comes in the middle: this test tests nothing"
    assert made > 0


@forks
@pytest.mark.parametrize(
    ("what", "least_steps", "outcomes"), [("save", 20, [2, 3]), ("add", 10, [0, 1])]
)
def test_an_end_at_any_single_step_leaves_the_old_or_the_new(
    tmp_path: Path, what: str, least_steps: int, outcomes: list[int]
) -> None:
    steps, *seen = crashes("steps", what, tmp_path)
    assert steps >= least_steps
    assert seen == outcomes


@forks
def test_two_programs_at_once_lose_nothing_of_each_other(case: DatasetCase) -> None:
    case.save_revision(case.labels().with_array(np.zeros((6, 7, 8), np.uint8)), "ab")
    crashes("together", case.folder.parent, 6)
    found = DatasetCase(case.folder)
    assert found.revision == 2 + 12
    counted = np.bincount(found.labels().array.ravel(), minlength=22)
    assert (counted[11], counted[21]) == (6, 6)
    assert [entry.who for entry in found.history()].count("11") == 6
    assert check_dataset(case.folder.parent) == []


def test_opening_clears_leftovers_and_tells_where_the_work_stopped(case: DatasetCase) -> None:
    case.save_revision(case.labels(), "cd", review={18: "approved"})
    stage = case.folder / ".stage-0123"
    (stage / "revision").mkdir(parents=True)
    (stage / "revision" / "labels.seg.nrrd").write_bytes(b"half")
    (case.folder.parent / ".stage-4567").mkdir()
    opened = Dataset.open(case.folder.parent)
    assert opened.recovered == [
        f"{case.id}: a save was broken off; its newest revision is 2, go on with tooth 11"
    ]
    assert not list(case.folder.parent.rglob(".stage-*"))
    assert Dataset.open(case.folder.parent).recovered == []


def test_opening_brings_the_copies_up_to_date(case: DatasetCase) -> None:
    old = files_in(case.folder)
    case.save_revision(labels_of(case.labels(), 11), "cd")
    new = files_in(case.folder)
    for name in ("labels.seg.nrrd", "case.json"):
        (case.folder / name).write_bytes(old[name])
    assert len(Dataset.open(case.folder.parent).recovered) == 1
    assert files_in(case.folder) == new
    (case.folder / "case.json").unlink()
    Dataset.open(case.folder.parent)
    assert files_in(case.folder) == new


def test_copies_that_a_power_cut_has_emptied_keep_no_revision_out(case: DatasetCase) -> None:
    (case.folder / "labels.seg.nrrd").write_bytes(b"")
    (problem,) = check_dataset(case.folder.parent)
    assert "labels.seg.nrrd is empty; the next revision" in problem.message
    assert case.save_revision(labels_of(case.labels(), 11), "cd") == 2
    newest = case.folder / "revisions" / "0002"
    for name in ("labels.seg.nrrd", "case.json"):
        assert (case.folder / name).read_bytes() == (newest / name).read_bytes()
    # Where both are empty, whatever opens the set brings them back.
    whole = files_in(case.folder)
    for name in ("labels.seg.nrrd", "case.json"):
        (case.folder / name).write_bytes(b"")
    Dataset.open(case.folder.parent)
    assert files_in(case.folder) == whole


def test_copies_are_forced_to_the_disk(case: DatasetCase, monkeypatch: pytest.MonkeyPatch) -> None:
    forced = []

    def fsync(descriptor: int) -> None:
        forced.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    case.save_revision(labels_of(case.labels(), 11), "cd")
    for name in ("labels.seg.nrrd", "case.json"):
        assert (case.folder / name).stat().st_ino in forced, name


def test_opening_leaves_labels_from_outside_alone(case: DatasetCase) -> None:
    (case.folder / "labels.seg.nrrd").write_bytes(b"an hour of work")
    (case.folder / "case.json").unlink()
    Dataset.open(case.folder.parent)
    assert (case.folder / "labels.seg.nrrd").read_bytes() == b"an hour of work"


def test_what_somebody_is_writing_is_left_alone(case: DatasetCase) -> None:
    with case.locked("cd"):
        lock = read_lock(case.folder)
        assert lock is not None
        stage = case.folder / f".stage-{lock.token}"
        stage.mkdir()
        (case.folder / "case.json").unlink()
        assert Dataset.open(case.folder.parent).recovered != []
        assert stage.is_dir()
        assert not (case.folder / "case.json").exists()
        stage.rmdir()
    Dataset.open(case.folder.parent)
    assert (case.folder / "case.json").exists()


def test_a_set_that_cannot_be_written_to_can_be_read(
    case: DatasetCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    (case.folder / ".stage-0123").mkdir()
    (case.folder / "case.json").unlink()
    for name in ("rename", "replace", "mkdir", "open", "unlink"):
        monkeypatch.setattr(os, name, refuse)
    found = Dataset.open(case.folder.parent).case(case.id)
    assert found.revision == 1
    assert found.labels().array.any()


def test_a_damaged_case_keeps_no_one_from_the_others(dataset: Dataset) -> None:
    add_case(dataset, 1, case_id="sound")
    add_case(dataset, 2, case_id="damaged")
    (dataset.folder / "damaged" / "revisions" / "0001" / "case.json").write_text("{")
    opened = Dataset.open(dataset.folder)
    assert opened.case("sound").revision == 1
    assert [case.id for case in opened.cases()] == ["sound"]
    (line,) = opened.recovered
    assert line.startswith("damaged is left out: ")
    assert "is not JSON" in line
    with pytest.raises(InputError, match="is not JSON"):
        opened.case("damaged")


def strays(folder: Path) -> None:
    """What storage systems, people and a synchronisation leave in a data set."""
    for name in ("@eaDir", "lost+found", ".Trash-1000", "old/deeper", "half/revisions"):
        (folder / name).mkdir(parents=True)
    (folder / "old" / ".stage-01").mkdir()
    (folder / "half" / "image.nrrd").write_bytes(b"NRRD")


def test_folders_that_are_no_cases_keep_no_one_out(dataset: Dataset) -> None:
    case = add_case(dataset, 1, review=dict.fromkeys(TEETH, "approved"))
    strays(dataset.folder)
    opened = Dataset.open(dataset.folder)
    assert opened.recovered == []
    assert opened.case_ids() == [case.id]
    assert [reviewed.id for reviewed in reviewed_cases(dataset.folder)] == [case.id]
    assert (dataset.folder / "old" / ".stage-01").is_dir(), "what is no case is left alone"
    with pytest.raises(InputError, match="no case of a data set: it has no revisions; if it is"):
        opened.case("half")
    assert add_case(opened, 2).revision == 1
    told = [problem.case for problem in check_dataset(dataset.folder)]
    assert told == ["half"]
    told = [problem.case for problem in doubtful_cases(dataset.folder)]
    assert told == [".Trash-1000", "@eaDir", "lost+found", "old"], "in a line each"


def test_a_folder_that_must_not_be_looked_into_keeps_no_one_out(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = add_case(dataset, 1)
    closed = dataset.folder / "lost+found"
    closed.mkdir()
    listed = os.listdir

    def refuse(path: Path) -> list[str]:
        if closed in Path(path).parents:
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "listdir", refuse)
    opened = Dataset.open(dataset.folder)
    assert [found.id for found in opened.cases()] == [case.id]
    assert check_dataset(dataset.folder) == []
    assert [problem.case for problem in doubtful_cases(dataset.folder)] == ["lost+found"]
