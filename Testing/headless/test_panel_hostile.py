"""The panel in the hands of somebody who does not wait, and the scene in the hands of others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from panel_fixture import settle, wait_until
from stub_panel_fixture import a_scan, open_stub_panel

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def widget(toothseg: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel, whose runs see in 1000 + FDI the tooth of that number; "slow" takes a minute."""
    return open_stub_panel(toothseg, tmp_path, monkeypatch)


def run(widget: Any, volume: Any, bundle: str = "quick") -> Any:
    """Click, and with a quick bundle wait for the segmentation."""
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume = volume
    parameters.bundle = bundle
    widget.ui.segmentButton.click()
    if bundle == "slow":
        return None
    wait_until(lambda: widget.panel.run.run is None)
    settle()
    return parameters.segmentation


def test_a_second_click_starts_no_second_run(widget: Any, tmp_path: Path) -> None:
    run(widget, a_scan("A", 11), "slow")
    first = widget.panel.run.run
    widget.ui.segmentButton.click()
    assert widget.panel.run.run is first
    widget.ui.cancelButton.click()
    assert os.listdir(tmp_path) == []


def test_teeth_are_never_shown_over_another_scan(widget: Any) -> None:
    import slicer

    from ToothSegScene.display import is_in_slices

    first, second = a_scan("A", 11), a_scan("B", 21, 36)
    slicer.util.setSliceViewerLayers(background=first)
    run(widget, first)
    assert is_in_slices(first)
    result = run(widget, second)
    assert result.GetNodeReference("ToothSeg.Volume") is second
    assert is_in_slices(second)
    assert not is_in_slices(first)


def test_voxels_that_change_during_a_run_get_no_result(
    widget: Any, scene: Any, dialogs: Any, tmp_path: Path
) -> None:
    """A sequence plays, or a filter writes into the volume; what was segmented is gone."""
    import slicer

    volume = a_scan("A", 11, 21)
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.bundle = volume, "quick"
    widget.ui.segmentButton.click()
    slicer.util.arrayFromVolume(volume)[:] += 1
    slicer.util.arrayFromVolumeModified(volume)
    wait_until(lambda: widget.panel.run.run is None)
    (shown,) = dialogs.take()
    assert "not those that were segmented: it has changed, so segment it again" in shown.text
    assert "it has changed" in widget.ui.messageLabel.text
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert os.listdir(tmp_path) == []
    assert run(widget, volume) is not None


def test_no_tooth_is_said_in_words(widget: Any) -> None:
    run(widget, a_scan("air"))
    assert "<b>No teeth found</b> in air" in widget.ui.messageLabel.text


def test_a_region_made_on_the_panel_lies_around_the_volume(widget: Any) -> None:
    from node_fixture import linear_transform

    volume = a_scan("A", 11, 21)
    moved = np.eye(4)
    moved[:3, 3] = 50, -20, 10
    volume.SetAndObserveTransformNodeID(linear_transform(moved).GetID())
    widget.logic.getParameterNode().inputVolume = volume
    roi = widget.ui.roiSelector.addNode()
    settle()
    bounds, wanted = [0.0] * 6, [0.0] * 6
    roi.GetRASBounds(bounds)
    volume.GetRASBounds(wanted)
    np.testing.assert_allclose(bounds, wanted)
    assert roi.GetDisplayNode() is not None
    assert widget.logic.getParameterNode().roi is roi
    result = run(widget, volume)
    assert "2 teeth found" in widget.ui.messageLabel.text
    assert result.GetParentTransformNode() is volume.GetParentTransformNode()


def test_a_segmentation_just_made_in_the_segment_editor_is_borne(widget: Any) -> None:
    """Its one segment has an image without a voxel."""
    import slicer

    from ToothSegScene.segments import teeth_of

    node = run(widget, a_scan("A", 11, 21))
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "by hand")
    other.CreateDefaultDisplayNodes()
    other.GetSegmentation().AddEmptySegment("Segment_1", "Segment_1")
    widget.logic.getParameterNode().segmentation = other
    settle()
    assert not widget.ui.undoButton.enabled
    assert not widget.ui.exportSurfacesButton.enabled
    assert widget.ui.reviewLabel.text == "There are no teeth to review."
    widget.logic.getParameterNode().segmentation = node
    node.GetSegmentation().AddEmptySegment("Segment_1", "Segment_1")
    settle()
    widget.panel.result.selection.set((11,))
    widget.ui.deleteButton.click()
    assert set(teeth_of(node)) == {21}
    widget.ui.undoButton.click()
    assert set(teeth_of(node)) == {11, 21}
    assert node.GetSegmentation().GetSegment("Segment_1") is not None


