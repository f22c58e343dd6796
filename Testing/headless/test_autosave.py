"""Every step of the work is a revision of its case, and none goes over somebody else's."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import TEETH, labels_on, result, save, some_labels
from kill_fixture import Attempts, kills
from ToothSegLib.dataset.checks import check_dataset
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.record import Change
from ToothSegLib.dataset.refusals import Outdated
from ToothSegLib.errors import InputError


def test_each_step_is_a_revision_that_says_what_was_done(scene: Any, tmp_path: Path) -> None:
    from ToothSegScene.autosave import Author, Autosave
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import set_reviewed

    scan, node = result()
    scan.SetAttribute("ToothSeg.Patient", "p7")
    keeper = Autosave(node, tmp_path / "set")
    assert keeper.save(Author("ab", "first")) == 1
    assert keeper.save(Author("ab")) is None  # nothing has changed
    set_reviewed(node, 11, True)
    assert keeper.save(Author("ab"), "approved") == 2
    Corrections(node).renumber(16, 15)
    assert keeper.save(Author("cd"), "renumber") == 3
    assert keeper.case is not None
    *_, second, third = Dataset.open(tmp_path / "set").cases()[0].history()
    assert second.changes == (Change(11, "approved"),)
    assert third.changes == (Change(15, "renumber"), Change(16, "renumber"))
    assert (third.who, keeper.case.record.patient) == ("cd", "p7")
    assert keeper.case.record.prediction.bundle == "default"
    assert keeper.case.record.review[15] == "corrected"
    assert check_dataset(tmp_path / "set") == []


def test_a_note_alone_is_a_revision(scene: Any, tmp_path: Path) -> None:
    from ToothSegScene.autosave import Author, Autosave

    keeper = Autosave(result()[1], tmp_path / "set")
    keeper.save(Author("ab"))
    assert keeper.save(Author("ab", "apex of 16 unclear")) == 2
    assert keeper.save(Author("ab")) is None
    assert keeper.case is not None
    assert [entry.note for entry in keeper.case.history()] == ["", "apex of 16 unclear"]
    assert check_dataset(tmp_path / "set") == []


def test_a_late_pseudonym_is_written_and_the_recorded_one_comes_back(
    scene: Any, tmp_path: Path
) -> None:
    from ToothSegScene.autosave import Author, Autosave
    from ToothSegScene.training_case import place_case

    scan, node = result()
    keeper = Autosave(node, tmp_path / "set")
    keeper.save(Author("ab"))
    scan.SetAttribute("ToothSeg.Patient", "p17")
    assert keeper.save(Author("ab")) == 2
    assert keeper.save(Author("ab")) is None
    assert keeper.replaced == ""
    (case,) = Dataset.open(tmp_path / "set").cases()
    assert case.record.patient == "p17"
    scan.SetAttribute("ToothSeg.Patient", "p71")
    assert keeper.save(Author("ab")) == 3
    assert keeper.replaced == "p17"

    (case,) = Dataset.open(tmp_path / "set").cases()
    scan.SetAttribute("ToothSeg.Patient", None)
    assert place_case(scene, case)[0] is scan
    assert scan.GetAttribute("ToothSeg.Patient") == "p71"
    scan.SetAttribute("ToothSeg.Patient", None)
    assert keeper.save(Author("ab")) is None  # nothing is known in its place: it stays
    assert scan.GetAttribute("ToothSeg.Patient") == "p71"


def test_voxels_that_were_painted_before_an_approval_are_told(scene: Any, tmp_path: Path) -> None:
    from ToothSegScene.autosave import Author, Autosave
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import set_reviewed

    _, node = result()
    keeper = Autosave(node, tmp_path / "set")
    keeper.save(Author("ab"))
    Corrections(node).delete([47])  # stands in for the Segment Editor: nobody tells the data set
    set_reviewed(node, 11, True)
    keeper.save(Author("ab"), "approved")
    assert keeper.case is not None
    assert keeper.case.history()[-1].changes == (
        Change(47, "edited by hand"),
        Change(11, "approved"),
    )


def test_a_result_that_the_data_set_has_gone_past_is_refused(scene: Any, tmp_path: Path) -> None:
    from ToothSegScene.autosave import Author, Autosave
    from ToothSegScene.review import set_reviewed
    from ToothSegScene.training_case import place_case

    _, node = result()
    keeper = Autosave(node, tmp_path / "set")
    keeper.save(Author("ab"))
    (case,) = Dataset.open(tmp_path / "set").cases()
    case.save_revision(case.labels(), "cd", [Change(36, "approved")], {36: "approved"})
    set_reviewed(node, 11, True)
    with pytest.raises(Outdated, match="revision 2 of this scan, saved by cd on 20"):
        keeper.save(Author("ab"), "approved")
    with pytest.raises(Outdated, match="revision 2 of this scan, saved by cd on 20"):
        save(node, tmp_path / "set")  # also when the scene is opened again
    _, newest = place_case(scene, Dataset.open(tmp_path / "set").cases()[0], node)
    set_reviewed(newest, 11, True)
    assert save(newest, tmp_path / "set").revision == 3


def test_a_case_that_was_taken_out_of_the_folder_is_added_anew(scene: Any, tmp_path: Path) -> None:
    from ToothSegScene.autosave import Author, Autosave

    scan, node = result()
    keeper = Autosave(node, tmp_path / "set")
    keeper.save(Author("ab"))
    assert keeper.save(Author("ab")) is None
    assert keeper.case is not None
    keeper.case.folder.rename(tmp_path / "elsewhere")
    assert keeper.save(Author("ab")) == 1
    (case,) = Dataset.open(tmp_path / "set").cases()
    np.testing.assert_array_equal(case.labels().array, labels_on(node, scan))


def test_no_second_data_set_is_begun_where_the_first_is_out_of_reach(
    scene: Any, tmp_path: Path
) -> None:
    from ToothSegScene.autosave import Author, Autosave
    from ToothSegScene.review import set_reviewed

    _, node = result()
    keeper = Autosave(node, tmp_path / "set")
    keeper.save(Author("ab"))
    set_reviewed(node, 11, True)
    (tmp_path / "set").rename(tmp_path / "renamed")
    for _ in range(2):
        with pytest.raises(InputError, match=r"the data set .*set is not there: connect its disk"):
            keeper.save(Author("ab"), "approved")
    assert not (tmp_path / "set").exists()
    (tmp_path / "renamed").rename(tmp_path / "set")
    assert keeper.save(Author("ab"), "approved") == 2


def test_a_damaged_record_is_told_as_such(scene: Any, tmp_path: Path) -> None:
    from ToothSegScene.autosave import Author, Autosave

    keeper = Autosave(result()[1], tmp_path / "set")
    keeper.save(Author("ab"))
    assert keeper.case is not None
    (keeper.case.folder / "revisions" / "0001" / "case.json").write_text("[")
    with pytest.raises(InputError, match="is not JSON"):
        keeper.save(Author("ab"))


def test_what_others_have_saved_is_told_without_a_change_too(scene: Any, tmp_path: Path) -> None:
    from ToothSegScene.autosave import Author, Autosave

    _, node = result()
    keeper = Autosave(node, tmp_path / "set")
    keeper.save(Author("ab"))
    (case,) = Dataset.open(tmp_path / "set").cases()
    case.save_revision(case.labels(), "cd", [Change(36, "approved")], {36: "approved"})
    with pytest.raises(Outdated, match="revision 2 of this scan, saved by cd on 20"):
        keeper.save(Author("ab"))


@pytest.fixture
def child() -> Iterator[list[int]]:
    """Processes that the test has started; those still there at its end are ended."""
    started: list[int] = []
    yield started
    for pid in started:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_kill_9_during_autosave_loses_the_step_in_hand_at_most(
    scene: Any, tmp_path: Path, child: list[int]
) -> None:
    """A process approves tooth after tooth and is killed, again and again (see kill_fixture.py);
    what it told of is there."""
    from ToothSegScene.autosave import Author, Autosave
    from ToothSegScene.review import review_of, set_reviewed
    from ToothSegScene.training_case import place_case

    folder = tmp_path / "set"
    _, node = result()
    save(node, folder)
    moments, attempts = np.random.default_rng(20240229), Attempts(kills(10))
    for _ in attempts:
        (case,) = Dataset.open(folder).cases()
        _, node = place_case(scene, case, node)
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                keeper = Autosave(node, folder)
                while True:
                    for fdi in TEETH:
                        set_reviewed(node, fdi, review_of(node)[fdi] == "predicted")
                        number = keeper.save(Author("ab"), "approved")
                        os.write(write, b"%d " % number)
            finally:
                os._exit(1)
        child.append(pid)
        os.close(write)
        with os.fdopen(read, "rb", buffering=0) as pipe:
            told = pipe.read(64)  # until it has saved once
            time.sleep(moments.uniform(0.0, 0.1))
            os.kill(pid, signal.SIGKILL)
            assert os.waitpid(child.pop(), 0)[1] == signal.SIGKILL
            told += pipe.readall()
        dataset = Dataset.open(folder)
        (case,) = dataset.cases()
        newest = int(told.split()[-1])
        assert case.revision in (newest, newest + 1)
        np.testing.assert_array_equal(case.labels().array, some_labels())
        attempts.hits += bool(dataset.recovered) or case.break_lock() is not None
        case.break_lock()
        Dataset.open(folder)
        assert check_dataset(folder) == []
    assert attempts.hits > 0, "no kill comes in the middle of a save: this test tests nothing"
