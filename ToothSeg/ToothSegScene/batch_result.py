"""A result of a batch as nodes: the scan and its teeth, as a run of the panel would leave them."""

from __future__ import annotations

from typing import Any

import slicer

from ToothSegLib.batch.result import StoredResult
from ToothSegScene.segments import write_segmentation
from ToothSegScene.training_case import add_scan, same_scan


def place_result(scene: slicer.vtkMRMLScene, result: StoredResult) -> tuple[Any, Any]:
    """Put a result into the scene, ready for its review.

    A scan that is there already, voxel for voxel, is used.

    Returns:
        The volume node and the segmentation node.

    Raises:
        InputError: it cannot be shown; the scene is as it was.
    """
    volume_node = same_scan(scene, result.source)
    new = volume_node is None
    if new:
        volume_node = add_scan(result.image, result.name)
    try:
        return volume_node, write_segmentation(scene, volume_node, result.segmentation)
    except BaseException:
        if new:
            scene.RemoveNode(volume_node.GetDisplayNode())
            scene.RemoveNode(volume_node)
        raise
