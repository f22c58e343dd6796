"""Exported surfaces are closed and lie where the labels are, whatever their grid and transform."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export_fixture import (
    OBLIQUE,
    RAS_FROM_LPS,
    TEETH,
    everything_in,
    names_in,
    read_stl,
    tooth_of_labels,
)
from phantom_fixture import segmentation
from ToothSegLib.errors import InputError
from ToothSegLib.meshes.mesh_names import stl_name
from ToothSegLib.surfaces import Surface, is_manifold
from ToothSegLib.volume import Volume


def centre_of(surface: Surface) -> np.ndarray:
    return (surface.points.min(axis=0) + surface.points.max(axis=0)) / 2


@pytest.mark.parametrize(
    "direction",
    [np.eye(3), np.diag([-1.0, 1.0, -1.0]), np.diag([1.0, -1.0, 1.0]), OBLIQUE],
    ids=["upright", "turned", "left-handed", "oblique"],
)
def test_surfaces_are_closed_and_where_the_labels_are(
    exporter: Any, put: Any, tmp_path: Path, labels: Volume, direction: np.ndarray
) -> None:
    turned = replace(labels, direction=direction, spacing=(0.4, 0.5, 0.6), origin=(7.0, -50.0, 9.0))
    node, _ = put(turned)
    paths = exporter.export_surfaces(node, tmp_path)
    assert [path.name for path in paths] == [stl_name(fdi) for fdi in TEETH] == names_in(tmp_path)
    for path, fdi in zip(paths, TEETH):
        surface = read_stl(path)
        volume, centre = tooth_of_labels(turned, fdi)
        assert is_manifold(surface)
        assert 0.9 * volume < surface.volume_mm3 < 1.02 * volume
        np.testing.assert_allclose(centre_of(surface), centre, atol=0.3)


def test_every_surface_of_the_sample_is_closed(
    exporter: Any, scene: Any, sample_volume_node: Any, sample_labels: Volume, tmp_path: Path
) -> None:
    from ToothSegScene.segments import write_segmentation

    node = write_segmentation(scene, sample_volume_node, segmentation(sample_labels))
    paths = exporter.export_surfaces(node, tmp_path)
    assert len(paths) == len(np.unique(sample_labels.array)) - 1 == 28
    for path in paths:
        surface = read_stl(path)
        volume, _ = tooth_of_labels(sample_labels, int(path.name[:2]))
        assert is_manifold(surface), path.name
        assert surface.volume_mm3 == pytest.approx(volume, rel=0.05), path.name


def test_smoothing_makes_surfaces_rounder(exporter: Any, teeth_node: Any, tmp_path: Path) -> None:
    areas = []
    for smoothing in (0.0, 0.5):
        folder = tmp_path / str(smoothing)
        folder.mkdir()
        surface = read_stl(exporter.export_surfaces(teeth_node, folder, smoothing=smoothing)[0])
        corners = surface.points[surface.triangles]
        sides = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        areas.append(np.linalg.norm(sides, axis=1).sum() / 2)
        assert is_manifold(surface)
    assert areas[1] < 0.97 * areas[0]


def test_surfaces_under_a_transform_are_in_world_coordinates(
    exporter: Any, scene: Any, teeth_node: Any, tmp_path: Path, labels: Volume
) -> None:
    import slicer

    to_world = np.eye(4)
    to_world[:3, :3], to_world[:3, 3] = OBLIQUE, (10.0, -20.0, 30.0)
    if np.linalg.det(OBLIQUE) < 0:
        to_world[:3, 2] *= -1
    parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(to_world))
    teeth_node.SetAndObserveTransformNodeID(parent.GetID())
    for path, fdi in zip(exporter.export_surfaces(teeth_node, tmp_path), TEETH):
        surface = read_stl(path)
        centre = np.append(tooth_of_labels(labels, fdi)[1], 1.0)
        expected = (RAS_FROM_LPS @ to_world @ RAS_FROM_LPS @ centre)[:3]
        # 13 has a lone voxel, which moves the mean of its labels, but not its surface.
        assert is_manifold(surface)
        np.testing.assert_allclose(centre_of(surface), expected, atol=0.5)
    assert teeth_node.GetParentTransformNode() is parent


def test_a_transform_that_mirrors_is_refused(
    exporter: Any, scene: Any, teeth_node: Any, tmp_path: Path
) -> None:
    import slicer

    parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Mirror")
    mirror = slicer.util.vtkMatrixFromArray(np.diag([-1.0, 1.0, 1.0, 1.0]))
    parent.SetMatrixTransformToParent(mirror)
    teeth_node.SetAndObserveTransformNodeID(parent.GetID())
    with pytest.raises(InputError, match="Mirror mirrors the teeth"):
        exporter.export_surfaces(teeth_node, tmp_path)


def test_exporting_surfaces_changes_nothing_in_the_scene(
    exporter: Any, scene: Any, teeth_node: Any, tmp_path: Path
) -> None:
    before = everything_in(scene)
    name, segmentation = teeth_node.GetName(), teeth_node.GetSegmentation()
    smoothing = segmentation.GetConversionParameter("Smoothing factor")
    voxels = layer_of(teeth_node).copy()
    exporter.export_surfaces(teeth_node, tmp_path, smoothing=0.9)
    assert everything_in(scene) == before
    assert teeth_node.GetName() == name
    assert segmentation.GetConversionParameter("Smoothing factor") == smoothing
    assert not segmentation.ContainsRepresentation("Closed surface")
    np.testing.assert_array_equal(layer_of(teeth_node), voxels)
    assert voxels.any()


def layer_of(node: Any) -> np.ndarray:
    """The voxels that the segments share."""
    from vtk.util.numpy_support import vtk_to_numpy

    layer = node.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap")
    return vtk_to_numpy(layer.GetPointData().GetScalars())
