"""The teeth of a segmentation as closed meshes, made of their voxels as on the command line.

Slicer's own smoothing takes volume off the teeth, at its strongest a fifth of an incisor and 1.6 mm
of its length; the library's keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import slicer
import vtk

from ToothSegLib.errors import OutputError
from ToothSegLib.meshes.sound_mesh import sound_mesh
from ToothSegLib.surfaces import Surface, to_polydata, tooth_surfaces
from ToothSegLib.teeth import by_fdi
from ToothSegScene.layer_values import LABELMAP, fdi_layers
from ToothSegScene.segment_values import matrix_of
from ToothSegScene.volumes import placed

SURFACE = "Closed surface"
"""Slicer's name of the representation."""


def tooth_meshes(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    segment_ids: Mapping[int, str],
    smoothing: float,
) -> dict[int, vtk.vtkPolyData]:
    """A closed mesh a tooth, by FDI number, in the segmentation's own coordinates.

    A segmentation whose source are surfaces, not voxels, gives these as they are.

    Args:
        segmentation_node: the teeth; not changed.
        segment_ids: FDI number -> id of a segment that has voxels.
        smoothing: 0 (steps of voxels) to 1.

    Raises:
        OutputError: a tooth can have no surface.
    """
    segmentation = segmentation_node.GetSegmentation()
    if segmentation.GetSourceRepresentationName() != LABELMAP:
        return {fdi: _as_it_is(segmentation_node, fdi, name) for fdi, name in segment_ids.items()}
    meshes = {}
    for image, fdis in fdi_layers(segmentation, segment_ids):
        labels = placed(fdis, image.GetExtent(), np.reshape(matrix_of(image), (4, 4)))
        for fdi, surface in tooth_surfaces(labels, smoothing).items():
            meshes[fdi] = _mesh(surface)
    return meshes


def _mesh(surface: Surface) -> vtk.vtkPolyData:
    """A surface in RAS, with the normals that make it look smooth."""
    normals = vtk.vtkPolyDataNormals()
    turned = surface.points * np.array([-1, -1, 1], np.float32)
    normals.SetInputData(to_polydata(Surface(turned, surface.triangles)))
    normals.SplittingOff()
    normals.ConsistencyOff()  # surfaces are consistent
    normals.Update()
    return normals.GetOutput()


def _as_it_is(
    segmentation_node: slicer.vtkMRMLSegmentationNode, fdi: int, segment_id: str
) -> vtk.vtkPolyData:
    mesh = vtk.vtkPolyData()
    slicer.vtkSlicerSegmentationsModuleLogic.GetSegmentClosedSurfaceRepresentation(
        segmentation_node, segment_id, mesh, False
    )
    mesh = sound_mesh(mesh)
    if not mesh.GetNumberOfPolys():
        name = f"{fdi} {by_fdi(fdi).name}"
        raise OutputError(f"Slicer could not make a surface of {name}: see the error log")
    return mesh
