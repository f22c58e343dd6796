"""The panel while the user is in another module, as when painting in the Segment Editor."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from case_fixture import TEETH, labels_on, result
from panel_fixture import settle
from ToothSegLib.dataset.folder import Dataset


def stroke(scan: Any, node: Any, where: tuple[slice, ...], segment: str = "tooth_16") -> None:
    """A brush stroke, and time for the panel to look."""
    import slicer

    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, scan)
    array[where] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, segment, scan)
    settle()


STROKES = (np.s_[8:9, 0:3, 0:2], np.s_[8:9, 0:3, 4:6], np.s_[8:9, 0:3, 8:10])


@pytest.mark.parametrize("corrected", [True, False])
def test_a_visit_to_the_segment_editor_is_one_step(
    widget: Any, scan_and_node: tuple[Any, Any], corrected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan, node = scan_and_node
    ui = widget.ui
    if corrected:
        widget.panel.result.selection.set((47,))
        ui.deleteButton.click()
    before = labels_on(node, scan)
    looks: list[int] = []
    refresh = widget.panel.result.refresh
    monkeypatch.setattr(widget.panel.result, "refresh", lambda: (looks.append(1), refresh()))
    widget.parent.exit()
    for where in STROKES:
        stroke(scan, node, where)
    assert looks == []
    widget.parent.enter()
    assert looks
    painted = labels_on(node, scan)
    assert all((painted[where] == 16).all() for where in STROKES)
    assert ui.undoButton.toolTip == "Undo: edit by hand"
    ui.undoButton.click()
    np.testing.assert_array_equal(labels_on(node, scan), before)
    assert ui.undoButton.toolTip == (
        "Undo: delete 47" if corrected else "Undo\nThere is nothing to undo."
    )
    ui.redoButton.click()
    np.testing.assert_array_equal(labels_on(node, scan), painted)


def test_a_visit_without_an_edit_leaves_the_history(
    widget: Any, scan_and_node: tuple[Any, Any]
) -> None:
    widget.panel.result.selection.set((47,))
    widget.ui.deleteButton.click()
    widget.ui.undoButton.click()
    widget.parent.exit()
    widget.parent.enter()
    settle()
    assert widget.ui.redoButton.toolTip == "Redo: delete 47"


def test_what_a_script_did_just_before_is_a_step_apart(
    widget: Any, scan_and_node: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    scan, node = scan_and_node
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "tooth_16", scan)
    array[STROKES[0]] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, "tooth_16", scan)
    before = labels_on(node, scan)
    widget.parent.exit()  # before the panel has looked
    stroke(scan, node, STROKES[1])
    widget.parent.enter()
    widget.ui.undoButton.click()
    np.testing.assert_array_equal(labels_on(node, scan), before)
    assert widget.ui.undoButton.enabled


@pytest.fixture
def saving(widget: Any, scan_and_node: tuple[Any, Any], tmp_path: Path) -> Path:
    """The folder of a data set into which every step is saved, the first one too."""
    ui = widget.ui
    ui.datasetEdit.currentPath = str(tmp_path / "set")
    ui.annotatorEdit.text = "ab"
    settle()
    ui.autosaveCheck.click()
    return tmp_path / "set"


def test_the_return_saves_what_was_painted(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path
) -> None:
    scan, node = scan_and_node
    ui = widget.ui
    widget.panel.result.selection.set((16,))
    widget.parent.exit()
    for where in STROKES:
        stroke(scan, node, where)
    widget.parent.enter()
    assert widget.panel.result.selection.teeth == (16,)
    ui.correctedButton.click()
    (case,) = Dataset.open(saving).cases()
    np.testing.assert_array_equal(case.labels().array, labels_on(node, scan))
    assert case.record.review[16] == "corrected"
    whats = [[change.what for change in entry.changes] for entry in case.history()]
    assert whats == [[], ["edited by hand"], ["corrected"]]


def test_a_tooth_that_is_painted_last_reaches_the_data_set(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan, node = scan_and_node
    ui = widget.ui
    for fdi in TEETH:
        widget.panel.result.selection.set((fdi,))
        ui.approveButton.click()
    monkeypatch.setattr(widget.panel.result, "_open_editor", lambda *_: widget.parent.exit())
    widget.panel.result.selection.set((21,))
    ui.editorButton.click()
    stroke(scan, node, STROKES[0], "tooth_21")
    widget.parent.enter()
    settle()
    (case,) = Dataset.open(saving).cases()
    assert 21 in case.record.teeth
    assert case.record.review[21] == "corrected"
    assert ui.savedLabel.text == f"Saved: revision {case.revision} of {case.id}."


def test_a_visit_that_changes_nothing_saves_nothing(
    widget: Any, saving: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves: list[str] = []
    monkeypatch.setattr(widget.panel.result.training, "autosave", saves.append)
    widget.parent.exit()
    widget.parent.enter()
    settle()
    assert saves == []


def test_nothing_is_called_saved_that_has_changed_since(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path
) -> None:
    assert widget.ui.savedLabel.text.startswith("Saved: revision 1 of ")
    stroke(*scan_and_node, STROKES[0])  # by a script, with the panel open
    assert widget.ui.savedLabel.text.startswith("<b>Changed since it was saved</b>")
    widget.panel.result.selection.set((16,))
    widget.ui.correctedButton.click()
    assert widget.ui.savedLabel.text.startswith("Saved: revision 2 of ")


def test_a_result_that_is_painted_over_unseen_is_not_exported_as_reviewed(
    widget: Any, scan_and_node: tuple[Any, Any], tmp_path: Path
) -> None:
    import slicer

    from ToothSegScene.review import set_reviewed, state_of

    scan, other = result("anisotropic")
    slicer.util.arrayFromVolume(scan)[0, 0, 0] = 7  # the same voxels would be the same scan
    slicer.util.arrayFromVolumeModified(scan)
    other.SetName("B")
    for node in (scan_and_node[1], other):
        for fdi in TEETH:
            set_reviewed(node, fdi, True)
    ui, parameters = widget.ui, widget.logic.getParameterNode()
    for node in (other, scan_and_node[1]):
        parameters.segmentation = node
        settle()
    ui.datasetEdit.currentPath, ui.annotatorEdit.text = str(tmp_path / "set"), "ab"
    array = slicer.util.arrayFromSegmentBinaryLabelmap(other, "tooth_36", scan)
    array[tuple(np.argwhere(array)[0])] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, other, "tooth_36", scan)
    ui.exportReviewedButton.click()
    assert "1 of 2 results" in ui.messageLabel.text
    assert "Not yet reviewed to the end: B." in ui.messageLabel.text
    assert state_of(other, 36) != "reviewed"
    (case,) = Dataset.open(tmp_path / "set").cases()
    assert case.record.reviewed


def test_the_return_tells_of_a_result_that_is_not_shown(
    widget: Any, scan_and_node: tuple[Any, Any]
) -> None:
    import slicer

    from ToothSegScene.review import set_reviewed

    scan, other = result("anisotropic")
    other.SetName("B")
    set_reviewed(other, 36, True)
    parameters = widget.logic.getParameterNode()
    for node in (other, scan_and_node[1]):
        parameters.segmentation = node
        settle()
    widget.parent.exit()
    array = slicer.util.arrayFromSegmentBinaryLabelmap(other, "tooth_36", scan)
    array[tuple(np.argwhere(array)[0])] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, other, "tooth_36", scan)
    widget.parent.enter()
    settle()
    told = "<i>B</i>: <b>36 was changed</b> by hand: look at it again."
    assert widget.ui.messageLabel.text == told


def test_a_run_that_ends_meanwhile_leaves_the_views_until_the_return(
    widget: Any, scan_and_node: tuple[Any, Any]
) -> None:
    from ToothSegScene.display import is_in_slices

    scan, node = scan_and_node
    widget.parent.exit()
    _, arrived = result()
    arrived.SetNodeReferenceID("ToothSeg.Volume", scan.GetID())
    run = SimpleNamespace(result_node=arrived, target=None, name="Other", region="")
    assert "4 teeth found" in widget.panel._finished(run)
    assert (node.GetDisplayVisibility(), arrived.GetDisplayVisibility()) == (1, 0)
    assert is_in_slices(scan)
    assert not arrived.GetSegmentation().ContainsRepresentation("Closed surface")
    widget.parent.enter()
    assert (node.GetDisplayVisibility(), arrived.GetDisplayVisibility()) == (0, 1)
    assert arrived.GetSegmentation().ContainsRepresentation("Closed surface")
    assert is_in_slices(scan)
    assert widget.ui.resultSelector.currentNode() is arrived


def test_a_result_that_goes_before_the_return_is_not_missed(
    widget: Any, scan_and_node: tuple[Any, Any], scene: Any
) -> None:
    scan, node = scan_and_node
    widget.parent.exit()
    _, arrived = result()
    arrived.SetNodeReferenceID("ToothSeg.Volume", scan.GetID())
    widget.panel._finished(SimpleNamespace(result_node=arrived, target=None, name="", region=""))
    scene.RemoveNode(arrived)
    widget.parent.enter()
    assert widget.ui.resultSelector.currentNode() is node
    widget.parent.exit()
    scene.Clear(0)
    settle()
    widget.parent.enter()
    assert not widget.ui.segmentButton.enabled


def test_an_approved_tooth_that_was_bitten_is_told(
    widget: Any, scan_and_node: tuple[Any, Any]
) -> None:
    import slicer

    from ToothSegScene.review import set_reviewed, state_of

    scan, node = scan_and_node
    set_reviewed(node, 36, True)
    widget.ui.notationCombo.currentIndex = 2
    settle()
    widget.parent.exit()
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "tooth_36", scan)
    taken = tuple(np.argwhere(array)[0])
    array[taken] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, "tooth_36", scan)
    stroke(scan, node, taken)
    widget.parent.enter()
    settle()
    assert state_of(node, 36) != "reviewed"
    told = "<b>LL6 was changed</b> while UR6 was painted: look at it again."
    assert widget.ui.messageLabel.text == told
    widget.ui.undoButton.click()
    settle()
    assert state_of(node, 36) == "reviewed"


def editors_history(node: Any) -> Any:
    """What the Segment Editor's Undo goes back by; Slicer keeps it past the visit."""
    import slicer

    history = slicer.vtkSegmentationHistory()
    history.SetMaximumNumberOfStates(10)
    history.SetSegmentation(node.GetSegmentation())
    return history