def test_what_is_about_to_be_overwritten_cannot_be_reviewed(widget: Any, dialogs: Any) -> None:
    import qt

    volume = a_scan("A", 11)
    run(widget, volume)
    widget.panel.result.selection.set((11,))
    assert widget.ui.reviewedButton.enabled
    widget.logic.getParameterNode().output = "overwrite"
    dialogs.answer(qt.QMessageBox.Ok)
    run(widget, volume, "slow")
    settle()
    dialogs.take()
    assert not widget.ui.reviewedButton.enabled
    assert "overwritten" in widget.ui.reviewedButton.toolTip
    widget.ui.cancelButton.click()
    settle()
    assert widget.ui.reviewedButton.enabled


def test_the_teeth_of_another_patient_never_get_into_the_first_ones_case(
    widget: Any, dialogs: Any, tmp_path: Path
) -> None:
    import qt

    from ToothSegLib.dataset.folder import Dataset

    ui, folder = widget.ui, tmp_path / "set"
    node = run(widget, a_scan("A", 11, 12))
    ui.datasetEdit.currentPath = str(folder)
    ui.annotatorEdit.text = "ab"
    ui.autosaveCheck.click()
    ui.reviewButton.collapsed = False
    ui.approveButton.click()
    assert ui.previousButton.enabled
    (case,) = Dataset.open(folder).cases()
    assert f"Saved: revision 2 of {case.id}" in ui.savedLabel.text

    widget.logic.getParameterNode().output = "overwrite"
    other = run(widget, a_scan("B", 21, 22))
    assert other is not node
    assert (node.GetName(), other.GetName()) == ("A teeth", "B teeth")
    assert ui.savedLabel.text == "Nothing saved yet."
    assert widget.panel.result.selection.teeth == ()
    assert not ui.previousButton.enabled
    widget.panel.result.selection.set((21,))
    ui.approveButton.click()
    first, second = sorted(Dataset.open(folder).cases(), key=lambda other: other.id != case.id)
    assert (first.revision, first.record.teeth) == (2, (11, 12))
    assert (second.revision, second.record.teeth) == (1, (21, 22))
    assert f"Saved: revision 1 of {second.id}" in ui.savedLabel.text

    widget.logic.getParameterNode().output = "new"
    again = run(widget, ui.inputSelector.currentNode(), "chatty")
    assert ui.savedLabel.text == "Nothing saved yet."
    widget.logic.getParameterNode().output = "overwrite"
    dialogs.answer(qt.QMessageBox.Ok)
    assert run(widget, ui.inputSelector.currentNode()) is again
    dialogs.take()
    widget.panel.result.selection.set((22,))
    ui.approveButton.click()
    (shown,) = dialogs.take()
    assert "revision 1 of this scan" in shown.text
    assert "open the case and go on with that" in shown.text
    assert Dataset.open(folder).case(second.id).revision == 1


def clean_up(widget: Any, toothseg: Any) -> None:
    """As when Slicer has destroyed the widgets; nothing of them is left for the tests to come."""
    import slicer

    node = widget.logic.getParameterNode().parameterNode
    widget.cleanup()
    toothseg.__dict__["_widget"] = None  # there is nothing to close
    slicer.mrmlScene.RemoveNode(node)  # Slicer's wrapper would bring its dead widgets in line


def test_slicer_quits_during_a_run_with_the_widgets_gone_before(
    widget: Any, toothseg: Any, tmp_path: Path
) -> None:
    import shiboken6

    run(widget, a_scan("A", 11), "slow")
    process = widget.panel.run.run._job._process
    shiboken6.delete(widget.parent)
    clean_up(widget, toothseg)
    assert process.poll() is not None
    assert os.listdir(tmp_path) == []
    settle()


@pytest.mark.parametrize("touch", ["read", "set", "disconnect"])
def test_slicer_may_touch_a_destroyed_widget_when_the_parameters_are_dropped(
    widget: Any, toothseg: Any, monkeypatch: pytest.MonkeyPatch, touch: str
) -> None:
    import qt
    import shiboken6

    from compat.parameter_gui import Connector

    def let_go(connector: Any) -> None:
        gone = qt.QPushButton()
        gone.delete()
        if touch == "read":
            _ = gone.text
        elif touch == "set":
            gone.text = ""
        else:
            gone.disconnect("clicked()", settle)

    shiboken6.delete(widget.parent)
    monkeypatch.setattr(Connector, "disconnect", let_go)
    clean_up(widget, toothseg)


def test_an_empty_scene_says_what_to_do_and_forgets_what_was(widget: Any, scene: Any) -> None:
    label = widget.ui.messageLabel
    assert "Load a scan" in label.text
    run(widget, a_scan("A", 11))
    assert "1 tooth found" in label.text
    scene.Clear(0)
    settle()
    assert "tooth found" not in label.text
    assert "Load a scan" in label.text
    a_scan("B", 21)
    assert not label.isVisibleTo(widget.parent)
