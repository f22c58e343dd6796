"""Teeth that overlap are no case: one of them would be saved with voxels that nobody approved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import labels_on, result, save
from node_fixture import GEOMETRIES
from teeth_node import LABELMAP, voxels_of
from ToothSegLib.errors import InputError


def paint(scan: Any, node: Any, segment: str, voxels: np.ndarray) -> None:
    """Add voxels to a segment, as the Segment Editor does where it may overlap others."""
    import slicer

    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, scan)
    array[tuple(voxels.T)] = 1
    node.GetSegmentation().SeparateSegmentLabelmap(segment)
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, segment, scan)


@pytest.mark.parametrize(
    ("painted", "over", "voxels", "told"),
    [
        ("tooth_16", 11, 20, "11 and 16 overlap in 20 voxels, and a case has one tooth a voxel"),
        ("tooth_11", 16, 1, "11 and 16 overlap in 1 voxel, "),
    ],
)
def test_teeth_that_overlap_are_refused(
    scene: Any, tmp_path: Path, painted: str, over: int, voxels: int, told: str
) -> None:
    import slicer

    scan, node = result()
    where = np.argwhere(labels_on(node, scan) == over)[:voxels]
    paint(scan, node, painted, where)
    with pytest.raises(InputError, match=told):
        save(node, tmp_path / "set")
    assert not (tmp_path / "set").exists()
    # What the message asks for.
    other = f"tooth_{over}"
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, other, scan)
    array[tuple(where.T)] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, other, scan)
    assert save(node, tmp_path / "set").revision == 1


def test_layers_that_do_not_overlap_are_saved(scene: Any, tmp_path: Path) -> None:
    scan, node = result()
    paint(scan, node, "tooth_16", np.array([[8, 0, 0]]))
    assert node.GetSegmentation().GetNumberOfLayers() == 2
    case = save(node, tmp_path / "set")
    np.testing.assert_array_equal(case.labels().array, labels_on(node, scan))


def finer_layers(
    scan: Any, node: Any, wall: int, margins: tuple[int, int], shared: int = 0, off: float = 0.0
) -> None:
    """A result of two teeth on voxels of half the size, each in a layer of its own.

    Args:
        scan: whose voxels are halved, and the grid moved by a quarter of one: its centres lie
            midway between the finer ones.
        node: its result, with `case_fixture.TEETH`.
        wall: the finer voxel along i at which 11 ends and 16 begins.
        margins: how much larger than its tooth each layer is.
        shared: how many layers of voxels 11 reaches into 16.
        off: how far the grid of 16 is off that of 11 along i, in finer voxels.
    """
    import slicer
    import vtk

    to_ras = vtk.vtkMatrix4x4()
    scan.GetIJKToRASMatrix(to_ras)
    half = np.diag([0.5, 0.5, 0.5, 1.0])
    half[:3, 3] = -0.25
    segmentation = node.GetSegmentation()
    for fdi in (36, 47):
        segmentation.RemoveSegment(f"tooth_{fdi}")
    bounds = {11: (2, wall - 1 + shared), 16: (wall, 20)}
    for (fdi, (first, last)), margin in zip(bounds.items(), margins):
        moved = half @ [[1, 0, 0, off * (fdi == 16)], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
        matrix = slicer.util.vtkMatrixFromArray(slicer.util.arrayFromVTKMatrix(to_ras) @ moved)
        image = slicer.vtkOrientedImageData()
        image.SetExtent(first - margin, last + margin, 3, 12, 4, 11)
        image.SetGeometryFromImageToWorldMatrix(matrix)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        voxels = voxels_of(image)
        voxels[:] = 0
        voxels[:, :, margin : margin + last - first + 1] = 1
        segment = segmentation.GetSegment(f"tooth_{fdi}")
        segment.RemoveAllRepresentations()
        segment.SetLabelValue(1)
        segment.AddRepresentation(LABELMAP, image)


@pytest.mark.parametrize("wall", [9, 11])
def test_teeth_of_a_finer_grid_that_touch_are_saved(
    scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wall: int
) -> None:
    from ToothSegScene.training_case import training_case

    chance = np.random.default_rng(0)
    for _ in range(40):
        origin = np.round(chance.uniform(-60, 60, 3), 3)
        monkeypatch.setitem(GEOMETRIES, "here", ((0.4,) * 3, tuple(origin), np.eye(3)))
        scan, node = result("here")
        finer_layers(scan, node, wall, tuple(chance.integers(0, 3, 2)))
        assert set(training_case(node).review) == {11, 16}
    assert save(node, tmp_path / "set").record.teeth == (11, 16)


def test_teeth_of_a_finer_grid_that_overlap_by_one_of_its_voxels_are_refused(
    scene: Any, tmp_path: Path
) -> None:
    scan, node = result()
    finer_layers(scan, node, 9, (1, 2), shared=1)
    with pytest.raises(InputError, match="11 and 16 overlap in 80 voxels"):
        save(node, tmp_path / "set")


@pytest.mark.parametrize("shared", [0, 1, 5])
def test_layers_of_different_grids_may_share_a_seam_on_the_scan(
    scene: Any, tmp_path: Path, shared: int
) -> None:
    scan, node = result()
    finer_layers(scan, node, 9, (1, 2), shared, off=0.3)
    if shared < 2:
        assert save(node, tmp_path / "set").record.teeth == (11, 16)
        return
    with pytest.raises(InputError, match="11 and 16 overlap in"):
        save(node, tmp_path / "set")


@pytest.mark.parametrize("shared", [0, 1])
def test_layers_of_one_grid_may_begin_their_count_of_voxels_anywhere(
    scene: Any, tmp_path: Path, shared: int
) -> None:
    scan, node = result()
    finer_layers(scan, node, 9, (0, 0), shared + 3, off=3.0)
    if not shared:
        assert save(node, tmp_path / "set").record.teeth == (11, 16)
        return
    with pytest.raises(InputError, match="11 and 16 overlap in 80 voxels"):
        save(node, tmp_path / "set")