def approve(widget: Any, *teeth: int) -> None:
    for fdi in teeth:
        widget.panel.result.selection.set((fdi,))
        widget.ui.approveButton.click()


def test_the_editors_undo_leaves_what_was_approved_since(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path
) -> None:
    from ToothSegScene.review import review_of

    scan, node = scan_and_node
    undo = editors_history(node)
    before = labels_on(node, scan)
    widget.parent.exit()
    undo.SaveState()
    stroke(scan, node, STROKES[0])
    widget.parent.enter()
    approve(widget, *TEETH)
    widget.parent.exit()
    undo.RestorePreviousState()
    widget.parent.enter()
    settle()
    np.testing.assert_array_equal(labels_on(node, scan), before)
    (case,) = Dataset.open(saving).cases()
    np.testing.assert_array_equal(case.labels().array, before)
    expected = {11: "approved", 16: "predicted", 36: "approved", 47: "approved"}
    for review in (review_of(node), case.record.review):
        assert {fdi: review[fdi] for fdi in TEETH} == expected
    assert widget.ui.messageLabel.text == (
        "<b>16 was changed</b> by hand: look at it again. <b>The review of 11, 36, 47 is as you "
        "left it</b>: the Segment Editor's Undo takes back voxels only."
    )
    assert widget.ui.savedLabel.text == f"Saved: revision {case.revision} of {case.id}."
    widget.ui.undoButton.click()
    assert set(review_of(node).values()) == {"approved"}


