"""The teeth of a segmentation as closed meshes, made of their voxels as on the command line.

Slicer's own smoothing takes volume off the teeth, at its strongest a fifth of an incisor and 1.6 mm
of its length; the library's keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

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
    done: Callable[[int], None] = lambda count: None,
) -> dict[int, vtk.vtkPolyData]:
    """A closed mesh a tooth, by FDI number, in the segmentation's own coordinates.

    A segmentation whose source are surfaces, not voxels, gives these as they are.

    Args:
        segmentation_node: the teeth; not changed.
        segment_ids: FDI number -> id of a segment that has voxels.
        smoothing: 0 (steps of voxels) to 1.
        done: called after each tooth with how many there have been; what it raises ends the work.
            It may let Qt work: the segmentation has been read by then.

    Raises:
        OutputError: a tooth can have no surface.
    """
    segmentation = segmentation_node.GetSegmentation()
    meshes: dict[int, vtk.vtkPolyData] = {}
    if segmentation.GetSourceRepresentationName() != LABELMAP:
        copies = {fdi: _copy(segmentation_node, name) for fdi, name in segment_ids.items()}
        for fdi, mesh in copies.items():
            meshes[fdi] = _as_it_is(fdi, mesh)
            done(len(meshes))
        return meshes
    layers = [
        placed(fdis, image.GetExtent(), np.reshape(matrix_of(image), (4, 4)))
        for image, fdis in fdi_layers(segmentation, segment_ids)
    ]
    for labels in layers:
        surfaces = tooth_surfaces(labels, smoothing, _after(len(meshes), done))
        meshes |= {fdi: _mesh(surface) for fdi, surface in surfaces.items()}
    return meshes


def _after(before: int, done: Callable[[int], None]) -> Callable[[int], None]:
    """Counts on from the teeth of the layers before."""
    return lambda count: done(before + count)


def _mesh(surface: Surface) -> vtk.vtkPolyData:
    """A surface in RAS, with the normals that make it look smooth."""
    normals = vtk.vtkPolyDataNormals()
    turned = surface.points * np.array([-1, -1, 1], np.float32)
    normals.SetInputData(to_polydata(Surface(turned, surface.triangles)))
    normals.SplittingOff()
    normals.ConsistencyOff()  # surfaces are consistent
    normals.Update()
    return normals.GetOutput()


def _copy(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str) -> vtk.vtkPolyData:
    """The surface of a segment, whatever becomes of that."""
    mesh = vtk.vtkPolyData()
    slicer.vtkSlicerSegmentationsModuleLogic.GetSegmentClosedSurfaceRepresentation(
        segmentation_node, segment_id, mesh, False
    )
    return mesh


def _as_it_is(fdi: int, mesh: vtk.vtkPolyData) -> vtk.vtkPolyData:
    mesh = sound_mesh(mesh)
    if not mesh.GetNumberOfPolys():
        name = f"{fdi} {by_fdi(fdi).name}"
        raise OutputError(f"Slicer could not make a surface of {name}: see the error log")
    return mesh
