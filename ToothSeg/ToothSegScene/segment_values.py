"""What a segment, its display and its image hold, as the values of `state.py`, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from scipy import ndimage
from vtk.util.numpy_support import vtk_to_numpy

from ToothSegLib.errors import InputError
from ToothSegScene.state import TAGS, Display, Extent, Look, Mask, overlap, shape_of

_DISPLAYED = [name for name in Display._fields if name != "OverrideColor"]


def look_of(segment: Any, segment_id: str, display: Any) -> Look:
    """Name, colour, tags and, with a display node, display properties of a segment."""
    origin = slicer.vtkSegment()
    origin.DeepCopyMetadata(segment)
    tags, value = {}, vtk.reference("")
    for tag in TAGS:
        if segment.GetTag(tag, value):
            tags[tag] = str(value)
    shown = None if display is None else _display(display, segment_id)
    return Look(segment.GetName(), segment.GetColor(), tags, shown, origin)


def dress(segment: Any, look: Look) -> None:
    """Set a segment's name, colour and tags; its label stays."""
    label = segment.GetLabelValue()
    segment.DeepCopyMetadata(look.origin)
    segment.SetLabelValue(label)
    segment.SetName(look.name)
    segment.SetColor(look.colour)
    for tag in TAGS:
        if tag in look.tags:
            segment.SetTag(tag, look.tags[tag])
        else:
            segment.RemoveTag(tag)


def _display(display: Any, segment_id: str) -> Display:
    values = [getattr(display, f"GetSegment{name}")(segment_id) for name in _DISPLAYED]
    return Display._make([*values, tuple(display.GetSegmentOverrideColor(segment_id))])


def show(display: Any, segment_id: str, wanted: Display | None) -> None:
    """Set a segment's display properties, where there is a display node and they differ."""
    if display is None or wanted is None or wanted == _display(display, segment_id):
        return
    for name in _DISPLAYED:
        getattr(display, f"SetSegment{name}")(segment_id, getattr(wanted, name))
    if min(wanted.OverrideColor) < 0:
        display.UnsetSegmentOverrideColor(segment_id)
    else:
        display.SetSegmentOverrideColor(segment_id, *wanted.OverrideColor)


def matrix_of(image: Any) -> tuple[float, ...]:
    """4 x 4, row by row, from voxel index to the segmentation's coordinates."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return _numbers(matrix)


def scan_of(segmentation: Any) -> tuple[tuple[float, ...], Extent] | None:
    """Matrix and extent of a segmentation's reference geometry, where it has one."""
    converter = slicer.vtkSegmentationConverter
    text = segmentation.GetConversionParameter(converter.GetReferenceImageGeometryParameterName())
    matrix, extent = vtk.vtkMatrix4x4(), [0, -1, 0, -1, 0, -1]
    if not text or not converter.DeserializeImageGeometry(text, matrix, extent):
        return None
    return _numbers(matrix), tuple(extent)


def _numbers(matrix: vtk.vtkMatrix4x4) -> tuple[float, ...]:
    return tuple(matrix.GetElement(row, column) for row in range(4) for column in range(4))


def voxels_of(image: Any) -> NDArray[Any]:
    """(k, j, i) of an image, no copy; of an empty one, an empty array."""
    scalars = image.GetPointData().GetScalars()
    if scalars is None:
        return np.zeros((0, 0, 0), np.uint8)
    array = vtk_to_numpy(scalars).reshape(shape_of(image.GetExtent()))
    if not np.issubdtype(array.dtype, np.integer):
        raise InputError(
            f"the segments have voxels of type {array.dtype}: labels must be whole numbers"
        )
    return array


def masks_of(array: NDArray[Any], extent: Extent) -> dict[int, Mask]:
    """The masks of all labels of an image's voxels."""
    masks: dict[int, Mask] = {}
    if not array.size:  # as of a segment that the Segment Editor has just added
        return masks
    for label, box in enumerate(ndimage.find_objects(array), start=1):
        if box is not None:
            corner = [part.start + extent[axis] for part, axis in zip(box[::-1], (0, 2, 4))]
            mask = Mask.of(array[box] == label, corner)
            if mask is not None:
                masks[label] = mask
    return masks


def write_masks(
    array: NDArray[Any], extent: Extent, old: Mapping[int, Mask], new: Mapping[int, Mask]
) -> bool:
    """Change an image's voxels from some masks to others.

    What is there that belongs to neither is left alone; False if it was in the way of a mask.
    """
    changed = [label for label in {**old, **new} if old.get(label) != new.get(label)]
    for label in changed:
        if label in old:
            inside, part = overlap(extent, old[label].extent)
            view = array[inside]
            view[old[label].voxels[part] & (view == label)] = 0
    whole = True
    for label in changed:
        if label in new:
            inside, part = overlap(extent, new[label].extent)
            view, wanted = array[inside], new[label].voxels[part]
            free = view == 0
            view[wanted & free] = label
            whole &= not (wanted & ~free).any()
    return whole
