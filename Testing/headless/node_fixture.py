"""Volume nodes of any geometry, for the tests of the scene."""

from __future__ import annotations

from typing import Any

import numpy as np

from ToothSegLib.volume import Volume

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

# An orthonormal turn that no axis escapes.
TURN = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])

GEOMETRIES = {
    "canonical": ((0.5, 0.5, 0.5), (-10.0, 20.0, 5.0), np.eye(3)),
    "anisotropic": ((0.4, 0.3, 0.7), (1.5, -2.5, 3.25), np.eye(3)),
    "negative": ((0.5, 0.5, 0.5), (12.0, 8.0, -3.0), np.diag([-1.0, 1.0, -1.0])),
    "mirrored": ((0.5, 0.4, 0.5), (7.0, 8.0, 9.0), np.diag([-1.0, 1.0, 1.0])),
    "permuted": ((0.3, 0.4, 0.5), (0.0, 0.0, 0.0), np.eye(3)[:, [2, 0, 1]]),
    "oblique": ((0.4, 0.45, 0.6), (-3.3, 4.4, 5.5), TURN),
    "oblique, negative": ((0.4, 0.45, 0.6), (-3.3, 4.4, 5.5), TURN @ np.diag([1.0, -1.0, -1.0])),
}


def with_geometry(array: np.ndarray, name: str) -> Volume:
    """An array with one of `GEOMETRIES`."""
    spacing, origin, direction = GEOMETRIES[name]
    return Volume(array, spacing, origin, direction)


def volume_node(volume: Volume, name: str = "Scan") -> Any:
    """A vtkMRMLScalarVolumeNode in the scene, under no transform."""
    import slicer

    matrix = slicer.util.vtkMatrixFromArray(LPS_FROM_RAS @ volume.index_to_lps)
    return slicer.util.addVolumeFromArray(volume.array, ijkToRAS=matrix, name=name)


def linear_transform(matrix: np.ndarray, name: str = "Turn") -> Any:
    """A vtkMRMLLinearTransformNode in the scene; (4, 4) to parent, RAS."""
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    return node


def harden(nodes: tuple[Any, ...], matrix: np.ndarray) -> None:
    """Harden a transform on nodes, as the user does in the module Transforms."""
    import slicer

    transform = linear_transform(matrix)
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())
        slicer.vtkSlicerTransformLogic.hardenTransform(node)


def bent_transform(name: str = "Bend") -> Any:
    """A non-linear transform node in the scene."""
    import slicer
    import vtk

    points = vtk.vtkPoints()
    moved = vtk.vtkPoints()
    for corner in ((0, 0, 0), (50, 0, 0), (0, 50, 0), (0, 0, 50), (50, 50, 50)):
        points.InsertNextPoint(corner)
        moved.InsertNextPoint(corner)
    moved.SetPoint(4, 55, 50, 50)
    spline = vtk.vtkThinPlateSplineTransform()
    spline.SetBasisToR()
    spline.SetSourceLandmarks(points)
    spline.SetTargetLandmarks(moved)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", name)
    node.SetAndObserveTransformToParent(spline)
    return node


def roi_node(low: np.ndarray, high: np.ndarray, name: str = "Box") -> Any:
    """A markups ROI in the scene between two corners, RAS mm of its own space."""
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", name)
    node.SetCenter(*((np.asarray(low) + high) / 2))
    node.SetSize(*(np.asarray(high) - low))
    return node
