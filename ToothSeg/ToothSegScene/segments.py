"""A `Segmentation` as a segmentation node, one segment a tooth, and its labels back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

from ToothSegLib.errors import InputError, ToothSegError
from ToothSegLib.formats.slicer_header import terminology_entry
from ToothSegLib.grids.grid import labels_to_source
from ToothSegLib.grids.label_boxes import filled_box
from ToothSegLib.report import Segmentation, to_json
from ToothSegLib.teeth import FDI_NUMBERS, TEETH, THIRD_MOLARS, by_fdi
from ToothSegLib.volume import Volume
from ToothSegScene import state
from ToothSegScene.layer_values import fdi_layers, has_voxels
from ToothSegScene.transforms import between
from ToothSegScene.volumes import (
    Placement,
    as_shown,
    grid_of,
    placed,
    placement_of,
    volume_from_node,
)

REPORT = "ToothSeg.Report"
MISSING = "ToothSeg.Missing"
VOLUME = "ToothSeg.Volume"
CASE = "ToothSeg.Case"
REVIEWED = "ToothSeg.Reviewed"
"""Attribute of a segmentation node: the teeth that were reviewed when last seen; see `seen.py`."""

REGION = "region"
"""Entry of a report's provenance where only a part of the scan was segmented: the part."""

SCAN = "ToothSeg.Scan"
"""Attribute of a segmentation node: what its scan is known again by; see `own_scan.py`."""

_FDI = {code.fdi for code in (*TEETH, *THIRD_MOLARS)}
# Lets the scan show through in the slice views; the outline stays full.
_FILL_OPACITY = 0.3


def write_segmentation(
    scene: slicer.vtkMRMLScene,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    segmentation: Segmentation,
    node: slicer.vtkMRMLSegmentationNode | None = None,
    *,
    empty_segments: bool = False,
    to_run: NDArray[np.float64] | None = None,
) -> slicer.vtkMRMLSegmentationNode:
    """Put a result into the scene, on the voxels and under the transform of its volume.

    Args:
        scene: where the volume is.
        volume_node: the scan that was segmented.
        segmentation: its labels are on the voxels of the scan, or of a part of it.
        node: to be overwritten, all its segments too, and keeps its display. It is a new result
            then: of no case, and under a new name unless it was of this volume before. A new one
            is made if None.
        empty_segments: whether teeth that were not found get a segment too.
        to_run: (4, 4) RAS, from the scan's own space to that in which it was segmented, where the
            labels are and the places that the findings tell; they are in its own space if None.

    Returns:
        The node, see docs/slicer-module.md for what it holds.

    Raises:
        InputError: the volume has gone or its voxels have changed; the scene is as it was.
    """
    if not scene.IsNodePresent(volume_node):
        raise InputError("the volume of this result is no longer in the scene: load it again")
    whole, _ = volume_from_node(volume_node)
    seen = whole if to_run is None else as_shown(whole, to_run)
    placement = placement_of(segmentation.labels, seen)
    if placement is None:
        raise has_changed(volume_node)
    new = node is None
    if node is None:
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", _free_name(volume_node))
        _put_beside(node, volume_node)
    modifying = node.StartModify()
    try:
        if not new and not _may_be_of(node, volume_node):
            _move_to(node, volume_node)
        _fill(node, volume_node, segmentation, placement, empty_segments)
        nothing = np.broadcast_to(np.uint8(0), whole.shape)
        provenance = dict(segmentation.provenance)
        if not placement.whole:
            provenance[REGION] = _box(placement)
        report = replace(segmentation, labels=seen.with_array(nothing), provenance=provenance)
        node.SetAttribute(REPORT, to_json(report))
        node.RemoveAttribute(MISSING)
        node.RemoveAttribute(CASE)
        node.RemoveAttribute(REVIEWED)
        node.RemoveAttribute(SCAN)
        node.SetNodeReferenceID(VOLUME, volume_node.GetID())
        node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
        # Under the same transform by now, or the geometry would be that of the world.
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    finally:
        node.EndModify(modifying)
    node.CreateDefaultDisplayNodes()
    if new:
        node.GetDisplayNode().SetOpacity2DFill(_FILL_OPACITY)
    return node


