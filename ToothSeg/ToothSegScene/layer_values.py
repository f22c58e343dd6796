"""Which labels an image of segments really has: a shared layer of 28 teeth is looked at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

LABELMAP = "Binary labelmap"
"""Slicer's name of the representation that holds voxels."""

ImageKey = tuple[str, int]

# A panel asks for the same again and again.
_SEEN: dict[ImageKey, frozenset[int]] = {}
_MOST_SEEN = 64


def image_key(image: Any) -> ImageKey:
    """Which image of VTK it is, and of when.

    VTK counts every change of any object, so a time belongs to one content.
    """
    return image.GetAddressAsString(""), int(image.GetMTime())


def has_voxels(segment: slicer.vtkSegment) -> bool:
    """Whether a segment has voxels, and not merely an image."""
    image = segment.GetRepresentation(LABELMAP)
    return image is not None and segment.GetLabelValue() in values_of(image)


def values_of(image: slicer.vtkOrientedImageData) -> frozenset[int]:
    """The values, none of them negative, that an image's voxels have."""
    scalars = image.GetPointData().GetScalars()
    if scalars is None or scalars.GetNumberOfTuples() == 0:
        return frozenset()
    key = image_key(image)
    if key not in _SEEN:
        array = vtk_to_numpy(scalars)
        there = np.zeros(int(array.max()) + 1, bool)
        there[array] = True
        while len(_SEEN) >= _MOST_SEEN:
            del _SEEN[next(iter(_SEEN))]
        _SEEN[key] = frozenset(np.flatnonzero(there).tolist())
    return _SEEN[key]


def fdi_layers(
    segmentation: slicer.vtkSegmentation, segment_ids: Mapping[int, str]
) -> Iterator[tuple[Any, NDArray[np.uint8]]]:
    """The images of teeth, each once however many share it, with (k, j, i) FDI numbers.

    Args:
        segmentation: of voxels.
        segment_ids: FDI number -> id of a segment that has voxels.
    """
    layers: dict[str, tuple[Any, dict[int, int]]] = {}
    for fdi, segment_id in segment_ids.items():
        segment = segmentation.GetSegment(segment_id)
        image = segment.GetRepresentation(LABELMAP)
        _, fdi_of_value = layers.setdefault(image.GetAddressAsString(""), (image, {}))
        fdi_of_value[segment.GetLabelValue()] = fdi
    for image, fdi_of_value in layers.values():
        table = np.zeros(max(values_of(image)) + 1, np.uint8)
        table[list(fdi_of_value)] = list(fdi_of_value.values())
        voxels = vtk_to_numpy(image.GetPointData().GetScalars())
        yield image, table[voxels.reshape(image.GetDimensions()[::-1])]
