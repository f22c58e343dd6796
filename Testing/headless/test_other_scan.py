"""A result whose scan holds other voxels by now, or lies elsewhere, is not saved without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import result, save
from node_fixture import bent_transform, harden, linear_transform
from panel_fixture import open_panel, settle
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.errors import InputError

OTHER = "The voxels of Scan are not those that Scan teeth was made of, as in another frame of a "
OFF = "Scan teeth does not lie on the voxels of Scan: put both under the same transform, or harden"


def shift(mm: float) -> Any:
    """A transform to the patient's left."""
    matrix = np.eye(4)
    matrix[0, 3] = mm
    return linear_transform(matrix)


def remark(widget: Any) -> str:
    """What the panel says below the button, once it has looked by itself."""
    settle()
    return str(widget.ui.messageLabel.text)


@pytest.fixture
def widget(toothseg: Any) -> Any:
    """The panel, which shows the result."""
    widget = open_panel(toothseg)
    scan, node = result()
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    settle()
    return widget


def test_another_frame_is_told_on_the_panel_and_with_a_save(widget: Any, tmp_path: Path) -> None:
    import slicer

    from ToothSegScene.training_case import cautions_in_words

    node, scan = widget.panel.result.node, widget.ui.inputSelector.currentNode()
    assert remark(widget) == cautions_in_words(node) == ""
    slicer.util.arrayFromVolume(scan)[:] += 5
    slicer.util.arrayFromVolumeModified(scan)
    assert OTHER in cautions_in_words(node)
    assert OTHER in remark(widget)
    widget.ui.datasetEdit.currentPath, widget.ui.annotatorEdit.text = str(tmp_path / "set"), "ab"
    widget.ui.exportCaseButton.click()
    assert OTHER in widget.ui.messageLabel.text
    slicer.util.arrayFromVolume(scan)[:] -= 5
    slicer.util.arrayFromVolumeModified(scan)
    widget.panel.run.say("")
    assert remark(widget) == ""


def test_a_scan_that_was_moved_alone_is_not_saved(
    widget: Any, tmp_path: Path, dialogs: Any
) -> None:
    from ToothSegScene.review import set_reviewed

    node, scan = widget.panel.result.node, widget.ui.inputSelector.currentNode()
    assert save(node, tmp_path / "set").revision == 1
    scan.SetAndObserveTransformNodeID(shift(2.0).GetID())
    set_reviewed(node, 11, True)
    with pytest.raises(InputError, match=OFF):
        save(node, tmp_path / "set")
    (case,) = Dataset.open(tmp_path / "set").cases()
    assert case.revision == 1
    assert OFF in remark(widget)
    node.SetAndObserveTransformNodeID(scan.GetTransformNodeID())
    assert OFF not in remark(widget)
    assert save(node, tmp_path / "set").revision == 2


def test_a_transform_that_is_moved_is_told_on_the_panel(widget: Any, scene: Any) -> None:
    import slicer

    ui, node = widget.ui, widget.panel.result.node
    scan, transform = ui.inputSelector.currentNode(), shift(0.0)
    scan.SetAndObserveTransformNodeID(transform.GetID())
    assert remark(widget) == ""
    moved = slicer.util.vtkMatrixFromArray(np.eye(4))
    for mm in range(1, 6):  # as a handle that is dragged
        moved.SetElement(0, 3, mm)
        transform.SetMatrixTransformToParent(moved)
    assert ui.messageLabel.text == ""  # the panel looks once
    assert OFF in remark(widget)
    node.SetAndObserveTransformNodeID(shift(5.0).GetID())
    assert OFF not in remark(widget)
    node.GetParentTransformNode().SetMatrixTransformToParent(
        slicer.util.vtkMatrixFromArray(np.eye(4))
    )
    assert OFF in remark(widget)
    moved.SetElement(0, 0, -1)
    transform.SetMatrixTransformToParent(moved)
    settle()
    assert not ui.segmentButton.enabled


