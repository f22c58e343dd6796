"""The scan that a result was made of, also when it was taken out of the scene and loaded again.

Slicer forgets a reference to a node that goes, and what is loaded again is another node. So a
result remembers checksums of its scan: of grid and voxels, by which it is known again, and of the
voxels alone. A part of the voxels tells scans apart, and takes no time: 3 ms at
400 x 400 x 280 voxels.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.errors import InputError
from ToothSegLib.volume import Volume, corner_indices
from ToothSegScene.layer_values import LABELMAP, has_voxels
from ToothSegScene.nodes import nodes_of_class
from ToothSegScene.run_place import grid_of_run, mirrored_in_words
from ToothSegScene.segment_values import matrix_of, scan_of
from ToothSegScene.segments import REPORT, SCAN, VOLUME
from ToothSegScene.state import Extent, Matrix, shape_of
from ToothSegScene.transforms import between, to_world_of
from ToothSegScene.volumes import Placement, as_shown, grid_of, placed, placement_of

LOST = "The scan of this result is not in the scene: load it again."

# About as many voxels along each axis.
_SAMPLES = 64
# How far, in voxels, a result may be off its scan: no label would get to another voxel.
_NO_MOVE = 0.25
# Cosine of the angle, 5 degrees, by which axes may differ that lead the same way.
_SAME_WAY = np.cos(np.radians(5.0))
_SAME_SPACE = np.eye(4)


def remember_scan(segmentation_node: Any) -> None:
    """Take down which scan a result was made of, as long as that is there.

    A scan that has been moved, as by a hardened transform, is the same one; other voxels in the
    volume are not, and what the result was made of stays. A run that overwrites it begins anew.
    """
    volume_node = segmentation_node.GetNodeReference(VOLUME)
    now = None if volume_node is None else _checksums(volume_node)
    known = segmentation_node.GetAttribute(SCAN)
    if now is None or known == " ".join(now):
        return
    # Scenes of earlier versions have the first of the two alone.
    if not known or known.split()[-1] in now:
        segmentation_node.SetAttribute(SCAN, " ".join(now))


def find_scan(segmentation_node: Any) -> None:
    """Tie a result to its scan again, where that has been loaded anew."""
    wanted = segmentation_node.GetAttribute(SCAN)
    if segmentation_node.GetNodeReferenceID(VOLUME) or not wanted:
        return
    for volume_node in nodes_of_class(segmentation_node.GetScene(), "vtkMRMLScalarVolumeNode"):
        checksums = _checksums(volume_node)
        if checksums is not None and checksums[0] == wanted.split()[0]:
            segmentation_node.SetNodeReferenceID(VOLUME, volume_node.GetID())
            return


def scan_is_lost(segmentation_node: Any) -> bool:
    """Whether this was made of a scan that is not in the scene; no other may stand for it."""
    made = segmentation_node.GetAttribute(REPORT) or segmentation_node.GetAttribute(SCAN)
    return bool(made) and segmentation_node.GetNodeReference(VOLUME) is None


def lost_in_words(segmentation_node: Any) -> str:
    """That the scan of a result is gone; "" where it is not."""
    if not scan_is_lost(segmentation_node):
        return ""
    return f"The scan of {segmentation_node.GetName()} is not in the scene: load it again."


def doubts_in_words(segmentation_node: Any) -> str:
    """Why a result may no longer be one of its scan as that is now; "" for no reason."""
    doubts = _changed_in_words(segmentation_node), off_in_words(segmentation_node)
    return " ".join(filter(None, doubts))


def _changed_in_words(segmentation_node: Any) -> str:
    """That the scan holds other voxels than those the result was made of; "" where it does not."""
    volume_node = segmentation_node.GetNodeReference(VOLUME)
    known = (segmentation_node.GetAttribute(SCAN) or "").split()
    now = None if volume_node is None else _checksums(volume_node)
    # Scenes of earlier versions have one checksum alone, which a move changes too.
    if now is None or len(known) < 2 or known[-1] == now[-1]:
        return ""
    return (
        f"The voxels of {volume_node.GetName()} are not those that {segmentation_node.GetName()} "
        "was made of, as in another frame of a sequence: go back to those, or segment it again."
    )


def off_in_words(segmentation_node: Any) -> str:
    """That a result does not lie on its scan, and what to do; "" where it does.

    As where one of the two alone was put under a transform, or had one hardened. A result may have
    a geometry of its own, such as a finer one, as long as that does not reach out of the scan. One
    that was mirrored with its scan lies on it as the teeth of another side.
    """
    mirrored = mirrored_in_words(segmentation_node)
    if mirrored:
        return mirrored
    volume_node = segmentation_node.GetNodeReference(VOLUME)
    if volume_node is None or _checksums(volume_node) is None:
        return ""
    names = segmentation_node.GetName(), volume_node.GetName()
    try:
        to_volume = between(segmentation_node, volume_node)
    except InputError as error:
        return f"{str(error)[:1].upper()}{str(error)[1:]}."
    if _lies_where_its_scan_does(segmentation_node, volume_node, to_volume):
        return ""
    return (
        f"{names[0]} does not lie on the voxels of {names[1]}: put both under the same transform, "
        f"or harden it on both; a geometry of its own must not reach out of {names[1]}."
    )


def results_of(volume_node: Any) -> list[Any]:
    """The segmentations that know a volume as their scan, the newest one last."""
    every = nodes_of_class(volume_node.GetScene(), "vtkMRMLSegmentationNode")
    return [node for node in every if node.GetNodeReference(VOLUME) is volume_node]


def may_be_of(segmentation_node: Any, volume_node: Any) -> bool:
    """Whether a segmentation is of a volume, or knows no scan and may be of this one.

    That is where it was drawn on the volume, lies on its voxels, as one from a file, or has none
    yet.
    """
    find_scan(segmentation_node)
    own = segmentation_node.GetNodeReference(VOLUME)
    if own is not None or scan_is_lost(segmentation_node):
        return own is volume_node
    if volume_node is None or not _has_any_voxels(segmentation_node):
        return volume_node is not None
    return _is_drawn_or_lies_on(segmentation_node, volume_node)


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
    return chosen if _is_drawn_or_lies_on(segmentation_node, chosen) else None


def only_scan_of(segmentation_node: Any) -> Any:
    """The one volume of the scene that a segmentation which knows no scan may be of.

    Returns:
        The volume node that it was drawn on; else the only one whose voxels it lies on; None where
        there is none, or a choice, or nothing to go by.
    """
    if scan_is_lost(segmentation_node) or not _has_any_voxels(segmentation_node):
        return None
    drawn_on = _drawn_on(segmentation_node)
    if drawn_on is not None:
        return drawn_on
    every = nodes_of_class(segmentation_node.GetScene(), "vtkMRMLScalarVolumeNode")
    found = [node for node in every if _is_scan(node) and _lies_on(segmentation_node, node)]
    return found[0] if len(found) == 1 else None


def stranger_in_words(segmentation_node: Any, chosen: Any) -> str:
    """That a segmentation which knows no scan is not of the volume chosen with it, and what to do.

    Args:
        segmentation_node: the result that is shown.
        chosen: the volume node, or None.

    Returns:
        "" where there is nothing to say.
    """
    known = segmentation_node.GetNodeReferenceID(VOLUME) or scan_is_lost(segmentation_node)
    if known or chosen is None or may_be_of(segmentation_node, chosen):
        return ""
    return (
        f"{segmentation_node.GetName()} does not lie on the voxels of {chosen.GetName()}: choose "
        "its scan as Volume, or load that."
    )


def tie_to_scan(segmentation_node: Any, chosen: Any) -> None:
    """Before a save: let a segmentation know the scan (`scan_for`) from now on."""
    scan = scan_for(segmentation_node, chosen)
    if scan is not None and not segmentation_node.GetNodeReferenceID(VOLUME):
        segmentation_node.SetNodeReferenceID(VOLUME, scan.GetID())
        remember_scan(segmentation_node)


def _is_drawn_or_lies_on(segmentation_node: Any, volume_node: Any) -> bool:
    """Whether a volume is what a segmentation was drawn on, or has its voxels.

    Teeth may have been drawn on a filtered copy of their scan.
    """
    return _drawn_on(segmentation_node) is volume_node or _lies_on(segmentation_node, volume_node)


def _drawn_on(segmentation_node: Any) -> Any:
    """The scan that Slicer knows, as the Segment Editor notes it; None for none."""
    node = segmentation_node.GetNodeReference(
        segmentation_node.GetReferenceImageGeometryReferenceRole()
    )
    return node if node is not None and _is_scan(node) else None


def _is_scan(node: Any) -> bool:
    """Whether a node is a volume of grey values: label maps are of a class derived from theirs."""
    return bool(node.GetClassName() == "vtkMRMLScalarVolumeNode")


def _has_any_voxels(segmentation_node: Any) -> bool:
    segmentation = segmentation_node.GetSegmentation()
    return any(has_voxels(segmentation.GetSegment(name)) for name in segmentation.GetSegmentIDs())


def _lies_on(segmentation_node: Any, volume_node: Any) -> bool:
    """Whether a segmentation has been made on the voxels of a volume, in the same space."""
    together = segmentation_node.GetTransformNodeID() == volume_node.GetTransformNodeID()
    if not together or _checksums(volume_node) is None:
        return False
    segmentation, whole = segmentation_node.GetSegmentation(), grid_of(volume_node)
    reference = scan_of(segmentation)
    if reference is not None:
        placement = _placement(*reference, whole)
        return placement is not None and placement.whole
    found = _placements(segmentation_node, whole)
    return bool(found) and None not in found


def _placements(
    segmentation_node: Any, whole: Volume, to_volume: NDArray[np.float64] = _SAME_SPACE
) -> list[Placement | None]:
    """Where each image of voxels is among those of a scan; None for one that is not.

    Of a file of the command line Slicer knows no more than where its labels lie.
    """
    segmentation = segmentation_node.GetSegmentation()
    segments = map(segmentation.GetSegment, segmentation.GetSegmentIDs())
    images = [segment.GetRepresentation(LABELMAP) for segment in segments if has_voxels(segment)]
    return [_placement(matrix_of(image), image.GetExtent(), whole, to_volume) for image in images]


def _placement(
    matrix: Matrix, extent: Extent, whole: Volume, to_volume: NDArray[np.float64] = _SAME_SPACE
) -> Placement | None:
    """Where the voxels of an extent are among those of a scan; None if they are not."""
    part = _grid(matrix, extent, to_volume)
    return None if part is None else placement_of(part, whole)


def _lies_where_its_scan_does(
    segmentation_node: Any, volume_node: Any, to_volume: NDArray[np.float64]
) -> bool:
    """Whether nothing tells that one of the two was moved alone; see `off_in_words`."""
    whole, then = grid_of(volume_node), grid_of_run(segmentation_node)
    reference = scan_of(segmentation_node.GetSegmentation())
    if reference is None:
        return None not in _placements(segmentation_node, whole, to_volume)
    part = _grid(*reference, to_volume)
    if part is None:
        return True  # it says nothing of a place
    grids = [whole] if then is None or then.shape != whole.shape else [whole, then]
    if any(_is_like(part, grid) for grid in grids):
        # It is the scan's, and a turn about the middle would leave the box as it was.
        apart = (whole.lps_to_index @ part.index_to_lps - np.eye(4)) @ corner_indices(part.shape)
        return bool(np.abs(apart).max() <= _NO_MOVE)
    if then is not None and _has_turned(part, whole):
        # Axes of its own may be turned against the scan's, but not where they are those of the run.
        to_world = to_world_of(volume_node)
        if not _has_turned(as_shown(part, to_world), then):
            return False
    return _is_within(part, whole)


def _is_like(part: Volume, whole: Volume) -> bool:
    """Whether two grids are of as many voxels, of the same size."""
    return part.shape == whole.shape and np.allclose(part.spacing, whole.spacing, rtol=0.01)


def _has_turned(one: Volume, other: Volume) -> bool:
    """Whether an axis of one grid leads another way than that of the other."""
    return bool(((one.direction * other.direction).sum(axis=0) < _SAME_WAY).any())


def _is_within(part: Volume, whole: Volume) -> bool:
    """Whether the box of a grid is within that of a scan, from border to border."""
    corners = (whole.lps_to_index @ part.index_to_lps @ corner_indices(part.shape, 0.5))[:3]
    bounds = corner_indices(whole.shape, 0.5 + _NO_MOVE)[:3]
    return bool(
        (corners.min(axis=1) >= bounds.min(axis=1)).all()
        and (corners.max(axis=1) <= bounds.max(axis=1)).all()
    )


def _grid(matrix: Matrix, extent: Extent, to_volume: NDArray[np.float64]) -> Volume | None:
    """A grid in the own space of a volume node, all 0; None for an empty one."""
    shape = shape_of(extent)
    if not all(shape):
        return None
    nothing = np.broadcast_to(np.uint8(0), shape)
    return placed(nothing, extent, to_volume @ np.reshape(matrix, (4, 4)))


def voxels_checksum(volume_node: Any) -> str | None:
    """Of voxels spread over the scan, their type and number; None where there are none."""
    checksums = _checksums(volume_node)
    return None if checksums is None else checksums[1]


def _checksums(volume_node: Any) -> tuple[str, str] | None:
    """Of the grid and of voxels spread over the scan, and without the place; None for no voxels."""
    image = volume_node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None:
        return None
    if image.GetNumberOfScalarComponents() != 1:
        return None
    grid = grid_of(volume_node)
    steps = tuple(slice(None, None, max(size // _SAMPLES, 1)) for size in grid.shape)
    # To the micrometre: files round.
    geometry = (np.round(grid.index_to_lps, 3) + 0.0).tolist()
    voxels = np.ascontiguousarray(grid.array[steps])
    kind = f"{grid.array.dtype.name} {grid.shape}"
    whole, alone = (hashlib.sha256(text.encode()) for text in (f"{kind} {geometry}", kind))
    for digest in (whole, alone):
        digest.update(voxels.data)
    return whole.hexdigest(), alone.hexdigest()
