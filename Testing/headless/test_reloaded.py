"""A result that was saved and loaded again, and then painted on: still one voxel grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import labels_on, some_labels
from node_fixture import volume_node
from panel_fixture import open_panel, settle
from ToothSegLib.report import Segmentation, measure_teeth
from ToothSegLib.volume import Volume

# (k, j, i) of what is painted: where there is no tooth.
STROKE = np.s_[0:2, 6:8, 9:11]


def result_of(spacing: float) -> tuple[Any, Any]:
    import slicer

    from ToothSegScene.segments import write_segmentation

    place = ((spacing,) * 3, (-30.3, -41.7, 12.1), np.eye(3))
    scan = volume_node(Volume(np.zeros((9, 10, 12), np.int16), *place))
    labels = Volume(some_labels(), *place)
    made = Segmentation(labels, measure_teeth(labels, {}))
    return scan, write_segmentation(slicer.mrmlScene, scan, made)


def reload(how: str, scan: Any, node: Any, folder: Path) -> tuple[Any, Any]:
    import slicer

    from ToothSegScene.export import export_segmentation

    if how == "seg.nrrd":
        path = export_segmentation(node, folder / "x.seg.nrrd")
        slicer.mrmlScene.RemoveNode(node)
        return scan, slicer.util.loadSegmentation(str(path))
    names = scan.GetName(), node.GetName()
    assert slicer.util.saveScene(str(folder / "scene.mrb"))
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(folder / "scene.mrb"))
    scan, node = map(slicer.util.getNode, names)
    return scan, node


def paint(node: Any, scan: Any, segment_id: str) -> None:
    """As a stroke with the brush of Slicer's Segment Editor."""
    import slicer
    from vtk.util.numpy_support import vtk_to_numpy

    scene, logic = slicer.mrmlScene, slicer.vtkSlicerSegmentEditorLogic()
    logic.SetMRMLApplicationLogic(slicer.app.applicationLogic())
    logic.SetMRMLScene(scene)
    logic.SetSegmentEditorNode(scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    logic.SetSegmentationNode(node)
    logic.SetSourceVolumeNode(scan)
    logic.GetSegmentEditorNode().SetSelectedSegmentID(segment_id)
    logic.UpdateReferenceGeometryImage()
    logic.ResetModifierLabelmapToDefault()
    image = logic.GetModifierLabelmap()
    array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
    array[:] = 0
    array[STROKE] = 1
    image.GetPointData().GetScalars().Modified()
    image.Modified()
    add = logic.ModificationModeAdd
    logic.ModifySegmentByLabelmap(node, segment_id, image, add, False, True)


@pytest.mark.parametrize("how", ["mrb", "seg.nrrd"])
@pytest.mark.parametrize("spacing", [0.3, 0.4])
def test_every_tooth_can_be_reshaped_after_one_was_painted(
    scene: Any, tmp_path: Path, spacing: float, how: str
) -> None:
    from ToothSegScene.editing import Corrections

    scan, node = reload(how, *result_of(spacing), tmp_path)
    corrections = Corrections(node)
    paint(node, scan, corrections.add(21))
    painted = some_labels()
    painted[STROKE] = 21
    assert np.array_equal(labels_on(node, scan), painted)
    assert corrections.why_no_shapes == ""
    corrections.smooth([36], 0.4)
    corrections.keep_largest([36])
    corrections.merge(11, [21])
    merged = labels_on(node, scan)
    assert np.array_equal(merged == 11, np.isin(painted, (11, 21)))
    while corrections.can_undo != "edit by hand":
        corrections.undo()
    assert np.array_equal(labels_on(node, scan), painted)


def test_grids_that_do_differ_are_told_on_the_buttons(toothseg: Any, dialogs: Any) -> None:
    import slicer

    widget = open_panel(toothseg)
    scan, node = result_of(0.3)
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    settle()
    selection, ui = widget.panel.result.selection, widget.ui
    selection.set((11, 16))
    assert ui.mergeButton.enabled
    image = slicer.vtkOrientedImageData()
    image.DeepCopy(
        node.GetSegmentation().GetSegment("tooth_36").GetRepresentation("Binary labelmap")
    )
    image.SetSpacing(0.3, 0.3, 0.4)
    node.GetSegmentation().GetSegment("tooth_36").AddRepresentation("Binary labelmap", image)
    node.Modified()
    settle()
    for teeth, name in (
        ((11, 16), "merge"),
        ((11,), "smooth"),
        ((11,), "largest"),
        ((11,), "split"),
    ):
        selection.set(teeth)
        button = getattr(ui, f"{name}Button")
        assert not button.enabled, name
        assert "The segments lie on different voxel grids: give them one by" in button.toolTip
    assert ui.deleteButton.enabled
