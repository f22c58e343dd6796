"""What the transforms above a node do to it."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from ToothSegLib.errors import InputError


def to_world_of(node: slicer.vtkMRMLTransformableNode) -> NDArray[np.float64]:
    """(4, 4) from the own space of a node to the world, RAS; of linear transforms only."""
    to_world = vtk.vtkMatrix4x4()
    parent = node.GetParentTransformNode()
    if parent is not None and parent.IsTransformToWorldLinear():
        parent.GetMatrixTransformToWorld(to_world)
    matrix: NDArray[np.float64] = slicer.util.arrayFromVTKMatrix(to_world)
    return matrix


def between(
    node: slicer.vtkMRMLTransformableNode, other: slicer.vtkMRMLTransformableNode
) -> NDArray[np.float64]:
    """(4, 4) from the own space of one node to that of another, RAS.

    Raises:
        InputError: it is not linear.
    """
    matrix = vtk.vtkMatrix4x4()
    if not slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(
        node.GetParentTransformNode(), other.GetParentTransformNode(), matrix
    ):
        raise InputError(
            f"a non-linear transform lies between {node.GetName()!r} and {other.GetName()!r}: "
            "put both under the same transform, or harden it on both"
        )
    there: NDArray[np.float64] = slicer.util.arrayFromVTKMatrix(matrix)
    return there


def is_mirrored(node: slicer.vtkMRMLTransformableNode) -> bool:
    """Whether the linear transforms above a node show its right as left."""
    return bool(np.linalg.det(_axes_of(node)) < 0)


def is_mirrored_at(node: slicer.vtkMRMLTransformableNode, point: NDArray[np.float64]) -> bool:
    """Whether the transforms above a node, non-linear ones too, show its right as left.

    Args:
        node: that the transforms are above of.
        point: (3,) RAS mm in its own space, about which it is asked.
    """
    parent = node.GetParentTransformNode()
    if parent is None:
        return False
    to_world = vtk.vtkGeneralTransform()
    parent.GetTransformToWorld(to_world)
    steps = np.concatenate([np.eye(3), -np.eye(3)]) / 2
    shown = np.array([to_world.TransformPoint(*(point + step)) for step in steps])
    return bool(np.linalg.det(shown[:3] - shown[3:]) < 0)


def is_flattened(node: slicer.vtkMRMLTransformableNode) -> bool:
    """Whether the linear transforms above a node leave nothing of one of its axes."""
    return bool(np.linalg.matrix_rank(_axes_of(node)) < 3)


def is_turned(node: slicer.vtkMRMLTransformableNode) -> bool:
    """Whether the linear transforms above a node turn an axis of it by more than 45 degrees."""
    left, _, right = np.linalg.svd(_axes_of(node))
    return bool((np.diag(left @ right) < np.sqrt(0.5)).any())


def _axes_of(node: slicer.vtkMRMLTransformableNode) -> NDArray[np.float64]:
    """(3, 3); columns are what becomes of the axes R, A and S of a node."""
    axes: NDArray[np.float64] = to_world_of(node)[:3, :3]
    return axes