def has_changed(volume_node: slicer.vtkMRMLScalarVolumeNode) -> InputError:
    """The error for a result that is of no use: its volume is another one by now."""
    return InputError(
        f"the voxels of the volume {volume_node.GetName()!r} are not those that were "
        "segmented: it has changed, so segment it again"
    )


def read_labels(
    segmentation_node: slicer.vtkMRMLSegmentationNode, volume_node: slicer.vtkMRMLScalarVolumeNode
) -> Volume:
    """FDI numbers of the teeth on the voxels of a volume, in the volume's own space; uint8.

    Segments of another grid, or under another transform, take the nearest voxel. Where teeth
    overlap, the one with the higher number has the voxel.

    Raises:
        InputError: the volume is empty, or a transform between the two is not linear.
    """
    if volume_node is None or volume_node.GetImageData() is None:
        raise InputError("there is no volume whose voxels the labels could have: choose one")
    grid = grid_of(volume_node)
    labels = np.zeros(grid.shape, np.uint8)
    for part, there in teeth_on_grid(segmentation_node, volume_node):
        np.maximum(labels[part], there, out=labels[part])
    return grid.with_array(labels)


def teeth_on_grid(
    segmentation_node: slicer.vtkMRMLSegmentationNode, volume_node: slicer.vtkMRMLScalarVolumeNode
) -> Iterator[tuple[tuple[slice, ...], NDArray[np.uint8]]]:
    """The images of teeth, one after the other, on the voxels of a volume; see `read_labels`.

    Yields:
        (k, j, i) slices of the volume's array, and the FDI numbers there.

    Raises:
        InputError: a transform between the two is not linear.
    """
    grid = grid_of(volume_node)
    to_volume = between(segmentation_node, volume_node)
    segmentation = segmentation_node.GetSegmentation()
    for image, fdis in fdi_layers(segmentation, teeth_of(segmentation_node)):
        matrix = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        index_to_volume = to_volume @ slicer.util.arrayFromVTKMatrix(matrix)
        layer = placed(fdis, image.GetExtent(), index_to_volume)
        placement = placement_of(layer, grid)
        if placement is None:
            yield (slice(None),) * 3, labels_to_source(layer, None, grid)
        else:  # voxel upon voxel, as a run leaves them: nothing is resampled, nor is the rest read
            yield placement.part, layer.array


def teeth_of(segmentation_node: slicer.vtkMRMLSegmentationNode) -> dict[int, str]:
    """FDI number -> id of the segment, of those that have voxels; of two with a number, the first.

    What a segment is, its tag says, whatever its id and its name.
    """
    segmentation = segmentation_node.GetSegmentation()
    teeth: dict[int, str] = {}
    for place in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(place)
        fdi = _fdi_of(segment)
        if fdi and fdi not in teeth and has_voxels(segment):
            teeth[fdi] = segmentation.GetNthSegmentID(place)
    return teeth


def _fill(
    node: slicer.vtkMRMLSegmentationNode,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    segmentation: Segmentation,
    placement: Placement,
    empty_segments: bool,
) -> None:
    """Replace the segments of a node by those of a result."""
    segments = node.GetSegmentation()
    segments.RemoveAllSegments()
    node.SetSourceRepresentationToBinaryLabelmap()
    confidences = {tooth.fdi: tooth.confidence for tooth in segmentation.teeth}
    fdis = sorted(FDI_NUMBERS if empty_segments else confidences)
    ids = [
        segments.AddEmptySegment(
            f"tooth_{fdi}",
            f"{fdi} {by_fdi(fdi).name}",
            [value / 255 for value in by_fdi(fdi).colour],
        )
        for fdi in fdis
    ]
    _import_labels(node, volume_node, segmentation.labels.array, placement, dict(zip(fdis, ids)))
    for fdi, segment_id in zip(fdis, ids):
        tooth, segment = by_fdi(fdi), segments.GetSegment(segment_id)
        segment.SetNameAutoGenerated(False)
        segment.SetColorAutoGenerated(False)
        segment.SetTag(state.FDI, str(fdi))
        segment.SetTag(state.CATEGORY, tooth.category_name)
        segment.SetTag(state.CONFIDENCE, f"{confidences.get(fdi, 0.0):.3f}")
        # What an empty segment will hold one day, somebody has painted.
        segment.SetTag(state.REVIEW, state.PREDICTED if fdi in confidences else state.CORRECTED)
        segment.SetTag(state.TERMINOLOGY, terminology_entry(tooth))


