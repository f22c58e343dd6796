"""Segments whose voxels hold their FDI numbers, for programs that look at nothing but voxels."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
from vtk.util.numpy_support import vtk_to_numpy

from ToothSegLib.segment_labels import NO_TOOTH
from ToothSegLib.teeth import ALL_FDI_NUMBERS
from ToothSegLib.tooth_names import teeth_by_name
from ToothSegScene.hand_drawn import title_of
from ToothSegScene.layer_values import LABELMAP, has_voxels
from ToothSegScene.nodes import copy_of
from ToothSegScene.segments import teeth_of
from ToothSegScene.state import FDI

_MOST_SEGMENTS = 127 - max(ALL_FDI_NUMBERS)


def with_fdi_values(segmentation_node: Any) -> Any:
    """A copy outside of the scene; the label value of a tooth is its FDI number.

    A tooth that bears the name of another one has its own there. Segments that are no teeth get
    values above those of teeth, and a tag that says so where their names or tags speak of one. All
    lie in one layer, unless they overlap. A node of very many segments is given as it is.
    """
    if segmentation_node.GetSegmentation().GetNumberOfSegments() > _MOST_SEGMENTS:
        return segmentation_node  # a byte a voxel has no room for more; tags and names tell
    copy = copy_of(segmentation_node)
    segmentation = copy.GetSegmentation()
    # What was drawn by hand has a layer of its own; few programs read more than one.
    segmentation.CollapseBinaryLabelmaps(False)
    fdi_of = {segment_id: fdi for fdi, segment_id in teeth_of(copy).items()}
    others = count(max(ALL_FDI_NUMBERS) + 1)
    layers: dict[str, tuple[Any, dict[int, int]]] = {}
    for segment_id in segmentation.GetSegmentIDs():
        segment = segmentation.GetSegment(segment_id)
        value = fdi_of.get(segment_id) or next(others)
        _name_by_number(segment, fdi_of.get(segment_id))
        image = segment.GetRepresentation(LABELMAP)
        if image is not None:
            _, values = layers.setdefault(image.GetAddressAsString(""), (image, {}))
            values[segment.GetLabelValue()] = value
        segment.SetLabelValue(value)
    for image, values in layers.values():
        scalars = image.GetPointData().GetScalars()
        if scalars is None or not scalars.GetNumberOfTuples():
            continue
        voxels = vtk_to_numpy(scalars)
        table = np.zeros(max(int(voxels.max()), *values) + 1, voxels.dtype)
        table[list(values)] = list(values.values())
        voxels[:] = table[voxels]
        image.Modified()
    return copy


def _name_by_number(segment: Any, fdi: int | None) -> None:
    """Let name and tag of a segment agree with what it is, so that every reader takes it for that.

    Args:
        segment: of the copy.
        fdi: the tooth that it is; None for a segment that is no tooth.
    """
    if fdi is not None:
        segment.SetName(title_of(segment, fdi))
    elif has_voxels(segment) and (segment.HasTag(FDI) or teeth_by_name(segment.GetName())):
        segment.SetTag(FDI, NO_TOOTH)
