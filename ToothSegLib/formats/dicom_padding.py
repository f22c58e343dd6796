"""What a DICOM file says that it has where nothing was seen, made as dark as air.

Most devices take a dark value, which stays as it is. A bright one, as around the cylinder that a
cone beam sees, would count as bone and move all that is reckoned by the brightest of a scan.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.formats.dicom_frames import Frame
from ToothSegLib.grids.padding import darkened


def without_padding(array: NDArray, frames: Sequence[Frame]) -> NDArray:
    """The voxels with PixelPaddingValue, where it is bright and outside, as dark as the darkest.

    Args:
        array: (k, j, i) grey values, which are stored values rescaled.
        frames: the slices in this order.
    """
    if all(frame.padding is None for frame in frames):
        return array
    padding = np.zeros(array.shape, bool)
    for values, found, frame in zip(array, padding, frames):
        if frame.padding is None:
            continue
        (slope,), (intercept,) = frame.slope or (1.0,), frame.intercept or (0.0,)
        ends = (*frame.padding, *(frame.padding_limit or ()))
        low, high = (pick(ends) for pick in (min, max))
        low, high = sorted((low * slope + intercept, high * slope + intercept))
        found[...] = (values >= low - abs(slope) / 4) & (values <= high + abs(slope) / 4)
    return darkened(array, padding)
