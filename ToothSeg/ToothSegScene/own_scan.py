"""The scan that a result was made of, also when it was taken out of the scene and loaded again.

Slicer forgets a reference to a node that goes, and what is loaded again is another node. So a
result remembers a checksum of its scan. A part of the voxels tells scans apart, and takes no time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ToothSegLib.volume import Volume
from ToothSegScene.layer_values import has_voxels
from ToothSegScene.nodes import nodes_of_class
from ToothSegScene.segment_values import matrix_of, scan_of
from ToothSegScene.segments import REPORT, VOLUME
from ToothSegScene.state import Extent, shape_of
from ToothSegScene.volumes import Placement, grid_of, placed, placement_of

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
    """Whether this was made of a scan that is not in the scene; no other may stand for it."""
    made = segmentation_node.GetAttribute(REPORT) or segmentation_node.GetAttribute(SCAN)
    return bool(made) and segmentation_node.GetNodeReference(VOLUME) is None


def scan_for(segmentation_node: Any, chosen: Any) -> Any:
    """The scan of a result; of a segmentation that knows none, the chosen volume if on its voxels.

    Args:
        segmentation_node: such as a result of the command line, which its file ties to no node.
        chosen: the volume node that the user has chosen with it, or None.

    Returns:
        A volume node, or None.
    """
    own = segmentation_node.GetNodeReference(VOLUME)
    if own is not None or chosen is None or scan_is_lost(segmentation_node):
        return own
    return chosen if _lies_on(segmentation_node, chosen) else None


def tie_to_scan(segmentation_node: Any, chosen: Any) -> None:
    """Before a save: let a segmentation know the scan (`scan_for`) from now on."""
    scan = scan_for(segmentation_node, chosen)
    if scan is not None and not segmentation_node.GetNodeReferenceID(VOLUME):
        segmentation_node.SetNodeReferenceID(VOLUME, scan.GetID())
        remember_scan(segmentation_node)


def _lies_on(segmentation_node: Any, volume_node: Any) -> bool:
    """Whether a segmentation has been made on the voxels of a volume, in the same space."""
    together = segmentation_node.GetTransformNodeID() == volume_node.GetTransformNodeID()
    if not together or _checksum(volume_node) is None:
        return False
    segmentation, whole = segmentation_node.GetSegmentation(), grid_of(volume_node)
    reference = scan_of(segmentation)
    if reference is not None:
        placement = _placement(*reference, whole)
        return placement is not None and placement.whole
    # Of a file of the command line Slicer knows no more than where its labels lie.
    segments = map(segmentation.GetSegment, segmentation.GetSegmentIDs())
    images = [
        segment.GetRepresentation("Binary labelmap") for segment in segments if has_voxels(segment)
    ]
    found = [_placement(matrix_of(image), image.GetExtent(), whole) for image in images]
    return bool(found) and None not in found


def _placement(matrix: Sequence[float], extent: Extent, whole: Volume) -> Placement | None:
    """Where the voxels of an extent are among those of a scan; None if they are not."""
    shape = shape_of(extent)
    if not all(shape):
        return None
    nothing = np.broadcast_to(np.uint8(0), shape)
    return placement_of(placed(nothing, extent, np.reshape(matrix, (4, 4))), whole)


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
