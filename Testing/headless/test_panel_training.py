"""The export for training, through the panel: what it asks before, and what it refuses."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from case_fixture import choose, result, the_case
from panel_fixture import in_hand, settle
from ToothSegLib.dataset.checks import check_dataset
from ToothSegLib.dataset.folder import Dataset


@pytest.fixture
def node(scan_and_node: tuple[Any, Any]) -> Any:
    """Four teeth, of which 36 has a finding and 16 is the least confident."""
    return scan_and_node[1]


def test_without_folder_or_initials_a_button_says_so(widget: Any, node: Any) -> None:
    ui = widget.ui
    assert not ui.exportCaseButton.enabled
    assert "Choose the folder" in ui.exportCaseButton.toolTip
    ui.datasetEdit.currentPath = "somewhere"
    assert ui.openCaseButton.enabled
    assert "initials" in ui.exportCaseButton.toolTip
    ui.annotatorEdit.text = "ab"
    assert ui.exportCaseButton.enabled
    assert "Training data" in ui.savedLabel.text


def test_the_reader_decides_on_what_looks_like_a_name(
    widget: Any, node: Any, folder: Path, dialogs: Any
) -> None:
    import qt

    ui = widget.ui
    node.SetName("SMITH^JOHN teeth")
    ui.noteEdit.text = "seen on 31.12.1999"
    dialogs.answer(qt.QMessageBox.Cancel)
    ui.exportCaseButton.click()
    (shown,) = dialogs.take()
    assert "a name as DICOM writes it (SMITH^JOHN). It stays in the scene" in shown.text
    assert "a date (31.12.1999). It would be written" in shown.text
    assert not folder.exists()
    assert "Nothing was written" in ui.messageLabel.text
    dialogs.answer(qt.QMessageBox.Ok)
    ui.exportCaseButton.click()
    assert len(dialogs.take()) == 1
    assert the_case(folder).history()[0].note == "seen on 31.12.1999"
    assert ui.noteEdit.text == ""  # it was about that revision
    ui.exportCaseButton.click()  # what was accepted is not asked again
    assert "Nothing has changed since revision 1" in ui.messageLabel.text


def test_a_name_that_may_stay_in_the_scene_may_not_yet_be_written(slicer_app: Any) -> None:
    from ToothSegPanel.privacy_question import PrivacyQuestion

    asked: list[str] = []
    question = PrivacyQuestion(lambda text: bool(asked.append(text)) or True)
    scene = {"the volume's name": "SMITH^JOHN", "the result's name": "SMITH^JOHN teeth"}
    question.check({"the note": "apex of 16 unclear"}, scene)
    question.check({"the note": "root of 16 unclear"}, scene)
    assert len(asked) == 1
    assert asked[0].count("SMITH^JOHN") == 2  # the name and the reason, and once is enough
    question.check({"the note": "SMITH^JOHN"}, scene)
    assert "It would be written." in asked[1]


def test_all_reviewed_results_of_the_scene_are_exported(
    widget: Any, node: Any, folder: Path
) -> None:
    from ToothSegScene.review import set_reviewed
    from ToothSegScene.segments import teeth_of

    _, other = result("anisotropic")  # the same voxels would be the same scan
    import slicer

    scan = other.GetNodeReference("ToothSeg.Volume")
    slicer.util.arrayFromVolume(scan)[0, 0, 0] = 7
    other.SetName("half done")
    for fdi in teeth_of(node):
        set_reviewed(node, fdi, True)
    widget.ui.exportReviewedButton.click()
    assert "1 of 2 results" in widget.ui.messageLabel.text
    assert "half done" in widget.ui.messageLabel.text
    assert the_case(folder).record.reviewed
    for fdi in teeth_of(other):
        set_reviewed(other, fdi, True)
    widget.ui.exportReviewedButton.click()
    assert "2 of 2 results" in widget.ui.messageLabel.text
    assert len(Dataset.open(folder).cases()) == 2
    assert check_dataset(folder) == []


def test_a_folder_that_cannot_be_written_to_is_told_once(
    widget: Any, node: Any, folder: Path, dialogs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget.ui.autosaveCheck.click()
    real = os.open

    def refuse(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if str(folder) in str(path) and flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)
    widget.panel.result.selection.set((36,))
    widget.ui.approveButton.click()
    widget.ui.approveButton.click()
    (shown,) = dialogs.take()
    assert "Permission denied" in shown.text
    assert "\n" not in shown.text
    assert "<b>Not saved:</b> Cannot write to" in widget.ui.savedLabel.text
    monkeypatch.undo()
    widget.ui.approveButton.click()  # and it makes up for what was left
    case = the_case(folder)
    assert case.revision == 2
    assert [change.fdi for change in case.history()[-1].changes] == [16, 36, 47]


def test_a_note_waits_for_a_revision_of_the_result_that_it_is_about(
    widget: Any, node: Any, folder: Path
) -> None:
    import slicer

    from ToothSegScene.review import set_reviewed
    from ToothSegScene.segments import teeth_of

    ui = widget.ui
    ui.autosaveCheck.click()
    _, other = result("anisotropic")
    scan = other.GetNodeReference("ToothSeg.Volume")
    slicer.util.arrayFromVolume(scan)[0, 0, 0] = 7
    for fdi in teeth_of(other):
        set_reviewed(other, fdi, True)
    ui.noteEdit.text = "apex of 16 unclear"
    ui.exportReviewedButton.click()  # the other one alone: this one is not reviewed
    assert ui.noteEdit.text == "apex of 16 unclear"
    parameters = widget.logic.getParameterNode()
    parameters.segmentation = other
    settle()
    assert ui.noteEdit.text == ""
    parameters.segmentation = node
    settle()
    assert ui.noteEdit.text == "apex of 16 unclear"
    ui.exportCaseButton.click()
    assert ui.noteEdit.text == ""
    notes = {case.id: case.history()[-1].note for case in Dataset.open(folder).cases()}
    assert sorted(notes.values()) == ["", "apex of 16 unclear"]
    assert f"revision 2 of {max(notes, key=notes.__getitem__)}" in ui.messageLabel.text


def test_a_pseudonym_may_come_before_the_result_and_after_the_first_step(
    widget: Any, node: Any, folder: Path, scene: Any
) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    ui = widget.ui
    parameters = widget.logic.getParameterNode()
    scan = parameters.inputVolume
    parameters.segmentation = None
    settle()
    QTest.keyClicks(ui.patientEdit, "p1")
    parameters.segmentation = node
    settle()
    assert ui.patientEdit.text == "p1"
    ui.autosaveCheck.click()
    assert the_case(folder).record.patient == "p1"
    QTest.keyClicks(ui.patientEdit, "7")
    assert the_case(folder).revision == 1
    QTest.keyClick(ui.patientEdit, Qt.Key.Key_Return)
    assert the_case(folder).record.patient == "p17"
    assert "Its pseudonym was p1 before." in ui.savedLabel.text
    QTest.keyClick(ui.patientEdit, Qt.Key.Key_Return)
    assert the_case(folder).revision == 2
    scan.SetAttribute("ToothSeg.Patient", None)  # as in a scene where it was loaded from its file
    widget.panel.result.selection.set((36,))
    ui.approveButton.click()
    assert ui.patientEdit.text == "p17"
    assert the_case(folder).record.patient == "p17"


def lock_of(host: str, pid: int) -> str:
    return (
        f'{{"who": "cd", "host": "{host}", "pid": {pid}, '
        '"when": "2024-02-29T08:00:00+00:00", "token": "t1"}'
    )


def test_who_holds_a_lock_and_since_when_is_told(
    widget: Any, node: Any, folder: Path, dialogs: Any
) -> None:
    import qt

    widget.ui.exportCaseButton.click()
    lock = the_case(folder).folder / "lock.json"
    widget.panel.result.selection.set((36,))
    widget.ui.approveButton.click()
    lock.write_text(lock_of(socket.gethostname(), os.getpid()))  # at work at this moment
    widget.ui.exportCaseButton.click()
    (shown,) = dialogs.take()
    assert "locked by cd since 2024-02-29T08:00:00" in shown.text
    assert lock.exists()
    lock.write_text(lock_of("elsewhere", 1))  # nobody knows
    dialogs.answer(qt.QMessageBox.Cancel)
    widget.ui.exportCaseButton.click()
    asked, refused = dialogs.take()
    assert "cd since 2024-02-29" in asked.text
    assert "is locked by cd" in refused.text
    widget.ui.exportCaseButton.click()
    assert len(dialogs.take()) == 1  # it is not asked again
    assert the_case(folder).revision == 1
    lock.write_text(lock_of("elsewhere", 1).replace("t1", "t2"))
    dialogs.answer(qt.QMessageBox.Ok)
    widget.ui.exportCaseButton.click()
    assert len(dialogs.take()) == 1
    assert the_case(folder).revision == 2
    assert not lock.exists()


def test_work_of_somebody_else_is_told_and_kept(
    widget: Any, node: Any, folder: Path, dialogs: Any
) -> None:
    widget.ui.exportCaseButton.click()
    case = the_case(folder)
    case.save_revision(case.labels(), "cd", review={36: "approved"})
    widget.panel.result.selection.set((11,))
    widget.ui.approveButton.click()
    widget.ui.exportCaseButton.click()
    (shown,) = dialogs.take()
    assert "revision 2 of this scan, saved by cd on 20" in shown.text
    assert "\n" not in shown.text
    assert the_case(folder).revision == 2
    dialogs.answer(choose(case.id))
    widget.ui.openCaseButton.click()
    settle()
    dialogs.take()
    assert in_hand(widget) == (16,)  # 36 is done; of the scan's findings and confidences, these
    assert "confidence 40 %" in widget.ui.reviewLabel.text


def test_a_folder_that_is_no_data_set_is_said_in_a_line(
    widget: Any, node: Any, folder: Path, dialogs: Any
) -> None:
    folder.mkdir()
    (folder / "thesis.doc").write_text("mine")
    widget.ui.openCaseButton.click()
    widget.ui.exportCaseButton.click()
    for shown in dialogs.take():
        assert str(folder) in shown.text
        assert "\n" not in shown.text
        assert not shown.detail
    assert [path.name for path in folder.iterdir()] == ["thesis.doc"]
