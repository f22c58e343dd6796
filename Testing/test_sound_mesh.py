"""Meshes: specks go, teeth stay, and what is inside out is turned."""

from __future__ import annotations

import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersCore import vtkAppendPolyData, vtkReverseSense, vtkStaticCleanPolyData
from vtkmodules.vtkFiltersSources import vtkCubeSource, vtkSphereSource

from ToothSegLib.meshes.sound_mesh import sound_mesh
from ToothSegLib.surfaces import Surface, is_manifold


def ball(radius: float, centre: tuple[float, float, float] = (0, 0, 0)) -> vtkPolyData:
    source = vtkSphereSource()
    source.SetRadius(radius)
    source.SetCenter(centre)
    source.Update()
    return source.GetOutput()


def together(*meshes: vtkPolyData) -> vtkPolyData:
    append = vtkAppendPolyData()
    for mesh in meshes:
        append.AddInputData(mesh)
    append.Update()
    return append.GetOutput()


def inside_out(mesh: vtkPolyData) -> vtkPolyData:
    reverse = vtkReverseSense()
    reverse.SetInputData(mesh)
    reverse.ReverseCellsOn()
    reverse.ReverseNormalsOn()
    reverse.Update()
    return reverse.GetOutput()


def surface(mesh: vtkPolyData) -> Surface:
    return Surface(
        vtk_to_numpy(mesh.GetPoints().GetData()),
        vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int64),
    )


def test_a_speck_goes_and_the_rest_stays() -> None:
    large, small, speck = ball(5), ball(1, (10, 0, 0)), ball(1e-7, (0, 8, 0))
    sound = sound_mesh(together(large, speck, small))
    assert not is_manifold(surface(together(large, speck, small)))
    assert is_manifold(surface(sound))
    assert sound.GetNumberOfPolys() == large.GetNumberOfPolys() + small.GetNumberOfPolys()
    assert sound.GetNumberOfPoints() == large.GetNumberOfPoints() + small.GetNumberOfPoints()
    normals = vtk_to_numpy(sound.GetPointData().GetNormals())
    outwards = surface(sound).points[: len(normals)]
    assert (normals[:10] * outwards[:10]).sum(axis=1).min() > 0


def test_a_surface_inside_out_is_turned_with_its_normals() -> None:
    turned = sound_mesh(inside_out(ball(5)))
    assert is_manifold(surface(turned))
    normals = vtk_to_numpy(turned.GetPointData().GetNormals())
    assert (normals * surface(turned).points).sum(axis=1).min() > 0


def test_a_hollow_stays_a_hollow() -> None:
    hollow = together(ball(5), inside_out(ball(2)))
    expected = surface(ball(5)).volume_mm3 - surface(ball(2)).volume_mm3
    assert surface(sound_mesh(hollow)).volume_mm3 == pytest.approx(expected)


def test_what_is_all_specks_keeps_its_largest_part() -> None:
    specks = together(ball(0.01), ball(0.02, (1, 0, 0)))
    assert sound_mesh(specks).GetNumberOfPolys() == ball(0.02).GetNumberOfPolys()


def test_the_mesh_itself_is_not_changed() -> None:
    mesh = together(ball(5), ball(1e-7, (0, 8, 0)))
    before = mesh.GetNumberOfPolys(), vtk_to_numpy(mesh.GetPoints().GetData()).copy()
    sound_mesh(mesh)
    assert mesh.GetNumberOfPolys() == before[0]
    np.testing.assert_array_equal(vtk_to_numpy(mesh.GetPoints().GetData()), before[1])


def test_an_empty_mesh_stays_empty() -> None:
    assert sound_mesh(vtkPolyData()).GetNumberOfPolys() == 0


def test_faces_of_four_corners_become_triangles() -> None:
    clean = vtkStaticCleanPolyData()
    cube = vtkCubeSource()
    clean.SetInputConnection(cube.GetOutputPort())
    clean.Update()
    assert clean.GetOutput().GetNumberOfPolys() == 6
    sound = sound_mesh(together(clean.GetOutput(), ball(1, (4, 0, 0))))
    alone = sound_mesh(clean.GetOutput())
    assert alone.GetNumberOfPolys() == 12
    assert is_manifold(surface(alone))
    assert surface(alone).volume_mm3 == pytest.approx(1)
    assert is_manifold(surface(sound))
    assert sound.GetNumberOfPolys() == 12 + ball(1).GetNumberOfPolys()
