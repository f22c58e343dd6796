"""A closed triangle mesh as printers and mesh programs want it: no specks, normals outwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.surfaces import signed_volume

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

LEAST_VOLUME_MM3 = 1e-3
"""What a part must enclose to stay: a cube of a tenth of a millimetre."""


def sound_mesh(mesh: vtkPolyData) -> vtkPolyData:
    """A copy of a closed mesh without parts that enclose next to nothing, and not inside out.

    A lone voxel of a label map gives a part of eight triangles, which a smoothing filter draws
    together: its vertices then lie in one place, and a check for manifold edges fails on them.
    The largest part always stays. A surface of a left-handed grid may come inside out.

    Args:
        mesh: closed, consistently oriented triangles in mm; point data, such as normals, are kept.
    """
    from vtkmodules.vtkCommonDataModel import vtkPolyData
    from vtkmodules.vtkFiltersCore import vtkReverseSense

    sound = vtkPolyData()
    sound.DeepCopy(mesh)
    if not mesh.GetNumberOfPolys():
        return sound
    volumes, part = _parts(mesh)
    stays = np.abs(volumes) >= min(LEAST_VOLUME_MM3, np.abs(volumes).max())
    if not stays.all():
        sound = _only(sound, stays[part])
    if volumes.sum() < 0:
        reverse = vtkReverseSense()
        reverse.SetInputData(sound)
        reverse.ReverseCellsOn()
        reverse.ReverseNormalsOn()
        reverse.Update()
        sound = reverse.GetOutput()
    return sound


def _parts(mesh: vtkPolyData) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Signed volumes in mm^3 of the parts that hang together, and the part of each triangle."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from vtkmodules.util.numpy_support import vtk_to_numpy

    points = vtk_to_numpy(mesh.GetPoints().GetData())
    triangles = vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    edges = np.concatenate([triangles[:, :2], triangles[:, 1:]]).T
    links = coo_matrix((np.ones(edges.shape[1], bool), edges), shape=(len(points),) * 2)
    count, part_of_point = connected_components(links, directed=False)
    part = part_of_point[triangles[:, 0]]
    # Points that no triangle uses make parts of their own, which enclose nothing.
    volumes = [signed_volume(points, triangles[part == number]) for number in range(count)]
    return np.array(volumes), part


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
