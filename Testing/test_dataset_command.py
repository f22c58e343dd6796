"""`toothseg dataset`: what it prints, what it leaves with, and what it leaves behind."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from dataset_fixture import add_case, files_in, labels_of, scan, written_files
from ToothSegLib.cli.main import main
from ToothSegLib.command_line import command_line
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.label_codes import NAMES, to_values
from ToothSegLib.dataset.reviewed import older_is_taken, reviewed_cases
from ToothSegLib.errors import InputError
from ToothSegLib.volume_io import read_volume, write_volume


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """See `dataset_fixture.written_files`."""
    return written_files(tmp_path)


def test_from_the_first_scan_to_an_export_and_back(
    files: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    add = ["dataset", "add", files["set"], files["scan"], "--labels", files["labels"]]
    assert main([*add, "--report", files["report"], "--who", "ab"]) == 0
    out, err = capfd.readouterr()
    (case,) = Dataset.open(files["set"]).cases()
    assert (out, err) == (f"{case.id} added, 3 teeth\n", "")
    assert case.record.prediction is not None
    assert case.record.prediction.weights == {"toothnet": "ab" * 32}

    assert main(["dataset", "list", files["set"]]) == 0
    out = capfd.readouterr().out
    assert f"{case.id}  revision 1  0 of 3 teeth reviewed, next 18" in out
    assert out.endswith("1 case\n")

    corrected = str(tmp_path / "corrected.nrrd")
    write_volume(corrected, labels_of(scan(), 11, 17, 36))
    assert main(["dataset", "revise", files["set"], case.id, corrected, "--approved"]) == 0
    assert (
        capfd.readouterr().out == f"{case.id}: revision 2, 1 tooth changed, 1 tooth removed (18)\n"
    )
    record = DatasetCase(case.folder).record
    assert record.review == {11: "approved", 17: "corrected", 36: "approved"}
    assert [change.fdi for change in record.history[1].changes] == [17, 18]
    assert record.history[1].who == getpass.getuser()

    assert main(["dataset", "check", files["set"]]) == 0
    assert capfd.readouterr().out == "Everything is consistent.\n"

    for layout in ("nnunet", "monai"):
        out_folder, back = str(tmp_path / layout), str(tmp_path / f"{layout}-back")
        words = ["--format", layout]
        assert main(["dataset", "export", files["set"], out_folder, *words, "--reviewed"]) == 0
        assert main(["dataset", "import", back, out_folder, *words, "--approved"]) == 0
        assert capfd.readouterr().out == f"1 case in {out_folder}\n1 case added, 0 there already\n"
        assert Dataset.open(back).case(case.id).record.reviewed


def test_a_scan_in_which_no_teeth_were_found_waits_for_a_look(
    files: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    image = scan()
    empty = str(tmp_path / "empty.nrrd")
    write_volume(empty, image.with_array(0 * labels_of(image).array))
    add = ["dataset", "add", files["set"], files["scan"], "--labels", empty]
    assert main(add) == 0
    (case,) = Dataset.open(files["set"]).cases()
    capfd.readouterr()
    assert main(["dataset", "list", files["set"]]) == 0
    assert f"{case.id}  revision 1  no teeth, nobody has looked\n" in capfd.readouterr().out
    out = str(tmp_path / "out")
    export = ["dataset", "export", files["set"], out, "--format", "nnunet", "--reviewed"]
    assert main(export) == 2
    # A jaw that has none is told by approving them.
    assert main(["dataset", "revise", files["set"], case.id, empty]) == 2
    assert main(["dataset", "revise", files["set"], case.id, empty, "--approved"]) == 0
    assert set(DatasetCase(case.folder).record.review.values()) == {"missing"}
    assert main(export) == 0
    back = str(tmp_path / "back")
    assert main(["dataset", "import", back, out, "--format", "nnunet", "--approved"]) == 0
    assert main([*add[:2], str(tmp_path / "new"), *add[3:], "--approved"]) == 0
    capfd.readouterr()
    for folder in (files["set"], back, str(tmp_path / "new")):
        assert main(["dataset", "list", folder]) == 0
        assert "no teeth, reviewed\n" in capfd.readouterr().out


@pytest.mark.parametrize("layout", ["nnunet", "monai"])
def test_an_import_says_how_to_take_other_labels_and_names_what_cannot_be_read(
    files: dict[str, str], tmp_path: Path, layout: str, capfd: pytest.CaptureFixture[str]
) -> None:
    dataset = Dataset.create(files["set"])
    case, gone = add_case(dataset, 1), add_case(dataset, 2)
    out = tmp_path / "out"
    words = ["--format", layout]
    assert main(["dataset", "export", files["set"], str(out), *words]) == 0
    labels, scans = ("labelsTr", "imagesTr") if layout == "nnunet" else ("labels", "images")
    corrected = labels_of(case.labels(), 11, 17)
    write_volume(out / labels / f"{case.id}.nrrd", corrected.with_array(to_values(corrected.array)))
    (damaged,) = (out / scans).glob(f"{gone.id}*")
    damaged.write_bytes(b"abc")
    capfd.readouterr()
    assert main(["dataset", "import", files["set"], str(out), *words]) == 2
    said, err = capfd.readouterr()
    assert err.startswith(f"toothseg: {damaged}")
    assert err.count("\n") == 1
    lines = said.splitlines()
    assert lines[0] == "0 cases added, 0 there already"
    assert lines[-1] == "1 could not be taken; the same command tries them again"
    told = next(line for line in lines if line.startswith(case.id))
    command = shlex.split(told.partition(": ")[2])
    assert command[:3] == ["toothseg", "dataset", "revise"]
    assert main(command[1:]) == 0
    assert np.array_equal(DatasetCase(case.folder).labels().array, corrected.array)


def test_a_doubtful_place_is_told_and_kept(
    files: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    import nrrd

    image = scan(direction=np.eye(3))
    header = {"spacings": list(image.spacing)}  # neither space nor directions
    nrrd.write(files["scan"], image.array.transpose(2, 1, 0), header)
    (doubt,) = read_volume(files["scan"]).doubts
    assert main(["dataset", "add", files["set"], files["scan"]]) == 0
    (case,) = Dataset.open(files["set"]).cases()
    told = f"{case.id}: {doubt}\n"
    assert capfd.readouterr().err == told
    assert main(["dataset", "list", files["set"]]) == 0
    assert capfd.readouterr().err == told
    assert main(["dataset", "check", files["set"]]) == 0
    assert capfd.readouterr().out == f"{told}Everything is consistent.\n"
    assert case.image().doubts == (doubt,)
    assert case.save_revision(labels_of(case.image()), "ab") == 1
    assert DatasetCase(case.folder).record.doubts == (doubt,)


def test_values_that_are_no_teeth_are_told_with_the_mend(
    files: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    labels = labels_of(scan())
    values = to_values(labels.array)
    add = ["dataset", "add", files["set"], files["scan"], "--labels", files["labels"]]
    for array, hold in ((np.where(labels.array == 18, 91, labels.array), "91"), (values, "2, 29")):
        write_volume(files["labels"], labels.with_array(array.astype(np.uint8)))
        assert main(add) == 2
        err = capfd.readouterr().err
        assert f"the labels hold {hold}" in err
        assert "with --names, and set what is none of these teeth to 0" in err
        assert err.count("\n") == 1
    names = tmp_path / "dataset.json"
    names.write_text(json.dumps({"labels": NAMES}))
    assert main([*add, "--names", str(names)]) == 0
    (case,) = Dataset.open(files["set"]).cases()
    assert np.array_equal(case.labels().array, labels.array)


def test_commands_to_be_copied_bear_a_space_in_the_path(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "my set"
    files = written_files(tmp_path)
    add = ["dataset", "add", str(folder), files["scan"], "--labels", files["labels"]]
    assert main(add) == 0
    (case,) = Dataset.open(folder).cases()
    quoted = command_line(str(folder))
    assert quoted != str(folder)
    with pytest.raises(InputError, match="no case in") as nothing:
        reviewed_cases(folder)
    assert f"toothseg dataset revise {quoted} CASE --approved" in str(nothing.value)
    capfd.readouterr()
    assert main(add) == 2
    assert f"toothseg dataset revise {quoted} {case.id} FILE" in capfd.readouterr().err
    assert main(["dataset", "revise", str(folder), case.id, "--approved"]) == 0
    write_volume(files["labels"], labels_of(scan(), 11, 18, 37))
    case = DatasetCase(case.folder)
    case.save_revision(labels_of(scan(), 11, 18, 37), "ab")
    assert f"toothseg dataset revise {quoted} {case.id} --approved" in older_is_taken(case)
    newest = case.folder / "revisions" / "0003"
    shutil.copy(case.folder / "revisions" / "0001" / "labels.seg.nrrd", newest)
    with pytest.raises(InputError, match="put that file back") as damaged:
        case.saved_labels(3)
    assert f"toothseg dataset revise {quoted} {case.id} COPY" in str(damaged.value)
    (newest / "case.json").write_text("{")
    assert main(["dataset", "list", str(folder)]) == 0
    assert f"toothseg dataset check {quoted} tells more" in capfd.readouterr().err


@pytest.mark.parametrize("option", ["--note", "--who", "--patient"])
@pytest.mark.parametrize("accepted", [[], ["--accept-text"]])
def test_bytes_that_are_no_letters_are_refused(
    files: dict[str, str], option: str, accepted: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    words = [files["set"], files["scan"], option, "caf\udce9", *accepted]
    assert main(["dataset", "add", *words]) == 2
    err = capfd.readouterr().err
    assert r"'caf\udce9' holds '\udce9', which UTF-8 does not have" in err
    assert err.count("\n") == 1
    assert not os.path.exists(files["set"])
    case = add_case(Dataset.create(files["set"]), 1)
    if option == "--who":  # once, not for every scan
        take = ["dataset", "import", files["set"], files["scan"], "--format", "monai"]
        assert main([*take, option, "caf\udce9", *accepted]) == 2
        assert capfd.readouterr().err.startswith("toothseg: error: the name 'caf")
    words = [files["set"], case.id, "--approved", option, "caf\udce9", *accepted]
    assert main(["dataset", "revise", *words]) == 2
    assert "which UTF-8 does not have" in capfd.readouterr().err
    assert DatasetCase(case.folder).revision == 1


def test_text_about_a_person_is_refused_until_it_is_accepted(
    files: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["dataset", "add", files["set"], files["scan"], "--note", "SMITH^JOHN"]
    assert main(words) == 2
    err = capfd.readouterr().err
    assert err.startswith("toothseg: error: the note 'SMITH^JOHN' may tell who the patient is")
    assert err.endswith("with --accept-text\n")
    assert err.count("\n") == 1
    assert not os.path.exists(files["set"])
    assert main([*words, "--accept-text", "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "{set}", "nowhere.nrrd"], "nowhere.nrrd does not exist"),
        (["add", "{set}", "{scan}", "--labels", "{scan}"], "will do"),
        (["add", "{set}", "{scan}", "--report", "{report}"], "--report without --labels: give the"),
        (["add", "{set}", "{scan}", "--names", "{report}"], "--names without --labels: there are"),
        (["add", "{set}", "{scan}", "--labels", "{labels}", "--report", "{scan}"], "is not JSON"),
        (["add", "{set}", "{scan}", "--id", "a/b"], "is no name for a case"),
        (["import", "{set}", "nowhere", "--format", "monai"], "nowhere cannot be read"),
        (["list", "{set}"], "there is no folder"),
        (["check", "{set}"], "cannot be read"),
        (["export", "{set}", "out", "--format", "nnunet"], "there is no folder"),
        (["add", "{scan}", "{scan}"], "cannot make"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line_and_leaves_nothing(
    files: dict[str, str],
    tmp_path: Path,
    words: list[str],
    said: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = files_in(tmp_path)
    assert main(["dataset", *(word.format(**files) for word in words)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("toothseg: error: ")
    assert err.count("\n") == 1
    assert said in err
    assert files_in(tmp_path) == before
    assert not os.path.exists(files["set"])


def test_a_damaged_report_is_refused(
    files: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    for content in ({}, {"provenance": {"bundle": 5}}):
        Path(files["report"]).write_text(json.dumps(content))
        add = ["dataset", "add", files["set"], files["scan"], "--labels", files["labels"]]
        assert main([*add, "--report", files["report"]]) == 2
        err = capfd.readouterr().err
        assert err.count("\n") == 1
        assert "report" in err or "provenance" in err


@pytest.mark.parametrize(
    "words", [["dataset"], ["dataset", "nonsense"], ["dataset", "export", "a", "b"]]
)
def test_a_wrong_option_is_told_in_one_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("toothseg: error: ")
    assert err.count("\n") == 1