def test_the_editors_undo_brings_no_approval_back(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path
) -> None:
    from ToothSegScene.review import review_of

    scan, node = scan_and_node
    undo = editors_history(node)
    approve(widget, 11, 36)
    widget.parent.exit()
    undo.SaveState()
    stroke(scan, node, STROKES[0])
    widget.parent.enter()
    widget.panel.result.selection.set((36,))
    widget.ui.reviewedButton.click()  # takes it back
    assert review_of(node)[36] == "predicted"
    widget.parent.exit()
    undo.RestorePreviousState()
    widget.parent.enter()
    settle()
    (case,) = Dataset.open(saving).cases()
    for review in (review_of(node), case.record.review):
        assert (review[11], review[36]) == ("approved", "predicted")


def test_an_undo_within_the_visit_leaves_all_as_it_was(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path
) -> None:
    from ToothSegScene.review import review_of

    scan, node = scan_and_node
    undo = editors_history(node)
    undo.SaveState()  # as in an earlier visit, of which only this is left
    approve(widget, 11, 16)
    (case,) = Dataset.open(saving).cases()
    widget.parent.exit()
    stroke(scan, node, STROKES[0])
    undo.RestorePreviousState()
    widget.parent.enter()
    settle()
    assert (review_of(node)[11], review_of(node)[16]) == ("approved", "approved")
    assert not widget.ui.undoButton.enabled
    assert Dataset.open(saving).case(case.id).revision == case.revision


def test_what_was_approved_and_is_painted_is_corrected(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path
) -> None:
    from ToothSegScene.review import review_of

    scan, node = scan_and_node
    approve(widget, 11, 16)
    widget.parent.exit()
    stroke(scan, node, STROKES[0])
    widget.parent.enter()
    settle()
    assert (review_of(node)[11], review_of(node)[16]) == ("approved", "corrected")


def test_a_saved_scene_has_changed_no_tooth(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path, tmp_path: Path
) -> None:
    import slicer

    scan, node = scan_and_node
    segmentation = node.GetSegmentation()
    widget.parent.exit()
    stroke(scan, node, STROKES[0])
    segmentation.SeparateSegmentLabelmap("tooth_16")
    widget.parent.enter()
    settle()
    assert widget.ui.savedLabel.text.startswith("Saved: revision 2 of ")
    assert segmentation.GetNumberOfLayers() == 2
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    assert segmentation.GetNumberOfLayers() == 1
    widget.panel.refresh()
    assert widget.ui.savedLabel.text.startswith("Saved: revision 2 of ")
