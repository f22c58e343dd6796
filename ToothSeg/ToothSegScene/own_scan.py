"""The scan that a result was made of, also when it was taken out of the scene and loaded again.

Slicer forgets a reference to a node that goes, and what is loaded again is another node. So a
result remembers a checksum of its scan. A part of the voxels tells scans apart, and takes no time.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from ToothSegScene.nodes import nodes_of_class
from ToothSegScene.segments import REPORT, VOLUME
from ToothSegScene.volumes import grid_of

SCAN = "ToothSeg.Scan"
"""Attribute of a segmentation node: the checksum of its scan."""

LOST = "The scan of this result is not in the scene: load it again."

# About as many voxels along each axis.
_SAMPLES = 64


def remember_scan(segmentation_node: Any) -> None:
    """Take down which scan a result was made of, as long as that is there."""
    volume_node = segmentation_node.GetNodeReference(VOLUME)
    checksum = None if volume_node is None else _checksum(volume_node)
    # Another one than before where a run has overwritten the result.
    if checksum and checksum != segmentation_node.GetAttribute(SCAN):
        segmentation_node.SetAttribute(SCAN, checksum)


def find_scan(segmentation_node: Any) -> None:
    """Tie a result to its scan again, where that has been loaded anew."""
    wanted = segmentation_node.GetAttribute(SCAN)
    if segmentation_node.GetNodeReferenceID(VOLUME) or not wanted:
        return
    for volume_node in nodes_of_class(segmentation_node.GetScene(), "vtkMRMLScalarVolumeNode"):
        if _checksum(volume_node) == wanted:
            segmentation_node.SetNodeReferenceID(VOLUME, volume_node.GetID())
            return


def scan_is_lost(segmentation_node: Any) -> bool:
    """Whether a run has made this of a scan that is not in the scene; no other may stand for it."""
    made = bool(segmentation_node.GetAttribute(REPORT))
    return made and segmentation_node.GetNodeReference(VOLUME) is None


def _checksum(volume_node: Any) -> str | None:
    """Of the grid and of voxels spread over the scan; None where there are none."""
    image = volume_node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None:
        return None
    if image.GetNumberOfScalarComponents() != 1:
        return None
    grid = grid_of(volume_node)
    steps = tuple(slice(None, None, max(size // _SAMPLES, 1)) for size in grid.shape)
    # To the micrometre: files round.
    geometry = (np.round(grid.index_to_lps, 3) + 0.0).tolist()
    digest = hashlib.sha256(f"{grid.array.dtype.name} {grid.shape} {geometry}".encode())
    digest.update(np.ascontiguousarray(grid.array[steps]).data)
    return digest.hexdigest()