def test_only_the_scan_that_is_shown_is_watched(
    widget: Any, scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    looks: list[int] = []
    refresh = widget.panel.run.refresh
    monkeypatch.setattr(widget.panel.run, "refresh", lambda: (looks.append(1), refresh()))

    def is_watched(node: Any) -> bool:
        settle()
        looks.clear()
        slicer.util.arrayFromVolumeModified(node)
        settle()
        return bool(looks)

    scan = widget.ui.inputSelector.currentNode()
    other = slicer.util.addVolumeFromArray(np.zeros((5, 6, 7), np.int16), name="Other")
    assert (is_watched(scan), is_watched(other)) == (True, False)
    widget.ui.inputSelector.setCurrentNode(other)
    assert (is_watched(scan), is_watched(other)) == (False, True)
    scene.RemoveNode(other)
    assert not is_watched(other)


def test_the_panel_looks_once_at_another_frame(
    widget: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    scan, looks = widget.ui.inputSelector.currentNode(), []
    run, whole = widget.panel.run, []
    refresh = run.refresh
    monkeypatch.setattr(run, "refresh", lambda: (looks.append(1), refresh()))
    monkeypatch.setattr(widget.panel.result, "refresh", lambda: whole.append(1))
    for _ in range(3):
        slicer.util.arrayFromVolume(scan)[:] += 5
        slicer.util.arrayFromVolumeModified(scan)
    settle(0.05)
    assert (looks, whole) == ([1], [])
    widget.parent.exit()
    slicer.util.arrayFromVolumeModified(scan)
    settle()
    assert looks == [1]


@pytest.mark.parametrize("alone", ["scan", "teeth"])
def test_a_hardened_shift_of_one_of_the_two_is_refused(
    scene: Any, tmp_path: Path, alone: str
) -> None:
    scan, node = result()
    harden((scan if alone == "scan" else node,), np.eye(4) + 2 * np.eye(4, k=3))
    with pytest.raises(InputError, match=OFF):
        save(node, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_a_bend_above_one_of_the_two_is_put_above_both(scene: Any) -> None:
    from ToothSegScene.own_scan import off_in_words

    scan, node = result()
    bend = bent_transform()
    scan.SetAndObserveTransformNodeID(bend.GetID())
    words = "put both under the same transform, or harden it on both."
    assert off_in_words(node).startswith("A non-linear transform lies between 'Scan teeth' and")
    assert off_in_words(node).endswith(words)
    node.SetAndObserveTransformNodeID(bend.GetID())
    assert off_in_words(node) == ""


def test_what_lies_on_the_scan_by_another_way_is_saved(scene: Any, tmp_path: Path) -> None:
    """The one hardened, the other under the transform; and a finer geometry of its own."""
    import slicer

    from ToothSegScene.own_scan import off_in_words
    from ToothSegScene.segment_values import scan_of

    scan, node = result()
    transform = shift(2.0)
    for each in (scan, node):
        each.SetAndObserveTransformNodeID(transform.GetID())
    slicer.vtkSlicerTransformLogic.hardenTransform(node)
    assert off_in_words(node) == ""
    matrix, extent = scan_of(node.GetSegmentation())
    finer = np.reshape(matrix, (4, 4)) @ np.diag([0.5, 0.5, 0.5, 1.0])
    finer[:3, 3] -= finer[:3, :3] @ [0.5, 0.5, 0.5]
    size = [value for last in extent[1::2] for value in (0, 2 * last + 1)]
    text = slicer.vtkSegmentationConverter.SerializeImageGeometry(
        slicer.util.vtkMatrixFromArray(finer), size
    )
    name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    node.GetSegmentation().SetConversionParameter(name, text)
    assert off_in_words(node) == ""
    assert save(node, tmp_path / "set").revision == 1


def test_a_file_without_a_geometry_is_refused_where_its_labels_are_off(scene: Any) -> None:
    import slicer

    from ToothSegScene.own_scan import off_in_words

    scan, node = result()
    name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    node.GetSegmentation().SetConversionParameter(name, "")
    assert off_in_words(node) == ""
    scan.SetAndObserveTransformNodeID(shift(0.3).GetID())
    assert off_in_words(node).startswith(OFF)
