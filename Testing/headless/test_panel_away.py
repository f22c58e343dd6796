"""The panel while the user is in another module, as when painting in the Segment Editor."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from case_fixture import STROKES, TEETH, labels_on, result
from panel_fixture import settle, stroke
from ToothSegLib.dataset.folder import Dataset


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
