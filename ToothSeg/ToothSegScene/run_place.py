"""Where a place is now of which the report of a run tells: scan and teeth may have been moved."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.errors import UNSOUND_JSON, InputError
from ToothSegLib.volume import Volume
from ToothSegScene.segment_values import scan_of
from ToothSegScene.segments import REPORT, VOLUME
from ToothSegScene.state import shape_of
from ToothSegScene.volumes import grid_of, placed

Point = tuple[float, float, float]
_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def place_now(segmentation_node: Any, lps: Sequence[float]) -> Point:
    """A place of a report, LPS mm at the time of the run, as world RAS mm of now.

    It stays with its voxel, whatever transform was hardened since, and whatever one is above the
    teeth: by the geometry that they have of their scan, or where that was changed by the scan's.
    """
    then, node = grid_of_run(segmentation_node), segmentation_node
    ras = _LPS_FROM_RAS @ [*lps, 1.0]
    if then is not None:
        teeth, scan = _scan_by_teeth(segmentation_node), segmentation_node.GetNodeReference(VOLUME)
        if _fits(teeth, then):
            ras = _moved(then, teeth) @ ras
        elif scan is not None and scan.GetImageData() and _fits(grid_of(scan), then):
            node, ras = scan, _moved(then, grid_of(scan)) @ ras
    world = [0.0, 0.0, 0.0]
    node.TransformPointToWorld(ras[:3].tolist(), world)
    return world[0], world[1], world[2]


def to_run_of(segmentation_node: Any, scan: Volume) -> NDArray[np.float64] | None:
    """(4, 4) RAS, from the space of a scan to that of a result's run; None where that is unknown.

    Args:
        segmentation_node: a result of the scan.
        scan: its voxels in their node's own space.
    """
    then = grid_of_run(segmentation_node)
    if then is None or not _fits(scan, then):
        return None
    return _moved(scan, then)


def mirrored_in_words(segmentation_node: Any) -> str:
    """That left and right have been exchanged since the run, and what to do; "" where not.

    As by a flip that was hardened on scan and teeth: a mirrored 11 has the shape of a 21.
    """
    then = grid_of_run(segmentation_node)
    now = None if then is None else _scan_now(segmentation_node, then)
    if then is None or now is None:
        return ""
    if np.linalg.det(then.direction) * np.linalg.det(now.direction) > 0:
        return ""
    return (
        f"{segmentation_node.GetName()} has been mirrored, right to left, since it was segmented, "
        "and its numbers are those of the other side: segment the scan again, or mirror both back."
    )


def grid_of_run(segmentation_node: Any) -> Volume | None:
    """The voxels of the scan, all 0, where its run saw them; None where no report tells."""
    try:
        grid = json.loads(segmentation_node.GetAttribute(REPORT) or "")["grid"]
        nothing = np.broadcast_to(np.uint8(0), grid["size"][::-1])
        return Volume(nothing, grid["spacing_mm"], grid["origin_lps"], grid["direction"])
    except (*UNSOUND_JSON, InputError):
        return None


def _scan_now(segmentation_node: Any, then: Volume) -> Volume | None:
    """The voxels of the scan where they are now in a node's own space; None where unknown.

    By the geometry that the teeth have of it, or where that was changed by the scan's.
    """
    teeth = _scan_by_teeth(segmentation_node)
    if _fits(teeth, then):
        return teeth
    scan = segmentation_node.GetNodeReference(VOLUME)
    image = None if scan is None else scan.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None:
        return None
    grid = grid_of(scan)
    return grid if _fits(grid, then) else None


def _scan_by_teeth(segmentation_node: Any) -> Volume | None:
    """The voxels of the scan, all 0, by the geometry that the segmentation has of it."""
    reference = scan_of(segmentation_node.GetSegmentation())
    if reference is None or 0 in shape_of(reference[1]):
        return None
    matrix, extent = reference
    nothing = np.broadcast_to(np.uint8(0), shape_of(extent))
    return placed(nothing, extent, np.reshape(matrix, (4, 4)))


def _moved(before: Volume, after: Volume) -> NDArray[np.float64]:
    """(4, 4) RAS, from where a voxel was to where it is."""
    moved: NDArray[np.float64] = after.index_to_lps @ before.lps_to_index
    return _LPS_FROM_RAS @ moved @ _LPS_FROM_RAS


def _fits(grid: Volume | None, then: Volume) -> TypeGuard[Volume]:
    return grid is not None and grid.shape == then.shape
