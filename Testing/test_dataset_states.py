"""`toothseg dataset` on cases that are locked, renamed, half copied or damaged: what it tells."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dataset_fixture import add_case, files_in, labels_of, scan, written_files
from test_dataset_lock import leave_lock
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.volume_io import write_volume


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """See `dataset_fixture.written_files`."""
    return written_files(tmp_path)


def test_check_tells_each_fault_in_a_line_and_leaves_with_2(
    files: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    case = add_case(Dataset.create(files["set"]))
    (case.folder / "image.nrrd").unlink()
    (case.folder / "case.json").unlink()
    before = files_in(Path(files["set"]))
    assert main(["dataset", "check", files["set"]]) == 2
    out, err = capfd.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[-1] == "2 problems"
    assert [line.split(":")[0] for line in lines[:-1]] == [case.id] * 2
    assert files_in(Path(files["set"])) == before


def test_a_lock_left_behind_is_told_and_broken(
    files: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    case = add_case(Dataset.create(files["set"]))
    leave_lock(case.folder)
    assert main(["dataset", "list", files["set"]]) == 0
    _, err = capfd.readouterr()
    assert "a save was broken off; its newest revision is 1, go on with tooth 18" in err
    assert "toothseg dataset unlock" in err
    assert main(["dataset", "unlock", files["set"], "nobody"]) == 2
    assert main(["dataset", "unlock", files["set"], case.id]) == 0
    assert f"{case.id}: unlocked, it was locked by ef" in capfd.readouterr().out
    assert main(["dataset", "unlock", files["set"]]) == 0
    assert capfd.readouterr().out == "There are no locks.\n"


def test_a_lock_that_stays_keeps_no_other_one(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    dataset = Dataset.create(files["set"])
    first, running, last = (add_case(dataset, n, case_id=f"c{n}") for n in range(3))
    for folder in (first.folder, last.folder, dataset.folder):
        leave_lock(folder)
    monkeypatch.chdir(dataset.folder)
    with running.locked("ab"):
        assert main(["dataset", "unlock", ".", "--quiet"]) == 2
        out, err = capfd.readouterr()
        assert [line.split(":")[0] for line in out.splitlines()] == ["c0", "c2", "set"]
        assert err.startswith("toothseg: c1 is in use, its lock stays: ab")
        assert err.count("\n") == 1
    assert not list(dataset.folder.rglob("lock.json"))


def test_list_names_lost_teeth_and_the_next_only_where_it_is_there(
    files: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    case = add_case(Dataset.create(files["set"]))
    review = {11: "approved", 36: "approved", 18: "lost"}
    for teeth, states, said in (
        ((11, 36), review, "2 of 2 teeth reviewed, 18 lost"),
        ((11, 36), {**review, 36: "predicted"}, "1 of 2 teeth reviewed, next 36, 18 lost"),
        ((), {11: "lost", 18: "lost"}, "no teeth, 18, 11 lost"),
    ):
        labels = labels_of(case.image(), *(teeth or (11,)))
        if not teeth:
            labels = labels.with_array(0 * labels.array)
        number = case.save_revision(labels, "ab", review=states)
        capfd.readouterr()
        assert main(["dataset", "list", files["set"], "--quiet"]) == 0
        assert capfd.readouterr().out == f"{case.id}  revision {number}  {said}\n"


def test_a_case_that_was_renamed_or_copied_is_left_out_and_told(
    files: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    dataset = Dataset.create(files["set"])
    whole, other = add_case(dataset, 1, case_id="whole"), add_case(dataset, 2, case_id="other")
    shutil.copytree(whole.folder, whole.folder.with_name("again"))
    other.folder.rename(other.folder.with_name("renamed"))
    export = ["export", files["set"], str(tmp_path / "out"), "--format", "nnunet"]
    for words in (["list", files["set"]], export):
        assert main(["dataset", *words]) == 0
        out, err = capfd.readouterr()
        assert "1 case" in out
        assert "again" not in out
        lines = err.splitlines()
        assert [line.split(":")[0] for line in lines] == [
            "again is left out", "renamed is left out"
        ]  # fmt: skip
        assert "holds the case whole, so it was renamed or copied: give it that name" in lines[0]
    assert main(["dataset", "revise", files["set"], "renamed", files["labels"]]) == 2
    assert "holds the case other" in capfd.readouterr().err
    assert Dataset.open(files["set"]).find(whole.record.source.voxels_sha256) == "whole"


def test_a_case_that_is_still_being_copied_stops_nothing_and_is_told(
    files: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    dataset = Dataset.create(files["set"])
    whole, half = add_case(dataset, 1, case_id="whole"), add_case(dataset, 2, case_id="half")
    (half.folder / "revisions" / "0001" / "case.json").unlink()
    for words in (["list"], ["unlock"], ["export"], ["revise"]):
        more = {
            "export": [str(tmp_path / "out"), "--format", "monai"],
            "revise": [whole.id, str(tmp_path / "new.nrrd")],
        }.get(words[0], [])
        write_volume(tmp_path / "new.nrrd", labels_of(scan(1), 21))
        assert main(["dataset", *words, files["set"], *more]) == 0
        _, err = capfd.readouterr()
        assert err.startswith("half is left out: ")
        assert err.count("\n") == 1
        assert f"toothseg dataset check {files['set']} tells more" in err
    assert whole.history()[-1].number == 1
    assert DatasetCase(whole.folder).revision == 2
