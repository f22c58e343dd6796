"""Imports that meet faults or others' work, are stopped, or come again: nothing is lost."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dataset_fixture import labels_of, scan
from import_fixture import GOOD, META, OPTIONS, foreign
from ToothSegLib.cli import dataset_actions
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.label_codes import to_values
from ToothSegLib.dataset.nnunet import export_nnunet, import_nnunet
from ToothSegLib.dataset.refusals import Locked, Outdated
from ToothSegLib.errors import Cancelled
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.progress import Progress
from ToothSegLib.volume_io import write_volume

FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "damaged scan": (
        lambda d: (d / "imagesTr" / "P_001_0000.nii.gz").write_bytes(b"abc"),
        "P_001_0000.nii.gz",
    ),
    "unnamed value": (
        lambda d: sitk.WriteImage(
            to_itk(labels_of(scan(), 1, 7)), str(d / "labelsTr" / "P_001.nii.gz")
        ),
        "holds the label 7, which the data set gives no name",
    ),
    "labels of another grid": (
        lambda d: sitk.WriteImage(
            to_itk(labels_of(scan(), 1, 19).part((slice(0, 5),) * 3)),
            str(d / "labelsTr" / "P_001.nii.gz"),
        ),
        "P_001_0000.nii.gz: the labels are not on the scan's grid",
    ),
}


@pytest.mark.parametrize(("damage", "words"), FAULTS.values(), ids=FAULTS)
def test_a_case_that_cannot_be_taken_keeps_no_other_out(
    dataset: Dataset, tmp_path: Path, damage: Callable[[Path], object], words: str
) -> None:
    folder = foreign(tmp_path / "in", GOOD, (1, 19))
    damage(folder)
    other = scan(3)
    sitk.WriteImage(to_itk(other), str(folder / "imagesTr" / "P_002_0000.nii.gz"))
    sitk.WriteImage(to_itk(labels_of(other, 1, 19)), str(folder / "labelsTr" / "P_002.nii.gz"))
    result = import_nnunet(dataset, folder, META, **OPTIONS)
    assert dataset.case_ids() == result.added
    assert len(result.added) == 1
    (line,) = result.failed
    assert words in line
    assert str(folder) in line
    assert "\n" not in line


def test_what_macos_leaves_beside_the_files_is_no_scan(dataset: Dataset, tmp_path: Path) -> None:
    folder = foreign(tmp_path / "in", GOOD, (1, 19))
    for part in ("imagesTr", "labelsTr"):
        for path in list((folder / part).iterdir()):
            path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7")
    result = import_nnunet(dataset, folder, META, **OPTIONS)
    assert (len(result.added), result.failed) == (1, [])


def test_a_case_that_somebody_else_is_writing_keeps_no_other_out(
    dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = foreign(tmp_path / "in", GOOD, (1, 19))
    for number in (2, 3):
        other, name = scan(number), f"P_00{number}"
        sitk.WriteImage(to_itk(other), str(folder / "imagesTr" / f"{name}_0000.nii.gz"))
        sitk.WriteImage(
            to_itk(labels_of(other, 1, 19)), str(folder / "labelsTr" / f"{name}.nii.gz")
        )
    add, number = Dataset.add, iter(range(9))

    def meets_others(self: Dataset, *words: object) -> DatasetCase:
        turn = next(number)
        if turn == 0:
            raise Locked("set is locked by ef")
        if turn == 1:
            raise Outdated("c has got a revision 2 in this moment")
        return add(self, *words)

    monkeypatch.setattr(Dataset, "add", meets_others)
    target = str(dataset.folder)
    take = ["dataset", "import", target, str(folder), "--format", "nnunet", "--who", "cd"]
    assert main(take) == 2
    out, err = capsys.readouterr()
    assert out.startswith("1 case added, 0 there already\n")
    assert "2 could not be taken; the same command tries them again" in out
    lines = err.splitlines()
    assert lines[0].endswith("P_001_0000.nii.gz: set is locked by ef")
    assert "P_002_0000.nii.gz: c has got a revision 2" in lines[1]
    assert main(take) == 0
    assert len(dataset.case_ids()) == 3


def test_labels_that_come_back_corrected_are_told_and_those_of_a_bare_scan_are_taken(
    filled: Dataset, tmp_path: Path
) -> None:
    older = tmp_path / "older"
    export_nnunet(filled, older)
    bare = next(case for case in filled.cases() if not case.revision)
    case = next(case for case in filled.cases() if case.record.teeth == (11, 18, 36))
    for name in (bare.id, case.id):
        image = filled.case(name).image()
        labels = image.with_array(to_values(labels_of(image, 21, 36).array))
        write_volume(older / "labelsTr" / f"{name}.nrrd", labels)
    shutil.move(older / "imagesTs" / f"{bare.id}_0000.nrrd", older / "imagesTr")
    result = import_nnunet(filled, older, META, **{**OPTIONS, "reviewed": True})
    assert (result.added, result.labelled, result.known) == ([], [bare.id], [])
    assert len(result.approved) == 1
    assert filled.case(bare.id).record.review == {21: "approved", 36: "approved"}
    assert result.differ == {case.id: older / "labelsTr" / f"{case.id}.nrrd"}
    assert result.description == older / "dataset.json"
    # Once they are a revision they are there, and so are those that it came after.
    array = np.array(labels_of(scan(1), 21, 36).array)
    case.save_revision(case.labels().with_array(array), "cd")
    case.save_revision(case.labels(1), "cd")
    again = import_nnunet(filled, older, META, **OPTIONS)
    assert (again.differ, again.labelled, len(again.known)) == ({}, [], 3)


@pytest.mark.parametrize("error", [Cancelled("cancelled"), KeyboardInterrupt()])
def test_an_import_that_is_cancelled_does_not_deny_what_it_has_added(
    tmp_path: Path,
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = foreign(tmp_path / "in", GOOD, (1, 19))

    def interrupted(dataset: Dataset, *words: object, **options: object) -> None:
        import_nnunet(dataset, source, META, **OPTIONS)
        raise error

    monkeypatch.setattr(dataset_actions, "import_nnunet", interrupted)
    words = ["dataset", "import", str(tmp_path / "set"), str(source), "--format", "nnunet"]
    assert main([*words, "--who", "cd"]) == 130
    told = capsys.readouterr().err
    assert told == "toothseg: cancelled; the same command goes on with the rest\n"
    assert len(Dataset.open(tmp_path / "set").case_ids()) == 1


def test_an_import_goes_on_where_it_was_stopped(filled: Dataset, tmp_path: Path) -> None:
    export_nnunet(filled, tmp_path / "out")
    other = Dataset.create(tmp_path / "other")
    asked = iter([False, True])
    stopped = Progress(cancelled=lambda: next(asked))
    with pytest.raises(Cancelled):
        import_nnunet(other, tmp_path / "out", META, **{**OPTIONS, "run": stopped})
    assert len(other.case_ids()) == 1
    result = import_nnunet(other, tmp_path / "out", META, **OPTIONS)
    assert (len(result.added), len(result.known)) == (2, 1)


def test_labels_that_another_program_has_saved_over_are_not_approved_by_an_import(
    dataset: Dataset, tmp_path: Path
) -> None:
    folder = foreign(tmp_path / "in", {"background": 0, "tooth_36": 1}, (1,))
    import_nnunet(dataset, folder, META, **OPTIONS)
    (case,) = dataset.cases()
    path = case.folder / "revisions" / "0001" / "labels.seg.nrrd"
    write_volume(path, case.labels())  # the same teeth, in another file
    result = import_nnunet(dataset, folder, META, **{**OPTIONS, "reviewed": True})
    (line,) = result.failed
    assert f"{path} does not hold the labels that were saved as revision 1" in line
    assert DatasetCase(case.folder).revision == 1


def test_the_command_that_an_import_prints_for_other_labels_is_one_that_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"background": 0, "tooth_36": 1, "tooth_37": 2}
    folder = foreign(tmp_path / "in", names, (1, 2))
    target = str(tmp_path / "set")
    take = ["dataset", "import", target, str(folder), "--format", "nnunet", "--approved"]
    assert main([*take, "--who", "ab"]) == 0
    image = scan(direction=np.diag([-1.0, -1.0, 1.0]))
    for layer, count in ((4, 2), (5, 3)):
        labels = labels_of(image, 1, 2)
        labels.array[0, layer, 1] = 1
        labels.array[1, layer, 1] = 2
        sitk.WriteImage(to_itk(labels), str(folder / "labelsTr" / "P_001.nii.gz"))
        capsys.readouterr()
        assert main([*take, "--who", "cd"]) == 0
        (line,) = (told for told in capsys.readouterr().out.splitlines() if "toothseg" in told)
        command = shlex.split(line.partition("toothseg ")[2])
        # Work of others in later revisions is not taken back by what was pasted.
        assert ("--from" in command) == (count == 2)
        assert main([*command, "--who", "cd"]) == 0
    (case,) = Dataset.open(Path(target)).cases()
    assert case.revision == 3
