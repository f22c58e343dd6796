"""A region of interest as a volume node sees it."""

from __future__ import annotations

import itertools

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from ToothSegLib.errors import InputError


def fit_to_volume(roi: slicer.vtkMRMLMarkupsROINode, volume_node: slicer.vtkMRMLVolumeNode) -> None:
    """Draw a new region around the whole volume, to be made smaller by its handles in the views."""
    bounds = [0.0] * 6
    volume_node.GetRASBounds(bounds)
    sides = list(zip(bounds[::2], bounds[1::2]))
    if roi.GetDisplayNode() is None:
        roi.CreateDefaultDisplayNodes()
    roi.SetCenter(*((first + last) / 2 for first, last in sides))
    roi.SetSize(*(last - first for first, last in sides))


def roi_in_volume(
    roi: slicer.vtkMRMLMarkupsROINode, volume_node: slicer.vtkMRMLVolumeNode
) -> NDArray[np.float64]:
    """The corners of a region in the own space of a volume, each under a transform of its own.

    Returns:
        (4, 8) homogeneous RAS mm.

    Raises:
        InputError: the region has no size, or is under a non-linear transform.
    """
    size = np.array(roi.GetSize())
    if not (size > 0).all():
        raise InputError(f"the region {roi.GetName()!r} has no size: draw it around the teeth")
    transform = roi.GetParentTransformNode()
    if transform is not None and not transform.IsTransformToWorldLinear():
        raise InputError(
            f"the region {roi.GetName()!r} is under the non-linear transform "
            f"{transform.GetName()!r}: take it out of there"
        )
    corners = np.array([[*corner, 1.0] for corner in itertools.product(*zip(-size / 2, size / 2))])
    to_world = slicer.util.arrayFromVTKMatrix(roi.GetObjectToWorldMatrix())
    to_volume = vtk.vtkMatrix4x4()
    slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(
        None, volume_node.GetParentTransformNode(), to_volume
    )
    seen: NDArray[np.float64] = slicer.util.arrayFromVTKMatrix(to_volume) @ to_world @ corners.T
    return seen
