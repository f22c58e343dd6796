"""A closed triangle mesh as printers and mesh programs want it: no specks, normals outwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.meshes.mesh_parts import signed_volume, worth_keeping

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData


def sound_mesh(mesh: vtkPolyData) -> vtkPolyData:
    """A copy of a closed mesh: triangles, no parts that enclose next to nothing, not inside out.

    A surface of a left-handed grid may come inside out, and one that was not made of a label map
    with faces of four corners and more.

    Args:
        mesh: closed, consistently oriented faces in mm; point data, such as normals, are kept,
            lines and single points are not.
    """
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkPolyData
    from vtkmodules.vtkFiltersCore import vtkReverseSense, vtkTriangleFilter

    split = vtkTriangleFilter()
    split.SetInputData(mesh)
    split.PassLinesOff()
    split.PassVertsOff()
    split.Update()
    sound = vtkPolyData()
    sound.DeepCopy(split.GetOutput())
    if not sound.GetNumberOfPolys():
        return sound
    points = vtk_to_numpy(sound.GetPoints().GetData())
    triangles = vtk_to_numpy(sound.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    keep = worth_keeping(points, triangles)
    if not keep.all():
        sound = _only(sound, keep)
    if signed_volume(points, triangles) < 0:
        reverse = vtkReverseSense()
        reverse.SetInputData(sound)
        reverse.ReverseCellsOn()
        reverse.ReverseNormalsOn()
        reverse.Update()
        sound = reverse.GetOutput()
    return sound


def _only(mesh: vtkPolyData, keep: NDArray[np.bool_]) -> vtkPolyData:
    """Some triangles of a mesh, with the points that they use."""
    from vtkmodules.vtkFiltersCore import vtkStaticCleanPolyData

    mesh.BuildCells()
    for cell in np.flatnonzero(~keep):
        mesh.DeleteCell(int(cell))
    mesh.RemoveDeletedCells()
    clean = vtkStaticCleanPolyData()
    clean.SetInputData(mesh)
    clean.SetTolerance(0.0)
    clean.RemoveUnusedPointsOn()
    clean.Update()
    return clean.GetOutput()
