"""Painting a tooth that the run overlooked, from the panel and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from panel_fixture import give_result, open_panel, settle

PLACE = (slice(2, 8), slice(2, 8), slice(2, 8))


@pytest.fixture
def widget(sample_volume_node: Any, toothseg: Any) -> Any:
    """The panel."""
    return open_panel(toothseg)


@pytest.fixture
def node(widget: Any, sample_volume_node: Any, sample_labels: Any) -> Any:
    """The sample's teeth without 16 and 26, which the run has overlooked."""
    array = sample_labels.array.copy()
    array[np.isin(array, (16, 26))] = 0
    return give_result(widget, sample_volume_node, sample_labels.with_array(array))


def paint(node: Any, segment_id: str, volume: Any, where: tuple[slice, ...] = PLACE) -> None:
    """A stroke into an empty segment, on the scan's grid."""
    import slicer

    stroke = np.zeros(slicer.util.arrayFromVolume(volume).shape, np.uint8)
    stroke[where] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(stroke, node, segment_id, volume)


def draw(node: Any, name: str, volume: Any, where: tuple[slice, ...] = PLACE) -> str:
    """A new segment of the Segment Editor, painted and then named."""
    segment_id = str(node.GetSegmentation().AddEmptySegment())
    paint(node, segment_id, volume, where)
    node.GetSegmentation().GetSegment(segment_id).SetName(name)
    settle()
    return segment_id


def state(widget: Any, fdi: int) -> str:
    """What the odontogram says of a tooth."""
    return str(widget.panel.result.odontogram.buttons[fdi].toolTip).split("\n")[0]


def test_an_absent_tooth_is_painted_in_the_segment_editor(
    widget: Any, node: Any, sample_volume_node: Any
) -> None:
    opened: list[Any] = []
    widget.panel.result._open_editor = lambda *what: opened.append(what)
    assert state(widget, 16).endswith(": not found")
    widget.panel.result.odontogram.buttons[16].click()
    assert widget.ui.editorButton.enabled, widget.ui.editorButton.toolTip
    widget.ui.editorButton.click()
    settle()
    assert opened == [(node, sample_volume_node, "tooth_16")]
    assert state(widget, 16).endswith(": not found")
    assert widget.ui.undoButton.toolTip == "Undo: add 16"
    paint(node, "tooth_16", sample_volume_node)
    settle()
    assert state(widget, 16).endswith(": reviewed")
    # A second time it is the same segment.
    widget.ui.editorButton.click()
    assert opened[1] == opened[0]


def test_an_empty_segment_of_the_run_is_painted(
    widget: Any, sample_volume_node: Any, sample_labels: Any
) -> None:
    """The run was asked for segments of teeth that it does not find."""
    import slicer

    from ToothSegLib.report import Segmentation, measure_teeth
    from ToothSegScene.review import review_of, set_reviewed
    from ToothSegScene.segments import write_segmentation

    array = sample_labels.array.copy()
    array[array == 16] = 0
    labels = sample_labels.with_array(array)
    made = Segmentation(labels, measure_teeth(labels, {}))
    node = write_segmentation(slicer.mrmlScene, sample_volume_node, made, empty_segments=True)
    widget.logic.getParameterNode().segmentation = node
    settle()
    assert 16 not in review_of(node)
    assert state(widget, 16).endswith(": not found")
    paint(node, "tooth_16", sample_volume_node)
    settle()
    assert review_of(node)[16] == "corrected"
    assert state(widget, 16).endswith(": reviewed")
    assert set(review_of(node).values()) == {"corrected", "predicted"}
    set_reviewed(node, 16, False)
    assert review_of(node)[16] == "predicted"


def test_several_teeth_that_are_not_there_cannot_be_painted_at_once(widget: Any, node: Any) -> None:
    widget.panel.result.selection.set((16,))
    assert widget.ui.editorButton.enabled
    widget.panel.result.selection.set((16, 26))
    assert not widget.ui.editorButton.enabled
    assert "Select one tooth" in widget.ui.editorButton.toolTip


def test_a_segment_named_by_its_number_counts_and_the_panel_says_so(
    widget: Any, node: Any, sample_volume_node: Any
) -> None:
    draw(node, "16", sample_volume_node)
    assert state(widget, 16).endswith(": reviewed")
    assert widget.ui.messageLabel.text == (
        "Counted as a tooth by its name: 16 upper right first molar."
    )


def test_a_third_molar_for_which_the_odontogram_has_no_place_counts_by_its_name(
    widget: Any, node: Any, sample_volume_node: Any
) -> None:
    from ToothSegScene.review import progress, set_reviewed
    from ToothSegScene.segments import teeth_of

    drawn = draw(node, "18", sample_volume_node)
    assert teeth_of(node)[18] == drawn
    assert "18 upper right third molar" in widget.ui.messageLabel.text
    # Nor can it be approved in the panel, so it must not wait for that.
    for fdi in teeth_of(node):
        if fdi != 18:
            set_reviewed(node, fdi, True)
    reviewed, there = progress(node)
    assert reviewed == there == len(teeth_of(node))


def test_undo_goes_past_a_number_given_by_a_name(
    widget: Any, node: Any, sample_volume_node: Any
) -> None:
    from ToothSegScene.segments import teeth_of

    before = teeth_of(node)
    # The number is free only once 15 has gone.
    drawn = draw(node, "15", sample_volume_node)
    assert teeth_of(node) == before
    widget.panel.result.selection.set((15,))
    widget.ui.deleteButton.click()
    settle()
    assert teeth_of(node)[15] == drawn
    for _ in range(2):
        assert widget.ui.undoButton.enabled
        widget.ui.undoButton.click()
        settle()
    assert teeth_of(node) == before


def test_an_export_says_what_it_leaves_out(
    widget: Any, node: Any, sample_volume_node: Any, tmp_path: Path
) -> None:
    ui = widget.ui
    draw(node, "new <tooth>", sample_volume_node)
    ui.folderEdit.currentPath = str(tmp_path)
    for button in ("exportSurfacesButton", "exportModelsButton", "exportLabelmapButton"):
        ui.messageLabel.text = ""
        getattr(ui, button).click()
        assert "Left out, having no tooth number of their own: new &lt;tooth&gt;; to count one" in (
            ui.messageLabel.text
        ), button
    ui.exportSegmentationButton.click()  # has every segment
    assert "Left out" not in ui.messageLabel.text


def test_a_save_into_a_data_set_says_what_it_leaves_out(
    widget: Any, node: Any, sample_volume_node: Any, tmp_path: Path
) -> None:
    from ToothSegScene.review import set_reviewed
    from ToothSegScene.segments import teeth_of

    ui = widget.ui
    ui.datasetEdit.currentPath = str(tmp_path)
    ui.annotatorEdit.text = "ab"
    draw(node, "Bone", sample_volume_node)
    for expected in ("Saved", "Nothing has changed"):
        ui.exportCaseButton.click()
        assert ui.messageLabel.text.startswith(expected)
        assert "having no tooth number of their own: Bone;" in ui.messageLabel.text
    for fdi in teeth_of(node):
        set_reviewed(node, fdi, True)
    ui.exportReviewedButton.click()
    assert ui.messageLabel.text.startswith("1 of 1")
    assert "having no tooth number of their own: Bone;" in ui.messageLabel.text
    ui.autosaveCheck.click()
    assert "having no tooth number of their own: Bone;" in ui.savedLabel.text
