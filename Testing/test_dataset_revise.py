"""`toothseg dataset revise`: nobody's work is taken back and no tooth is lost without a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dataset_fixture import add_case, labels_of, scan, written_files
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.label_codes import to_values
from ToothSegLib.dataset.record import Change
from ToothSegLib.dataset.reviewed import reviewed_cases
from ToothSegLib.volume_io import read_volume, write_volume


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """See `dataset_fixture.written_files`."""
    return written_files(tmp_path)


def test_a_correction_of_somebody_else_is_not_taken_back_unnoticed(
    files: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    case = add_case(Dataset.create(files["set"]))
    maps = {}
    for name, moved in {"theirs": (11,), "mine": (36,), "both": (11, 36), "none": ()}.items():
        labels = labels_of(scan())
        for fdi in moved:  # loses a voxel
            labels.array[tuple(np.argwhere(labels.array == fdi)[0])] = 0
        maps[name] = str(tmp_path / f"{name}.nrrd")
        write_volume(maps[name], labels)
    revise = ["dataset", "revise", files["set"], case.id]
    assert main([*revise, maps["theirs"], "--who", "cd"]) == 0
    # Made from revision 1, in another program; tooth 11 would be as it was there.
    capfd.readouterr()
    assert main([*revise, maps["mine"], "--who", "ab"]) == 2
    err = capfd.readouterr().err
    assert "would take back what cd changed in revision 2, tooth 11: " in err
    assert err.count("\n") == 1
    assert main([*revise, maps["mine"], "--who", "ab", "--from", "1"]) == 2
    assert "has the newest revision 2, by cd of " in capfd.readouterr().err
    assert main([*revise, maps["both"], "--who", "ab"]) == 0
    # One's own change may be taken back; that of another one if it is said so.
    assert main([*revise, maps["theirs"], "--who", "AB "]) == 0
    assert main([*revise, maps["none"], "--who", "ab"]) == 2
    assert "take back what cd changed in revision 2, tooth 11: " in capfd.readouterr().err
    assert main([*revise, maps["none"], "--who", "ab", "--from", "4"]) == 0
    assert DatasetCase(case.folder).revision == 5


def test_what_somebody_else_had_reviewed_at_first_is_not_taken_back_unnoticed(
    files: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    review = {11: "approved", 36: "corrected"}
    case = add_case(Dataset.create(files["set"]), review=review)
    revise = ["dataset", "revise", files["set"], case.id, str(tmp_path / "new.nrrd"), "--approved"]

    def put(*teeth: int) -> None:
        array = case.labels().array.copy()
        for fdi in teeth:  # loses a voxel
            array[tuple(np.argwhere(array == fdi)[0])] = 0
        write_volume(revise[4], scan().with_array(array))

    put(11, 18, 36)
    assert main([*revise, "--who", "cd"]) == 2
    err = capfd.readouterr().err
    assert "2 of the 2 teeth that ab had reviewed in revision 1 differ in these labels" in err
    assert "(11, 36): if they are corrections of the newest revision, say so with --from 1" in err
    put(18)  # nobody had looked at it
    assert main([*revise, "--who", "cd"]) == 0
    put(11, 36)
    assert main([*revise, "--who", "cd"]) == 2
    assert main([*revise, "--who", "ab", "--from", "2"]) == 0


def test_a_correction_of_what_somebody_else_had_approved_needs_no_word(
    files: dict[str, str], tmp_path: Path
) -> None:
    approved = dict.fromkeys((11, 18, 36), "approved")
    case = add_case(Dataset.create(files["set"]), review=approved)
    labels = labels_of(scan())
    labels.array[0, 4, 1] = 11
    write_volume(tmp_path / "new.nrrd", labels)
    revise = ["dataset", "revise", files["set"], case.id, str(tmp_path / "new.nrrd"), "--approved"]
    assert main([*revise, "--who", "cd"]) == 0
    labels.array[0, 5, 1] = 11
    write_volume(tmp_path / "new.nrrd", labels)
    assert main([*revise, "--who", "ef"]) == 0
    assert DatasetCase(case.folder).revision == 3


def test_what_cannot_be_compared_is_asked_about(
    files: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    case = add_case(Dataset.create(files["set"]))
    labels = case.labels()
    labels.array[tuple(np.argwhere(labels.array == 36)[0])] = 0
    case.save_revision(labels, "cd", [Change(36, "smoothed")])
    write_volume(tmp_path / "first.nrrd", labels_of(scan()))
    (case.folder / "revisions" / "0001" / "labels.seg.nrrd").write_bytes(b"")
    revise = ["dataset", "revise", files["set"], case.id, str(tmp_path / "first.nrrd")]
    assert main([*revise, "--who", "ab"]) == 2
    assert "cannot be told, for revision 1 cannot be read" in capfd.readouterr().err
    assert main([*revise, "--who", "ab", "--from", "2"]) == 0


def test_labels_that_another_program_has_saved_over_are_not_approved(
    files: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    case = add_case(Dataset.create(files["set"]), review=dict.fromkeys((11, 18, 36), "approved"))
    path = case.folder / "revisions" / "0001" / "labels.seg.nrrd"
    other = case.labels().array.copy()
    other[other == 36] = 46
    write_volume(path, scan().with_array(other))
    revise = ["dataset", "revise", files["set"], case.id]
    assert main([*revise, "--approved"]) == 2
    assert (
        f"{path} does not hold the labels that were saved as revision 1" in capfd.readouterr().err
    )
    # A copy of it is a revision of which nobody has looked at a tooth.
    copy = tmp_path / "copy.nrrd"
    write_volume(copy, scan().with_array(other))
    assert main([*revise, str(copy), "--from", "1"]) == 2
    assert "lacks 36" in capfd.readouterr().err
    other[other == 46] = 36
    write_volume(path, scan().with_array(np.where(other == 11, 12, other)))
    other[0, 0, 1] = 0
    write_volume(copy, scan().with_array(other))
    assert main([*revise, str(copy), "--who", "cd"]) == 0
    assert DatasetCase(case.folder).record.waiting == [18, 11, 36]


def test_labels_in_wholly_other_places_are_asked_about(
    files: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    case = add_case(Dataset.create(files["set"]))
    revise = ["dataset", "revise", files["set"], case.id, str(tmp_path / "new.nrrd")]
    write_volume(revise[-1], scan().with_array(np.roll(case.labels().array, 3, 0)))
    assert main([*revise, "--approved"]) == 2
    err = capfd.readouterr().err
    assert f"3 of 3 teeth lie wholly where revision 1 of {case.id} has none" in err
    assert "are these labels of another scan? If they are right" in err
    # Where left and right were exchanged, the places are those of before.
    table = np.zeros(256, np.uint8)
    table[[11, 18, 36]] = 18, 36, 11
    write_volume(revise[-1], scan().with_array(table[case.labels().array]))
    assert main([*revise, "--approved"]) == 0
    write_volume(revise[-1], scan().with_array(np.roll(case.labels().array, 3, 0)))
    assert main([*revise, "--approved", "--from", "2"]) == 2
    assert "say so with --other-places" in capfd.readouterr().err
    assert main([*revise, "--approved", "--other-places"]) == 0


def test_a_crumb_in_another_place_tells_nothing_of_the_teeth_that_are_drawn(
    files: dict[str, str], tmp_path: Path
) -> None:
    crumb = np.zeros(scan().shape, np.uint8)
    crumb[5, 6, 7] = 36
    dataset = Dataset.create(files["set"])
    case = dataset.add(scan(), scan().with_array(crumb), CaseMeta(who="ab"))
    write_volume(tmp_path / "drawn.nrrd", labels_of(scan(), 11, 12, 13, 36))
    revise = ["dataset", "revise", files["set"], case.id, str(tmp_path / "drawn.nrrd")]
    assert main([*revise, "--approved"]) == 0


def test_a_tooth_is_not_gone_from_a_reviewed_case_unsaid(
    files: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    case = add_case(Dataset.create(files["set"]), review={11: "approved", 36: "corrected"})
    fewer = str(tmp_path / "fewer.nrrd")
    revise = ["dataset", "revise", files["set"], case.id]

    def with_teeth(*teeth: int) -> str:
        array = labels_of(scan()).array
        write_volume(fewer, scan().with_array(np.where(np.isin(array, teeth), array, 0)))
        return fewer

    # A tooth that somebody has reviewed, and one whose loss would make the case a reviewed one.
    for teeth, lost in (((18, 36), "11"), ((11, 36), "18"), ((36,), "11, 18")):
        assert main([*revise, with_teeth(*teeth)]) == 2
        err = capfd.readouterr().err
        assert f"lacks {lost}, which revision 1 holds: add --approved if " in err
        assert err.count("\n") == 1
    assert DatasetCase(case.folder).revision == 1
    assert main([*revise, with_teeth(11, 36), "--approved"]) == 0
    assert capfd.readouterr().out == f"{case.id}: revision 2, 1 tooth removed (18)\n"
    assert DatasetCase(case.folder).record.reviewed
    # What nobody has looked at may go while others wait.
    case = add_case(Dataset.open(files["set"]), 2, case_id="open")
    revise[3], array = "open", labels_of(scan(2)).array
    write_volume(fewer, scan(2).with_array(np.where(array == 18, 0, array)))
    assert main([*revise, fewer]) == 0
    assert DatasetCase(case.folder).next_tooth() == 11


@pytest.mark.parametrize("layout", ["nnunet", "monai"])
def test_which_revision_learning_takes_is_told(
    files: dict[str, str],
    tmp_path: Path,
    layout: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    approved = dict.fromkeys((11, 18, 36), "approved")
    case = add_case(Dataset.create(files["set"]), review=approved)
    first, corrected = case.labels(), labels_of(scan())
    corrected.array[0, 0, 1] = 0
    corrected.array[1, 0, 1] = 0
    write_volume(tmp_path / "corrected.nrrd", corrected)
    revise = ["dataset", "revise", files["set"], case.id]
    assert main([*revise, str(tmp_path / "corrected.nrrd"), "--who", "ab"]) == 0
    line = (
        f"{case.id}: until 11, 18 are reviewed, learning takes revision 1, not 2; toothseg dataset "
        f"revise {files['set']} {case.id} --approved says that the newest is right"
    )
    assert capfd.readouterr().out == f"{case.id}: revision 2, 2 teeth changed\n{line}\n"
    # An export of what is reviewed holds what learning takes, and says the same.
    export = ["dataset", "export", files["set"], str(tmp_path / "out"), "--format", layout]
    assert main([*export, "--reviewed"]) == 0
    assert caplog.messages == [line]
    (labels,) = (tmp_path / "out").glob(f"labels*/{case.id}.nrrd")
    assert np.array_equal(read_volume(labels).array, to_values(first.array))
    caplog.clear()
    assert main([*revise, "--approved"]) == 0
    assert "learning takes" not in capfd.readouterr().out
    export[3] = str(tmp_path / "new")
    assert main([*export, "--reviewed"]) == 0
    (labels,) = (tmp_path / "new").glob(f"labels*/{case.id}.nrrd")
    assert np.array_equal(read_volume(labels).array, to_values(corrected.array))
    assert caplog.messages == []


def test_a_pseudonym_is_given_later_and_labels_stay(
    files: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    case = add_case(Dataset.create(files["set"]))
    revise = ["dataset", "revise", files["set"], case.id]
    assert main(revise) == 2
    assert "nothing is given that is new" in capfd.readouterr().err
    assert main([*revise, "--patient", "p17"]) == 0
    assert capfd.readouterr().out == f"{case.id}: revision 2, labels as they were\n"
    assert main([*revise, "--patient", "zo\xeb", "--quiet"]) == 0
    assert main([*revise, "--patient", "zoe\u0308"]) == 2  # the same, as macOS writes it
    assert "nothing is given that is new" in capfd.readouterr().err
    assert main([*revise, "--patient", "p17", "--quiet"]) == 0
    record = DatasetCase(case.folder).record
    assert (record.patient, record.revision, record.teeth) == ("p17", 4, case.record.teeth)
    assert main([*revise, "--approved"]) == 0
    assert DatasetCase(case.folder).record.reviewed
    bare = Dataset.open(files["set"]).add(scan(3), None, CaseMeta(who="ab"))
    assert main(["dataset", "revise", files["set"], bare.id, "--patient", "p17"]) == 2
    assert "has no labels yet: give a file of them" in capfd.readouterr().err
    assert main([*revise, "--names", files["report"], "--note", "again"]) == 2
    assert "--names without a file of labels" in capfd.readouterr().err
    assert DatasetCase(case.folder).revision == 5


def test_a_lost_tooth_keeps_a_case_open_until_somebody_says_that_it_is_not_there(
    files: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    case = add_case(Dataset.create(files["set"]), review=dict.fromkeys((11, 18, 36), "approved"))
    labels = labels_of(scan())
    labels.array[labels.array == 18] = 0
    review = {11: "approved", 18: "lost", 36: "approved"}
    case.save_revision(labels, "ab", [Change(18, "edited by hand")], review)
    assert not DatasetCase(case.folder).record.reviewed
    assert [taken.revision for taken in reviewed_cases(Path(files["set"]))] == [1]
    # A change of another tooth says nothing of it.
    labels.array[tuple(np.argwhere(labels.array == 36)[0])] = 0
    changed = str(tmp_path / "changed.nrrd")
    write_volume(changed, labels)
    revise = ["dataset", "revise", files["set"], case.id]
    capfd.readouterr()
    assert main([*revise, changed, "--who", "ab"]) == 0
    assert "until 18, 36 are reviewed, learning takes revision 1" in capfd.readouterr().out
    assert DatasetCase(case.folder).record.review[18] == "lost"
    assert main([*revise, "--approved"]) == 0
    record = DatasetCase(case.folder).record
    assert (record.reviewed, record.review[18]) == (True, "missing")
