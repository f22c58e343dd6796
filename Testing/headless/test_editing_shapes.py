"""What splitting, smoothing and merging make of the voxels of a tooth and of what is next to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from editing_fixture import arrange
from teeth_node import (
    HALF_A,
    HALF_B,
    LABELMAP,
    SHAPE,
    digest,
    fdi_labels,
    make_node,
    oriented_image,
    segments_of,
    some_labels,
    voxels_of,
    world,
)


def test_split_takes_its_points_in_world_coordinates(scene: Any, node: Any) -> None:
    import vtk

    from ToothSegScene.editing import Corrections

    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    to_world = vtk.vtkTransform()
    to_world.Translate(40, -30, 20)
    to_world.RotateX(35)
    transform.SetMatrixTransformToParent(to_world.GetMatrix())
    node.SetAndObserveTransformNodeID(transform.GetID())
    Corrections(node).split(16, world(node, HALF_B), world(node, HALF_A), 17)
    labels = fdi_labels(node, SHAPE)
    assert labels[HALF_B[::-1]] == 16
    assert labels[HALF_A[::-1]] == 17


def test_smoothing_stops_at_neighbours_and_at_what_is_no_tooth(scene: Any) -> None:
    from ToothSegScene.editing import Corrections

    labels = some_labels()
    around = np.zeros(SHAPE, np.uint8)
    around[4:7, 8:10, 25:28] = labels[4:7, 8:10, 25:28] == 16  # a hole in 16 with bone in it
    labels[around > 0] = 0
    labels[4:7, 8:10, 33:36] = 15  # and a part of another tooth
    node = make_node(scene, labels)
    segments_of(node)["Bone"].AddRepresentation(LABELMAP, oriented_image(around))
    Corrections(node).smooth([16], 1.0)
    changed = fdi_labels(node, SHAPE)
    assert around.any()
    assert not np.array_equal(changed, labels)
    assert not changed[around > 0].any()
    for fdi in (14, 15, 21, 46, 47):
        assert np.array_equal(changed == fdi, labels == fdi)


def test_smoothing_may_grow_out_of_a_tight_layer_but_not_out_of_the_scan(scene: Any) -> None:
    import slicer

    from ToothSegScene.editing import Corrections

    node = arrange(scene, "shrunken layer")
    extent = segments_of(node)["tooth_47"].GetRepresentation(LABELMAP).GetExtent()
    image = oriented_image(np.zeros(SHAPE, np.uint8))
    converter = slicer.vtkSegmentationConverter
    node.GetSegmentation().SetConversionParameter(
        converter.GetReferenceImageGeometryParameterName(),
        converter.SerializeImageGeometry(image),
    )
    # Only the tight layer is left, of a tooth with a flat side that rounds off.
    for name in list(segments_of(node)):
        if name != "tooth_47":
            node.GetSegmentation().RemoveSegment(name)
    array = voxels_of(segments_of(node)["tooth_47"].GetRepresentation(LABELMAP))
    label = segments_of(node)["tooth_47"].GetLabelValue()
    array[:] = 0
    array[1:-1, 1:-1] = label
    segments_of(node)["tooth_47"].GetRepresentation(LABELMAP).GetPointData().GetScalars().Modified()
    before = digest(node)
    corrections = Corrections(node)
    corrections.smooth([47], 1.0)
    grown = segments_of(node)["tooth_47"].GetRepresentation(LABELMAP).GetExtent()
    assert grown != extent
    assert grown[0] >= 0
    corrections.undo()
    assert segments_of(node)["tooth_47"].GetRepresentation(LABELMAP).GetExtent() == extent
    assert digest(node)["layers"] == before["layers"]


def test_teeth_of_two_layers_that_overlap_are_merged_without_loss_to_a_third(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    segmentation = node.GetSegmentation()
    segmentation.SeparateSegmentLabelmap("tooth_15")
    image = segments_of(node)["tooth_15"].GetRepresentation(LABELMAP)
    label = segments_of(node)["tooth_15"].GetLabelValue()
    # Drawn over 14 and over a part of 21.
    voxels_of(image)[some_labels() == 14] = label
    over = np.zeros(SHAPE, bool)
    over[:7] = some_labels()[:7] == 21
    voxels_of(image)[over] = label
    image.GetPointData().GetScalars().Modified()
    node.RemoveClosedSurfaceRepresentation()
    node.CreateClosedSurfaceRepresentation()
    node_before = digest(node)
    corrections = Corrections(node)
    corrections.merge(14, [15])
    labels = fdi_labels(node, SHAPE)
    assert np.array_equal(labels == 21, some_labels() == 21)
    assert np.array_equal(labels == 14, np.isin(some_labels(), (14, 15)))
    corrections.undo()
    assert digest(node) == node_before
