"""`check_dataset` finds each inconsistency, tells it in words, and touches nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dataset_fixture import add_case, files_in, labels_of, moved, scan
from test_dataset_lock import leave_lock
from ToothSegLib.dataset import voxels
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.checks import check_dataset, doubtful_cases
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.voxels import write_image, write_labels
from ToothSegLib.disk.checksum import file_sha256
from ToothSegLib.errors import Cancelled, InputError
from ToothSegLib.volume import Volume


def edit(path: Path, change: Callable[[dict], object]) -> None:
    """Change values in a JSON file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def flip(path: Path) -> None:
    """Change the last byte of a file."""
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def in_newest(change: Callable[[dict], object]) -> Callable[[Path], None]:
    """Change the newest record and its copy alike, as a forger would."""

    def tamper(folder: Path) -> None:
        edit(folder / "revisions" / "0002" / "case.json", change)
        shutil.copy(folder / "revisions" / "0002" / "case.json", folder / "case.json")

    return tamper


def other_labels(make: Callable[[Volume], Volume]) -> Callable[[Path], None]:
    """Other labels in place of the newest, with the right checksum in the records."""

    def tamper(folder: Path) -> None:
        path = folder / "revisions" / "0002" / "labels.seg.nrrd"
        write_image(path, make(DatasetCase(folder).labels()))
        shutil.copy(path, folder / "labels.seg.nrrd")
        in_newest(lambda c: c["history"][1].update(labels_sha256=file_sha256(path)))(folder)

    return tamper


def shorter(volume: Volume) -> Volume:
    return volume.part((slice(0, 5), slice(None, 7), slice(None, 8)))


TAMPERED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no image": (lambda d: (d / "image.nrrd").unlink(), "image.nrrd cannot be read: No such"),
    "image damaged": (lambda d: flip(d / "image.nrrd"), "not the file that was added"),
    "image cut short": (
        lambda d: (d / "image.nrrd").write_bytes((d / "image.nrrd").read_bytes()[:300]),
        "is cut short, or no NRRD",
    ),
    "image of another patient": (
        lambda d: write_image(d / "image.nrrd", scan(99)),
        "does not hold the voxels that were added",
    ),
    "image of another grid": (
        lambda d: write_image(d / "image.nrrd", shorter(scan())),
        "image.nrrd is not on the scan's grid: 8 x 7 x 5 voxels, the scan 8 x 7 x 6",
    ),
    "image in another place": (
        lambda d: write_image(d / "image.nrrd", moved(scan())),
        "not on the scan's grid: as many voxels, in another place",
    ),
    "labels damaged": (
        lambda d: flip(d / "revisions" / "0002" / "labels.seg.nrrd"),
        "the labels of revision 2 are not those that were saved",
    ),
    "old labels damaged": (
        lambda d: flip(d / "revisions" / "0001" / "labels.seg.nrrd"),
        "the labels of revision 1 are not those that were saved",
    ),
    "old labels gone": (
        lambda d: (d / "revisions" / "0001" / "labels.seg.nrrd").unlink(),
        "0001/labels.seg.nrrd cannot be read: No such",
    ),
    "labels of another grid": (other_labels(shorter), "labels.seg.nrrd is not on the scan's grid"),
    "labels in another place": (other_labels(moved), "as many voxels, in another place"),
    "unknown number": (
        other_labels(lambda v: v.with_array(np.where(v.array == 11, 91, v.array))),
        "the labels hold 91, which is no FDI number",
    ),
    "another tooth": (
        other_labels(lambda v: v.with_array(np.where(v.array == 11, 12, v.array).astype(np.uint8))),
        "record and labels disagree on which teeth are there: 11, 12",
    ),
    "copy missing": (lambda d: (d / "labels.seg.nrrd").unlink(), "labels.seg.nrrd is missing"),
    "copy changed": (
        lambda d: write_labels(d / "labels.seg.nrrd", labels_of(scan(), 47)),
        "labels.seg.nrrd was changed outside",
    ),
    "copy of an old revision": (
        lambda d: shutil.copy(d / "revisions" / "0001" / "labels.seg.nrrd", d),
        "is that of an older revision than 2",
    ),
    "old record": (
        lambda d: shutil.copy(d / "revisions" / "0001" / "case.json", d),
        "case.json is not that of the newest revision, 2",
    ),
    "no record": (lambda d: (d / "case.json").unlink(), "case.json cannot be read"),
    "record damaged": (
        lambda d: (d / "revisions" / "0002" / "case.json").write_text("{"),
        "0002/case.json is not JSON",
    ),
    "revision gone": (
        lambda d: shutil.rmtree(d / "revisions" / "0001"),
        "revision 1 is missing",
    ),
    "revision by hand": (
        lambda d: shutil.copytree(d / "revisions" / "0002", d / "revisions" / "0003"),
        "the record of revision 3 is that of revision 2",
    ),
    "history rewritten": (
        in_newest(lambda c: c["history"][0].update(who="xy")),
        "revision 1 tells another history than the newest, 2",
    ),
    "review of a tooth that is not there": (
        in_newest(lambda c: c["review"].update({"47": "approved"})),
        "tooth 47 is approved, but the labels do not hold it",
    ),
    "missing, yet there": (
        in_newest(lambda c: c["review"].update({"11": "missing"})),
        "tooth 11 is declared missing, but the labels hold it",
    ),
    "no review": (in_newest(lambda c: c["review"].pop("11")), "tooth 11 has no review state"),
    "folder renamed": (lambda d: d.rename(d.with_name("renamed")), "its record calls it case-"),
    "copied case": (lambda d: shutil.copytree(d, d.with_name("twin")), "are the same scan"),
    "lock left": (leave_lock, "locked by ef since 2024"),
    "lock of the set left": (lambda d: leave_lock(d.parent), "locked by ef since 2024"),
    "stage left": (lambda d: (d / ".stage-01").mkdir(), ".stage-01 is left over from a save"),
    "stage of the set left": (lambda d: (d.parent / ".stage-01").mkdir(), "is left over from"),
    "stray file": (lambda d: (d / "notes.txt").touch(), "notes.txt does not belong to a case"),
    "stray file in the set": (
        lambda d: (d.parent / "notes.txt").touch(),
        "notes.txt does not belong to a data set",
    ),
    "stray file among revisions": (
        lambda d: (d / "revisions" / "x").touch(),
        "revisions/x is no revision",
    ),
    "folder of one's own in a case": (
        lambda d: (d / "old").mkdir(),
        "old does not belong to a case",
    ),
    "case in the middle of a copy": (
        lambda d: shutil.rmtree(d / "revisions"),
        "it has no revisions and is left out: wait until it is copied whole",
    ),
    "no marker": (lambda d: (d.parent / "dataset.json").unlink(), "it has no dataset.json"),
    "marker damaged": (
        lambda d: (d.parent / "dataset.json").write_text("["),
        "dataset.json is not JSON",
    ),
}