def _import_labels(
    node: slicer.vtkMRMLSegmentationNode,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    labels: NDArray[np.uint8],
    placement: Placement,
    segment_ids: dict[int, str],
) -> None:
    """Give segments their voxels, all in one layer no larger than it must be."""
    box = filled_box(labels)
    if box is None:
        return
    numbers = np.zeros(256, np.uint8)
    numbers[list(segment_ids)] = np.arange(1, len(segment_ids) + 1)
    first = volume_node.GetImageData().GetExtent()[4::-2]
    bounds = [
        (start + part.start + along.start, start + part.start + along.stop - 1)
        for start, part, along in zip(first, placement.part, box)
    ]
    image = vtk.vtkImageData()
    image.SetExtent(*np.ravel(bounds[::-1]).tolist())
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    vtk_to_numpy(image.GetPointData().GetScalars())[:] = numbers[labels[box]].ravel()
    labelmap = slicer.vtkMRMLLabelMapVolumeNode()
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    labelmap.SetIJKToRASMatrix(matrix)
    labelmap.SetAndObserveImageData(image)
    # Neither is under a transform now, so nothing is resampled.
    node.SetAndObserveTransformNodeID(None)
    ids = vtk.vtkStringArray()
    for segment_id in segment_ids.values():
        ids.InsertNextValue(segment_id)
    if not slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(
        labelmap, node, ids
    ):
        raise ToothSegError("Slicer cannot make segments of the labels: see its error log")


def _box(placement: Placement) -> dict[str, list[int]]:
    """The first voxel (i, j, k) of a part, and how many there are along i, j and k."""
    part = placement.part[::-1]
    return {
        "first": [along.start for along in part],
        "size": [along.stop - along.start for along in part],
    }


def _free_name(volume_node: slicer.vtkMRMLScalarVolumeNode) -> str:
    name: str = volume_node.GetScene().GenerateUniqueName(f"{volume_node.GetName()} teeth")
    return name


def _may_be_of(
    node: slicer.vtkMRMLSegmentationNode, volume_node: slicer.vtkMRMLScalarVolumeNode
) -> bool:
    """Whether a node is of a volume; one that holds nothing yet may be of any."""
    if not node.GetAttribute(REPORT) and not node.GetSegmentation().GetNumberOfSegments():
        return True
    by_hand = node.GetReferenceImageGeometryReferenceRole()
    known = node.GetNodeReferenceID(VOLUME) or node.GetNodeReferenceID(by_hand)
    return bool(known == volume_node.GetID())


def _move_to(
    node: slicer.vtkMRMLSegmentationNode, volume_node: slicer.vtkMRMLScalarVolumeNode
) -> None:
    """Take from a node what tells of another volume: its name, its folder, and its file."""
    node.SetName(_free_name(volume_node))
    _put_beside(node, volume_node)
    file = node.GetStorageNode()
    if file is not None:  # or the next save of the scene would write over that patient's
        file.ResetFileNameList()
        file.SetFileName("")


def _put_beside(node: slicer.vtkMRMLNode, other: slicer.vtkMRMLNode) -> None:
    """Into the same folder or study of the subject hierarchy."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())
    if hierarchy is None:
        return
    item, beside = hierarchy.GetItemByDataNode(node), hierarchy.GetItemByDataNode(other)
    if item and beside:
        hierarchy.SetItemParent(item, hierarchy.GetItemParent(beside))


def _fdi_of(segment: slicer.vtkSegment) -> int:
    """The number of a tooth by its tag; 0 for what is none."""
    tag = vtk.reference("")
    text = str(tag) if segment.GetTag(state.FDI, tag) else ""
    return int(text) if text.isdecimal() and int(text) in _FDI else 0
