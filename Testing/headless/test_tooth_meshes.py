"""The surfaces of an export are those of the command line, and keep what is thin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export_fixture import read_stl, tooth_of_labels
from phantom_fixture import tooth_mask
from ToothSegLib.errors import OutputError
from ToothSegLib.surfaces import is_manifold, tooth_surfaces
from ToothSegLib.volume import Volume

SPACING = (0.4, 0.4, 0.4)


def with_a_thin_root() -> Volume:
    mask = tooth_mask(SPACING, crown_mm=2.4, root_mm=13.0)
    return Volume(mask.astype(np.uint8) * 11, SPACING, (3.0, -20.0, 40.0))


@pytest.mark.parametrize("smoothing", [0.0, 0.5, 1.0])
def test_a_tooth_keeps_its_volume_and_length_however_smooth(
    exporter: Any, put: Any, tmp_path: Path, smoothing: float
) -> None:
    labels = with_a_thin_root()
    paths = exporter.export_surfaces(put(labels)[0], tmp_path, smoothing=smoothing)
    surface = read_stl(paths[0])
    assert is_manifold(surface)
    # Without smoothing the edges and corners of the voxels are cut off.
    assert surface.volume_mm3 == pytest.approx(tooth_of_labels(labels, 11)[0], rel=0.02)
    length = SPACING[2] * (np.ptp(np.flatnonzero(labels.array.any(axis=(1, 2)))) + 1)
    assert np.ptp(surface.points[:, 2]) == pytest.approx(length, abs=SPACING[2])


def test_surfaces_are_those_of_the_command_line(
    exporter: Any, put: Any, tmp_path: Path, labels: Volume
) -> None:
    paths = exporter.export_surfaces(put(labels)[0], tmp_path)
    for path, wanted in zip(paths, tooth_surfaces(labels).values(), strict=True):
        surface = read_stl(path)
        order, wanted_order = (np.lexsort(np.round(s.points, 2).T) for s in (surface, wanted))
        np.testing.assert_allclose(
            surface.points[order], wanted.points[wanted_order], atol=1e-3, err_msg=path.name
        )
        assert surface.volume_mm3 == pytest.approx(wanted.volume_mm3, rel=1e-5)


@pytest.mark.parametrize(("shape", "least"), [((1, 1, 1), 0.15), ((1, 1, 12), 0.45)])
def test_a_segment_of_one_voxel_or_a_thread_is_no_collapsed_mesh(
    exporter: Any, put: Any, tmp_path: Path, shape: tuple[int, ...], least: float
) -> None:
    labels = with_a_thin_root()
    k, j, i = shape
    labels.array[:k, :j, :i] = 47
    node, _ = put(labels)
    for smoothing in (0.0, 0.5, 1.0):
        paths = exporter.export_surfaces(node, tmp_path, smoothing=smoothing, overwrite=True)
        surface = read_stl(paths[1])
        assert is_manifold(surface)
        assert surface.volume_mm3 > least * tooth_of_labels(labels, 47)[0]


def surface_as_source(teeth_node: Any, mesh: Any = None) -> Any:
    """The first tooth's surface, or ``mesh``; the teeth's surfaces are what they come from then."""
    teeth_node.CreateClosedSurfaceRepresentation()
    segmentation = teeth_node.GetSegmentation()
    segment = segmentation.GetNthSegment(0)
    voxels = segment.GetRepresentation("Binary labelmap")
    if mesh is not None:
        segment.GetRepresentation("Closed surface").DeepCopy(mesh)
    segmentation.SetSourceRepresentationName("Closed surface")
    if segment.GetRepresentation("Binary labelmap") is None:
        segment.AddRepresentation("Binary labelmap", voxels)
    return segment.GetRepresentation("Closed surface")


def test_surfaces_that_are_the_source_are_written_as_they_are(
    exporter: Any, teeth_node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import vtk

    from ToothSegScene import tooth_meshes

    own = surface_as_source(teeth_node)
    paths = exporter.export_surfaces(teeth_node, tmp_path, smoothing=1.0)
    assert len(read_stl(paths[0]).triangles) == own.GetNumberOfPolys()

    monkeypatch.setattr(tooth_meshes, "sound_mesh", lambda mesh: vtk.vtkPolyData())
    with pytest.raises(OutputError, match="surface of 11 upper right central incisor: see"):
        exporter.export_surfaces(teeth_node, tmp_path, overwrite=True)


@pytest.mark.parametrize("format", ["STL", "OBJ"])
def test_surfaces_with_faces_of_four_corners_become_triangles(
    exporter: Any, teeth_node: Any, tmp_path: Path, format: str
) -> None:
    import vtk

    clean = vtk.vtkStaticCleanPolyData()  # one point at each corner of the cube
    cube = vtk.vtkCubeSource()
    clean.SetInputConnection(cube.GetOutputPort())
    clean.Update()
    surface_as_source(teeth_node, clean.GetOutput())
    path = exporter.export_surfaces(teeth_node, tmp_path, format=format)[0]
    if format == "OBJ":
        reader = vtk.vtkOBJReader()
        reader.SetFileName(str(path))
        reader.Update()
        assert reader.GetOutput().GetNumberOfPolys() == 12
    else:
        surface = read_stl(path)
        assert len(surface.triangles) == 12
        assert is_manifold(surface)
        assert surface.volume_mm3 == pytest.approx(1)