@pytest.fixture
def corrected(case: DatasetCase) -> DatasetCase:
    """A case of two revisions beside a case without labels; all is well."""
    case.save_revision(labels_of(case.labels(), 11, 36), "cd", review={11: "approved"})
    dataset = Dataset.open(case.folder.parent)
    dataset.add(scan(8), None, CaseMeta(who="ab"))
    assert check_dataset(dataset.folder) == []
    return case


@pytest.mark.parametrize(("tamper", "words"), TAMPERED.values(), ids=TAMPERED)
def test_each_inconsistency_is_found_and_told_in_a_line(
    corrected: DatasetCase, tamper: Callable[[Path], object], words: str
) -> None:
    folder = corrected.folder.parent
    tamper(corrected.folder)
    before = files_in(folder)
    lines = [str(problem) for problem in check_dataset(folder)]
    assert any(words in line for line in lines), lines
    assert not any("\n" in line for line in lines)
    assert files_in(folder) == before, "a check must not write"


def test_what_systems_leave_by_themselves_is_no_fault(corrected: DatasetCase) -> None:
    folder = corrected.folder.parent
    for place in (folder, corrected.folder, corrected.folder / "revisions"):
        for name in (".DS_Store", "._image.nrrd", "Thumbs.db", "desktop.ini"):
            (place / name).touch()
        (place / "@eaDir").mkdir()
    (folder / ".Trash-1000").mkdir()
    assert check_dataset(folder) == []
    lines = [str(doubt) for doubt in doubtful_cases(folder)]
    assert [line.split(":")[0] for line in lines] == [".Trash-1000", "@eaDir"]
    assert "it has no revisions, so it is no case and is left alone: move it elsewhere" in lines[0]


def test_several_faults_are_all_told(corrected: DatasetCase) -> None:
    flip(corrected.folder / "image.nrrd")
    (corrected.folder / "notes.txt").touch()
    shutil.rmtree(corrected.folder / "revisions" / "0001")
    problems = check_dataset(corrected.folder.parent)
    assert len(problems) >= 3
    assert {problem.case for problem in problems} == {corrected.id}


def test_what_somebody_is_writing_is_no_fault(corrected: DatasetCase) -> None:
    with corrected.locked("ab"):
        assert check_dataset(corrected.folder.parent) == []


def test_a_check_reports_its_progress_and_can_be_stopped(dataset: Dataset) -> None:
    for seed in range(2):
        add_case(dataset, seed)
    seen: list[float] = []
    check_dataset(dataset.folder, progress=lambda fraction, stage: seen.append(fraction))
    assert seen == [0.0, 0.5]
    with pytest.raises(Cancelled):
        check_dataset(dataset.folder, cancelled=lambda: True)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        check_dataset(tmp_path / "nowhere")


def test_many_scans_of_one_device_are_told_apart_at_no_cost(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(6):
        add_case(dataset, seed)
    monkeypatch.setattr(voxels, "is_stored_alike", lambda *_: pytest.fail("of each pair"))
    assert check_dataset(dataset.folder) == []
