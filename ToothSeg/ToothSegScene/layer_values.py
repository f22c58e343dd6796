"""Which labels an image of segments really has: a shared layer of 28 teeth is looked at once."""

from __future__ import annotations

import numpy as np
import slicer
from vtk.util.numpy_support import vtk_to_numpy

# A panel asks for the same again and again: image and time -> values.
_SEEN: dict[tuple[str, int], frozenset[int]] = {}
_MOST_SEEN = 64


def has_voxels(segment: slicer.vtkSegment) -> bool:
    """Whether a segment has voxels, and not merely an image."""
    image = segment.GetRepresentation("Binary labelmap")
    return image is not None and segment.GetLabelValue() in values_of(image)


def values_of(image: slicer.vtkOrientedImageData) -> frozenset[int]:
    """The values, none of them negative, that an image's voxels have."""
    scalars = image.GetPointData().GetScalars()
    if scalars is None or scalars.GetNumberOfTuples() == 0:
        return frozenset()
    # VTK counts every change of any object, so a time belongs to one content.
    key = (image.GetAddressAsString(""), image.GetMTime())
    if key not in _SEEN:
        array = vtk_to_numpy(scalars)
        there = np.zeros(int(array.max()) + 1, bool)
        there[array] = True
        while len(_SEEN) >= _MOST_SEEN:
            del _SEEN[next(iter(_SEEN))]
        _SEEN[key] = frozenset(np.flatnonzero(there).tolist())
    return _SEEN[key]
