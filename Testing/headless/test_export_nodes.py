"""Models and label maps that an export puts into the scene."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from export_fixture import OBLIQUE, everything_in, tooth_of_labels
from phantom_fixture import segmentation
from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.teeth import by_fdi
from ToothSegLib.volume import Volume


def test_models_lie_in_folders_by_category(
    exporter: Any, scene: Any, teeth_node: Any, labels: Volume
) -> None:
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.CreateItem(study, teeth_node)
    parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    teeth_node.SetAndObserveTransformNodeID(parent.GetID())

    folder = exporter.export_models(teeth_node)
    assert hierarchy.GetItemParent(folder) == study
    found = {
        hierarchy.GetItemName(category): [
            hierarchy.GetItemDataNode(item) for item in children(hierarchy, category)
        ]
        for category in children(hierarchy, folder)
    }
    assert {name: [model.GetName() for model in models] for name, models in found.items()} == {
        "upper incisors": ["11 upper right central incisor"],
        "upper canines": ["13 upper right canine"],
        "lower molars": ["47 lower right second molar"],
    }
    model = found["upper incisors"][0]
    assert model.GetParentTransformNode() is parent
    np.testing.assert_allclose(
        model.GetDisplayNode().GetColor(), np.array(by_fdi(11).colour) / 255, atol=1e-6
    )
    points = slicer.util.arrayFromModelPoints(model) * (-1, -1, 1)
    _, centre = tooth_of_labels(labels, 11)
    np.testing.assert_allclose((points.min(0) + points.max(0)) / 2, centre, atol=0.3)
    assert not teeth_node.GetSegmentation().ContainsRepresentation("Closed surface")


def children(hierarchy: Any, item: int) -> list[int]:
    import vtk

    ids = vtk.vtkIdList()
    hierarchy.GetItemChildren(item, ids, False)
    return [ids.GetId(n) for n in range(ids.GetNumberOfIds())]


def test_failed_models_leave_nothing(
    exporter: Any, scene: Any, teeth_node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    before, items = everything_in(scene), children(hierarchy, hierarchy.GetSceneItemID())
    fill, filled = exporter._fill_model, []

    def fill_one(*what: Any) -> None:
        if filled:
            raise OutputError("no more")
        filled.append(fill(*what))

    monkeypatch.setattr(exporter, "_fill_model", fill_one)
    with pytest.raises(OutputError, match="no more"):
        exporter.export_models(teeth_node)
    assert filled
    assert everything_in(scene) == before
    assert children(hierarchy, hierarchy.GetSceneItemID()) == items


@pytest.mark.parametrize("smoothing", [0.5, 1.0])
def test_models_have_the_volume_of_the_voxels(
    exporter: Any,
    scene: Any,
    sample_volume_node: Any,
    sample_labels: Volume,
    smoothing: float,
) -> None:
    """Incisors, of which Slicer's own smoothing takes most."""
    import slicer
    import vtk

    from ToothSegScene.segments import write_segmentation

    incisors = np.where(sample_labels.array % 10 <= 2, sample_labels.array, 0).astype(np.uint8)
    made = segmentation(sample_labels.with_array(incisors))
    node = write_segmentation(scene, sample_volume_node, made)
    exporter.export_models(node, smoothing)
    models = slicer.util.getNodesByClass("vtkMRMLModelNode")
    for fdi in set(np.unique(incisors).tolist()) - {0}:
        (model,) = (model for model in models if model.GetName().startswith(str(fdi)))
        mass = vtk.vtkMassProperties()
        mass.SetInputData(model.GetPolyData())
        wanted = (incisors == fdi).sum() * np.prod(sample_labels.spacing)
        assert mass.GetVolume() == pytest.approx(wanted, rel=0.01)


def test_label_map_holds_fdi_numbers_on_the_volumes_grid(
    exporter: Any, scene: Any, put: Any, labels: Volume
) -> None:
    import slicer

    turned = replace(labels, direction=OBLIQUE, spacing=(0.4, 0.5, 0.6), origin=(7.0, -50.0, 9.0))
    node, volume = put(turned)
    parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    for each in (node, volume):
        each.SetAndObserveTransformNodeID(parent.GetID())
    labelmap = exporter.export_labelmap(node, volume)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(labelmap), turned.array)
    assert labelmap.GetParentTransformNode() is parent
    grids = [slicer.util.arrayFromVTKMatrix(matrix_of(each)) for each in (labelmap, volume)]
    np.testing.assert_allclose(*grids, atol=1e-12)

    colours = labelmap.GetDisplayNode().GetColorNode()
    for fdi in (11, 13, 28, 29, 37, 47):
        colour = [0.0] * 4
        colours.GetColor(fdi, colour)
        if fdi == 29:
            assert colour[3] == 0
            assert not colours.GetColorDefined(fdi)
            continue
        tooth = by_fdi(fdi)
        assert colours.GetColorName(fdi) == f"{fdi} {tooth.name}"
        np.testing.assert_allclose(colour, [*(c / 255 for c in tooth.colour), 1], atol=1e-6)


def matrix_of(volume: Any) -> Any:
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return matrix


def test_label_map_of_a_volume_that_is_gone(exporter: Any, scene: Any, teeth_node: Any) -> None:
    before = everything_in(scene)
    with pytest.raises(InputError, match="no volume"):
        exporter.export_labelmap(teeth_node, None)
    assert everything_in(scene) == before
