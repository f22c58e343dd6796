"""The panel while the user is in another module, as when painting in the Segment Editor."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from case_fixture import labels_on, result
from panel_fixture import open_panel, settle
from ToothSegLib.dataset.folder import Dataset


@pytest.fixture
def widget(toothseg: Any) -> Any:
    """The panel."""
    return open_panel(toothseg)


@pytest.fixture
def scan_and_node(widget: Any) -> tuple[Any, Any]:
    """A result of four teeth, shown on the panel."""
    scan, node = result()
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    settle()
    return scan, node


def stroke(scan: Any, node: Any, where: tuple[slice, ...]) -> None:
    """A brush stroke on 16, and time for the panel to look."""
    import slicer

    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "tooth_16", scan)
    array[where] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, "tooth_16", scan)
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


def test_a_step_after_the_visit_saves_what_was_painted(
    widget: Any, scan_and_node: tuple[Any, Any], tmp_path: Path
) -> None:
    scan, node = scan_and_node
    ui = widget.ui
    ui.datasetEdit.currentPath = str(tmp_path / "set")
    ui.annotatorEdit.text = "ab"
    settle()
    ui.autosaveCheck.click()
    widget.panel.result.selection.set((16,))
    widget.parent.exit()
    for where in STROKES:
        stroke(scan, node, where)
    widget.parent.enter()
    assert widget.panel.result.selection.teeth == (16,)
    ui.correctedButton.click()
    (case,) = Dataset.open(tmp_path / "set").cases()
    np.testing.assert_array_equal(case.labels().array, labels_on(node, scan))
    assert case.record.review[16] == "corrected"
    assert [change.what for change in case.history()[-1].changes] == ["edited by hand"]


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
    widget.logic.getParameterNode().notation = "Palmer"
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
