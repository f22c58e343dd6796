"""A tooth that was given the name of another one: its number counts, and everybody is told."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import labels_on, result, some_labels
from panel_fixture import open_panel, settle
from ToothSegLib.segment_labels import read_labels
from ToothSegLib.volume_io import read_volume

OTHER = "17 upper right second molar"
WORDS = f"'{OTHER}' is still tooth 16: renumber it under Corrections."


def rename(node: Any, segment_id: str, name: str) -> None:
    """As by a double click in the Segment Editor."""
    node.GetSegmentation().GetSegment(segment_id).SetName(name)
    settle()


@pytest.fixture
def shown(toothseg: Any) -> tuple[Any, Any, Any]:
    """The panel, a scan and its result."""
    widget = open_panel(toothseg)
    scan, node = result()
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    settle()
    return widget, scan, node


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (OTHER, True),
        ("17", True),
        ("17 upper right first molar", True),  # number and words are different teeth
        ("tooth 3", False),  # as the Universal system has it
        ("UR6", False),
        ("16 with a filling", False),
        ("Molar", False),
    ],
)
def test_the_panel_says_that_a_name_gives_no_number(
    shown: tuple[Any, Any, Any], name: str, told: bool
) -> None:
    from ToothSegScene.segments import teeth_of

    widget, _, node = shown
    rename(node, "tooth_16", name)
    assert ("is still tooth 16" in widget.ui.messageLabel.text) == told
    assert 16 in teeth_of(node)


def test_it_is_said_until_it_is_mended(shown: tuple[Any, Any, Any]) -> None:
    widget, _, node = shown
    rename(node, "tooth_16", OTHER)
    label = widget.ui.messageLabel
    assert label.text.replace("&#x27;", "'") == WORDS
    widget.panel.result.selection.set((16,))
    widget.panel.result.corrections.choose_number(17)
    widget.ui.renumberButton.click()
    settle()
    assert label.text == ""
    widget.ui.undoButton.click()
    settle()
    assert "is still tooth 16" in label.text


def test_exports_and_saves_say_it_and_go_by_the_number(
    shown: tuple[Any, Any, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from ToothSegScene.export import export_models
    from ToothSegScene.surface_files import export_surfaces

    widget, _, node = shown
    ui = widget.ui
    rename(node, "tooth_16", OTHER)
    rename(node, "tooth_47", "11")
    ui.datasetEdit.currentPath, ui.annotatorEdit.text = str(tmp_path / "set"), "ab"
    ui.exportCaseButton.click()
    assert "is still tooth 16, " in ui.messageLabel.text
    assert "is still tooth 47: renumber them under Corrections." in ui.messageLabel.text
    with caplog.at_level(logging.WARNING):
        files = export_surfaces(node, tmp_path)
    assert "is still tooth 16" in caplog.text
    assert "16_upper_right_first_molar.stl" in [file.name for file in files]
    export_models(node)
    scene = node.GetScene()
    names = {
        scene.GetNthNodeByClass(place, "vtkMRMLModelNode").GetName()
        for place in range(scene.GetNumberOfNodesByClass("vtkMRMLModelNode"))
    }
    assert {"16 upper right first molar", "47 lower right second molar"} <= names
    assert OTHER not in names


def test_the_file_is_read_as_what_was_seen(shown: tuple[Any, Any, Any], tmp_path: Path) -> None:
    widget, scan, node = shown
    rename(node, "tooth_16", OTHER)
    rename(node, "tooth_36", "17 upper right first molar")
    widget.ui.folderEdit.currentPath = str(tmp_path)
    widget.ui.exportSegmentationButton.click()
    assert "written. " in widget.ui.messageLabel.text
    assert "is still tooth 16" in widget.ui.messageLabel.text
    (path,) = tmp_path.glob("*.seg.nrrd")
    np.testing.assert_array_equal(read_labels(path).array, labels_on(node, scan))
    assert node.GetSegmentation().GetSegment("tooth_16").GetName() == OTHER


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("16 upper right first molar", "16"),  # a copy of a segment keeps its tag
        ("17 upper right first molar", "16"),
        ("17", None),  # while the panel shows Universal numbers
        ("Implant of the upper right first molar", None),
        ("7", None),
        ("Segment_1", "99"),
    ],
)
def test_a_segment_that_is_no_tooth_is_none_in_the_file(
    scene: Any, tmp_path: Path, name: str, tag: str | None
) -> None:
    import slicer

    from ToothSegScene.export import export_segmentation
    from ToothSegScene.segments import teeth_of
    from ToothSegScene.user_settings import remember

    scan, node = result()
    remember("notation", "Universal")
    segments = node.GetSegmentation()
    segment_id = segments.AddEmptySegment()
    stroke = np.zeros((9, 10, 12), np.uint8)
    stroke[0, 0] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(stroke, node, segment_id, scan)
    segments.GetSegment(segment_id).SetName(name)
    if tag:
        segments.GetSegment(segment_id).SetTag("ToothSeg.FDI", tag)
    path = export_segmentation(node, tmp_path / "a.seg.nrrd")
    np.testing.assert_array_equal(read_labels(path).array, some_labels())
    stored = read_volume(path).array  # it is there all the same
    assert np.count_nonzero(stored > 48) == np.count_nonzero(stroke)
    assert segments.GetSegment(segment_id).GetName() == name
    loaded = slicer.util.loadSegmentation(str(path))
    assert set(teeth_of(loaded)) == {11, 16, 36, 47}
